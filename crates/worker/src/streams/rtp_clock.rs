//! How a stream's RTP timestamps relate to wall clocks, from its sender reports (RFC 3550 §6.4.1).

use crate::time::NtpTime;

/// Maps the RTP timestamps of one incoming stream to the sender's wall clock. From the arrival of
/// the reports it also maps them to our own clock. All streams of one sender share its wall clock,
/// so reports made from this mapping keep them in sync.
#[derive(Debug)]
pub(crate) struct RtpClock {
    clock_rate: u32,
    last: Option<Sample>,
    /// The sender's clock minus ours at the last reports, in units of 2⁻³² s; a ring.
    offsets: [i64; OFFSETS],
    reports: usize,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    ntp: NtpTime,
    timestamp: u32,
}

impl RtpClock {
    /// A clock without reports. `clock_rate` is in Hz.
    #[must_use]
    pub(crate) const fn new(clock_rate: u32) -> Self {
        Self {
            clock_rate,
            last: None,
            offsets: [0; OFFSETS],
            reports: 0,
        }
    }

    /// Records a sender report: its NTP time, its RTP timestamp, and our wall-clock time when it
    /// came.
    pub(crate) fn handle_sender_report(&mut self, ntp: NtpTime, timestamp: u32, arrived: NtpTime) {
        self.last = Some(Sample { ntp, timestamp });
        self.offsets[self.reports % OFFSETS] = difference(ntp, arrived);
        self.reports = self.reports.wrapping_add(1).max(1);
    }

    /// The RTP timestamp of what the sender captured at `ntp` of its own clock; `None` before the
    /// first report.
    #[must_use]
    pub(crate) fn timestamp_at(&self, ntp: NtpTime) -> Option<u32> {
        let last = self.last?;
        let ticks = (i128::from(difference(ntp, last.ntp)) * i128::from(self.clock_rate)) >> 32;
        Some(last.timestamp.wrapping_add((ticks & 0xffff_ffff) as u32))
    }

    /// The sender's clock minus ours, in units of 2⁻³² s, less one shortest path delay; `None`
    /// before the first report.
    #[must_use]
    pub(crate) fn offset(&self) -> Option<i64> {
        // The path can only delay reports, so the report with the largest offset was delayed least.
        let known = &self.offsets[..self.reports.min(OFFSETS)];
        known.iter().copied().max()
    }

    /// The RTP timestamp for `local` of our own wall clock. The sender captured the media with this
    /// timestamp one shortest path delay earlier. `None` before the first report.
    #[must_use]
    pub(crate) fn timestamp_at_local(&self, local: NtpTime) -> Option<u32> {
        self.timestamp_at(NtpTime(local.0.wrapping_add_signed(self.offset()?)))
    }
}

/// `a` minus `b` in units of 2⁻³² s, across the end of an era.
const fn difference(a: NtpTime, b: NtpTime) -> i64 {
    a.0.wrapping_sub(b.0).cast_signed()
}

/// Reports among which the least delayed one is sought.
const OFFSETS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1 << 32;

    #[test]
    fn time_maps_to_timestamps() {
        let mut clock = RtpClock::new(90_000);
        assert_eq!(clock.timestamp_at(NtpTime(0)), None);
        assert_eq!(clock.offset(), None);
        assert_eq!(clock.timestamp_at_local(NtpTime(0)), None);
        let ntp = NtpTime(1000 * SECOND);
        clock.handle_sender_report(ntp, 0xffff_ff00, ntp);
        for (seconds, ticks) in [
            (0_i64, 0_i64),
            (1, 90_000),
            (-1, -90_000),
            (3600, 324_000_000),
        ] {
            let at = NtpTime(ntp.0.wrapping_add_signed(seconds << 32));
            let timestamp = 0xffff_ff00_u32.wrapping_add((ticks & 0xffff_ffff) as u32);
            assert_eq!(clock.timestamp_at(at), Some(timestamp));
        }
    }

    #[test]
    fn the_era_ends_without_harm() {
        let mut clock = RtpClock::new(48_000);
        clock.handle_sender_report(NtpTime(u64::MAX - SECOND / 2 + 1), 0, NtpTime(0));
        assert_eq!(clock.timestamp_at(NtpTime(SECOND / 2)), Some(48_000));
    }

    #[test]
    fn the_least_delayed_report_ties_the_clocks() {
        // The sender's clock is 500 s ahead of ours; its timestamps count from its time 1500 s.
        let mut clock = RtpClock::new(1000);
        for (n, delay_ms) in [80, 30, 10, 200, 45].into_iter().enumerate() {
            let sent = 1000 + n as u64 * 5;
            let arrived = NtpTime(sent * SECOND + delay_ms * SECOND / 1000);
            let timestamp = u32::try_from((sent - 1000) * 1000).unwrap();
            clock.handle_sender_report(NtpTime((sent + 500) * SECOND), timestamp, arrived);
        }
        let timestamp = clock.timestamp_at_local(NtpTime(1030 * SECOND)).unwrap();
        assert!((29_989..=29_991).contains(&timestamp), "{timestamp}");
    }

    #[test]
    fn a_step_of_the_sender_clock_is_forgotten_in_time() {
        let mut clock = RtpClock::new(1000);
        clock.handle_sender_report(NtpTime(9000 * SECOND), 0, NtpTime(SECOND));
        for n in 0..8_u64 {
            let at = NtpTime((100 + n) * SECOND);
            clock.handle_sender_report(at, u32::try_from(n * 1000).unwrap(), at);
        }
        assert_eq!(clock.timestamp_at_local(NtpTime(108 * SECOND)), Some(8000));
    }

    #[test]
    fn odd_clock_rates_and_times_do_not_panic() {
        for clock_rate in [0, 1, u32::MAX] {
            let mut clock = RtpClock::new(clock_rate);
            clock.handle_sender_report(NtpTime(u64::MAX), u32::MAX, NtpTime(0));
            for probe in [0, 1, 1 << 63, u64::MAX] {
                let _ = clock.timestamp_at(NtpTime(probe));
                let _ = clock.timestamp_at_local(NtpTime(probe));
            }
        }
    }
}
