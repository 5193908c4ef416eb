//! Why a bot cannot join or stay.

use std::io;
use std::time::Duration;

use thiserror::Error;
use tokio_tungstenite::tungstenite;
use tureen_peer::demo::MediaError;
use tureen_peer::{CloseReason, PeerError};

use super::description::DescriptionError;

/// Why a bot could not join a room, or had to leave it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum JoinError {
    /// Nobody listens at the address.
    #[error("{host}:{port} cannot be reached: {source}")]
    Unreachable {
        /// As in the address.
        host: String,
        /// As in the address.
        port: u16,
        /// What the system says.
        source: io::Error,
    },
    /// The server's name cannot stand in a certificate.
    #[error("{0:?} is neither a name nor an address")]
    HostName(String),
    /// TLS failed, most often because of the certificate.
    #[error("TLS: {0} (--insecure accepts any certificate)")]
    Tls(io::Error),
    /// TLS cannot be used at all.
    #[error("TLS: {0}")]
    TlsConfig(#[from] rustls::Error),
    /// The server does not open a WebSocket.
    #[error("this is no Tureen server, or it refuses: {0}")]
    Handshake(Box<tungstenite::Error>),
    /// The connection to the server is lost.
    #[error("the connection to the server is lost")]
    ConnectionLost,
    /// The server closes the connection.
    #[error("the server closes the connection: {0}")]
    Closing(String),
    /// The server did not answer.
    #[error("the server did not answer `{1}` within {0:?}")]
    NoAnswer(Duration, &'static str),
    /// The server refuses a request.
    #[error("{message} ({code})")]
    Refused {
        /// The dialect's name of the reason.
        code: String,
        /// The same for people.
        message: String,
    },
    /// The server says something that the dialect does not know.
    #[error("the server's {what} cannot be read: {source}")]
    Dialect {
        /// Which message.
        what: &'static str,
        /// Where and why.
        source: serde_json::Error,
    },
    /// A description of the server's cannot be used.
    #[error("the server's description: {0}")]
    Description(#[from] DescriptionError),
    /// The room is encrypted end to end.
    #[error("the room is encrypted end to end, which the bot cannot do")]
    Encrypted,
    /// The server takes neither picture nor tone.
    #[error("the server takes neither picture nor tone: {0}")]
    NothingTaken(String),
    /// The media connection cannot be made.
    #[error("media: {0}")]
    Peer(#[from] PeerError),
    /// The media connection has ended.
    #[error("the media connection has ended: {}", close_reason(.0))]
    MediaEnded(CloseReason),
    /// The media worker of the room has died.
    #[error("the media worker of the room has died; join again")]
    MediaLost,
    /// The prepared media cannot be read.
    #[error("test media: {0}")]
    TestMedia(#[from] MediaError),
    /// The system failed us.
    #[error(transparent)]
    System(#[from] io::Error),
}

fn close_reason(reason: &CloseReason) -> &str {
    match reason {
        CloseReason::Local => "it was closed here",
        CloseReason::Remote => "the server has closed it",
        CloseReason::IceFailed => "the server is silent",
        CloseReason::Failed(reason) => reason,
    }
}
