//! The WebSocket of one client of the page: its limits, its pings and its end.

use std::convert::Infallible;
use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, Query, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite;

use super::session::{Closing, Page, Session};
use crate::http::{Allowance, App, Stranger, client, known_network, open_websocket};
use crate::participant::{Claim, Unattended, Woken};

/// The WebSocket that clients open.
pub(crate) fn routes(app: Arc<App>) -> Router {
    Router::new()
        .route("/ws", get(upgrade))
        .with_state(Page::new(app))
}

/// Opens the signaling connection of a client.
async fn upgrade(
    State(page): State<Page>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    uri: Uri,
    Query(Shown { access_token }): Query<Shown>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let address = client(peer, &headers, &page.app.http().trusted_proxies);
    open_websocket(
        Arc::clone(&page.app),
        (&headers, &uri),
        address,
        upgrade,
        move |socket| Connection::new(page, socket, (peer, address), access_token).run(),
    )
}

/// The query of a connection's address. It may carry the token, because browsers cannot add a
/// header to a WebSocket. The name is LiveKit's.
#[derive(Deserialize)]
struct Shown {
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
        page: Page,
        socket: WebSocket,
        (peer, address): (SocketAddr, IpAddr),
        token: Option<String>,
    ) -> Self {
        let app = Arc::clone(&page.app);
        Self {
            stranger: Some(app.strangers.admit(known_network(address))),
            peer,
            address,
            session: Session::new(page, address).with_token(token),
            allowance: Allowance::new(app.http().max_message_rate),
            app,
            socket,
            opened: Instant::now(),
            heard: Instant::now(),
        }
    }

    async fn run(mut self) {
        let mut ended = match self.serve().await {
            Ok(never) => match never {},
            Err(ended) => ended,
        };
        if matches!(ended, Ended::Lost(None)) {
            let last_words = timeout(CLOSE_TIMEOUT, self.last_words()).await;
            ended = last_words.unwrap_or(ended);
        }
        let (app, address) = (Arc::clone(&self.app), self.address);
        let Self {
            mut session,
            socket,
            ..
        } = self;
        // We decide what becomes of the person before we wait for this client.
        let closing = match ended {
            Ended::Over(closing) => {
                session.goes(closing.map_or("closed", Closing::reason));
                drop(session);
                closing
            }
            Ended::Lost(closing) => {
                session.goes(closing.map_or("lost", Closing::reason));
                session.linger();
                closing
            }
            Ended::Claimed(claim) => {
                // The one who wanted it may be gone again, and then comes once more.
                if let Err(mut session) = claim.hand_over(session) {
                    session.goes("lost");
                    session.linger();
                }
                Some(Closing::Resumed)
            }
        };
        if let Some(closing) = closing {
            log(&app, address, closing);
            let _ = timeout(CLOSE_TIMEOUT, say_so(socket, closing)).await;
        }
    }

    /// Serves until the connection ends.
    async fn serve(&mut self) -> Result<Infallible, Ended> {
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
                () = ends => return Err(Closing::ServerEnds.into()),
                () = displaced(&mut self.stranger) => return Err(Closing::Displaced.into()),
                woken = self.session.next() => match woken {
                    Woken::Happening(happening) => self.session.happened(happening).await?,
                    Woken::Claimed(claim) => return Err(Ended::Claimed(claim)),
                },
                message = self.socket.recv() => {
                    let message = message.ok_or(Ended::Lost(None))?;
                    let message = message.map_err(|error| broken(&error))?;
                    self.heard = Instant::now();
                    self.message(message).await?
                }
                _ = pings.tick() => {
                    let is_mute = !self.session.is_online() && self.opened.elapsed() >= patience;
                    if is_mute || self.heard.elapsed() >= patience {
                        return Err(Ended::Lost(Some(Closing::Vanished)));
                    }
                    // The pong tells what the client has got.
                    let sent = self.session.sent().map(u64::to_be_bytes);
                    let sent = sent.map(|sent| sent.to_vec().into());
                    self.send(Message::Ping(sent.unwrap_or_default())).await?;
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

    /// Nothing can be sent any more. A client that has closed its socket may have said before that it
    /// leaves, and that has arrived.
    async fn last_words(&mut self) -> Ended {
        while let Some(Ok(message)) = self.socket.recv().await {
            if let Err(ended) = self.message(message).await {
                return ended;
            }
        }
        Ended::Lost(None)
    }

    async fn message(&mut self, message: Message) -> Result<Vec<Utf8Bytes>, Ended> {
        if !self.allowance.take(Instant::now()) {
            return Err(Closing::TooFast.into());
        }
        match message {
            Message::Text(text) => Ok(self.session.request(&text).await?),
            Message::Binary(_) => Err(Closing::Protocol.into()),
            Message::Close(frame) if is_farewell(frame.as_ref()) => Err(Ended::Over(None)),
            Message::Close(_) => Err(Ended::Lost(None)),
            Message::Pong(payload) => {
                if let Ok(count) = payload.as_ref().try_into() {
                    self.session.acknowledge(u64::from_be_bytes(count));
                }
                Ok(Vec::new())
            }
            Message::Ping(_) => Ok(Vec::new()),
        }
    }

    /// Sends, as long as the client reads. One that has come back over another connection reads
    /// here no more.
    async fn send(&mut self, message: Message) -> Result<(), Ended> {
        let patience = Duration::from_secs(self.app.config.http.ping_timeout);
        tokio::select! {
            biased;
            claim = self.session.claimed() => Err(Ended::Claimed(claim)),
            sent = timeout(patience, self.socket.send(message)) => match sent {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) => Err(Ended::Lost(None)),
                Err(_) => Err(Ended::Lost(Some(Closing::TooSlow))),
            },
        }
    }
}

/// How a connection ends.
enum Ended {
    /// The client leaves, or we send it away.
    Over(Option<Closing>),
    /// The network or the client has failed, and the client may come back.
    Lost(Option<Closing>),
    /// The client has come back over another connection.
    Claimed(Claim<Session>),
}

impl From<Closing> for Ended {
    fn from(closing: Closing) -> Self {
        Self::Over(Some(closing))
    }
}

/// Whether the client has closed the connection to leave: without a code, or with one that RFC 6455
/// §7.4.1 has for it. 1000 "indicates a normal closure"; 1001 "indicates that an endpoint is 'going
/// away', such as ... a browser having navigated away from a page". Other codes say that something
/// went wrong, and a client that gives up a dead connection uses one of its own.
fn is_farewell(frame: Option<&CloseFrame>) -> bool {
    frame.is_none_or(|frame| matches!(frame.code, 1000 | 1001 | 1005))
}

/// Tells the client that the connection ends, and why.
async fn say_so(mut socket: WebSocket, closing: Closing) {
    let frame = CloseFrame {
        code: close_code(closing),
        reason: closing.reason().into(),
    };
    let _ = socket.send(Message::Text(closing.frame().into())).await;
    let _ = socket.send(Message::Close(Some(frame))).await;
    // A displaced connection is one of a crowd, and nobody is behind one that was replaced, so we
    // do not wait for these.
    if matches!(closing, Closing::Displaced | Closing::Resumed) {
        return;
    }
    // RFC 6455 §7.1.1: "An endpoint SHOULD use a method that cleanly closes the TCP connection",
    // discarding what still comes. A socket that is closed with something unread is reset, and the
    // client may never see what was said last.
    while let Some(Ok(_)) = socket.recv().await {}
}

/// What an operator should know. That somebody closed a laptop is not worth a line.
fn log(app: &App, address: IpAddr, closing: Closing) {
    let reason = closing.reason();
    match closing {
        Closing::ServerEnds | Closing::Vanished | Closing::Resumed => {
            tracing::debug!(reason, %address, "connection closed");
        }
        Closing::Protocol
        | Closing::TooFast
        | Closing::TooSlow
        | Closing::TooLarge
        | Closing::BadAnswers
        | Closing::Displaced => app.refusals.note(reason, |silent| {
            tracing::info!(reason, %address, silent, "connection closed");
        }),
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
fn broken(error: &axum::Error) -> Ended {
    let source = error.source().and_then(|source| source.downcast_ref());
    match source {
        Some(tungstenite::Error::Capacity(_)) => Closing::TooLarge.into(),
        _ => Ended::Lost(None),
    }
}

/// The codes of RFC 6455 §7.4.1, and 1013, "try again later", of the registry that it began.
fn close_code(closing: Closing) -> u16 {
    match closing {
        Closing::Resumed => 1000,
        Closing::Vanished | Closing::ServerEnds => 1001,
        Closing::Protocol | Closing::BadAnswers => 1002,
        Closing::TooFast | Closing::TooSlow => 1008,
        Closing::TooLarge => 1009,
        Closing::Displaced => 1013,
    }
}

const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
