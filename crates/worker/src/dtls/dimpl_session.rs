//! The first engine: `dimpl`, held to DTLS 1.2. It refuses RSA certificates.
//!
//! The engine's DTLS 1.3 side takes the SRTP profile that the remote names first. For Chromium that
//! is `AES_CM_128_HMAC_SHA1_80`, which costs five times as much per packet as `AEAD_AES_256_GCM`,
//! the one that the DTLS 1.2 side prefers.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use dimpl::crypto::{Dtls12CipherSuite, SrtpProfile, SupportedDtls12CipherSuite};
use dimpl::{Config, Dtls, DtlsCertificate, Error, Output, SecurityError};

use super::certificate::Certificate;
use super::session::{DtlsSession, SessionError, SessionEvent, SessionRole};
use crate::output::MAX_DATAGRAM;
use crate::params::SrtpCryptoSuite;
use crate::srtp::SrtpKeys;
use crate::time::{ClockAnchor, Instant};

/// The things that all sessions of a worker share: the certificate, the settings of the engine and
/// the clock.
pub struct DimplContext {
    certificate: Certificate,
    chacha_only: Arc<Config>,
    any_suite: Arc<Config>,
    clock: ClockAnchor,
    /// Where engines write while their remotes are anonymous. Nothing in it outlives a poll.
    room: Mutex<Box<[u8]>>,
}

impl DimplContext {
    /// The context of a worker that has this `certificate`.
    ///
    /// # Errors
    ///
    /// [`SessionError`] when the engine's own checks of its cryptography fail.
    pub fn new(certificate: Certificate, clock: ClockAnchor) -> Result<Arc<Self>, SessionError> {
        Ok(Arc::new(Self {
            certificate,
            chacha_only: config(&[Dtls12CipherSuite::ECDHE_ECDSA_CHACHA20_POLY1305_SHA256])?,
            any_suite: config(&[
                Dtls12CipherSuite::ECDHE_ECDSA_CHACHA20_POLY1305_SHA256,
                Dtls12CipherSuite::ECDHE_ECDSA_AES256_GCM_SHA384,
                Dtls12CipherSuite::ECDHE_ECDSA_AES128_GCM_SHA256,
            ])?,
            clock,
            room: new_room(),
        }))
    }

    /// A context whose clients offer `suites` alone.
    #[cfg(test)]
    pub(super) fn offering(
        certificate: Certificate,
        clock: ClockAnchor,
        suites: &[Dtls12CipherSuite],
    ) -> Result<Arc<Self>, SessionError> {
        Ok(Arc::new(Self {
            certificate,
            chacha_only: config(suites)?,
            any_suite: config(suites)?,
            clock,
            room: new_room(),
        }))
    }

    /// The worker's certificate.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// A session that has not started.
    #[must_use]
    pub fn session(self: &Arc<Self>) -> DimplSession {
        DimplSession {
            context: Arc::clone(self),
            engine: None,
            role: SessionRole::Server,
            suites: Suites::ChaCha,
            progress: Progress::Anonymous,
            restarts_left: MAX_RESTARTS,
            latest: Instant::default(),
        }
    }

    fn engine(&self, now: Instant, role: SessionRole, suites: Suites) -> Result<Dtls, Error> {
        let config = match (role, suites) {
            (SessionRole::Server, Suites::ChaCha) => &self.chacha_only,
            (SessionRole::Server, Suites::Any) | (SessionRole::Client, _) => &self.any_suite,
        };
        let certificate = DtlsCertificate {
            certificate: self.certificate.der().to_vec(),
            private_key: self.certificate.private_key().to_vec(),
        };
        let now = self.clock.to_std(now);
        let mut engine = Dtls::new_12(Arc::clone(config), certificate, now);
        engine.set_active(role == SessionRole::Client);
        engine.handle_timeout(now)?;
        Ok(engine)
    }
}

/// A DTLS 1.2 session by `dimpl`.
pub struct DimplSession {
    context: Arc<DimplContext>,
    engine: Option<Dtls>,
    role: SessionRole,
    suites: Suites,
    progress: Progress,
    restarts_left: u32,
    /// The engine needs time that never goes back, but receive times of datagrams may go back.
    latest: Instant,
}

/// Which cipher suites a server accepts. For AES-GCM the engine draws the explicit nonces at
/// random, and a random nonce may repeat. For ChaCha20-Poly1305 it counts them. So the first try is
/// ChaCha20-Poly1305 alone, which every browser offers. AES-GCM is for remotes that have nothing
/// else.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Suites {
    ChaCha,
    Any,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// The remote has not shown its certificate yet, so anyone may have sent what came.
    Anonymous,
    Certified,
    /// Finished, the keys have not been asked for yet.
    Finished,
    Connected,
}

impl DtlsSession for DimplSession {
    fn start(&mut self, now: Instant, role: SessionRole) -> Result<(), SessionError> {
        self.role = role;
        self.renew(now)
    }

    fn handle_records(&mut self, now: Instant, records: &[u8]) -> Result<(), SessionError> {
        let Err(error) = self.feed(now, records) else {
            return Ok(());
        };
        if self.role == SessionRole::Client || self.progress != Progress::Anonymous {
            return Err(into_session_error(&error));
        }
        let no_common_suite = SecurityError::NoMutuallyAcceptableCipherSuite;
        if error == Error::SecurityError(no_common_suite) && self.suites == Suites::ChaCha {
            self.suites = Suites::Any;
            self.renew(now)?;
            return match self.feed(now, records) {
                Err(error) => self.start_over(now, &error),
                Ok(()) => Ok(()),
            };
        }
        self.start_over(now, &error)
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), SessionError> {
        let now = self.advance(now);
        match &mut self.engine {
            Some(engine) => engine
                .handle_timeout(now)
                .map_err(|error| into_session_error(&error)),
            None => Ok(()),
        }
    }

    fn send(&mut self, data: &[u8]) -> Result<(), SessionError> {
        match &mut self.engine {
            Some(engine) if self.progress == Progress::Connected => engine
                .send_application_data(data)
                .map(|_| ())
                .map_err(|error| into_session_error(&error)),
            _ => Err(SessionError("not connected".to_owned())),
        }
    }

    fn poll(&mut self, buffer: &mut [u8]) -> SessionEvent {
        if self.progress != Progress::Anonymous || self.engine.is_none() {
            return self.poll_into(buffer);
        }
        // The engine panics if the remote's certificate does not fit the buffer. A certificate
        // cannot be longer than all that the engine queues, and this buffer holds that.
        let context = Arc::clone(&self.context);
        // A panic of an engine leaves bytes behind that the next one overwrites.
        let mut room = context.room.lock().unwrap_or_else(PoisonError::into_inner);
        let mut event = self.poll_into(&mut room);
        if let SessionEvent::Datagram(len) = event {
            match buffer.get_mut(..len) {
                Some(place) => place.copy_from_slice(&room[..len]),
                None => {
                    event = SessionEvent::Failed(SessionError("datagram too long".to_owned()));
                }
            }
        }
        event
    }

    fn close(&mut self) {
        if let Some(engine) = &mut self.engine {
            // Closing fails only when the engine is closed already.
            let _ = engine.close();
        }
    }
}

impl DimplSession {
    fn renew(&mut self, now: Instant) -> Result<(), SessionError> {
        self.latest = self.latest.max(now);
        let engine = self
            .context
            .engine(self.latest, self.role, self.suites)
            .map_err(|error| into_session_error(&error))?;
        self.engine = Some(engine);
        Ok(())
    }

    /// From now on only the client's own messages come, so an error is no reason to begin afresh.
    pub(super) const fn settle(&mut self) {
        self.restarts_left = 0;
    }

    fn advance(&mut self, now: Instant) -> std::time::Instant {
        self.latest = self.latest.max(now);
        self.context.clock.to_std(self.latest)
    }

    /// Before the remote has shown a certificate, anyone may have sent the datagram that broke the
    /// handshake. So a server begins afresh and lets the remote repeat its `ClientHello`.
    fn start_over(&mut self, now: Instant, error: &Error) -> Result<(), SessionError> {
        if self.restarts_left == 0 {
            return Err(into_session_error(error));
        }
        self.restarts_left -= 1;
        self.renew(now)
    }

    fn feed(&mut self, now: Instant, records: &[u8]) -> Result<(), Error> {
        let now = self.advance(now);
        match &mut self.engine {
            Some(engine) => {
                engine.handle_timeout(now)?;
                engine.handle_packet(records)
            }
            None => Ok(()),
        }
    }

    fn poll_into(&mut self, buffer: &mut [u8]) -> SessionEvent {
        let Some(engine) = &mut self.engine else {
            return SessionEvent::Idle(None);
        };
        loop {
            return match engine.poll_output(buffer) {
                Output::Packet(packet) => SessionEvent::Datagram(packet.len()),
                Output::PeerCert(certificate) => {
                    self.progress = Progress::Certified;
                    SessionEvent::PeerCertificate(certificate.to_vec())
                }
                Output::Connected => {
                    self.progress = Progress::Finished;
                    continue;
                }
                Output::KeyingMaterial(material, profile) => {
                    self.progress = Progress::Connected;
                    SessionEvent::Connected(
                        SrtpKeys::from_exporter(suite_of(profile), &material).ok(),
                    )
                }
                Output::Timeout(_) if self.progress == Progress::Finished => {
                    self.progress = Progress::Connected;
                    SessionEvent::Connected(None)
                }
                Output::ApplicationData(data) => SessionEvent::ApplicationData(data.len()),
                Output::CloseNotify => SessionEvent::Closed,
                Output::BufferTooSmall { needed } => SessionEvent::Failed(SessionError(format!(
                    "{needed} bytes do not fit a datagram"
                ))),
                // A connected engine has no timers; only input makes it advance.
                Output::Timeout(_) if self.progress == Progress::Connected => {
                    SessionEvent::Idle(None)
                }
                Output::Timeout(at) => SessionEvent::Idle(Some(self.context.clock.from_std(at))),
                other => SessionEvent::Failed(SessionError(format!("unexpected {other:?}"))),
            };
        }
    }
}

/// Room for everything that an engine queues.
fn new_room() -> Mutex<Box<[u8]>> {
    Mutex::new(vec![0; QUEUE_CAPACITY * MAX_DATAGRAM].into_boxed_slice())
}

fn config(suites: &[Dtls12CipherSuite]) -> Result<Arc<Config>, SessionError> {
    let mut provider = dimpl::crypto::aws_lc_rs::default_provider();
    provider.cipher_suites = &CHACHA_FIRST;
    Config::builder()
        .with_crypto_provider(provider)
        .dtls12_cipher_suites(suites)
        .dtls13_cipher_suites(&[])
        .mtu(MTU)
        .max_queue_rx(QUEUE_CAPACITY)
        // ICE has proved that the remote receives at its address, so no cookie is needed.
        .use_server_cookie(false)
        .flight_start_rto(FIRST_REPETITION)
        .flight_retries(REPETITIONS)
        .build()
        .map(Arc::new)
        .map_err(|error| into_session_error(&error))
}

const fn suite_of(profile: SrtpProfile) -> SrtpCryptoSuite {
    match profile {
        SrtpProfile::AEAD_AES_256_GCM => SrtpCryptoSuite::AeadAes256Gcm,
        SrtpProfile::AEAD_AES_128_GCM => SrtpCryptoSuite::AeadAes128Gcm,
        _ => SrtpCryptoSuite::AesCm128HmacSha1_80,
    }
}

fn into_session_error(error: &Error) -> SessionError {
    SessionError(error.to_string())
}

/// The engine's suites in the order in which a client offers them: see [`Suites`].
static CHACHA_FIRST: LazyLock<Vec<&'static dyn SupportedDtls12CipherSuite>> = LazyLock::new(|| {
    let suites = dimpl::crypto::aws_lc_rs::default_provider().cipher_suites;
    let mut suites = suites.to_vec();
    suites.sort_by_key(|suite| suite.explicit_nonce_len());
    suites
});

/// The largest datagram of a handshake, in bytes. It is below the smallest MTU of tunnels in the
/// Internet.
const MTU: usize = 1200;
/// How many datagrams the engine queues before it gives up.
const QUEUE_CAPACITY: usize = 30;
/// RFC 6347 §4.2.4.1 has one second, and lets time-sensitive applications choose less.
const FIRST_REPETITION: Duration = Duration::from_millis(300);
/// The intervals double, so the last one begins after about 19 seconds and ends after about 38.
const REPETITIONS: usize = 6;
/// How often a server begins afresh before it fails.
const MAX_RESTARTS: u32 = 16;
