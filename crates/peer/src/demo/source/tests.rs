//! The demo's packets, reports and answers to feedback, on a clock that the test sets.

use super::*;
use crate::{
    rtcp::{FullIntraRequest, Nack, PictureLossIndication},
    rtp::{PayloadType, RtpPacket, Vp8Descriptor},
};

const VIDEO: Ssrc = Ssrc(1000);
const AUDIO: Ssrc = Ssrc(2000);

fn source() -> DemoSource {
    let stream = |ssrc, payload_type, mid: &str| StreamConfig {
        ssrc,
        payload_type: PayloadType(payload_type),
        mid: mid.to_owned(),
        rtx: None,
    };
    let config = DemoConfig {
        video: Some(stream(VIDEO, 96, "0")),
        audio: Some(stream(AUDIO, 111, "1")),
        extensions: ExtensionIds {
            transport_cc: Some(5),
            ..ExtensionIds::default()
        },
        cname: "demo".to_owned(),
        max_payload: 1100,
        start_ntp: 1 << 32,
    };
    DemoSource::new(Arc::new(DemoMedia::embedded().unwrap()), config)
}

/// Calls the source at each of its times, up to and including `until`.
fn run(source: &mut DemoSource, until: Duration) -> Vec<Outgoing> {
    let mut out = Vec::new();
    while source.poll_timeout() <= until {
        source.handle_timeout(source.poll_timeout(), &mut out);
    }
    out
}

fn rtp(out: &[Outgoing], ssrc: Ssrc) -> Vec<RtpPacket<'_>> {
    let packets = out.iter().filter_map(|packet| match packet {
        Outgoing::Rtp(packet) => Some(RtpPacket::parse(packet).unwrap()),
        Outgoing::Rtcp(_) => None,
    });
    packets.filter(|packet| packet.ssrc() == ssrc).collect()
}

/// Whether each picture begins a key frame, in order.
fn pictures(out: &[Outgoing]) -> Vec<bool> {
    rtp(out, VIDEO)
        .iter()
        .filter_map(|packet| {
            let descriptor = Vp8Descriptor::parse(packet.payload()).unwrap();
            let frame = &packet.payload()[descriptor.length..];
            descriptor.starts_frame.then(|| is_vp8_key_frame(frame))
        })
        .collect()
}

#[test]
fn one_second_holds_fifteen_pictures_and_fifty_tones_on_their_clocks() {
    let mut source = source();
    let out = run(&mut source, Duration::from_millis(999));
    assert_eq!(pictures(&out).len(), 15);

    let audio = rtp(&out, AUDIO);
    assert_eq!(audio.len(), 50);
    for pair in audio.windows(2) {
        let (a, b) = (pair[0].header(), pair[1].header());
        assert_eq!(b.timestamp, a.timestamp.plus(960));
        assert_eq!(b.sequence_number, a.sequence_number.plus(1));
    }
    let video = rtp(&out, VIDEO);
    let frame_ends = video.iter().filter(|packet| packet.header().marker).count();
    assert_eq!(frame_ends, 15);
    let (first, last) = (video[0].header(), video[video.len() - 1].header());
    assert_eq!(last.timestamp, first.timestamp.plus(14 * 6000));

    // Transport-wide numbers count over both streams.
    let mut numbers: Vec<&[u8]> = video
        .iter()
        .chain(&audio)
        .filter_map(|p| p.extension(5))
        .collect();
    numbers.sort_unstable();
    let expected: Vec<[u8; 2]> = (0..).take(numbers.len()).map(u16::to_be_bytes).collect();
    assert_eq!(numbers, expected);
}

#[test]
fn loop_begins_anew_with_its_key_frame() {
    let out = run(&mut source(), Duration::from_secs(8));
    let key_frames: Vec<usize> = pictures(&out)
        .into_iter()
        .enumerate()
        .filter_map(|(index, key)| key.then_some(index))
        .collect();
    assert_eq!(key_frames, [0, 60, 120]);
}

#[test]
fn pli_makes_the_next_picture_a_key_frame() {
    let mut source = source();
    run(&mut source, Duration::from_millis(700));
    let pli = RtcpPacket::PictureLossIndication(PictureLossIndication {
        sender: Ssrc(1),
        media: VIDEO,
    });
    let now = Duration::from_millis(710);
    let mut out = Vec::new();
    source
        .handle_rtcp(now, &write_compound(&[pli]), &mut out)
        .unwrap();
    assert_eq!(out, []);
    let out = run(&mut source, Duration::from_millis(900));
    assert_eq!(pictures(&out), [true, false, false]);
    assert_eq!(source.stats().key_frame_requests, 1);
    assert_eq!(source.stats().key_frames, 2);
}

#[test]
fn fir_counts_once_per_sequence_number_and_only_for_the_picture() {
    let mut source = source();
    run(&mut source, Duration::from_millis(100));
    let mut ask = |media, sequence_number| {
        let fir = RtcpPacket::FullIntraRequest(FullIntraRequest {
            sender: Ssrc(1),
            media,
            sequence_number,
        });
        let compound = write_compound(&[fir]);
        source
            .handle_rtcp(Duration::from_millis(100), &compound, &mut Vec::new())
            .unwrap();
        source.stats().key_frame_requests
    };
    let counts = [ask(VIDEO, 4), ask(VIDEO, 4), ask(AUDIO, 5), ask(VIDEO, 5)];
    assert_eq!(counts, [1, 1, 1, 2]);
}

#[test]
fn nack_brings_the_same_packet_again() {
    let mut source = source();
    let sent = run(&mut source, Duration::from_millis(500));
    let sent = rtp(&sent, VIDEO);
    let lost = [
        sent[1].header().sequence_number,
        sent[3].header().sequence_number,
    ];
    let nack = RtcpPacket::Nack(Nack {
        sender: Ssrc(1),
        media: VIDEO,
        lost: vec![lost[0], lost[1], lost[0].plus(5000)],
    });
    let mut out = Vec::new();
    let now = Duration::from_millis(510);
    source
        .handle_rtcp(now, &write_compound(&[nack]), &mut out)
        .unwrap();
    let again = rtp(&out, VIDEO);
    assert_eq!(again.len(), 2);
    for (again, original) in again.iter().zip([sent[1], sent[3]]) {
        assert_eq!(again.header(), original.header());
        assert_eq!(again.payload(), original.payload());
        assert_ne!(again.extension(5), original.extension(5));
    }
    assert_eq!(source.stats().retransmissions, 2);
}

#[test]
fn reports_tie_wall_clock_to_stream_clock() {
    let mut source = source();
    let out = run(&mut source, Duration::from_millis(2500));
    let first_audio = rtp(&out, AUDIO)[0].header().timestamp;
    let compounds: Vec<Vec<RtcpPacket>> = out
        .iter()
        .filter_map(|packet| match packet {
            Outgoing::Rtcp(compound) => Some(parse_compound(compound).unwrap()),
            Outgoing::Rtp(_) => None,
        })
        .collect();
    assert_eq!(compounds.len(), 3);
    let [
        _,
        RtcpPacket::SenderReport(audio),
        _,
        RtcpPacket::SourceDescription(name),
    ] = &compounds[1][..]
    else {
        panic!("unexpected compound {:?}", compounds[1]);
    };
    assert_eq!((audio.ssrc, audio.ntp), (AUDIO, 2 << 32));
    assert_eq!(audio.timestamp, first_audio.plus(48_000));
    // The frame that is due at the same time is sent, and counted, first.
    assert_eq!(audio.packet_count, 51);
    assert_eq!((name.ssrc, name.cname.as_str()), (AUDIO, "demo"));

    let Outgoing::Rtcp(goodbye) = source.goodbye(Duration::from_secs(3)) else {
        panic!("a goodbye is RTCP");
    };
    let packets = parse_compound(&goodbye).unwrap();
    let expected = Goodbye {
        ssrcs: vec![VIDEO, AUDIO],
    };
    assert_eq!(packets.last(), Some(&RtcpPacket::Goodbye(expected)));
}

#[test]
fn a_late_call_skips_instead_of_bursting() {
    let mut source = source();
    run(&mut source, Duration::from_millis(100));
    let mut out = Vec::new();
    source.handle_timeout(Duration::from_secs(60), &mut out);
    assert_eq!(pictures(&out).len(), 1);
    assert_eq!(rtp(&out, AUDIO).len(), 1);
    assert!(source.poll_timeout() > Duration::from_secs(60));
}
