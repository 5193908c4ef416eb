//! Headers of the dialects that speak HTTP without a WebSocket.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::access::is_welcome;
use super::app::App;
use super::problem::Problem;
use crate::config::IceServerAccess;

/// Whether the body is of this media type, whatever its parameters.
pub(super) fn is_of_type(headers: &HeaderMap, wanted: &str) -> bool {
    let kind = text(headers, &header::CONTENT_TYPE).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case(wanted)
}

/// Refuses pages of other origins where no token protects the rooms, and lets browsers know that
/// the others are welcome.
pub(crate) async fn cors(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let http = app.http();
    let allowed = &http.allowed_origins;
    if http.keys.is_empty() && !is_welcome(request.headers(), request.uri(), allowed) {
        let text = "Pages of this origin may not use the server. If they should, add it to allowed-origins.";
        return Problem::refused(StatusCode::FORBIDDEN, "foreign-origin", text).into_response();
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

/// Whether an answer of this media type may be sent: "if none of the available representations ...
/// are acceptable" (RFC 9110 §12.5.1), the most specific range that names it decides.
pub(crate) fn accepts(headers: &HeaderMap, kind: &str) -> bool {
    let whole = kind.split('/').next().map(|whole| format!("{whole}/*"));
    let lines = headers.get_all(header::ACCEPT).iter();
    let lines: Vec<_> = lines.filter_map(|line| line.to_str().ok()).collect();
    let ranges = lines.iter().flat_map(|line| line.split(','));
    let mut ranges = ranges.map(|range| {
        let (range, parameters) = range.split_once(';').unwrap_or((range, ""));
        let mut parameters = parameters.split(';').map(str::trim);
        let weight = parameters.find_map(|one| one.strip_prefix("q=")?.parse::<f32>().ok());
        (
            range.trim().to_ascii_lowercase(),
            weight.unwrap_or(1.0) > 0.0,
        )
    });
    let ranges: Vec<_> = ranges
        .by_ref()
        .filter(|(range, _)| !range.is_empty())
        .collect();
    let names = [Some(kind.to_owned()), whole, Some("*/*".to_owned())];
    let decides = |name: String| ranges.iter().find(|(range, _)| *range == name);
    let decision = names.into_iter().flatten().find_map(decides);
    decision.map_or(ranges.is_empty(), |(_, is_wanted)| *is_wanted)
}

/// Adds a `Link` for each STUN and TURN server (RFC 9725 §4.6).
pub(crate) fn link_ice_servers(headers: &mut HeaderMap, servers: &[IceServerAccess]) {
    let quoted = |text: &str| text.replace('\\', r"\\").replace('"', "\\\"");
    for IceServerAccess { uri, login } in servers {
        let mut link = format!("<{uri}>; rel=\"ice-server\"");
        if let Some((username, credential)) = login {
            let (username, credential) = (quoted(username), quoted(credential));
            let _ = write!(
                link,
                "; username=\"{username}\"; credential=\"{credential}\"; credential-type=\"password\""
            );
        }
        // Credentials that no header can carry are of no use to anyone.
        if let Ok(link) = HeaderValue::from_str(&link) {
            headers.append(header::LINK, link);
        }
    }
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
    fn types_are_read() {
        let kind = HeaderValue::from_static("Application/SDP; charset=utf-8");
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, kind)]);
        assert!(is_of_type(&headers, "application/sdp"));
        assert!(!is_of_type(&headers, "application/json"));
    }

    #[test]
    fn what_is_accepted_is_said_by_the_most_specific_range() {
        for (accept, is_accepted) in [
            (None, true),
            (Some("*/*"), true),
            (Some("application/sdp"), true),
            (Some("text/html, Application/*;q=0.1"), true),
            (Some("application/json"), false),
            (Some("application/sdp;q=0, */*"), false),
            (Some("application/sdp; q=0.5, */*;q=0"), true),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            }
            let is = accepts(&headers, "application/sdp");
            assert_eq!(is, is_accepted, "{accept:?}");
        }
    }
}
