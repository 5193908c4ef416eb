//! Why a request is refused.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use thiserror::Error;
use tureen_controller::{ConsumeError, ProduceError, RequestError};

use crate::auth::TokenError;
use crate::http::{problem, status_of};
use crate::media::MediaError;
use crate::participant::ParticipantError;
use crate::rooms::RoomError;
use crate::sdp::SdpError;

/// Why a request is refused.
#[derive(Debug, Error)]
pub(super) enum Problem {
    /// It breaks a rule of WHIP and WHEP, or of the server's door.
    #[error("{text}")]
    Refused {
        status: StatusCode,
        /// A word for logs and metrics.
        code: &'static str,
        text: &'static str,
    },
    /// The description cannot be used.
    #[error("SDP: {0}")]
    Sdp(#[from] SdpError),
    /// The token opens nothing.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The rooms or the media side refuse.
    #[error(transparent)]
    Participant(#[from] ParticipantError),
}

impl From<RoomError> for Problem {
    fn from(error: RoomError) -> Self {
        Self::Participant(error.into())
    }
}

impl Problem {
    pub(super) const fn refused(
        status: StatusCode,
        code: &'static str,
        text: &'static str,
    ) -> Self {
        Self::Refused { status, code, text }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Refused { code, .. } => code,
            Self::Sdp(error) => error.code(),
            Self::Token(error) => error.code(),
            Self::Participant(ParticipantError::Room(error)) => error.code(),
            Self::Participant(ParticipantError::Media(error)) => error.code(),
            Self::Participant(ParticipantError::NoConnection) => "no-connection",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Refused { status, .. } => *status,
            Self::Sdp(SdpError::Line { .. }) => StatusCode::BAD_REQUEST,
            Self::Sdp(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Token(_) => StatusCode::UNAUTHORIZED,
            Self::Participant(ParticipantError::Room(error)) => status_of(*error),
            Self::Participant(ParticipantError::Media(error)) => media_status(error),
            Self::Participant(ParticipantError::NoConnection) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// What a worker or ORTC refuses of a value comes from the client's description.
fn media_status(error: &MediaError) -> StatusCode {
    match error {
        MediaError::Produce(ProduceError::RtpParameters(_))
        | MediaError::Consume(ConsumeError::RtpCapabilities(_)) => StatusCode::UNPROCESSABLE_ENTITY,
        MediaError::Consume(ConsumeError::NoSuchProducer(_)) => StatusCode::CONFLICT,
        MediaError::Produce(ProduceError::Request(error))
        | MediaError::Consume(ConsumeError::Request(error))
        | MediaError::Worker(error) => match error {
            RequestError::Type { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            RequestError::Closed(_) | RequestError::WorkerGone(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        },
        MediaError::NoWorker => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        problem(self.status(), self.code(), &self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use tureen_controller::ortc::OrtcError;

    use super::*;

    #[test]
    fn what_the_client_asks_in_vain_is_no_fault_of_the_server() {
        let ortc = || OrtcError::InvalidField {
            field: "codecs[0]".to_owned(),
            reason: "is not allowed",
        };
        let id = "p".to_owned();
        let gone = ConsumeError::Request(RequestError::DuplicateId(id));
        for (error, status) in [
            (MediaError::Produce(ortc().into()), 422),
            (MediaError::Consume(ortc().into()), 422),
            (MediaError::NoWorker, 503),
            (MediaError::Consume(gone), 500),
        ] {
            let problem = Problem::Participant(error.into());
            assert_eq!(problem.status().as_u16(), status, "{problem}");
        }
    }
}
