//! Feedback in every form, from arrivals of every kind, and hostile counts.

use super::super::{RtcpPacket, RtcpPackets};
use super::*;
use crate::rng::Rng;

const HEADER: TransportFeedbackHeader = TransportFeedbackHeader {
    sender_ssrc: Ssrc(1),
    media_ssrc: Ssrc(2),
    base_sequence_number: 65_530,
    feedback_count: 9,
};

/// An arrival `ticks` units of 250 µs after some odd time.
fn at(ticks: u64) -> Option<Instant> {
    Some(Instant::from_nanos((1_000_003 + ticks) * 250_000))
}

fn written(arrivals: &[Option<Instant>]) -> Vec<u8> {
    let mut buffer = vec![0xff; 1500];
    let mut out = CompoundWriter::new(&mut buffer);
    let covered = TransportFeedback::write(&mut out, &HEADER, arrivals);
    assert_eq!(covered, Some(arrivals.len()));
    out.written().to_vec()
}

fn parsed(compound: &[u8]) -> Option<TransportFeedback<'_>> {
    match RtcpPackets::new(compound).next()? {
        RtcpPacket::TransportFeedback(feedback) => Some(feedback),
        _ => None,
    }
}

/// The arrivals that feedback tells, in units of 250 µs.
fn told(feedback: &TransportFeedback<'_>) -> Vec<Option<i64>> {
    let mut time = i64::from(feedback.reference_time) * TICKS_PER_REFERENCE;
    feedback
        .packets()
        .map(|packet| {
            packet.delta.map(|delta| {
                time += i64::from(delta);
                time
            })
        })
        .collect()
}

fn check(arrivals: &[Option<Instant>]) -> usize {
    let bytes = written(arrivals);
    let feedback = parsed(&bytes).expect("what was written is well-formed");
    assert_eq!(feedback.header, HEADER);
    let expected: Vec<_> = arrivals.iter().map(|at| at.map(ticks)).collect();
    assert_eq!(told(&feedback), expected);
    let last = HEADER
        .base_sequence_number
        .wrapping_add(u16::try_from(arrivals.len() - 1).unwrap());
    assert_eq!(
        feedback.packets().last().map(|p| p.sequence_number),
        Some(last)
    );
    bytes.len()
}

#[test]
fn every_kind_of_chunk_reads_back() {
    let run: Vec<_> = (0..100).map(|n| at(n * 4)).collect();
    // Header, one chunk, one byte a packet, padding.
    assert_eq!(check(&run), 20 + 104);

    let every_other: Vec<_> = (0..28).map(|n| at(n).filter(|_| n % 2 == 0)).collect();
    assert_eq!(check(&every_other), 20 + 2 * 2 + 16);

    let large: Vec<_> = (0..7).map(|n| at(n * (1 + n) * 100)).collect();
    check(&large);

    let mut gap = vec![at(0)];
    gap.resize(9000, None);
    gap.truncate(600);
    gap.push(at(5));
    check(&gap);
}

#[test]
fn packets_that_overtook_each_other_have_negative_deltas() {
    check(&[at(1000), at(0), None, at(300), at(299)]);
}

#[test]
fn any_mixture_reads_back() {
    let mut rng = Rng::new([7; 32]);
    for _ in 0..300 {
        let mut time = u64::from(rng.below(100_000));
        let len = 1 + rng.below(120);
        let (loss, large) = (rng.below(100), rng.below(30));
        let mut arrivals: Vec<_> = (0..len)
            .map(|_| {
                time += if rng.below(100) < large {
                    u64::from(rng.below(20_000))
                } else {
                    u64::from(rng.below(250))
                };
                at(time).filter(|_| rng.below(100) >= loss)
            })
            .collect();
        if arrivals.iter().all(Option::is_none) {
            arrivals[0] = at(time);
        }
        // Only losses can make a gap of more than 8 s. The writer stops before it.
        let mut buffer = vec![0; 1500];
        let mut out = CompoundWriter::new(&mut buffer);
        let covered = TransportFeedback::write(&mut out, &HEADER, &arrivals).unwrap();
        check(&arrivals[..covered]);
    }
}

#[test]
fn what_does_not_fit_is_left_for_the_next_packet() {
    let far = [at(0), None, at(1), at(1 + 32_768)];
    let mut buffer = [0; 100];
    let mut out = CompoundWriter::new(&mut buffer);
    assert_eq!(TransportFeedback::write(&mut out, &HEADER, &far), Some(3));

    let many: Vec<_> = (0..100).map(at).collect();
    let mut buffer = [0; 60];
    let mut out = CompoundWriter::new(&mut buffer);
    let covered = TransportFeedback::write(&mut out, &HEADER, &many).unwrap();
    assert!(
        (30..=38).contains(&covered),
        "{covered} packets in 40 bytes"
    );
    let told = parsed(out.written()).unwrap().status_count;
    assert_eq!(usize::from(told), covered);

    let mut out = CompoundWriter::new(&mut buffer[..20]);
    assert_eq!(TransportFeedback::write(&mut out, &HEADER, &many), None);
    assert_eq!(TransportFeedback::write(&mut out, &HEADER, &[None]), None);
    assert!(out.is_empty());
}

/// Feedback with these chunks and deltas, padded with zeros.
fn forged(status_count: u16, chunks: &[u16], deltas: &[u8]) -> Vec<u8> {
    let mut body = vec![0, 0, 0, 1, 0, 0, 0, 2, 0, 0];
    body.extend(status_count.to_be_bytes());
    body.extend([0, 0, 1, 0]);
    body.extend(chunks.iter().flat_map(|chunk| chunk.to_be_bytes()));
    body.extend(deltas);
    body.resize(body.len().next_multiple_of(4), 0);
    let words = u8::try_from(body.len() / 4).unwrap();
    let mut packet = vec![0x8f, 205, 0, words];
    packet.extend(body);
    packet
}

#[test]
fn hostile_counts_are_refused_or_cheap() {
    // No packets; fewer chunks than packets; an empty run; reserved symbols.
    assert!(parsed(&forged(0, &[0x0001], &[])).is_none());
    assert!(parsed(&forged(20, &[0x0001], &[])).is_none());
    assert!(parsed(&forged(1, &[0x0000, 0x0001], &[])).is_none());
    assert!(parsed(&forged(1, &[0x6001], &[0; 8])).is_none());
    assert!(parsed(&forged(7, &[0xc003], &[0; 8])).is_none());
    // A run of 8,191 received packets without their deltas.
    assert!(parsed(&forged(8191, &[0x3fff], &[0; 100])).is_none());
    // The format allows 65,535 lost packets in nine chunks.
    let all_lost = forged(65_535, &[0x1fff; 9], &[]);
    assert_eq!(parsed(&all_lost).unwrap().packets().count(), 65_535);
}

#[test]
fn a_chunk_may_hold_more_places_than_packets() {
    // One large delta, then places of a vector without packets.
    let bytes = forged(1, &[0xe000], &[0x80, 0x00]);
    let packets: Vec<_> = parsed(&bytes).unwrap().packets().collect();
    assert_eq!(
        packets,
        [PacketStatus {
            sequence_number: 0,
            delta: Some(i16::MIN)
        }]
    );
}
