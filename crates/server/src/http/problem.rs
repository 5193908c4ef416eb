//! Refusals that programs and people can read (RFC 9457).

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use thiserror::Error;
use tureen_controller::{ConsumeError, ProduceError, RequestError};

use crate::auth::TokenError;
use crate::media::MediaError;
use crate::participant::ParticipantError;
use crate::rooms::RoomError;
use crate::sdp::SdpError;

/// Why a request to a dialect that speaks HTTP is refused. As a response it has the form of RFC 9457.
#[derive(Debug, Error)]
pub(crate) enum Problem {
    /// It breaks a rule of the dialect, or of the server's door.
    #[error("{text}")]
    Refused {
        status: StatusCode,
        /// A word for logs and metrics.
        code: &'static str,
        /// For people.
        text: &'static str,
    },
    /// The body is of another type than this.
    #[error("the body is to be of type {0}")]
    MediaType(&'static str),
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
    /// A refusal that has no error of its own.
    pub(crate) const fn refused(
        status: StatusCode,
        code: &'static str,
        text: &'static str,
    ) -> Self {
        Self::Refused { status, code, text }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Refused { code, .. } => code,
            Self::MediaType(_) => "media-type",
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
            Self::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Sdp(SdpError::Line { .. }) => StatusCode::BAD_REQUEST,
            Self::Sdp(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Token(_) => StatusCode::UNAUTHORIZED,
            Self::Participant(ParticipantError::Room(error)) => status_of(*error),
            Self::Participant(ParticipantError::Media(error)) => media_status(error),
            Self::Participant(ParticipantError::NoConnection) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        problem(self.status(), self.code(), &self.to_string())
    }
}

/// Why a request was refused, in a word for logs and metrics. It goes with the response.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refusal(pub(super) &'static str);

/// An answer of type `application/problem+json`, and the reason in a word. A 401 says that a token is
/// needed; 409, 429 and 503 say when to try again.
fn problem(status: StatusCode, reason: &'static str, detail: &str) -> Response {
    let body = json!({
        "status": status.as_u16(),
        "title": status.canonical_reason().unwrap_or_default(),
        "detail": detail,
    });
    let mut response = (status, Json(body)).into_response();
    response.extensions_mut().insert(Refusal(reason));
    let headers = response.headers_mut();
    let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
    set(header::CONTENT_TYPE, "application/problem+json");
    match status {
        StatusCode::UNAUTHORIZED => {
            set(header::WWW_AUTHENTICATE, "Bearer");
        }
        StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            set(header::RETRY_AFTER, RETRY_AFTER);
        }
        _ => {}
    }
    response
}

/// Gives what the router itself refuses the form of the other refusals: a URL that cannot be read, or
/// a method that is not there.
pub(crate) async fn refuse_alike(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let (status, headers) = (response.status(), response.headers());
    let is_refusal = status.is_client_error() || status.is_server_error();
    if !is_refusal || response.extensions().get::<Refusal>().is_some() {
        return response;
    }
    let (reason, detail) = match status {
        StatusCode::METHOD_NOT_ALLOWED => ("bad-method", "this URL has no such method"),
        _ => ("bad-url", "the URL cannot be read"),
    };
    let mut alike = problem(status, reason, detail);
    if let Some(methods) = headers.get(header::ALLOW) {
        alike.headers_mut().insert(header::ALLOW, methods.clone());
    }
    alike
}

/// The status for what a room refuses.
fn status_of(error: RoomError) -> StatusCode {
    match error {
        RoomError::NoSuchRoom | RoomError::NoSuchPerson => StatusCode::NOT_FOUND,
        RoomError::RoomEnded => StatusCode::GONE,
        RoomError::BadRoomId | RoomError::BadName { .. } => StatusCode::BAD_REQUEST,
        RoomError::TooManyPeopleOfNetwork { .. }
        | RoomError::TooManyRoomsOfNetwork { .. }
        | RoomError::TooManyUnusedRooms { .. }
        | RoomError::TooManyUnusedRoomsOfNetwork { .. } => StatusCode::TOO_MANY_REQUESTS,
        RoomError::TooManyPeople | RoomError::TooManyRooms | RoomError::RoomFull => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        RoomError::NotInCall => StatusCode::CONFLICT,
        _ => StatusCode::FORBIDDEN,
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

/// Seconds.
const RETRY_AFTER: &str = "2";

#[cfg(test)]
mod tests {
    use tureen_controller::ortc::OrtcError;

    use super::*;

    #[test]
    fn what_is_a_share_says_when_to_ask_again() {
        let max = 1;
        for error in [
            RoomError::TooManyUnusedRooms { max },
            RoomError::TooManyUnusedRoomsOfNetwork { max },
            RoomError::TooManyRoomsOfNetwork { max },
            RoomError::TooManyPeopleOfNetwork { max },
        ] {
            let response = Problem::from(error).into_response();
            assert_eq!(response.status(), 429, "{error}");
            assert!(response.headers().contains_key(header::RETRY_AFTER));
        }
    }

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
