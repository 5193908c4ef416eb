//! When packets arrived, kept until transport-wide feedback reports it.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    rtcp::TransportFeedback,
    rtp::{SequenceNumber, Ssrc},
};

/// Arrival times by transport-wide sequence number, until they are reported.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    highest: Option<u64>,
    /// The first number that no feedback has covered.
    next: u64,
    /// In units of 250 µs.
    times: BTreeMap<u64, i64>,
    feedback_count: u8,
}

impl Arrivals {
    pub(super) fn record(&mut self, number: SequenceNumber, now: Duration) {
        let sequence = match self.highest {
            None => {
                let first = CYCLE + u64::from(number.0);
                self.next = first;
                first
            }
            Some(highest) => extend(number, highest),
        };
        self.highest = Some(
            self.highest
                .map_or(sequence, |highest| highest.max(sequence)),
        );
        // A packet that comes after it was reported as missing stays missing.
        if sequence >= self.next {
            let time = i64::try_from(now.as_micros() / 250).unwrap_or(i64::MAX);
            self.times.entry(sequence).or_insert(time);
        }
    }

    /// Feedback on everything that arrived since the last one; none if nothing did.
    pub(super) fn take_feedback(&mut self, sender: Ssrc, media: Ssrc) -> Option<TransportFeedback> {
        let (_, &first_time) = self.times.first_key_value()?;
        let reference_time = first_time.div_euclid(REFERENCE_UNIT);
        let mut last_time = reference_time * REFERENCE_UNIT;
        let base = self.next;
        let mut packets = Vec::new();
        while let Some(entry) = self.times.first_entry() {
            let missing = usize::try_from(*entry.key() - self.next).unwrap_or(usize::MAX);
            let delta = i16::try_from(*entry.get() - last_time);
            // What does not fit goes into the next feedback, with a reference time of its own.
            let (Ok(delta), true) = (delta, packets.len() + missing < MAX_PACKETS) else {
                break;
            };
            self.next = entry.key() + 1;
            last_time = entry.remove();
            packets.resize(packets.len() + missing, None);
            packets.push(Some(delta));
        }
        let feedback_count = self.feedback_count;
        self.feedback_count = feedback_count.wrapping_add(1);
        Some(TransportFeedback {
            sender,
            media,
            base: SequenceNumber(wrap_u16(base)),
            reference_time: wrap_u24(reference_time),
            feedback_count,
            packets,
        })
    }
}

/// The extended number nearest to `highest` that ends in `number`.
pub(super) fn extend(number: SequenceNumber, highest: u64) -> u64 {
    let distance = number.distance(SequenceNumber(wrap_u16(highest)));
    highest.saturating_add_signed(i64::from(distance))
}

fn wrap_u16(sequence: u64) -> u16 {
    let [.., high, low] = sequence.to_be_bytes();
    u16::from_be_bytes([high, low])
}

fn wrap_u24(units: i64) -> u32 {
    let [.., a, b, c] = units.to_be_bytes();
    u32::from_be_bytes([0, a, b, c])
}

/// Extended numbers start here, so that those before the first stay positive.
pub(super) const CYCLE: u64 = 1 << 16;
/// 64 ms in units of 250 µs.
const REFERENCE_UNIT: i64 = 256;
/// When the numbers jump by more than this, counting starts over; the gap is not reported packet by
/// packet.
const MAX_PACKETS: usize = 0x7fff;

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn gaps_deltas_and_counts_follow_the_arrivals() {
        let mut arrivals = Arrivals::default();
        assert_eq!(arrivals.take_feedback(Ssrc(1), Ssrc(2)), None);
        arrivals.record(SequenceNumber(65534), 130 * MS);
        arrivals.record(SequenceNumber(1), 135 * MS);
        arrivals.record(SequenceNumber(0), 136 * MS);
        let feedback = arrivals.take_feedback(Ssrc(1), Ssrc(2)).unwrap();
        assert_eq!(feedback.base, SequenceNumber(65534));
        assert_eq!((feedback.reference_time, feedback.feedback_count), (2, 0));
        assert_eq!(feedback.packets, [Some(8), None, Some(24), Some(-4)]);

        // 65535 was reported missing and comes too late; 2 is lost.
        arrivals.record(SequenceNumber(65535), 150 * MS);
        assert_eq!(arrivals.take_feedback(Ssrc(1), Ssrc(2)), None);
        arrivals.record(SequenceNumber(3), 192 * MS);
        let feedback = arrivals.take_feedback(Ssrc(1), Ssrc(2)).unwrap();
        assert_eq!(feedback.base, SequenceNumber(2));
        assert_eq!((feedback.reference_time, feedback.feedback_count), (3, 1));
        assert_eq!(feedback.packets, [None, Some(0)]);
    }

    #[test]
    fn pause_longer_than_a_delta_splits_the_feedback() {
        let mut arrivals = Arrivals::default();
        arrivals.record(SequenceNumber(0), Duration::ZERO);
        arrivals.record(SequenceNumber(1), 9000 * MS);
        let first = arrivals.take_feedback(Ssrc(1), Ssrc(2)).unwrap();
        let second = arrivals.take_feedback(Ssrc(1), Ssrc(2)).unwrap();
        assert_eq!(first.packets, [Some(0)]);
        assert_eq!(
            (second.base, second.reference_time),
            (SequenceNumber(1), 140)
        );
        assert_eq!(second.packets, [Some(160)]);
    }
}
