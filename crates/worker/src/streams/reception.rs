//! What a receiver reports about one SSRC (RFC 3550 §6.4.1): which packets came, how many did not,
//! and how evenly they came. A media stream has one, and so has a retransmission stream.

use std::time::Duration;

use super::seq::{ExtendedSeq, SeqUnwrapper};
use crate::ids::Ssrc;
use crate::srtp::SENDER_WINDOW;
use crate::time::{Instant, NtpTime, compact_ntp_duration};
use crate::wire::rtcp::ReportBlock;

/// What the sequence number of an arriving packet means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placement {
    /// The first packet, or one later than all before it.
    Ahead(ExtendedSeq),
    /// Reordered or retransmitted, and not here before.
    Late(ExtendedSeq),
    /// The source restarted its numbering; the packet is the first that counts.
    Restarted(ExtendedSeq),
    /// Here before.
    Duplicate,
    /// The number is so far from the others that it is believed only when its successor follows.
    /// Drop the packet.
    Jump,
}

/// The reception of one SSRC.
#[derive(Debug, Default)]
pub(crate) struct Reception {
    unwrapper: SeqUnwrapper,
    /// The lowest number of the current run.
    base: ExtendedSeq,
    /// The number that would confirm a jump.
    after_jump: Option<u16>,
    /// When the source last restarted its numbering.
    restarted: Option<Instant>,
    /// The next packet is the first of another source.
    source_changed: bool,
    recent: RecentSeqs,
    /// Packets of the current run, duplicates included.
    received: u64,
    lost_in_earlier_runs: u64,
    jitter: Jitter,
    report: ReportState,
}

#[derive(Debug, Default)]
struct ReportState {
    expected_prior: u64,
    received_prior: u64,
    newly_lost: u64,
    fraction_lost: u8,
    last_sr: Option<(u32, Instant)>,
}

impl Reception {
    /// Nothing received yet.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Records a packet that came at `received`. `clock_rate` is the clock rate of its RTP
    /// timestamp.
    pub(crate) fn handle_packet(
        &mut self,
        received: Instant,
        seq: u16,
        timestamp: u32,
        clock_rate: u32,
    ) -> Placement {
        let arrival = self.classify(received, seq);
        match arrival {
            Placement::Jump => return arrival,
            // Only packets in order show how the path delays. For a retransmission, the round trip
            // would count as jitter.
            Placement::Ahead(_) => self.jitter.update(received, timestamp, clock_rate),
            Placement::Restarted(_) => {
                self.jitter.restart();
                self.jitter.update(received, timestamp, clock_rate);
            }
            Placement::Late(_) | Placement::Duplicate => {}
        }
        // RFC 3550 A.3: "The number of packets received is simply the count of packets as they
        // arrive, including any late or duplicate packets."
        self.received += 1;
        arrival
    }

    /// Whether a repair with this number is useful, because the packet is missing and the stream
    /// has gone past it. If so, the packet no longer counts as missing. It does not count as
    /// received either, because it came in another stream (RFC 4588 §6.3 leaves loss figures to the
    /// original one).
    pub(crate) fn handle_repair(&mut self, seq: u16) -> Option<ExtendedSeq> {
        let highest = self.unwrapper.highest()?;
        let seq = self.unwrapper.peek(seq);
        (seq <= highest && highest.since(seq) < MAX_MISORDER && self.recent.insert(seq))
            .then_some(seq)
    }

    /// Takes note of a sender report.
    pub(crate) fn handle_sender_report(&mut self, now: Instant, ntp: NtpTime) {
        self.report.last_sr = Some((ntp.compact(), now));
    }

    /// The report block for `ssrc` over the time since the last call.
    pub(crate) fn report_block(&mut self, now: Instant, ssrc: Ssrc) -> ReportBlock {
        // RFC 3550 A.3.
        let expected = self.expected();
        let expected_interval = expected.saturating_sub(self.report.expected_prior);
        let received_interval = self.received.saturating_sub(self.report.received_prior);
        let lost_interval = expected_interval.saturating_sub(received_interval);
        self.report.expected_prior = expected;
        self.report.received_prior = self.received;
        self.report.newly_lost = lost_interval;
        self.report.fraction_lost = (lost_interval << 8)
            .checked_div(expected_interval)
            .map_or(0, |fraction| u8::try_from(fraction).unwrap_or(u8::MAX));
        let (last_sender_report, delay_since_last_sender_report) = match self.report.last_sr {
            Some((lsr, at)) => (lsr, compact_ntp_duration(now.since(at))),
            None => (0, 0),
        };
        ReportBlock {
            ssrc,
            fraction_lost: self.report.fraction_lost,
            cumulative_lost: self.cumulative_lost(),
            highest_sequence_number: self.highest_seq(),
            jitter: self.jitter.value(),
            last_sender_report,
            delay_since_last_sender_report,
        }
    }

    /// Whether packets came since the last report block.
    #[must_use]
    pub(crate) const fn has_to_report(&self) -> bool {
        self.received != self.report.received_prior
    }

    /// Packets that the current run should have brought.
    #[must_use]
    pub(crate) fn expected(&self) -> u64 {
        match self.unwrapper.highest() {
            Some(highest) => highest.since(self.base) + 1,
            None => 0,
        }
    }

    /// Packets that came in the current run, duplicates included.
    #[must_use]
    pub(crate) const fn received(&self) -> u64 {
        self.received
    }

    /// Packets lost in all runs; repairs are not subtracted.
    #[must_use]
    pub(crate) fn lost(&self) -> u64 {
        self.lost_in_earlier_runs + self.expected().saturating_sub(self.received)
    }

    /// Packets lost in the interval of the last report block.
    #[must_use]
    pub(crate) const fn newly_lost(&self) -> u64 {
        self.report.newly_lost
    }

    /// The fraction lost of the last report block, in units of 1/256.
    #[must_use]
    pub(crate) const fn fraction_lost(&self) -> u8 {
        self.report.fraction_lost
    }

    /// Interarrival jitter in units of the clock rate.
    #[must_use]
    pub(crate) const fn jitter(&self) -> u32 {
        self.jitter.value()
    }

    /// The highest number received.
    #[must_use]
    pub(crate) const fn highest(&self) -> Option<ExtendedSeq> {
        self.unwrapper.highest()
    }

    /// Another source takes over: its numbers have nothing to do with those so far.
    pub(crate) fn change_source(&mut self) {
        self.source_changed = true;
        self.report.last_sr = None;
    }

    fn classify(&mut self, received: Instant, seq: u16) -> Placement {
        let source_changed = std::mem::take(&mut self.source_changed);
        let Some(highest) = self.unwrapper.highest() else {
            let first = self.unwrapper.unwrap(seq);
            self.start_run(first);
            return Placement::Ahead(first);
        };
        if source_changed {
            return self.restart(seq);
        }
        let extended = self.unwrapper.peek(seq);
        if extended > highest && extended.since(highest) < MAX_DROPOUT {
            self.after_jump = None;
            self.unwrapper.unwrap(seq);
            self.recent.advance(highest, extended);
            self.recent.insert(extended);
            return Placement::Ahead(extended);
        }
        if extended <= highest && highest.since(extended) < MAX_MISORDER {
            if !self.recent.insert(extended) {
                return Placement::Duplicate;
            }
            self.base = self.base.min(extended);
            return Placement::Late(extended);
        }
        // RFC 3550 A.1: "Two sequential packets -- assume that the other side restarted without
        // telling us so just re-sync".
        let is_too_soon = |last: Instant| received.since(last) < RESTART_INTERVAL;
        if self.after_jump == Some(seq) && !self.restarted.is_some_and(is_too_soon) {
            self.restarted = Some(received);
            return self.restart(seq);
        }
        self.after_jump = Some(seq.wrapping_add(1));
        Placement::Jump
    }

    fn restart(&mut self, seq: u16) -> Placement {
        self.lost_in_earlier_runs = self.lost();
        let first = self.unwrapper.restart(seq);
        self.start_run(first);
        Placement::Restarted(first)
    }

    fn start_run(&mut self, first: ExtendedSeq) {
        self.base = first;
        self.after_jump = None;
        self.received = 0;
        self.report.expected_prior = 0;
        self.report.received_prior = 0;
        self.recent = RecentSeqs::default();
        self.recent.insert(first);
    }

    fn cumulative_lost(&self) -> i32 {
        let lost = i64::try_from(self.expected()).unwrap_or(i64::MAX)
            - i64::try_from(self.received).unwrap_or(i64::MAX);
        // RFC 3550 A.3: "Since this signed number is carried in 24 bits, it should be clamped".
        i32::try_from(lost.clamp(-0x80_0000, 0x7f_ffff)).unwrap_or(0)
    }

    /// Cycles count from the start of the run, as if the stream had begun with it.
    fn highest_seq(&self) -> u32 {
        let Some(highest) = self.unwrapper.highest() else {
            return 0;
        };
        ExtendedSeq(highest.0.wrapping_sub(self.base.0 & !0xffff)).low32()
    }
}

/// Which of the last [`RecentSeqs::SPAN`] numbers have come, one bit each.
#[derive(Debug)]
struct RecentSeqs {
    words: [u64; Self::WORDS],
}

impl RecentSeqs {
    const WORDS: usize = 32;
    const SPAN: u64 = 64 * Self::WORDS as u64;

    /// Marks a number of the span; `false` if it was marked already.
    fn insert(&mut self, seq: ExtendedSeq) -> bool {
        let bit = 1 << (seq.0 % 64);
        let word = &mut self.words[Self::word(seq.0)];
        let fresh = *word & bit == 0;
        *word |= bit;
        fresh
    }

    /// Moves the span's end from `highest` to `to`. The numbers between have not come.
    fn advance(&mut self, highest: ExtendedSeq, to: ExtendedSeq) {
        if to.since(highest) >= Self::SPAN {
            self.words = [0; Self::WORDS];
            return;
        }
        let mut from = highest.0.wrapping_add(1);
        while from <= to.0 {
            let bits = (64 - from % 64).min(to.0 - from + 1);
            let mask = u64::MAX >> (64 - bits) << (from % 64);
            self.words[Self::word(from)] &= !mask;
            from = from.wrapping_add(bits);
        }
    }

    const fn word(seq: u64) -> usize {
        (seq / 64 % Self::WORDS as u64) as usize
    }
}

impl Default for RecentSeqs {
    fn default() -> Self {
        Self {
            words: [0; Self::WORDS],
        }
    }
}

/// Interarrival jitter by the integer arithmetic of RFC 3550 A.8.
#[derive(Debug, Default)]
struct Jitter {
    transit: Option<u32>,
    /// In units of a sixteenth of a tick.
    scaled: u32,
}

impl Jitter {
    fn update(&mut self, received: Instant, timestamp: u32, clock_rate: u32) {
        let transit = ticks(received, clock_rate).wrapping_sub(timestamp);
        let Some(before) = self.transit.replace(transit) else {
            return;
        };
        let ahead = transit.wrapping_sub(before);
        let distance = ahead.min(ahead.wrapping_neg());
        // A source that sets its timestamps anew is no jitter.
        if distance > clock_rate.saturating_mul(RESTAMPED_SECONDS) {
            return;
        }
        let decay = self.scaled.saturating_add(8) >> 4;
        self.scaled = self.scaled.saturating_add(distance).saturating_sub(decay);
    }

    fn restart(&mut self) {
        self.transit = None;
    }

    const fn value(&self) -> u32 {
        self.scaled >> 4
    }
}

/// The lower 32 bits of `at` in ticks of a clock rate.
fn ticks(at: Instant, clock_rate: u32) -> u32 {
    let since_origin = Duration::from_nanos(at.as_nanos());
    let whole = since_origin.as_secs().wrapping_mul(u64::from(clock_rate));
    let rest = u64::from(since_origin.subsec_nanos()) * u64::from(clock_rate) / 1_000_000_000;
    (whole.wrapping_add(rest) & 0xffff_ffff) as u32
}

/// RFC 3550 A.1.
const MAX_DROPOUT: u64 = 3000;
/// How much reordering is tolerated. RFC 3550 A.1 has 100, and repairs need more. What came later
/// still could not be forwarded, because SRTP would not know whether its index was used.
pub(crate) const MAX_MISORDER: u64 = SENDER_WINDOW;
const _: () = assert!(MAX_MISORDER < RecentSeqs::SPAN);
/// Each restart makes every consumer begin anew, so a source gets no more than ten a second.
const RESTART_INTERVAL: Duration = Duration::from_millis(100);
/// A step of the timestamps by more than this many seconds is not jitter.
const RESTAMPED_SECONDS: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    const SSRC: Ssrc = Ssrc(7);

    fn feed(reception: &mut Reception, seq: u16) -> Placement {
        reception.handle_packet(Instant::default(), seq, 0, 90_000)
    }

    fn fed(seqs: &[u16]) -> Reception {
        let mut reception = Reception::new();
        for seq in seqs {
            feed(&mut reception, *seq);
        }
        reception
    }

    fn report(reception: &mut Reception) -> (u8, i32, u32) {
        let block = reception.report_block(Instant::default(), SSRC);
        (
            block.fraction_lost,
            block.cumulative_lost,
            block.highest_sequence_number,
        )
    }

    #[test]
    fn loss_is_reported_by_interval_and_in_sum() {
        let mut reception = fed(&[1, 2, 4, 5]);
        assert_eq!(report(&mut reception), (51, 1, 5));
        for seq in 6..10 {
            feed(&mut reception, seq);
        }
        assert_eq!(report(&mut reception), (0, 1, 9));
        feed(&mut reception, 3);
        assert_eq!(report(&mut reception), (0, 0, 9));
        feed(&mut reception, 13);
        assert_eq!(report(&mut reception), (192, 3, 13));
        assert_eq!(report(&mut reception), (0, 3, 13));
        assert_eq!(reception.lost(), 3);
    }

    #[test]
    fn cycles_count_from_the_first_packet() {
        let mut reception = fed(&[0xfffe, 0xffff, 0, 1]);
        assert_eq!(report(&mut reception), (0, 0, 0x1_0001));
        for seq in 0..3 {
            for step in (0..=u16::MAX).step_by(1000) {
                feed(&mut reception, step.wrapping_add(seq));
            }
        }
        assert_eq!(
            reception
                .report_block(Instant::default(), SSRC)
                .highest_sequence_number
                >> 16,
            3
        );
    }

    #[test]
    fn what_came_before_the_first_packet_is_expected_too() {
        let mut reception = fed(&[1, 0, 0xffff, 2]);
        assert_eq!(report(&mut reception), (0, 0, 0x1_0002));
    }

    #[test]
    fn duplicates_count_as_received_and_may_outweigh_loss() {
        let mut reception = fed(&[10, 11, 11, 11, 13]);
        assert_eq!(feed(&mut reception, 13), Placement::Duplicate);
        assert_eq!(report(&mut reception), (0, -2, 13));
        assert_eq!(reception.lost(), 0);
    }

    #[test]
    fn a_lone_stray_is_dropped_and_two_in_a_row_restart() {
        let mut reception = fed(&[100, 101, 103]);
        let before = reception.highest();
        assert_eq!(feed(&mut reception, 20_000), Placement::Jump);
        assert_eq!(feed(&mut reception, 40_000), Placement::Jump);
        assert_eq!(reception.highest(), before);
        assert_eq!(report(&mut reception), (64, 1, 103));
        let Placement::Restarted(first) = feed(&mut reception, 40_001) else {
            panic!("two sequential packets restart");
        };
        assert!(Some(first) > before);
        assert_eq!(report(&mut reception), (0, 0, 40_001));
        assert_eq!(reception.lost(), 1);
        assert_eq!(
            feed(&mut reception, 40_002),
            Placement::Ahead(first.plus(1))
        );
    }

    #[test]
    fn a_source_restarts_no_more_than_ten_times_a_second() {
        let mut reception = fed(&[100]);
        let mut restarts = Vec::new();
        for millis in 0..300 {
            let at = Instant::from_millis(millis);
            let seq = u16::try_from(millis * 20_000 % 65_536).unwrap();
            for seq in [seq, seq.wrapping_add(1)] {
                let arrival = reception.handle_packet(at, seq, 0, 90_000);
                if matches!(arrival, Placement::Restarted(_)) {
                    restarts.push(millis);
                }
            }
        }
        assert_eq!(restarts.len(), 3, "{restarts:?}");
        // One that really restarted too soon is believed a little later.
        let arrivals = (50_000_u16..50_100).map(|seq| {
            let at = Instant::from_millis(u64::from(seq) - 49_700);
            reception.handle_packet(at, seq, 0, 90_000)
        });
        let began = arrivals.filter(|arrival| matches!(arrival, Placement::Restarted(_)));
        assert_eq!(began.count(), 1);
    }

    #[test]
    fn a_packet_in_order_ends_the_suspicion_of_a_jump() {
        let mut reception = fed(&[100]);
        assert_eq!(feed(&mut reception, 20_000), Placement::Jump);
        assert!(matches!(feed(&mut reception, 101), Placement::Ahead(_)));
        assert_eq!(feed(&mut reception, 20_001), Placement::Jump);
    }

    #[test]
    fn the_bounds_of_dropout_and_reordering_hold_at_every_start() {
        for start in [0_u16, 1, 1499, 3000, 0x7fff, 0x8000, 0xfff0, 0xffff] {
            let mut reception = fed(&[start]);
            let far = start.wrapping_add(3000);
            assert_eq!(feed(&mut reception, far), Placement::Jump);
            let near = start.wrapping_add(2999);
            assert!(matches!(feed(&mut reception, near), Placement::Ahead(_)));
            let old = near.wrapping_sub(1025);
            assert_eq!(feed(&mut reception, old), Placement::Jump);
            let late = near.wrapping_sub(1024);
            assert!(matches!(feed(&mut reception, late), Placement::Late(_)));
            assert_eq!(feed(&mut reception, late), Placement::Duplicate);
        }
    }

    #[test]
    fn every_number_is_new_exactly_once_under_random_traffic() {
        let mut state = 0x0123_4567_89ab_cdef_u64;
        let mut reception = Reception::new();
        let mut seen = std::collections::BTreeSet::new();
        let mut next = 5_u64;
        feed(&mut reception, 5);
        seen.insert(next);
        for _ in 0..50_000 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let seq = match state % 4 {
                0 => next.saturating_sub((state >> 8) % MAX_MISORDER).max(5),
                1 => next + 1 + (state >> 8) % 2000,
                _ => next + 1,
            };
            next = next.max(seq);
            let fresh = seen.insert(seq);
            seen = seen.split_off(&next.saturating_sub(1600));
            let wire = (seq & 0xffff) as u16;
            let arrival = if (state >> 40).is_multiple_of(5) && seq < next {
                match reception.handle_repair(wire) {
                    Some(seq) => Placement::Late(seq),
                    None => Placement::Duplicate,
                }
            } else {
                feed(&mut reception, wire)
            };
            match arrival {
                Placement::Ahead(found) | Placement::Late(found) => {
                    assert!(fresh);
                    assert_eq!(found.0, (1 << 32) + seq);
                }
                other => assert_eq!((other, fresh), (Placement::Duplicate, false)),
            }
        }
    }

    #[test]
    fn a_repair_fills_only_gaps_behind_the_newest() {
        let mut reception = Reception::new();
        assert_eq!(reception.handle_repair(1), None);
        for seq in [10, 11, 14] {
            feed(&mut reception, seq);
        }
        assert_eq!(reception.handle_repair(15), None);
        assert_eq!(reception.handle_repair(11), None);
        assert_eq!(reception.handle_repair(12).map(ExtendedSeq::seq), Some(12));
        assert_eq!(reception.handle_repair(12), None);
        assert_eq!(feed(&mut reception, 12), Placement::Duplicate);
    }

    #[test]
    fn repairs_do_not_hide_loss_from_the_sender() {
        let mut reception = fed(&[1, 2, 4, 5]);
        assert!(reception.handle_repair(3).is_some());
        assert_eq!(report(&mut reception), (51, 1, 5));
    }

    #[test]
    fn jitter_of_an_even_stream_is_zero_and_of_an_uneven_one_its_mean_step() {
        let mut reception = Reception::new();
        for n in 0..200_u16 {
            let at = Instant::from_millis(u64::from(n) * 20);
            reception.handle_packet(at, n, u32::from(n) * 960, 48_000);
        }
        assert_eq!(reception.jitter(), 0);
        for n in 200..1000_u16 {
            let late = if n % 2 == 0 { 5 } else { 0 };
            let at = Instant::from_millis(u64::from(n) * 20 + late);
            reception.handle_packet(at, n, u32::from(n) * 960, 48_000);
        }
        // 5 ms are 240 ticks.
        assert!(
            (230..=240).contains(&reception.jitter()),
            "{}",
            reception.jitter()
        );
    }

    #[test]
    fn new_timestamps_and_wraps_of_both_clocks_are_no_jitter() {
        let mut reception = Reception::new();
        for n in 0..2000_u16 {
            let at = Instant::from_millis(47_721_000 + u64::from(n) * 20);
            let timestamp = 0xffff_0000_u32.wrapping_add(u32::from(n) * 1800);
            let restamped = if n > 1000 { 0x4000_0000 } else { 0 };
            reception.handle_packet(at, n, timestamp.wrapping_add(restamped), 90_000);
        }
        assert_eq!(reception.jitter(), 0);
        reception.handle_packet(Instant::from_nanos(u64::MAX), 2000, 0, u32::MAX);
    }

    #[test]
    fn the_last_sender_report_is_named_with_its_age() {
        let mut reception = fed(&[1]);
        let block = reception.report_block(Instant::from_millis(10), SSRC);
        assert_eq!(
            (
                block.last_sender_report,
                block.delay_since_last_sender_report
            ),
            (0, 0)
        );
        reception.handle_sender_report(Instant::from_millis(1000), NtpTime(0x1111_2222_3333_4444));
        let block = reception.report_block(Instant::from_millis(1500), SSRC);
        assert_eq!(
            (
                block.last_sender_report,
                block.delay_since_last_sender_report
            ),
            (0x2222_3333, 0x8000)
        );
    }
}
