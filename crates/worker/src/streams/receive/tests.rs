//! One incoming stream in virtual time: loss, repair, restarts, silence, reports.

use super::super::round_trip;
use super::*;

const PARAMS: ReceiveStreamParams = ReceiveStreamParams {
    ssrc: Ssrc(1),
    payload_type: PayloadType(96),
    clock_rate: 90_000,
    rtx: Some((Ssrc(2), PayloadType(97))),
    nack: true,
    inactivity: Some(ReceiveStreamParams::INACTIVITY),
};

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

fn packet(millis: u64, seq: u16) -> IncomingPacket {
    IncomingPacket {
        seq,
        timestamp: u32::from(seq) * 900,
        received: at(millis),
        size: 125,
        key_frame: false,
        has_payload: true,
    }
}

fn feed(stream: &mut ReceiveStream, millis: u64, seq: u16) -> Result<Accepted, Discard> {
    stream.handle_rtp(at(millis), &packet(millis, seq))
}

fn nacks(stream: &mut ReceiveStream, millis: u64) -> Vec<u16> {
    let mut due = [0; 64];
    let count = stream.take_due_nacks(at(millis), &mut due);
    due[..count].to_vec()
}

#[test]
fn a_lost_packet_is_asked_for_and_its_repair_accepted_once() {
    let mut stream = ReceiveStream::new(PARAMS);
    for seq in [1, 2, 4] {
        assert!(feed(&mut stream, 10, seq).is_ok());
    }
    assert_eq!(stream.next_deadline(), Some(at(10)));
    assert_eq!(nacks(&mut stream, 10), [3]);
    let repair = stream.handle_rtx(at(40), &packet(40, 500), 3).unwrap();
    assert_eq!(repair.seq.seq(), 3);
    assert_eq!(
        stream.handle_rtx(at(41), &packet(41, 501), 3),
        Err(Discard::NotMissing)
    );
    assert_eq!(
        stream.handle_rtx(at(41), &packet(41, 502), 5),
        Err(Discard::NotMissing)
    );
    assert_eq!(
        stream.handle_rtx(at(41), &packet(41, 502), 3),
        Err(Discard::Duplicate)
    );
    assert_eq!(feed(&mut stream, 42, 3), Err(Discard::Duplicate));
    let stats = stream.stats(at(42));
    assert_eq!((stats.packet_count, stats.byte_count), (4, 500));
    assert_eq!(
        (stats.packets_retransmitted, stats.packets_repaired),
        (3, 1)
    );
    assert_eq!(
        (stats.packets_discarded, stats.rtx_packets_discarded),
        (1, 3)
    );
    assert_eq!((stats.nack_count, stats.nack_packet_count), (1, 1));
    let rtx = stream.rtx_report(at(50)).unwrap();
    assert_eq!((rtx.ssrc, rtx.highest_sequence_number), (Ssrc(2), 502));
}

#[test]
fn without_rtx_a_late_packet_that_was_missed_is_a_repair() {
    let mut stream = ReceiveStream::new(ReceiveStreamParams {
        rtx: None,
        ..PARAMS
    });
    for seq in [1, 3, 2] {
        assert!(feed(&mut stream, 0, seq).is_ok());
    }
    assert_eq!(stream.stats(at(0)).packets_repaired, 1);
    assert_eq!(
        stream.handle_rtx(at(0), &packet(0, 1), 2),
        Err(Discard::NoRtx)
    );
    assert_eq!(stream.rtx_report(at(0)), None);
}

#[test]
fn a_restart_forgets_what_was_missing_and_wants_a_key_frame() {
    let mut stream = ReceiveStream::new(PARAMS);
    for seq in [1, 2, 4] {
        assert!(feed(&mut stream, 0, seq).is_ok());
    }
    assert_eq!(feed(&mut stream, 0, 30_000), Err(Discard::SequenceJump));
    let accepted = feed(&mut stream, 0, 30_001).unwrap();
    assert!(accepted.restarted && accepted.key_frame_needed);
    assert_eq!(nacks(&mut stream, 0), [0_u16; 0]);
    let (block, _) = stream.report(at(1000));
    assert_eq!(
        (block.cumulative_lost, block.highest_sequence_number),
        (0, 30_001)
    );
}

#[test]
fn a_gap_too_large_to_repair_wants_a_key_frame() {
    let mut stream = ReceiveStream::new(PARAMS);
    assert!(!feed(&mut stream, 0, 1).unwrap().key_frame_needed);
    assert!(feed(&mut stream, 0, 1500).unwrap().key_frame_needed);
}

#[test]
fn silence_takes_the_score_and_the_next_packet_gives_it_back() {
    let mut stream = ReceiveStream::new(PARAMS);
    assert_eq!(stream.next_deadline(), None);
    assert!(feed(&mut stream, 0, 1).is_ok());
    assert!(feed(&mut stream, 100, 2).is_ok());
    assert!(!stream.handle_inactivity(at(1599)));
    assert_eq!(stream.next_deadline(), Some(at(1600)));
    assert!(stream.handle_inactivity(at(1600)));
    assert!(!stream.handle_inactivity(at(5000)));
    assert_eq!((stream.score(), stream.next_deadline()), (0, None));
    assert!(!stream.report(at(5000)).1);
    assert!(feed(&mut stream, 6000, 3).unwrap().reactivated);
    assert_eq!(stream.score(), 10);
    assert!(!feed(&mut stream, 6001, 4).unwrap().reactivated);
}

#[test]
fn a_paused_stream_has_no_deadlines() {
    let mut stream = ReceiveStream::new(PARAMS);
    stream.resume(at(0));
    assert_eq!(stream.next_deadline(), None);
    assert!(feed(&mut stream, 0, 1).is_ok());
    assert!(feed(&mut stream, 0, 3).is_ok());
    stream.pause();
    assert_eq!(stream.next_deadline(), None);
    stream.resume(at(10_000));
    assert_eq!(stream.next_deadline(), Some(at(11_500)));
}

#[test]
fn loss_lowers_the_score_less_when_it_is_repaired() {
    let score = |repair: bool| {
        let mut stream = ReceiveStream::new(PARAMS);
        for seq in (0..1000_u16).filter(|seq| seq % 5 != 1) {
            assert!(feed(&mut stream, 0, seq).is_ok());
        }
        for seq in (0..1000_u16).filter(|seq| repair && seq % 5 == 1) {
            assert!(stream.handle_rtx(at(0), &packet(0, seq), seq).is_ok());
        }
        assert!(stream.report(at(1000)).1);
        stream.score()
    };
    assert_eq!((score(false), score(true)), (3, 5));
}

#[test]
fn the_round_trip_paces_the_nacks() {
    let mut stream = ReceiveStream::new(PARAMS);
    let second = 1_u64 << 32;
    let asked = NtpTime(100 * second).compact();
    let rtt = round_trip(NtpTime(101 * second), asked, 0x8000).unwrap();
    stream.set_rtt(rtt);
    assert_eq!(stream.stats(at(0)).round_trip_time_ms, 500.0);
    assert!(feed(&mut stream, 0, 1).is_ok());
    assert!(feed(&mut stream, 0, 3).is_ok());
    assert_eq!(nacks(&mut stream, 0), [2]);
    assert_eq!(nacks(&mut stream, 480), [0_u16; 0]);
    assert_eq!(nacks(&mut stream, 520), [2]);
}

#[test]
fn a_sender_report_sets_the_clock_and_is_echoed() {
    let mut stream = ReceiveStream::new(PARAMS);
    assert!(feed(&mut stream, 0, 1).is_ok());
    let ntp = NtpTime(77 << 32);
    stream.handle_sender_report(at(500), NtpTime(80 << 32), ntp, 4500);
    assert_eq!(
        stream.clock().timestamp_at_local(NtpTime(81 << 32)),
        Some(94_500)
    );
    let (block, _) = stream.report(at(1000));
    assert_eq!(block.last_sender_report, ntp.compact());
    assert_eq!(block.delay_since_last_sender_report, 0x8000);
}

#[test]
fn padding_alone_is_no_sign_of_life() {
    let mut stream = ReceiveStream::new(PARAMS);
    assert!(feed(&mut stream, 0, 0).is_ok());
    let padding = |stream: &mut ReceiveStream, millis: u64, seq: u16| {
        let packet = IncomingPacket {
            has_payload: false,
            ..packet(millis, seq)
        };
        stream.handle_rtp(at(millis), &packet).unwrap().reactivated
    };
    for seq in 1..20_u16 {
        assert!(!padding(&mut stream, u64::from(seq) * 100, seq));
        stream.handle_inactivity(at(u64::from(seq) * 100));
    }
    assert_eq!((stream.is_inactive(), stream.score()), (true, 0));
    assert!(!padding(&mut stream, 2000, 20));
    assert_eq!(stream.score(), 0);
    assert!(feed(&mut stream, 2100, 21).unwrap().reactivated);
    assert_eq!(stream.score(), 10);

    // What begins with padding falls silent, too.
    let mut stream = ReceiveStream::new(PARAMS);
    assert!(!padding(&mut stream, 0, 0));
    assert!(stream.handle_inactivity(at(1500)));
}
