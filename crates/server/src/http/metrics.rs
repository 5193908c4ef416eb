//! Figures of the server for `/metrics`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::{ConnectInfo, State};
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap};
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::access::is_local;
use super::app::App;
use super::refusals::Refusals;
use super::worker_metrics;

/// What `/metrics` tells, in OpenMetrics text.
pub(crate) struct Metrics {
    registry: Registry,
    people: Gauge,
    rooms: Gauge,
    tracks: Gauge,
    connections: Gauge,
    lingering: Gauge,
    workers: Gauge,
    log_lines_lost: Counter,
    /// Requests of clients.
    pub(crate) requests: Counter,
    /// Workers that died and were started again.
    pub(crate) worker_restarts: Counter,
}

impl Metrics {
    pub(crate) fn new(refusals: &Refusals) -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("tureen"),
            people: Gauge::default(),
            rooms: Gauge::default(),
            tracks: Gauge::default(),
            connections: Gauge::default(),
            lingering: Gauge::default(),
            workers: Gauge::default(),
            log_lines_lost: Counter::default(),
            requests: Counter::default(),
            worker_restarts: Counter::default(),
        };
        let registry = &mut metrics.registry;
        for (name, help, gauge) in [
            ("people", "People online", &metrics.people),
            ("rooms", "Rooms that exist", &metrics.rooms),
            ("tracks", "Tracks that are published", &metrics.tracks),
            (
                "connections",
                "Open WebSocket connections",
                &metrics.connections,
            ),
            (
                "lingering",
                "People whose connection is lost and who may come back",
                &metrics.lingering,
            ),
            ("workers", "Media workers that run", &metrics.workers),
        ] {
            registry.register(name, help, gauge.clone());
        }
        for (name, help, counter) in [
            ("requests", "Requests of clients", &metrics.requests),
            (
                "log_lines_lost",
                "Lines of the log that were lost because nobody read them",
                &metrics.log_lines_lost,
            ),
            (
                "worker_restarts",
                "Workers that died and were started again",
                &metrics.worker_restarts,
            ),
        ] {
            registry.register(name, help, counter.clone());
        }
        let help = "Requests and connections of clients that were refused, by reason";
        registry.register("refused", help, refusals.counted());
        metrics
    }

    /// How many lines of the log are lost since the start.
    pub(crate) fn set_lines_lost(&self, lost: u64) {
        self.log_lines_lost.inner().store(lost, Ordering::Relaxed);
    }

    async fn text(&self, app: &App) -> Result<String, std::fmt::Error> {
        let counts = app.hall.counts();
        let connections = app.connections.load(Ordering::Relaxed);
        let lingering = app.lingering.load(Ordering::Relaxed);
        for (gauge, value) in [
            (&self.people, counts.people),
            (&self.rooms, counts.rooms),
            (&self.tracks, counts.tracks),
            (&self.connections, connections),
            (&self.lingering, lingering),
            (&self.workers, app.media.workers()),
        ] {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        }
        let mut text = String::new();
        encode_registry(&mut text, &self.registry)?;
        let workers = app.media.worker_metrics().await;
        encode_registry(&mut text, &worker_metrics::registry(workers))?;
        encode_eof(&mut text)?;
        Ok(text)
    }
}

/// Answers this machine, and others only when told so.
pub(super) async fn serve(
    State(app): State<Arc<App>>,
    peer: ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    if !app.http().metrics_remote && !is_local(&peer, &headers) {
        let text = "Metrics are for this machine; metrics-remote opens them to others.\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    match app.metrics.text(&app).await {
        Ok(text) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
