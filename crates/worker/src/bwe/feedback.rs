//! Transport-wide feedback to a publisher: when each of its packets came
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3).

use std::ops::Range;
use std::time::Duration;

use crate::streams::{ExtendedSeq, SeqUnwrapper};
use crate::time::Instant;

/// Remembers when packets came, by transport-wide sequence number. A report is due every 100 ms, or
/// as soon as 200 packets have come.
///
/// A report starts where the last one ended, so a lost packet is reported as soon as a later one
/// has come. If the lost packet comes after all, within half a second, the next report goes back to
/// it and repeats everything since. While nothing comes, [`ArrivalLog::next_deadline`] is absent.
/// Memory is 1 KiB at first and grows with the packet rate to at most 16 KiB.
#[derive(Debug, Default)]
pub(crate) struct ArrivalLog {
    unwrapper: SeqUnwrapper,
    /// The number that would confirm that the publisher has started a new numbering.
    after_jump: Option<u16>,
    /// For each packet the lower bits of its arrival in microseconds; 0 when it did not come.
    /// Number `n` lies at `n & (arrivals.len() - 1)`.
    arrivals: Vec<u32>,
    /// The first number of the next report.
    start: ExtendedSeq,
    /// Packets from `start` on that came.
    unreported: usize,
    /// The latest arrival of all.
    newest: Instant,
    due: Option<Instant>,
    feedback_count: u8,
}

/// One report: the fields of a feedback packet besides the arrivals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FeedbackBatch {
    /// The transport-wide sequence number of the first arrival.
    pub base_sequence_number: u16,
    /// Counts the reports; wraps.
    pub feedback_count: u8,
    /// How many arrivals were written.
    pub len: usize,
}

impl ArrivalLog {
    /// Records that an authenticated packet with transport-wide sequence number `seq` came at
    /// `received`.
    pub(crate) fn handle_packet(&mut self, now: Instant, seq: u16, received: Instant) {
        let Some(seq) = self.place(seq) else {
            return;
        };
        self.newest = self.newest.max(received);
        let slot = self.slot(seq);
        if self.arrivals[slot] != ABSENT {
            return;
        }
        self.arrivals[slot] = micros(received);
        if seq < self.start {
            self.go_back_to(seq);
        } else {
            self.unreported += 1;
        }
        let due = if self.unreported >= FULL {
            now
        } else {
            now + INTERVAL
        };
        self.due = Some(self.due.map_or(due, |earlier| earlier.min(due)));
    }

    /// When [`ArrivalLog::take_batch`] has something to give.
    #[must_use]
    pub(crate) const fn next_deadline(&self) -> Option<Instant> {
        self.due
    }

    /// If a report is due, writes the arrival of each packet from the base sequence number on into
    /// `arrivals`; `None` stands for a packet that did not come. The last entry is always one that
    /// came. Afterwards tell [`ArrivalLog::note_sent`] how many entries fitted into the packet, and
    /// call this again: there may be more.
    pub(crate) fn take_batch(
        &mut self,
        now: Instant,
        arrivals: &mut [Option<Instant>],
    ) -> Option<FeedbackBatch> {
        if self.due.is_none_or(|due| due > now) || arrivals.is_empty() {
            return None;
        }
        self.skip_hopeless_gap(arrivals.len());
        let mut len = 0;
        for (number, place) in (self.start.0..=self.unwrapper.highest()?.0).zip(&mut *arrivals) {
            *place = self.arrival(ExtendedSeq(number));
            if place.is_some() {
                len = usize::try_from(number - self.start.0).unwrap_or(0) + 1;
            }
        }
        (len > 0).then(|| FeedbackBatch {
            base_sequence_number: self.start.seq(),
            feedback_count: self.feedback_count,
            len,
        })
    }

    /// Records that the first `len` arrivals of the last batch were sent.
    pub(crate) fn note_sent(&mut self, len: usize) {
        let end = match self.unwrapper.highest() {
            Some(highest) => self.start.plus(len as u64).min(highest.plus(1)),
            None => return,
        };
        let came = self.came(self.start.0..end.0);
        self.start = end;
        self.unreported = self.unreported.saturating_sub(came);
        self.feedback_count = self.feedback_count.wrapping_add(1);
        if self.unreported == 0 {
            self.due = None;
        }
    }

    /// Makes room for a packet and returns its extended number; `None` if it is too old, or too far
    /// off to be believed at once.
    fn place(&mut self, wire: u16) -> Option<ExtendedSeq> {
        let Some(highest) = self.unwrapper.highest() else {
            let first = self.unwrapper.unwrap(wire);
            self.start_at(first);
            return Some(first);
        };
        let seq = self.unwrapper.peek(wire);
        let (ahead, behind) = (seq.since(highest), highest.since(seq));
        if ahead >= MAX_SPAN || behind >= MAX_SPAN {
            if self.after_jump != Some(wire) {
                self.after_jump = Some(wire.wrapping_add(1));
                return None;
            }
            let first = self.unwrapper.restart(wire);
            self.start_at(first);
            return Some(first);
        }
        self.after_jump = None;
        if ahead > 0 {
            self.unwrapper.unwrap(wire);
            self.extend(highest, seq);
        } else if behind >= self.arrivals.len() as u64 {
            return None;
        }
        Some(seq)
    }

    fn start_at(&mut self, first: ExtendedSeq) {
        self.arrivals.clear();
        self.arrivals.resize(FIRST_SPAN, ABSENT);
        self.start = first;
        self.unreported = 0;
        self.after_jump = None;
    }

    /// Makes the ring reach from `start` to the new highest number, and empties the places between
    /// the former highest number and the new one.
    fn extend(&mut self, former: ExtendedSeq, highest: ExtendedSeq) {
        let span = highest.since(self.start) + 1;
        if span > self.arrivals.len() as u64 && (self.arrivals.len() as u64) < MAX_SPAN {
            self.grow(former, span.min(MAX_SPAN));
        }
        let len = self.arrivals.len() as u64;
        if span > len {
            // A packet that is overwritten before it was reported counts as if it had never been
            // there.
            let start = highest.plus(1).0 - len;
            let overwritten = self.came(self.start.0..start.min(former.0 + 1));
            self.unreported = self.unreported.saturating_sub(overwritten);
            self.start = ExtendedSeq(start);
        }
        let first = (former.0 + 1).max((highest.0 + 1).saturating_sub(len));
        for number in first..=highest.0 {
            let slot = self.slot(ExtendedSeq(number));
            self.arrivals[slot] = ABSENT;
        }
    }

    fn grow(&mut self, highest: ExtendedSeq, span: u64) {
        let len = usize::try_from(span.next_power_of_two()).unwrap_or(FIRST_SPAN);
        let kept = self.arrivals.len() as u64;
        let mut arrivals = vec![ABSENT; len];
        for number in (highest.0 + 1).saturating_sub(kept)..=highest.0 {
            let seq = ExtendedSeq(number);
            arrivals[slot_in(len, seq)] = self.arrivals[self.slot(seq)];
        }
        self.arrivals = arrivals;
    }

    /// Lets the next report start at a packet that was reported as lost, unless that report is too
    /// old to matter.
    fn go_back_to(&mut self, seq: ExtendedSeq) {
        let oldest = self.newest - BACK_WINDOW;
        let mut from = self.start;
        for number in (seq.0..self.start.0).rev() {
            match self.arrival(ExtendedSeq(number)) {
                Some(at) if at < oldest => break,
                Some(_) => {
                    from = ExtendedSeq(number);
                    self.unreported += 1;
                }
                None => {}
            }
        }
        self.start = from;
    }

    /// A gap that leaves no room for a single arrival is not reported.
    fn skip_hopeless_gap(&mut self, room: usize) {
        let Some(highest) = self.unwrapper.highest() else {
            return;
        };
        let first_came = (self.start.0..=highest.0)
            .find(|number| self.arrivals[self.slot(ExtendedSeq(*number))] != ABSENT);
        if let Some(first) = first_came
            && first - self.start.0 >= room as u64
        {
            self.start = ExtendedSeq(first);
        }
    }

    /// How many of these packets came; all must be within the ring.
    fn came(&self, numbers: Range<u64>) -> usize {
        numbers
            .filter(|number| self.arrivals[self.slot(ExtendedSeq(*number))] != ABSENT)
            .count()
    }

    fn arrival(&self, seq: ExtendedSeq) -> Option<Instant> {
        let low = *self.arrivals.get(self.slot(seq))?;
        if low == ABSENT {
            return None;
        }
        let newest = self.newest.as_micros();
        let age = ((newest & 0xffff_ffff) as u32).wrapping_sub(low);
        // 0 marks absence, so one microsecond in every 71 minutes is recorded a microsecond late.
        let age = if age > u32::MAX / 2 { 0 } else { age };
        Some(Instant::from_nanos(
            newest.saturating_sub(u64::from(age)).saturating_mul(1000),
        ))
    }

    fn slot(&self, seq: ExtendedSeq) -> usize {
        slot_in(self.arrivals.len(), seq)
    }
}

fn slot_in(len: usize, seq: ExtendedSeq) -> usize {
    usize::from(seq.seq()) & len.wrapping_sub(1)
}

/// The lower bits of the microsecond, never [`ABSENT`].
fn micros(at: Instant) -> u32 {
    ((at.as_micros() & 0xffff_ffff) as u32).max(1)
}

const INTERVAL: Duration = Duration::from_millis(100);
/// With so many unreported packets the report does not wait for the end of the interval.
const FULL: usize = 200;
/// What came longer ago than this is not reported again.
const BACK_WINDOW: Duration = Duration::from_millis(500);
const ABSENT: u32 = 0;
const FIRST_SPAN: usize = 256;
const MAX_SPAN: u64 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    fn feed(feedback: &mut ArrivalLog, millis: u64, seq: u16) {
        feedback.handle_packet(at(millis), seq, at(millis));
    }

    /// The next report: its count, its base, and the arrivals in milliseconds.
    fn report(feedback: &mut ArrivalLog, now: u64) -> Option<(u8, u16, Vec<Option<u64>>)> {
        let mut arrivals = [None; 300];
        let batch = feedback.take_batch(at(now), &mut arrivals)?;
        feedback.note_sent(batch.len);
        let millis = arrivals[..batch.len].iter();
        Some((
            batch.feedback_count,
            batch.base_sequence_number,
            millis.map(|at| at.map(Instant::as_millis)).collect(),
        ))
    }

    #[test]
    fn a_report_comes_a_tenth_of_a_second_after_the_first_packet() {
        let mut feedback = ArrivalLog::default();
        assert_eq!(feedback.next_deadline(), None);
        feed(&mut feedback, 1000, 0xffff);
        feed(&mut feedback, 1010, 0);
        feed(&mut feedback, 1020, 3);
        assert_eq!(feedback.next_deadline(), Some(at(1100)));
        assert_eq!(report(&mut feedback, 1099), None);
        let arrivals = vec![Some(1000), Some(1010), None, None, Some(1020)];
        assert_eq!(report(&mut feedback, 1100), Some((0, 0xffff, arrivals)));
        assert_eq!(feedback.next_deadline(), None);
        assert_eq!(report(&mut feedback, 5000), None);
    }

    #[test]
    fn loss_at_the_end_of_a_report_shows_in_the_next() {
        let mut feedback = ArrivalLog::default();
        feed(&mut feedback, 0, 10);
        assert_eq!(report(&mut feedback, 100), Some((0, 10, vec![Some(0)])));
        feed(&mut feedback, 150, 13);
        let arrivals = vec![None, None, Some(150)];
        assert_eq!(report(&mut feedback, 250), Some((1, 11, arrivals)));
    }

    #[test]
    fn a_late_packet_takes_the_next_report_back_to_it() {
        let mut feedback = ArrivalLog::default();
        for seq in [10, 11, 13, 14] {
            feed(&mut feedback, u64::from(seq), seq);
        }
        assert!(report(&mut feedback, 200).is_some());
        feed(&mut feedback, 210, 15);
        feed(&mut feedback, 211, 12);
        let arrivals = vec![Some(211), Some(13), Some(14), Some(210)];
        assert_eq!(report(&mut feedback, 310), Some((1, 12, arrivals)));
        assert_eq!(report(&mut feedback, 1000), None);
        // Within one report, order is by number.
        feed(&mut feedback, 1000, 17);
        feed(&mut feedback, 1001, 16);
        let arrivals = vec![Some(1001), Some(1000)];
        assert_eq!(report(&mut feedback, 1100), Some((2, 16, arrivals)));
    }

    #[test]
    fn what_is_too_long_ago_is_not_gone_back_to() {
        let mut feedback = ArrivalLog::default();
        feed(&mut feedback, 0, 10);
        feed(&mut feedback, 0, 12);
        feed(&mut feedback, 1000, 13);
        assert!(report(&mut feedback, 1100).is_some());
        feed(&mut feedback, 2000, 11);
        assert_eq!(report(&mut feedback, 2100), None);
    }

    #[test]
    fn duplicates_and_reported_packets_are_not_reported_again() {
        let mut feedback = ArrivalLog::default();
        feed(&mut feedback, 0, 10);
        feed(&mut feedback, 5, 10);
        assert_eq!(report(&mut feedback, 100), Some((0, 10, vec![Some(0)])));
        feed(&mut feedback, 105, 10);
        assert_eq!(feedback.next_deadline(), None);
    }

    #[test]
    fn a_burst_is_reported_at_once_and_in_pieces() {
        let mut feedback = ArrivalLog::default();
        for seq in 0..700 {
            feed(&mut feedback, 50, seq);
        }
        assert_eq!(feedback.next_deadline(), Some(at(50)));
        let mut shapes = Vec::new();
        while let Some((count, base, arrivals)) = report(&mut feedback, 50) {
            assert!(arrivals.iter().all(|arrival| *arrival == Some(50)));
            shapes.push((count, base, arrivals.len()));
        }
        assert_eq!(shapes, [(0, 0, 300), (1, 300, 300), (2, 600, 100)]);
        assert_eq!(feedback.next_deadline(), None);
    }

    #[test]
    fn what_did_not_fit_stays_due() {
        let mut feedback = ArrivalLog::default();
        for seq in 0..10 {
            feed(&mut feedback, 0, seq);
        }
        let mut arrivals = [None; 300];
        assert!(feedback.take_batch(at(100), &mut arrivals).is_some());
        feedback.note_sent(4);
        assert_eq!(feedback.next_deadline(), Some(at(100)));
        assert_eq!(report(&mut feedback, 100), Some((1, 4, vec![Some(0); 6])));
    }

    #[test]
    fn a_gap_longer_than_a_report_is_skipped() {
        let mut feedback = ArrivalLog::default();
        feed(&mut feedback, 0, 0);
        assert!(report(&mut feedback, 100).is_some());
        feed(&mut feedback, 150, 1000);
        assert_eq!(report(&mut feedback, 250), Some((1, 1000, vec![Some(150)])));
    }

    #[test]
    fn a_publisher_that_numbers_anew_is_believed_at_the_second_packet() {
        let mut feedback = ArrivalLog::default();
        for seq in 60_000..60_010 {
            feed(&mut feedback, 0, seq);
        }
        assert!(report(&mut feedback, 100).is_some());
        feed(&mut feedback, 200, 40_000);
        assert_eq!(feedback.next_deadline(), None);
        feed(&mut feedback, 210, 40_001);
        assert_eq!(
            report(&mut feedback, 310),
            Some((1, 40_001, vec![Some(210)]))
        );
    }

    #[test]
    fn memory_is_bounded_when_nothing_is_ever_reported() {
        let mut feedback = ArrivalLog::default();
        for n in 0..100_000_u64 {
            feed(&mut feedback, n / 10, ((n * 3) & 0xffff) as u16);
            assert!(feedback.arrivals.len() as u64 <= MAX_SPAN);
        }
        assert!(
            (1300..=1366).contains(&feedback.unreported),
            "{}",
            feedback.unreported
        );
        let (_, base, arrivals) = report(&mut feedback, 20_000).unwrap();
        assert_eq!(base, ((300_000_u64 - 3 - 4095) & 0xffff) as u16);
        assert!(arrivals.iter().flatten().count() >= 99);
    }

    #[test]
    fn the_count_of_unreported_packets_holds_under_any_numbers_and_times() {
        let mut state = 0x0f0f_1234_5678_9abc_u64;
        let mut log = ArrivalLog::default();
        let (mut now, mut seq) = (0, 0_u16);
        let mut arrivals = [None; 64];
        for _ in 0..30_000 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let [kind, by, far, pace, ..] = state.to_le_bytes();
            now += u64::from(pace % 8);
            let step = match kind % 32 {
                0 => u16::from(far) << 8,
                1 => u16::from(far) << 3,
                2..12 => u16::from(by % 16).wrapping_neg(),
                _ => u16::from(by % 4),
            };
            seq = seq.wrapping_add(step);
            log.handle_packet(at(now), seq, at(now.saturating_sub(u64::from(by))));
            let highest = log.unwrapper.highest().unwrap_or_default();
            assert_eq!(log.unreported, log.came(log.start.0..highest.0 + 1));
            assert!(highest.since(log.start) < log.arrivals.len() as u64);
            if let Some(batch) = log.take_batch(at(now), &mut arrivals) {
                log.note_sent(1 + usize::from(far) % batch.len);
                assert_eq!(log.unreported, log.came(log.start.0..highest.0 + 1));
            }
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        use crate::ids::Ssrc;
        use crate::wire::rtcp::{
            CompoundWriter, RtcpPacket, RtcpPackets, TransportFeedback, TransportFeedbackHeader,
        };

        let mut log = ArrivalLog::default();
        for n in 0..1000_u16 {
            let arrived = 5000 + u64::from(n) * 3 + u64::from(n % 7);
            if n % 5 != 3 {
                feed(&mut log, arrived, n.wrapping_add(65_000));
            }
        }
        let mut last = None;
        let mut seen = 0;
        let mut arrivals = [None; 300];
        let mut buffer = [0; 400];
        while let Some(batch) = log.take_batch(at(9000), &mut arrivals) {
            let mut out = CompoundWriter::new(&mut buffer);
            let header = TransportFeedbackHeader {
                sender_ssrc: Ssrc(1),
                media_ssrc: Ssrc(2),
                base_sequence_number: batch.base_sequence_number,
                feedback_count: batch.feedback_count,
            };
            let covered = TransportFeedback::write(&mut out, &header, &arrivals[..batch.len]);
            log.note_sent(covered.unwrap());
            let Some(RtcpPacket::TransportFeedback(read)) = RtcpPackets::new(out.written()).next()
            else {
                panic!("not a feedback packet");
            };
            let mut time = u64::from(read.reference_time) * 64_000;
            for packet in read.packets() {
                let n = packet.sequence_number.wrapping_sub(65_000);
                assert_eq!(last.replace(n), n.checked_sub(1));
                let Some(delta) = packet.delta else {
                    assert_eq!(n % 5, 3);
                    continue;
                };
                time = time.wrapping_add_signed(i64::from(delta) * 250);
                let arrived = 5000 + u64::from(n) * 3 + u64::from(n % 7);
                assert_eq!(time / 1000, arrived);
                seen += 1;
            }
        }
        assert_eq!((last, seen), (Some(999), 800));
    }

    #[test]
    fn every_packet_is_reported_with_its_time_whatever_the_order() {
        let mut state = 0x5555_aaaa_1234_9876_u64;
        let mut feedback = ArrivalLog::default();
        let mut sent_at = std::collections::BTreeMap::new();
        let mut reported = std::collections::BTreeMap::new();
        // The test starts shortly before the lower bits of the microsecond wrap.
        let mut now = 4_294_000;
        let mut next = 0_u64;
        for _ in 0..20_000 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            now += state % 4;
            let back = (state >> 8) % 8;
            next += 2;
            let number = next - back.min(next);
            let wire = (number & 0xffff) as u16;
            sent_at.entry(number).or_insert(now);
            feed(&mut feedback, now, wire);
            let due = feedback.next_deadline().is_some_and(|due| due <= at(now));
            while let Some((_, base, arrivals)) = report(&mut feedback, now).filter(|_| due) {
                assert!(arrivals.last().is_some_and(Option::is_some));
                for (n, arrival) in arrivals.into_iter().enumerate() {
                    let wire = base.wrapping_add(u16::try_from(n).unwrap());
                    // The latest number with these bits.
                    let number = next - (next.wrapping_sub(u64::from(wire)) & 0xffff);
                    if let Some(arrival) = arrival {
                        reported.insert(number, arrival);
                    }
                }
            }
        }
        let missing = sent_at.len() - reported.len();
        assert!(missing < 100, "{missing}");
        for (number, arrival) in reported {
            assert!(arrival.abs_diff(sent_at[&number]) <= 1);
        }
    }
}
