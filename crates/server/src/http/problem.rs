//! Refusals that programs and people can read (RFC 9457).

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::rooms::RoomError;

/// Why a request was refused, in a word for logs and metrics. It goes with the response.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refusal(pub(super) &'static str);

/// An answer of type `application/problem+json`, and the reason in a word. Who shows no good token is
/// told what to show, and whoever may try again when.
pub(crate) fn problem(status: StatusCode, reason: &'static str, detail: &str) -> Response {
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

/// The status for what a room refuses.
pub(crate) fn status_of(error: RoomError) -> StatusCode {
    match error {
        RoomError::NoSuchRoom | RoomError::NoSuchPerson => StatusCode::NOT_FOUND,
        RoomError::RoomEnded => StatusCode::GONE,
        RoomError::BadRoomId | RoomError::BadName { .. } => StatusCode::BAD_REQUEST,
        RoomError::TooManyPeopleOfNetwork { .. } | RoomError::TooManyRoomsOfNetwork { .. } => {
            StatusCode::TOO_MANY_REQUESTS
        }
        RoomError::TooManyPeople | RoomError::TooManyRooms | RoomError::RoomFull => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        RoomError::NotInCall => StatusCode::CONFLICT,
        _ => StatusCode::FORBIDDEN,
    }
}

/// Seconds.
const RETRY_AFTER: &str = "2";
