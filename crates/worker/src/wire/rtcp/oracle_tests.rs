//! The `rtcp` crate as an independent implementation: it reads what we write, and we read what it
//! writes.

use rtcp::extended_report::{
    DLRRReport, DLRRReportBlock, ExtendedReport, ReceiverReferenceTimeReportBlock,
};
use rtcp::goodbye::Goodbye;
use rtcp::packet::Packet;
use rtcp::payload_feedbacks::full_intra_request::{self as theirs_fir, FullIntraRequest};
use rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtcp::payload_feedbacks::receiver_estimated_maximum_bitrate::ReceiverEstimatedMaximumBitrate;
use rtcp::reception_report::ReceptionReport;
use rtcp::source_description::{
    SdesType, SourceDescription, SourceDescriptionChunk, SourceDescriptionItem,
};
use rtcp::transport_feedbacks::transport_layer_cc::TransportLayerCc;
use rtcp::transport_feedbacks::transport_layer_nack::{
    TransportLayerNack, nack_pairs_from_sequence_numbers,
};

use super::*;
use crate::ids::Ssrc;
use crate::rng::Rng;
use crate::time::{Instant, NtpTime};

/// What `write` writes, as the other implementation reads it.
fn read_by_them<T: Packet + Clone + 'static>(
    write: impl FnOnce(&mut CompoundWriter<'_>) -> Option<()>,
) -> T {
    let mut buffer = [0xff; 1500];
    let mut out = CompoundWriter::new(&mut buffer);
    write(&mut out).expect("it fits 1500 bytes");
    let packets = rtcp::packet::unmarshal(&mut out.written()).expect("they accept it");
    assert_eq!(packets.len(), 1);
    packets[0]
        .as_any()
        .downcast_ref::<T>()
        .expect("they see the same type")
        .clone()
}

/// The bytes that the other implementation writes.
fn written_by_them(packet: impl Packet + Send + Sync + 'static) -> Vec<u8> {
    rtcp::packet::marshal(&[Box::new(packet)]).unwrap().to_vec()
}

fn only(compound: &[u8]) -> RtcpPacket<'_> {
    let mut packets = RtcpPackets::new(compound);
    let packet = packets.next().expect("we accept it");
    assert!(packets.next().is_none());
    assert_eq!(packets.error(), None);
    packet
}

fn block(rng: &mut Rng) -> ReportBlock {
    ReportBlock {
        ssrc: Ssrc(rng.next_u32()),
        fraction_lost: 77,
        cumulative_lost: i32::try_from(rng.below(1 << 23)).unwrap(),
        highest_sequence_number: rng.next_u32(),
        jitter: rng.next_u32(),
        last_sender_report: rng.next_u32(),
        delay_since_last_sender_report: rng.next_u32(),
    }
}

fn their_block(block: &ReportBlock) -> ReceptionReport {
    ReceptionReport {
        ssrc: block.ssrc.0,
        fraction_lost: block.fraction_lost,
        total_lost: block.cumulative_lost.cast_unsigned(),
        last_sequence_number: block.highest_sequence_number,
        jitter: block.jitter,
        last_sender_report: block.last_sender_report,
        delay: block.delay_since_last_sender_report,
    }
}

#[test]
fn reports_agree() {
    let mut rng = Rng::new([1; 32]);
    let blocks = [block(&mut rng), block(&mut rng), block(&mut rng)];
    let info = SenderInfo {
        ntp: NtpTime(rng.next_u64()),
        rtp_timestamp: rng.next_u32(),
        packet_count: rng.next_u32(),
        octet_count: rng.next_u32(),
    };

    let theirs: rtcp::sender_report::SenderReport =
        read_by_them(|out| SenderReport::write(out, Ssrc(7), &info, &blocks));
    assert_eq!(theirs.ssrc, 7);
    assert_eq!(theirs.ntp_time, info.ntp.0);
    assert_eq!(theirs.rtp_time, info.rtp_timestamp);
    assert_eq!(theirs.packet_count, info.packet_count);
    assert_eq!(theirs.octet_count, info.octet_count);
    assert_eq!(theirs.reports, blocks.each_ref().map(their_block));
    let bytes = written_by_them(theirs);
    let RtcpPacket::SenderReport(ours) = only(&bytes) else {
        panic!("not a sender report");
    };
    assert_eq!((ours.ssrc, ours.info), (Ssrc(7), info));
    assert_eq!(ours.reports.collect::<Vec<_>>(), blocks);

    let theirs: rtcp::receiver_report::ReceiverReport =
        read_by_them(|out| ReceiverReport::write(out, Ssrc(8), &blocks));
    assert_eq!(theirs.ssrc, 8);
    assert_eq!(theirs.reports, blocks.each_ref().map(their_block));
    let bytes = written_by_them(theirs);
    let RtcpPacket::ReceiverReport(ours) = only(&bytes) else {
        panic!("not a receiver report");
    };
    assert_eq!(ours.ssrc, Ssrc(8));
    assert_eq!(ours.reports.collect::<Vec<_>>(), blocks);
}

#[test]
fn descriptions_and_goodbyes_agree() {
    for name in ["", "a", "ab", "abc", "abcd", "user@host.example"] {
        let theirs: SourceDescription =
            read_by_them(|out| Sdes::write(out, &[(Ssrc(1), name), (Ssrc(2), "other")]));
        let expected = [(1, name), (2, "other")].map(|(source, name)| SourceDescriptionChunk {
            source,
            items: vec![SourceDescriptionItem {
                sdes_type: SdesType::SdesCname,
                text: name.as_bytes().to_vec().into(),
            }],
        });
        assert_eq!(theirs.chunks, expected);
        let bytes = written_by_them(theirs);
        let RtcpPacket::Sdes(ours) = only(&bytes) else {
            panic!("not a source description");
        };
        let names: Vec<_> = ours
            .chunks()
            .map(|chunk| (chunk.ssrc, chunk.cname))
            .collect();
        assert_eq!(
            names,
            [
                (Ssrc(1), Some(name.as_bytes())),
                (Ssrc(2), Some(&b"other"[..]))
            ]
        );
    }

    let mut theirs: Goodbye = read_by_them(|out| Bye::write(out, &[Ssrc(3), Ssrc(4)]));
    assert_eq!(theirs.sources, [3, 4]);
    theirs.reason = b"leaving".to_vec().into();
    let bytes = written_by_them(theirs);
    let RtcpPacket::Bye(ours) = only(&bytes) else {
        panic!("not a goodbye");
    };
    assert_eq!(ours.ssrcs.collect::<Vec<_>>(), [Ssrc(3), Ssrc(4)]);
    assert_eq!(ours.reason, Some(&b"leaving"[..]));
}

#[test]
fn nacks_agree() {
    let mut rng = Rng::new([2; 32]);
    for _ in 0..200 {
        let mut sequence_number = u16::try_from(rng.below(20_000)).unwrap();
        let lost: Vec<u16> = (0..=rng.below(60))
            .map(|_| {
                sequence_number += 1 + u16::try_from(rng.below(25)).unwrap();
                sequence_number
            })
            .collect();

        let theirs: TransportLayerNack = read_by_them(|out| {
            let asked = Nack::write(out, Ssrc(1), Ssrc(2), &lost);
            assert_eq!(asked, Some(lost.len()));
            Some(())
        });
        assert_eq!((theirs.sender_ssrc, theirs.media_ssrc), (1, 2));
        assert_eq!(theirs.nacks, nack_pairs_from_sequence_numbers(&lost));

        let bytes = written_by_them(theirs);
        let RtcpPacket::Nack(ours) = only(&bytes) else {
            panic!("not a NACK");
        };
        assert_eq!((ours.sender_ssrc, ours.media_ssrc), (Ssrc(1), Ssrc(2)));
        assert_eq!(ours.lost().collect::<Vec<_>>(), lost);
    }
}

#[test]
fn key_frame_requests_agree() {
    let pli = Pli {
        sender_ssrc: Ssrc(1),
        media_ssrc: Ssrc(2),
    };
    let theirs: PictureLossIndication = read_by_them(|out| pli.write(out));
    assert_eq!((theirs.sender_ssrc, theirs.media_ssrc), (1, 2));
    let bytes = written_by_them(theirs);
    assert!(matches!(only(&bytes), RtcpPacket::Pli(ours) if ours == pli));

    let entries = [
        FirEntry {
            ssrc: Ssrc(5),
            sequence_number: 200,
        },
        FirEntry {
            ssrc: Ssrc(6),
            sequence_number: 1,
        },
    ];
    let theirs: FullIntraRequest = read_by_them(|out| Fir::write(out, Ssrc(1), &entries));
    assert_eq!((theirs.sender_ssrc, theirs.media_ssrc), (1, 0));
    let expected = entries.map(|entry| theirs_fir::FirEntry {
        ssrc: entry.ssrc.0,
        sequence_number: entry.sequence_number,
    });
    assert_eq!(theirs.fir, expected);
    let bytes = written_by_them(theirs);
    let RtcpPacket::Fir(ours) = only(&bytes) else {
        panic!("not a full intra request");
    };
    assert_eq!(ours.entries().collect::<Vec<_>>(), entries);
}

#[test]
fn bitrate_estimates_agree() {
    for bitrate in [1u64, 30_000, 600_000, 8_927_168, 2_000_000_000] {
        let theirs: ReceiverEstimatedMaximumBitrate =
            read_by_them(|out| Remb::write(out, Ssrc(1), bitrate, &[Ssrc(9)]));
        let bytes = written_by_them(theirs.clone());
        let RtcpPacket::Remb(ours) = only(&bytes) else {
            panic!("not an estimate");
        };
        // Their bitrate is a float with a mantissa of 24 bits, so 18 bits survive both ways.
        assert_eq!(f64::from(theirs.bitrate), ours.bitrate as f64);
        assert!(ours.bitrate <= bitrate && bitrate - ours.bitrate <= bitrate >> 17);
        assert_eq!(theirs.ssrcs, [9]);
        assert_eq!(ours.ssrcs.collect::<Vec<_>>(), [Ssrc(9)]);
    }
}

#[test]
fn transport_feedback_agrees() {
    let header = TransportFeedbackHeader {
        sender_ssrc: Ssrc(1),
        media_ssrc: Ssrc(2),
        base_sequence_number: 65_500,
        feedback_count: 200,
    };
    let mut rng = Rng::new([3; 32]);
    for _ in 0..200 {
        let mut micros = u64::from(rng.below(1_000_000_000));
        let reorder = rng.below(20);
        let arrivals: Vec<_> = (0..1 + rng.below(200))
            .map(|index| {
                micros += u64::from(rng.below(60_000));
                if rng.below(100) < reorder {
                    micros -= 40_000.min(micros);
                }
                let received = index == 0 || rng.below(4) > 0;
                received.then(|| Instant::from_nanos(micros * 1000))
            })
            .collect();
        let theirs: TransportLayerCc = read_by_them(|out| {
            let covered = TransportFeedback::write(out, &header, &arrivals);
            assert_eq!(covered, Some(arrivals.len()));
            Some(())
        });
        assert_eq!(theirs.base_sequence_number, 65_500);
        assert_eq!(usize::from(theirs.packet_status_count), arrivals.len());
        assert_eq!(theirs.fb_pkt_count, 200);

        let mut time = i64::from(theirs.reference_time) * 64_000;
        let times: Vec<_> = theirs
            .recv_deltas
            .iter()
            .map(|delta| {
                time += delta.delta;
                time
            })
            .collect();
        let expected: Vec<_> = arrivals
            .iter()
            .flatten()
            .map(|at| i64::try_from(at.as_micros() / 250 * 250).unwrap())
            .collect();
        assert_eq!(times, expected);

        let bytes = written_by_them(theirs.clone());
        let RtcpPacket::TransportFeedback(ours) = only(&bytes) else {
            panic!("not transport feedback");
        };
        assert_eq!(ours.header, header);
        assert_eq!(ours.reference_time, theirs.reference_time);
        let received: Vec<_> = ours.packets().map(|p| p.delta.is_some()).collect();
        assert_eq!(
            received,
            arrivals.iter().map(Option::is_some).collect::<Vec<_>>()
        );
        let deltas: Vec<_> = ours.packets().filter_map(|p| p.delta).collect();
        let their_deltas: Vec<_> = theirs.recv_deltas.iter().map(|d| d.delta / 250).collect();
        assert_eq!(
            deltas.into_iter().map(i64::from).collect::<Vec<_>>(),
            their_deltas
        );
    }
}

#[test]
fn extended_reports_agree() {
    let theirs: ExtendedReport =
        read_by_them(|out| Xr::write_reference_time(out, Ssrc(1), NtpTime(0x1234_5678_9abc)));
    assert_eq!(theirs.sender_ssrc, 1);
    let time = theirs.reports[0]
        .as_any()
        .downcast_ref::<ReceiverReferenceTimeReportBlock>()
        .unwrap();
    assert_eq!(time.ntp_timestamp, 0x1234_5678_9abc);
    let bytes = written_by_them(theirs.clone());
    let RtcpPacket::Xr(ours) = only(&bytes) else {
        panic!("not an extended report");
    };
    let block = ours.blocks().next();
    assert!(
        matches!(block, Some(XrBlock::ReceiverReferenceTime(ntp)) if ntp.0 == 0x1234_5678_9abc)
    );

    let item = DlrrItem {
        ssrc: Ssrc(2),
        last_rr: 3,
        delay_since_last_rr: 4,
    };
    let theirs: ExtendedReport = read_by_them(|out| Xr::write_dlrr(out, Ssrc(1), &[item, item]));
    let dlrr = theirs.reports[0]
        .as_any()
        .downcast_ref::<DLRRReportBlock>()
        .unwrap();
    let expected = DLRRReport {
        ssrc: 2,
        last_rr: 3,
        dlrr: 4,
    };
    assert_eq!(dlrr.reports, [expected.clone(), expected]);
    let bytes = written_by_them(theirs.clone());
    let RtcpPacket::Xr(ours) = only(&bytes) else {
        panic!("not an extended report");
    };
    let Some(XrBlock::Dlrr(items)) = ours.blocks().next() else {
        panic!("not a DLRR block");
    };
    assert_eq!(items.collect::<Vec<_>>(), [item, item]);
}
