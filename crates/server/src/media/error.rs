use thiserror::Error;
use tureen_controller::{ConsumeError, CreateRouterError, ProduceError, RequestError};

use crate::sdp::SdpError;

/// Why media does not flow as asked.
#[derive(Debug, Error)]
pub(crate) enum MediaError {
    /// The browser's description cannot be used.
    #[error("SDP: {0}")]
    Sdp(#[from] SdpError),
    /// No worker runs now; one will soon.
    #[error("no media worker runs now; try again in a moment")]
    NoWorker,
    /// A worker refused, or has gone.
    #[error("media worker: {0}")]
    Worker(#[from] RequestError),
    /// The configured codecs make no router.
    #[error("codecs: {0}")]
    Router(#[from] CreateRouterError),
    /// A track cannot be produced.
    #[error("{0}")]
    Produce(#[from] ProduceError),
    /// A track cannot be consumed.
    #[error("{0}")]
    Consume(#[from] ConsumeError),
    /// A media section sends without saying what.
    #[error("the media section sends, but `tracks` does not say what")]
    Unannounced,
    /// The answer is to another offer than the last.
    #[error("the answer is not to the last offer")]
    StaleAnswer,
    /// There is no such connection yet.
    #[error("there is no such connection")]
    NoConnection,
}

impl MediaError {
    /// A name for the error that does not change.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Sdp(_) => "bad-sdp",
            Self::NoWorker => "no-worker",
            Self::Worker(_) | Self::Router(_) => "media-failed",
            Self::Produce(_) => "cannot-produce",
            Self::Consume(_) => "cannot-consume",
            Self::Unannounced => "unannounced-track",
            Self::StaleAnswer => "stale-answer",
            Self::NoConnection => "no-connection",
        }
    }
}
