//! Points in time that mean the same on every host.

use std::time::Duration;

/// A point in time in milliseconds since 1970, which means the same on every host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct UnixTime(pub u64);

impl UnixTime {
    /// How long ago `earlier` was; zero if it lies ahead.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}
