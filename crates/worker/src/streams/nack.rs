//! Which packets of an incoming stream to ask for again (RFC 4585 §6.2.1).

use std::collections::VecDeque;
use std::time::Duration;

use super::seq::ExtendedSeq;
use crate::time::Instant;

/// What a [`NackList`] makes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NackOutcome {
    /// The packet fills no known gap. It is the next in order, or it opens a gap, or it is late but
    /// was not on the list.
    Ordinary,
    /// The packet was missed and asked for, or about to be.
    Recovered,
    /// So much is missing that the list was cleared. Only a key frame helps.
    KeyFrameNeeded,
}

/// The missing packets of one incoming stream: each is asked for at once, then again every round
/// trip, at most ten times. At most 1000 are remembered; when more are missing, those before the
/// last key frame are forgotten, and if that is not enough, all of them.
///
/// Due numbers are read with [`NackList::take_due`] when [`NackList::next_deadline`] has come. New
/// gaps are handled at once; the whole list is searched only every 40 ms.
#[derive(Debug, Default)]
pub(crate) struct NackList {
    /// Ascending by sequence number. A packet that has come stays as a tombstone until it is at the
    /// front or until there are more tombstones than missing packets.
    entries: VecDeque<Entry>,
    missing: usize,
    highest: Option<ExtendedSeq>,
    last_key_frame: Option<ExtendedSeq>,
    rtt: Option<Duration>,
    /// The first entry that was never searched, and since when.
    fresh: Option<(ExtendedSeq, Instant)>,
    /// When to search the whole list again; absent while nothing was asked for.
    next_look: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    seq: ExtendedSeq,
    asked_at: Option<Instant>,
    retries: u8,
    found: bool,
}

impl NackList {
    /// An empty list; allocates nothing.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Records a packet of the stream itself. `key_frame` says that a key frame starts with it.
    pub(crate) fn handle_packet(
        &mut self,
        now: Instant,
        seq: ExtendedSeq,
        key_frame: bool,
    ) -> NackOutcome {
        if key_frame {
            self.last_key_frame = self.last_key_frame.max(Some(seq));
        }
        let Some(highest) = self.highest else {
            self.highest = Some(seq);
            return NackOutcome::Ordinary;
        };
        if seq <= highest {
            return self.find(seq);
        }
        self.highest = Some(seq);
        self.forget_before(ExtendedSeq(seq.0.saturating_sub(MAX_AGE)));
        self.add_gap(now, highest.plus(1), seq)
    }

    /// Records a retransmitted packet. It is useful only if it was missing.
    pub(crate) fn handle_repair(&mut self, seq: ExtendedSeq, key_frame: bool) -> NackOutcome {
        let outcome = self.find(seq);
        if key_frame && outcome == NackOutcome::Recovered {
            self.last_key_frame = self.last_key_frame.max(Some(seq));
        }
        outcome
    }

    /// Writes the numbers to ask for now into `due`, ascending, and returns how many. If `due` is
    /// full there may be more, and the deadline stays due.
    pub(crate) fn take_due(&mut self, now: Instant, due: &mut [u16]) -> usize {
        let whole = self.next_look.is_some_and(|look| look <= now);
        let start = match self.fresh {
            _ if whole => 0,
            Some((seq, _)) => self.entries.partition_point(|entry| entry.seq < seq),
            None => return 0,
        };
        let patience = self.rtt.unwrap_or(DEFAULT_RTT);
        let mut count = 0;
        let entries = self.entries.range_mut(start..);
        for entry in entries.filter(|entry| !entry.found) {
            if entry.asked_at.is_some_and(|at| now.since(at) < patience) {
                continue;
            }
            let Some(place) = due.get_mut(count) else {
                return count;
            };
            *place = entry.seq.seq();
            count += 1;
            entry.asked_at = Some(now);
            entry.retries += 1;
            if entry.retries == MAX_RETRIES {
                entry.found = true;
                self.missing -= 1;
            }
        }
        self.fresh = None;
        if whole || self.next_look.is_none() {
            self.next_look = Some(now + GRANULARITY);
        }
        self.tidy();
        count
    }

    /// When to call [`NackList::take_due`]; `None` while nothing is missing.
    #[must_use]
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let fresh = self.fresh.map(|(_, since)| since);
        fresh.into_iter().chain(self.next_look).min()
    }

    /// How long to wait for a retransmission before asking again: the round trip to the sender.
    /// 100 ms until it is known.
    pub(crate) fn set_rtt(&mut self, rtt: Duration) {
        self.rtt = Some(rtt.max(SHORTEST_RTT));
    }

    /// How many packets are missing and still asked for.
    #[cfg(test)]
    #[must_use]
    pub(crate) const fn len(&self) -> usize {
        self.missing
    }

    /// Whether nothing is missing.
    #[cfg(test)]
    #[must_use]
    pub(crate) const fn is_empty(&self) -> bool {
        self.missing == 0
    }

    /// Forgets everything but the round trip: for a stream that pauses or restarts.
    pub(crate) fn reset(&mut self) {
        *self = Self {
            rtt: self.rtt,
            ..Self::default()
        };
    }

    fn find(&mut self, seq: ExtendedSeq) -> NackOutcome {
        let Ok(at) = self.entries.binary_search_by_key(&seq, |entry| entry.seq) else {
            return NackOutcome::Ordinary;
        };
        let entry = &mut self.entries[at];
        if entry.found {
            return NackOutcome::Ordinary;
        }
        entry.found = true;
        self.missing -= 1;
        self.tidy();
        NackOutcome::Recovered
    }

    /// Adds `from..to`, all later than what the list holds.
    fn add_gap(&mut self, now: Instant, from: ExtendedSeq, to: ExtendedSeq) -> NackOutcome {
        let gap = to.since(from);
        if gap == 0 {
            return NackOutcome::Ordinary;
        }
        if (self.missing as u64).saturating_add(gap) > MAX_MISSING
            && let Some(key_frame) = self.last_key_frame
        {
            self.forget_before(key_frame);
        }
        if (self.missing as u64).saturating_add(gap) > MAX_MISSING {
            self.clear_entries();
            return NackOutcome::KeyFrameNeeded;
        }
        self.entries.extend((from.0..to.0).map(|seq| Entry {
            seq: ExtendedSeq(seq),
            asked_at: None,
            retries: 0,
            found: false,
        }));
        self.missing += usize::try_from(gap).unwrap_or(0);
        self.fresh.get_or_insert((from, now));
        NackOutcome::Ordinary
    }

    fn forget_before(&mut self, seq: ExtendedSeq) {
        while let Some(entry) = self.entries.front().filter(|entry| entry.seq < seq) {
            if !entry.found {
                self.missing -= 1;
            }
            self.entries.pop_front();
        }
        self.tidy();
    }

    fn tidy(&mut self) {
        while self.entries.front().is_some_and(|entry| entry.found) {
            self.entries.pop_front();
        }
        if self.entries.len() > 2 * self.missing + TOMBSTONES {
            self.entries.retain(|entry| !entry.found);
        }
        if self.missing == 0 {
            self.fresh = None;
            self.next_look = None;
        }
    }

    fn clear_entries(&mut self) {
        self.entries.clear();
        self.missing = 0;
        self.tidy();
    }
}

const MAX_MISSING: u64 = 1000;
const MAX_RETRIES: u8 = 10;
/// Packets this far behind the newest are not asked for any more.
const MAX_AGE: u64 = 10_000;
/// How often the list is looked through while something is missing.
const GRANULARITY: Duration = Duration::from_millis(40);
const DEFAULT_RTT: Duration = Duration::from_millis(100);
/// So that no packet is asked for twice at one instant.
const SHORTEST_RTT: Duration = Duration::from_millis(1);
/// Tombstones tolerated beyond the number of missing packets.
const TOMBSTONES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    fn list(packets: &[u64]) -> NackList {
        let mut list = NackList::new();
        for seq in packets {
            list.handle_packet(at(0), ExtendedSeq(*seq), false);
        }
        list
    }

    fn due(list: &mut NackList, millis: u64) -> Vec<u16> {
        let mut buffer = [0; 1000];
        let count = list.take_due(at(millis), &mut buffer);
        buffer[..count].to_vec()
    }

    #[test]
    fn a_stream_without_gaps_asks_for_nothing() {
        let mut list = list(&[0x1_fffe, 0x1_ffff, 0x2_0000, 0x2_0001]);
        assert_eq!(list.next_deadline(), None);
        assert_eq!(due(&mut list, 1000), [0_u16; 0]);
    }

    #[test]
    fn a_gap_is_asked_for_at_once_also_across_a_wrap() {
        let mut list = list(&[0x1_fffd, 0x2_0002]);
        assert_eq!(list.next_deadline(), Some(at(0)));
        assert_eq!(due(&mut list, 0), [0xfffe, 0xffff, 0, 1]);
        assert_eq!(due(&mut list, 0), [0_u16; 0]);
        assert_eq!(list.next_deadline(), Some(at(40)));
    }

    #[test]
    fn what_does_not_come_is_asked_for_every_round_trip_ten_times() {
        let mut list = list(&[10, 12]);
        let mut asked = Vec::new();
        for _ in 0..1000 {
            let Some(deadline) = list.next_deadline() else {
                break;
            };
            let now = deadline.as_millis();
            asked.extend(due(&mut list, now).iter().map(|seq| (now, *seq)));
        }
        // The list is searched every 40 ms, so a wait of 100 ms ends at the third search.
        let expected: Vec<_> = (0..10).map(|n| (n * 120, 11)).collect();
        assert_eq!(asked, expected);
        assert!(list.is_empty());
    }

    #[test]
    fn the_round_trip_sets_the_pace() {
        let mut list = list(&[10, 12]);
        list.set_rtt(Duration::from_millis(35));
        assert_eq!(due(&mut list, 0), [11]);
        assert_eq!(due(&mut list, 39), [0_u16; 0]);
        assert_eq!(due(&mut list, 40), [11]);
        list.set_rtt(Duration::from_millis(500));
        assert_eq!(due(&mut list, 80), [0_u16; 0]);
        assert_eq!(due(&mut list, 540), [11]);
    }

    #[test]
    fn what_comes_late_or_repaired_is_recovered_once() {
        let mut list = list(&[10, 15]);
        assert_eq!(due(&mut list, 0), [11, 12, 13, 14]);
        let repaired = list.handle_repair(ExtendedSeq(12), false);
        assert_eq!(repaired, NackOutcome::Recovered);
        let again = list.handle_repair(ExtendedSeq(12), false);
        assert_eq!(again, NackOutcome::Ordinary);
        let late = list.handle_packet(at(5), ExtendedSeq(11), false);
        assert_eq!(late, NackOutcome::Recovered);
        assert_eq!(due(&mut list, 120), [13, 14]);
        list.handle_packet(at(5), ExtendedSeq(14), false);
        list.handle_packet(at(5), ExtendedSeq(13), false);
        assert_eq!(list.next_deadline(), None);
        assert_eq!(
            list.handle_repair(ExtendedSeq(20), false),
            NackOutcome::Ordinary
        );
    }

    #[test]
    fn too_large_a_gap_wants_a_key_frame() {
        let mut list = list(&[10, 12]);
        assert_eq!(
            list.handle_packet(at(0), ExtendedSeq(13 + 1000), false),
            NackOutcome::KeyFrameNeeded
        );
        assert_eq!(list.next_deadline(), None);
        let gap = list.handle_packet(at(0), ExtendedSeq(13 + 1002), false);
        assert_eq!(gap, NackOutcome::Ordinary);
        assert_eq!(due(&mut list, 0), [13 + 1001]);
    }

    #[test]
    fn a_key_frame_makes_what_lies_before_it_forgettable() {
        let mut list = list(&[10, 912]);
        list.handle_packet(at(0), ExtendedSeq(914), true);
        assert_eq!(list.len(), 902);
        let outcome = list.handle_packet(at(0), ExtendedSeq(1100), false);
        assert_eq!(outcome, NackOutcome::Ordinary);
        assert_eq!(list.len(), 185);
        assert_eq!(due(&mut list, 0)[0], 915);
    }

    #[test]
    fn a_small_buffer_is_filled_again_and_again() {
        let mut list = list(&[0, 601]);
        let mut all = Vec::new();
        let mut buffer = [0; 256];
        loop {
            let count = list.take_due(at(0), &mut buffer);
            all.extend_from_slice(&buffer[..count]);
            if count < buffer.len() {
                break;
            }
            assert_eq!(list.next_deadline(), Some(at(0)));
        }
        assert_eq!(all, (1..=600).collect::<Vec<u16>>());
    }

    #[test]
    fn no_round_trip_is_so_short_that_a_packet_is_asked_for_twice_at_once() {
        let mut list = list(&[10, 12]);
        list.set_rtt(Duration::ZERO);
        let mut one = [0];
        assert_eq!(list.take_due(at(0), &mut one), 1);
        assert_eq!(list.take_due(at(0), &mut one), 0);
    }

    #[test]
    fn memory_stays_bounded_under_endless_loss() {
        let mut list = NackList::new();
        let mut buffer = [0; 64];
        for seq in (0..60_000_u64).step_by(3) {
            list.handle_packet(at(seq / 3), ExtendedSeq(seq), seq.is_multiple_of(999));
            list.take_due(at(seq / 3), &mut buffer);
            if seq.is_multiple_of(2) {
                list.handle_repair(ExtendedSeq(seq.saturating_sub(20)), false);
            }
            assert!(list.len() <= 1000);
            assert!(list.entries.len() <= 2 * list.len() + TOMBSTONES);
        }
    }

    #[test]
    fn agrees_with_a_plain_set_of_missing_numbers() {
        let mut state = 0xdead_beef_cafe_f00d_u64;
        let mut list = NackList::new();
        let mut missing = std::collections::BTreeSet::new();
        let mut next = 1000;
        list.handle_packet(at(0), ExtendedSeq(next), false);
        for _ in 0..20_000 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            if state.is_multiple_of(3) && !missing.is_empty() {
                let nth = usize::try_from(state >> 32).unwrap() % missing.len();
                let seq = *missing.iter().nth(nth).unwrap();
                missing.remove(&seq);
                let outcome = list.handle_repair(ExtendedSeq(seq), false);
                assert_eq!(outcome, NackOutcome::Recovered);
            } else {
                let gap = (state >> 8) % 3;
                missing.extend(next + 1..=next + gap);
                next += gap + 1;
                missing.retain(|seq| next - seq <= MAX_AGE);
                let outcome = list.handle_packet(at(0), ExtendedSeq(next), false);
                if outcome == NackOutcome::KeyFrameNeeded {
                    missing.clear();
                }
            }
            assert_eq!(list.len(), missing.len());
        }
        let asked = due(&mut list, 0);
        let expected: Vec<_> = missing.iter().map(|seq| ExtendedSeq(*seq).seq()).collect();
        assert_eq!(asked, expected);
    }

    #[test]
    fn a_reset_keeps_only_the_round_trip() {
        let mut list = list(&[10, 15]);
        list.set_rtt(Duration::from_millis(10));
        list.reset();
        assert_eq!(list.next_deadline(), None);
        assert_eq!(
            list.handle_packet(at(0), ExtendedSeq(1 << 40), false),
            NackOutcome::Ordinary
        );
        assert!(list.is_empty());
    }
}
