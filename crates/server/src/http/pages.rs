//! Serving the page and its files.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::app::App;
use super::assets::{self, Asset};
use crate::rooms::RoomId;

/// The one page. It looks at its own address to know whether it is a lobby or a room.
pub(super) async fn page(headers: HeaderMap) -> Response {
    answer(&assets::PAGE, &headers)
}

/// The page of a room, or why there can be no room of this name.
pub(super) async fn room(Path(room): Path<String>, headers: HeaderMap) -> Response {
    match RoomId::parse(&room) {
        Ok(_) => page(headers).await,
        Err(_) => lost(
            &headers,
            "There can be no room of this name",
            "The name of a room has 1 to 64 letters (a to z), digits, - and _.",
        ),
    }
}

/// The same room without the slash, as the lobby's field takes it.
pub(super) async fn room_with_slash(
    Path(room): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.map_or_else(String::new, |query| format!("?{query}"));
    match RoomId::parse(&room) {
        Ok(room) => Redirect::permanent(&format!("/room/{room}{query}")).into_response(),
        Err(_) => self::room(Path(room), headers).await,
    }
}

pub(super) async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    match assets::find(&path) {
        Some(asset) => answer(asset, &headers),
        None => not_found(headers).await,
    }
}

/// The process lives, whatever it can do just now. This is for whoever restarts a dead one.
pub(super) async fn health() -> &'static str {
    "ok\n"
}

/// Another person can come in, and a worker process runs. This is for whoever sends clients to
/// servers that are ready. Whether the workers answer is told by `/metrics`.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response {
    let is_full = app.hall.counts().people >= app.config.rooms.max_people;
    let why = match (*app.ending.borrow(), is_full, app.media.workers()) {
        (true, _, _) => "the server is ending\n",
        (false, true, _) => "the server has no place for another person\n",
        (false, false, 0) => "no media worker is running\n",
        (false, false, _) => return "ready\n".into_response(),
    };
    (StatusCode::SERVICE_UNAVAILABLE, why).into_response()
}

pub(super) async fn not_found(headers: HeaderMap) -> Response {
    lost(
        &headers,
        "There is nothing here",
        "The address may be misspelt, or of an older version.",
    )
}

/// Says why there is nothing, and leads people to the lobby. Both texts are our own.
fn lost(headers: &HeaderMap, title: &str, reason: &str) -> Response {
    let accepts = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    if !accepts.is_some_and(|accept| accept.contains("text/html")) {
        return (StatusCode::NOT_FOUND, format!("{title}. {reason}\n")).into_response();
    }
    let text = LOST.replace("{title}", title).replace("{reason}", reason);
    (StatusCode::NOT_FOUND, Html(text)).into_response()
}

const LOST: &str = r#"<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>{title} – Tureen</title>
    <link rel="icon" href="/static/icon.svg" type="image/svg+xml">
    <link rel="stylesheet" href="/static/style/base.css">
    <link rel="stylesheet" href="/static/style/lobby.css">
  </head>
  <body>
    <main class="welcome">
      <div class="card">
        <h1>{title}</h1>
        <p class="muted">{reason}</p>
        <p><a href="/">To the lobby</a></p>
      </div>
    </main>
  </body>
</html>
"#;

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
