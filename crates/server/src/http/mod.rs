//! HTTP: the page, signaling's WebSocket, health and metrics; and who may ask for them.

mod access;
mod assets;
mod metrics;
mod pages;
mod websocket;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;

pub(crate) use metrics::Metrics;

use crate::app::App;

/// Everything that the server answers.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(pages::page))
        .route("/room/{room}", get(pages::page))
        .route("/static/{*path}", get(pages::asset))
        .route("/ws", get(websocket::upgrade))
        .route("/healthz", get(pages::health))
        .route("/metrics", get(metrics::serve))
        .fallback(pages::not_found)
        .layer(from_fn_with_state(Arc::clone(&app), access::known_host))
        .layer(from_fn(access::security_headers))
        .with_state(app)
}
