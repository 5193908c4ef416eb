//! The WebSocket of one client: its limits, its pings and its end.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, Query, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite;

use super::access::{is_welcome, shown};
use super::client::client;
use super::strangers::{Stranger, network};
use crate::app::App;
use crate::dialects::page::{Closing, Session};

/// Opens the signaling connection of a client.
pub(super) async fn upgrade(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    uri: Uri,
    Query(Shown { access_token }): Query<Shown>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let http = app.http();
    let address = client(peer, &headers, &http.trusted_proxies);
    if !is_welcome(&headers, &uri, &http.allowed_origins) {
        app.refusals.note("foreign-origin", |silent| {
            let origin = headers.get(header::ORIGIN).map(|origin| origin.as_bytes());
            let origin = shown(&String::from_utf8_lossy(origin.unwrap_or_default()));
            tracing::info!(%origin, %address, silent, "WebSocket of a foreign origin refused");
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
            let _place = Place::take(&app);
            Connection::new(app, socket, (peer, address), access_token)
                .run()
                .await;
        })
}

/// The query of a connection's address. It may carry the token, because browsers cannot add a
/// header to a WebSocket. The name is LiveKit's.
#[derive(Deserialize)]
pub(super) struct Shown {
    access_token: Option<String>,
}

/// One WebSocket, from its opening to its end.
struct Connection {
    app: Arc<App>,
    socket: WebSocket,
    session: Session,
    /// Until the client is online.
    stranger: Option<Stranger>,
    /// The other end of the connection, which may be a proxy.
    peer: SocketAddr,
    address: IpAddr,
    allowance: Allowance,
    opened: Instant,
    /// When the client last gave a sign of life.
    heard: Instant,
}

impl Connection {
    fn new(
        app: Arc<App>,
        socket: WebSocket,
        (peer, address): (SocketAddr, IpAddr),
        token: Option<String>,
    ) -> Self {
        Self {
            stranger: Some(app.strangers.admit(Some(network(address)))),
            peer,
            address,
            // A proxy on this machine stands for people who have nothing in common.
            session: Session::new(
                Arc::clone(&app),
                Some(address).filter(|address| !address.is_loopback()),
            )
            .with_token(token),
            allowance: Allowance::new(app.http().max_message_rate),
            app,
            socket,
            opened: Instant::now(),
            heard: Instant::now(),
        }
    }

    async fn run(mut self) {
        let ended = self.serve().await;
        // We tell the others before we wait for this client.
        self.session.end();
        if let Err(Some(closing)) = ended {
            self.log(closing);
            let frame = CloseFrame {
                code: close_code(closing),
                reason: closing.reason().into(),
            };
            let say_so = async {
                let _ = self
                    .socket
                    .send(Message::Text(closing.frame().into()))
                    .await;
                let _ = self.socket.send(Message::Close(Some(frame))).await;
                // A displaced connection is one of a crowd, so we do not wait for it.
                if closing == Closing::Displaced {
                    return;
                }
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
                // Events of rooms come first, so that a client that writes fast still gets them in
                // time.
                biased;
                () = ends => return Err(Some(Closing::ServerEnds)),
                () = displaced(&mut self.stranger) => return Err(Some(Closing::Displaced)),
                happening = self.session.next() => self.session.happened(happening).await?,
                message = self.socket.recv() => {
                    let message = message.ok_or(None)?.map_err(|error| broken(&error))?;
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
            if self.session.is_online() && self.stranger.take().is_some() {
                self.app.guests.is_known(self.peer);
            }
            for frame in frames {
                self.send(Message::Text(frame)).await?;
            }
        }
    }

    async fn message(&mut self, message: Message) -> Result<Vec<Utf8Bytes>, Option<Closing>> {
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

    /// What an operator should know. That somebody closed a laptop is not worth a line.
    fn log(&self, closing: Closing) {
        let (reason, address) = (closing.reason(), self.address);
        match closing {
            Closing::ServerEnds | Closing::Vanished => {
                tracing::debug!(reason, %address, "connection closed");
            }
            Closing::Protocol
            | Closing::TooFast
            | Closing::TooSlow
            | Closing::TooLarge
            | Closing::Displaced => self.app.refusals.note(reason, |silent| {
                tracing::info!(reason, %address, silent, "connection closed");
            }),
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

/// Waits until a stranger must go. Somebody who is online never must.
async fn displaced(stranger: &mut Option<Stranger>) {
    match stranger {
        Some(stranger) => stranger.evicted().await,
        None => std::future::pending().await,
    }
}

/// Why nothing more can be read. If the connection is simply gone, nothing is sent to it.
fn broken(error: &axum::Error) -> Option<Closing> {
    let source = error.source()?.downcast_ref()?;
    matches!(source, tungstenite::Error::Capacity(_)).then_some(Closing::TooLarge)
}

/// The codes of RFC 6455 §7.4.1, and 1013, "try again later", of the registry that it began.
fn close_code(closing: Closing) -> u16 {
    match closing {
        Closing::Vanished | Closing::ServerEnds => 1001,
        Closing::Protocol => 1002,
        Closing::TooFast | Closing::TooSlow => 1008,
        Closing::TooLarge => 1009,
        Closing::Displaced => 1013,
    }
}

/// One of the connections, which are counted.
struct Place(Arc<App>);

impl Place {
    fn take(app: &Arc<App>) -> Self {
        app.connections.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(app))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How many messages a client may send: so many a second, and the sum of ten seconds at once.
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

/// The size of each connection's read buffer in bytes. Longer messages are read in several steps.
const READ_BUFFER: usize = 8 * 1024;
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
