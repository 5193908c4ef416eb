//! Counts what is refused, by reason, and logs it once in a while for each. So an operator hears of a
//! flood without being flooded.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

use super::access::shown;
use super::app::App;
use super::client::client;
use super::problem::Refusal;

/// What was refused: requests, connections, pages of foreign origins.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    counted: Counted,
    logged: Mutex<BTreeMap<&'static str, Logged>>,
}

/// How often, by reason. A reason is always a word of ours, so there are not many.
pub(super) type Counted = Family<[(&'static str, &'static str); 1], Counter>;

/// The lines about one reason.
#[derive(Debug)]
struct Logged {
    last: Instant,
    /// Refusals since then.
    silent: u64,
}

impl Refusals {
    /// Counts one. Calls `log` if a line for this reason is due, with the number of refusals since
    /// the last line.
    pub(crate) fn note(&self, reason: &'static str, log: impl FnOnce(u64)) {
        self.counted.get_or_create(&[("reason", reason)]).inc();
        if let Some(silent) = self.take(reason, Instant::now()) {
            log(silent);
        }
    }

    /// The counters, for `/metrics`.
    pub(super) fn counted(&self) -> Counted {
        self.counted.clone()
    }

    fn take(&self, reason: &'static str, now: Instant) -> Option<u64> {
        let mut reasons = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(seen) = reasons.get_mut(reason) else {
            let last = now;
            reasons.insert(reason, Logged { last, silent: 0 });
            return Some(0);
        };
        if now.duration_since(seen.last) < INTERVAL {
            seen.silent += 1;
            return None;
        }
        seen.last = now;
        Some(std::mem::take(&mut seen.silent))
    }
}

/// Counts the requests of a dialect that speaks HTTP, and notes those that are answered with a
/// [`Problem`](super::Problem).
pub(crate) async fn tally(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    request: Request,
    next: Next,
) -> Response {
    let response = next.run(request).await;
    app.metrics.requests.inc();
    if let Some(Refusal(reason)) = response.extensions().get() {
        app.refusals.note(reason, |silent| {
            let address = client(peer, &headers, &app.http().trusted_proxies);
            let origin = headers.get(header::ORIGIN);
            let origin = origin.map(|origin| shown(&String::from_utf8_lossy(origin.as_bytes())));
            tracing::info!(reason, %address, origin, silent, "request refused");
        });
    }
    response
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
        for _ in 0..3 {
            refusals.note("a", |_| {});
        }
        assert_eq!(
            refusals.counted().get_or_create(&[("reason", "a")]).get(),
            3
        );
    }
}
