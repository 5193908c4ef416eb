//! Consent freshness (RFC 7675) for a lite agent. It sends no checks, so it expects the checks of
//! the remote to go on.

use std::time::Duration;

use crate::time::Instant;

/// How long a remote may be silent on the selected path before it counts as gone. If it is off, it
/// never does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ConsentTimeout(Option<Duration>);

impl ConsentTimeout {
    /// The timeout of `seconds`: 0 switches it off, anything else is brought into 10–60.
    #[must_use]
    pub(crate) fn from_seconds(seconds: u8) -> Self {
        let clamped = u64::from(seconds.clamp(MIN_SECONDS, MAX_SECONDS));
        Self((seconds != 0).then_some(Duration::from_secs(clamped)))
    }
}

/// When consent runs out.
#[derive(Debug)]
pub(super) struct Consent {
    timeout: ConsentTimeout,
    expires: Option<Instant>,
}

impl Consent {
    pub(super) const fn new(timeout: ConsentTimeout) -> Self {
        Self {
            timeout,
            expires: None,
        }
    }

    /// The remote has just consented.
    pub(super) fn refresh(&mut self, now: Instant) {
        self.expires = self.timeout.0.map(|timeout| now + timeout);
    }

    /// Nobody is asked for consent any more.
    pub(super) const fn stop(&mut self) {
        self.expires = None;
    }

    /// Whether somebody is.
    pub(super) const fn is_running(&self) -> bool {
        self.expires.is_some()
    }

    pub(super) const fn deadline(&self) -> Option<Instant> {
        self.expires
    }
}

const MIN_SECONDS: u8 = 10;
const MAX_SECONDS: u8 = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_brought_into_range() {
        for (seconds, expected) in [(1, 10), (10, 10), (30, 30), (60, 60), (255, 60)] {
            let timeout = ConsentTimeout::from_seconds(seconds);
            assert_eq!(timeout.0, Some(Duration::from_secs(expected)));
        }
        let mut off = Consent::new(ConsentTimeout::from_seconds(0));
        off.refresh(Instant::from_millis(5));
        assert_eq!(off.deadline(), None);
    }
}
