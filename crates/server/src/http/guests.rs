//! The TCP connections at the page's port, from the moment they are accepted. One that says nothing
//! must go soon, and one that has proven nothing makes room for others (docs/security.md rule 16).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::app::App;
use super::strangers::{Stranger, Strangers, network};

/// The connections. Those of people who are online stay; all others are strangers.
#[derive(Debug)]
pub(crate) struct Guests {
    strangers: Arc<Strangers>,
    seats: Mutex<BTreeMap<SocketAddr, Seat>>,
}

#[derive(Debug)]
struct Seat {
    stranger: u64,
    has_asked: Arc<AtomicBool>,
}

/// A connection's place among them, until it is dropped.
#[derive(Debug)]
pub(crate) struct Guest {
    guests: Arc<Guests>,
    peer: SocketAddr,
    stranger: Stranger,
    has_asked: Arc<AtomicBool>,
}

impl Guests {
    /// Room for so many that have proven nothing.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            strangers: Arc::new(Strangers::new(most, MOST_OF_NETWORK)),
            seats: Mutex::default(),
        }
    }

    /// A connection is accepted. If `is_proxy`, it may carry the requests of anybody.
    pub(crate) fn admit(self: &Arc<Self>, peer: SocketAddr, is_proxy: bool) -> Guest {
        let network = (!is_proxy).then(|| network(peer.ip()));
        let stranger = self.strangers.admit(network);
        let has_asked = Arc::<AtomicBool>::default();
        let seat = Seat {
            stranger: stranger.id(),
            has_asked: Arc::clone(&has_asked),
        };
        self.seats().insert(peer, seat);
        Guest {
            guests: Arc::clone(self),
            peer,
            stranger,
            has_asked,
        }
    }

    /// Ends the oldest connection that has proven nothing. Returns whether there was one.
    pub(crate) fn evict_oldest(&self) -> bool {
        self.strangers.evict_oldest()
    }

    /// The one over there is online, so its connection stays.
    pub(crate) fn is_known(&self, peer: SocketAddr) {
        if let Some(seat) = self.seats().get(&peer) {
            self.strangers.is_known(seat.stranger);
        }
    }

    fn has_asked(&self, peer: SocketAddr) {
        if let Some(seat) = self.seats().get(&peer) {
            seat.has_asked.store(true, Ordering::Relaxed);
        }
    }

    fn seats(&self) -> MutexGuard<'_, BTreeMap<SocketAddr, Seat>> {
        // Every change of it is a single one.
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guest {
    /// Whether a whole request has come.
    pub(crate) fn has_asked(&self) -> bool {
        self.has_asked.load(Ordering::Relaxed)
    }

    /// Ready when the connection must go.
    pub(crate) fn poll_evicted(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.stranger.poll_evicted(cx)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut seats = self.guests.seats();
        // The peer may have used its port again.
        if seats.get(&self.peer).map(|seat| seat.stranger) == Some(self.stranger.id()) {
            seats.remove(&self.peer);
        }
    }
}

/// Notes that a connection has asked for something.
pub(super) async fn note(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    app.guests.has_asked(peer);
    next.run(request).await
}

/// A page needs a handful of connections for a few seconds. This is enough for an office that opens
/// it at the same moment.
const MOST_OF_NETWORK: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn is_evicted(guest: &mut Guest) -> bool {
        let mut cx = Context::from_waker(std::task::Waker::noop());
        guest.poll_evicted(&mut cx).is_ready()
    }

    #[test]
    fn the_oldest_of_a_network_gives_way_unless_it_is_online() {
        let guests = Arc::new(Guests::new(10_000));
        let at = |port: u16| SocketAddr::from(([192, 0, 2, 1], port));
        let most = u16::try_from(MOST_OF_NETWORK).unwrap();
        let mut crowd: Vec<_> = (0..most)
            .map(|port| guests.admit(at(port), false))
            .collect();
        guests.is_known(at(0));
        crowd.push(guests.admit(at(most), false));
        assert!(!crowd.iter_mut().any(is_evicted));
        crowd.push(guests.admit(at(most + 1), false));
        assert!(is_evicted(&mut crowd[1]) && !is_evicted(&mut crowd[0]));
        // A proxy brings people who have nothing in common.
        let mut of_proxy: Vec<_> = (0..most + 9)
            .map(|port| guests.admit(SocketAddr::from(([10, 0, 0, 1], port)), true))
            .collect();
        assert!(!of_proxy.iter_mut().any(is_evicted));
        drop((crowd, of_proxy));
        assert!(guests.seats().is_empty() && !guests.evict_oldest());
    }
}
