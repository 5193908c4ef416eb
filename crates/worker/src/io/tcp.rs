//! TCP listeners and the connections they accept. A connection is a path like any other: its frames
//! join the receive batch, and frames for it are in the output. Its memory is bounded, and so is
//! the number of connections.

mod connection;
mod strangers;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry};

use self::connection::{Connection, Flushed, Reception};
use self::strangers::Strangers;
use super::counters::Losses;
use super::intake::Intake;
use super::token::Source;
use super::udp::Readiness;
use crate::output::{Path, Protocol, SocketKey};
use crate::time::Instant;

/// Names an accepted connection within the shell. No key is used twice.
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
    /// Those that ICE has not validated.
    strangers: Strangers,
    /// Connections that are closing, in the order of their deadlines.
    closing: VecDeque<(Instant, ConnectionId)>,
    /// Connections with frames queued since the last flush; perhaps more than once.
    touched: Vec<ConnectionId>,
    ended: VecDeque<Path>,
}

/// How many connections there may be. Beyond that, the oldest that ICE has not validated makes
/// room.
#[derive(Clone, Copy, Debug)]
pub(super) struct TcpLimits {
    /// On one listener.
    pub(super) per_listener: usize,
    /// In all.
    pub(super) total: usize,
    /// The limit for one remote IP address or IPv6 network, of connections that ICE has not
    /// validated. Many people may share an address, but validation takes each only a round trip or
    /// two.
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
            strangers: Strangers::default(),
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

    /// Closes a listener and every connection it accepted. These paths are not reported as ended.
    /// `false` if the key names no listener.
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
                    // The remote gave up while the connection waited, or a signal came.
                    io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted => {}
                    _ => {
                        losses.tcp.accept_failed += 1;
                        if !is_out_of_descriptors(&error) || !self.evict(self.oldest(), losses) {
                            return Readiness::Starved;
                        }
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
        // One remote address can have two connections if the listener has several local addresses;
        // a path could not tell them apart.
        if self.by_path.contains_key(&path) || !self.make_room(path, losses) {
            losses.tcp.refused += 1;
            return;
        }
        let Some(listener) = self.listeners.get_mut(&key) else {
            return;
        };
        let id = ConnectionId(self.next);
        // Frames are written whole. To wait for more of them would only delay media.
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
        self.strangers.add(id, path, now + VALIDATION_TIMEOUT);
    }

    /// Makes room for a connection of `path`; `false` if there is none and all connections are
    /// validated.
    fn make_room(&mut self, path: Path, losses: &mut Losses) -> bool {
        if self.strangers.count_of_remote(path) >= self.limits.unvalidated_per_remote {
            self.evict(self.strangers.oldest_of_remote(path), losses);
        }
        let listener = self.listeners.get(&path.socket);
        if listener.is_some_and(|one| one.connections >= self.limits.per_listener)
            && !self.evict(self.strangers.oldest_of_listener(path), losses)
        {
            return false;
        }
        self.connections.len() < self.limits.total || self.evict(self.oldest(), losses)
    }

    /// The oldest connection that ICE has not validated.
    fn oldest(&self) -> Option<ConnectionId> {
        Some(self.strangers.oldest()?.0)
    }

    /// Ends the connection that must make room; `false` if there is none.
    fn evict(&mut self, oldest: Option<ConnectionId>, losses: &mut Losses) -> bool {
        let Some(id) = oldest else {
            return false;
        };
        losses.tcp.evicted += 1;
        self.end(id);
        true
    }

    /// Reads once from a connection into `intake`. [`Tcp::poll_ended`] reports a connection that
    /// has ended, after its last frames.
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
        if connection.has_said_too_much() {
            losses.tcp.unvalidated += 1;
            self.end(id);
            return Readiness::Drained;
        }
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
        let Some(&id) = self.by_path.get(&path) else {
            return;
        };
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.is_validated = true;
            self.strangers.remove(id, path);
        }
    }

    /// Ends the connection of `path` once its queue has left, or after a short time if it does not.
    /// The path is not reported as ended.
    pub(super) fn close_path(&mut self, path: Path, now: Instant) {
        let Some(&id) = self.by_path.get(&path) else {
            return;
        };
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.is_closing = true;
            self.strangers.remove(id, path);
            self.closing.push_back((now + CLOSING_TIMEOUT, id));
        }
        self.write(id);
    }

    /// Ends the connections whose time is up.
    pub(super) fn handle_timeout(&mut self, now: Instant, losses: &mut Losses) {
        while let Some((id, _)) = self.strangers.oldest().filter(|(_, until)| *until <= now) {
            losses.tcp.unvalidated += 1;
            self.end(id);
        }
        while let Some((_, id)) = self.closing.pop_front_if(|(at, _)| *at <= now) {
            self.end(id);
        }
    }

    /// When [`Tcp::handle_timeout`] wants to be called.
    pub(super) fn poll_timeout(&mut self) -> Option<Instant> {
        // Connections that have already ended cause no wake-up.
        let connections = &self.connections;
        while self
            .closing
            .pop_front_if(|(_, id)| !connections.contains_key(id))
            .is_some()
        {}
        let stranger = self.strangers.oldest().map(|(_, until)| until);
        let closing = self.closing.front().map(|(at, _)| *at);
        stranger.into_iter().chain(closing).min()
    }

    /// A path that the remote has ended, or that broke or timed out. Each is reported once.
    pub(super) fn poll_ended(&mut self) -> Option<Path> {
        self.ended.pop_front()
    }

    /// Whether [`Tcp::poll_ended`] has something.
    pub(super) fn has_ended(&self) -> bool {
        !self.ended.is_empty()
    }

    /// Removes a connection. Its path is reported as ended, unless the core asked for the end.
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
        self.strangers.remove(id, connection.path);
        if let Some(listener) = self.listeners.get_mut(&connection.path.socket) {
            listener.connections -= 1;
        }
    }
}

/// Whether `error` says that this process or the system has no descriptor left.
fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}

/// The flow label may differ between two connections of one remote; the address must not.
fn without_flow_label(mut address: SocketAddr) -> SocketAddr {
    if let SocketAddr::V6(address) = &mut address {
        address.set_flowinfo(0);
    }
    address
}

/// How long a connection may stay open without a successful connectivity check.
const VALIDATION_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a closing connection may take to write its queue.
const CLOSING_TIMEOUT: Duration = Duration::from_secs(2);

/// How many connections are accepted before other sources get their turn.
const ACCEPTS_PER_TURN: usize = 16;

#[cfg(test)]
mod tests;
