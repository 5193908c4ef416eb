//! ICE and DTLS parameters, candidates and states.

use serde::{Deserialize, Serialize};
use tureen_channel_fbs::fbs::web_rtc_transport as fbs;

use crate::encoding::read_protocol;
use crate::listen_info::Protocol;

/// ICE credentials of one side (RFC 8445 §5.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IceParameters {
    /// User name fragment.
    pub username_fragment: String,
    /// Password.
    pub password: String,
    /// Whether the side is ICE-lite (RFC 8445 §2.5); workers are.
    #[serde(default)]
    pub ice_lite: bool,
}

/// An address the worker can be reached at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IceCandidate {
    /// Foundation (RFC 8445 §5.1.1.3).
    pub foundation: String,
    /// Priority (RFC 8445 §5.1.2).
    pub priority: u32,
    /// The same as `address`, for older clients.
    pub ip: String,
    /// IP address or host name.
    pub address: String,
    /// UDP or TCP.
    pub protocol: Protocol,
    /// Port.
    pub port: u16,
    /// Always `host`.
    #[serde(rename = "type")]
    pub candidate_type: IceCandidateType,
    /// Present for TCP: always `passive` (RFC 6544 §4.5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp_type: Option<IceTcpCandidateType>,
}

/// Type of an ICE candidate; workers have no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IceCandidateType {
    /// An address of the host itself.
    Host,
}

/// Type of a TCP candidate; workers have no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IceTcpCandidateType {
    /// It waits for the other side to connect.
    Passive,
}

/// Role in ICE (RFC 8445 §6.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IceRole {
    /// The other side nominates. A worker is ICE-lite, so this is always its role.
    Controlled,
    /// This side nominates.
    Controlling,
}

/// State of ICE.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IceState {
    /// No check has arrived.
    #[default]
    New,
    /// A check has arrived; nothing is nominated.
    Connected,
    /// A path is nominated.
    Completed,
    /// Consent (RFC 7675) has run out.
    Disconnected,
}

/// DTLS role and certificate fingerprints of one side (RFC 8842).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DtlsParameters {
    /// Role in the handshake; absent in JSON means `auto`.
    #[serde(default)]
    pub role: DtlsRole,
    /// Fingerprints of the certificate; a worker checks the first one.
    pub fingerprints: Vec<DtlsFingerprint>,
}

/// Role in the DTLS handshake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DtlsRole {
    /// Either; settled when the transport is connected.
    #[default]
    Auto,
    /// It sends the ClientHello.
    Client,
    /// It waits for the ClientHello.
    Server,
}

/// Fingerprint of a certificate (RFC 8122 §5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DtlsFingerprint {
    /// Hash function.
    pub algorithm: FingerprintAlgorithm,
    /// Bytes of the hash in hexadecimal, separated by colons.
    pub value: String,
}

/// Hash function of a fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FingerprintAlgorithm {
    /// SHA-1
    #[serde(rename = "sha-1")]
    Sha1,
    /// SHA-224
    #[serde(rename = "sha-224")]
    Sha224,
    /// SHA-256
    #[serde(rename = "sha-256")]
    Sha256,
    /// SHA-384
    #[serde(rename = "sha-384")]
    Sha384,
    /// SHA-512
    #[serde(rename = "sha-512")]
    Sha512,
}

impl FingerprintAlgorithm {
    /// Its name as in SDP and JSON (RFC 8122 §5), for example `sha-256`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha1 => "sha-1",
            Self::Sha224 => "sha-224",
            Self::Sha256 => "sha-256",
            Self::Sha384 => "sha-384",
            Self::Sha512 => "sha-512",
        }
    }
}

/// State of DTLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DtlsState {
    /// No handshake yet.
    #[default]
    New,
    /// In the handshake.
    Connecting,
    /// The fingerprint was right; media flows.
    Connected,
    /// The handshake failed or the fingerprint was wrong.
    Failed,
    /// The other side closed it.
    Closed,
}

pub(super) fn read_ice_parameters(parameters: fbs::IceParameters<'_>) -> IceParameters {
    IceParameters {
        username_fragment: parameters.username_fragment().to_owned(),
        password: parameters.password().to_owned(),
        ice_lite: parameters.ice_lite(),
    }
}

pub(super) fn read_ice_candidate(candidate: fbs::IceCandidate<'_>) -> Option<IceCandidate> {
    let candidate_type = match candidate.type_() {
        fbs::IceCandidateType::HOST => IceCandidateType::Host,
        _ => return None,
    };
    let tcp_type = match candidate.tcp_type() {
        None => None,
        Some(fbs::IceCandidateTcpType::PASSIVE) => Some(IceTcpCandidateType::Passive),
        Some(_) => return None,
    };
    Some(IceCandidate {
        foundation: candidate.foundation().to_owned(),
        priority: candidate.priority(),
        ip: candidate.address().to_owned(),
        address: candidate.address().to_owned(),
        protocol: read_protocol(candidate.protocol())?,
        port: candidate.port(),
        candidate_type,
        tcp_type,
    })
}

pub(super) fn read_ice_role(role: fbs::IceRole) -> Option<IceRole> {
    match role {
        fbs::IceRole::CONTROLLED => Some(IceRole::Controlled),
        fbs::IceRole::CONTROLLING => Some(IceRole::Controlling),
        _ => None,
    }
}

pub(super) fn read_ice_state(state: fbs::IceState) -> Option<IceState> {
    match state {
        fbs::IceState::NEW => Some(IceState::New),
        fbs::IceState::CONNECTED => Some(IceState::Connected),
        fbs::IceState::COMPLETED => Some(IceState::Completed),
        fbs::IceState::DISCONNECTED => Some(IceState::Disconnected),
        _ => None,
    }
}

pub(super) fn read_dtls_state(state: fbs::DtlsState) -> Option<DtlsState> {
    match state {
        fbs::DtlsState::NEW => Some(DtlsState::New),
        fbs::DtlsState::CONNECTING => Some(DtlsState::Connecting),
        fbs::DtlsState::CONNECTED => Some(DtlsState::Connected),
        fbs::DtlsState::FAILED => Some(DtlsState::Failed),
        fbs::DtlsState::CLOSED => Some(DtlsState::Closed),
        _ => None,
    }
}

pub(super) fn dtls_role(role: DtlsRole) -> fbs::DtlsRole {
    match role {
        DtlsRole::Auto => fbs::DtlsRole::AUTO,
        DtlsRole::Client => fbs::DtlsRole::CLIENT,
        DtlsRole::Server => fbs::DtlsRole::SERVER,
    }
}

pub(super) fn read_dtls_role(role: fbs::DtlsRole) -> Option<DtlsRole> {
    match role {
        fbs::DtlsRole::AUTO => Some(DtlsRole::Auto),
        fbs::DtlsRole::CLIENT => Some(DtlsRole::Client),
        fbs::DtlsRole::SERVER => Some(DtlsRole::Server),
        _ => None,
    }
}

pub(super) fn fingerprint_algorithm(algorithm: FingerprintAlgorithm) -> fbs::FingerprintAlgorithm {
    match algorithm {
        FingerprintAlgorithm::Sha1 => fbs::FingerprintAlgorithm::SHA1,
        FingerprintAlgorithm::Sha224 => fbs::FingerprintAlgorithm::SHA224,
        FingerprintAlgorithm::Sha256 => fbs::FingerprintAlgorithm::SHA256,
        FingerprintAlgorithm::Sha384 => fbs::FingerprintAlgorithm::SHA384,
        FingerprintAlgorithm::Sha512 => fbs::FingerprintAlgorithm::SHA512,
    }
}

pub(super) fn read_dtls_parameters(parameters: fbs::DtlsParameters<'_>) -> Option<DtlsParameters> {
    let fingerprints = parameters.fingerprints().iter().map(|fingerprint| {
        let algorithm = match fingerprint.algorithm() {
            fbs::FingerprintAlgorithm::SHA1 => FingerprintAlgorithm::Sha1,
            fbs::FingerprintAlgorithm::SHA224 => FingerprintAlgorithm::Sha224,
            fbs::FingerprintAlgorithm::SHA256 => FingerprintAlgorithm::Sha256,
            fbs::FingerprintAlgorithm::SHA384 => FingerprintAlgorithm::Sha384,
            fbs::FingerprintAlgorithm::SHA512 => FingerprintAlgorithm::Sha512,
            _ => return None,
        };
        Some(DtlsFingerprint {
            algorithm,
            value: fingerprint.value().to_owned(),
        })
    });
    Some(DtlsParameters {
        role: read_dtls_role(parameters.role())?,
        fingerprints: fingerprints.collect::<Option<_>>()?,
    })
}
