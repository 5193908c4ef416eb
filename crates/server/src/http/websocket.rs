//! The WebSocket of one client: its limits, its pings and its end.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::access::is_welcome;
use crate::app::App;
use crate::dialects::page::{Closing, Session};

/// Opens the signaling connection of a client.
pub(super) async fn upgrade(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    uri: Uri,
    Query(Shown { access_token }): Query<Shown>,
    upgrade: WebSocketUpgrade,
) -> Response {
    if !is_welcome(&headers, &uri, &app.config.http.allowed_origins) {
        tracing::info!("WebSocket of a foreign origin refused");
        let text =
            "Pages of this origin may not connect. If they should, add it to allowed-origins.\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    // Not everyone who is connected is online yet, hence the margin.
    let limit = app.config.rooms.max_people + app.config.rooms.max_people / 4 + 16;
    let Some(place) = Place::take(&app, limit) else {
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            "Too many people are here.\n",
        )
            .into_response();
    };
    let size = app.config.http.max_frame_size;
    upgrade
        .max_message_size(size)
        .max_frame_size(size)
        .on_upgrade(move |socket| async move {
            let _place = place;
            Connection::new(app, socket, access_token).run().await;
        })
}

/// What the address of a connection may carry: browsers cannot add a header to a WebSocket. The
/// name is LiveKit's.
#[derive(Deserialize)]
pub(super) struct Shown {
    access_token: Option<String>,
}

/// One WebSocket, from its opening to its end.
struct Connection {
    app: Arc<App>,
    socket: WebSocket,
    session: Session,
    allowance: Allowance,
    opened: Instant,
    /// When the client last gave a sign of life.
    heard: Instant,
}

impl Connection {
    fn new(app: Arc<App>, socket: WebSocket, token: Option<String>) -> Self {
        Self {
            session: Session::with_token(Arc::clone(&app), token),
            allowance: Allowance::new(app.config.http.max_message_rate),
            app,
            socket,
            opened: Instant::now(),
            heard: Instant::now(),
        }
    }

    async fn run(mut self) {
        let ended = self.serve().await;
        // Others hear of it before we wait for the client to hear of it.
        self.session.end();
        if let Err(Some(closing)) = ended {
            tracing::debug!(reason = closing.reason(), "connection closed");
            let code = match closing {
                Closing::Protocol => 1002,
                Closing::TooFast | Closing::TooSlow => 1008,
                Closing::Vanished | Closing::ServerEnds => 1001,
            };
            let frame = CloseFrame {
                code,
                reason: closing.reason().into(),
            };
            let say_so = async {
                let _ = self
                    .socket
                    .send(Message::Text(closing.frame().into()))
                    .await;
                let _ = self.socket.send(Message::Close(Some(frame))).await;
                // RFC 6455 §7.1.1: "An endpoint SHOULD use a method that cleanly closes the TCP
                // connection", discarding what still comes. A socket that is closed with
                // something unread is reset, and the client may never see what was said last.
                while let Some(Ok(_)) = self.socket.recv().await {}
            };
            let _ = timeout(CLOSE_TIMEOUT, say_so).await;
        }
    }

    /// Serves until the client closes (`Err(None)`) or we do.
    async fn serve(&mut self) -> Result<(), Option<Closing>> {
        let patience = Duration::from_secs(self.app.config.http.ping_timeout);
        let mut pings = interval(Duration::from_secs(self.app.config.http.ping_interval));
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ending = self.app.ending.subscribe();
        loop {
            let ends = async {
                let _ = ending.wait_for(|ending| *ending).await;
            };
            let frames = tokio::select! {
                // What rooms have to say comes first, so that one who writes fast cannot fall
                // behind in hearing.
                biased;
                () = ends => return Err(Some(Closing::ServerEnds)),
                happening = self.session.next() => self.session.happened(happening).await?,
                message = self.socket.recv() => {
                    let message = message.ok_or(None)?.map_err(|_| None)?;
                    self.heard = Instant::now();
                    self.message(message).await?
                }
                _ = pings.tick() => {
                    let is_mute = !self.session.is_online() && self.opened.elapsed() >= patience;
                    if is_mute || self.heard.elapsed() >= patience {
                        return Err(Some(Closing::Vanished));
                    }
                    self.send(Message::Ping(Default::default())).await?;
                    Vec::new()
                }
            };
            for frame in frames {
                self.send(Message::Text(frame.into())).await?;
            }
        }
    }

    async fn message(&mut self, message: Message) -> Result<Vec<String>, Option<Closing>> {
        if !self.allowance.take(Instant::now()) {
            return Err(Some(Closing::TooFast));
        }
        match message {
            Message::Text(text) => Ok(self.session.request(&text).await?),
            Message::Binary(_) => Err(Some(Closing::Protocol)),
            Message::Close(_) => Err(None),
            Message::Ping(_) | Message::Pong(_) => Ok(Vec::new()),
        }
    }

    /// Sends, as long as the client reads.
    async fn send(&mut self, message: Message) -> Result<(), Option<Closing>> {
        let patience = Duration::from_secs(self.app.config.http.ping_timeout);
        match timeout(patience, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(None),
            Err(_) => Err(Some(Closing::TooSlow)),
        }
    }
}

/// One of the connections that there may be.
struct Place(Arc<App>);

impl Place {
    fn take(app: &Arc<App>, limit: usize) -> Option<Self> {
        let taken = app.connections.fetch_add(1, Ordering::Relaxed);
        // Made first, so that its end gives the place back in either case.
        let place = Self(Arc::clone(app));
        (taken < limit).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Messages that a client may send: so many a second, and the sum of ten seconds at once.
struct Allowance {
    rate: f64,
    left: f64,
    since: Instant,
}

impl Allowance {
    fn new(rate: u32) -> Self {
        let rate = f64::from(rate);
        Self {
            rate,
            left: rate * BURST_SECONDS,
            since: Instant::now(),
        }
    }

    fn take(&mut self, now: Instant) -> bool {
        let gained = now.duration_since(self.since).as_secs_f64() * self.rate;
        self.since = now;
        self.left = (self.left + gained).min(self.rate * BURST_SECONDS) - 1.0;
        self.left >= 0.0
    }
}

const BURST_SECONDS: f64 = 10.0;
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
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
