//! Serving the page and its files.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};

use super::assets::{self, Asset};
use crate::app::App;

/// The one page. It looks at its own address to know whether it is a lobby or a room.
pub(super) async fn page(headers: HeaderMap) -> Response {
    answer(&assets::PAGE, &headers)
}

pub(super) async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    match assets::find(&path) {
        Some(asset) => answer(asset, &headers),
        None => not_found().await,
    }
}

/// The process lives, whatever it can do just now. This is for whoever restarts a dead one.
pub(super) async fn health() -> &'static str {
    "ok\n"
}

/// A call can begin here. This is for whoever sends clients to servers that are ready.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response {
    let why = match (*app.ending.borrow(), app.media.workers()) {
        (true, _) => "the server is ending\n",
        (false, 0) => "no media worker is running\n",
        (false, _) => return "ready\n".into_response(),
    };
    (StatusCode::SERVICE_UNAVAILABLE, why).into_response()
}

pub(super) async fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "There is nothing here.\n").into_response()
}

/// The asset, or an answer that the browser has it already. The browser must ask each time, so that
/// page and server always have the same version.
fn answer(asset: &Asset, headers: &HeaderMap) -> Response {
    let tag = asset.tag();
    let has_it = headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut response = if has_it {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let kind = HeaderValue::from_static(asset.media_type);
        ([(header::CONTENT_TYPE, kind)], asset.content).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}
