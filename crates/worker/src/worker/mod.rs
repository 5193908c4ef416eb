//! The core as a whole, and the contract for driving it.

mod close;
mod create;
mod drops;
mod dump;
mod events;
mod ingress;
mod metrics;
mod notifications;
mod registry;
mod requests;
mod rtcp;
mod service;
mod shares;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::arena::Arena;
use crate::binder::Binder;
use crate::consumer::Consumer;
use crate::dtls::{Certificate, DtlsEngines, SessionError, SessionSource};
use crate::error::RequestError;
use crate::ids::{ConsumerKey, ProducerKey, RouterKey, TransportKey, WebRtcServerKey};
use crate::log::Log;
use crate::messages::{Event, Message, Outbox, Outgoing, Request, Response};
use crate::output::{Batch, Output, Path, Protocol, SocketKey};
use crate::params::{DtlsState, PortRange};
use crate::producer::Producer;
use crate::rng::{KeyedState, Rng, Table};
use crate::router::{FanOut, Router};
use crate::streams::StoreLimits;
use crate::time::{ClockAnchor, Instant};
use crate::timers::Deadlines;
use crate::transport::Transport;
use crate::webrtc_server::WebRtcServer;
use crate::wire::rtcp::ReportBlock;

pub use drops::Drops;
use metrics::Totals;
use registry::Registry;
use shares::Shares;

/// What the shell decides about a worker before it runs.
pub struct CoreSettings {
    /// The process id, which is the handler id of `WORKER_RUNNING`.
    pub pid: u32,
    /// Determines every random choice. Outside of tests it comes from the system's entropy.
    pub seed: [u8; 32],
    /// Ties the core's time to the clocks of the outside.
    pub clock: ClockAnchor,
    /// The ports of sockets whose request names none.
    pub ports: PortRange,
    /// The DTLS identity of every transport.
    pub certificate: Certificate,
    /// Where the core's `tracing` events become lines for the controller.
    pub log: Log,
}

/// One media worker: everything but sockets, clock and pipes.
///
/// # Driving it
///
/// *Inputs* are [`Worker::handle_datagrams`], [`Worker::handle_message`],
/// [`Worker::handle_path_closed`], [`Worker::handle_timeout`] and [`Worker::close`]. Each takes the
/// current time, which must not go back, and does no output by itself.
///
/// *Outputs* come after every input, in this order:
///
/// 1. [`Worker::drain`] fills an [`Output`]; on [`Drain::More`] it is sent, cleared and filled
///    again, until [`Drain::Drained`]. No other input may come between: packets that wait for
///    fan-out lie in stores that the next batch may overwrite.
/// 2. [`Worker::poll_message`] until `None`.
/// 3. [`Worker::poll_timeout`] tells when [`Worker::handle_timeout`] is due at the latest. Calling
///    it early is harmless and free; so is polling any output again.
pub struct Worker {
    settings: CoreSettings,
    sessions: SessionSource,
    rng: Rng,
    hash_state: KeyedState,
    registry: Registry,
    entities: Entities,
    sockets: Table<SocketKey, OpenSocket>,
    /// The path of the last datagram and its transport. Forgotten when a path comes or goes.
    last_route: Option<(Path, TransportKey)>,
    outbox: Outbox,
    /// Transports that have something to do, each once.
    touched: VecDeque<TransportKey>,
    deadlines: Deadlines<TransportKey>,
    /// The direct transports, whose packets leave through the channel.
    direct: Vec<TransportKey>,
    fan_out: FanOut,
    /// Answers to STUN and alerts, until they are drained.
    control: Output,
    /// Earlier ones, if the transports that close have more alerts than [`Worker::control`] takes.
    full_controls: VecDeque<Output>,
    /// Room for the blocks of a report.
    report_blocks: Vec<ReportBlock>,
    /// The transport that is being worked on, to be removed if that panics.
    current: Option<TransportKey>,
    counters: Counters,
    /// Whether more datagrams wait than the batch at hand could take.
    is_pressed: bool,
    /// Who may still have datagrams taken when that is so.
    shares: Shares,
    /// What is counted for all transports together.
    totals: Totals,
    recent_panics: RecentPanics,
    closed: bool,
    failed: bool,
}

/// All entities of a worker, side by side. They refer to each other by keys.
#[derive(Default)]
pub(crate) struct Entities {
    pub(crate) web_rtc_servers: Arena<WebRtcServerKey, WebRtcServer>,
    pub(crate) routers: Arena<RouterKey, Router>,
    pub(crate) transports: Arena<TransportKey, Transport>,
    pub(crate) producers: Arena<ProducerKey, Producer>,
    pub(crate) consumers: Arena<ConsumerKey, Consumer>,
}

/// A socket that the shell has opened for the worker.
#[derive(Clone, Copy, Debug)]
struct OpenSocket {
    owner: SocketOwner,
    protocol: Protocol,
    local: SocketAddr,
}

/// Whose datagrams a socket receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SocketOwner {
    WebRtcServer(WebRtcServerKey),
    Transport(TransportKey),
}

/// What was dropped before it reached a transport, and what went wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Datagrams of no protocol that the worker speaks.
    pub unknown_protocol: u64,
    /// STUN messages that are malformed, that are no Binding request, or that are for no transport
    /// here.
    pub stun_ignored: u64,
    /// DTLS, RTP and RTCP from a tuple that ICE has not validated.
    pub unknown_tuple: u64,
    /// Datagrams beyond the shares of their transport and its network, while more came in than the
    /// worker takes.
    pub over_share: u64,
    /// Connectivity checks beyond the share of strangers, while more came in than the worker takes.
    pub stun_over_share: u64,
    /// Checks for one transport on a path that another one is using.
    pub path_in_use: u64,
    /// Answers to STUN that found the control queue full.
    pub stun_answers_dropped: u64,
    /// Panics that were contained.
    pub panics: u64,
}

/// Whether [`Worker::drain`] is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drain {
    /// Nothing is left to send.
    Drained,
    /// The output is full: send it, clear it, and drain again.
    More,
}

/// Why the worker wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A deadline of the transport with this slot: consent, handshake, feedback or reports.
    Transport(TransportKey),
}

impl Worker {
    /// A worker without entities. Its first message is `WORKER_RUNNING`.
    ///
    /// # Errors
    ///
    /// [`SessionError`] when the DTLS engine refuses the certificate.
    pub fn new(settings: CoreSettings) -> Result<Self, SessionError> {
        let engines = DtlsEngines::new(settings.certificate.clone(), settings.clock)?;
        let mut rng = Rng::new(settings.seed);
        let hash_state = KeyedState::new(&mut rng);
        let mut outbox = Outbox::new(hash_state);
        outbox.notify(&settings.pid.to_string(), Event::WorkerRunning);
        Ok(Self {
            settings,
            sessions: SessionSource::Engines(engines),
            rng,
            hash_state,
            registry: Registry::new(hash_state),
            entities: Entities::default(),
            sockets: Table::with_hasher(hash_state),
            last_route: None,
            outbox,
            touched: VecDeque::new(),
            deadlines: Deadlines::new(),
            direct: Vec::new(),
            fan_out: FanOut::default(),
            control: Output::new(CONTROL_CAPACITY),
            full_controls: VecDeque::new(),
            report_blocks: Vec::new(),
            current: None,
            counters: Counters::default(),
            is_pressed: false,
            shares: Shares::new(hash_state),
            totals: Totals::default(),
            recent_panics: RecentPanics::default(),
            closed: false,
            failed: false,
        })
    }

    /// A worker for simulations: no DTLS is spoken, and SRTP keys follow from the seed.
    ///
    /// # Errors
    ///
    /// See [`Worker::new`].
    #[doc(hidden)]
    pub fn simulated(settings: CoreSettings) -> Result<Self, SessionError> {
        let mut worker = Self::new(settings)?;
        worker.sessions = SessionSource::Simulated;
        Ok(worker)
    }

    /// Takes in received datagrams, which are decrypted in place, as many as the stores can hold.
    /// Returns `false` when some are left: call [`Worker::drain`], then this again.
    #[must_use]
    pub fn handle_datagrams(&mut self, now: Instant, batch: &mut Batch) -> bool {
        self.is_pressed = batch.is_pressed();
        if self.is_pressed {
            self.shares.settle(now);
        }
        let (mut datagrams, mut bytes) = (0, 0);
        let has_room = |datagrams, bytes| datagrams < PORTION_DATAGRAMS && bytes < PORTION_BYTES;
        while has_room(datagrams, bytes) && !batch.is_taken() && !self.failed {
            // The fence stands around what is left of the batch: after a panic the datagram that
            // caused it is skipped and the rest goes on.
            self.fenced(now, |worker| {
                while has_room(datagrams, bytes)
                    && let Some((path, at, datagram)) = batch.take_next()
                {
                    datagrams += 1;
                    bytes += datagram.len();
                    worker.handle_datagram(now, path, at, datagram);
                }
            });
        }
        self.collect_logs();
        batch.is_taken() || self.failed
    }

    /// Takes in one message of the controller.
    pub fn handle_message(&mut self, now: Instant, message: Message, binder: &mut dyn Binder) {
        match message {
            Message::Request(request) => self.handle_request(now, &request, binder),
            Message::Notification(notification) => {
                self.handle_notification(now, &notification);
                self.collect_logs();
            }
        }
    }

    fn handle_request(&mut self, now: Instant, request: &Request, binder: &mut dyn Binder) {
        let mut result = Err(RequestError::Failed("internal error".into()));
        self.fenced(now, |worker| {
            result = worker.carry_out(now, request, binder)
        });
        if let Err(error) = &result {
            tracing::error!(
                target: "tureen::message",
                method = request.method, handler = request.handler_id, class = error.class(),
                "request failed: {error}"
            );
        }
        self.collect_logs();
        self.outbox.respond(Response {
            id: request.id,
            result,
        });
    }

    /// A TCP connection ended: nothing comes from it or goes to it any more.
    pub fn handle_path_closed(&mut self, now: Instant, path: Path) {
        self.fenced(now, |worker| worker.path_closed(now, path));
        self.collect_logs();
    }

    /// Lets what is due happen.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.fenced(now, |worker| {
            while let Some(transport) = worker.deadlines.pop_due(now) {
                worker.touch(transport);
            }
        });
    }

    /// Fills `output` with what is to be sent.
    pub fn drain(&mut self, now: Instant, output: &mut Output) -> Drain {
        let mut drained = Drain::More;
        loop {
            // Output of earlier inputs is not part of what a panic rolls back.
            while let Some(full) = self.full_controls.front() {
                if !output.append(full) {
                    return Drain::More;
                }
                self.full_controls.pop_front();
            }
            if !output.append(&self.control) {
                return Drain::More;
            }
            self.control.clear();
            let mark = output.mark();
            let mut panicked = true;
            self.fenced(now, |worker| {
                drained = worker.drain_fenced(now, output);
                panicked = false;
            });
            if panicked {
                output.roll_back(mark);
                if self.failed {
                    return Drain::Drained;
                }
            } else if drained == Drain::More
                || (self.control.is_empty() && self.full_controls.is_empty())
            {
                break;
            }
        }
        self.collect_logs();
        drained
    }

    /// The next message to the controller.
    pub fn poll_message(&mut self) -> Option<Outgoing> {
        self.outbox.pop()
    }

    /// Whether the controller reads fast enough that we may take more requests.
    #[must_use]
    pub fn wants_messages(&self) -> bool {
        !self.outbox.is_over_cap()
    }

    /// When [`Worker::handle_timeout`] is due at the latest, and why; `None` when nothing is.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Instant, Reason)> {
        self.deadlines
            .next()
            .map(|(at, transport)| (at, Reason::Transport(transport)))
    }

    /// Whether the worker was closed. Queued output may still be sent; then the process ends.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether a panic has left the worker in an unknown state. Inputs have no effect any more, and
    /// the process should end.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        self.failed
    }

    /// What was dropped and what went wrong so far.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Marks a transport as one that [`Worker::drain`] must look at.
    fn touch(&mut self, key: TransportKey) {
        if let Some(transport) = self.entities.transports.get_mut(key)
            && !std::mem::replace(&mut transport.touched, true)
        {
            self.touched.push_back(key);
        }
    }

    /// Marks a producer as one that its transport must look after.
    fn touch_producer(&mut self, key: ProducerKey) {
        let producer = &mut self.entities.producers[key];
        let publisher = producer.transport;
        self.entities.transports[publisher].note_producer(key, producer);
        self.touch(publisher);
    }

    /// Runs a part of an input. A panic inside is counted and removes the transport that it was
    /// working on; the transport's owner is told that its DTLS is closed. The caller rolls back
    /// what the part had queued. If no transport is to blame, or if there are several panics, the
    /// worker gives up as a whole.
    fn fenced(&mut self, now: Instant, part: impl FnOnce(&mut Self)) {
        if self.failed {
            return;
        }
        self.current = None;
        if catch_unwind(AssertUnwindSafe(|| part(self))).is_ok() {
            return;
        }
        self.counters.panics += 1;
        let too_many = self.recent_panics.add(now);
        match self.current.take() {
            Some(transport) if !too_many => self.discard_broken(transport),
            _ => {
                tracing::error!("panic: the worker gives up");
                self.failed = true;
            }
        }
    }

    /// Removes a transport that a panic has left in an unknown state.
    fn discard_broken(&mut self, key: TransportKey) {
        let discard = || {
            if let Some(transport) = self.entities.transports.get(key) {
                let id = &transport.id;
                tracing::error!(transport = %id, "panic: the transport is removed");
                let event = Event::DtlsStateChange {
                    state: DtlsState::Closed,
                    remote_certificate: None,
                };
                self.outbox.notify(id, event);
            }
            self.discard_transport(key);
        };
        if catch_unwind(AssertUnwindSafe(discard)).is_err() {
            tracing::error!("panic while a transport was removed: the worker gives up");
            self.failed = true;
        }
    }

    fn collect_logs(&mut self) {
        let mut any = false;
        while let Some(line) = self.settings.log.pop() {
            self.outbox.log(line.to_string());
            any = true;
        }
        if any {
            self.outbox
                .count_lost_logs(self.settings.log.take_dropped());
        }
    }
}

/// When the last panics were contained.
#[derive(Debug, Default)]
struct RecentPanics([Option<Instant>; MAX_PANICS]);

impl RecentPanics {
    /// Records a panic and returns whether there were too many within a minute.
    fn add(&mut self, now: Instant) -> bool {
        self.0.rotate_left(1);
        self.0[MAX_PANICS - 1] = Some(now);
        self.0[0].is_some_and(|oldest| now.since(oldest) < PANIC_WINDOW)
    }
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker")
            .field("pid", &self.settings.pid)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

/// So many panics within [`PANIC_WINDOW`] end the worker.
/// How much is taken in before it is forwarded. A batch is larger, and no stream may bring more than
/// its store holds.
const PORTION_DATAGRAMS: usize = 2048;
const PORTION_BYTES: usize = 512 * 1024;
const _: () = {
    let (audio, video) = (StoreLimits::AUDIO, StoreLimits::VIDEO);
    assert!(audio.max_packets >= PORTION_DATAGRAMS && video.max_packets >= PORTION_DATAGRAMS);
    assert!(audio.max_bytes >= 2 * PORTION_BYTES && video.max_bytes >= 2 * PORTION_BYTES);
};

const MAX_PANICS: usize = 4;
const PANIC_WINDOW: Duration = Duration::from_secs(60);
/// Bytes for answers to STUN between two drains, and for the alerts of transports that close.
const CONTROL_CAPACITY: usize = 64 * 1024;
