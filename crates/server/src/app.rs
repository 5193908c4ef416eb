//! The parts of a running server that all its connections share.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use tokio::sync::watch;

use crate::config::ServeConfig;
use crate::hall::Hall;
use crate::http::Metrics;
use crate::media::Media;
use crate::rooms::Limits;

/// What every connection of a running server shares.
pub(crate) struct App {
    pub(crate) config: ServeConfig,
    pub(crate) hall: Hall,
    pub(crate) media: Arc<Media>,
    pub(crate) metrics: Metrics,
    /// Open WebSocket connections.
    pub(crate) connections: AtomicUsize,
    /// Becomes true when the server is to end.
    pub(crate) ending: watch::Sender<bool>,
}

impl App {
    pub(crate) fn new(config: ServeConfig, media: Arc<Media>) -> Self {
        let rooms = &config.rooms;
        let limits = Limits {
            rooms: rooms.max_rooms,
            people: rooms.max_people,
            room_people: rooms.max_room_people,
            tracks: rooms.max_tracks,
            name_length: rooms.max_name_length,
            chat_length: rooms.max_chat_length,
            empty_room: Duration::from_secs(rooms.empty_room_timeout),
            ring: RING_TIMEOUT,
        };
        Self {
            hall: Hall::new(limits),
            config,
            media,
            metrics: Metrics::new(),
            connections: AtomicUsize::new(0),
            ending: watch::Sender::new(false),
        }
    }
}

/// As long as a phone rings before the caller gives up.
const RING_TIMEOUT: Duration = Duration::from_secs(45);
