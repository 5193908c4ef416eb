//! Bit rates over a sliding window.

use std::time::Duration;

use crate::time::Instant;

/// The meter for bit rates in statistics: bits per second over the last 2.5 s.
pub(crate) type RateMeter = WindowedRate<25>;

/// Counts bytes and gives their bits per second over the last `BUCKETS` tenths of a second. Adding
/// and reading take constant time; an idle meter costs nothing.
#[derive(Clone, Debug)]
pub(crate) struct WindowedRate<const BUCKETS: usize> {
    /// Bytes per bucket of time; bucket `n` lies at `n % BUCKETS`.
    bytes: [u32; BUCKETS],
    /// The newest bucket; none before the first byte.
    newest: Option<u64>,
    /// Where the newest bucket lies, and when it ends, so that most packets need no division.
    slot: usize,
    ends: Instant,
    /// The first bucket after the last silence of at least a whole window.
    first: u64,
}

impl<const BUCKETS: usize> WindowedRate<BUCKETS> {
    /// A meter that has counted nothing.
    #[must_use]
    pub(crate) const fn new() -> Self {
        Self {
            bytes: [0; BUCKETS],
            newest: None,
            slot: 0,
            ends: Instant::from_nanos(0),
            first: 0,
        }
    }

    /// Counts `bytes` at `now`. A time before the newest one counts as the newest.
    pub(crate) fn add(&mut self, now: Instant, bytes: usize) {
        if now >= self.ends {
            self.advance(bucket_of(now));
        }
        let slot = &mut self.bytes[self.slot];
        *slot = slot.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
    }

    /// Bits per second over the window that ends at `now`. During the first second after a silence
    /// the bytes are spread over a whole second, so that the start of a stream is no spike.
    #[must_use]
    pub(crate) fn bitrate(&self, now: Instant) -> u64 {
        let Some(newest) = self.newest else {
            return 0;
        };
        let last = bucket_of(now).max(newest);
        let first = self.first.max((last + 1).saturating_sub(BUCKETS as u64));
        let bytes: u64 = (first..=newest)
            .map(|bucket| u64::from(self.bytes[Self::slot_of(bucket)]))
            .sum();
        let start = Instant::from_nanos(first.saturating_mul(BUCKET_NANOS));
        let span = now.since(start).max(SHORTEST_SPAN);
        bytes.saturating_mul(8 * 1_000_000) / u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
    }

    /// Begins `bucket`, which is newer than the newest, and empties those between.
    fn advance(&mut self, bucket: u64) {
        match self.newest {
            Some(newest) if bucket - newest < BUCKETS as u64 => {
                for skipped in newest + 1..=bucket {
                    self.bytes[Self::slot_of(skipped)] = 0;
                }
            }
            _ => {
                self.bytes = [0; BUCKETS];
                self.first = bucket;
            }
        }
        self.newest = Some(bucket);
        self.slot = Self::slot_of(bucket);
        self.ends = Instant::from_nanos((bucket + 1).saturating_mul(BUCKET_NANOS));
    }

    fn slot_of(bucket: u64) -> usize {
        usize::try_from(bucket % BUCKETS as u64).unwrap_or(0)
    }
}

impl<const BUCKETS: usize> Default for WindowedRate<BUCKETS> {
    fn default() -> Self {
        Self::new()
    }
}

const fn bucket_of(now: Instant) -> u64 {
    now.as_nanos() / BUCKET_NANOS
}

const BUCKET_NANOS: u64 = 100_000_000;
const SHORTEST_SPAN: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(meter: &mut RateMeter, from: u64, to: u64, every: usize, bytes: usize) {
        for millis in (from..to).step_by(every) {
            meter.add(Instant::from_millis(millis), bytes);
        }
    }

    #[test]
    fn a_steady_stream_reads_its_rate_at_any_moment() {
        let mut meter = RateMeter::new();
        feed(&mut meter, 1000, 9000, 10, 1250);
        for millis in [8995, 9000, 9040, 9099] {
            let rate = meter.bitrate(Instant::from_millis(millis));
            assert!((950_000..=1_010_000).contains(&rate), "{rate} at {millis}");
        }
    }

    #[test]
    fn a_stream_that_stops_fades_to_zero_within_the_window() {
        let mut meter = RateMeter::new();
        feed(&mut meter, 0, 5000, 10, 1250);
        let half = meter.bitrate(Instant::from_millis(6250));
        assert!((400_000..=600_000).contains(&half), "{half}");
        assert_eq!(meter.bitrate(Instant::from_millis(7500)), 0);
        assert_eq!(meter.bitrate(Instant::from_millis(1 << 40)), 0);
    }

    #[test]
    fn the_first_packet_is_no_spike_and_the_start_is_not_diluted_for_long() {
        let mut meter = RateMeter::new();
        meter.add(Instant::from_millis(50_000), 1250);
        assert_eq!(meter.bitrate(Instant::from_millis(50_000)), 10_000);
        feed(&mut meter, 50_010, 51_500, 10, 1250);
        let rate = meter.bitrate(Instant::from_millis(51_500));
        assert!((900_000..=1_050_000).contains(&rate), "{rate}");
    }

    #[test]
    fn silence_and_resumption_start_a_new_span() {
        let mut meter = RateMeter::new();
        feed(&mut meter, 0, 3000, 10, 1250);
        feed(&mut meter, 60_000, 61_200, 10, 1250);
        let rate = meter.bitrate(Instant::from_millis(61_200));
        assert!((900_000..=1_050_000).contains(&rate), "{rate}");
    }

    #[test]
    fn slightly_late_times_are_counted() {
        let mut meter = RateMeter::new();
        meter.add(Instant::from_millis(2000), 500);
        meter.add(Instant::from_millis(1500), 500);
        assert_eq!(meter.bitrate(Instant::from_millis(2000)), 8000);
        meter.add(Instant::from_nanos(u64::MAX), usize::MAX);
        assert!(meter.bitrate(Instant::from_nanos(u64::MAX)) > 0);
    }
}
