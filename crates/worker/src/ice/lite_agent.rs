//! The agent itself.

use std::collections::VecDeque;

use super::consent::{Consent, ConsentTimeout};
use super::credentials::Credentials;
use super::tuple::{Heard, Tuples};
use crate::output::Path;
use crate::params::{IceParameters, IceState};
use crate::time::Instant;
use crate::wire::stun::{
    AttributeType, Class, IntegrityKey, Method, StunMessage, write_error, write_success,
};

/// A lite agent, always controlled (RFC 8445 §2.7, §6.1.1). It ignores unknown attributes, even
/// those for which RFC 8489 §6.3.1 refuses the check: no check depends on them, and agents add
/// attributes of their own.
///
/// Inputs are [`handle_binding_request`](Self::handle_binding_request),
/// [`handle_traffic`](Self::handle_traffic), [`remove_path`](Self::remove_path),
/// [`restart`](Self::restart) and
/// [`handle_timeout`](Self::handle_timeout); after each of them, call
/// [`poll_event`](Self::poll_event) until it yields nothing.
pub(crate) struct LiteAgent {
    current: Credentials,
    /// Those before a restart, until the remote uses the new ones.
    previous: Option<Credentials>,
    tuples: Tuples,
    state: IceState,
    /// The highest NOMINATION accepted since the last restart.
    nomination: Option<u32>,
    consent: Consent,
    events: VecDeque<IceEvent>,
    counters: IceCounters,
}

/// What has changed, in the order in which the controller is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum IceEvent {
    /// What comes on this path may be taken from now on.
    PathAdded(Path),
    /// Take nothing from this path any more. If it is a TCP connection, close it.
    PathRemoved(Path),
    /// What is sent goes this way from now on.
    Selected(Path),
    /// The state has changed.
    State(IceState),
    /// The credentials with this username fragment are no longer valid, because the remote has used
    /// the new ones.
    UsernameFragmentRetired(String),
}

/// Requests that were not answered with success, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct IceCounters {
    /// Indications and responses, which a lite agent does not use.
    pub not_a_request: u64,
    /// Not answered: there is no USERNAME, or it has the fragment of somebody else.
    pub unknown_username: u64,
    /// FINGERPRINT is wrong: not answered.
    pub wrong_fingerprint: u64,
    /// Answered with 400: FINGERPRINT or PRIORITY is missing.
    pub bad_request: u64,
    /// Answered with 401: MESSAGE-INTEGRITY is missing or wrong.
    pub unauthorized: u64,
    /// Answered with 487: the remote thinks that we nominate.
    pub role_conflict: u64,
    /// Not answered, because the answer would have been longer than the request.
    pub would_amplify: u64,
}

impl LiteAgent {
    /// An agent in the state [`IceState::New`].
    #[must_use]
    pub(crate) fn new(parameters: IceParameters, consent: ConsentTimeout) -> Self {
        Self {
            current: Credentials::new(parameters),
            previous: None,
            tuples: Tuples::default(),
            state: IceState::New,
            nomination: None,
            consent: Consent::new(consent),
            events: VecDeque::new(),
            counters: IceCounters::default(),
        }
    }

    /// Our current credentials.
    #[must_use]
    pub(crate) const fn parameters(&self) -> &IceParameters {
        &self.current.parameters
    }

    /// The username fragments that requests may name: the current one, and after a restart also the
    /// previous one for a while.
    pub(crate) fn username_fragments(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.current)
            .chain(&self.previous)
            .map(|credentials| credentials.parameters.username_fragment.as_str())
    }

    /// The state.
    #[must_use]
    pub(crate) const fn state(&self) -> IceState {
        self.state
    }

    /// Where to send.
    #[must_use]
    pub(crate) const fn selected(&self) -> Option<Path> {
        self.tuples.selected()
    }

    /// Whether a check has made `path` valid. Only then anything may be taken from it.
    #[must_use]
    pub(crate) fn is_valid(&self, path: Path) -> bool {
        self.tuples.contains(path)
    }

    /// Whether the remote uses `path` now: it is selected, and authenticated traffic came on it
    /// within the last two seconds.
    #[must_use]
    pub(crate) fn is_in_use(&self, now: Instant, path: Path) -> bool {
        self.tuples.is_in_use(now, path)
    }

    /// All valid paths.
    pub(crate) fn valid_paths(&self) -> impl Iterator<Item = Path> {
        self.tuples.iter()
    }

    /// What was not answered with success.
    #[must_use]
    pub(crate) const fn counters(&self) -> &IceCounters {
        &self.counters
    }

    /// The next change.
    pub(crate) fn poll_event(&mut self) -> Option<IceEvent> {
        self.events.pop_front()
    }

    /// When [`LiteAgent::handle_timeout`] is due.
    #[must_use]
    pub(crate) const fn deadline(&self) -> Option<Instant> {
        self.consent.deadline()
    }

    /// Takes a STUN message of `request_len` bytes that came on `path`. Writes the answer to the
    /// front of `out` and returns its length; send it back on the same path. `None` if there is no
    /// answer. The answer is never longer than the request.
    pub(crate) fn handle_binding_request(
        &mut self,
        now: Instant,
        path: Path,
        request: &StunMessage<'_>,
        request_len: usize,
        out: &mut [u8],
    ) -> Option<usize> {
        let len = match self.judge(request)? {
            Verdict::Accept(key) => {
                let id = request.transaction_id();
                let len = write_success(out, id, path.remote, &key);
                self.accept(now, path, request);
                len?
            }
            Verdict::Refuse(code, reason, key) => {
                write_error(out, request.transaction_id(), code, reason, key.as_ref())?
            }
        };
        if len > request_len {
            self.counters.would_amplify += 1;
            return None;
        }
        Some(len)
    }

    /// Replaces the credentials (RFC 8445 §9). The old ones stay valid until the first request with
    /// the new ones, and media goes on. If an earlier restart's fragment is retired by this, an
    /// event says so.
    pub(crate) fn restart(&mut self, now: Instant, parameters: IceParameters) {
        self.retire_previous();
        let current = Credentials::new(parameters);
        self.previous = Some(std::mem::replace(&mut self.current, current));
        self.nomination = None;
        self.tuples.forgive();
        // The remote needs time to learn the new credentials.
        if self.consent.is_running() {
            self.consent.refresh(now);
        }
    }

    /// Notes that a packet came on `path` that only the remote can have sent. If the remote uses
    /// that path and not the selected one, `path` is selected. Returns whether that happened.
    pub(crate) fn handle_traffic(&mut self, now: Instant, path: Path) -> bool {
        let changed = self.tuples.follow(now, path);
        if changed {
            self.events.push_back(IceEvent::Selected(path));
            self.consent.refresh(now);
        }
        changed
    }

    /// Forgets a path whose TCP connection has closed. If it was the selected one, the valid path
    /// with the latest request takes its place. If there is none, the state is
    /// [`IceState::Disconnected`].
    pub(crate) fn remove_path(&mut self, now: Instant, path: Path) {
        let was_selected = self.tuples.selected() == Some(path);
        if !self.tuples.remove(path) {
            return;
        }
        self.events.push_back(IceEvent::PathRemoved(path));
        if !was_selected {
            return;
        }
        if let Some(next) = self.tuples.latest() {
            self.select(now, next);
            self.consent.refresh(now);
        } else {
            self.disconnect();
        }
    }

    /// Advances time. Calling it early is harmless.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.consent.deadline().is_some_and(|at| at <= now) {
            for path in std::mem::take(&mut self.tuples).iter() {
                self.events.push_back(IceEvent::PathRemoved(path));
            }
            self.disconnect();
        }
    }

    /// Which answer a message gets; `None` is silence. Before its integrity is verified, we use
    /// nothing of a request but the fragment, which says whose password verifies it.
    fn judge(&mut self, request: &StunMessage<'_>) -> Option<Verdict> {
        if request.class() != Class::Request || request.method() != Method::BINDING {
            self.counters.not_a_request += 1;
            return None;
        }
        let credentials = request.local_username_fragment().and_then(|fragment| {
            std::iter::once(&self.current)
                .chain(&self.previous)
                .find(|credentials| credentials.is_named(fragment))
        });
        let Some(credentials) = credentials else {
            self.counters.unknown_username += 1;
            return None;
        };
        if request.has_fingerprint() && !request.verify_fingerprint() {
            self.counters.wrong_fingerprint += 1;
            return None;
        }
        // A check carries both (RFC 8445 §7.1.1, §7.2.2). If one is missing, it is no check.
        if !request.has_fingerprint() || request.priority().is_none() {
            self.counters.bad_request += 1;
            return Some(Verdict::Refuse(400, "Bad Request", None));
        }
        if !request.verify_integrity(&credentials.key) {
            self.counters.unauthorized += 1;
            return Some(Verdict::Refuse(401, "Unauthorized", None));
        }
        let key = credentials.key.clone();
        // Both sides are controlled. One must change its role (RFC 8445 §7.3.1.1), and a lite agent
        // cannot.
        if request.attribute(AttributeType::ICE_CONTROLLED).is_some() {
            self.counters.role_conflict += 1;
            return Some(Verdict::Refuse(487, "Role Conflict", Some(key)));
        }
        Some(Verdict::Accept(key))
    }

    /// Draws the consequences of an authenticated request.
    fn accept(&mut self, now: Instant, path: Path, request: &StunMessage<'_>) {
        let uses_current = request
            .local_username_fragment()
            .is_some_and(|fragment| self.current.is_named(fragment));
        if uses_current {
            self.retire_previous();
        }
        if let Heard::Added { evicted } = self.tuples.hear(now, path) {
            if let Some(evicted) = evicted {
                self.events.push_back(IceEvent::PathRemoved(evicted));
            }
            self.events.push_back(IceEvent::PathAdded(path));
        }
        if self.nominates(request, path) {
            self.select(now, path);
            self.enter(IceState::Completed);
        } else if matches!(self.state, IceState::New | IceState::Disconnected) {
            self.select(now, path);
            self.enter(IceState::Connected);
        }
        if self.tuples.selected() == Some(path) {
            self.consent.refresh(now);
        }
    }

    /// Whether a request moves the selection to its path. Once the remote counts its nominations
    /// (draft-thatcher-ice-renomination), only a higher count does. A bare USE-CANDIDATE may then
    /// be a late one for the previous path.
    ///
    /// An agent of RFC 5245 may nominate in every check, even on a path on which it does not hear
    /// us. Once its traffic has left a path, a bare USE-CANDIDATE does not bring us back there.
    fn nominates(&mut self, request: &StunMessage<'_>, path: Path) -> bool {
        match (request.nomination(), self.nomination) {
            (Some(offered), Some(accepted)) if offered <= accepted => false,
            (Some(offered), _) => {
                self.nomination = Some(offered);
                true
            }
            (None, None) => request.use_candidate() && !self.tuples.is_one_way(path),
            (None, Some(_)) => false,
        }
    }

    fn retire_previous(&mut self) {
        if let Some(previous) = self.previous.take() {
            let fragment = previous.parameters.username_fragment;
            self.events
                .push_back(IceEvent::UsernameFragmentRetired(fragment));
        }
    }

    fn select(&mut self, now: Instant, path: Path) {
        if self.tuples.select(now, path) {
            self.events.push_back(IceEvent::Selected(path));
        }
    }

    fn enter(&mut self, state: IceState) {
        if self.state != state {
            self.state = state;
            self.events.push_back(IceEvent::State(state));
        }
    }

    fn disconnect(&mut self) {
        self.consent.stop();
        self.nomination = None;
        self.enter(IceState::Disconnected);
    }
}

/// How a request is answered, and with which key.
enum Verdict {
    Accept(IntegrityKey),
    Refuse(u16, &'static str, Option<IntegrityKey>),
}
