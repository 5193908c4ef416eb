//! Why a request to a worker fails.

use std::fmt;

use thiserror::Error;
use tureen_channel_fbs::ErrorClass;
use tureen_channel_fbs::fbs::request::Method;
use tureen_channel_fbs::fbs::response::Response;

use crate::entity::CloseReason;
use crate::gone::WorkerGone;

/// Why a request to a worker failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The worker knows no entity of an id in the request.
    #[error("{method}: not found: {reason}")]
    NotFound {
        /// The request's method.
        method: MethodName,
        /// The worker's words, for people.
        reason: String,
    },
    /// A value in the request is missing, malformed or out of range.
    #[error("{method}: {reason}")]
    Type {
        /// The request's method.
        method: MethodName,
        /// The worker's words, for people.
        reason: String,
    },
    /// The request was sound but could not be carried out: a port is in use, or this is a second
    /// connect.
    #[error("{method}: {reason}")]
    Other {
        /// The request's method.
        method: MethodName,
        /// The worker's words, for people.
        reason: String,
    },
    /// The worker already has an entity of this id; nothing was sent.
    #[error("an entity with id {0} already exists")]
    DuplicateId(String),
    /// The entity is closed; nothing was sent.
    #[error("the entity is closed: {0}")]
    Closed(CloseReason),
    /// The worker ended before it answered.
    #[error(transparent)]
    WorkerGone(#[from] WorkerGone),
    /// The worker did not answer in time.
    #[error("{0}: no answer in time")]
    Timeout(MethodName),
    /// The worker accepted the request, but its answer cannot be read.
    #[error("{0}: the answer cannot be read")]
    MalformedResponse(MethodName),
    /// The request does not fit a frame of 8 MiB; nothing was sent.
    #[error("{0}: the request is too large")]
    TooLarge(MethodName),
}

impl RequestError {
    /// Whether the worker answered that it did not do it.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::NotFound { .. } | Self::Type { .. } | Self::Other { .. }
        )
    }

    pub(super) fn refused(method: Method, response: &Response<'_>) -> Self {
        let method = method.into();
        let reason = response.reason().unwrap_or_default().to_owned();
        match ErrorClass::from_name(response.error().unwrap_or_default()) {
            ErrorClass::NotFoundError => Self::NotFound { method, reason },
            ErrorClass::TypeError => Self::Type { method, reason },
            ErrorClass::Error => Self::Other { method, reason },
        }
    }
}

/// Name of a request's method, for example `ROUTER_DUMP`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MethodName(&'static str);

impl MethodName {
    /// The name.
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl From<Method> for MethodName {
    fn from(method: Method) -> Self {
        Self(method.variant_name().unwrap_or("unknown method"))
    }
}

impl fmt::Display for MethodName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
