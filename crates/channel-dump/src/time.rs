//! Times of day in UTC, written and read.

use std::fmt;
use std::time::{Duration, SystemTime};

/// A time of day in UTC, to the microsecond, for people and file names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Utc {
    year: u64,
    month: u64,
    day: u64,
    hour: u64,
    minute: u64,
    second: u64,
    microsecond: u32,
}

impl Utc {
    /// Without separators and fractions, for file names: `20260102T030405Z`.
    pub(crate) fn compact(&self) -> String {
        format!(
            "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
            self.year, self.month, self.day, self.hour, self.minute, self.second
        )
    }
}

impl From<SystemTime> for Utc {
    /// Times before 1970 count as 1970.
    fn from(time: SystemTime) -> Self {
        let since = time
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let (days, seconds) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
        let (year, month, day) = civil(days);
        Self {
            year,
            month,
            day,
            hour: seconds / 3600,
            minute: seconds / 60 % 60,
            second: seconds % 60,
            microsecond: since.subsec_micros(),
        }
    }
}

impl fmt::Display for Utc {
    /// RFC 3339: `2026-01-02T03:04:05.000006Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
            self.year, self.month, self.day, self.hour, self.minute, self.second, self.microsecond
        )
    }
}

/// A time span as seconds with six digits: `12.000345`.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{}.{:06}", time.as_secs(), time.subsec_micros())
}

/// A time span in the unit that suits it: `345 µs`, `1.204 ms`, `3.000 s`.
pub(crate) fn span(time: Duration) -> String {
    match time.as_micros() {
        micros @ 0..1000 => format!("{micros} µs"),
        micros @ 1000..1_000_000 => format!("{}.{:03} ms", micros / 1000, micros % 1000),
        _ => format!("{}.{:03} s", time.as_secs(), time.subsec_millis()),
    }
}

/// Year, month and day of the Gregorian calendar, for a number of days after 1970-01-01.
///
/// We count years from March, so that the leap day is the last day of its year.
fn civil(days: u64) -> (u64, u64, u64) {
    // Days since 0000-03-01, in cycles of 400 years.
    let days = days + 719_468;
    let (cycle, day_of_cycle) = (days / 146_097, days % 146_097);
    let leap_days = day_of_cycle / 1460 - day_of_cycle / 36_524 + day_of_cycle / 146_096;
    let year_of_cycle = (day_of_cycle - leap_days) / 365;
    let before_year = 365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100;
    let day_of_year = day_of_cycle - before_year;
    // From March on, five months have 153 days.
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = 400 * cycle + year_of_cycle + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            // 2000-02-29, a leap day that only every fourth century has (from `date -u`).
            (951_782_400, "2000-02-29T00:00:00.000000Z"),
            (951_868_799, "2000-02-29T23:59:59.000000Z"),
            (1_234_567_890, "2009-02-13T23:31:30.000000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000000Z"),
        ] {
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(Utc::from(time).to_string(), expected);
        }
        let time = SystemTime::UNIX_EPOCH + Duration::new(1_234_567_890, 4_567);
        assert_eq!(Utc::from(time).compact(), "20090213T233130Z");
        assert!(Utc::from(time).to_string().ends_with(":30.000004Z"));
    }

    #[test]
    fn every_day_follows_its_predecessor() {
        let mut last = civil(0);
        for days in 1..200_000 {
            let (year, month, day) = civil(days);
            let follows = match (last.2 < day, last.1 < month) {
                (true, _) => (year, month, day - 1) == last,
                (false, true) => (year, month - 1) == (last.0, last.1) && day == 1 && last.2 > 27,
                (false, false) => (year - 1, month, day) == (last.0, 1, 1) && last.1 == 12,
            };
            assert!(follows, "{last:?} {:?}", (year, month, day));
            last = (year, month, day);
        }
    }

    #[test]
    fn time_spans() {
        assert_eq!(seconds(Duration::from_micros(12_000_345)), "12.000345");
        assert_eq!(span(Duration::from_nanos(999_999)), "999 µs");
        assert_eq!(span(Duration::from_micros(1_204)), "1.204 ms");
        assert_eq!(span(Duration::from_millis(61_005)), "61.005 s");
    }
}
