//! An independent peer: str0m, with its own ICE, DTLS, SRTP, NACK and RTX, driven in virtual time.

use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use str0m::crypto::Fingerprint;
use str0m::media::{KeyframeRequestKind, MediaKind as StrKind, Mid, Pt};
use str0m::net::{Protocol, Receive};
use str0m::rtp::RtpWrite;
use str0m::stats::{MediaEgressStats, MediaIngressStats};
use str0m::{Candidate, Event, IceCreds, Input, Output, Rtc};
use tureen_tests::media::{Camera, Listener, Viewer, opus_payload};
use tureen_tests::parameters::{OPUS, Stream, VP8};
use tureen_tests::world::Peer;
use tureen_worker::internal::params::{self, DtlsParameters, DtlsRole, IceParameters, MediaKind};
use tureen_worker::internal::time::{ClockAnchor, Instant};

/// A person in a call: publishes a camera and a microphone, or watches and listens, or both.
pub(crate) struct Person {
    rtc: Rtc,
    clock: ClockAnchor,
    address: SocketAddr,
    server: SocketAddr,
    transmits: VecDeque<Vec<u8>>,
    rtc_timeout: Option<Instant>,
    published: Vec<Published>,
    pub(crate) received: Vec<Received>,
    pub(crate) is_connected: bool,
    pub(crate) is_closed: bool,
    pub(crate) egress: Vec<MediaEgressStats>,
}

struct Published {
    stream: Stream,
    camera: Camera,
    next_at: Instant,
    sequence_number: u64,
    timestamp: u32,
    number: u32,
    key_frame_requests: u64,
    is_muted: bool,
}

/// What came of one stream.
#[derive(Default)]
pub(crate) struct Received {
    mid: Option<Mid>,
    ssrc: u32,
    pub(crate) viewer: Viewer,
    pub(crate) listener: Listener,
    /// Sequence numbers, extended, each once.
    pub(crate) sequence_numbers: BTreeSet<u64>,
    /// The newest of the peer's own statistics.
    pub(crate) stats: Option<MediaIngressStats>,
}

impl Person {
    pub(crate) fn new(clock: ClockAnchor, now: Instant, address: SocketAddr) -> Self {
        let rtc = Rtc::builder()
            .set_rtp_mode(true)
            .set_stats_interval(Some(Duration::from_secs(1)))
            .set_rtcp_report_interval_audio(Duration::from_secs(1))
            .build(clock.to_std(now));
        Self {
            rtc,
            clock,
            address,
            server: address,
            transmits: VecDeque::new(),
            rtc_timeout: Some(now),
            published: Vec::new(),
            received: Vec::new(),
            is_connected: false,
            is_closed: false,
            egress: Vec::new(),
        }
    }

    /// Its DTLS parameters, as the controller would signal them: always the client.
    pub(crate) fn dtls_parameters(&mut self) -> DtlsParameters {
        let direct = self.rtc.direct_api();
        let fingerprint = direct.local_dtls_fingerprint();
        let hex: Vec<_> = fingerprint
            .bytes
            .iter()
            .map(|b| format!("{b:02X}"))
            .collect();
        DtlsParameters {
            fingerprints: vec![params::Fingerprint {
                algorithm: params::FingerprintAlgorithm::Sha256,
                value: hex.join(":"),
            }],
            role: DtlsRole::Client,
        }
    }

    /// Begins to connect to a transport of the worker.
    pub(crate) fn connect(
        &mut self,
        now: Instant,
        server: SocketAddr,
        ice: &IceParameters,
        dtls: &DtlsParameters,
    ) {
        self.server = server;
        let host = |address| Candidate::host(address, "udp").expect("it is a host's address");
        self.rtc.add_local_candidate(host(self.address));
        self.rtc.add_remote_candidate(host(server));
        let fingerprint = dtls
            .fingerprints
            .iter()
            .find(|f| f.algorithm == params::FingerprintAlgorithm::Sha256)
            .expect("a worker has a fingerprint by SHA-256");
        let mut direct = self.rtc.direct_api();
        direct.set_ice_controlling(true);
        direct.set_remote_ice_credentials(IceCreds {
            ufrag: ice.username_fragment.clone(),
            pass: ice.password.clone(),
        });
        direct.set_remote_fingerprint(Fingerprint {
            hash_func: "sha-256".to_owned(),
            bytes: fingerprint
                .value
                .split(':')
                .map(|byte| u8::from_str_radix(byte, 16).expect("it is hexadecimal"))
                .collect(),
        });
        direct.start_dtls(true).expect("DTLS starts");
        direct.enable_twcc_feedback();
        self.rtc_timeout = Some(now);
    }

    /// Publishes a stream from now on.
    pub(crate) fn publish(&mut self, now: Instant, stream: Stream, camera: Camera) {
        let mid = self.declare(stream);
        let rtx = stream.rtx_ssrc().map(Into::into);
        let mut direct = self.rtc.direct_api();
        let sender = direct.declare_stream_tx(stream.ssrc.into(), rtx, mid, None);
        sender.set_rtx_cache(1024, Duration::from_secs(3), None);
        self.published.push(Published {
            stream,
            camera,
            next_at: now,
            sequence_number: 1000,
            timestamp: 3000,
            number: 0,
            key_frame_requests: 0,
            is_muted: false,
        });
    }

    /// Expects a stream of the worker.
    pub(crate) fn watch(&mut self, stream: Stream) {
        let mid = self.declare(stream);
        let rtx = stream.rtx_ssrc().map(Into::into);
        let mut direct = self.rtc.direct_api();
        direct.expect_stream_rx(stream.ssrc.into(), rtx, mid, None);
        self.received.push(Received {
            mid: Some(mid),
            ssrc: stream.ssrc,
            ..Received::default()
        });
    }

    /// Sends no media from now on, or does again.
    pub(crate) fn mute(&mut self, now: Instant, is_muted: bool) {
        for published in &mut self.published {
            published.is_muted = is_muted;
            published.next_at = published.next_at.max(now);
        }
    }

    /// How many packets it has published of the nth stream, retransmissions not counted.
    pub(crate) fn packets_published(&self, number: usize) -> u64 {
        self.published[number].sequence_number - 1000
    }

    /// How often the worker asked for a key frame of the nth stream, and how many key frames were
    /// made.
    pub(crate) fn key_frames(&self, number: usize) -> (u64, u32) {
        let published = &self.published[number];
        (published.key_frame_requests, published.camera.key_frames)
    }

    fn declare(&mut self, stream: Stream) -> Mid {
        let mid = Mid::from(stream.mid);
        let kind = match stream.kind {
            MediaKind::Audio => StrKind::Audio,
            MediaKind::Video => StrKind::Video,
        };
        self.rtc.direct_api().declare_media(mid, kind);
        mid
    }

    fn poll_rtc(&mut self, now: Instant) {
        self.ask_for_key_frames(now);
        while self.rtc.is_alive() {
            match self.rtc.poll_output().expect("the peer has no complaint") {
                Output::Timeout(at) => {
                    // An answer that is not in the future would stop the clock.
                    let at = self.clock.from_std(at).max(now + TICK);
                    self.rtc_timeout = Some(at);
                    return;
                }
                Output::Transmit(transmit) => {
                    self.transmits.push_back(transmit.contents.to_vec());
                }
                Output::Event(event) => self.handle_event(now, event),
            }
        }
        self.rtc_timeout = None;
    }

    fn handle_event(&mut self, now: Instant, event: Event) {
        match event {
            Event::Connected => self.is_connected = true,
            Event::Closed => self.is_closed = true,
            Event::RtpPacket(packet) => {
                let ssrc = *packet.header.ssrc;
                let received = self.received.iter_mut().find(|r| r.ssrc == ssrc);
                let received = received.expect("nothing comes that was not signalled");
                received.sequence_numbers.insert(*packet.seq_no);
                if *packet.header.payload_type == OPUS {
                    received.listener.handle(&packet.payload);
                } else {
                    received.viewer.handle(now, &packet.payload);
                }
            }
            Event::KeyframeRequest(request) => {
                let published = self
                    .published
                    .iter_mut()
                    .find(|p| Mid::from(p.stream.mid) == request.mid)
                    .expect("it is of a stream that is published");
                published.key_frame_requests += 1;
                published.camera.want_key_frame();
            }
            Event::MediaIngressStats(stats) => {
                let received = self.received.iter_mut().find(|r| r.mid == Some(stats.mid));
                if let Some(received) = received {
                    received.stats = Some(stats);
                }
            }
            Event::MediaEgressStats(stats) => {
                self.egress.retain(|other| other.mid != stats.mid);
                self.egress.push(stats);
            }
            _ => {}
        }
    }

    fn ask_for_key_frames(&mut self, now: Instant) {
        for received in &mut self.received {
            if received.viewer.wants_key_frame(now) {
                let mut direct = self.rtc.direct_api();
                let stream = direct.stream_rx(&received.ssrc.into());
                stream
                    .expect("it is expected")
                    .request_keyframe(KeyframeRequestKind::Pli);
            }
        }
    }

    fn send_media(&mut self, now: Instant) {
        for published in &mut self.published {
            while published.next_at <= now {
                published.send(now, self.clock, &mut self.rtc);
            }
        }
    }
}

impl Published {
    fn send(&mut self, now: Instant, clock: ClockAnchor, rtc: &mut Rtc) {
        let (interval, ticks, pt) = match self.stream.kind {
            MediaKind::Audio => (AUDIO_INTERVAL, 960, OPUS),
            MediaKind::Video => (VIDEO_INTERVAL, 3000, VP8),
        };
        self.next_at += interval;
        self.timestamp = self.timestamp.wrapping_add(ticks);
        if self.is_muted {
            return;
        }
        let payloads = match self.stream.kind {
            MediaKind::Audio => vec![opus_payload(self.number)],
            MediaKind::Video => self.camera.next_frame(),
        };
        self.number += 1;
        let last = payloads.len() - 1;
        for (index, payload) in payloads.into_iter().enumerate() {
            let write = RtpWrite::new(
                Pt::from(pt),
                self.sequence_number.into(),
                self.timestamp,
                clock.to_std(now),
                payload,
            );
            let is_video = self.stream.kind == MediaKind::Video;
            let write = write.marker(is_video && index == last).nackable(is_video);
            self.sequence_number += 1;
            let mut direct = rtc.direct_api();
            let sender = direct.stream_tx(&self.stream.ssrc.into());
            sender.expect("it was declared").write_rtp(write);
        }
    }
}

impl Peer for Person {
    fn handle_datagram(&mut self, now: Instant, datagram: &[u8]) {
        if !self.rtc.is_alive() {
            return;
        }
        let received = Receive::new(Protocol::Udp, self.server, self.address, datagram);
        let received = received.expect("the worker sends what peers know");
        let input = Input::Receive(self.clock.to_std(now), received);
        self.rtc.handle_input(input).expect("the peer takes it");
        self.poll_rtc(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        if !self.rtc.is_alive() {
            self.rtc_timeout = None;
            return;
        }
        if self.is_connected {
            self.send_media(now);
        }
        let input = Input::Timeout(self.clock.to_std(now));
        self.rtc.handle_input(input).expect("time passes");
        self.poll_rtc(now);
    }

    fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        self.transmits.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let media = self.published.iter().map(|published| published.next_at);
        let media = media.filter(|_| self.is_connected && self.rtc.is_alive());
        media.chain(self.rtc_timeout).min()
    }
}

/// The least time between two looks at a peer.
const TICK: Duration = Duration::from_millis(1);
const AUDIO_INTERVAL: Duration = Duration::from_millis(20);
const VIDEO_INTERVAL: Duration = Duration::from_nanos(33_333_333);
