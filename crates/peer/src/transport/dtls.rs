//! The certificate, the DTLS handshake and the keys that it yields.

use std::{
    sync::{
        Arc, Once,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use webrtc_dtls::{
    config::{ClientAuthType, Config, ExtendedMasterSecretType},
    conn::DTLSConn,
    crypto::Certificate,
};
use webrtc_util::KeyingMaterialExporter;

use super::{dtls_path::DtlsPath, srtp::SrtpKeys};
use crate::{
    error::PeerError,
    params::{
        DtlsFingerprint, DtlsRole, HashAlgorithm, RemoteParameters, SrtpProfile, fingerprint_of,
        matches_any,
    },
};

/// A certificate of this peer alone: ECDSA P-256, self-signed.
pub(super) struct LocalCertificate(Certificate);

impl LocalCertificate {
    pub(super) fn generate() -> Result<Self, PeerError> {
        install_crypto_provider();
        let names = vec!["tureen-peer".to_owned()];
        Ok(Self(Certificate::generate_self_signed(names)?))
    }

    pub(super) fn fingerprint(&self) -> DtlsFingerprint {
        // The chain of a self-signed certificate holds that certificate.
        let der = self.0.certificate.first().map_or(&[][..], |der| der);
        fingerprint_of(der, HashAlgorithm::Sha256)
    }
}

/// A completed handshake with a verified peer, and what it agreed on.
pub(super) struct DtlsSession {
    pub(super) conn: DTLSConn,
    pub(super) profile: SrtpProfile,
    pub(super) keys: SrtpKeys,
}

/// Runs the handshake in the role that the remote one leaves to us, for at most `deadline`.
///
/// The crate itself retries without end, so the deadline is the only one there is.
pub(super) async fn handshake(
    path: Arc<DtlsPath>,
    certificate: LocalCertificate,
    profiles: &[SrtpProfile],
    remote: &RemoteParameters,
    deadline: Duration,
) -> Result<DtlsSession, PeerError> {
    if remote.fingerprints.is_empty() {
        return Err(PeerError::NoUsableFingerprint);
    }
    let is_client = remote.dtls_role != DtlsRole::Client;
    let mismatch = Arc::new(AtomicBool::new(false));
    let config = config(certificate, profiles, remote, Arc::clone(&mismatch));

    let shaking = DTLSConn::new(Arc::clone(&path) as _, config, is_client, None);
    let conn = match tokio::time::timeout(deadline, shaking).await {
        Ok(Ok(conn)) => conn,
        Ok(Err(_)) if mismatch.load(Ordering::SeqCst) => {
            return Err(PeerError::FingerprintMismatch);
        }
        Ok(Err(error)) => return Err(error.into()),
        Err(_) => return Err(PeerError::DtlsTimeout(deadline)),
    };
    path.established(is_client);

    let state = conn.connection_state().await;
    // The certificate that the session holds is checked once more: no key is derived for one that
    // nobody announced.
    let verified = state
        .peer_certificates
        .first()
        .is_some_and(|certificate| matches_any(certificate, &remote.fingerprints));
    if !verified {
        return Err(PeerError::FingerprintMismatch);
    }
    let profile = SrtpProfile::from_dtls(conn.selected_srtpprotection_profile())
        .filter(|profile| profiles.contains(profile))
        .ok_or_else(|| PeerError::NoCommonSrtpProfile(profiles.to_vec()))?;
    let length = SrtpKeys::exported_length(profile);
    let material = state
        .export_keying_material(EXPORTER_LABEL, &[], length)
        .await?;
    let keys = SrtpKeys::from_exported(&material, profile, is_client);
    Ok(DtlsSession {
        conn,
        profile,
        keys,
    })
}

fn config(
    certificate: LocalCertificate,
    profiles: &[SrtpProfile],
    remote: &RemoteParameters,
    mismatch: Arc<AtomicBool>,
) -> Config {
    let fingerprints = remote.fingerprints.clone();
    Config {
        certificates: vec![certificate.0],
        srtp_protection_profiles: profiles.iter().map(|profile| profile.for_dtls()).collect(),
        client_auth: ClientAuthType::RequireAnyClientCert,
        extended_master_secret: ExtendedMasterSecretType::Request,
        // The certificate is self-signed: the announced fingerprint is what verifies it (RFC 8827
        // §6.5).
        insecure_skip_verify: true,
        verify_peer_certificate: Some(Arc::new(move |certificates, _| {
            let end_entity = certificates.first();
            if end_entity.is_some_and(|der| matches_any(der, &fingerprints)) {
                return Ok(());
            }
            mismatch.store(true, Ordering::SeqCst);
            Err(webrtc_dtls::Error::Other("fingerprint mismatch".to_owned()))
        })),
        ..Config::default()
    }
}

/// The DTLS crate builds rustls verifiers even where it never asks them, and rustls panics when a
/// process links more than one provider and has chosen none.
fn install_crypto_provider() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        // This fails when the application has installed a provider already; that one will do.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    });
}

/// RFC 5764 §4.2.
const EXPORTER_LABEL: &str = "EXTRACTOR-dtls_srtp";

#[cfg(test)]
mod tests;
