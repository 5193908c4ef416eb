//! TCP listeners and the connections they accept. A connection is a path like any other: its frames
//! join the receive batch, frames for it come in the output. What it holds is bounded, and so are the
//! connections themselves.

mod connection;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry};

use self::connection::{Connection, Flushed, Reception};
use super::counters::Losses;
use super::intake::Intake;
use super::token::Source;
use super::udp::Readiness;
use crate::output::{Path, Protocol, SocketKey};
use crate::time::Instant;

/// Names an accepted connection within the shell; not used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ConnectionId(pub(super) u32);

/// All listeners and connections.
pub(super) struct Tcp {
    registry: Registry,
    limits: TcpLimits,
    listeners: BTreeMap<SocketKey, Listener>,
    connections: BTreeMap<ConnectionId, Connection>,
    by_path: BTreeMap<Path, ConnectionId>,
    next: u32,
    /// Connections in the order in which ICE must have validated them.
    unvalidated: VecDeque<(Instant, ConnectionId)>,
    /// How many of those each remote has.
    unvalidated_of: BTreeMap<IpAddr, usize>,
    /// Connections in the order in which they end, written out or not.
    closing: VecDeque<(Instant, ConnectionId)>,
    /// Connections with frames queued since the last flush; perhaps more than once.
    touched: Vec<ConnectionId>,
    ended: VecDeque<Path>,
}

/// How many connections there may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct TcpLimits {
    /// On one listener.
    pub(super) per_listener: usize,
    /// In all.
    pub(super) total: usize,
    /// Of one remote IP address, before ICE has validated them. Many people may share an address,
    /// but validation takes them a round trip or two.
    pub(super) unvalidated_per_remote: usize,
}

impl Default for TcpLimits {
    fn default() -> Self {
        Self {
            per_listener: 2_000,
            total: 10_000,
            unvalidated_per_remote: 64,
        }
    }
}

struct Listener {
    socket: TcpListener,
    connections: usize,
}

impl Tcp {
    pub(super) fn new(registry: Registry, limits: TcpLimits) -> Self {
        Self {
            registry,
            limits,
            listeners: BTreeMap::new(),
            connections: BTreeMap::new(),
            by_path: BTreeMap::new(),
            next: 0,
            unvalidated: VecDeque::new(),
            unvalidated_of: BTreeMap::new(),
            closing: VecDeque::new(),
            touched: Vec::new(),
            ended: VecDeque::new(),
        }
    }

    /// Accepts connections on `socket` from now on.
    ///
    /// # Errors
    ///
    /// The system's, if the socket cannot be polled.
    pub(super) fn listen(&mut self, key: SocketKey, mut socket: TcpListener) -> io::Result<()> {
        let token = Source::Listener(key).token();
        self.registry
            .register(&mut socket, token, Interest::READABLE)?;
        let listener = Listener {
            socket,
            connections: 0,
        };
        self.listeners.insert(key, listener);
        Ok(())
    }

    /// Closes a listener and every connection it accepted; those paths are not told as ended.
    /// `false` if there is none under the key.
    pub(super) fn close_listener(&mut self, key: SocketKey) -> bool {
        let Some(mut listener) = self.listeners.remove(&key) else {
            return false;
        };
        self.registry.deregister(&mut listener.socket).ok();
        let accepted: Vec<_> = self
            .connections
            .iter()
            .filter_map(|(id, connection)| (connection.path.socket == key).then_some(*id))
            .collect();
        for id in accepted {
            self.remove(id);
        }
        true
    }

    /// Accepts some of what waits at a listener.
    pub(super) fn accept(
        &mut self,
        key: SocketKey,
        now: Instant,
        losses: &mut Losses,
    ) -> Readiness {
        for _ in 0..ACCEPTS_PER_TURN {
            let Some(listener) = self.listeners.get(&key) else {
                return Readiness::Drained;
            };
            match listener.socket.accept() {
                Ok((stream, remote)) => self.admit(key, stream, remote, now, losses),
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return Readiness::Drained,
                    // The remote gave up while it waited, or a signal came.
                    io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted => {}
                    // Out of descriptors, most likely: the next connection wakes us to try again.
                    _ => {
                        losses.tcp.accept_failed += 1;
                        return Readiness::Drained;
                    }
                },
            }
        }
        Readiness::MayHaveMore
    }

    fn admit(
        &mut self,
        key: SocketKey,
        mut stream: TcpStream,
        remote: SocketAddr,
        now: Instant,
        losses: &mut Losses,
    ) {
        let path = Path {
            protocol: Protocol::Tcp,
            socket: key,
            remote: without_flow_label(remote),
        };
        let id = ConnectionId(self.next);
        let total = self.connections.len();
        let Some(listener) = self.listeners.get_mut(&key) else {
            return;
        };
        let unvalidated = self.unvalidated_of.get(&remote.ip()).copied();
        let is_full = listener.connections >= self.limits.per_listener
            || total >= self.limits.total
            || unvalidated.unwrap_or_default() >= self.limits.unvalidated_per_remote;
        // One remote address can have two connections if the listener has several local addresses;
        // a path could not tell them apart.
        if is_full || self.by_path.contains_key(&path) {
            losses.tcp.refused += 1;
            return;
        }
        // Frames are written whole; waiting for more of them only delays media.
        stream.set_nodelay(true).ok();
        let interest = Interest::READABLE | Interest::WRITABLE;
        let token = Source::Connection(id).token();
        if self
            .registry
            .register(&mut stream, token, interest)
            .is_err()
        {
            losses.tcp.accept_failed += 1;
            return;
        }
        listener.connections += 1;
        self.next = self.next.wrapping_add(1);
        self.by_path.insert(path, id);
        self.connections.insert(id, Connection::new(stream, path));
        self.unvalidated.push_back((now + VALIDATION_TIMEOUT, id));
        *self.unvalidated_of.entry(remote.ip()).or_default() += 1;
    }

    /// Reads once from a connection, into `intake`. A connection that ended is told by
    /// [`Tcp::poll_ended`], after its last frames.
    pub(super) fn receive(
        &mut self,
        id: ConnectionId,
        now: Instant,
        intake: &mut Intake,
        losses: &mut Losses,
    ) -> Readiness {
        let Some(connection) = self.connections.get_mut(&id) else {
            return Readiness::Drained;
        };
        let path = connection.path;
        let is_closing = connection.is_closing;
        let reception = connection.receive(|frame| {
            if !is_closing {
                let taken = intake.push(path, now, frame);
                debug_assert!(taken, "a batch that is not full has room for one read");
            }
        });
        match reception {
            Reception::Some => Readiness::MayHaveMore,
            Reception::Drained => Readiness::Drained,
            Reception::Ended => {
                self.end(id);
                Readiness::Drained
            }
            Reception::TooLong => {
                losses.receive.too_big += 1;
                self.end(id);
                Readiness::Drained
            }
        }
    }

    /// Queues a frame for the connection of `path`; it leaves with the next [`Tcp::flush`].
    pub(super) fn queue(&mut self, path: Path, frame: &[u8], losses: &mut Losses) {
        let id = self.by_path.get(&path);
        let Some((id, connection)) = id.and_then(|id| Some((*id, self.connections.get_mut(id)?)))
        else {
            losses.tcp.no_connection += 1;
            return;
        };
        if connection.is_closing {
            losses.tcp.no_connection += 1;
        } else if !connection.queue(frame) {
            losses.tcp.buffer_full += 1;
        } else if self.touched.last() != Some(&id) {
            self.touched.push(id);
        }
    }

    /// Writes what was queued.
    pub(super) fn flush(&mut self) {
        let mut touched = std::mem::take(&mut self.touched);
        for id in touched.drain(..) {
            self.write(id);
        }
        self.touched = touched;
    }

    /// Writes what waits for a connection that has become writable.
    pub(super) fn write(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get_mut(&id) else {
            return;
        };
        match connection.flush() {
            Flushed::Partly => {}
            Flushed::All if !connection.is_closing => {}
            Flushed::All => self.remove(id),
            Flushed::Broken => self.end(id),
        }
    }

    /// ICE has validated the connection of `path`: it may stay for as long as the core wants it.
    pub(super) fn validate_path(&mut self, path: Path) {
        let id = self.by_path.get(&path);
        let Some(connection) = id.and_then(|id| self.connections.get_mut(id)) else {
            return;
        };
        if !std::mem::replace(&mut connection.is_validated, true) {
            self.forget_unvalidated(path.remote.ip());
        }
    }

    fn forget_unvalidated(&mut self, remote: IpAddr) {
        if let Some(count) = self.unvalidated_of.get_mut(&remote) {
            *count -= 1;
            if *count == 0 {
                self.unvalidated_of.remove(&remote);
            }
        }
    }

    /// Ends the connection of `path` once what is queued has left, or a moment later if it does
    /// not. The path is not told as ended.
    pub(super) fn close_path(&mut self, path: Path, now: Instant) {
        let Some(&id) = self.by_path.get(&path) else {
            return;
        };
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.is_closing = true;
            self.closing.push_back((now + CLOSING_TIMEOUT, id));
        }
        self.write(id);
    }

    /// Ends the connections whose time is up.
    pub(super) fn handle_timeout(&mut self, now: Instant, losses: &mut Losses) {
        while let Some(id) = self.pop_due(now) {
            let is_closing = self.connections.get(&id).is_some_and(|c| c.is_closing);
            if !is_closing {
                losses.tcp.unvalidated += 1;
            }
            self.end(id);
        }
    }

    fn pop_due(&mut self, now: Instant) -> Option<ConnectionId> {
        self.forget_stale_deadlines();
        let due = |queue: &mut VecDeque<(Instant, ConnectionId)>| {
            let (_, id) = queue.pop_front_if(|(at, _)| *at <= now)?;
            Some(id)
        };
        due(&mut self.unvalidated).or_else(|| due(&mut self.closing))
    }

    /// When [`Tcp::handle_timeout`] wants to be called.
    pub(super) fn poll_timeout(&mut self) -> Option<Instant> {
        self.forget_stale_deadlines();
        let first = |queue: &VecDeque<(Instant, ConnectionId)>| Some(queue.front()?.0);
        first(&self.unvalidated)
            .into_iter()
            .chain(first(&self.closing))
            .min()
    }

    /// Takes deadlines that no longer matter off the fronts, so that none of them causes a
    /// wake-up.
    fn forget_stale_deadlines(&mut self) {
        let connections = &self.connections;
        let is_waiting = |id: &ConnectionId| connections.get(id).is_some_and(|c| !c.is_validated);
        while self
            .unvalidated
            .pop_front_if(|(_, id)| !is_waiting(id))
            .is_some()
        {}
        let is_there = |id: &ConnectionId| connections.contains_key(id);
        while self.closing.pop_front_if(|(_, id)| !is_there(id)).is_some() {}
    }

    /// A path that the remote ended, or that broke or timed out; each is told once.
    pub(super) fn poll_ended(&mut self) -> Option<Path> {
        self.ended.pop_front()
    }

    /// Whether [`Tcp::poll_ended`] has something.
    pub(super) fn has_ended(&self) -> bool {
        !self.ended.is_empty()
    }

    /// Removes a connection and tells its path as ended, unless the core has asked for it.
    fn end(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.get(&id)
            && !connection.is_closing
        {
            self.ended.push_back(connection.path);
        }
        self.remove(id);
    }

    fn remove(&mut self, id: ConnectionId) {
        let Some(mut connection) = self.connections.remove(&id) else {
            return;
        };
        self.registry.deregister(&mut connection.stream).ok();
        self.by_path.remove(&connection.path);
        if !connection.is_validated {
            self.forget_unvalidated(connection.path.remote.ip());
        }
        if let Some(listener) = self.listeners.get_mut(&connection.path.socket) {
            listener.connections -= 1;
        }
    }
}

/// The flow label may differ between two connections of one remote; the address must not.
fn without_flow_label(mut address: SocketAddr) -> SocketAddr {
    if let SocketAddr::V6(address) = &mut address {
        address.set_flowinfo(0);
    }
    address
}

/// How long a connection may stay open without a connectivity check that succeeds.
const VALIDATION_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection that is to end may take to write out what is queued.
const CLOSING_TIMEOUT: Duration = Duration::from_secs(2);

/// How many connections are accepted before others get their turn.
const ACCEPTS_PER_TURN: usize = 16;

#[cfg(test)]
mod tests;
