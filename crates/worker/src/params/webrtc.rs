//! ICE and DTLS parameters, and the tuples that the channel shows.

use crate::output::Protocol;

/// ICE credentials (RFC 8445 §5.3). The agent is always lite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IceParameters {
    /// The username fragment.
    pub username_fragment: String,
    /// The password.
    pub password: String,
}

/// A host candidate (RFC 8445 §5.1.1); TCP ones are passive (RFC 6544).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IceCandidate {
    /// The same for candidates of the same kind and protocol.
    pub foundation: String,
    /// RFC 8445 §5.1.2.
    pub priority: u32,
    /// An IP or an announced host name.
    pub address: String,
    /// UDP or TCP.
    pub protocol: Protocol,
    /// The port.
    pub port: u16,
}

/// The state of the ICE agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IceState {
    /// No valid check yet.
    New,
    /// A tuple is valid, none is nominated.
    Connected,
    /// A tuple is nominated.
    Completed,
    /// Consent was lost (RFC 7675), or every tuple is gone.
    Disconnected,
}

/// The state of the DTLS session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DtlsState {
    /// Not started.
    New,
    /// The handshake is under way.
    Connecting,
    /// Keys are installed.
    Connected,
    /// The handshake failed, or the fingerprint did not match.
    Failed,
    /// The session was closed.
    Closed,
}

/// DTLS role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DtlsRole {
    /// Not decided yet.
    Auto,
    /// Sends the `ClientHello`.
    Client,
    /// Waits for it.
    Server,
}

/// DTLS parameters of one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DtlsParameters {
    /// Fingerprints of the certificate.
    pub fingerprints: Vec<Fingerprint>,
    /// The role.
    pub role: DtlsRole,
}

/// A certificate fingerprint (RFC 8122 §5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// The hash function.
    pub algorithm: FingerprintAlgorithm,
    /// Upper-case hexadecimal bytes with colons.
    pub value: String,
}

/// Hash functions of fingerprints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FingerprintAlgorithm {
    /// SHA-1.
    Sha1,
    /// SHA-224.
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl FingerprintAlgorithm {
    /// Length of a fingerprint, in bytes.
    #[must_use]
    pub const fn digest_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// A tuple as the channel shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tuple {
    /// The announced address if there is one, else the local IP.
    pub local_address: String,
    /// The local port.
    pub local_port: u16,
    /// The remote IP once known.
    pub remote_ip: Option<String>,
    /// The remote port; 0 until known.
    pub remote_port: u16,
    /// UDP or TCP.
    pub protocol: Protocol,
}
