//! Why media cannot flow as asked.

use thiserror::Error;
use tureen_controller::{ConsumeError, CreateRouterError, ProduceError, RequestError};

/// Why media does not flow as asked.
#[derive(Debug, Error)]
pub(crate) enum MediaError {
    /// No worker runs now; one will soon.
    #[error("no media worker runs now; try again in a moment")]
    NoWorker,
    /// A worker refused, or has gone.
    #[error("media worker: {0}")]
    Worker(#[from] RequestError),
    /// The room has no router: the worker made none, or the configured codecs allow none.
    #[error("the call cannot be set up: {0}")]
    Router(#[from] CreateRouterError),
    /// A track cannot be produced.
    #[error("{0}")]
    Produce(#[from] ProduceError),
    /// A track cannot be consumed.
    #[error("{0}")]
    Consume(#[from] ConsumeError),
}

impl MediaError {
    /// A name for the error that does not change.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NoWorker => "no-worker",
            Self::Worker(_) | Self::Router(_) => "media-failed",
            Self::Produce(_) => "cannot-produce",
            Self::Consume(_) => "cannot-consume",
        }
    }
}
