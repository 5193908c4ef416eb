//! Why requests fail, sorted by who is at fault, and the mapping to the error classes of the
//! channel.

/// Why a request is refused. The variants are the channel's error classes (docs/channel.md §5); the
/// text names the field or the id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The request is malformed or breaks a rule of its own: class `TypeError`.
    #[error("{0}")]
    Type(String),
    /// The id names nothing here: class `NotFoundError`.
    #[error("{0}")]
    NotFound(String),
    /// The request is sound, but cannot be done now: class `Error`.
    #[error("{0}")]
    Failed(String),
}

impl RequestError {
    /// A rule of `field` is broken.
    pub fn invalid(field: &str, problem: impl std::fmt::Display) -> Self {
        Self::Type(format!("{field}: {problem}"))
    }

    /// The class name that the controller matches.
    #[must_use]
    pub const fn class(&self) -> &'static str {
        match self {
            Self::Type(_) => "TypeError",
            Self::NotFound(_) => "NotFoundError",
            Self::Failed(_) => "Error",
        }
    }
}
