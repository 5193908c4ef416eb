//! What a participant publishes.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use super::{PersonId, TrackId};

/// One camera, microphone, screen or other source that a participant publishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Track {
    /// Its id, unique on all servers.
    pub id: TrackId,
    /// Who publishes it.
    pub owner: PersonId,
    /// Audio or video.
    pub kind: TrackKind,
    /// What it shows.
    pub source: TrackSource,
    /// Tracks of one owner with the same group belong together and are played in sync.
    pub group: String,
    /// What its publisher calls it, such as a window's title; may be empty.
    pub label: String,
    /// Whether its publisher or a host has muted it.
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

/// Where a track comes from: an open set of which some are known. As text: `camera`,
/// `microphone`, `screen`, `screen-audio`, or whatever a client calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TrackSource {
    /// A camera
    Camera,
    /// A microphone
    Microphone,
    /// A screen or a window; one person may publish several
    Screen,
    /// The sound that goes with a screen
    ScreenAudio,
    /// Something else
    Other(String),
}

impl TrackSource {
    /// Audio or video, of the known ones.
    pub(super) fn kind(&self) -> Option<TrackKind> {
        match self {
            Self::Microphone | Self::ScreenAudio => Some(TrackKind::Audio),
            Self::Camera | Self::Screen => Some(TrackKind::Video),
            Self::Other(_) => None,
        }
    }

    /// Whether it shows the person, and not what they show.
    pub(crate) fn is_of_camera(&self) -> bool {
        matches!(self, Self::Camera | Self::Microphone)
    }

    fn name(&self) -> &str {
        match self {
            Self::Camera => "camera",
            Self::Microphone => "microphone",
            Self::Screen => "screen",
            Self::ScreenAudio => "screen-audio",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for TrackSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for TrackSource {
    type Err = Infallible;

    /// Reads any text; its length is checked when a track is published.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        let known = [
            Self::Camera,
            Self::Microphone,
            Self::Screen,
            Self::ScreenAudio,
        ];
        let known = known.into_iter().find(|source| source.name() == text);
        Ok(known.unwrap_or_else(|| Self::Other(text.to_owned())))
    }
}
