//! Who may ask, and what a browser is told to refuse.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::app::App;
use super::client::client;
use crate::config::{HostName, Origin};

/// Refuses requests to a loopback server under another name. A foreign page could let its own name
/// point to 127.0.0.1, and then it would have the same origin as our pages.
pub(super) async fn known_host(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let http = app.http();
    if !http.listen.ip().is_loopback() {
        return next.run(request).await;
    }
    let host = host(request.headers(), request.uri()).unwrap_or_default();
    if is_known_host(host, &http.allowed_hosts) {
        next.run(request).await
    } else {
        app.refusals.note("foreign-host", |silent| {
            let address = client(peer, request.headers(), &http.trusted_proxies);
            tracing::info!(host = shown(host), %address, silent, "request for a foreign host refused");
        });
        let text =
            "This name is not one of the server's. If it should be, add it to allowed-hosts.\n";
        (StatusCode::MISDIRECTED_REQUEST, text).into_response()
    }
}

/// Whether a WebSocket of this origin may connect. It may if it is a page of ours or one of
/// `allowed-origins`. It also may without an origin, because browsers always send one, so this is
/// no page.
pub(super) fn is_welcome(headers: &HeaderMap, uri: &Uri, allowed: &[Origin]) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    if allowed.iter().any(|one| one.is(origin)) {
        return true;
    }
    let authority = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"));
    match (authority, host(headers, uri)) {
        (Some(authority), Some(host)) => authority.eq_ignore_ascii_case(host),
        _ => false,
    }
}

/// Whether the request comes from this machine, and not through a proxy on it.
pub(super) fn is_local(ConnectInfo(peer): &ConnectInfo<SocketAddr>, headers: &HeaderMap) -> bool {
    let proxied = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];
    peer.ip().to_canonical().is_loopback()
        && !proxied.iter().any(|name| headers.contains_key(*name))
}

/// What every answer says to browsers.
pub(super) async fn security_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in SECURITY_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The text of a header for a log: it is short. As a field of a line it stands in quotes, and what
/// could end the line or move a cursor is escaped there.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(MOST_SHOWN).collect()
}

/// The authority of the request; HTTP/2 has it in the URI.
fn host<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    match headers.get(header::HOST) {
        Some(host) => host.to_str().ok(),
        None => uri.authority().map(|authority| authority.as_str()),
    }
}

fn is_known_host(authority: &str, allowed: &[HostName]) -> bool {
    let name = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority
            .rsplit_once(':')
            .map_or(authority, |(name, _)| name),
    };
    name.parse::<IpAddr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || name.to_ascii_lowercase().ends_with(".localhost")
        || allowed.iter().any(|one| one.is(name))
}

const MOST_SHOWN: usize = 200;

/// Only the server's own scripts, styles and pictures; no frame around the page; no room address in
/// the `Referer` of a link.
const SECURITY_HEADERS: [(HeaderName, &str); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
         media-src 'self' blob:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(self), microphone=(self), display-capture=(self), speaker-selection=(self), \
         geolocation=(), usb=(), payment=()",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
        let list = list
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        list.collect()
    }

    #[test]
    fn only_pages_of_the_server_may_connect() {
        let uri = Uri::from_static("/ws");
        let allowed = ["https://example.org/".parse().unwrap()];
        for (origin, welcome) in [
            ("http://127.0.0.1:8080", true),
            ("https://127.0.0.1:8080", true),
            ("https://example.org", true),
            ("http://127.0.0.1:8081", false),
            ("https://evil.example", false),
            ("https://example.org.evil.example", false),
            ("null", false),
            ("", false),
        ] {
            let headers = headers(&[("host", "127.0.0.1:8080"), ("origin", origin)]);
            assert_eq!(is_welcome(&headers, &uri, &allowed), welcome, "{origin}");
        }
        assert!(is_welcome(
            &headers(&[("host", "127.0.0.1:8080")]),
            &uri,
            &[]
        ));
    }

    #[test]
    fn a_foreign_name_for_a_loopback_server_is_refused() {
        let allowed = ["calls.example.org".parse().unwrap()];
        for (host, known) in [
            ("127.0.0.1:8080", true),
            ("[::1]:8080", true),
            ("localhost:8080", true),
            ("LOCALHOST", true),
            ("a.localhost", true),
            ("calls.example.org", true),
            ("evil.example:8080", false),
            ("localhost.evil.example", false),
            ("", false),
        ] {
            assert_eq!(is_known_host(host, &allowed), known, "{host}");
        }
    }

    #[test]
    fn what_a_proxy_passes_on_is_not_local() {
        let local = ConnectInfo("127.0.0.1:5".parse().unwrap());
        let mapped = ConnectInfo("[::ffff:127.0.0.1]:5".parse().unwrap());
        let remote = ConnectInfo("192.0.2.1:5".parse().unwrap());
        assert!(is_local(&local, &headers(&[])));
        assert!(is_local(&mapped, &headers(&[])));
        assert!(!is_local(&remote, &headers(&[])));
        assert!(!is_local(
            &local,
            &headers(&[("x-forwarded-for", "192.0.2.1")])
        ));
    }
}
