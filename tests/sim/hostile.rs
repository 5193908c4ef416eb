//! docs/security.md rule 7: payload is hostile even after authentication. A publisher with keys
//! sends anything it likes, and so does a subscriber. The worker does not panic, it sends only
//! sound packets, and the session goes on.

use std::time::Duration;

use tureen_tests::chance::Chance;
use tureen_tests::media::Camera;
use tureen_tests::parameters::{MID, Stream, TRANSPORT_WIDE_CC, VP8, VP8_RTX};
use tureen_tests::puppet::{Puppet, pli, rtp};
use tureen_tests::stage::{self, FACE, VOICE, watched};
use tureen_tests::world::World;
use tureen_worker::internal::ids::{PayloadType, Ssrc};
use tureen_worker::internal::messages::{RequestBody, ResponseBody};
use tureen_worker::internal::params::{
    DtlsState, HeaderExtensionUri, RtpHeaderExtensionParameters,
};
use tureen_worker::internal::wire::rtp::{RtpHeader, RtpPacket};

const MS: Duration = Duration::from_millis(1);
const DESCRIPTOR: u8 = 9;

/// A stage on which the test plays the publisher: puppet 0 sends what the test says, and puppet 1
/// watches.
struct Attack {
    world: World<Puppet>,
    seq: u16,
}

impl Attack {
    fn new(seed: u8) -> Self {
        let mut world = stage::with_watchers(seed, 1, None);
        world.run_for(100 * MS);
        Self::in_world(world)
    }

    fn in_world(world: World<Puppet>) -> Self {
        let mut attack = Self { world, seq: 1000 };
        attack.still_works();
        attack
    }

    fn header(&mut self) -> RtpHeader {
        self.seq = self.seq.wrapping_add(1);
        RtpHeader {
            marker: true,
            payload_type: PayloadType(VP8),
            sequence_number: self.seq,
            timestamp: u32::from(self.seq) * 3000,
            ssrc: Ssrc(FACE.ssrc),
        }
    }

    fn send(&mut self, packet: &[u8]) {
        self.world.act(0, |puppet| puppet.send_rtp(packet));
        self.world.run_for(MS);
    }

    fn send_rtcp(&mut self, from: usize, packet: &[u8]) {
        self.world.act(from, |puppet| puppet.send_rtcp(packet));
        self.world.run_for(MS);
    }

    /// A key frame still gets through to the watcher.
    fn still_works(&mut self) {
        self.world.peer_mut(1).rtp.clear();
        let payload = Camera::new(1, 500).next_frame().remove(0);
        let header = self.header();
        self.send(&rtp(header, &payload));
        self.world.run_for(200 * MS);
        let rtp = &self.world.peer(1).rtp;
        let arrived = rtp.iter().any(|(_, packet)| {
            let view = RtpPacket::new_checked(packet).expect("what leaves is sound");
            view.ssrc().0 == watched(1, FACE).ssrc && view.payload() == payload
        });
        assert!(arrived, "{:?}", self.world.log);
        assert_eq!(
            self.world.worker.counters().panics,
            0,
            "{:?}",
            self.world.log
        );
        for id in ["puppet-0", "puppet-1"] {
            let dump = self.world.request(id, RequestBody::TransportDump);
            let Ok(ResponseBody::WebRtcTransportDump(dump)) = dump else {
                panic!("{dump:?}");
            };
            assert_eq!(dump.dtls_state, DtlsState::Connected);
        }
    }
}

#[test]
fn garbage_as_vp8_payload() {
    let mut attack = Attack::new(1);
    let mut chance = Chance::new(1);
    // Every first two bytes of a descriptor, cut at every place.
    for first in 0..=255 {
        for second in [0x00, 0x10, 0x20, 0x40, 0x80, 0xc0, 0xe0, 0xff] {
            let mut payload = vec![first, second];
            let len = chance.below(8);
            payload.extend(chance.bytes(len));
            let header = attack.header();
            attack.send(&rtp(header, &payload));
        }
    }
    attack.still_works();
}

/// Whatever numbers a publisher makes up, a packet costs each consumer a bounded amount of work:
/// neither leaps nor restarts in one batch make anybody look for packets that never came.
#[test]
fn numbers_that_leap_in_one_batch() {
    let mut attack = Attack::new(3);
    let key_frame = Camera::new(1, 500).next_frame().remove(0);
    for step in [30_000, 2999] {
        attack.world.act(0, |puppet| {
            for turn in 0..1000_u32 {
                for next in [0, 1] {
                    let header = RtpHeader {
                        marker: true,
                        payload_type: PayloadType(VP8),
                        sequence_number: ((turn * step + next) & 0xffff) as u16,
                        timestamp: turn * 3000,
                        ssrc: Ssrc(FACE.ssrc),
                    };
                    puppet.send_rtp(&rtp(header, &key_frame));
                }
            }
        });
        attack.world.run_for(MS);
        attack.world.run_for(Duration::from_millis(200));
        attack.seq = ((999 * step + 10_000) & 0xffff) as u16;
        let first = attack.header();
        attack.send(&rtp(first, &key_frame));
        attack.still_works();
    }
}

#[test]
fn garbage_in_the_header_extension() {
    let mut attack = Attack::new(2);
    let mut chance = Chance::new(2);
    for _ in 0..1500 {
        let header = attack.header();
        let mut packet = rtp(header, &[]);
        packet[0] |= 0x10;
        let profile: u16 = *chance.pick(&[0xbede, 0x1000, 0x100f, 0x1234]);
        packet.extend(profile.to_be_bytes());
        let words = chance.below(12);
        packet.extend(u16::try_from(words).unwrap().to_be_bytes());
        let mut elements = chance.bytes(4 * words);
        // Ids that mean something, with lengths that may not fit.
        for element in elements.chunks_mut(4) {
            let id = *chance.pick(&[MID, TRANSPORT_WIDE_CC, 2, 15, 0]);
            element[0] = id << 4 | element[0] & 0x0f;
        }
        packet.extend(elements);
        let len = chance.below(20);
        packet.extend(chance.bytes(len));
        attack.send(&packet);
    }
    attack.still_works();
}

/// LiveKit and galene GHSA-qxj9-fmqx-r7j8, Janus 2026-04 and mediasoup #1868: parsers of payload
/// and of the dependency descriptor read or wrote out of bounds.
#[test]
fn garbage_as_payload_of_every_codec_and_as_dependency_descriptor() {
    for (seed, mime_type) in (20..).zip(["video/VP9", "video/H264", "video/AV1", "video/VP8"]) {
        let mut world = stage::with_watchers(seed, 1, None);
        // Another video of another codec, watched as well.
        let (other, seen) = (Stream::video("other", 7000), Stream::video("other", 9000));
        let mut produce = other.produce("other");
        let mut consume = seen.consume("other-to-1", "other", other);
        for parameters in [&mut produce.rtp_parameters, &mut consume.rtp_parameters] {
            parameters.codecs[0].mime_type = mime_type.to_owned();
            parameters
                .header_extensions
                .push(RtpHeaderExtensionParameters {
                    uri: HeaderExtensionUri::DependencyDescriptor,
                    id: DESCRIPTOR,
                    encrypt: false,
                    parameters: Vec::new(),
                });
        }
        let produce = RequestBody::TransportProduce(Box::new(produce));
        world.request("puppet-0", produce).unwrap();
        let consume = RequestBody::TransportConsume(Box::new(consume));
        world.request("puppet-1", consume).unwrap();
        world.run_for(100 * MS);
        let mut attack = Attack::in_world(world);
        let mut chance = Chance::new(u64::from(seed));
        for round in 0..1500_u32 {
            let mut header = attack.header();
            header.ssrc = Ssrc(other.ssrc);
            let mut packet = rtp(header, &[]);
            if round % 2 == 0 {
                packet[0] |= 0x10;
                let len = chance.below(60);
                let words = (2 + len).div_ceil(4);
                packet.extend([0x10, 0x00]);
                packet.extend(u16::try_from(words).unwrap().to_be_bytes());
                packet.extend([DESCRIPTOR, u8::try_from(len).unwrap()]);
                let mut descriptor = chance.bytes(len);
                // Often with a template structure.
                if let Some(flags) = descriptor.get_mut(3) {
                    *flags |= 0x80;
                }
                packet.extend(descriptor);
                packet.resize(16 + 4 * words, 0);
            }
            let len = chance.below(40);
            packet.extend(chance.bytes(len));
            attack.send(&packet);
        }
        attack.still_works();
    }
}

#[test]
fn packets_near_and_beyond_the_limit_of_a_datagram() {
    let mut attack = Attack::new(11);
    for len in (1380..1520).chain([2000, 9000, 60_000]) {
        let header = attack.header();
        let payload = Camera::new(1, len).next_frame().remove(0);
        attack.send(&rtp(header, &payload));
    }
    attack.still_works();
}

/// Janus 2026-04: a retransmission too short for its original sequence number underflowed.
#[test]
fn retransmissions_without_or_with_nonsense_inside() {
    let mut attack = Attack::new(3);
    let mut chance = Chance::new(3);
    for seq in 0..600_u16 {
        let header = RtpHeader {
            marker: seq % 2 == 0,
            payload_type: PayloadType(VP8_RTX),
            sequence_number: seq,
            timestamp: u32::from(seq),
            ssrc: Ssrc(FACE.ssrc + 1),
        };
        let len = usize::from(seq % 6);
        let mut packet = rtp(header, &chance.bytes(len));
        if seq % 5 == 0 {
            // Padding that covers all of it.
            let count = u8::try_from(len).unwrap();
            packet[0] |= 0x20;
            if let Some(last) = packet[12..].last_mut() {
                *last = count;
            }
        }
        attack.send(&packet);
    }
    attack.still_works();
}

/// pion/webrtc#3148: padding longer than the payload, and packets of nothing but padding.
#[test]
fn padding_of_every_length() {
    let mut attack = Attack::new(4);
    for len in 0..24_usize {
        for count in 0..=26 {
            let header = attack.header();
            let mut packet = rtp(header, &vec![0x10; len]);
            packet[0] |= 0x20;
            if len > 0 {
                packet[11 + len] = count;
            }
            attack.send(&packet);
        }
    }
    attack.still_works();
}

#[test]
fn sequence_numbers_and_timestamps_that_jump() {
    let mut attack = Attack::new(5);
    let mut chance = Chance::new(5);
    let payload = Camera::new(1, 100).next_frame().remove(0);
    for _ in 0..500 {
        let mut header = attack.header();
        header.timestamp = u32::try_from(chance.next() >> 32).unwrap();
        // Within what SRTP can follow, forwards and backwards.
        attack.seq = attack
            .seq
            .wrapping_add(u16::try_from(chance.below(9000)).unwrap());
        attack.send(&rtp(header, &payload));
    }
    // The watcher accepts a jump once the source goes on from there.
    for _ in 0..10 {
        let header = attack.header();
        attack.send(&rtp(header, &payload));
    }
    attack.still_works();
}

/// livekit#1173, jitsi/jicofo#166: SSRCs of one participant in packets of another.
#[test]
fn ssrcs_of_others_lead_nowhere() {
    let mut attack = Attack::new(6);
    let produced = RequestBody::TransportProduce(Box::new(Stream::audio("x", 5000).produce("x")));
    attack.world.request("puppet-1", produced).unwrap();
    let payload = Camera::new(1, 100).next_frame().remove(0);
    attack.world.peer_mut(1).rtp.clear();
    for ssrc in [
        5000,
        watched(1, FACE).ssrc,
        FACE.ssrc + 0x1000_0000,
        0,
        u32::MAX,
    ] {
        let mut header = attack.header();
        header.ssrc = Ssrc(ssrc);
        attack.send(&rtp(header, &payload));
    }
    assert!(attack.world.peer(1).rtp.is_empty());
    attack.still_works();
}

#[test]
fn garbage_as_rtcp_from_both_sides() {
    let mut attack = Attack::new(7);
    let mut chance = Chance::new(7);
    let ssrcs = [
        FACE.ssrc,
        VOICE.ssrc,
        watched(1, FACE).ssrc,
        watched(1, VOICE).ssrc,
        1,
    ];
    for _ in 0..1500 {
        let mut compound = Vec::new();
        for _ in 0..=chance.below(3) {
            let count = u8::try_from(chance.below(32)).unwrap();
            let packet_type = *chance.pick(&[200, 201, 202, 203, 204, 205, 206, 207, 192]);
            let words = chance.below(16);
            let stated = if chance.happens(0.8) {
                words
            } else {
                chance.below(400)
            };
            compound.extend([0x80 | count, packet_type]);
            compound.extend(u16::try_from(stated).unwrap().to_be_bytes());
            let mut body = chance.bytes(4 * words);
            for word in body.chunks_mut(4) {
                if chance.happens(0.4) {
                    word.copy_from_slice(&chance.pick(&ssrcs).to_be_bytes());
                }
            }
            compound.extend(body);
        }
        for from in [0, 1] {
            attack.send_rtcp(from, &compound);
        }
    }
    attack.still_works();
}

/// A subscriber that asks for everything again and again gets a bounded amount and costs nobody
/// else anything.
#[test]
fn a_flood_of_nacks_is_answered_within_bounds() {
    let mut attack = Attack::new(8);
    let payload = Camera::new(1, 1000).next_frame().remove(0);
    for _ in 0..400 {
        let header = attack.header();
        attack.send(&rtp(header, &payload));
    }
    let media = attack.world.peer(1).rtp.len();
    let mut nack = vec![0x81, 205];
    nack.extend(252_u16.to_be_bytes());
    nack.extend(1_u32.to_be_bytes());
    nack.extend(watched(1, FACE).ssrc.to_be_bytes());
    for pair in 0..250_u16 {
        nack.extend((pair * 262).to_be_bytes());
        nack.extend([0xff, 0xff]);
    }
    let newest = attack.world.peer(1).rtp.last().unwrap().1.clone();
    let newest = u16::from_be_bytes([newest[2], newest[3]]);
    for pair in 0..20_u16 {
        let at = 12 + 4 * usize::from(pair);
        nack[at..at + 2].copy_from_slice(&newest.wrapping_sub(17 * (pair + 1)).to_be_bytes());
    }
    for _ in 0..100 {
        attack.send_rtcp(1, &nack);
    }
    let resent = attack.world.peer(1).rtp.len() - media;
    // There were 340 packets to ask for. In a tenth of a second each leaves only a few times.
    assert!((100..1500).contains(&resent), "{resent}");
    attack.still_works();
}

/// A subscriber's requests for key frames are merged before they reach the publisher.
#[test]
fn a_flood_of_plis_costs_the_publisher_next_to_nothing() {
    let mut attack = Attack::new(9);
    attack.world.peer_mut(0).rtcp.clear();
    for _ in 0..500 {
        attack.send_rtcp(1, &pli(watched(1, FACE).ssrc));
    }
    let received = &attack.world.peer(0).rtcp;
    let plis = received.iter().filter(|(_, compound)| {
        use tureen_worker::internal::wire::rtcp::{RtcpPacket, RtcpPackets};
        RtcpPackets::new(compound).any(|packet| matches!(packet, RtcpPacket::Pli(_)))
    });
    let plis = plis.count();
    assert!((1..=3).contains(&plis), "{plis} in half a second");
    attack.still_works();
}

#[test]
fn mutations_of_sound_packets() {
    let mut attack = Attack::new(10);
    let mut chance = Chance::new(10);
    let mut camera = Camera::new(2, 60);
    for round in 0..1500 {
        if round % 30 == 0 {
            camera.want_key_frame();
        }
        for payload in camera.next_frame() {
            let header = attack.header();
            let mut packet = rtp(header, &payload);
            for _ in 0..chance.below(4) {
                // Sequence number and SSRC stay unchanged, so that the packet gets as far as
                // possible.
                let at = *chance.pick(&[0, 1, 4, 12, 13, 14, 15, 16, 17, 18, 30]);
                packet[at] ^= 1 << chance.below(8);
            }
            packet.truncate(packet.len() - chance.below(61).min(packet.len() - 12));
            attack.send(&packet);
        }
    }
    attack.still_works();
}
