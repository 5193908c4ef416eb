//! Sessions of a dialect that speaks HTTP. A client has no connection that would stand for it, so
//! its requests name the session by a random id.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use axum::http::StatusCode;

use super::problem::Problem;
use super::shares::Shares;

/// The sessions of one dialect, and what each network takes of them. `T` is what requests know of a
/// session, which is itself served by a task of its own.
pub(crate) struct Sessions<T>(Arc<Mutex<Inner<T>>>);

struct Inner<T> {
    by_id: HashMap<String, Arc<T>>,
    shares: Shares,
}

/// A session's place among them. The task that serves it holds it to its end.
pub(crate) struct Place<T> {
    sessions: Sessions<T>,
    id: String,
    network: Option<IpAddr>,
}

impl<T> Sessions<T> {
    /// None yet. So much may each network take.
    pub(crate) fn new(shares: Shares) -> Self {
        let by_id = HashMap::new();
        Self(Arc::new(Mutex::new(Inner { by_id, shares })))
    }

    /// Notes that a client asks for a session. None is a network that may be anybody's.
    ///
    /// # Errors
    ///
    /// A refusal if the network asks too often.
    pub(crate) fn asked(&self, network: Option<IpAddr>) -> Result<(), Problem> {
        let may = |network| self.lock().shares.may_ask(network, Instant::now());
        network.is_none_or(may).then_some(()).ok_or(TOO_OFTEN)
    }

    /// A session begins, whose client has not connected. If too many of the network's have not,
    /// returns the oldest of them, which must end.
    pub(crate) fn begin(&self, network: Option<IpAddr>, session: T) -> (Place<T>, Option<Arc<T>>) {
        // Whoever knows the id may end the session.
        let id = uuid::Uuid::new_v4().simple().to_string();
        let mut inner = self.lock();
        inner.by_id.insert(id.clone(), Arc::new(session));
        let oldest =
            network.and_then(|network| inner.shares.begin(network, id.clone(), Instant::now()));
        let oldest = oldest.and_then(|oldest| inner.by_id.get(&oldest).cloned());
        drop(inner);
        let place = Place {
            sessions: self.clone(),
            id,
            network,
        };
        (place, oldest)
    }

    /// The session of this id, if there still is one.
    pub(crate) fn find(&self, id: &str) -> Option<Arc<T>> {
        self.lock().by_id.get(id).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        // Every change of it is a single one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Clone for Sessions<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Place<T> {
    /// The id of the session, 32 hexadecimal digits.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The session does not wait for its client any more.
    pub(crate) fn is_connected(&self) {
        if let Some(network) = self.network {
            self.sessions.lock().shares.end(network, &self.id);
        }
    }
}

impl<T> Drop for Place<T> {
    fn drop(&mut self) {
        self.is_connected();
        self.sessions.lock().by_id.remove(&self.id);
    }
}

const TOO_OFTEN: Problem = Problem::refused(
    StatusCode::TOO_MANY_REQUESTS,
    "too-often",
    "your network asks for sessions too often",
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_found_by_its_id_until_it_ends() {
        let sessions = Sessions::new(Shares::new(5, 16));
        let (place, oldest) = sessions.begin(None, "one");
        let id = place.id().to_owned();
        assert_eq!((oldest, id.len()), (None, 32));
        assert_eq!(sessions.find(&id).as_deref(), Some(&"one"));
        drop(place);
        assert_eq!(sessions.find(&id), None);
    }

    #[test]
    fn one_that_ends_or_connects_makes_room_for_others_of_its_network() {
        let sessions = Sessions::new(Shares::new(5, 2));
        let network = Some(IpAddr::from([192, 0, 2, 1]));
        let (_first, none) = sessions.begin(network, 1);
        let (second, also_none) = sessions.begin(network, 2);
        assert_eq!((none, also_none), (None, None));
        let (third, oldest) = sessions.begin(network, 3);
        assert_eq!(oldest.as_deref(), Some(&1));
        drop(second);
        third.is_connected();
        let (_fourth, none) = sessions.begin(network, 4);
        let (_fifth, also_none) = sessions.begin(network, 5);
        assert_eq!((none, also_none), (None, None));
    }
}
