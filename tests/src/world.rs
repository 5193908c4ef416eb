//! One worker's core and its peers on one virtual clock: ten minutes of a call take seconds, and
//! the same seed gives the same call.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use tureen_worker::internal::dtls::Certificate;
use tureen_worker::internal::error::RequestError;
use tureen_worker::internal::log::{Log, LogLevel, LogTags};
use tureen_worker::internal::messages::{
    Event, Message, Outgoing, Request, RequestBody, ResponseBody,
};
use tureen_worker::internal::output::{Batch, MAX_DATAGRAM, Output, Path, Protocol};
use tureen_worker::internal::params::PortRange;
use tureen_worker::internal::time::{ClockAnchor, Instant, NtpTime};
use tureen_worker::internal::{CoreSettings, Drain, Worker};

use crate::chance::Chance;
use crate::link::{Link, LinkConfig, LinkCounters};
use crate::ports::Ports;

/// What is at the other end of a link.
pub trait Peer {
    /// A datagram has come from the worker.
    fn handle_datagram(&mut self, now: Instant, datagram: &[u8]);
    /// Lets what is due happen.
    fn handle_timeout(&mut self, now: Instant);
    /// The next datagram for the worker.
    fn poll_transmit(&mut self) -> Option<Vec<u8>>;
    /// When [`Peer::handle_timeout`] is due.
    fn poll_timeout(&self) -> Option<Instant>;
}

/// The worker, its peers and the links between them.
pub struct World<P> {
    /// The core under test.
    pub worker: Worker,
    /// What the core has bound.
    pub ports: Ports,
    /// The time.
    pub now: Instant,
    /// The clock that worker and peers share.
    pub clock: ClockAnchor,
    /// What the worker told the controller, oldest first.
    pub events: VecDeque<(String, Event)>,
    /// The worker's log.
    pub log: Vec<String>,
    /// Datagrams to addresses where no peer is.
    pub strays: Vec<(SocketAddr, Vec<u8>)>,
    /// What the worker sends is copied here, with its time, once this is `Some`.
    pub tap: Option<Vec<(Instant, SocketAddr, Vec<u8>)>>,
    /// What peers send is copied here as it arrives, once this is `Some`.
    pub incoming: Option<Vec<(SocketAddr, Vec<u8>)>>,
    ends: Vec<End<P>>,
    by_address: BTreeMap<SocketAddr, usize>,
    next_request: u32,
    batch: Batch,
    output: Output,
    inputs_now: (Instant, u32),
}

struct End<P> {
    peer: P,
    address: SocketAddr,
    server: SocketAddr,
    up: Link,
    down: Link,
}

/// What happened to the packets in both directions of a peer's link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// To the worker.
    pub up: LinkCounters,
    /// From the worker.
    pub down: LinkCounters,
}

impl<P: Peer> World<P> {
    /// A world with a worker of its own and nobody else. `seed` determines all the worker's random
    /// choices, except those of DTLS.
    #[must_use]
    pub fn new(seed: u8) -> Self {
        Self::with(seed, |settings| {
            Worker::new(settings).expect("the DTLS engine starts")
        })
    }

    /// A world whose worker is made by `make`.
    pub fn with(seed: u8, make: impl FnOnce(CoreSettings) -> Worker) -> Self {
        let clock = ClockAnchor {
            at: Instant::default(),
            std: std::time::Instant::now(),
            unix: Duration::from_secs(1_700_000_000),
        };
        let worker = make(CoreSettings {
            pid: 1,
            seed: [seed; 32],
            clock,
            ports: PortRange {
                min: 40_000,
                max: 40_999,
            },
            certificate: Certificate::generate().expect("a certificate can be made"),
            log: Log::new(LogLevel::Error, LogTags::NONE),
        });
        let mut world = Self {
            worker,
            ports: Ports::default(),
            now: Instant::from_millis(1000),
            clock,
            events: VecDeque::new(),
            log: Vec::new(),
            strays: Vec::new(),
            tap: None,
            incoming: None,
            ends: Vec::new(),
            by_address: BTreeMap::new(),
            next_request: 0,
            batch: Batch::new(BATCH, 256),
            output: Output::new(256 * 1024),
            inputs_now: (Instant::default(), 0),
        };
        world.settle();
        assert_eq!(
            world.events.pop_front(),
            Some(("1".to_owned(), Event::WorkerRunning))
        );
        world
    }

    /// Puts a peer at `address` and connects it by a perfect link with `server`, where the worker
    /// listens. Returns the peer's number.
    pub fn add_peer(&mut self, peer: P, address: SocketAddr, server: SocketAddr) -> usize {
        let number = self.ends.len();
        let seed = number as u64;
        self.ends.push(End {
            peer,
            address,
            server,
            up: Link::new(LinkConfig::default(), seed),
            down: Link::new(LinkConfig::default(), seed),
        });
        self.by_address.insert(address, number);
        number
    }

    /// Changes the link of a peer.
    pub fn set_link(&mut self, peer: usize, up: LinkConfig, down: LinkConfig, seed: u64) {
        let mut seeds = Chance::new(seed);
        self.ends[peer].up.change(up, seeds.next());
        self.ends[peer].down.change(down, seeds.next());
    }

    /// What became of a peer's packets so far.
    #[must_use]
    pub fn traffic(&self, peer: usize) -> Traffic {
        Traffic {
            up: self.ends[peer].up.counters(),
            down: self.ends[peer].down.counters(),
        }
    }

    /// The peer with this number.
    #[must_use]
    pub fn peer(&self, number: usize) -> &P {
        &self.ends[number].peer
    }

    /// The peer with this number.
    pub fn peer_mut(&mut self, number: usize) -> &mut P {
        &mut self.ends[number].peer
    }

    /// The path from the worker to the peer with this number, while the worker listens.
    #[must_use]
    pub fn path(&self, number: usize) -> Option<Path> {
        let end = &self.ends[number];
        let socket = self.ports.at(end.server)?;
        let (protocol, remote) = (Protocol::Udp, end.address);
        Some(Path {
            protocol,
            socket,
            remote,
        })
    }

    /// Where the peer with this number is.
    #[must_use]
    pub fn address(&self, number: usize) -> SocketAddr {
        self.ends[number].address
    }

    /// What time it is on the worker's wall clock.
    #[must_use]
    pub fn ntp(&self) -> NtpTime {
        self.clock.to_ntp(self.now)
    }

    /// Asks the worker and returns its answer.
    ///
    /// # Errors
    ///
    /// What the worker answers.
    ///
    /// # Panics
    ///
    /// When it does not answer exactly once.
    pub fn request(
        &mut self,
        handler_id: &str,
        body: RequestBody,
    ) -> Result<ResponseBody, RequestError> {
        self.next_request += 1;
        let id = self.next_request;
        let request = Request {
            id,
            method: "TEST",
            handler_id: handler_id.to_owned(),
            body,
        };
        self.worker
            .handle_message(self.now, Message::Request(request), &mut self.ports);
        let mut responses = self.settle();
        assert_eq!(responses.len(), 1, "one answer to each request");
        let response = responses.remove(0);
        assert_eq!(response.id, id);
        response.result
    }

    /// Hands the worker a message as it came off the channel, and returns its answers.
    pub fn message(
        &mut self,
        message: Message,
    ) -> Vec<tureen_worker::internal::messages::Response> {
        self.worker
            .handle_message(self.now, message, &mut self.ports);
        self.settle()
    }

    /// Hands the worker a datagram straight away, from any address.
    pub fn inject(&mut self, from: SocketAddr, to: SocketAddr, datagram: &[u8]) {
        let Some(socket) = self.ports.at(to) else {
            return;
        };
        let path = Path {
            protocol: Protocol::Udp,
            socket,
            remote: from,
        };
        assert!(self.batch.push(path, self.now, datagram), "a datagram fits");
        self.take_in();
        let responses = self.settle();
        assert!(responses.is_empty(), "nobody asked");
    }

    /// Hands the worker the batch, portion by portion.
    fn take_in(&mut self) {
        while !self.worker.handle_datagrams(self.now, &mut self.batch) {
            let responses = self.settle();
            assert!(responses.is_empty(), "nobody asked");
        }
        self.batch.clear();
    }

    /// Hands the worker datagrams on these paths straight away, as one batch after which more wait.
    pub fn inject_pressed<'a>(&mut self, datagrams: impl IntoIterator<Item = (Path, &'a [u8])>) {
        for (path, datagram) in datagrams {
            assert!(self.batch.push(path, self.now, datagram), "it has room");
        }
        self.batch.press();
        self.take_in();
        let responses = self.settle();
        assert!(responses.is_empty(), "nobody asked");
    }

    /// Lets a peer do something, and puts what it then sends onto its link.
    pub fn act<T>(&mut self, number: usize, action: impl FnOnce(&mut P) -> T) -> T {
        let end = &mut self.ends[number];
        let result = action(&mut end.peer);
        while let Some(datagram) = end.peer.poll_transmit() {
            end.up.handle_packet(duration(self.now), &datagram);
        }
        result
    }

    /// Lets the given time pass.
    pub fn run_for(&mut self, duration: Duration) {
        self.run_until(self.now + duration, |_| false);
    }

    /// Lets time pass until `done` is true, at most until `end`. Returns whether it became true.
    pub fn run_until(&mut self, end: Instant, mut done: impl FnMut(&mut Self) -> bool) -> bool {
        loop {
            if done(self) {
                return true;
            }
            let Some(next) = self.next_deadline().filter(|next| *next <= end) else {
                self.now = end;
                return false;
            };
            self.now = self.now.max(next);
            self.step();
        }
    }

    /// When anything is due anywhere.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let worker = self.worker.poll_timeout().map(|(at, _)| at);
        let ends = self.ends.iter().flat_map(|end| {
            let arrivals = end.up.poll_timeout().into_iter();
            let arrivals = arrivals.chain(end.down.poll_timeout()).map(instant);
            arrivals.chain(end.peer.poll_timeout())
        });
        worker.into_iter().chain(ends).min()
    }

    /// Everything that is due now.
    fn step(&mut self) {
        self.count_input();
        let now = self.now;
        for end in &mut self.ends {
            while let Some(datagram) = end.down.poll(duration(now)) {
                end.peer.handle_datagram(now, &datagram);
            }
            if end.peer.poll_timeout().is_some_and(|at| at <= now) {
                end.peer.handle_timeout(now);
            }
            while let Some(datagram) = end.peer.poll_transmit() {
                end.up.handle_packet(duration(now), &datagram);
            }
            let socket = self.ports.at(end.server);
            while let Some(datagram) = end.up.poll(duration(now)) {
                // Nobody listens there any more.
                let Some(socket) = socket else { continue };
                let path = Path {
                    protocol: Protocol::Udp,
                    socket,
                    remote: end.address,
                };
                if let Some(incoming) = &mut self.incoming {
                    incoming.push((end.address, datagram.clone()));
                }
                assert!(self.batch.push(path, now, &datagram), "a batch has room");
            }
        }
        if !self.batch.is_empty() {
            self.take_in();
        }
        if self.worker.poll_timeout().is_some_and(|(at, _)| at <= now) {
            self.worker.handle_timeout(now);
        }
        let responses = self.settle();
        assert!(responses.is_empty(), "nobody asked");
    }

    /// Takes all output of the worker, and returns its responses.
    fn settle(&mut self) -> Vec<tureen_worker::internal::messages::Response> {
        loop {
            let drained = self.worker.drain(self.now, &mut self.output);
            self.carry_output();
            if drained == Drain::Drained {
                break;
            }
        }
        let mut responses = Vec::new();
        while let Some(message) = self.worker.poll_message() {
            match message {
                Outgoing::Response(response) => responses.push(*response),
                Outgoing::Notification(notification) => self
                    .events
                    .push_back((notification.handler_id, notification.event)),
                Outgoing::Log(line) => self.log.push(line),
            }
        }
        responses
    }

    fn carry_output(&mut self) {
        let now = self.now;
        for (train, bytes) in self.output.trains() {
            for datagram in train.split(bytes) {
                assert!(datagram.len() <= MAX_DATAGRAM);
                let to = train.path.remote;
                if let Some(tap) = &mut self.tap {
                    tap.push((now, to, datagram.to_vec()));
                }
                match self.by_address.get(&to) {
                    Some(number) => self.ends[*number]
                        .down
                        .handle_packet(duration(now), datagram),
                    None => self.strays.push((to, datagram.to_vec())),
                }
            }
        }
        for socket in self.output.closed_sockets() {
            tureen_worker::internal::binder::Binder::close(&mut self.ports, *socket);
        }
        self.output.clear();
    }

    /// A core that asks for wake-ups again and again without progress is a defect.
    fn count_input(&mut self) {
        if self.inputs_now.0 == self.now {
            self.inputs_now.1 += 1;
            assert!(
                self.inputs_now.1 < BUSY,
                "busy at {:?}: {:?}",
                self.now,
                self.worker.poll_timeout()
            );
        } else {
            self.inputs_now = (self.now, 0);
        }
    }
}

fn duration(instant: Instant) -> Duration {
    Duration::from_nanos(instant.as_nanos())
}

fn instant(duration: Duration) -> Instant {
    Instant::default() + duration
}

/// Bytes that arrive at one moment at most.
const BATCH: usize = 4 * 1024 * 1024;
/// After so many inputs at the same moment the test fails, because there is no progress.
const BUSY: u32 = 1000;
