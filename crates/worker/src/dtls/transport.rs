//! The state machine around an engine.

use std::collections::VecDeque;
use std::time::Duration;

use super::fingerprint::certificate_pem;
use super::key_gate::{FingerprintMismatch, KeyGate};
use super::record::{Content, Record};
use super::session::{DtlsSession, SessionDrops, SessionError, SessionEvent, SessionRole};
use crate::output::MAX_DATAGRAM;
use crate::params::{DtlsRole, DtlsState, Fingerprint};
use crate::srtp::{MasterKey, SrtpKeys};
use crate::time::Instant;

/// DTLS of one transport.
///
/// Inputs are [`start`](Self::start), [`set_remote_fingerprint`](Self::set_remote_fingerprint),
/// [`handle_datagram`](Self::handle_datagram), [`handle_timeout`](Self::handle_timeout),
/// [`send`](Self::send) and [`close`](Self::close); after each of them, call [`poll`](Self::poll)
/// until it is idle. Inputs that come too early or too late are counted and have no effect.
pub struct DtlsTransport<S> {
    phase: Phase<S>,
    role: DtlsRole,
    gate: KeyGate,
    events: VecDeque<DtlsState>,
    failure: Option<DtlsFailure>,
    counters: DtlsCounters,
}

enum Phase<S> {
    New(S),
    /// The handshake is running, or it has finished and waits for the fingerprint.
    Connecting {
        session: S,
        /// When the handshake is given up; `None` once it has finished.
        give_up: Option<Instant>,
        engine_timeout: Option<Instant>,
    },
    Connected {
        session: S,
        /// Until this time, a remote that has not confirmed may ask for our last flight again.
        last_flight_until: Option<Instant>,
    },
    /// The session's last words are still to be sent.
    Closing(S),
    Closed,
    Failed,
}

/// What [`DtlsTransport::poll`] yields.
#[derive(Debug)]
pub enum DtlsOutput {
    /// Send a datagram of this length, from the start of the buffer, on the selected tuple.
    Datagram(usize),
    /// The state has changed to this one, which is not [`DtlsState::Connected`].
    State(DtlsState),
    /// The state has changed to [`DtlsState::Connected`]. The remote has the certificate that was
    /// signalled.
    Connected(Box<DtlsKeys>),
    /// Received data of this length, at the start of the buffer: one SCTP packet.
    ApplicationData(usize),
    /// Nothing to do before the next input or [`DtlsTransport::deadline`].
    Idle,
}

/// What a verified handshake yields.
#[derive(Debug)]
pub struct DtlsKeys {
    /// Protects what we send.
    pub local: MasterKey,
    /// Protects what the remote sends.
    pub remote: MasterKey,
    /// The remote's certificate in PEM.
    pub remote_certificate: String,
}

/// Why a session has failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DtlsFailure {
    /// The remote's certificate does not match the signalled fingerprint (RFC 8122 §6.2).
    #[error("the remote's certificate does not match its fingerprint")]
    FingerprintMismatch,
    /// The handshake did not finish in time.
    #[error("handshake timed out")]
    Timeout,
    /// The remote offers none of our SRTP profiles, or no SRTP at all.
    #[error("no common SRTP profile")]
    NoSrtpProfile,
    /// The engine gave up.
    #[error("{0}")]
    Session(SessionError),
}

/// What was dropped, by reason. The counters count datagrams, unless they say records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DtlsCounters {
    /// Came before the handshake was started.
    pub before_start: u64,
    /// Came after the session had failed or closed.
    pub after_end: u64,
    /// Longer than [`MAX_DATAGRAM`].
    pub oversized: u64,
    /// Bytes that are no DTLS records, or a record that is cut short. Records before the damage are
    /// taken.
    pub malformed: u64,
    /// Records: alerts and data in plaintext; anyone may have sent them.
    pub plaintext: u64,
    /// Records: handshake messages in plaintext after the handshake.
    pub plaintext_after_handshake: u64,
    /// Data that came before the remote was verified.
    pub unverified_data: u64,
    /// Data to be sent that the engine did not take.
    pub unsent_data: u64,
    /// What the session dropped.
    pub session: SessionDrops,
}

impl<S: DtlsSession> DtlsTransport<S> {
    /// A transport over a session that has not started.
    #[must_use]
    pub fn new(session: S) -> Self {
        Self {
            phase: Phase::New(session),
            role: DtlsRole::Auto,
            gate: KeyGate::default(),
            events: VecDeque::new(),
            failure: None,
            counters: DtlsCounters::default(),
        }
    }

    /// The state. [`DtlsState::Connected`] means that the keys have been released.
    #[must_use]
    pub const fn state(&self) -> DtlsState {
        match self.phase {
            Phase::New(_) => DtlsState::New,
            Phase::Connecting { .. } => DtlsState::Connecting,
            Phase::Connected { .. } => DtlsState::Connected,
            Phase::Closing(_) | Phase::Closed => DtlsState::Closed,
            Phase::Failed => DtlsState::Failed,
        }
    }

    /// Our role; [`DtlsRole::Auto`] until the handshake is started.
    #[must_use]
    pub const fn role(&self) -> DtlsRole {
        self.role
    }

    /// Why the state is [`DtlsState::Failed`].
    #[must_use]
    pub const fn failure(&self) -> Option<&DtlsFailure> {
        self.failure.as_ref()
    }

    /// What was dropped so far.
    #[must_use]
    pub const fn counters(&self) -> &DtlsCounters {
        &self.counters
    }

    /// When [`DtlsTransport::handle_timeout`] is due; `None` when only input can change anything.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Connecting {
                give_up,
                engine_timeout,
                ..
            } => give_up.iter().chain(engine_timeout).min().copied(),
            _ => None,
        }
    }

    /// Starts the handshake: with [`DtlsRole::Client`] as client, else as server. It must finish
    /// within [`HANDSHAKE_TIMEOUT`]. Only the first call has an effect.
    pub fn start(&mut self, now: Instant, role: DtlsRole) {
        let Phase::New(_) = &self.phase else {
            return;
        };
        let Phase::New(mut session) = std::mem::replace(&mut self.phase, Phase::Closed) else {
            return;
        };
        let (role, session_role) = match role {
            DtlsRole::Client => (DtlsRole::Client, SessionRole::Client),
            DtlsRole::Server | DtlsRole::Auto => (DtlsRole::Server, SessionRole::Server),
        };
        self.role = role;
        self.events.push_back(DtlsState::Connecting);
        let started = session.start(now, session_role);
        self.phase = Phase::Connecting {
            session,
            give_up: Some(now + HANDSHAKE_TIMEOUT),
            engine_timeout: None,
        };
        self.note(started);
    }

    /// Takes the remote's fingerprint from the signalling. Without it no session gets beyond
    /// [`DtlsState::Connecting`]. It is taken once; when the state is connected, the call has no
    /// effect.
    pub fn set_remote_fingerprint(&mut self, fingerprint: Fingerprint) {
        if let Phase::New(session) | Phase::Connecting { session, .. } = &mut self.phase {
            session.expect(&fingerprint);
            let verdict = self.gate.expect(fingerprint);
            self.judge(verdict);
        }
    }

    /// Takes a datagram from a tuple that ICE has validated.
    pub fn handle_datagram(&mut self, now: Instant, datagram: &[u8]) {
        match self.phase {
            Phase::Connecting { .. } | Phase::Connected { .. } => {}
            Phase::New(_) => return self.counters.before_start += 1,
            Phase::Closing(_) | Phase::Closed | Phase::Failed => {
                return self.counters.after_end += 1;
            }
        }
        if datagram.len() > MAX_DATAGRAM {
            self.counters.oversized += 1;
            return;
        }
        // During the handshake, neighbouring admitted records go to the engine in one piece. Later
        // each record goes alone, so that the engine's refusal of a repeated Finished does not drop
        // data.
        let one_by_one = matches!(self.phase, Phase::Connected { .. });
        let (mut start, mut end) = (0, 0);
        while end < datagram.len() {
            let Some(record) = Record::first(&datagram[end..]) else {
                self.counters.malformed += 1;
                break;
            };
            if !self.admit(now, record) {
                self.feed(now, &datagram[start..end]);
                start = end + record.len;
            } else if one_by_one {
                self.feed(now, &datagram[end..end + record.len]);
                start = end + record.len;
            }
            end += record.len;
        }
        self.feed(now, &datagram[start..end]);
    }

    /// Advances time. Calling it early is harmless.
    pub fn handle_timeout(&mut self, now: Instant) {
        let Phase::Connecting {
            session,
            give_up,
            engine_timeout,
        } = &mut self.phase
        else {
            return;
        };
        if give_up.is_some_and(|at| at <= now) {
            return self.fail(DtlsFailure::Timeout);
        }
        if engine_timeout.is_some_and(|at| at <= now) {
            *engine_timeout = None;
            let result = session.handle_timeout(now);
            self.note(result);
        }
    }

    /// Queues one SCTP packet. Unless the state is [`DtlsState::Connected`], the packet is dropped
    /// and counted.
    pub fn send(&mut self, data: &[u8]) {
        let sent = match &mut self.phase {
            Phase::Connected { session, .. } => session.send(data).is_ok(),
            _ => false,
        };
        self.counters.unsent_data += u64::from(!sent);
    }

    /// Notes that the remote has sent something authenticated with the new keys. So it has our last
    /// flight, and from now on no plaintext reaches the engine.
    pub fn confirm_remote(&mut self) {
        if let Phase::Connected {
            last_flight_until, ..
        } = &mut self.phase
        {
            *last_flight_until = None;
        }
    }

    /// Ends the session. If it is connected, the next polls yield an alert for the remote.
    pub fn close(&mut self) {
        match std::mem::replace(&mut self.phase, Phase::Closed) {
            Phase::Connected { mut session, .. } => {
                session.close();
                self.phase = Phase::Closing(session);
            }
            Phase::New(_) | Phase::Connecting { .. } => {}
            ended @ (Phase::Closing(_) | Phase::Closed | Phase::Failed) => {
                self.phase = ended;
                return;
            }
        }
        self.events.push_back(DtlsState::Closed);
    }

    /// The next output. `buffer` holds at least [`MAX_DATAGRAM`] bytes.
    pub fn poll(&mut self, now: Instant, buffer: &mut [u8]) -> DtlsOutput {
        loop {
            if let Some(state) = self.events.pop_front() {
                return DtlsOutput::State(state);
            }
            if let Some(keys) = self.release_keys(now) {
                return DtlsOutput::Connected(Box::new(keys));
            }
            let event = match &mut self.phase {
                Phase::Connecting { session, .. }
                | Phase::Connected { session, .. }
                | Phase::Closing(session) => session.poll(buffer),
                Phase::New(_) | Phase::Closed | Phase::Failed => return DtlsOutput::Idle,
            };
            if let Some(output) = self.handle_event(event) {
                return output;
            }
        }
    }

    fn handle_event(&mut self, event: SessionEvent) -> Option<DtlsOutput> {
        match event {
            SessionEvent::Datagram(len) => return Some(DtlsOutput::Datagram(len)),
            SessionEvent::ApplicationData(len) => {
                if matches!(self.phase, Phase::Connected { .. }) {
                    self.confirm_remote();
                    return Some(DtlsOutput::ApplicationData(len));
                }
                self.counters.unverified_data += 1;
            }
            SessionEvent::PeerCertificate(certificate) => {
                let verdict = self.gate.present(certificate);
                self.judge(verdict);
            }
            SessionEvent::Connected(Some(keys)) => {
                self.gate.hold(keys);
                if let Phase::Connecting { give_up, .. } = &mut self.phase {
                    *give_up = None;
                }
            }
            SessionEvent::Connected(None) => self.fail(DtlsFailure::NoSrtpProfile),
            SessionEvent::Failed(error) => self.fail(DtlsFailure::Session(error)),
            SessionEvent::Closed => self.close(),
            SessionEvent::Idle(at) => {
                match &mut self.phase {
                    Phase::Connecting { engine_timeout, .. } => *engine_timeout = at,
                    Phase::Closing(_) => self.phase = Phase::Closed,
                    _ => {}
                }
                return Some(DtlsOutput::Idle);
            }
        }
        None
    }

    /// The one place where keys leave.
    fn release_keys(&mut self, now: Instant) -> Option<DtlsKeys> {
        if !matches!(self.phase, Phase::Connecting { .. }) {
            return None;
        }
        let (SrtpKeys { client, server }, certificate) = self.gate.open()?;
        let remote_certificate = certificate_pem(certificate);
        let Phase::Connecting { session, .. } = std::mem::replace(&mut self.phase, Phase::Closed)
        else {
            return None;
        };
        let last_flight_until = (self.role == DtlsRole::Server).then_some(now + LAST_FLIGHT);
        self.phase = Phase::Connected {
            session,
            last_flight_until,
        };
        let (local, remote) = match self.role {
            DtlsRole::Client => (client, server),
            DtlsRole::Server | DtlsRole::Auto => (server, client),
        };
        Some(DtlsKeys {
            local,
            remote,
            remote_certificate,
        })
    }

    /// Whether the engine may see a record.
    fn admit(&mut self, now: Instant, record: Record) -> bool {
        if record.epoch != 0 {
            return true;
        }
        match record.content {
            // We believe no plaintext that the session is over. If the remote has given up, the
            // deadline of the handshake ends it.
            Content::Alert | Content::ApplicationData => {
                self.counters.plaintext += 1;
                false
            }
            Content::Handshake | Content::ChangeCipherSpec => {
                let finished = match &self.phase {
                    Phase::Connecting { give_up, .. } => give_up.is_none(),
                    // RFC 6347 §4.2.4: "the node that transmits the last flight … MUST respond to a
                    // retransmit of the peer's last flight with a retransmit of the last flight".
                    // The peer's retransmission begins in plaintext.
                    Phase::Connected {
                        last_flight_until, ..
                    } => last_flight_until.is_none_or(|until| until <= now),
                    _ => true,
                };
                let awaits_last_flight = self.role == DtlsRole::Server && self.gate.holds_keys();
                let admitted = !finished || awaits_last_flight;
                self.counters.plaintext_after_handshake += u64::from(!admitted);
                admitted
            }
        }
    }

    fn feed(&mut self, now: Instant, records: &[u8]) {
        if records.is_empty() {
            return;
        }
        let result = match &mut self.phase {
            Phase::Connecting { session, .. } | Phase::Connected { session, .. } => {
                let result = session.handle_records(now, records);
                self.counters.session = session.drops();
                result
            }
            _ => return self.counters.after_end += 1,
        };
        self.note(result);
    }

    fn note(&mut self, result: Result<(), SessionError>) {
        if let Err(error) = result {
            self.fail(DtlsFailure::Session(error));
        }
    }

    fn judge(&mut self, verdict: Result<(), FingerprintMismatch>) {
        if verdict.is_err() {
            self.fail(DtlsFailure::FingerprintMismatch);
        }
    }

    /// Drops the session and with it whatever keys it holds.
    fn fail(&mut self, failure: DtlsFailure) {
        match self.phase {
            Phase::Failed | Phase::Closed => return,
            Phase::Closing(_) => {
                self.phase = Phase::Closed;
                return;
            }
            Phase::New(_) | Phase::Connecting { .. } | Phase::Connected { .. } => {}
        }
        self.phase = Phase::Failed;
        self.gate = KeyGate::default();
        self.failure = Some(failure);
        self.events.push_back(DtlsState::Failed);
    }
}

/// How long a handshake may take.
pub(crate) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(40);
/// For how long the remote may ask for our last flight again: "at least twice the default MSL" (RFC
/// 6347 §4.2.4), which is two minutes.
const LAST_FLIGHT: Duration = Duration::from_secs(240);
