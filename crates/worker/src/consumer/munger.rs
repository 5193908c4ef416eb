//! Sequence numbers towards one consumer. They are the producer's, shifted so that a packet that is
//! left out on purpose leaves no gap, while a lost packet does.

use crate::streams::ExtendedSeq;

/// Maps the sequence numbers of one incoming stream to those of one outgoing stream.
///
/// Numbers are kept in runs that share one shift. A late packet is mapped by its run, if that is
/// still one of the last [`SequenceMunger::RUNS`].
#[derive(Clone, Debug)]
pub(crate) struct SequenceMunger {
    /// Oldest first; `len` of them are in use.
    runs: [Run; Self::RUNS],
    len: usize,
    /// The highest number seen, mapped or dropped.
    highest: ExtendedSeq,
    /// The highest number given out.
    last_out: u16,
}

#[derive(Clone, Copy, Debug, Default)]
struct Run {
    /// The first number of the run.
    start: ExtendedSeq,
    /// One past its last; grows while the run is the newest.
    end: ExtendedSeq,
    /// Outgoing number = lower 16 bits of (incoming − shift).
    shift: u64,
}

impl SequenceMunger {
    /// How many runs are remembered for late packets.
    pub(crate) const RUNS: usize = 16;

    /// The first packet will leave with the number after `last_out`.
    pub(crate) fn new(last_out: u16) -> Self {
        Self {
            runs: [Run::default(); Self::RUNS],
            len: 0,
            highest: ExtendedSeq(0),
            last_out,
        }
    }

    /// Starts over: `first` follows what was sent last, and nothing before it is mapped any more.
    pub(crate) fn synchronize(&mut self, first: ExtendedSeq) {
        self.len = 0;
        self.open_run(first);
        self.highest = ExtendedSeq(first.0.saturating_sub(1));
    }

    /// The outgoing number of `seq`; `None` if it was dropped, or is older than all known runs.
    pub(crate) fn map(&mut self, seq: ExtendedSeq) -> Option<u16> {
        let len = self.len;
        let newest = self.runs[..len].last_mut()?;
        if seq > self.highest {
            newest.end = ExtendedSeq(seq.0 + 1);
            self.highest = seq;
            self.last_out = newest.out(seq);
            return Some(self.last_out);
        }
        let run = self.runs[..len].iter().rev().find(|run| run.start <= seq)?;
        (seq < run.end).then(|| run.out(seq))
    }

    /// Leaves `seq` out. Later numbers close the gap. If `seq` comes late, the gap stays, because
    /// the packets after it have left already.
    pub(crate) fn drop(&mut self, seq: ExtendedSeq) {
        if seq <= self.highest || self.len == 0 {
            return;
        }
        let skipped = seq.0 - self.highest.0 - 1;
        let newest = &mut self.runs[self.len - 1];
        // Packets missing in between may still come. They belong to the run before the drop.
        newest.end = seq;
        let last_out = newest.out(ExtendedSeq(seq.0.wrapping_sub(1)));
        self.highest = seq;
        if skipped > 0 {
            self.last_out = last_out;
        }
        self.open_run(ExtendedSeq(seq.0 + 1));
    }

    fn open_run(&mut self, first: ExtendedSeq) {
        let next_out = u64::from(self.last_out.wrapping_add(1));
        let run = Run {
            start: first,
            end: first,
            shift: first.0.wrapping_sub(next_out),
        };
        if let Some(newest) = self.runs[..self.len].last_mut()
            && newest.start == newest.end
        {
            *newest = run;
            return;
        }
        if self.len == Self::RUNS {
            self.runs.copy_within(1.., 0);
            self.len -= 1;
        }
        self.runs[self.len] = run;
        self.len += 1;
    }
}

impl Run {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the lower 16 bits are what is sent"
    )]
    const fn out(&self, seq: ExtendedSeq) -> u16 {
        seq.0.wrapping_sub(self.shift) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seq(n: u64) -> ExtendedSeq {
        ExtendedSeq((1 << 32) + n)
    }

    fn synchronized(last_out: u16, first: u64) -> SequenceMunger {
        let mut munger = SequenceMunger::new(last_out);
        munger.synchronize(seq(first));
        munger
    }

    #[test]
    fn nothing_is_mapped_before_the_first_synchronization() {
        let mut munger = SequenceMunger::new(9);
        assert_eq!(munger.map(seq(1)), None);
        munger.drop(seq(2));
        munger.synchronize(seq(3));
        assert_eq!(munger.map(seq(3)), Some(10));
        assert_eq!(munger.map(seq(2)), None);
    }

    #[test]
    fn losses_keep_their_gap_and_late_packets_fill_it() {
        let mut munger = synchronized(u16::MAX, 100);
        assert_eq!(munger.map(seq(100)), Some(0));
        assert_eq!(munger.map(seq(104)), Some(4));
        assert_eq!(munger.map(seq(102)), Some(2));
        assert_eq!(munger.map(seq(105)), Some(5));
        assert_eq!(munger.map(seq(104)), Some(4));
    }

    #[test]
    fn drops_close_their_gap_and_are_never_mapped() {
        let mut munger = synchronized(9, 100);
        assert_eq!(munger.map(seq(100)), Some(10));
        munger.drop(seq(101));
        munger.drop(seq(102));
        assert_eq!(munger.map(seq(103)), Some(11));
        assert_eq!(munger.map(seq(101)), None);
        assert_eq!(munger.map(seq(102)), None);
        assert_eq!(munger.map(seq(100)), Some(10));
    }

    #[test]
    fn a_drop_behind_a_loss_keeps_the_room_for_the_lost() {
        let mut munger = synchronized(9, 100);
        assert_eq!(munger.map(seq(100)), Some(10));
        munger.drop(seq(103));
        assert_eq!(munger.map(seq(104)), Some(13));
        assert_eq!(munger.map(seq(101)), Some(11));
        assert_eq!(munger.map(seq(102)), Some(12));
        assert_eq!(munger.map(seq(103)), None);
        munger.drop(seq(102));
        assert_eq!(munger.map(seq(105)), Some(14));
    }

    #[test]
    fn synchronizing_again_goes_on_where_it_left_off() {
        let mut munger = synchronized(9, 100);
        assert_eq!(munger.map(seq(110)), Some(20));
        munger.synchronize(seq(5000));
        assert_eq!(munger.map(seq(5000)), Some(21));
        assert_eq!(munger.map(seq(110)), None);
        assert_eq!(munger.map(seq(4999)), None);
    }

    #[test]
    fn wraps_at_sixteen_bits() {
        let mut munger = synchronized(65_533, 65_535);
        let out: Vec<_> = (65_535..65_540)
            .map(|n| munger.map(seq(n)).unwrap())
            .collect();
        assert_eq!(out, [65_534, 65_535, 0, 1, 2]);
    }

    #[test]
    fn agrees_with_a_table_under_random_loss_reordering_and_drops() {
        let mut state = 0x1234_5678_9abc_def1_u64;
        let mut random = move |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % below
        };
        for _ in 0..200 {
            let mut munger = synchronized(0, 0);
            let (mut seen, mut dropped) = ([false; 400], [false; 400]);
            let mut highest = 0;
            for n in 0..400_usize {
                // Up to seven ahead, or back for what was skipped.
                let at = (n + usize::try_from(random(8)).unwrap()).saturating_sub(4);
                if at >= 400 || dropped[at] {
                    continue;
                }
                let is_late = at < highest;
                if random(10) == 0 && !seen[at] {
                    // A packet that is left out late keeps its number, because those after it have
                    // left already.
                    munger.drop(seq(at as u64));
                    dropped[at] = !is_late;
                } else {
                    let before = dropped[..at].iter().filter(|dropped| **dropped).count();
                    let out = u16::try_from(at + 1 - before).unwrap();
                    assert_eq!(
                        munger.map(seq(at as u64)),
                        Some(out),
                        "{at} behind {highest}"
                    );
                }
                seen[at] = true;
                highest = highest.max(at);
            }
        }
    }
}
