//! Against `dimpl`, an implementation of DTLS that shares no code with `webrtc-dtls`.

use std::time::Instant;

use dimpl::{Dtls, DtlsCertificate, Output};
use tokio::{sync::mpsc, task::JoinHandle};
use webrtc_util::{Conn, conn::conn_pipe::pipe};

use super::{super::counters::Counters, *};

/// What the other implementation saw until the session was closed.
#[derive(Default)]
struct Seen {
    certificate: Vec<u8>,
    material: Vec<u8>,
    profile: Option<dimpl::SrtpProfile>,
    close_notify: bool,
}

async fn run_dimpl(mut dtls: Dtls, conn: impl Conn) -> Seen {
    let mut seen = Seen::default();
    let mut buf = vec![0; 4096];
    while !seen.close_notify {
        let wake = loop {
            match dtls.poll_output(&mut buf) {
                Output::Packet(packet) => {
                    conn.send(packet).await.unwrap();
                }
                Output::PeerCert(certificate) => seen.certificate = certificate.to_vec(),
                Output::KeyingMaterial(material, profile) => {
                    seen.material = material.to_vec();
                    seen.profile = Some(profile);
                }
                Output::CloseNotify => seen.close_notify = true,
                Output::Timeout(wake) => break wake,
                _ => {}
            }
        };
        tokio::select! {
            () = tokio::time::sleep_until(wake.into()) => {}
            received = conn.recv(&mut buf) => {
                let length = received.unwrap();
                dtls.handle_timeout(Instant::now()).unwrap();
                dtls.handle_packet(&buf[..length]).unwrap();
                continue;
            }
        }
        dtls.handle_timeout(Instant::now()).unwrap();
    }
    seen
}

/// A path to a running `dimpl`, and that one's end.
fn start_dimpl(
    certificate: &LocalCertificate,
    is_client: bool,
) -> (Arc<DtlsPath>, JoinHandle<Seen>) {
    let certificate = DtlsCertificate {
        certificate: certificate.0.certificate[0].to_vec(),
        private_key: certificate.0.private_key.serialized_der.clone(),
    };
    let config = dimpl::Config::builder().build().unwrap();
    let mut dtls = Dtls::new_12(Arc::new(config), certificate, Instant::now());
    dtls.set_active(is_client);
    dtls.handle_timeout(Instant::now()).unwrap();

    let (near, far) = pipe();
    let near = Arc::new(near);
    let (inbound_tx, inbound) = mpsc::channel(64);
    let reader = Arc::clone(&near);
    tokio::spawn(async move {
        let mut buf = vec![0; 4096];
        while let Ok(length) = reader.recv(&mut buf).await {
            let datagram = bytes::Bytes::copy_from_slice(&buf[..length]);
            if inbound_tx.send(datagram).await.is_err() {
                return;
            }
        }
    });
    let path = DtlsPath::new(near, inbound, Arc::new(Counters::default()));
    (Arc::new(path), tokio::spawn(run_dimpl(dtls, far)))
}

#[tokio::test]
async fn keys_agree_with_an_independent_implementation_in_both_roles() {
    let deadline = Duration::from_secs(20);
    for profile in SrtpProfile::ALL {
        for is_client in [true, false] {
            let ours = LocalCertificate::generate().unwrap();
            let theirs = LocalCertificate::generate().unwrap();
            let our_fingerprint = ours.fingerprint();
            let (path, dimpl) = start_dimpl(&theirs, !is_client);
            let remote = RemoteParameters {
                username_fragment: String::new(),
                password: String::new(),
                candidates: Vec::new(),
                dtls_role: if is_client {
                    DtlsRole::Auto
                } else {
                    DtlsRole::Client
                },
                fingerprints: vec![theirs.fingerprint()],
            };
            let session = handshake(path, ours, &[profile], &remote, deadline)
                .await
                .unwrap();
            assert_eq!(session.profile, profile);
            session.conn.close().await.unwrap();

            let seen = tokio::time::timeout(deadline, dimpl).await.unwrap();
            let seen = seen.unwrap();
            let expected = match profile {
                SrtpProfile::AeadAes256Gcm => dimpl::SrtpProfile::AEAD_AES_256_GCM,
                SrtpProfile::AeadAes128Gcm => dimpl::SrtpProfile::AEAD_AES_128_GCM,
                SrtpProfile::AesCm128HmacSha1_80 => dimpl::SrtpProfile::AES128_CM_SHA1_80,
            };
            assert_eq!(seen.profile, Some(expected));
            let certificate = fingerprint_of(&seen.certificate, HashAlgorithm::Sha256);
            assert_eq!(certificate, our_fingerprint);
            let keys = SrtpKeys::from_exported(&seen.material, profile, is_client);
            assert!(keys == session.keys, "{profile}, client: {is_client}");
        }
    }
}
