//! How long turns of the event loop take: what arrives in the meantime waits as long.

use std::time::Duration;

use crate::messages::TurnTimes;

/// Counts turns by how long they took.
#[derive(Debug, Default)]
pub(super) struct TurnMeter {
    counts: [u64; BOUNDS.len() + 1],
    sum: Duration,
}

impl TurnMeter {
    /// Counts a turn.
    pub(super) fn add(&mut self, took: Duration) {
        let micros = took.as_micros();
        let bucket = BOUNDS.partition_point(|bound| u128::from(*bound) < micros);
        self.counts[bucket] += 1;
        self.sum = self.sum.saturating_add(took);
    }

    /// All turns so far.
    pub(super) fn times(&self) -> TurnTimes {
        TurnTimes {
            bounds: BOUNDS.to_vec(),
            counts: self.counts.to_vec(),
            sum: u64::try_from(self.sum.as_micros()).unwrap_or(u64::MAX),
        }
    }
}

/// Microseconds. A full turn of media takes one to a few milliseconds; above 20 it can be heard.
const BOUNDS: [u32; 10] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 100_000, 1_000_000,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_counted_where_it_fits() {
        let mut meter = TurnMeter::default();
        for micros in [0, 100, 101, 1_000_000, 1_000_001] {
            meter.add(Duration::from_micros(micros));
        }
        let times = meter.times();
        assert_eq!(times.counts, [2, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!(times.sum, 2_000_202);
    }
}
