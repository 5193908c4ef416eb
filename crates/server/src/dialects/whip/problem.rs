//! Why a request is refused.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use thiserror::Error;

use crate::auth::TokenError;
use crate::http::problem;
use crate::media::MediaError;
use crate::participant::ParticipantError;
use crate::rooms::RoomError;
use crate::sdp::SdpError;

/// Why a request is refused.
#[derive(Debug, Error)]
pub(super) enum Problem {
    /// It breaks a rule of WHIP and WHEP, or of the server's door.
    #[error("{1}")]
    Refused(StatusCode, &'static str),
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
    fn status(&self) -> StatusCode {
        match self {
            Self::Refused(status, _) => *status,
            Self::Sdp(SdpError::Line { .. }) => StatusCode::BAD_REQUEST,
            Self::Sdp(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Token(_) => StatusCode::UNAUTHORIZED,
            Self::Participant(ParticipantError::Room(error)) => room_status(*error),
            Self::Participant(ParticipantError::Media(MediaError::NoWorker)) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Participant(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

fn room_status(error: RoomError) -> StatusCode {
    match error {
        RoomError::NoSuchRoom | RoomError::NoSuchPerson => StatusCode::NOT_FOUND,
        RoomError::RoomEnded => StatusCode::GONE,
        RoomError::BadRoomId | RoomError::BadName { .. } => StatusCode::BAD_REQUEST,
        RoomError::TooManyPeople | RoomError::TooManyRooms | RoomError::RoomFull => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        RoomError::NotInCall => StatusCode::CONFLICT,
        _ => StatusCode::FORBIDDEN,
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        problem(self.status(), &self.to_string())
    }
}
