//! The body of a request to a dialect that speaks HTTP: small, and here soon.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::StatusCode;
use axum::http::header::HeaderMap;
use tokio::time::timeout;

use super::headers::is_of_type;
use super::problem::Problem;

/// The body as text, if it is of this media type. Read it for one who may do what they ask for: a
/// stranger is refused before.
///
/// # Errors
///
/// [`Problem::MediaType`], and refusals of a body that is slow, too large, cut off, or not UTF-8.
pub(crate) async fn read(
    headers: &HeaderMap,
    body: Body,
    wanted: &'static str,
) -> Result<String, Problem> {
    if !is_of_type(headers, wanted) {
        return Err(Problem::MediaType(wanted));
    }
    let whole = timeout(PATIENCE, to_bytes(body, MOST)).await;
    let whole = whole.map_err(|_| SLOW)?.map_err(|_| TOO_LARGE)?;
    String::from_utf8(whole.into()).map_err(|_| NOT_UTF8)
}

const SLOW: Problem = Problem::refused(
    StatusCode::REQUEST_TIMEOUT,
    "slow-body",
    "the body did not come in time",
);
const TOO_LARGE: Problem = Problem::refused(
    StatusCode::PAYLOAD_TOO_LARGE,
    "too-large",
    "the body is larger than a description may be, or ends too early",
);
const NOT_UTF8: Problem =
    Problem::refused(StatusCode::BAD_REQUEST, "not-utf8", "the body is not UTF-8");
/// Bytes: as many as a session description may have.
const MOST: usize = 256 * 1024;
const PATIENCE: Duration = Duration::from_secs(10);
