//! Which engine serves a remote.
//!
//! The first engine is the better one, and it refuses RSA certificates. What certificate a client
//! has shows only when it is too late to change the engine. But browsers make ECDSA certificates,
//! and they offer DTLS 1.3; what does not is built on OpenSSL, GnuTLS or Go, and GStreamer, which
//! makes RSA certificates, is among it. So a client that does not offer DTLS 1.3 is served by the
//! second engine, which takes both.

use std::sync::Arc;

use super::certificate::Certificate;
use super::client_hello::{ClientHello, HelloAssembly, is_of_first_hello};
use super::dimpl_session::{DimplContext, DimplSession};
use super::handshake::plaintext_fragments;
use super::rtc_session::{RtcContext, RtcSession};
use super::session::{DtlsSession, SessionError, SessionEvent, SessionRole};
use crate::time::{ClockAnchor, Instant};

/// The engines of a worker, with all that their sessions share.
pub struct DtlsEngines {
    dimpl: Arc<DimplContext>,
    rtc: Arc<RtcContext>,
}

impl DtlsEngines {
    /// The engines of a worker that has this `certificate`.
    ///
    /// # Errors
    ///
    /// [`SessionError`] when an engine refuses the certificate or its own checks fail.
    pub fn new(certificate: Certificate, clock: ClockAnchor) -> Result<Arc<Self>, SessionError> {
        Ok(Arc::new(Self {
            rtc: Arc::new(RtcContext::new(&certificate, clock)?),
            dimpl: DimplContext::new(certificate, clock)?,
        }))
    }

    /// A session that has not started.
    #[must_use]
    pub fn session(self: &Arc<Self>) -> EngineSession {
        EngineSession {
            engines: Arc::clone(self),
            engine: Engine::Open,
            assembly: HelloAssembly::default(),
            parts: Vec::new(),
            random: None,
            is_certified: false,
            choices_left: MAX_CHOICES,
        }
    }
}

/// A session by the engine that suits the remote.
pub struct EngineSession {
    engines: Arc<DtlsEngines>,
    engine: Engine,
    assembly: HelloAssembly,
    /// The datagrams that brought parts of a first message that is not whole yet.
    parts: Vec<Vec<u8>>,
    /// That of the client whom the engine serves.
    random: Option<[u8; 32]>,
    is_certified: bool,
    choices_left: u32,
}

enum Engine {
    /// A server that has not heard who is there.
    Open,
    Dimpl(Box<DimplSession>),
    Rtc(Box<RtcSession>),
}

impl DtlsSession for EngineSession {
    fn start(&mut self, now: Instant, role: SessionRole) -> Result<(), SessionError> {
        if role == SessionRole::Client {
            let mut session = self.engines.dimpl.session();
            session.start(now, role)?;
            self.is_certified = true;
            self.engine = Engine::Dimpl(Box::new(session));
        }
        Ok(())
    }

    fn handle_records(&mut self, now: Instant, records: &[u8]) -> Result<(), SessionError> {
        if !self.is_certified
            && let Some(hello) = self.assemble(records)
        {
            let parts = std::mem::take(&mut self.parts);
            // A client that begins anew has a new number. Whoever sent the first has shown nothing
            // yet, so it gives way.
            if self.random != Some(hello.random) {
                self.choose(now, &hello)?;
                return parts.iter().try_for_each(|part| self.feed(now, part));
            }
        }
        self.feed(now, records)
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), SessionError> {
        match &mut self.engine {
            Engine::Open => Ok(()),
            Engine::Dimpl(session) => session.handle_timeout(now),
            Engine::Rtc(session) => session.handle_timeout(now),
        }
    }

    fn send(&mut self, data: &[u8]) -> Result<(), SessionError> {
        match &mut self.engine {
            Engine::Open => Err(SessionError("not connected".to_owned())),
            Engine::Dimpl(session) => session.send(data),
            Engine::Rtc(session) => session.send(data),
        }
    }

    fn poll(&mut self, buffer: &mut [u8]) -> SessionEvent {
        let event = match &mut self.engine {
            Engine::Open => SessionEvent::Idle(None),
            Engine::Dimpl(session) => session.poll(buffer),
            Engine::Rtc(session) => session.poll(buffer),
        };
        if matches!(event, SessionEvent::PeerCertificate(_)) {
            self.is_certified = true;
            self.assembly = HelloAssembly::default();
            self.parts = Vec::new();
        }
        event
    }

    fn close(&mut self) {
        match &mut self.engine {
            Engine::Open => {}
            Engine::Dimpl(session) => session.close(),
            Engine::Rtc(session) => session.close(),
        }
    }
}

impl EngineSession {
    /// The client's first message, if `records` make it whole.
    fn assemble(&mut self, records: &[u8]) -> Option<ClientHello> {
        let mut hello = None;
        let mut brings_part = false;
        for fragment in plaintext_fragments(records).filter(is_of_first_hello) {
            brings_part = true;
            hello = self.assembly.push(&fragment).or(hello);
        }
        if brings_part {
            if self.parts.len() == MAX_PARTS {
                self.parts.clear();
            }
            self.parts.push(records.to_vec());
        }
        hello
    }

    fn choose(&mut self, now: Instant, hello: &ClientHello) -> Result<(), SessionError> {
        let Some(left) = self.choices_left.checked_sub(1) else {
            return Err(SessionError("the remote began too often".to_owned()));
        };
        self.choices_left = left;
        self.random = Some(hello.random);
        // The second engine cannot read a message that names a session.
        self.engine = if hello.offers_dtls_1_3 || hello.resumes {
            let mut session = self.engines.dimpl.session();
            session.start(now, SessionRole::Server)?;
            Engine::Dimpl(Box::new(session))
        } else {
            Engine::Rtc(Box::new(self.engines.rtc.session(hello)?))
        };
        Ok(())
    }

    fn feed(&mut self, now: Instant, records: &[u8]) -> Result<(), SessionError> {
        match &mut self.engine {
            Engine::Open => Ok(()),
            Engine::Dimpl(session) => session.handle_records(now, records),
            Engine::Rtc(session) => match session.handle_records(now, records) {
                // As the first engine does by itself: before the remote has shown a certificate,
                // anyone may have sent this, so it is no end.
                Err(_) if !self.is_certified && self.choices_left > 0 => {
                    self.engine = Engine::Open;
                    self.random = None;
                    Ok(())
                }
                result => result,
            },
        }
    }
}

/// How often the remote may begin anew before it has shown a certificate.
const MAX_CHOICES: u32 = 16;
/// How many datagrams with parts of a first message are kept. Those of browsers take two.
const MAX_PARTS: usize = 8;
