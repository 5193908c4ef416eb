//! The parts of a running server that all its connections share.

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit};
use tokio::sync::watch;

use super::guests::Guests;
use super::metrics::Metrics;
use super::refusals::Refusals;
use super::strangers::{MOST_PER_ADDRESS, Strangers};
use crate::config::{HttpConfig, ServeConfig};
use crate::media::Media;
use crate::participant::Hall;
use crate::rooms::Limits;

/// What every connection of a running server shares.
pub(crate) struct App {
    /// As the server was started.
    pub(crate) config: ServeConfig,
    /// Pages and signaling as they are configured now: a reload replaces it.
    http: RwLock<Arc<HttpConfig>>,
    pub(crate) hall: Arc<Hall>,
    pub(crate) media: Arc<Media>,
    pub(crate) metrics: Metrics,
    /// Open WebSocket connections.
    pub(crate) connections: AtomicUsize,
    /// Sessions of all dialects whose connection is lost, and whose client may come back.
    pub(crate) lingering: Arc<AtomicUsize>,
    /// All TCP connections at the page's port.
    pub(crate) guests: Arc<Guests>,
    /// WebSocket connections that have not said who they are.
    pub(crate) strangers: Arc<Strangers>,
    /// What is refused, for the log and the metrics.
    pub(crate) refusals: Refusals,
    /// Becomes true when the server is to end.
    pub(crate) ending: watch::Sender<bool>,
}

impl App {
    pub(crate) fn new(config: ServeConfig, media: Arc<Media>) -> Self {
        let rooms = &config.rooms;
        let limits = Limits {
            rooms: rooms.max_rooms,
            people: rooms.max_people,
            network_rooms: rooms.max_rooms_per_network,
            network_people: rooms.max_people_per_network,
            room_people: rooms.max_room_people,
            tracks: rooms.max_tracks,
            name_length: rooms.max_name_length,
            chat_length: rooms.max_chat_length,
            empty_room: Duration::from_secs(rooms.empty_room_timeout),
            ring: RING_TIMEOUT,
        };
        let refusals = Refusals::default();
        Self {
            hall: Arc::new(Hall::new(limits)),
            http: RwLock::new(Arc::new(config.http.clone())),
            // A crowd at the door is smaller than the house.
            strangers: Arc::new(Strangers::new(
                config.rooms.max_people / 4 + 16,
                MOST_PER_ADDRESS,
            )),
            guests: Arc::new(Guests::new(most_guests(config.rooms.max_people))),
            metrics: Metrics::new(&refusals),
            refusals,
            config,
            media,
            connections: AtomicUsize::new(0),
            lingering: Arc::default(),
            ending: watch::Sender::new(false),
        }
    }

    /// How pages and signaling are configured now.
    pub(crate) fn http(&self) -> Arc<HttpConfig> {
        let http = self.http.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&http)
    }

    /// From now on they are configured like this.
    pub(crate) fn set_http(&self, http: HttpConfig) {
        *self.http.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(http);
    }
}

/// As many connections that have proven nothing as there may be people. A quarter of the descriptors
/// stays for everything else.
fn most_guests(people: usize) -> usize {
    let descriptors = getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(soft, _)| soft);
    let share = usize::try_from(descriptors / 4 * 3).unwrap_or(usize::MAX);
    share.min(people.saturating_add(64))
}

/// As long as a phone rings before the caller gives up.
const RING_TIMEOUT: Duration = Duration::from_secs(45);
