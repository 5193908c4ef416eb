//! A WebRTC server: sockets that many transports share. STUN finds its transport by the local
//! username fragment, everything else by the exact tuple that ICE has validated.

use crate::error::RequestError;
use crate::ids::TransportKey;
use crate::output::{Path, Protocol};
use crate::rng::{KeyedState, Table};
use crate::transport::{ListenSocket, Transport};

/// The sockets and the two look-up tables.
#[derive(Debug)]
pub(crate) struct WebRtcServer {
    pub(crate) id: String,
    pub(crate) sockets: Vec<ListenSocket>,
    /// In the order of creation. Removal puts the last one into the hole.
    pub(crate) transports: Vec<TransportKey>,
    username_fragments: Table<String, TransportKey>,
    tuples: Table<Path, TransportKey>,
}

impl WebRtcServer {
    pub(crate) fn new(id: String, sockets: Vec<ListenSocket>, state: KeyedState) -> Self {
        Self {
            id,
            sockets,
            transports: Vec::new(),
            username_fragments: Table::with_hasher(state),
            tuples: Table::with_hasher(state),
        }
    }

    /// The transport that a Binding request with this local username fragment is for.
    pub(crate) fn by_username_fragment(&self, fragment: &str) -> Option<TransportKey> {
        self.username_fragments.get(fragment).copied()
    }

    /// The transport whose tuple `path` is.
    pub(crate) fn by_tuple(&self, path: &Path) -> Option<TransportKey> {
        self.tuples.get(path).copied()
    }

    /// Leads a local username fragment to a transport.
    pub(crate) fn add_username_fragment(&mut self, fragment: String, transport: TransportKey) {
        self.username_fragments.insert(fragment, transport);
    }

    /// Forgets a local username fragment.
    pub(crate) fn remove_username_fragment(&mut self, fragment: &str) {
        self.username_fragments.swap_remove(fragment);
    }

    /// Makes a validated tuple lead to a transport. If it led to another transport before, the
    /// newer authenticated check wins, and the transport that has lost it is returned. The caller
    /// has refused checks on a path that its owner uses.
    pub(crate) fn add_tuple(
        &mut self,
        path: Path,
        transport: TransportKey,
    ) -> Option<TransportKey> {
        let before = self.tuples.insert(path, transport);
        before.filter(|other| *other != transport)
    }

    /// Forgets a tuple, if it is this transport's. Returns whether it was.
    pub(crate) fn remove_tuple(&mut self, path: &Path, transport: TransportKey) -> bool {
        let is_its_own = self.by_tuple(path) == Some(transport);
        if is_its_own {
            self.tuples.swap_remove(path);
        }
        is_its_own
    }

    /// Forgets everything of a transport.
    pub(crate) fn remove_transport(&mut self, key: TransportKey, transport: &Transport) {
        if let Some(at) = self.transports.iter().position(|other| *other == key) {
            self.transports.swap_remove(at);
        }
        for fragment in transport.username_fragments() {
            self.remove_username_fragment(fragment);
        }
        for path in transport.paths() {
            self.remove_tuple(&path, key);
        }
    }

    /// Local username fragments and where they lead.
    pub(crate) fn username_fragments(&self) -> impl Iterator<Item = (&str, TransportKey)> {
        self.username_fragments
            .iter()
            .map(|(fragment, key)| (fragment.as_str(), *key))
    }

    /// Refuses a server that has no socket of a wanted kind.
    pub(crate) fn check_serves(&self, udp: bool, tcp: bool) -> Result<(), RequestError> {
        let serves = self
            .sockets
            .iter()
            .any(|socket| match socket.info.protocol {
                Protocol::Udp => udp,
                Protocol::Tcp => tcp,
            });
        if serves {
            Ok(())
        } else {
            Err(RequestError::invalid(
                "listen",
                "the WebRtcServer has no socket of an enabled kind",
            ))
        }
    }
}
