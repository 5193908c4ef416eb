//! Logs refusals, once in a while for each reason. So an operator hears of a flood without being
//! flooded.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// When each reason was last logged.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<BTreeMap<&'static str, Reason>>);

#[derive(Debug)]
struct Reason {
    logged: Instant,
    /// Since then.
    silent: u64,
}

impl Refusals {
    /// Calls `log` if a line for this reason is due, with the number of refusals since the last
    /// line.
    pub(crate) fn note(&self, reason: &'static str, log: impl FnOnce(u64)) {
        if let Some(silent) = self.take(reason, Instant::now()) {
            log(silent);
        }
    }

    fn take(&self, reason: &'static str, now: Instant) -> Option<u64> {
        let mut reasons = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(seen) = reasons.get_mut(reason) else {
            let logged = now;
            reasons.insert(reason, Reason { logged, silent: 0 });
            return Some(0);
        };
        if now.duration_since(seen.logged) < INTERVAL {
            seen.silent += 1;
            return None;
        }
        seen.logged = now;
        Some(std::mem::take(&mut seen.silent))
    }
}

/// How often one reason is logged at most.
const INTERVAL: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_logged_and_a_flood_is_counted() {
        let refusals = Refusals::default();
        let start = Instant::now();
        assert_eq!(refusals.take("a", start), Some(0));
        for _ in 0..1000 {
            assert_eq!(refusals.take("a", start), None);
        }
        assert_eq!(refusals.take("b", start), Some(0));
        assert_eq!(refusals.take("a", start + INTERVAL), Some(1000));
        assert_eq!(refusals.take("a", start + INTERVAL * 2), Some(0));
    }
}
