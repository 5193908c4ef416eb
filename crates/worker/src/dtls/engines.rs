//! Which engine serves a remote.
//!
//! The first engine is the better one, and it refuses RSA certificates. What certificate a client
//! has shows only when it is too late to change the engine. But browsers make ECDSA certificates,
//! and they offer DTLS 1.3; what does not is built on OpenSSL, GnuTLS or Go, and GStreamer, which
//! makes RSA certificates, is among it. So a client that does not offer DTLS 1.3 is served by the
//! second engine, which takes both.

use std::sync::Arc;

use super::certificate::Certificate;
use super::dimpl_session::{DimplContext, DimplSession};
use super::rtc_session::{RtcContext, RtcSession};
use super::server::ServerSession;
use super::session::{DtlsSession, SessionDrops, SessionError, SessionEvent, SessionRole};
use crate::params::Fingerprint;
use crate::time::{ClockAnchor, Instant};

/// The engines of a worker, with all that their sessions share.
pub struct DtlsEngines {
    pub(super) dimpl: Arc<DimplContext>,
    pub(super) rtc: RtcContext,
}

impl DtlsEngines {
    /// The engines of a worker that has this `certificate`.
    ///
    /// # Errors
    ///
    /// [`SessionError`] when an engine refuses the certificate or its own checks fail.
    pub fn new(certificate: Certificate, clock: ClockAnchor) -> Result<Arc<Self>, SessionError> {
        Ok(Arc::new(Self {
            rtc: RtcContext::new(&certificate, clock)?,
            dimpl: DimplContext::new(certificate, clock)?,
        }))
    }

    /// A session that has not started.
    #[must_use]
    pub fn session(self: &Arc<Self>) -> EngineSession {
        EngineSession(State::New {
            engines: Arc::clone(self),
            expected: None,
        })
    }
}

/// A session by the engine that suits the remote.
pub struct EngineSession(State);

enum State {
    New {
        engines: Arc<DtlsEngines>,
        expected: Option<Fingerprint>,
    },
    Client(Box<DimplSession>),
    Server(Box<ServerSession>),
}

impl DtlsSession for EngineSession {
    fn start(&mut self, now: Instant, role: SessionRole) -> Result<(), SessionError> {
        let State::New { engines, expected } = &mut self.0 else {
            return Err(SessionError("started twice".to_owned()));
        };
        self.0 = match role {
            SessionRole::Client => {
                let mut session = engines.dimpl.session();
                session.start(now, role)?;
                State::Client(Box::new(session))
            }
            SessionRole::Server => {
                let mut session = ServerSession::new(Arc::clone(engines))?;
                expected
                    .take()
                    .into_iter()
                    .for_each(|one| session.expect(one));
                State::Server(Box::new(session))
            }
        };
        Ok(())
    }

    fn handle_records(&mut self, now: Instant, records: &[u8]) -> Result<(), SessionError> {
        match &mut self.0 {
            State::New { .. } => Ok(()),
            State::Client(session) => session.handle_records(now, records),
            State::Server(session) => session.handle_records(now, records),
        }
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), SessionError> {
        match &mut self.0 {
            State::New { .. } => Ok(()),
            State::Client(session) => session.handle_timeout(now),
            State::Server(session) => session.handle_timeout(now),
        }
    }

    fn send(&mut self, data: &[u8]) -> Result<(), SessionError> {
        match &mut self.0 {
            State::New { .. } => Err(SessionError("not connected".to_owned())),
            State::Client(session) => session.send(data),
            State::Server(session) => session.send(data),
        }
    }

    fn poll(&mut self, buffer: &mut [u8]) -> SessionEvent {
        match &mut self.0 {
            State::New { .. } => SessionEvent::Idle(None),
            State::Client(session) => session.poll(buffer),
            State::Server(session) => session.poll(buffer),
        }
    }

    fn close(&mut self) {
        match &mut self.0 {
            State::New { .. } => {}
            State::Client(session) => session.close(),
            State::Server(session) => session.close(),
        }
    }

    fn expect(&mut self, fingerprint: &Fingerprint) {
        match &mut self.0 {
            State::New { expected, .. } => *expected = Some(fingerprint.clone()),
            State::Client(_) => {}
            State::Server(session) => session.expect(fingerprint.clone()),
        }
    }

    fn drops(&self) -> SessionDrops {
        match &self.0 {
            State::New { .. } | State::Client(_) => SessionDrops::default(),
            State::Server(session) => session.drops(),
        }
    }
}

/// The engine of a server.
pub(super) enum Engine {
    /// Nobody has said yet who it is for.
    Open,
    Dimpl(Box<DimplSession>),
    Rtc(Box<RtcSession>),
}

impl Engine {
    pub(super) fn handle_records(
        &mut self,
        now: Instant,
        records: &[u8],
    ) -> Result<(), SessionError> {
        match self {
            Self::Open => Ok(()),
            Self::Dimpl(session) => session.handle_records(now, records),
            Self::Rtc(session) => session.handle_records(now, records),
        }
    }

    /// From now on only the client's own messages come.
    pub(super) const fn settle(&mut self) {
        if let Self::Dimpl(session) = self {
            session.settle();
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) -> Result<(), SessionError> {
        match self {
            Self::Open => Ok(()),
            Self::Dimpl(session) => session.handle_timeout(now),
            Self::Rtc(session) => session.handle_timeout(now),
        }
    }

    pub(super) fn send(&mut self, data: &[u8]) -> Result<(), SessionError> {
        match self {
            Self::Open => Err(SessionError("not connected".to_owned())),
            Self::Dimpl(session) => session.send(data),
            Self::Rtc(session) => session.send(data),
        }
    }

    pub(super) fn poll(&mut self, buffer: &mut [u8]) -> SessionEvent {
        match self {
            Self::Open => SessionEvent::Idle(None),
            Self::Dimpl(session) => session.poll(buffer),
            Self::Rtc(session) => session.poll(buffer),
        }
    }

    pub(super) fn close(&mut self) {
        match self {
            Self::Open => {}
            Self::Dimpl(session) => session.close(),
            Self::Rtc(session) => session.close(),
        }
    }
}
