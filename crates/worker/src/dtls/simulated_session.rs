//! A stand-in for DTLS in simulations. A real handshake uses randomness that no seed controls. Here
//! the keys follow from the transport's ICE password, which follows from the worker's seed. The
//! code that decides when keys are released is the same.

use std::collections::VecDeque;
use std::sync::Arc;

use super::engines::{DtlsEngines, EngineSession};
use super::session::{DtlsSession, SessionDrops, SessionError, SessionEvent, SessionRole};
use crate::params::{Fingerprint, IceParameters, SrtpCryptoSuite};
use crate::rng::Rng;
use crate::srtp::SrtpKeys;
use crate::time::Instant;

/// Where a worker's sessions come from.
pub(crate) enum SessionSource {
    /// Real handshakes.
    Engines(Arc<DtlsEngines>),
    /// Simulation.
    Simulated,
}

/// A session of either source.
pub(crate) enum Session {
    Engine(EngineSession),
    Simulated(SimulatedSession),
}

/// A session without a handshake: it yields the certificate and the keys at once, and sends nothing
/// but an alert when it closes.
pub(crate) struct SimulatedSession {
    keys: SrtpKeys,
    events: VecDeque<SessionEvent>,
    /// It was closed, and its alert is still to be sent.
    has_alert: bool,
}

/// The certificate of every remote of a simulated worker.
#[doc(hidden)]
pub const SIMULATED_CERTIFICATE: &[u8] = b"simulated certificate";

/// The keys between a simulated worker and the remote of the transport that has these parameters.
///
/// # Panics
///
/// Never: the length is the profile's own.
#[doc(hidden)]
#[must_use]
pub fn simulated_keys(ice: &IceParameters) -> SrtpKeys {
    let mut seed = [0; 32];
    for (byte, of_password) in seed.iter_mut().zip(ice.password.bytes()) {
        *byte = of_password;
    }
    let mut exported = [0; 2 * SUITE.key_and_salt_len()];
    Rng::new(seed).fill(&mut exported);
    SrtpKeys::from_exporter(SUITE, &exported).expect("the length is the profile's own")
}

impl SessionSource {
    /// A session that has not started, for a transport with these ICE parameters.
    pub(crate) fn session(&self, ice: &IceParameters) -> Session {
        match self {
            Self::Engines(engines) => Session::Engine(engines.session()),
            Self::Simulated => Session::Simulated(SimulatedSession {
                keys: simulated_keys(ice),
                events: VecDeque::new(),
                has_alert: false,
            }),
        }
    }
}

impl DtlsSession for SimulatedSession {
    fn start(&mut self, _: Instant, _: SessionRole) -> Result<(), SessionError> {
        let certificate = SessionEvent::PeerCertificate(SIMULATED_CERTIFICATE.to_vec());
        let connected = SessionEvent::Connected(Some(self.keys.clone()));
        self.events.extend([certificate, connected]);
        Ok(())
    }

    fn handle_records(&mut self, _: Instant, _: &[u8]) -> Result<(), SessionError> {
        Ok(())
    }

    fn handle_timeout(&mut self, _: Instant) -> Result<(), SessionError> {
        Ok(())
    }

    fn send(&mut self, _: &[u8]) -> Result<(), SessionError> {
        Ok(())
    }

    fn poll(&mut self, buffer: &mut [u8]) -> SessionEvent {
        if std::mem::take(&mut self.has_alert) {
            buffer[..ALERT.len()].copy_from_slice(&ALERT);
            return SessionEvent::Datagram(ALERT.len());
        }
        self.events.pop_front().unwrap_or(SessionEvent::Idle(None))
    }

    fn close(&mut self) {
        self.has_alert = true;
    }
}

impl DtlsSession for Session {
    fn start(&mut self, now: Instant, role: SessionRole) -> Result<(), SessionError> {
        match self {
            Self::Engine(session) => session.start(now, role),
            Self::Simulated(session) => session.start(now, role),
        }
    }

    fn handle_records(&mut self, now: Instant, records: &[u8]) -> Result<(), SessionError> {
        match self {
            Self::Engine(session) => session.handle_records(now, records),
            Self::Simulated(session) => session.handle_records(now, records),
        }
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), SessionError> {
        match self {
            Self::Engine(session) => session.handle_timeout(now),
            Self::Simulated(session) => session.handle_timeout(now),
        }
    }

    fn send(&mut self, data: &[u8]) -> Result<(), SessionError> {
        match self {
            Self::Engine(session) => session.send(data),
            Self::Simulated(session) => session.send(data),
        }
    }

    fn poll(&mut self, buffer: &mut [u8]) -> SessionEvent {
        match self {
            Self::Engine(session) => session.poll(buffer),
            Self::Simulated(session) => session.poll(buffer),
        }
    }

    fn close(&mut self) {
        match self {
            Self::Engine(session) => session.close(),
            Self::Simulated(session) => session.close(),
        }
    }

    fn expect(&mut self, fingerprint: &Fingerprint) {
        match self {
            Self::Engine(session) => session.expect(fingerprint),
            Self::Simulated(session) => session.expect(fingerprint),
        }
    }

    fn drops(&self) -> SessionDrops {
        match self {
            Self::Engine(session) => session.drops(),
            Self::Simulated(session) => session.drops(),
        }
    }
}

/// A record of the length that a close_notify has, of epoch 1. Nobody decrypts it.
const ALERT: [u8; 39] = {
    let mut record = [0; 39];
    (record[0], record[1], record[2], record[4], record[12]) = (21, 0xfe, 0xfd, 1, 26);
    record
};

/// The profile that browsers end on, so that simulations measure the real cost.
const SUITE: SrtpCryptoSuite = SrtpCryptoSuite::AeadAes256Gcm;
