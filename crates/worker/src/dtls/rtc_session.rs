//! The second engine: `rtc-dtls`, for clients that may have an RSA certificate.
//!
//! It is a server only. What it lacks is added here: its timer is lost when the remote says
//! anything, so its flight is repeated from outside; it would take the SRTP profile that the remote
//! names first, so it is told of one only; it cannot share a cookie, so it is given one. What it
//! sees is what the module of both engines lets through. It does not compare the client's
//! `Finished`. No message is left unauthenticated by that, because a client must present a
//! certificate here, and its signature covers all messages before it.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, KeyPair,
};
use bytes::BytesMut;
use rtc_dtls::cipher_suite::CipherSuiteId;
use rtc_dtls::config::{ClientAuthType, ConfigBuilder, ExtendedMasterSecretType};
use rtc_dtls::crypto::{Certificate as RtcCertificate, CryptoPrivateKey};
use rtc_dtls::crypto_provider::{
    CryptoError, PublicKey, PublicKeyEncoding, RTCCrypto, RTCCryptoProvider, RTCRandom,
    SignatureScheme, SigningKey, default_provider,
};
use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rustls_pki_types::CertificateDer;

use super::certificate::Certificate;
use super::client_hello::{ClientHello, without_cookie};
use super::cookie::{COOKIE_LEN, Cookie};
use super::handshake::{CLIENT_HELLO, message, plaintext_record};
use super::record::Content;
use super::session::{DtlsSession, SessionError, SessionEvent, SessionRole};
use crate::params::SrtpCryptoSuite;
use crate::srtp::SrtpKeys;
use crate::time::{ClockAnchor, Instant};

/// What all sessions of a worker share.
pub(super) struct RtcContext {
    provider: Arc<dyn RTCCryptoProvider>,
    certificate: RtcCertificate,
    clock: ClockAnchor,
}

impl RtcContext {
    /// # Errors
    ///
    /// [`SessionError`] when the private key is neither ECDSA P-256 nor P-384.
    pub(super) fn new(certificate: &Certificate, clock: ClockAnchor) -> Result<Self, SessionError> {
        let key = Arc::new(OwnKey::new(certificate.private_key())?);
        Ok(Self {
            provider: default_provider().map_err(into_session_error)?,
            certificate: RtcCertificate {
                certificate: vec![CertificateDer::from(certificate.der().to_vec())],
                private_key: CryptoPrivateKey::from_signing_key(key),
            },
            clock,
        })
    }

    /// A session for the client that has echoed the `cookie` in its second message. `body` is that of
    /// this message, and `hello` what it says.
    ///
    /// # Errors
    ///
    /// [`SessionError`] when the engine refuses the message.
    pub(super) fn session(
        &self,
        now: Instant,
        cookie: Cookie,
        hello: &ClientHello,
        body: &[u8],
    ) -> Result<RtcSession, SessionError> {
        let mut session = self.unstarted(cookie, hello)?;
        // The engine wants to have sent the cookie itself, and what is in the first message.
        let first = without_cookie(body)
            .ok_or_else(|| SessionError("the hello is not sound".to_owned()))?;
        session.handle_records(now, &hello_datagram(0, &first))?;
        session.datagrams.clear();
        session.handle_records(now, &hello_datagram(1, body))?;
        Ok(session)
    }

    fn unstarted(&self, cookie: Cookie, hello: &ClientHello) -> Result<RtcSession, SessionError> {
        let provider = ProviderWithCookie {
            provider: Arc::clone(&self.provider),
            cookie,
        };
        // This engine draws the nonces of AES-GCM at random too; see `dimpl_session`.
        let suite = if hello.offers_chacha20 {
            CipherSuiteId::Tls_Ecdhe_Ecdsa_With_ChaCha20_Poly1305_Sha256
        } else {
            CipherSuiteId::Tls_Ecdhe_Ecdsa_With_Aes_128_Gcm_Sha256
        };
        let config = ConfigBuilder::default()
            .with_crypto_provider(Arc::new(provider))
            .with_certificates(vec![self.certificate.clone()])
            .with_cipher_suites(vec![suite])
            .with_srtp_protection_profiles(hello.profile.map(profile_of).into_iter().collect())
            .with_client_auth(ClientAuthType::RequireAnyClientCert)
            .with_extended_master_secret(ExtendedMasterSecretType::Require)
            // The fingerprint tells who the remote is, not a chain of certificates.
            .with_insecure_skip_verify(true)
            .with_flight_interval(NEVER)
            .with_mtu(MTU)
            .build(false, None)
            .map_err(into_session_error)?;
        Ok(RtcSession {
            clock: self.clock,
            endpoint: Endpoint::new(REMOTE, Default::default(), Some(Arc::new(config))),
            profile: hello.profile,
            is_certified: false,
            is_connected: false,
            events: VecDeque::new(),
            datagrams: VecDeque::new(),
            flight: Vec::new(),
            repeat_at: None,
            repetitions: 0,
            latest: Instant::default(),
        })
    }
}

/// A DTLS 1.2 server session by `rtc-dtls`.
pub(super) struct RtcSession {
    clock: ClockAnchor,
    endpoint: Endpoint,
    profile: Option<SrtpCryptoSuite>,
    is_certified: bool,
    is_connected: bool,
    events: VecDeque<Pending>,
    datagrams: VecDeque<BytesMut>,
    /// What was sent last and is repeated until the client answers in full.
    flight: Vec<BytesMut>,
    repeat_at: Option<Instant>,
    repetitions: u32,
    latest: Instant,
}

/// What is to be told before anything is sent.
enum Pending {
    Certificate(Vec<u8>),
    Connected(Option<SrtpKeys>),
    Data(BytesMut),
    Closed,
}

impl DtlsSession for RtcSession {
    fn start(&mut self, _: Instant, role: SessionRole) -> Result<(), SessionError> {
        match role {
            SessionRole::Server => Ok(()),
            SessionRole::Client => Err(SessionError("a server only".to_owned())),
        }
    }

    fn handle_records(&mut self, now: Instant, records: &[u8]) -> Result<(), SessionError> {
        self.latest = self.latest.max(now);
        let std_now = self.clock.to_std(self.latest);
        let read = self
            .endpoint
            .read(std_now, REMOTE, None, BytesMut::from(records));
        let events = read.map_err(into_session_error)?;
        self.note_certificate();
        for event in events {
            match event {
                EndpointEvent::HandshakeComplete => self.complete()?,
                EndpointEvent::ApplicationData(data) => self.events.push_back(Pending::Data(data)),
                EndpointEvent::PeerClosed => self.events.push_back(Pending::Closed),
                _ => {}
            }
        }
        self.take_datagrams();
        Ok(())
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), SessionError> {
        self.latest = self.latest.max(now);
        if self.repeat_at.is_none_or(|at| at > self.latest) {
            return Ok(());
        }
        if self.repetitions == REPETITIONS {
            return Err(SessionError("the remote does not answer".to_owned()));
        }
        self.repetitions += 1;
        self.datagrams.extend(self.flight.iter().cloned());
        self.repeat_at = Some(self.latest + FIRST_REPETITION * (1 << self.repetitions));
        Ok(())
    }

    fn send(&mut self, data: &[u8]) -> Result<(), SessionError> {
        if !self.is_connected {
            return Err(SessionError("not connected".to_owned()));
        }
        let now = self.clock.to_std(self.latest);
        self.endpoint
            .write(now, REMOTE, data)
            .map_err(into_session_error)?;
        self.take_datagrams();
        Ok(())
    }

    fn poll(&mut self, buffer: &mut [u8]) -> SessionEvent {
        match self.events.pop_front() {
            Some(Pending::Certificate(der)) => return SessionEvent::PeerCertificate(der),
            Some(Pending::Connected(keys)) => return SessionEvent::Connected(keys),
            Some(Pending::Data(data)) => {
                return copy(&data, buffer).map_or_else(too_long, SessionEvent::ApplicationData);
            }
            Some(Pending::Closed) => return SessionEvent::Closed,
            None => {}
        }
        match self.datagrams.pop_front() {
            Some(datagram) => copy(&datagram, buffer).map_or_else(too_long, SessionEvent::Datagram),
            None => SessionEvent::Idle(self.repeat_at),
        }
    }

    fn close(&mut self) {
        if self.is_connected {
            let now = self.clock.to_std(self.latest);
            self.endpoint.stop(now, REMOTE);
            self.take_datagrams();
        }
    }
}

impl RtcSession {
    /// Tells of the certificate before anything is sent that would end the handshake.
    fn note_certificate(&mut self) {
        if self.is_certified {
            return;
        }
        let state = self.endpoint.get_connection_state(REMOTE);
        if let Some(leaf) = state.and_then(|state| state.peer_certificates.first()) {
            self.is_certified = true;
            self.events.push_back(Pending::Certificate(leaf.clone()));
        }
    }

    fn complete(&mut self) -> Result<(), SessionError> {
        let Some(state) = self.endpoint.get_connection_state(REMOTE) else {
            return Err(SessionError("complete without a state".to_owned()));
        };
        let keys = match self.profile {
            Some(suite) => {
                let exported = state
                    .export_keying_material(EXPORTER_LABEL, &[], 2 * suite.key_and_salt_len())
                    .map_err(into_session_error)?;
                SrtpKeys::from_exporter(suite, exported.as_ref()).ok()
            }
            None => None,
        };
        self.is_connected = true;
        self.flight.clear();
        self.repeat_at = None;
        self.events.push_back(Pending::Connected(keys));
        Ok(())
    }

    fn take_datagrams(&mut self) {
        let mut sent = Vec::new();
        while let Some(transmit) = self.endpoint.poll_transmit() {
            sent.push(transmit.message);
        }
        // RFC 6347 §4.2.1: a server sends a `HelloVerifyRequest` without keeping state for it, so
        // the client asks again. What follows is repeated until it answers.
        let is_flight = sent
            .first()
            .is_some_and(|first| first.get(MESSAGE_TYPE) == Some(&SERVER_HELLO));
        if !self.is_connected && is_flight {
            self.flight.clone_from(&sent);
            self.repetitions = 0;
            self.repeat_at = Some(self.latest + FIRST_REPETITION);
        }
        self.datagrams.extend(sent);
    }
}

/// The cryptography of the engine, which draws the cookie of our choice. Nothing else that the
/// engine draws has this length.
struct ProviderWithCookie {
    provider: Arc<dyn RTCCryptoProvider>,
    cookie: Cookie,
}

impl RTCCryptoProvider for ProviderWithCookie {
    fn name(&self) -> &'static str {
        self.provider.name()
    }

    fn crypto(&self) -> &dyn RTCCrypto {
        self.provider.crypto()
    }

    fn random(&self) -> &dyn RTCRandom {
        self
    }
}

impl RTCRandom for ProviderWithCookie {
    fn fill(&self, output: &mut [u8]) -> Result<(), CryptoError> {
        match <&mut [u8; COOKIE_LEN]>::try_from(&mut *output) {
            Ok(cookie) => cookie.copy_from_slice(self.cookie.bytes()),
            Err(_) => self.provider.random().fill(output)?,
        }
        Ok(())
    }
}

fn hello_datagram(sequence: u8, body: &[u8]) -> Vec<u8> {
    let hello = message(CLIENT_HELLO, sequence.into(), body);
    plaintext_record(Content::Handshake, sequence, &hello)
}

/// The worker's private key, as this engine wants to have keys.
struct OwnKey {
    pair: EcdsaKeyPair,
    scheme: SignatureScheme,
    random: SystemRandom,
}

impl OwnKey {
    fn new(der: &[u8]) -> Result<Self, SessionError> {
        let of_kind = |kind, scheme| {
            let pair = EcdsaKeyPair::from_private_key_der(kind, der).ok()?;
            Some(Self {
                pair,
                scheme,
                random: SystemRandom::new(),
            })
        };
        of_kind(
            &ECDSA_P256_SHA256_ASN1_SIGNING,
            SignatureScheme::EcdsaP256Sha256,
        )
        .or_else(|| {
            of_kind(
                &ECDSA_P384_SHA384_ASN1_SIGNING,
                SignatureScheme::EcdsaP384Sha384,
            )
        })
        .ok_or_else(|| SessionError("the private key is neither P-256 nor P-384".to_owned()))
    }
}

impl SigningKey for OwnKey {
    fn supports(&self, scheme: SignatureScheme) -> bool {
        scheme == self.scheme
    }

    fn public_key(&self) -> PublicKey<'_> {
        PublicKey {
            encoding: PublicKeyEncoding::EcUncompressedPoint,
            bytes: self.pair.public_key().as_ref(),
        }
    }

    fn sign(&self, _: SignatureScheme, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let signature = self.pair.sign(&self.random, message);
        let signature = signature.map_err(|_| CryptoError::RandomnessFailed)?;
        Ok(signature.as_ref().to_vec())
    }
}

fn copy(bytes: &[u8], buffer: &mut [u8]) -> Option<usize> {
    buffer.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(bytes.len())
}

fn too_long() -> SessionEvent {
    SessionEvent::Failed(SessionError("does not fit a datagram".to_owned()))
}

const fn profile_of(suite: SrtpCryptoSuite) -> SrtpProtectionProfile {
    match suite {
        SrtpCryptoSuite::AeadAes256Gcm => SrtpProtectionProfile::Srtp_Aead_Aes_256_Gcm,
        SrtpCryptoSuite::AeadAes128Gcm => SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
        _ => SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
    }
}

fn into_session_error(error: impl std::fmt::Display) -> SessionError {
    SessionError(error.to_string())
}

/// The engine keeps its connections by address. A session has one connection, and the name of its
/// remote is of no matter.
const REMOTE: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 1));
/// RFC 5764 §4.2.
const EXPORTER_LABEL: &str = "EXTRACTOR-dtls_srtp";
/// As for the first engine. This one does not count the 25 bytes of headers of a fragment.
const MTU: usize = 1170;
/// The engine's own timer never runs.
const NEVER: Duration = Duration::from_secs(86_400);
const FIRST_REPETITION: Duration = Duration::from_millis(300);
const REPETITIONS: u32 = 6;
/// Where a datagram that begins with a handshake message has the type of it.
const MESSAGE_TYPE: usize = 13;
const SERVER_HELLO: u8 = 2;
