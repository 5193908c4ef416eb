//! Headers of the dialects that speak HTTP without a WebSocket.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

use super::access::is_welcome;
use super::problem::problem;
use crate::app::App;

/// Whether the body is of this media type, whatever its parameters.
pub(crate) fn is_of_type(headers: &HeaderMap, wanted: &str) -> bool {
    let kind = text(headers, &header::CONTENT_TYPE).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case(wanted)
}

/// The bearer's token, if one is shown (RFC 6750 §2.1).
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = text(headers, &header::AUTHORIZATION)?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("Bearer")
        .then_some(token.trim())
}

/// Refuses pages of other origins where no token protects the rooms, and lets browsers know that
/// the others are welcome.
pub(crate) async fn cors(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let http = app.http();
    let allowed = &http.allowed_origins;
    if http.keys.is_empty() && !is_welcome(request.headers(), request.uri(), allowed) {
        let text = "Pages of this origin may not use the server. If they should, add it to allowed-origins.";
        return problem(StatusCode::FORBIDDEN, "foreign-origin", text);
    }
    let mut response = next.run(request).await;
    if let Some(origin) = origin {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        for (name, value) in CORS {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    response
}

/// A header as text.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

const CORS: [(HeaderName, &str); 4] = [
    (
        header::ACCESS_CONTROL_ALLOW_METHODS,
        "POST, PATCH, DELETE, GET, HEAD, OPTIONS",
    ),
    (
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        "Authorization, Content-Type, If-Match, ETag",
    ),
    (
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        "Location, Link, ETag, Accept-Post, Accept-Patch, Retry-After",
    ),
    (header::ACCESS_CONTROL_MAX_AGE, "600"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bearers_and_types_are_read() {
        let mut headers = HeaderMap::new();
        assert_eq!(bearer(&headers), None);
        let set = |headers: &mut HeaderMap, name, value| {
            headers.insert(name, HeaderValue::from_static(value));
        };
        set(&mut headers, header::AUTHORIZATION, "bearer a.b.c");
        set(
            &mut headers,
            header::CONTENT_TYPE,
            "Application/SDP; charset=utf-8",
        );
        assert_eq!(bearer(&headers), Some("a.b.c"));
        assert!(is_of_type(&headers, "application/sdp"));
        assert!(!is_of_type(&headers, "application/json"));
        set(&mut headers, header::AUTHORIZATION, "Basic a.b.c");
        assert_eq!(bearer(&headers), None);
    }
}
