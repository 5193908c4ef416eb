//! Connections that ICE has not validated, by age, by listener and by remote. When there are too
//! many, the oldest of them makes room. So no newcomer is refused because of a connection that has
//! proven nothing (docs/security.md rule 16).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::ConnectionId;
use crate::output::Path;
use crate::output::SocketKey;
use crate::time::Instant;

/// The connections that have proven nothing yet. Ids grow with each accepted connection, so they
/// are ordered by age.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    until: BTreeMap<ConnectionId, Instant>,
    by_listener: BTreeMap<SocketKey, BTreeSet<ConnectionId>>,
    by_remote: BTreeMap<IpAddr, BTreeSet<ConnectionId>>,
}

impl Strangers {
    /// Adds the newest connection. It must prove itself before `until`.
    pub(super) fn add(&mut self, id: ConnectionId, path: Path, until: Instant) {
        self.until.insert(id, until);
        self.by_listener.entry(path.socket).or_default().insert(id);
        self.by_remote.entry(path.network()).or_default().insert(id);
    }

    /// Removes a connection, because it is validated or gone. Nothing happens if it is not there.
    pub(super) fn remove(&mut self, id: ConnectionId, path: Path) {
        if self.until.remove(&id).is_some() {
            remove_from(&mut self.by_listener, path.socket, id);
            remove_from(&mut self.by_remote, path.network(), id);
        }
    }

    /// The oldest of all, and when its time is up.
    pub(super) fn oldest(&self) -> Option<(ConnectionId, Instant)> {
        let (id, until) = self.until.first_key_value()?;
        Some((*id, *until))
    }

    /// The oldest that the listener of `path` has accepted.
    pub(super) fn oldest_of_listener(&self, path: Path) -> Option<ConnectionId> {
        self.by_listener.get(&path.socket)?.first().copied()
    }

    /// The oldest from the remote of `path`.
    pub(super) fn oldest_of_remote(&self, path: Path) -> Option<ConnectionId> {
        self.by_remote.get(&path.network())?.first().copied()
    }

    /// How many there are from the remote of `path`.
    pub(super) fn count_of_remote(&self, path: Path) -> usize {
        self.by_remote.get(&path.network()).map_or(0, BTreeSet::len)
    }
}

fn remove_from<K: Ord>(sets: &mut BTreeMap<K, BTreeSet<ConnectionId>>, key: K, id: ConnectionId) {
    if let Some(set) = sets.get_mut(&key) {
        set.remove(&id);
        if set.is_empty() {
            sets.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Protocol;

    fn path(listener: u32, remote: &str) -> Path {
        Path {
            protocol: Protocol::Tcp,
            socket: SocketKey(listener),
            remote: remote.parse().unwrap(),
        }
    }

    #[test]
    fn each_order_forgets_what_is_removed() {
        let mut strangers = Strangers::default();
        let paths = [
            path(1, "192.0.2.1:1"),
            path(2, "192.0.2.1:2"),
            path(1, "192.0.2.2:1"),
        ];
        for (id, path) in (0..).zip(paths) {
            let until = Instant::from_millis(id.into());
            strangers.add(ConnectionId(id), path, until);
        }
        assert_eq!(strangers.count_of_remote(paths[0]), 2);
        strangers.remove(ConnectionId(0), paths[0]);
        strangers.remove(ConnectionId(0), paths[0]);
        assert_eq!(
            strangers.oldest(),
            Some((ConnectionId(1), Instant::from_millis(1)))
        );
        assert_eq!(
            strangers.oldest_of_listener(paths[0]),
            Some(ConnectionId(2))
        );
        assert_eq!(strangers.oldest_of_remote(paths[0]), Some(ConnectionId(1)));
        strangers.remove(ConnectionId(1), paths[1]);
        strangers.remove(ConnectionId(2), paths[2]);
        assert_eq!(strangers.oldest(), None);
        assert!(strangers.by_listener.is_empty() && strangers.by_remote.is_empty());
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_remote_and_mapped_addresses_as_themselves() {
        let mut strangers = Strangers::default();
        for (id, remote) in (0..).zip([
            "[2001:db8::1]:1",
            "[2001:db8::ffff:1]:1",
            "[2001:db8:0:1::1]:1",
            "[::ffff:192.0.2.1]:1",
            "[::ffff:192.0.2.2]:1",
        ]) {
            strangers.add(ConnectionId(id), path(1, remote), Instant::default());
        }
        let count = |remote| strangers.count_of_remote(path(1, remote));
        assert_eq!(count("[2001:db8::7]:9"), 2);
        assert_eq!(count("[2001:db8:0:1::2]:9"), 1);
        assert_eq!(count("192.0.2.1:9"), 1);
    }
}
