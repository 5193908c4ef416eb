//! The clock of the rooms.

use std::time::{Instant, SystemTime};

use crate::rooms::UnixTime;

/// The time of day for rooms. It never runs backwards, even if somebody sets the system's clock
/// back.
#[derive(Debug)]
pub(super) struct Clock {
    started: Instant,
    at_start: u64,
    /// Milliseconds that a test has let pass.
    #[cfg(test)]
    pub(super) passed: std::sync::Arc<std::sync::atomic::AtomicU64>,
}

impl Clock {
    pub(super) fn system() -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Self {
            started: Instant::now(),
            at_start: since.map_or(0, milliseconds),
            #[cfg(test)]
            passed: Default::default(),
        }
    }

    pub(super) fn now(&self) -> UnixTime {
        let now = self
            .at_start
            .saturating_add(milliseconds(self.started.elapsed()));
        #[cfg(test)]
        let now = now + self.passed.load(std::sync::atomic::Ordering::Relaxed);
        UnixTime(now)
    }
}

fn milliseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
