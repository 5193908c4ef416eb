//! The receiver against the demo's source, over a link that loses packets.

use std::sync::Arc;

use super::*;
use crate::demo::{
    DemoConfig, DemoMedia, DemoSource, ExtensionIds, Outgoing, RtxStream, StreamConfig,
};

const VIDEO: Ssrc = Ssrc(1000);
const VIDEO_RTX: Ssrc = Ssrc(1001);
const AUDIO: Ssrc = Ssrc(2000);
const TRANSPORT_CC: u8 = 5;

fn source() -> DemoSource {
    let stream = |ssrc, payload_type, rtx| StreamConfig {
        ssrc,
        payload_type: PayloadType(payload_type),
        mid: "0".to_owned(),
        rtx,
    };
    let rtx = RtxStream {
        ssrc: VIDEO_RTX,
        payload_type: PayloadType(97),
    };
    let config = DemoConfig {
        video: Some(stream(VIDEO, 96, Some(rtx))),
        audio: Some(stream(AUDIO, 111, None)),
        extensions: ExtensionIds {
            transport_cc: Some(TRANSPORT_CC),
            ..ExtensionIds::default()
        },
        cname: "demo".to_owned(),
        max_payload: 300,
        start_ntp: 0,
    };
    DemoSource::new(Arc::new(DemoMedia::embedded().unwrap()), config)
}

fn receiver() -> Receiver {
    let payload = |payload_type, kind| Payload {
        payload_type: PayloadType(payload_type),
        kind,
    };
    Receiver::new(ReceiverConfig {
        ssrc: Ssrc(1),
        payloads: vec![
            payload(96, PayloadKind::Vp8),
            payload(111, PayloadKind::Other { clock_rate: 48_000 }),
        ],
        rtx: vec![RtxSource {
            ssrc: VIDEO_RTX,
            media_ssrc: VIDEO,
            media_payload_type: PayloadType(96),
        }],
        transport_cc: Some(TRANSPORT_CC),
    })
}

/// Delivers `out` at `now`, but drops every `drop_each`-th video packet.
fn deliver(receiver: &mut Receiver, now: Duration, out: Vec<Outgoing>, drop_each: usize) {
    let mut video = 0;
    for packet in out {
        match packet {
            Outgoing::Rtp(packet) => {
                let is_video = RtpPacket::parse(&packet).unwrap().ssrc() == VIDEO;
                video += usize::from(is_video);
                if !is_video || drop_each == 0 || !video.is_multiple_of(drop_each) {
                    receiver.handle_rtp(now, &packet).unwrap();
                }
            }
            Outgoing::Rtcp(compound) => receiver.handle_rtcp(now, &compound).unwrap(),
        }
    }
}

fn run(source: &mut DemoSource, receiver: &mut Receiver, until: Duration, drop_each: usize) {
    while source.poll_timeout() <= until {
        let now = source.poll_timeout();
        let mut out = Vec::new();
        source.handle_timeout(now, &mut out);
        deliver(receiver, now, out, drop_each);
    }
}

#[test]
fn every_picture_of_the_demo_is_complete() {
    let (mut source, mut receiver) = (source(), receiver());
    run(&mut source, &mut receiver, Duration::from_millis(3999), 0);
    let video = receiver.stats(VIDEO).unwrap();
    assert_eq!((video.frames, video.key_frames, video.lost), (60, 1, 0));
    assert_eq!(video.sender_reports, 4);
    let audio = receiver.stats(AUDIO).unwrap();
    assert_eq!((audio.packets, audio.frames, audio.lost), (200, 0, 0));
    let Outgoing::Rtcp(goodbye) = source.goodbye(Duration::from_secs(4)) else {
        panic!("a goodbye is RTCP");
    };
    receiver
        .handle_rtcp(Duration::from_secs(4), &goodbye)
        .unwrap();
    assert!(receiver.stats(VIDEO).unwrap().ended);
    assert_eq!(receiver.ssrcs().collect::<Vec<_>>(), [VIDEO, AUDIO]);
}

#[test]
fn nack_recovers_lost_packets_through_rtx() {
    let (mut source, mut receiver) = (source(), receiver());
    run(&mut source, &mut receiver, Duration::from_secs(2), 4);
    let hurt = receiver.stats(VIDEO).unwrap();
    assert!(hurt.lost > 10, "{hurt:?}");
    assert!(hurt.frames < 30, "{hurt:?}");

    let now = Duration::from_millis(2010);
    let nack = receiver.nack(VIDEO).unwrap();
    let mut out = Vec::new();
    source.handle_rtcp(now, &nack, &mut out).unwrap();
    deliver(&mut receiver, now, out, 0);
    let healed = receiver.stats(VIDEO).unwrap();
    assert_eq!((healed.recovered, healed.lost), (hurt.lost, 0));
    assert_eq!((healed.frames, healed.key_frames), (31, 1));
    assert_eq!(receiver.nack(VIDEO), None);
}

#[test]
fn key_frame_requests_bring_key_frames() {
    let (mut source, mut receiver) = (source(), receiver());
    run(&mut source, &mut receiver, Duration::from_millis(500), 0);
    for request in [receiver.pli(VIDEO), receiver.fir(VIDEO)] {
        let before = receiver.stats(VIDEO).unwrap().key_frames;
        let now = source.poll_timeout();
        source.handle_rtcp(now, &request, &mut Vec::new()).unwrap();
        let until = now + Duration::from_millis(100);
        run(&mut source, &mut receiver, until, 0);
        assert_eq!(receiver.stats(VIDEO).unwrap().key_frames, before + 1);
    }
}

#[test]
fn feedback_comes_at_its_times_and_says_what_arrived() {
    let (mut source, mut receiver) = (source(), receiver());
    let mut reports = 0;
    let mut covered = 0;
    while receiver.poll_timeout() <= Duration::from_secs(2) {
        let now = receiver.poll_timeout();
        run(&mut source, &mut receiver, now, 0);
        for compound in receiver.handle_timeout(now) {
            for packet in parse_compound(&compound).unwrap() {
                match packet {
                    RtcpPacket::ReceiverReport(report) => {
                        reports += 1;
                        assert_eq!(report.reports.len(), 2);
                        assert!(
                            report
                                .reports
                                .iter()
                                .all(|block| block.cumulative_lost == 0)
                        );
                    }
                    RtcpPacket::TransportFeedback(feedback) => {
                        assert_eq!(usize::from(feedback.base.0), covered);
                        assert!(feedback.packets.iter().all(Option::is_some));
                        covered += feedback.packets.len();
                    }
                    other => panic!("unexpected {other:?}"),
                }
            }
        }
    }
    let received = receiver.stats(VIDEO).unwrap().packets + receiver.stats(AUDIO).unwrap().packets;
    assert_eq!((reports, covered), (2, usize::try_from(received).unwrap()));
}

#[test]
fn remb_names_the_streams_and_unknown_payloads_are_counted() {
    let (mut source, mut receiver) = (source(), receiver());
    run(&mut source, &mut receiver, Duration::ZERO, 0);
    let expected = RtcpPacket::Remb(Remb {
        sender: Ssrc(1),
        bitrate: 1_000_000,
        ssrcs: vec![VIDEO, AUDIO],
    });
    // 1,000,000 needs twenty bits; four of its lower ones are zero.
    assert_eq!(
        parse_compound(&receiver.remb(1_000_000)),
        Ok(vec![expected])
    );

    let stranger = RtpHeader {
        marker: false,
        payload_type: PayloadType(35),
        sequence_number: SequenceNumber(1),
        timestamp: crate::rtp::RtpTimestamp(1),
        ssrc: Ssrc(77),
        extensions: Vec::new(),
    };
    receiver
        .handle_rtp(Duration::ZERO, &stranger.write(&[1]))
        .unwrap();
    assert_eq!(receiver.unknown_packets(), 1);
    assert_eq!(receiver.stats(Ssrc(77)), None);
}
