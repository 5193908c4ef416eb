//! How often something may happen that a stranger can cause.

use std::time::Duration;

use crate::time::Instant;

/// So many at once, and one more after each interval. What was used up grows back.
#[derive(Debug)]
pub(super) struct Allowance {
    left: u32,
    max: u32,
    interval: Duration,
    /// Up to when what has grown back is in `left`.
    counted: Instant,
}

impl Allowance {
    pub(super) const fn new(max: u32, interval: Duration) -> Self {
        Self {
            left: max,
            max,
            interval,
            counted: Instant::from_nanos(0),
        }
    }

    /// Takes one; false if there is none. Time that goes back adds nothing.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let interval = u64::try_from(self.interval.as_nanos()).unwrap_or(u64::MAX);
        let passed = now.as_nanos().saturating_sub(self.counted.as_nanos());
        let grown = passed / interval;
        if grown >= u64::from(self.max - self.left) {
            self.left = self.max;
            self.counted = self.counted.max(now);
        } else {
            self.left += u32::try_from(grown).unwrap_or(u32::MAX);
            self.counted += self.interval * u32::try_from(grown).unwrap_or(u32::MAX);
        }
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(allowance: &mut Allowance, at: u64) -> usize {
        let now = Instant::from_millis(at);
        (0..100).filter(|_| allowance.take(now)).count()
    }

    #[test]
    fn what_was_used_up_grows_back() {
        let mut allowance = Allowance::new(4, Duration::from_millis(10));
        for (at, expected) in [
            (5_000, 4),
            (5_009, 0),
            (5_010, 1),
            (5_035, 2),
            (5_039, 0),
            (5_040, 1),
            (4_000, 0),
            (9_000, 4),
        ] {
            assert_eq!(taken(&mut allowance, at), expected, "{at}");
        }
    }
}
