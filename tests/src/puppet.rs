//! A peer that the test controls packet by packet; it keeps what it receives in the clear. It does
//! ICE like any peer. Its SRTP keys are those of a simulated worker (`Worker::simulated`), so
//! nothing about it is random.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use tureen_worker::internal::dtls::{SIMULATED_CERTIFICATE, fingerprint, simulated_keys};
use tureen_worker::internal::ids::{PayloadType, Ssrc};
use tureen_worker::internal::messages::{Listen, RequestBody, ResponseBody};
use tureen_worker::internal::params::{
    DtlsParameters, DtlsRole, FingerprintAlgorithm, IceParameters, MediaKind,
};
use tureen_worker::internal::srtp::{MAX_PROTECTION_OVERHEAD, SrtpReceive, SrtpSend};
use tureen_worker::internal::time::Instant;
use tureen_worker::internal::wire::demux::DatagramKind;
use tureen_worker::internal::wire::rtcp::{
    CompoundWriter, Nack, Pli, ReceiverReport, RtcpPacket, RtcpPackets,
};
use tureen_worker::internal::wire::rtp::{RtpHeader, RtpPacket};
use tureen_worker::internal::wire::stun::{BindingRequest, IceRole, IntegrityKey, TransactionId};

use crate::media::{Camera, opus_payload};
use crate::parameters::{OPUS, Stream, VP8, VP8_RTX, create_web_rtc_transport};
use crate::world::{Peer, World};

/// The puppet. Everything that it received is kept, so a test that runs long empties the lists.
pub struct Puppet {
    username: String,
    key: IntegrityKey,
    send: SrtpSend,
    receive: SrtpReceive,
    transmits: VecDeque<Vec<u8>>,
    next_check: Instant,
    checks: u64,
    sources: Vec<Source>,
    gaps: BTreeMap<Ssrc, Gaps>,
    /// RTP packets in the clear, with when they came.
    pub rtp: Vec<(Instant, Vec<u8>)>,
    /// Compound RTCP packets in the clear.
    pub rtcp: Vec<(Instant, Vec<u8>)>,
    /// Answers to connectivity checks.
    pub stun: Vec<Vec<u8>>,
    /// How often the worker said goodbye.
    pub alerts: usize,
}

/// A stream that the puppet publishes by itself.
struct Source {
    stream: Stream,
    camera: Camera,
    next_at: Instant,
    sequence_number: u16,
    rtx_sequence_number: u16,
    timestamp: u32,
    number: u32,
    /// Packets in the clear, for when they are asked for again.
    sent: BTreeMap<u16, Vec<u8>>,
}

/// What is missing of a stream with retransmissions.
#[derive(Default)]
struct Gaps {
    highest: Option<u16>,
    missing: BTreeSet<u16>,
    asked: Option<Instant>,
}

impl Puppet {
    /// A puppet for a transport with these ICE parameters.
    #[must_use]
    pub fn new(now: Instant, ice: &IceParameters) -> Self {
        let keys = simulated_keys(ice);
        Self {
            username: format!("{}:puppet", ice.username_fragment),
            key: IntegrityKey::new(ice.password.as_bytes()),
            send: SrtpSend::new(&keys.client, MAX_STREAMS),
            receive: SrtpReceive::new(&keys.server, MAX_STREAMS),
            transmits: VecDeque::new(),
            next_check: now,
            checks: 0,
            sources: Vec::new(),
            gaps: BTreeMap::new(),
            rtp: Vec::new(),
            rtcp: Vec::new(),
            stun: Vec::new(),
            alerts: 0,
        }
    }

    /// Creates a transport `id` in `router` for a puppet at `address`, connects both, and returns
    /// the puppet's number.
    ///
    /// # Panics
    ///
    /// When the worker refuses.
    pub fn join(
        world: &mut World<Self>,
        router: &str,
        id: &str,
        listen: Listen,
        address: SocketAddr,
    ) -> usize {
        let create = create_web_rtc_transport(id, listen);
        let create = RequestBody::RouterCreateWebRtcTransport(Box::new(create));
        let dump = match world.request(router, create) {
            Ok(ResponseBody::WebRtcTransportDump(dump)) => dump,
            other => panic!("no transport: {other:?}"),
        };
        let certificate = fingerprint(FingerprintAlgorithm::Sha256, SIMULATED_CERTIFICATE);
        let connect = RequestBody::WebRtcTransportConnect(DtlsParameters {
            fingerprints: vec![certificate],
            role: DtlsRole::Client,
        });
        world.request(id, connect).expect("it connects");
        let candidate = &dump.ice_candidates[0];
        let ip = candidate
            .address
            .parse()
            .expect("candidates have addresses");
        let server = SocketAddr::new(ip, candidate.port);
        let puppet = Self::new(world.now, &dump.ice_parameters);
        world.add_peer(puppet, address, server)
    }

    /// Protects and sends an RTP packet, as it is.
    pub fn send_rtp(&mut self, packet: &[u8]) {
        let mut buffer = packet.to_vec();
        buffer.resize(packet.len() + MAX_PROTECTION_OVERHEAD, 0);
        // Without a sound header nobody knows where the payload begins, so the packet cannot be
        // protected.
        if let Ok(len) = self.send.protect_rtp(&mut buffer, packet.len()) {
            buffer.truncate(len);
            self.transmits.push_back(buffer);
        }
    }

    /// Protects and sends a compound RTCP packet, as it is.
    pub fn send_rtcp(&mut self, packet: &[u8]) {
        let mut buffer = packet.to_vec();
        buffer.resize(packet.len() + MAX_PROTECTION_OVERHEAD, 0);
        if let Ok(len) = self.send.protect_rtcp(&mut buffer, packet.len()) {
            buffer.truncate(len);
            self.transmits.push_back(buffer);
        }
    }

    /// Sends bytes as they are.
    pub fn send_raw(&mut self, datagram: &[u8]) {
        self.transmits.push_back(datagram.to_vec());
    }

    /// Publishes a stream from now on.
    pub fn publish(&mut self, now: Instant, stream: Stream, camera: Camera) {
        self.sources.push(Source {
            stream,
            camera,
            next_at: now,
            sequence_number: 1000,
            rtx_sequence_number: 500,
            timestamp: 3000,
            number: 0,
            sent: BTreeMap::new(),
        });
    }

    /// Asks for what is missing of a video stream that the worker sends.
    pub fn watch(&mut self, stream: Stream) {
        self.gaps.insert(Ssrc(stream.ssrc), Gaps::default());
    }

    /// A connectivity check that nominates its pair.
    #[must_use]
    pub fn check(&mut self) -> Vec<u8> {
        self.checks += 1;
        let mut transaction_id = [0; 12];
        transaction_id[4..].copy_from_slice(&self.checks.to_be_bytes());
        let request = BindingRequest {
            transaction_id: TransactionId(transaction_id),
            username: &self.username,
            priority: Some(1),
            role: Some(IceRole::Controlling(1)),
            use_candidate: true,
            nomination: None,
        };
        let mut buffer = vec![0; 256];
        let len = request.write(&mut buffer, &self.key).expect("it fits");
        buffer.truncate(len);
        buffer
    }

    fn take_rtp(&mut self, now: Instant, packet: Vec<u8>) {
        let Ok(view) = RtpPacket::new_checked(&packet) else {
            panic!("the worker sends sound packets");
        };
        let original = view
            .payload()
            .first_chunk()
            .copied()
            .map(u16::from_be_bytes);
        for (ssrc, gaps) in &mut self.gaps {
            if view.ssrc() == *ssrc {
                gaps.take(view.sequence_number());
            } else if view.ssrc().0 == ssrc.0 + 1
                && let Some(original) = original
            {
                gaps.missing.remove(&original);
            }
        }
        self.rtp.push((now, packet));
    }

    fn take_rtcp(&mut self, now: Instant, compound: Vec<u8>) {
        let mut again = Vec::new();
        for packet in RtcpPackets::new(&compound) {
            match packet {
                RtcpPacket::Nack(nack) => {
                    let of = |source: &&mut Source| source.stream.ssrc == nack.media_ssrc.0;
                    if let Some(source) = self.sources.iter_mut().find(of) {
                        again.extend(nack.lost().filter_map(|seq| source.again(seq)));
                    }
                }
                RtcpPacket::Pli(pli) => {
                    for source in &mut self.sources {
                        if source.stream.ssrc == pli.media_ssrc.0 {
                            source.camera.want_key_frame();
                        }
                    }
                }
                _ => {}
            }
        }
        for packet in again {
            self.send_rtp(&packet);
        }
        self.rtcp.push((now, compound));
    }

    fn ask_again(&mut self, now: Instant) {
        for (ssrc, gaps) in &mut self.gaps {
            let due = gaps.asked.is_none_or(|at| now.since(at) >= ASK_AGAIN);
            if gaps.missing.is_empty() || !due {
                continue;
            }
            gaps.asked = Some(now);
            let missing: Vec<_> = gaps.missing.iter().copied().collect();
            let mut buffer = [0; 1200];
            let mut out = CompoundWriter::new(&mut buffer);
            let written = ReceiverReport::write(&mut out, Ssrc(1), &[])
                .and_then(|()| Nack::write(&mut out, Ssrc(1), *ssrc, &missing));
            assert!(written.is_some(), "a NACK fits");
            let nack = out.written().to_vec();
            let mut protected = nack.clone();
            protected.resize(nack.len() + MAX_PROTECTION_OVERHEAD, 0);
            let len = self.send.protect_rtcp(&mut protected, nack.len());
            protected.truncate(len.expect("RTCP can be protected"));
            self.transmits.push_back(protected);
        }
    }

    fn send_media(&mut self, now: Instant) {
        let mut packets = Vec::new();
        for source in &mut self.sources {
            while source.next_at <= now {
                source.send(&mut packets);
            }
        }
        for packet in packets {
            self.send_rtp(&packet);
        }
    }
}

impl Source {
    fn send(&mut self, packets: &mut Vec<Vec<u8>>) {
        let (interval, ticks, payload_type, payloads) = match self.stream.kind {
            MediaKind::Audio => (AUDIO_INTERVAL, 960, OPUS, vec![opus_payload(self.number)]),
            MediaKind::Video => (VIDEO_INTERVAL, 3000, VP8, self.camera.next_frame()),
        };
        self.next_at += interval;
        self.timestamp = self.timestamp.wrapping_add(ticks);
        self.number += 1;
        let last = payloads.len() - 1;
        for (index, payload) in payloads.into_iter().enumerate() {
            let packet = rtp(
                RtpHeader {
                    marker: self.stream.kind == MediaKind::Video && index == last,
                    payload_type: PayloadType(payload_type),
                    sequence_number: self.sequence_number,
                    timestamp: self.timestamp,
                    ssrc: Ssrc(self.stream.ssrc),
                },
                &payload,
            );
            self.sent.insert(self.sequence_number, packet.clone());
            self.sequence_number = self.sequence_number.wrapping_add(1);
            packets.push(packet);
        }
    }

    /// The retransmission of a packet (RFC 4588 §4).
    fn again(&mut self, seq: u16) -> Option<Vec<u8>> {
        let rtx_ssrc = self.stream.rtx_ssrc()?;
        let original = self.sent.get(&seq)?;
        let view = RtpPacket::new_checked(original).ok()?;
        let header = RtpHeader {
            payload_type: PayloadType(VP8_RTX),
            sequence_number: self.rtx_sequence_number,
            ssrc: Ssrc(rtx_ssrc),
            ..view.header()
        };
        self.rtx_sequence_number = self.rtx_sequence_number.wrapping_add(1);
        let payload = [seq.to_be_bytes().as_slice(), view.payload()].concat();
        Some(rtp(header, &payload))
    }
}

impl Gaps {
    fn take(&mut self, seq: u16) {
        self.missing.remove(&seq);
        let Some(highest) = self.highest else {
            self.highest = Some(seq);
            return;
        };
        let ahead = seq.wrapping_sub(highest);
        if ahead < 0x8000 {
            self.missing
                .extend((1..ahead).map(|distance| highest.wrapping_add(distance)));
            self.highest = Some(seq);
        }
        // What is long past is not waited for.
        self.missing
            .retain(|missing| seq.wrapping_sub(*missing) < 500);
    }
}

impl Peer for Puppet {
    fn handle_datagram(&mut self, now: Instant, datagram: &[u8]) {
        let mut datagram = datagram.to_vec();
        match DatagramKind::of(&datagram) {
            DatagramKind::Stun => self.stun.push(datagram),
            DatagramKind::Rtp => {
                let len = self.receive.unprotect_rtp(&mut datagram);
                datagram.truncate(len.expect("the worker protects what it sends"));
                self.take_rtp(now, datagram);
            }
            DatagramKind::Rtcp => {
                let len = self.receive.unprotect_rtcp(&mut datagram);
                datagram.truncate(len.expect("the worker protects what it sends"));
                self.take_rtcp(now, datagram);
            }
            DatagramKind::Dtls => self.alerts += 1,
            other => panic!("the worker sends {other:?}"),
        }
        self.ask_again(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.next_check <= now {
            self.next_check = now + CHECK_INTERVAL;
            let check = self.check();
            self.transmits.push_back(check);
        }
        if !self.stun.is_empty() {
            self.send_media(now);
        }
        self.ask_again(now);
    }

    fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        self.transmits.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let media = self.sources.iter().map(|source| source.next_at);
        let media = media.filter(|_| !self.stun.is_empty());
        // Packets that a test has queued leave the next time that it looks at anything.
        media.chain([self.next_check]).min()
    }
}

/// An RTP packet without extensions.
///
/// # Panics
///
/// Never: the buffer fits.
#[must_use]
pub fn rtp(header: RtpHeader, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0; 12];
    header.write(&mut packet).expect("it fits");
    packet.extend_from_slice(payload);
    packet
}

/// A compound packet with a PLI.
///
/// # Panics
///
/// Never: the buffer fits.
#[must_use]
pub fn pli(media_ssrc: u32) -> Vec<u8> {
    let mut buffer = [0; 64];
    let mut out = CompoundWriter::new(&mut buffer);
    let pli = Pli {
        sender_ssrc: Ssrc(1),
        media_ssrc: Ssrc(media_ssrc),
    };
    ReceiverReport::write(&mut out, Ssrc(1), &[])
        .and_then(|()| pli.write(&mut out))
        .expect("it fits");
    out.written().to_vec()
}

/// SSRCs in each direction.
const MAX_STREAMS: usize = 512;
const CHECK_INTERVAL: Duration = Duration::from_secs(5);
const ASK_AGAIN: Duration = Duration::from_millis(80);
const AUDIO_INTERVAL: Duration = Duration::from_millis(20);
const VIDEO_INTERVAL: Duration = Duration::from_nanos(33_333_333);
