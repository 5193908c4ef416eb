//! Time in the core: a value that comes with every input. The core never reads a clock.
//!
//! The shell turns the kernel's clocks into an [`Instant`] once per batch. A test chooses its
//! instants.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::time::Duration;

/// A point on the worker's monotonic time line: nanoseconds since an origin that the shell chooses
/// (the origin of `CLOCK_MONOTONIC`, so that [`Instant::as_millis`] is what statistics report).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(u64);

impl Instant {
    /// The instant `nanos` nanoseconds after the origin.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The instant `millis` milliseconds after the origin.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(NANOS_PER_MILLI))
    }

    /// Nanoseconds since the origin.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Whole microseconds since the origin.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0 / NANOS_PER_MICRO
    }

    /// Whole milliseconds since the origin: the unit of every `timestamp` in the statistics.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0 / NANOS_PER_MILLI
    }

    /// How long after `earlier` this instant is; zero when it is not after it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(nanos(rhs)))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, rhs: Duration) {
        *self = *self + rhs;
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    fn sub(self, rhs: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(rhs)))
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{:09}s",
            self.0 / NANOS_PER_SECOND,
            self.0 % NANOS_PER_SECOND
        )
    }
}

/// Relates [`Instant`] to two other clocks: the wall clock of sender reports, and the standard
/// library's instants, which the DTLS backend takes. It is read once, when the worker starts.
#[derive(Clone, Copy, Debug)]
pub struct ClockAnchor {
    /// The worker's instant at the moment of the anchor.
    pub at: Instant,
    /// The standard library's instant at the same moment.
    pub std: std::time::Instant,
    /// Time since the Unix epoch at the same moment.
    pub unix: Duration,
}

impl ClockAnchor {
    /// `instant` as an instant of the standard library. One before the anchor becomes the anchor.
    #[must_use]
    pub fn to_std(&self, instant: Instant) -> std::time::Instant {
        self.std + instant.since(self.at)
    }

    /// The standard library's `instant` on the worker's time line.
    #[must_use]
    pub fn from_std(&self, instant: std::time::Instant) -> Instant {
        self.at + instant.saturating_duration_since(self.std)
    }

    /// The wall-clock time of `instant` in the format of sender reports.
    #[must_use]
    pub fn to_ntp(&self, instant: Instant) -> NtpTime {
        let unix = (self.unix + instant.since(self.at)).saturating_sub(self.at.since(instant));
        NtpTime::from_unix(unix)
    }
}

/// An NTP timestamp: seconds since 1900 in the upper 32 bits, fractions of 2⁻³² s in the lower
/// (RFC 3550 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct NtpTime(pub u64);

impl NtpTime {
    /// The NTP timestamp of a time since the Unix epoch; wraps with the era in 2036.
    #[must_use]
    pub fn from_unix(unix: Duration) -> Self {
        let seconds = unix.as_secs().wrapping_add(UNIX_EPOCH_IN_NTP_SECONDS) & 0xffff_ffff;
        let fraction = (u64::from(unix.subsec_nanos()) << 32) / NANOS_PER_SECOND;
        Self((seconds << 32) | fraction)
    }

    /// The middle 32 bits: what LSR, DLSR and round-trip arithmetic use, in units of 2⁻¹⁶ s
    /// (RFC 3550 §6.4.1).
    #[must_use]
    pub const fn compact(self) -> u32 {
        ((self.0 >> 16) & 0xffff_ffff) as u32
    }
}

/// `duration` in units of 2⁻¹⁶ s, saturating: the unit of DLSR (RFC 3550 §6.4.1).
#[must_use]
pub(crate) fn compact_ntp_duration(duration: Duration) -> u32 {
    let units = (duration.as_nanos() << 16) / u128::from(NANOS_PER_SECOND);
    u32::try_from(units).unwrap_or(u32::MAX)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

const NANOS_PER_MICRO: u64 = 1_000;
const NANOS_PER_MILLI: u64 = 1_000_000;
const NANOS_PER_SECOND: u64 = 1_000_000_000;
/// Seconds from 1900-01-01 to 1970-01-01 (RFC 868).
const UNIX_EPOCH_IN_NTP_SECONDS: u64 = 2_208_988_800;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        let instant = Instant::from_millis(5);
        assert_eq!(instant - Duration::from_secs(1), Instant::from_nanos(0));
        assert_eq!(
            Instant::from_nanos(u64::MAX) + Duration::from_secs(1),
            Instant(u64::MAX)
        );
        assert_eq!(instant.since(Instant::from_millis(7)), Duration::ZERO);
    }

    #[test]
    fn ntp_of_the_unix_epoch_is_seventy_years() {
        assert_eq!(
            NtpTime::from_unix(Duration::ZERO).0 >> 32,
            UNIX_EPOCH_IN_NTP_SECONDS
        );
        let half = NtpTime::from_unix(Duration::from_millis(500));
        assert_eq!(half.0 & 0xffff_ffff, 0x8000_0000);
        assert_eq!(half.compact() & 0xffff, 0x8000);
    }

    #[test]
    fn a_second_is_65536_compact_units() {
        assert_eq!(compact_ntp_duration(Duration::from_secs(1)), 65_536);
        assert_eq!(compact_ntp_duration(Duration::from_secs(1 << 20)), u32::MAX);
    }
}
