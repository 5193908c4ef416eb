//! HTTP: the page, health and metrics; who may ask for them; and what dialects share that speak over
//! HTTP or a WebSocket. It knows none of them.

mod access;
mod admission;
mod app;
mod assets;
mod body;
mod client;
mod guests;
mod headers;
mod metrics;
mod pages;
mod problem;
mod refusals;
mod sessions;
mod shares;
mod strangers;
mod websocket;
mod worker_metrics;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;

pub(crate) use admission::{admit, is_guest};
pub(crate) use app::App;
pub(crate) use body::read;
pub(crate) use client::client;
pub(crate) use guests::Guest;
pub(crate) use headers::{accepts, cors, link_ice_servers, text};
pub(crate) use problem::{Problem, refuse_alike};
pub(crate) use refusals::tally;
pub(crate) use sessions::{Place, Sessions};
pub(crate) use shares::Shares;
pub(crate) use strangers::{Stranger, known_network};
pub(crate) use websocket::{Allowance, open_websocket};

/// Everything that the server answers: what is here, and what clients of the dialects ask.
pub(crate) fn router(app: Arc<App>, dialects: Router) -> Router {
    Router::new()
        .route("/", get(pages::page))
        .route("/room/{room}", get(pages::room))
        .route("/room/{room}/", get(pages::room_with_slash))
        .route("/static/{*path}", get(pages::asset))
        .route("/healthz", get(pages::health))
        .route("/readyz", get(pages::ready))
        .route("/metrics", get(metrics::serve))
        .fallback(pages::not_found)
        .with_state(Arc::clone(&app))
        .merge(dialects)
        .layer(from_fn_with_state(Arc::clone(&app), access::known_host))
        .layer(from_fn_with_state(app, guests::note))
        .layer(from_fn(access::security_headers))
}
