//! One function for each parser that takes bytes from outside. Fuzz targets call it, and the test
//! below runs it over mutated seeds. Each function asks the result everything that a caller could
//! ask. None may panic, whatever the bytes.

use crate::codecs::dependency_descriptor::{DependencyDescriptor, TemplateStructure};
use crate::codecs::{Details, describe};
use crate::params::Codec;
use crate::wire::demux::DatagramKind;
use crate::wire::ext::{
    AbsCaptureTime, AbsSendTime, PacketId, TransportWideSequenceNumber, VideoOrientation, token,
};
use crate::wire::rfc4571::FrameDecoder;
use crate::wire::rtcp::{RtcpPacket, RtcpPackets, XrBlock};
use crate::wire::rtp::{self, RtpPacket};
use crate::wire::rtp_ext::{ExtensionForm, ExtensionWriter, Extensions};
use crate::wire::stun::{IntegrityKey, StunMessage};

/// [`DatagramKind::of`].
pub fn demux(data: &[u8]) {
    let _ = DatagramKind::of(data);
}

/// [`RtpPacket`]: the parts that the view shows must add up to the packet.
pub fn rtp(data: &[u8]) {
    let header_len = rtp::clear_header(data).map(|(_, len)| len);
    let Ok(packet) = RtpPacket::new_checked(data) else {
        return;
    };
    assert_eq!(header_len, Some(packet.header_len()));
    assert_eq!(
        packet.header_len() + packet.payload().len() + packet.padding_len(),
        data.len()
    );
    assert_eq!(packet.csrcs().count(), packet.csrc_count());
    let _ = packet.is_padding_only();
    for element in packet.extensions() {
        assert!(packet.extension(element.id).is_some());
        extension_values(element.value);
    }
}

/// [`Extensions`] of every form: what is read can be written again, and reads back.
pub fn rtp_ext(data: &[u8]) {
    for profile in [0xbede, 0x1000, 0x1234] {
        let elements = Extensions::new(profile, data);
        let form =
            ExtensionForm::fitting(elements.map(|element| (element.id, element.value.len())));
        let mut packet = vec![0; 16 + 2 * data.len() + 4];
        packet[0] = 0x80;
        let mut writer = ExtensionWriter::new(&mut packet, 12, form);
        for element in elements {
            let at = writer.push(element.id, element.value);
            assert!(at.is_some(), "what was read fits twice its room");
        }
        let len = writer.finish();
        let view = RtpPacket::new_checked(&packet[..len]);
        assert!(view.is_ok_and(|view| view.extensions().eq(elements)));
    }
}

fn extension_values(value: &[u8]) {
    let _ = token(value);
    let _ = AbsSendTime::parse(value);
    let _ = TransportWideSequenceNumber::parse(value);
    let _ = VideoOrientation::parse(value);
    let _ = AbsCaptureTime::parse(value);
    let _ = PacketId::parse(value);
}

/// [`RtcpPackets`], every list of every packet.
pub fn rtcp(data: &[u8]) {
    let mut packets = RtcpPackets::new(data);
    for packet in packets.by_ref() {
        match packet {
            RtcpPacket::SenderReport(report) => exhaust(report.reports),
            RtcpPacket::ReceiverReport(report) => exhaust(report.reports),
            RtcpPacket::Sdes(sdes) => exhaust(sdes.chunks()),
            RtcpPacket::Bye(bye) => exhaust(bye.ssrcs),
            RtcpPacket::Nack(nack) => assert!(nack.lost().count() <= data.len() / 4 * 17),
            RtcpPacket::TransportFeedback(feedback) => {
                let told = usize::from(feedback.status_count);
                assert_eq!(feedback.packets().count(), told, "as many as it counts");
            }
            RtcpPacket::Fir(fir) => exhaust(fir.entries()),
            RtcpPacket::Remb(remb) => exhaust(remb.ssrcs),
            RtcpPacket::Xr(xr) => xr.blocks().for_each(|block| {
                if let XrBlock::Dlrr(items) = block {
                    exhaust(items);
                }
            }),
            RtcpPacket::Pli(_) | RtcpPacket::Other { .. } => {}
        }
    }
    let _ = packets.error();
}

fn exhaust<T>(items: impl Iterator<Item = T>) {
    items.for_each(drop);
}

/// [`StunMessage`], every accessor and both checks.
pub fn stun(data: &[u8]) {
    let Ok(message) = StunMessage::new_checked(data) else {
        return;
    };
    let _ = (message.class(), message.method(), message.transaction_id());
    let _ = (message.local_username_fragment(), message.software());
    let _ = (message.priority(), message.use_candidate());
    let _ = (message.ice_controlled(), message.ice_controlling());
    let _ = (message.nomination(), message.error_code());
    let _ = message.xor_mapped_address();
    let _ = message.attributes().last();
    let _ = message.verify_fingerprint();
    let _ = message.verify_integrity(&IntegrityKey::new(b"password"));
}

/// `FrameDecoder`: the rest comes in pieces whose size is the first byte.
pub fn rfc4571(data: &[u8]) {
    let Some((size, mut stream)) = data.split_first() else {
        return;
    };
    let mut decoder = FrameDecoder::new(0);
    while !stream.is_empty() {
        let space = decoder.space();
        let len = usize::from(*size).clamp(1, stream.len()).min(space.len());
        assert!(len > 0, "there is space once every frame has been taken");
        space[..len].copy_from_slice(&stream[..len]);
        decoder.advance(len);
        stream = &stream[len..];
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => assert!(!frame.is_empty()),
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
}

/// VP8, and rewriting what was read.
pub fn vp8(data: &[u8]) {
    if let Details::Vp8(vp8) = describe(Codec::Vp8, data, None).details {
        let mut copy = data.to_vec();
        assert!(vp8.rewrite(&mut copy, 0x7fff, 0xff).is_some());
        let _ = vp8.rewrite(&mut copy[..usize::from(vp8.len) - 1], 0, 0);
        // Only the counters have changed, so everything else still reads the same.
        if let Details::Vp8(again) = describe(Codec::Vp8, &copy, None).details {
            assert_eq!(again.key_frame, vp8.key_frame);
            assert_eq!(again.len, vp8.len);
        }
    }
}

/// VP9.
pub fn vp9(data: &[u8]) {
    if let Details::Vp9(vp9) = describe(Codec::Vp9, data, None).details {
        assert!(usize::from(vp9.len) < data.len());
    }
}

/// H.264.
pub fn h264(data: &[u8]) {
    let _ = describe(Codec::H264, data, None);
}

/// AV1.
pub fn av1(data: &[u8]) {
    let _ = describe(Codec::Av1, data, None);
}

/// Opus.
pub fn opus(data: &[u8]) {
    let _ = describe(Codec::Opus, data, None);
}

/// `DependencyDescriptor`: the first byte says where the descriptor of a key frame ends. The
/// descriptor of the next frame begins there.
pub fn dependency_descriptor(data: &[u8]) {
    let Some((len, descriptors)) = data.split_first() else {
        return;
    };
    let (first, second) = descriptors.split_at(usize::from(*len).min(descriptors.len()));
    let _ = describe(Codec::Av1, &[0], Some(first));
    let structure = DependencyDescriptor::parse(first, None)
        .ok()
        .and_then(|first| first.structure);
    if let Some(structure) = &structure {
        walk(structure);
    }
    let _ = DependencyDescriptor::parse(second, structure.as_ref());
}

fn walk(structure: &TemplateStructure) {
    let _ = (structure.max_layers(), structure.all_decode_targets());
    for id in 0..=255 {
        let _ = structure.template(id);
        let _ = structure.resolution(id);
        let _ = structure.chain_of(id.into());
        let _ = structure.decode_target_layers(id.into());
    }
    for template in structure.templates() {
        let _ = template.frame_diffs.as_slice();
        let _ = template.chain_diffs.as_slice();
        let _ = template.indications.get(usize::MAX);
        let _ = structure.decode_target_of(template.layers);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Ssrc;
    use crate::rng::Rng;
    use crate::time::{Instant, NtpTime};
    use crate::wire::rtcp::{
        CompoundWriter, DlrrItem, Fir, FirEntry, Nack, Remb, Sdes, SenderInfo, SenderReport,
        TransportFeedback, TransportFeedbackHeader, Xr,
    };
    use crate::wire::stun::{BindingRequest, IceRole, TransactionId};

    type Target = (&'static str, fn(&[u8]), Vec<Vec<u8>>);

    #[test]
    fn no_parser_panics_on_mutated_seeds() {
        let mut rng = Rng::new([42; 32]);
        for (name, target, seeds) in targets() {
            for seed in &seeds {
                target(seed);
            }
            for round in 0..8000u32 {
                let mut data = seeds[index(&mut rng, seeds.len())].clone();
                for _ in 0..=rng.below(4) {
                    mutate(&mut data, &mut rng);
                }
                let panicked = std::panic::catch_unwind(|| target(&data)).is_err();
                assert!(!panicked, "{name}, round {round}: {data:02x?}");
            }
        }
    }

    #[test]
    fn no_parser_panics_on_any_two_bytes() {
        for (_, target, _) in targets() {
            target(&[]);
            for first in 0..=255 {
                target(&[first]);
                for second in [0, 1, 0x0f, 0x7f, 0x80, 0xc8, 0xcd, 0xff] {
                    target(&[first, second]);
                }
            }
        }
    }

    fn mutate(data: &mut Vec<u8>, rng: &mut Rng) {
        let at = index(rng, data.len());
        match (rng.below(7), data.get_mut(at)) {
            (0, Some(byte)) => *byte ^= 1 << rng.below(8),
            (1, Some(byte)) => *byte = rng.next_u32().to_le_bytes()[0],
            (2, Some(byte)) => *byte = [0, 1, 0x7f, 0x80, 0xff][index(rng, 5)],
            (3, _) => data.truncate(at),
            (4, Some(_)) => drop(data.remove(at)),
            (5, _) => data.insert(at, rng.next_u32().to_le_bytes()[0]),
            (6, Some(_)) => data.extend_from_within(at..),
            _ => {}
        }
        data.truncate(4096);
    }

    /// An index below `len`; 0 when that is 0.
    fn index(rng: &mut Rng, len: usize) -> usize {
        rng.below(u32::try_from(len).unwrap()) as usize
    }

    fn targets() -> Vec<Target> {
        let rtp_packets = vec![
            vec![
                0xb2, 0x60, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0xbe, 0xde, 0, 2,
                0x12, 1, 2, 3, 0x31, 7, 8, 0, 1, 2, 3, 4, 0, 0, 3,
            ],
            vec![
                0x90, 0x60, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0x10, 0, 0, 2, 1, 0, 20, 3, 1, 2, 3, 0,
                9, 9,
            ],
        ];
        vec![
            ("demux", demux, rtp_packets.clone()),
            ("rtp", rtp, rtp_packets),
            (
                "rtp_ext",
                rtp_ext,
                vec![
                    vec![0x12, 1, 2, 3, 0x31, 7, 8, 0],
                    vec![1, 0, 20, 3, 1, 2, 3, 0, 200, 1, 5, 0],
                ],
            ),
            ("rtcp", rtcp, rtcp_seeds()),
            ("stun", stun, stun_seeds()),
            (
                "rfc4571",
                rfc4571,
                vec![
                    vec![3, 0, 2, 1, 2, 0, 0, 0, 4, 1, 2, 3, 4],
                    [&[255, 5, 220][..], &[7; 1500], &[0, 1, 1]].concat(),
                ],
            ),
            (
                "vp8",
                vp8,
                vec![
                    vec![0x90, 0xf0, 0xd6, 0x7c, 0x11, 0xb3, 0x00, 0x9d],
                    vec![0x80, 0xc0, 0x12, 0x34, 0x01],
                ],
            ),
            (
                "vp9",
                vp9,
                vec![
                    vec![
                        0xae, 0x92, 0x34, 0x35, 0x77, 0x38, 1, 64, 0, 180, 2, 128, 1, 104, 2, 0x00,
                        0x24, 1, 0xff,
                    ],
                    vec![0xf8, 0x12, 0x20, 0x03, 0x04, 0xff],
                ],
            ),
            (
                "h264",
                h264,
                vec![
                    vec![0x78, 0, 2, 0x67, 1, 0, 1, 0x68, 0, 2, 0x65, 0x80],
                    vec![0x7c, 0x85, 0x88, 0x84],
                ],
            ),
            (
                "av1",
                av1,
                vec![
                    vec![0x28, 2, 0x08, 0, 0x34, 0x30, 0xaa],
                    vec![0x80, 1, 0xff, 1, 0x08],
                ],
            ),
            ("opus", opus, vec![vec![0x78, 1, 2], vec![8]]),
            (
                "dependency_descriptor",
                dependency_descriptor,
                vec![dependency_descriptor_seed()],
            ),
        ]
    }

    fn rtcp_seeds() -> Vec<Vec<u8>> {
        let mut buffer = [0; 1500];
        let mut out = CompoundWriter::new(&mut buffer);
        let info = SenderInfo {
            ntp: NtpTime(1),
            rtp_timestamp: 2,
            packet_count: 3,
            octet_count: 4,
        };
        SenderReport::write(&mut out, Ssrc(1), &info, &[]).unwrap();
        Sdes::write(&mut out, &[(Ssrc(1), "name")]).unwrap();
        let mut seeds = vec![out.written().to_vec()];

        let mut out = CompoundWriter::new(&mut buffer);
        Nack::write(&mut out, Ssrc(1), Ssrc(2), &[1, 2, 5, 100]).unwrap();
        Remb::write(&mut out, Ssrc(1), 600_000, &[Ssrc(2)]).unwrap();
        let entry = FirEntry {
            ssrc: Ssrc(2),
            sequence_number: 1,
        };
        Fir::write(&mut out, Ssrc(1), &[entry]).unwrap();
        seeds.push(out.written().to_vec());

        let mut out = CompoundWriter::new(&mut buffer);
        let item = DlrrItem {
            ssrc: Ssrc(2),
            last_rr: 3,
            delay_since_last_rr: 4,
        };
        Xr::write_reference_time(&mut out, Ssrc(1), NtpTime(5)).unwrap();
        Xr::write_dlrr(&mut out, Ssrc(1), &[item]).unwrap();
        seeds.push(out.written().to_vec());

        let mut out = CompoundWriter::new(&mut buffer);
        let header = TransportFeedbackHeader {
            sender_ssrc: Ssrc(1),
            media_ssrc: Ssrc(2),
            base_sequence_number: 65_530,
            feedback_count: 1,
        };
        let arrivals: Vec<_> = (0..40u64)
            .map(|n| (n % 5 != 3).then(|| Instant::from_millis(1000 + n * n)))
            .collect();
        TransportFeedback::write(&mut out, &header, &arrivals).unwrap();
        seeds.push(out.written().to_vec());
        seeds
    }

    fn stun_seeds() -> Vec<Vec<u8>> {
        let request = BindingRequest {
            transaction_id: TransactionId([7; 12]),
            username: "local:remote",
            priority: Some(1),
            role: Some(IceRole::Controlling(2)),
            use_candidate: true,
            nomination: Some(3),
        };
        let key = IntegrityKey::new(b"password");
        let mut buffer = [0; 200];
        let len = request.write(&mut buffer, &key).unwrap();
        let address = "[2001:db8::1]:5000".parse().unwrap();
        let mut response = [0; 200];
        let response_len =
            crate::wire::stun::write_success(&mut response, request.transaction_id, address, &key)
                .unwrap();
        vec![buffer[..len].to_vec(), response[..response_len].to_vec()]
    }

    /// A key frame's descriptor with two temporal layers, and one that follows.
    fn dependency_descriptor_seed() -> Vec<u8> {
        let key_frame = [0xbf, 0, 7, 0x87, 0xe1, 0x7a, 0x14, 0x10, 0x08];
        let parsed = DependencyDescriptor::parse(&key_frame, None).unwrap();
        assert_eq!(parsed.structure.unwrap().templates().len(), 2);
        let len = u8::try_from(key_frame.len()).unwrap();
        [&[len][..], &key_frame, &[0xc0, 0, 8]].concat()
    }
}
