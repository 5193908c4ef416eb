//! The bot's signaling connection.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use rustls::pki_types::ServerName;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::messages::{Event, Frame};
use super::{JoinError, RoomUrl, tls};

/// The WebSocket to the server: requests with their answers, and what happens between them.
pub(super) struct Signaling {
    socket: WebSocketStream<Box<dyn Stream>>,
    last_id: u64,
    /// Came while an answer was waited for.
    events: VecDeque<Event>,
}

/// TCP, or TLS over it.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

impl Signaling {
    /// Connects to the server of this address.
    pub(super) async fn connect(url: &RoomUrl, insecure: bool) -> Result<Self, JoinError> {
        let connecting = async {
            let stream = connect_stream(url, insecure).await?;
            let (socket, _) = client_async(url.websocket(), stream)
                .await
                .map_err(|error| JoinError::Handshake(Box::new(error)))?;
            Ok::<_, JoinError>(socket)
        };
        let socket = timeout(PATIENCE, connecting)
            .await
            .map_err(|_| JoinError::NoAnswer(PATIENCE, "connect"))??;
        Ok(Self {
            socket,
            last_id: 0,
            events: VecDeque::new(),
        })
    }

    /// Asks, and waits for the answer.
    pub(super) async fn request<T: DeserializeOwned>(
        &mut self,
        name: &'static str,
        data: Value,
    ) -> Result<T, JoinError> {
        match timeout(PATIENCE, self.ask(name, data)).await {
            Ok(answer) => serde_json::from_value(answer?).map_err(|source| JoinError::Dialect {
                what: "answer",
                source,
            }),
            Err(_) => Err(JoinError::NoAnswer(PATIENCE, name)),
        }
    }

    /// What happens next. Dropping the future loses nothing.
    pub(super) async fn event(&mut self) -> Result<Event, JoinError> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            self.read().await?;
        }
    }

    /// Says goodbye to the server.
    pub(super) async fn close(mut self) {
        // One who is not there any more needs no goodbye.
        let _ = timeout(Duration::from_secs(1), self.socket.close(None)).await;
    }

    async fn ask(&mut self, name: &'static str, data: Value) -> Result<Value, JoinError> {
        self.last_id += 1;
        let mut request = json!({ "id": self.last_id, "type": name });
        if !data.is_null() {
            request["data"] = data;
        }
        let message = Message::Text(request.to_string().into());
        let sent = self.socket.send(message).await;
        sent.map_err(|_| JoinError::ConnectionLost)?;
        loop {
            let Some(frame) = self.read().await? else {
                continue;
            };
            if frame.id != Some(self.last_id) {
                continue;
            }
            return match frame.error {
                Some(refusal) => Err(JoinError::Refused {
                    code: plain(&refusal.code),
                    message: plain(&refusal.message),
                }),
                None => Ok(frame.ok.unwrap_or_default()),
            };
        }
    }

    /// Reads one frame; an answer is returned, an event is kept.
    async fn read(&mut self) -> Result<Option<Frame>, JoinError> {
        let message = self.socket.next().await;
        let text = match message.ok_or(JoinError::ConnectionLost)? {
            Ok(Message::Text(text)) => text,
            Ok(Message::Close(_)) | Err(_) => return Err(JoinError::ConnectionLost),
            // Pings are answered by the WebSocket itself.
            Ok(_) => return Ok(None),
        };
        let frame: Frame = serde_json::from_str(&text).map_err(|source| JoinError::Dialect {
            what: "message",
            source,
        })?;
        let Some(name) = &frame.event else {
            return Ok(Some(frame));
        };
        match Event::read(name, frame.data)? {
            Some(Event::Closing(closing)) => Err(JoinError::Closing(plain(&closing.reason))),
            event => {
                self.events.extend(event);
                Ok(None)
            }
        }
    }
}

/// Makes other people's text safe for the terminal, so that nothing in it moves the cursor.
pub(super) fn plain(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).collect()
}

async fn connect_stream(url: &RoomUrl, insecure: bool) -> Result<Box<dyn Stream>, JoinError> {
    let (host, port) = (url.host(), url.port());
    let tcp = TcpStream::connect((host, port))
        .await
        .map_err(|source| JoinError::Unreachable {
            host: host.to_owned(),
            port,
            source,
        })?;
    if !url.is_tls() {
        return Ok(Box::new(tcp));
    }
    let config = if insecure {
        tls::trusting_anyone()?
    } else {
        tls::trusting_the_system()?
    };
    let name =
        ServerName::try_from(host.to_owned()).map_err(|_| JoinError::HostName(host.to_owned()))?;
    let tls = TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await
        .map_err(JoinError::Tls)?;
    Ok(Box::new(tls))
}

/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);
