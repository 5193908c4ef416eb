//! A WebRTC transport's own part: ICE decides where packets go, and DTLS with which keys.

use std::collections::VecDeque;

use crate::dtls::{DtlsCounters, DtlsOutput, DtlsTransport, Session, SessionSource};
use crate::error::RequestError;
use crate::ice::{
    CandidatePolicy, ConsentTimeout, IceCounters, IceEvent, LiteAgent, host_candidates,
};
use crate::ids::WebRtcServerKey;
use crate::messages::{
    CreateWebRtcTransport, TransportDump, TransportStats, WebRtcTransportDump, WebRtcTransportStats,
};
use crate::output::{Output, Path};
use crate::params::{
    DtlsParameters, DtlsRole, DtlsState, Fingerprint, IceCandidate, IceParameters, IceState, Tuple,
};
use crate::rng::Rng;
use crate::srtp::{SrtpReceive, SrtpSend};
use crate::time::Instant;
use crate::wire::stun::StunMessage;

use super::events::TransportEvent;
use super::listen::{ListenSocket, shown_tuple};
use super::srtp_keys::MAX_SRTP_STREAMS;

/// Sockets, ICE and DTLS of one transport.
pub(crate) struct WebRtcTransport {
    sockets: Sockets,
    candidates: Vec<IceCandidate>,
    agent: LiteAgent,
    dtls: DtlsTransport<Session>,
    /// The role that `connect()` decided; `Auto` before.
    local_role: DtlsRole,
    connect_called: bool,
    /// The path of the last DTLS datagram, until other protected packets of the remote have come.
    dtls_path: Option<Path>,
    events: VecDeque<TransportEvent>,
}

/// Whose sockets a transport uses.
#[derive(Clone, Debug)]
pub(crate) enum Sockets {
    /// Its own; they close with it.
    Own(Vec<ListenSocket>),
    /// Those of a WebRTC server.
    Server {
        /// Which.
        key: WebRtcServerKey,
        /// Its sockets, for candidates and tuples.
        sockets: Vec<ListenSocket>,
    },
}

/// One step of DTLS output.
pub(crate) enum DtlsStep {
    /// Send this many bytes from the front of the buffer on this path.
    Datagram(Path, usize),
    /// Something was done that sends nothing.
    Dropped,
    /// Nothing is left to do.
    Idle,
}

impl WebRtcTransport {
    pub(crate) fn new(
        create: &CreateWebRtcTransport,
        sockets: Sockets,
        sessions: &SessionSource,
        rng: &mut Rng,
    ) -> Self {
        let policy = match &sockets {
            Sockets::Own(_) => CandidatePolicy::EVERYTHING,
            Sockets::Server { .. } => CandidatePolicy {
                enable_udp: create.enable_udp,
                enable_tcp: create.enable_tcp,
                prefer_udp: create.prefer_udp,
                prefer_tcp: create.prefer_tcp,
            },
        };
        let addresses = sockets
            .all()
            .iter()
            .map(|socket| (&socket.info, socket.local));
        let candidates = host_candidates(addresses, policy);
        let ice = IceParameters::generate(rng);
        let dtls = DtlsTransport::new(sessions.session(&ice));
        let consent = ConsentTimeout::from_seconds(create.ice_consent_timeout);
        Self {
            candidates,
            sockets,
            agent: LiteAgent::new(ice, consent),
            dtls,
            local_role: DtlsRole::Auto,
            connect_called: false,
            dtls_path: None,
            events: VecDeque::new(),
        }
    }

    /// Takes the remote's DTLS parameters and returns our role. The first fingerprint counts, and
    /// if the remote leaves the role open, we are the client (docs/channel.md §7).
    ///
    /// # Errors
    ///
    /// `Error` if it is called twice, `TypeError` without fingerprints. Then nothing changes.
    pub(crate) fn connect(
        &mut self,
        now: Instant,
        parameters: &DtlsParameters,
    ) -> Result<DtlsRole, RequestError> {
        if self.connect_called {
            return Err(RequestError::Failed("connect() already called".into()));
        }
        let fingerprint = parameters.fingerprints.first().cloned();
        let fingerprint = fingerprint.ok_or_else(|| {
            RequestError::invalid("dtlsParameters.fingerprints", "must not be empty")
        })?;
        check_fingerprint(&fingerprint)?;
        self.connect_called = true;
        self.local_role = match parameters.role {
            DtlsRole::Client => DtlsRole::Server,
            DtlsRole::Server | DtlsRole::Auto => DtlsRole::Client,
        };
        // If the remote connected by ICE before this call, we are its server already.
        if self.dtls.state() != DtlsState::New {
            self.local_role = self.dtls.role();
        }
        self.dtls.set_remote_fingerprint(fingerprint);
        self.start_dtls(now);
        Ok(self.local_role)
    }

    /// New credentials; the old ones stay valid until the remote uses the new.
    pub(crate) fn restart_ice(&mut self, now: Instant, rng: &mut Rng) -> IceParameters {
        self.agent.restart(now, IceParameters::generate(rng));
        self.collect_ice_events(now);
        self.agent.parameters().clone()
    }

    /// Takes a STUN message and writes the answer, which goes back on the same path. Returns the
    /// answer's length; 0 means no answer.
    pub(crate) fn handle_stun(
        &mut self,
        now: Instant,
        path: Path,
        message: &StunMessage<'_>,
        message_len: usize,
        answer: &mut [u8],
    ) -> usize {
        let len = self
            .agent
            .handle_binding_request(now, path, message, message_len, answer);
        self.collect_ice_events(now);
        len.unwrap_or(0)
    }

    /// Takes a DTLS datagram from a validated tuple.
    pub(crate) fn handle_dtls(&mut self, now: Instant, path: Path, datagram: &[u8]) {
        self.dtls_path = Some(path);
        self.dtls.handle_datagram(now, datagram);
    }

    /// Something authenticated with the DTLS keys came in on `path`.
    pub(crate) fn confirm_remote(&mut self, now: Instant, path: Path) {
        self.dtls.confirm_remote();
        self.dtls_path = None;
        if self.agent.handle_traffic(now, path) {
            self.collect_ice_events(now);
        }
    }

    /// Where DTLS is sent: back to the path it came from, which may be the only one on which the
    /// remote hears us. Before anything has come, and for the closing alert, it is the selected
    /// path.
    fn path_of_dtls(&self) -> Option<Path> {
        let latest = self.dtls_path.filter(|path| self.agent.is_valid(*path));
        latest.or_else(|| self.agent.selected())
    }

    /// A TCP connection ended.
    pub(crate) fn remove_path(&mut self, now: Instant, path: Path) {
        self.agent.remove_path(now, path);
        self.collect_ice_events(now);
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.agent.handle_timeout(now);
        self.collect_ice_events(now);
        self.dtls.handle_timeout(now);
    }

    /// The next step of DTLS; `buffer` takes a datagram.
    pub(crate) fn poll_dtls(&mut self, now: Instant, buffer: &mut [u8]) -> DtlsStep {
        match self.dtls.poll(now, buffer) {
            DtlsOutput::Idle => return DtlsStep::Idle,
            DtlsOutput::Datagram(len) => {
                if let Some(path) = self.path_of_dtls() {
                    return DtlsStep::Datagram(path, len);
                }
            }
            DtlsOutput::State(state) => {
                if let Some(failure) = self.dtls.failure() {
                    tracing::warn!(target: "tureen::dtls", %failure, "DTLS failed");
                }
                self.events.push_back(TransportEvent::DtlsState(state));
                if matches!(state, DtlsState::Failed | DtlsState::Closed) {
                    self.events.push_back(TransportEvent::Disconnected);
                }
            }
            DtlsOutput::Connected(keys) => self.events.push_back(TransportEvent::Connected {
                send: Box::new(SrtpSend::new(&keys.local, MAX_SRTP_STREAMS)),
                receive: Box::new(SrtpReceive::new(&keys.remote, MAX_SRTP_STREAMS)),
                remote_certificate: keys.remote_certificate,
            }),
            // Nothing here speaks SCTP.
            DtlsOutput::ApplicationData(_) => {}
        }
        DtlsStep::Dropped
    }

    /// Ends DTLS. The alert for the peer goes into `output`.
    pub(crate) fn close(&mut self, now: Instant, output: &mut Output) {
        self.dtls.close();
        self.dtls_path = None;
        while let Some(slot) = output.slot() {
            match self.poll_dtls(now, slot) {
                DtlsStep::Datagram(path, len) => output.commit(path, len),
                DtlsStep::Dropped => {}
                DtlsStep::Idle => return,
            }
        }
    }

    pub(crate) fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    pub(crate) fn next_event(&mut self) -> Option<TransportEvent> {
        self.events.pop_front()
    }

    /// When ICE or DTLS wants to be looked at.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.agent
            .deadline()
            .into_iter()
            .chain(self.dtls.deadline())
            .min()
    }

    /// What ICE and DTLS dropped.
    pub(crate) fn counters(&self) -> (&IceCounters, &DtlsCounters) {
        (self.agent.counters(), self.dtls.counters())
    }

    pub(crate) fn has_tuple(&self, path: &Path) -> bool {
        self.agent.is_valid(*path)
    }

    /// See [`LiteAgent::is_in_use`].
    pub(crate) fn is_in_use(&self, now: Instant, path: &Path) -> bool {
        self.agent.is_in_use(now, *path)
    }

    pub(crate) fn paths(&self) -> impl Iterator<Item = Path> {
        self.agent.valid_paths()
    }

    /// The local username fragments that requests may name.
    pub(crate) fn username_fragments(&self) -> impl Iterator<Item = &str> {
        self.agent.username_fragments()
    }

    /// The selected tuple as the controller is shown it.
    fn selected_tuple(&self) -> Option<Tuple> {
        shown_tuple(self.sockets.all(), self.agent.selected()?)
    }

    /// The current role, from `connect()` or from a handshake that began without it.
    fn dtls_role(&self) -> DtlsRole {
        match self.local_role {
            DtlsRole::Auto => self.dtls.role(),
            decided => decided,
        }
    }

    /// The dump, around what all kinds have in common.
    pub(crate) fn dump(
        &self,
        base: TransportDump,
        fingerprints: &[Fingerprint],
    ) -> WebRtcTransportDump {
        WebRtcTransportDump {
            base,
            ice_parameters: self.agent.parameters().clone(),
            ice_candidates: self.candidates.clone(),
            ice_state: self.agent.state(),
            ice_selected_tuple: self.selected_tuple(),
            dtls_parameters: DtlsParameters {
                fingerprints: fingerprints.to_vec(),
                role: self.dtls_role(),
            },
            dtls_state: self.dtls.state(),
        }
    }

    /// The statistics, around what all kinds have in common.
    pub(crate) fn stats(&self, base: TransportStats) -> WebRtcTransportStats {
        WebRtcTransportStats {
            base,
            ice_state: self.agent.state(),
            ice_selected_tuple: self.selected_tuple(),
            dtls_state: self.dtls.state(),
        }
    }

    pub(crate) fn server(&self) -> Option<WebRtcServerKey> {
        match &self.sockets {
            Sockets::Own(_) => None,
            Sockets::Server { key, .. } => Some(*key),
        }
    }

    pub(crate) fn own_sockets(&self) -> &[ListenSocket] {
        match &self.sockets {
            Sockets::Own(sockets) => sockets,
            Sockets::Server { .. } => &[],
        }
    }

    fn collect_ice_events(&mut self, now: Instant) {
        while let Some(event) = self.agent.poll_event() {
            match event {
                IceEvent::PathAdded(path) => {
                    self.events.push_back(TransportEvent::TupleAdded(path));
                }
                IceEvent::PathRemoved(path) => {
                    self.events.push_back(TransportEvent::TupleRemoved(path));
                }
                IceEvent::Selected(path) => {
                    let tuple = shown_tuple(self.sockets.all(), path);
                    self.events.push_back(TransportEvent::Selected(path, tuple));
                }
                IceEvent::State(state) => {
                    if state == IceState::Disconnected {
                        self.events.push_back(TransportEvent::PathLost);
                    }
                    self.events.push_back(TransportEvent::IceState(state));
                }
                IceEvent::UsernameFragmentRetired(fragment) => {
                    self.events
                        .push_back(TransportEvent::UsernameFragmentRetired(fragment));
                }
            }
        }
        self.start_dtls(now);
    }

    /// DTLS begins once ICE has a valid tuple; without `connect()` we are the server
    /// (docs/channel.md §7).
    fn start_dtls(&mut self, now: Instant) {
        if matches!(
            self.agent.state(),
            IceState::Connected | IceState::Completed
        ) {
            self.dtls.start(now, self.local_role);
        }
    }
}

impl Sockets {
    fn all(&self) -> &[ListenSocket] {
        match self {
            Self::Own(sockets) | Self::Server { sockets, .. } => sockets,
        }
    }
}

/// We refuse a value that no certificate can match, instead of waiting for such a certificate.
fn check_fingerprint(fingerprint: &Fingerprint) -> Result<(), RequestError> {
    let mut bytes = fingerprint.value.split(':');
    let is_byte =
        |byte: &str| byte.len() == 2 && byte.bytes().all(|digit| digit.is_ascii_hexdigit());
    let len = fingerprint.algorithm.digest_len();
    if bytes.clone().count() == len && bytes.all(is_byte) {
        Ok(())
    } else {
        let problem = format!("must be {len} hexadecimal bytes with colons");
        Err(RequestError::invalid(
            "dtlsParameters.fingerprints.value",
            problem,
        ))
    }
}
