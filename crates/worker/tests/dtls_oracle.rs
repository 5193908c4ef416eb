//! DTLS handshakes with an independent implementation, as client and as server. They are in a test
//! binary of their own, because that implementation's crates make plain comparisons such as
//! `assert_eq!(numbers, [])` ambiguous in every binary that links them.

#![expect(clippy::disallowed_methods, reason = "the peer runs in real time")]

use std::sync::Arc;
use std::time::Duration;

use tureen_worker::internal::dtls::{
    Certificate, DimplContext, DtlsEngines, DtlsKeys, DtlsOutput, DtlsSession, DtlsTransport,
    fingerprint,
};
use tureen_worker::internal::output::MAX_DATAGRAM;
use tureen_worker::internal::params::{DtlsRole, DtlsState, FingerprintAlgorithm, SrtpCryptoSuite};
use tureen_worker::internal::srtp::{MasterKey, SrtpKeys};
use tureen_worker::internal::time::{ClockAnchor, Instant};
use webrtc_dtls::cipher_suite::CipherSuiteId;
use webrtc_dtls::config::{ClientAuthType, Config};
use webrtc_dtls::conn::DTLSConn;
use webrtc_dtls::crypto::Certificate as PeerCertificate;
use webrtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile::{
    self, Srtp_Aead_Aes_128_Gcm, Srtp_Aead_Aes_256_Gcm, Srtp_Aes128_Cm_Hmac_Sha1_80,
};
use webrtc_util::conn::conn_pipe::pipe;
use webrtc_util::{Conn, KeyingMaterialExporter};

struct Peer {
    profiles: Vec<SrtpProtectionProfile>,
    cipher_suites: Vec<CipherSuiteId>,
}

impl Peer {
    fn new(profiles: Vec<SrtpProtectionProfile>) -> Self {
        Self {
            profiles,
            cipher_suites: Vec::new(),
        }
    }
}

/// Runs a handshake in which we play `role`; returns our keys and the peer's.
async fn handshake<S: DtlsSession>(
    session: S,
    clock: ClockAnchor,
    role: DtlsRole,
    peer: Peer,
) -> (Box<DtlsKeys>, SrtpKeys) {
    let now = || clock.from_std(std::time::Instant::now());
    let mut dtls = DtlsTransport::new(session);
    let certificate = PeerCertificate::generate_self_signed(vec!["peer".to_owned()]).unwrap();
    dtls.set_remote_fingerprint(fingerprint(
        FingerprintAlgorithm::Sha256,
        &certificate.certificate[0],
    ));
    dtls.start(now(), role);

    let config = Config {
        certificates: vec![certificate],
        cipher_suites: peer.cipher_suites,
        srtp_protection_profiles: peer.profiles,
        client_auth: ClientAuthType::RequireAnyClientCert,
        insecure_skip_verify: true,
        ..Config::default()
    };
    let (ours, theirs) = pipe();
    let peer_is_client = role == DtlsRole::Server;
    let peer = tokio::spawn(async move {
        let conn = DTLSConn::new(Arc::new(theirs), config, peer_is_client, None).await;
        let conn = conn.unwrap();
        // The connection lives on until our side has everything.
        (exported(&conn).await, conn)
    });

    let mut buffer = [0; MAX_DATAGRAM];
    let keys = loop {
        match dtls.poll(now(), &mut buffer) {
            DtlsOutput::Datagram(len) => {
                ours.send(&buffer[..len]).await.unwrap();
            }
            DtlsOutput::Connected(keys) => break keys,
            DtlsOutput::State(state) => assert_eq!(state, DtlsState::Connecting),
            DtlsOutput::ApplicationData(_) => panic!("nobody sends data"),
            DtlsOutput::Idle => {
                let wait = dtls.deadline().unwrap().since(now());
                match tokio::time::timeout(wait, ours.recv(&mut buffer)).await {
                    Ok(len) => dtls.handle_datagram(now(), &buffer[..len.unwrap()]),
                    Err(_) => dtls.handle_timeout(now()),
                }
            }
        }
    };
    while let DtlsOutput::Datagram(len) = dtls.poll(now(), &mut buffer) {
        ours.send(&buffer[..len]).await.unwrap();
    }
    let (peer_keys, _conn) = peer.await.unwrap();
    (keys, peer_keys)
}

async fn exported(conn: &DTLSConn) -> SrtpKeys {
    let suite = match conn.selected_srtpprotection_profile() {
        Srtp_Aead_Aes_256_Gcm => SrtpCryptoSuite::AeadAes256Gcm,
        Srtp_Aead_Aes_128_Gcm => SrtpCryptoSuite::AeadAes128Gcm,
        _ => SrtpCryptoSuite::AesCm128HmacSha1_80,
    };
    let state = conn.connection_state().await;
    let exported = state
        .export_keying_material("EXTRACTOR-dtls_srtp", &[], 2 * suite.key_and_salt_len())
        .await
        .unwrap();
    SrtpKeys::from_exporter(suite, &exported).unwrap()
}

/// What serves the peer.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Engine {
    /// The first one, whoever the peer is.
    First,
    /// The one that suits the peer, which does not offer DTLS 1.3: the second.
    Chosen,
}

fn run(engine: Engine, role: DtlsRole, peer: Peer) -> (Box<DtlsKeys>, SrtpKeys) {
    // The peer checks certificates with rustls. If two providers are compiled in, as in a build of
    // the whole workspace, rustls picks none by itself. A second installation changes nothing.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let clock = ClockAnchor {
        at: Instant::default(),
        std: std::time::Instant::now(),
        unix: Duration::ZERO,
    };
    let certificate = Certificate::generate().unwrap();
    let limit = Duration::from_secs(30);
    let result = match engine {
        Engine::First => {
            let session = DimplContext::new(certificate, clock).unwrap().session();
            runtime.block_on(async {
                tokio::time::timeout(limit, handshake(session, clock, role, peer)).await
            })
        }
        Engine::Chosen => {
            let session = DtlsEngines::new(certificate, clock).unwrap().session();
            runtime.block_on(async {
                tokio::time::timeout(limit, handshake(session, clock, role, peer)).await
            })
        }
    };
    result.expect("the handshake ends")
}

/// Ours are those of the client and of the server.
fn assert_agree(ours: [&MasterKey; 2], theirs: &SrtpKeys) {
    for (ours, theirs) in ours.into_iter().zip([&theirs.client, &theirs.server]) {
        assert_eq!((ours.key(), ours.salt()), (theirs.key(), theirs.salt()));
    }
}

#[test]
fn as_server_we_choose_the_profile_and_derive_the_peers_keys() {
    for (profiles, expected) in [
        (
            vec![
                Srtp_Aes128_Cm_Hmac_Sha1_80,
                Srtp_Aead_Aes_256_Gcm,
                Srtp_Aead_Aes_128_Gcm,
            ],
            SrtpCryptoSuite::AeadAes256Gcm,
        ),
        (
            vec![Srtp_Aes128_Cm_Hmac_Sha1_80, Srtp_Aead_Aes_128_Gcm],
            SrtpCryptoSuite::AeadAes128Gcm,
        ),
        (
            vec![Srtp_Aes128_Cm_Hmac_Sha1_80],
            SrtpCryptoSuite::AesCm128HmacSha1_80,
        ),
    ] {
        for engine in [Engine::First, Engine::Chosen] {
            let peer = Peer::new(profiles.clone());
            let (ours, theirs) = run(engine, DtlsRole::Server, peer);
            assert_eq!(ours.local.suite(), expected, "{engine:?}");
            assert_agree([&ours.remote, &ours.local], &theirs);
        }
    }
}

#[test]
fn as_client_we_derive_the_peers_keys() {
    let peer = Peer::new(vec![Srtp_Aead_Aes_256_Gcm]);
    let (ours, theirs) = run(Engine::Chosen, DtlsRole::Client, peer);
    assert_eq!(ours.local.suite(), SrtpCryptoSuite::AeadAes256Gcm);
    assert_agree([&ours.local, &ours.remote], &theirs);
}

#[test]
fn a_peer_with_aes_gcm_alone_is_served() {
    for engine in [Engine::First, Engine::Chosen] {
        let peer = Peer {
            cipher_suites: vec![CipherSuiteId::Tls_Ecdhe_Ecdsa_With_Aes_128_Gcm_Sha256],
            ..Peer::new(vec![Srtp_Aead_Aes_256_Gcm])
        };
        let (ours, theirs) = run(engine, DtlsRole::Server, peer);
        assert_agree([&ours.remote, &ours.local], &theirs);
    }
}
