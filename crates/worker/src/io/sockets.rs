//! All sockets of the worker. The core opens and closes them through [`Binder`]. They are read into
//! one batch after another, and written from the core's output.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use mio::{Interest, Registry};

use super::bind::{open_tcp, open_udp};
use super::counters::{LossReport, Losses, Weight};
use super::intake::Intake;
use super::sys_linux::{Clocks, ReceiveArrays};
use super::tcp::{Tcp, TcpLimits};
use super::token::Source;
use super::udp::{Readiness, UdpEndpoint, UdpSender};
use crate::binder::{BindError, BindOptions, Binder, Bound};
use crate::output::{Batch, Output, Path, Protocol, SocketKey};
use crate::time::Instant;

/// The sockets, and the buffers for receiving and sending.
pub(super) struct Sockets {
    registry: Registry,
    next_key: u32,
    udp: BTreeMap<SocketKey, UdpEndpoint>,
    tcp: Tcp,
    ready: ReadyList,
    /// Sockets that the core has closed. They are still open, because output is queued on them.
    retired: Vec<SocketKey>,
    /// UDP sockets for whose room something waits.
    blocked: Vec<SocketKey>,
    /// Sources with data that could not be taken. The poll does not report them again.
    starved: Vec<Source>,
    /// When both are tried again, without waiting for the poll.
    retry_at: Option<Instant>,
    arrays: ReceiveArrays,
    sender: UdpSender,
    intake: Intake,
    losses: Losses,
    report: LossReport,
}

impl Sockets {
    /// Makes it without sockets. Later ones are polled through `registry`.
    pub(super) fn new(registry: &Registry) -> io::Result<Self> {
        let tcp = Tcp::new(registry.try_clone()?, TcpLimits::default());
        Ok(Self {
            registry: registry.try_clone()?,
            next_key: 0,
            udp: BTreeMap::new(),
            tcp,
            ready: ReadyList::default(),
            retired: Vec::new(),
            blocked: Vec::new(),
            starved: Vec::new(),
            retry_at: None,
            arrays: ReceiveArrays::new(),
            sender: UdpSender::new(),
            intake: Intake::new(BATCH_SIZE),
            losses: Losses::default(),
            report: LossReport::default(),
        })
    }

    /// Records what the poll says about `source`. The poll says it only once, so we must remember
    /// it.
    pub(super) fn handle_event(&mut self, source: Source, is_readable: bool, is_writable: bool) {
        if is_readable {
            self.ready.insert(source);
        }
        match source {
            Source::Connection(id) if is_writable => self.tcp.write(id),
            Source::Udp(key) if is_writable => self.relieve(key),
            _ => {}
        }
    }

    /// Whether there is something to receive, or an ended path to report, without polling.
    pub(super) fn has_work(&self) -> bool {
        !self.ready.is_empty() || self.tcp.has_ended()
    }

    /// Fills the batch from the sockets that are ready, each in its turn; `None` if nothing came. The
    /// instant is the start of this; no datagram in the batch is later.
    pub(super) fn receive(&mut self) -> Option<Instant> {
        self.intake.clear();
        if self.ready.is_empty() {
            return None;
        }
        let clocks = Clocks::read();
        // The number of visits is bounded, too, because a connection full of junk never fills a
        // batch.
        for _ in 0..VISITS_PER_BATCH {
            if self.intake.is_full() {
                break;
            }
            let Some(source) = self.ready.pop() else {
                break;
            };
            match self.receive_from(source, clocks) {
                Readiness::Drained => {}
                Readiness::MayHaveMore => self.ready.insert(source),
                Readiness::Starved => {
                    self.starved.push(source);
                    self.retry_after(clocks.monotonic);
                }
            }
        }
        (self.intake.len() > 0).then_some(clocks.monotonic)
    }

    /// What the last [`Sockets::receive`] brought, for the core.
    pub(super) fn batch_mut(&mut self) -> &mut Batch {
        self.intake.batch_mut()
    }

    fn receive_from(&mut self, source: Source, clocks: Clocks) -> Readiness {
        let now = clocks.monotonic;
        let losses = &mut self.losses;
        match source {
            Source::Udp(key) if self.retired.contains(&key) => Readiness::Drained,
            Source::Udp(key) => match self.udp.get_mut(&key) {
                Some(endpoint) => {
                    endpoint.receive(&mut self.arrays, &mut self.intake, clocks, losses)
                }
                None => Readiness::Drained,
            },
            Source::Listener(key) => self.tcp.accept(key, now, losses),
            Source::Connection(id) => self.tcp.receive(id, now, &mut self.intake, losses),
            Source::ChannelIn | Source::ChannelOut | Source::Signals => Readiness::Drained,
        }
    }

    /// A TCP path that has ended by itself. Each is reported once, after its last frames.
    pub(super) fn poll_ended_path(&mut self) -> Option<Path> {
        self.tcp.poll_ended()
    }

    /// Sends everything in `output`, in order. If a socket is full, datagrams wait for room, for a
    /// bounded time and in bounded memory. If the system refuses one for another reason, it is lost
    /// and counted.
    pub(super) fn send(&mut self, output: &Output, now: Instant) {
        let mut trains = output.trains().peekable();
        while let Some((train, _)) = trains.peek() {
            let path = train.path;
            if path.protocol == Protocol::Udp
                && let Some(endpoint) = self.udp.get_mut(&path.socket)
            {
                let losses = &mut self.losses.send;
                self.sender.send_run(endpoint, &mut trains, now, losses);
                if endpoint.is_blocked() {
                    self.wait_for_room(path.socket, now);
                }
                continue;
            }
            let Some((train, bytes)) = trains.next() else {
                break;
            };
            if path.protocol == Protocol::Udp {
                self.losses.send.no_socket += train.segments as u64;
                continue;
            }
            for frame in train.split(bytes) {
                self.tcp.queue(path, frame, &mut self.losses);
            }
        }
        self.tcp.flush();
        for path in output.validated_paths() {
            self.tcp.validate_path(*path);
        }
        for path in output.closed_paths() {
            self.tcp.close_path(*path, now);
        }
        self.retired.extend(output.closed_sockets());
    }

    /// Closes the sockets that the core has closed. Call this when everything queued before that
    /// has been sent: a closing transport sends alerts over the socket that it closes.
    pub(super) fn close_retired(&mut self) {
        for key in self.retired.drain(..) {
            if let Some(mut endpoint) = self.udp.remove(&key) {
                self.sender.flush(&mut endpoint, &mut self.losses.send);
                self.losses.send.no_socket += endpoint.waiting() as u64;
                self.blocked.retain(|other| *other != key);
                self.registry.deregister(&mut endpoint.socket).ok();
            } else {
                self.tcp.close_listener(key);
            }
        }
    }

    /// When to call [`Sockets::handle_timeout`].
    pub(super) fn poll_timeout(&mut self) -> Option<Instant> {
        self.tcp
            .poll_timeout()
            .into_iter()
            .chain(self.retry_at)
            .min()
    }

    /// Ends connections whose time is up, and tries again everything that failed for lack of room.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.tcp.handle_timeout(now, &mut self.losses);
        if self.retry_at.is_none_or(|at| at > now) {
            return;
        }
        self.retry_at = None;
        for source in self.starved.drain(..) {
            self.ready.insert(source);
        }
        for key in std::mem::take(&mut self.blocked) {
            if let Some(endpoint) = self.udp.get_mut(&key) {
                endpoint.expire(now - LONGEST_WAIT, &mut self.losses.send);
                self.blocked.push(key);
                self.relieve(key);
            }
        }
        if !self.blocked.is_empty() {
            self.retry_after(now);
        }
    }

    /// Makes the poll report when a full socket has room. At other times it must not, because it
    /// would report every datagram that leaves the device.
    fn wait_for_room(&mut self, key: SocketKey, now: Instant) {
        if !self.blocked.contains(&key) {
            self.blocked.push(key);
            self.poll_for(key, Interest::READABLE | Interest::WRITABLE);
            self.retry_after(now);
        }
    }

    /// Sends the datagrams that wait for a socket, as many as it takes.
    fn relieve(&mut self, key: SocketKey) {
        let Some(endpoint) = self.udp.get_mut(&key) else {
            return;
        };
        self.sender.flush(endpoint, &mut self.losses.send);
        if endpoint.is_blocked() {
            return;
        }
        if let Some(at) = self.blocked.iter().position(|other| *other == key) {
            self.blocked.swap_remove(at);
            self.poll_for(key, Interest::READABLE);
        }
    }

    fn poll_for(&mut self, key: SocketKey, interest: Interest) {
        if let Some(endpoint) = self.udp.get_mut(&key) {
            let (socket, token) = (&mut endpoint.socket, Source::Udp(key).token());
            // If this fails, the socket is still tried again after a while.
            self.registry.reregister(socket, token, interest).ok();
        }
    }

    fn retry_after(&mut self, now: Instant) {
        self.retry_at.get_or_insert(now + RETRY_INTERVAL);
    }

    /// Logs what was lost, at most once a minute.
    pub(super) fn report_losses(&mut self, now: Instant) {
        match self.report.due(now, &self.losses) {
            Some(Weight::Ordinary) => {
                tracing::debug!(target: "tureen::info", "lost since the start: {}", self.losses);
            }
            Some(Weight::Odd) => {
                tracing::warn!(target: "tureen::info", "lost since the start: {}", self.losses);
            }
            None => {}
        }
    }

    /// What was lost since the start, by name.
    pub(super) fn losses(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.losses.named().into_iter()
    }

    fn take_key(&mut self) -> SocketKey {
        let key = SocketKey(self.next_key);
        self.next_key = self.next_key.wrapping_add(1);
        key
    }
}

impl Binder for Sockets {
    fn bind_udp(&mut self, local: SocketAddr, options: &BindOptions) -> Result<Bound, BindError> {
        let (mut socket, bound) = open_udp(local, options)?;
        let key = self.take_key();
        // All options of the kernel are set before the first datagram is read.
        let token = Source::Udp(key).token();
        self.registry
            .register(&mut socket, token, Interest::READABLE)
            .map_err(|error| unpollable(local, &error))?;
        self.udp.insert(key, UdpEndpoint::new(socket, key));
        Ok(Bound {
            socket: key,
            local: bound,
        })
    }

    fn bind_tcp(&mut self, local: SocketAddr, options: &BindOptions) -> Result<Bound, BindError> {
        let (listener, bound) = open_tcp(local, options)?;
        let key = self.take_key();
        self.tcp
            .listen(key, listener)
            .map_err(|error| unpollable(local, &error))?;
        Ok(Bound {
            socket: key,
            local: bound,
        })
    }

    fn close(&mut self, socket: SocketKey) {
        self.retired.push(socket);
    }
}

fn unpollable(local: SocketAddr, error: &io::Error) -> BindError {
    BindError::System {
        local,
        reason: error.to_string(),
    }
}

/// Sources with something to read, in the order in which they are to be served, each at most once.
#[derive(Default)]
struct ReadyList {
    queue: VecDeque<Source>,
    /// The tokens of what is in the queue, sorted.
    members: Vec<usize>,
}

impl ReadyList {
    fn insert(&mut self, source: Source) {
        let token = source.token().0;
        if let Err(place) = self.members.binary_search(&token) {
            self.members.insert(place, token);
            self.queue.push_back(source);
        }
    }

    fn pop(&mut self) -> Option<Source> {
        let source = self.queue.pop_front()?;
        if let Ok(place) = self.members.binary_search(&source.token().0) {
            self.members.remove(place);
        }
        Some(source)
    }

    fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

/// The maximum time that a datagram waits for room in its socket. After that, a new one is worth
/// more.
const LONGEST_WAIT: Duration = Duration::from_millis(100);

/// After this time we try again what failed for lack of room or descriptors. No event reliably says
/// when there is room again.
const RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// How many reads may fill a batch, over all sockets.
const VISITS_PER_BATCH: usize = 256;

/// The receive buffer in bytes: 64 messages, each of which the kernel may have coalesced from many.
/// Only what is touched takes memory.
const BATCH_SIZE: usize = 64 * (65_536 + 33 * 64);

#[cfg(test)]
mod tests;
