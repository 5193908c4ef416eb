//! What two endpoints tell each other before they connect.

mod candidate;
mod fingerprint;
mod profile;

pub use candidate::{IceCandidate, IceCandidateError, IceProtocol};
pub use fingerprint::{DtlsFingerprint, FingerprintError, HashAlgorithm};
pub use profile::SrtpProfile;

pub(crate) use fingerprint::{fingerprint_of, matches_any};

/// The part an endpoint plays, or offers to play, in the DTLS handshake (RFC 8842 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DtlsRole {
    /// Either; the other side chooses. A peer that connects to `Auto` becomes the client.
    #[default]
    Auto,
    /// Sends the ClientHello (`a=setup:active`).
    Client,
    /// Waits for the ClientHello (`a=setup:passive`).
    Server,
}

/// What a [`Peer`](crate::Peer) tells the other side before they connect.
#[derive(Debug, Clone)]
pub struct LocalParameters {
    /// ICE username fragment (RFC 8445 §5.3), 16 characters.
    pub username_fragment: String,
    /// ICE password, 32 characters.
    pub password: String,
    /// Host candidates, UDP, in no particular order.
    pub candidates: Vec<IceCandidate>,
    /// SHA-256 of the peer's own certificate.
    pub fingerprint: DtlsFingerprint,
}

/// What the other side announced: for an SFU, the parameters of its WebRtcTransport.
#[derive(Debug, Clone)]
pub struct RemoteParameters {
    /// ICE username fragment of the remote side.
    pub username_fragment: String,
    /// ICE password of the remote side.
    pub password: String,
    /// Candidates of the remote side; those over TCP are passed over.
    pub candidates: Vec<IceCandidate>,
    /// The role of the remote side: we are client unless it is [`DtlsRole::Client`].
    pub dtls_role: DtlsRole,
    /// Fingerprints of the remote certificate, any order and any number of algorithms.
    pub fingerprints: Vec<DtlsFingerprint>,
}
