//! An endpoint of plain RTP, with SRTP by an implementation that nobody here wrote.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tureen_tests::media::{Camera, Viewer};
use tureen_tests::parameters::{Stream, VP8, VP8_RTX};
use tureen_tests::world::Peer;
use tureen_worker::internal::params::{SrtpCryptoSuite, SrtpParameters};
use tureen_worker::internal::time::Instant;
use webrtc_srtp::context::Context;
use webrtc_srtp::option::{srtcp_replay_protection, srtp_no_replay_protection};
use webrtc_srtp::protection_profile::ProtectionProfile;

/// What a source sends.
pub(crate) const CAMERA: Stream = Stream::video("cam", 2000);
/// What a player gets.
pub(crate) const SEEN: Stream = Stream::video("seen", 3000);
/// The time from one frame to the next.
pub(crate) const FRAME: Duration = Duration::from_millis(33);

/// One end of plain RTP: it publishes a camera, or it watches one.
pub(crate) struct Endpoint {
    /// For what it sends, and for what it receives; `None` without SRTP.
    srtp: Option<(Context, Context)>,
    pub(crate) camera: Option<Camera>,
    pub(crate) next_frame: Option<Instant>,
    sequence_number: u16,
    timestamp: u32,
    /// What was sent, to be sent again byte for byte.
    sent: BTreeMap<u16, Vec<u8>>,
    pub(crate) key_frames_wanted: u32,
    pub(crate) viewer: Viewer,
    pub(crate) came: BTreeSet<u64>,
    pub(crate) reports: u32,
    rtp: VecDeque<Vec<u8>>,
    rtcp: VecDeque<Vec<u8>>,
}

impl Endpoint {
    pub(crate) fn new(srtp: Option<(Context, Context)>) -> Self {
        Self {
            srtp,
            camera: None,
            next_frame: None,
            sequence_number: 65_000,
            timestamp: 1,
            sent: BTreeMap::new(),
            key_frames_wanted: 0,
            viewer: Viewer::default(),
            came: BTreeSet::new(),
            reports: 0,
            rtp: VecDeque::new(),
            rtcp: VecDeque::new(),
        }
    }

    fn handle_rtp(&mut self, now: Instant, datagram: &[u8]) {
        let plain = match &mut self.srtp {
            Some((_, receive)) => match receive.decrypt_rtp(datagram) {
                Ok(plain) => plain.to_vec(),
                Err(error) => panic!("the worker's SRTP is sound: {error}"),
            },
            None => datagram.to_vec(),
        };
        let header = 12 + usize::from(plain[0] & 15) * 4;
        let extension = if plain[0] & 0x10 == 0 {
            0
        } else {
            4 + 4 * usize::from(u16::from_be_bytes([plain[header + 2], plain[header + 3]]))
        };
        let payload = &plain[header + extension..];
        let number = u16::from_be_bytes([plain[2], plain[3]]);
        match plain[1] & 0x7f {
            VP8 => {
                self.note(number);
                self.viewer.handle(now, payload);
            }
            VP8_RTX => {
                self.note(u16::from_be_bytes([payload[0], payload[1]]));
                self.viewer.handle(now, &payload[2..]);
            }
            other => panic!("payload type {other}"),
        }
    }

    /// Notes a number, and asks for those that are missing before it.
    fn note(&mut self, number: u16) {
        let newest = self
            .came
            .last()
            .copied()
            .unwrap_or_else(|| u64::from(number));
        let distance = number.wrapping_sub(low_half(newest)).cast_signed();
        self.came
            .insert(newest.wrapping_add_signed(i64::from(distance)));
    }

    /// Asks once more for everything that is missing among the last few hundred numbers.
    fn ask_for_missing(&mut self) {
        let Some(last) = self.came.last().copied() else {
            return;
        };
        let first = (*self.came.first().expect("there is a last")).max(last.saturating_sub(400));
        let missing: Vec<_> = (first..last).filter(|n| !self.came.contains(n)).collect();
        if missing.is_empty() {
            return;
        }
        // RFC 4585 §6.2.1, one entry for each number.
        let words = 2 + u16::try_from(missing.len()).expect("there are few");
        let mut nack = vec![0x81, 205];
        nack.extend(words.to_be_bytes());
        nack.extend(7_u32.to_be_bytes());
        nack.extend(SEEN.ssrc.to_be_bytes());
        for number in missing {
            nack.extend(((number & 0xffff) as u32 * 65_536).to_be_bytes());
        }
        self.send_rtcp(&nack);
    }

    /// RFC 4585 §6.3.1.
    pub(crate) fn ask_for_key_frame(&mut self) {
        let mut pli = vec![0x81, 206, 0, 2];
        pli.extend(7_u32.to_be_bytes());
        pli.extend(SEEN.ssrc.to_be_bytes());
        self.send_rtcp(&pli);
    }

    pub(crate) fn send_rtcp(&mut self, plain: &[u8]) {
        let packet = match &mut self.srtp {
            Some((send, _)) => send
                .encrypt_rtcp(plain)
                .expect("it can be protected")
                .to_vec(),
            None => plain.to_vec(),
        };
        self.rtcp.push_back(packet);
    }

    fn handle_rtcp(&mut self, datagram: &[u8]) {
        let plain = match &mut self.srtp {
            Some((_, receive)) => receive
                .decrypt_rtcp(datagram)
                .expect("the worker's SRTCP is sound")
                .to_vec(),
            None => datagram.to_vec(),
        };
        let mut rest = plain.as_slice();
        while rest.len() >= 4 {
            let len = 4 + 4 * usize::from(u16::from_be_bytes([rest[2], rest[3]]));
            let (packet, after) = rest.split_at(len);
            rest = after;
            match (packet[1], packet[0] & 31) {
                (205, 1) => self.send_again(&packet[12..]),
                (206, 1) | (206, 4) => {
                    self.key_frames_wanted += 1;
                    if let Some(camera) = &mut self.camera {
                        camera.want_key_frame();
                    }
                }
                (200 | 201, _) => self.reports += 1,
                _ => {}
            }
        }
    }

    fn send_again(&mut self, items: &[u8]) {
        for item in items.chunks_exact(4) {
            let first = u16::from_be_bytes([item[0], item[1]]);
            let others = u16::from_be_bytes([item[2], item[3]]);
            let others = (0..16)
                .filter(|bit| others >> bit & 1 == 1)
                .map(|bit| bit + 1);
            for number in std::iter::once(0).chain(others) {
                if let Some(packet) = self.sent.get(&first.wrapping_add(number)) {
                    self.rtp.push_back(packet.clone());
                }
            }
        }
    }

    fn send_frame(&mut self) {
        let Some(camera) = &mut self.camera else {
            return;
        };
        let payloads = camera.next_frame();
        let last = payloads.len() - 1;
        self.timestamp = self.timestamp.wrapping_add(2970);
        for (index, payload) in payloads.into_iter().enumerate() {
            let marker = if index == last { 0x80 } else { 0 };
            let mut packet = vec![0x80, marker | VP8];
            packet.extend(self.sequence_number.to_be_bytes());
            packet.extend(self.timestamp.to_be_bytes());
            packet.extend(CAMERA.ssrc.to_be_bytes());
            packet.extend(payload);
            if let Some((send, _)) = &mut self.srtp {
                packet = send
                    .encrypt_rtp(&packet)
                    .expect("it can be protected")
                    .to_vec();
            }
            self.sent.insert(self.sequence_number, packet.clone());
            self.rtp.push_back(packet);
            self.sequence_number = self.sequence_number.wrapping_add(1);
        }
    }
}

/// A port of an endpoint.
pub(crate) struct Port {
    pub(crate) endpoint: Rc<RefCell<Endpoint>>,
    /// Whether RTP comes here.
    pub(crate) is_rtp: bool,
    /// Whether RTCP comes here.
    pub(crate) is_rtcp: bool,
}

impl Peer for Port {
    fn handle_datagram(&mut self, now: Instant, datagram: &[u8]) {
        let mut endpoint = self.endpoint.borrow_mut();
        if (192..224).contains(&datagram[1]) {
            assert!(self.is_rtcp, "RTCP has a port of its own");
            endpoint.handle_rtcp(datagram);
        } else {
            assert!(self.is_rtp, "RTP has a port of its own");
            endpoint.handle_rtp(now, datagram);
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        let mut endpoint = self.endpoint.borrow_mut();
        if self.is_rtp && endpoint.next_frame.is_some_and(|at| at <= now) {
            endpoint.next_frame = Some(now + FRAME);
            endpoint.send_frame();
            endpoint.ask_for_missing();
        }
    }

    fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        let mut endpoint = self.endpoint.borrow_mut();
        let rtp = self.is_rtp.then(|| endpoint.rtp.pop_front()).flatten();
        rtp.or_else(|| self.is_rtcp.then(|| endpoint.rtcp.pop_front()).flatten())
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.endpoint.borrow().next_frame.filter(|_| self.is_rtp)
    }
}

fn low_half(number: u64) -> u16 {
    let [.., high, low] = number.to_be_bytes();
    u16::from_be_bytes([high, low])
}

/// The context of a suite and key, from a library of others.
pub(crate) fn context(parameters: &SrtpParameters) -> Context {
    let key = STANDARD
        .decode(&parameters.key_base64)
        .expect("it is base64");
    let (profile, key_len) = match parameters.crypto_suite {
        SrtpCryptoSuite::AeadAes256Gcm => (ProtectionProfile::AeadAes256Gcm, 32),
        SrtpCryptoSuite::AeadAes128Gcm => (ProtectionProfile::AeadAes128Gcm, 16),
        SrtpCryptoSuite::AesCm128HmacSha1_80 => (ProtectionProfile::Aes128CmHmacSha1_80, 16),
        SrtpCryptoSuite::AesCm128HmacSha1_32 => (ProtectionProfile::Aes128CmHmacSha1_32, 16),
    };
    let (key, salt) = key.split_at(key_len);
    let rtcp = Some(srtcp_replay_protection(128));
    Context::new(key, salt, profile, Some(srtp_no_replay_protection()), rtcp)
        .expect("the key has the suite's length")
}
