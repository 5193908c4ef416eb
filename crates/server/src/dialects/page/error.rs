//! Why the server refuses a request of the page.

use thiserror::Error;

use super::messages::ErrorBody;
use crate::auth::TokenError;
use crate::participant::ParticipantError;
use crate::rooms::RoomError;
use crate::sdp::SdpError;

/// Why a request was refused. Clients act on the code, and people read the text.
#[derive(Debug, Error)]
pub(crate) enum SignalingError {
    /// The frame is no request of the dialect.
    #[error("not a request: {0}")]
    BadRequest(String),
    /// The client speaks another version.
    #[error("version {client} is not spoken here; the server speaks {server}. Load the page anew")]
    WrongVersion {
        /// Of the client.
        client: u32,
        /// Of the server.
        server: u32,
    },
    /// Something else than `hello` came first.
    #[error("say hello first")]
    HelloFirst,
    /// `hello` came twice.
    #[error("you have said hello already")]
    HelloTwice,
    /// Whoever is online has shown their token.
    #[error("you have shown your token already: connect anew to come in with another one")]
    TokenTwice,
    /// The client was away for too long, or has missed too much.
    #[error("the server does not know you any more: come in anew")]
    CannotResume,
    /// The request is for a room in which the client is no more.
    #[error("you are not in that room any more")]
    AnotherRoom,
    /// The token opens nothing.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The token opens the door, and does not allow this.
    #[error("your token does not allow this: {0}")]
    NotAllowed(&'static str),
    /// The client's description cannot be used.
    #[error("SDP: {0}")]
    Sdp(#[from] SdpError),
    /// A media section sends without saying what.
    #[error("the media section sends, but `tracks` does not say what")]
    Unannounced,
    /// What the person asks for is refused, or has failed.
    #[error(transparent)]
    Participant(#[from] ParticipantError),
}

impl From<RoomError> for SignalingError {
    fn from(error: RoomError) -> Self {
        Self::Participant(error.into())
    }
}

impl SignalingError {
    /// A name for the error that does not change.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::BadRequest(_) => "bad-request",
            Self::WrongVersion { .. } => "wrong-version",
            Self::HelloFirst => "hello-first",
            Self::HelloTwice => "hello-twice",
            Self::TokenTwice => "token-twice",
            Self::CannotResume => "cannot-resume",
            Self::AnotherRoom => "another-room",
            Self::Token(error) => error.code(),
            Self::NotAllowed(_) => "not-allowed",
            Self::Sdp(error) => error.code(),
            Self::Unannounced => "unannounced-track",
            Self::Participant(ParticipantError::NoConnection) => "no-connection",
            Self::Participant(ParticipantError::Room(error)) => error.code(),
            Self::Participant(ParticipantError::Media(error)) => error.code(),
        }
    }

    pub(super) fn body(&self) -> ErrorBody {
        ErrorBody {
            code: self.code(),
            message: sentence(&self.to_string()),
        }
    }
}

/// The text of an error as people read it: with a capital letter, and a full stop.
fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    let Some(first) = rest.next() else {
        return String::new();
    };
    let mut sentence: String = first.to_uppercase().chain(rest).collect();
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}
