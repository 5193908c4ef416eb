//! Whose token opens which room to a dialect that speaks HTTP.

use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap};

use super::headers::text;
use super::problem::Problem;
use crate::auth::{Grants, TokenError, verify};
use crate::config::HttpConfig;

/// What the token of a request allows, if it opens this room. None on a server without keys, where
/// everything is allowed.
///
/// # Errors
///
/// [`Problem::Token`], and a refusal of a token for another room.
pub(crate) fn admit(
    http: &HttpConfig,
    headers: &HeaderMap,
    room: &str,
) -> Result<Option<Grants>, Problem> {
    if http.keys.is_empty() {
        return Ok(None);
    }
    let grants = verify(bearer(headers).ok_or(TokenError::Missing)?, &http.keys)?;
    let may = grants.may_join(room);
    may.then_some(Some(grants)).ok_or(NOT_THIS_ROOM)
}

/// Whether the one who asks may hear what is for guests alone: anybody on a server without keys, and
/// whoever shows a good token, for whatever room.
pub(crate) fn is_guest(http: &HttpConfig, headers: &HeaderMap) -> bool {
    let is_known = || bearer(headers).is_some_and(|token| verify(token, &http.keys).is_ok());
    http.keys.is_empty() || is_known()
}

/// The bearer's token, if one is shown (RFC 6750 §2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = text(headers, &header::AUTHORIZATION)?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("Bearer")
        .then_some(token.trim())
}

const NOT_THIS_ROOM: Problem = Problem::refused(
    StatusCode::FORBIDDEN,
    "not-allowed",
    "your token does not allow to enter this room",
);

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_bearer_is_read_and_no_other_scheme() {
        let shown = |value| {
            let value = HeaderValue::from_static(value);
            HeaderMap::from_iter([(header::AUTHORIZATION, value)])
        };
        assert_eq!(bearer(&HeaderMap::new()), None);
        assert_eq!(bearer(&shown("bearer a.b.c")), Some("a.b.c"));
        assert_eq!(bearer(&shown("Basic a.b.c")), None);
    }
}
