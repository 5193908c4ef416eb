//! Why a peer cannot connect.

use std::time::Duration;

use crate::params::SrtpProfile;

/// Why a [`Peer`](crate::Peer) could not be made or could not connect.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// The configuration offers no SRTP profile.
    #[error("srtp_profiles is empty")]
    NoSrtpProfiles,
    /// The remote parameters hold no UDP candidate; TCP candidates are not supported.
    #[error("candidates holds no UDP candidate")]
    NoUdpCandidate,
    /// The remote parameters hold no SHA-256, SHA-384 or SHA-512 fingerprint.
    #[error("fingerprints holds none of a supported algorithm")]
    NoUsableFingerprint,
    /// No local address could be bound.
    #[error("no local candidate could be gathered")]
    NoLocalCandidate,
    /// The ICE agent refused its configuration or the remote parameters.
    #[error("ICE: {0}")]
    Ice(#[from] webrtc_ice::Error),
    /// No candidate pair worked within the deadline.
    #[error("ICE found no working candidate pair within {0:?}")]
    IceTimeout(Duration),
    /// The certificate could not be made, or the handshake failed.
    #[error("DTLS: {0}")]
    Dtls(#[from] webrtc_dtls::Error),
    /// The DTLS handshake did not complete within the deadline.
    #[error("the DTLS handshake did not complete within {0:?}")]
    DtlsTimeout(Duration),
    /// The certificate of the remote side matches none of the announced fingerprints.
    #[error("the remote certificate does not match the announced fingerprint")]
    FingerprintMismatch,
    /// The handshake agreed on no SRTP profile, or on one that was not offered.
    #[error("no common SRTP profile (offered: {0:?})")]
    NoCommonSrtpProfile(Vec<SrtpProfile>),
    /// Keys could not be exported from the DTLS session.
    #[error("SRTP keys: {0}")]
    KeyExport(#[from] webrtc_util::KeyingMaterialExporterError),
    /// The SRTP context refused the keys.
    #[error("SRTP: {0}")]
    Srtp(#[from] webrtc_srtp::Error),
}
