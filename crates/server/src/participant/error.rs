//! Why a person cannot do something.

use thiserror::Error;

use crate::media::MediaError;
use crate::rooms::RoomError;

/// Why a person could not do something.
#[derive(Debug, Error)]
pub(crate) enum ParticipantError {
    /// The rooms refuse.
    #[error(transparent)]
    Room(#[from] RoomError),
    /// The media side refuses, or has failed.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// There is no such connection yet.
    #[error("there is no such connection")]
    NoConnection,
}
