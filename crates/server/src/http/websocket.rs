//! WebSockets of clients, whatever they speak: which pages may open one, how much may come over it,
//! and how many there are.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::access::{is_welcome, shown};
use super::app::App;

/// Opens the WebSocket that this request is for, unless it is of a page of a foreign origin. The
/// connection is counted for as long as `serve` takes.
pub(crate) fn open_websocket<F>(
    app: Arc<App>,
    (headers, uri): (&HeaderMap, &Uri),
    address: IpAddr,
    upgrade: WebSocketUpgrade,
    serve: impl FnOnce(WebSocket) -> F + Send + 'static,
) -> Response
where
    F: Future<Output = ()> + Send + 'static,
{
    let http = app.http();
    if !is_welcome(headers, uri, &http.allowed_origins) {
        app.refusals.note("foreign-origin", |silent| {
            let origin = headers.get(header::ORIGIN).map(|origin| origin.as_bytes());
            let origin = shown(&String::from_utf8_lossy(origin.unwrap_or_default()));
            tracing::info!(origin, %address, silent, "WebSocket of a foreign origin refused");
        });
        let text =
            "Pages of this origin may not connect. If they should, add it to allowed-origins.\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    let size = http.max_frame_size;
    upgrade
        .read_buffer_size(READ_BUFFER)
        .max_message_size(size)
        .max_frame_size(size)
        .on_upgrade(move |socket| async move {
            let _place = Place::take(app);
            serve(socket).await;
        })
}

/// One of the connections, which are counted.
struct Place(Arc<App>);

impl Place {
    fn take(app: Arc<App>) -> Self {
        app.connections.fetch_add(1, Ordering::Relaxed);
        Self(app)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How many messages a client may send: so many a second, and the sum of ten seconds at once.
pub(crate) struct Allowance {
    rate: f64,
    left: f64,
    since: Instant,
}

impl Allowance {
    /// A full one, of so many a second.
    pub(crate) fn new(rate: u32) -> Self {
        let rate = f64::from(rate);
        Self {
            rate,
            left: rate * BURST_SECONDS,
            since: Instant::now(),
        }
    }

    /// Takes one. Returns whether there was one.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let gained = now.duration_since(self.since).as_secs_f64() * self.rate;
        self.since = now;
        self.left = (self.left + gained).min(self.rate * BURST_SECONDS) - 1.0;
        self.left >= 0.0
    }
}

/// The size of each connection's read buffer in bytes. Longer messages are read in several steps.
const READ_BUFFER: usize = 8 * 1024;
const BURST_SECONDS: f64 = 10.0;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_allowance_runs_out_and_comes_back() {
        let mut allowance = Allowance::new(3);
        let now = allowance.since;
        for _ in 0..30 {
            assert!(allowance.take(now));
        }
        assert!(!allowance.take(now));
        assert!(!allowance.take(now + Duration::from_millis(100)));
        assert!(allowance.take(now + Duration::from_secs(2)));
    }
}
