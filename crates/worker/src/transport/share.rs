//! How many datagrams one transport may have while they queue up (docs/security.md rule 16).
//! Without a limit, one that sends as much as it can would fill the receive queue that all share.
//!
//! Only what the participant itself has sent counts. Others can forge its address, and must not use
//! up its share with that.

use crate::time::Instant;

/// A token bucket of datagrams. It is used only while more comes in than the worker takes. A
/// refused datagram is dropped before it is decrypted.
#[derive(Debug)]
pub(crate) struct Share {
    left: u64,
    /// The time up to which tokens were added.
    filled: Instant,
    /// Whether a datagram has been let in that may turn out to be forged.
    is_lent: bool,
}

impl Share {
    pub(crate) const fn new() -> Self {
        Self {
            left: BURST,
            filled: Instant::from_millis(0),
            is_lent: false,
        }
    }

    /// Whether one more datagram may be looked at. Call [`Share::spend`] if it proves authentic.
    pub(crate) fn lend(&mut self, now: Instant) -> bool {
        let interval = NANOS_PER_DATAGRAM;
        let earned = now.as_nanos().saturating_sub(self.filled.as_nanos()) / interval;
        if earned > BURST {
            (self.left, self.filled) = (BURST, now);
        } else {
            self.left = (self.left + earned).min(BURST);
            self.filled = Instant::from_nanos(self.filled.as_nanos() + earned * interval);
        }
        self.is_lent = self.left > 0;
        self.is_lent
    }

    /// The last datagram that was let in is the participant's own. Without one this does nothing.
    pub(crate) fn spend(&mut self) {
        self.left -= u64::from(std::mem::take(&mut self.is_lent));
    }
}

/// How often a datagram is taken: 5,000 in a second, which is 48 Mbit/s of full packets and more
/// than any browser sends.
const NANOS_PER_DATAGRAM: u64 = 200_000;

/// How many are taken at once: more than the largest key frame has packets.
const BURST: u64 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(share: &mut Share, now: Instant, offered: usize) -> usize {
        let mut take = || {
            let is_taken = share.lend(now);
            share.spend();
            is_taken
        };
        (0..offered).filter(|_| take()).count()
    }

    #[test]
    fn what_is_forged_takes_nothing() {
        let mut share = Share::new();
        let now = Instant::from_millis(5_000);
        assert!((0..3_000).all(|_| share.lend(now)));
        assert_eq!(taken(&mut share, now, 3_000), 1_000);
        // Without pressure nothing is lent, and nothing is spent.
        share.spend();
        assert_eq!(taken(&mut share, Instant::from_millis(5_001), 10), 5);
    }

    #[test]
    fn a_burst_is_taken_at_once_and_then_the_rate() {
        let mut share = Share::new();
        let at = Instant::from_millis;
        assert_eq!(taken(&mut share, at(5_000), 3_000), 1_000);
        assert_eq!(taken(&mut share, at(5_001), 200), 5);
        assert_eq!(taken(&mut share, at(5_101), 2_000), 500);
        // Fractions of a datagram are not lost.
        let micros = |micros: u64| Instant::from_nanos(5_101_000_000 + micros * 1_000);
        let sum: usize = (1..=1_000)
            .map(|n| taken(&mut share, micros(n * 100), 9))
            .sum();
        assert_eq!(sum, 500);
    }

    #[test]
    fn who_stays_below_the_rate_is_never_refused() {
        let mut share = Share::new();
        for millisecond in 0..10_000 {
            let now = Instant::from_millis(millisecond);
            assert_eq!(taken(&mut share, now, 5), 5);
        }
    }
}
