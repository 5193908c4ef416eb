//! What a participant publishes.

use super::{PersonId, TrackId};

/// One camera, microphone or screen that a participant publishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Track {
    /// Its id, unique on the server.
    pub id: TrackId,
    /// Who publishes it.
    pub owner: PersonId,
    /// Audio or video.
    pub kind: TrackKind,
    /// What it shows.
    pub source: TrackSource,
    /// What its publisher calls it, such as a window's title; may be empty.
    pub label: String,
    /// Whether its publisher holds it back.
    pub muted: bool,
}

/// Audio or video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrackKind {
    /// Sound
    Audio,
    /// Pictures
    Video,
}

/// Where a track comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrackSource {
    /// A camera
    Camera,
    /// A microphone
    Microphone,
    /// A screen or a window; one person may publish several
    Screen,
    /// The sound that goes with a screen
    ScreenAudio,
}
