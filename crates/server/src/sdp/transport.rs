//! ICE and DTLS parameters of a description.

use tureen_controller::{DtlsFingerprint, DtlsParameters, DtlsRole, FingerprintAlgorithm};

use super::SdpError;
use super::text::Attributes;

/// What the client says of its side.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RemoteTransport {
    /// `a=ice-ufrag`; another one than before asks for an ICE restart (RFC 8839 §4.4.1.1.1).
    pub ice_ufrag: String,
    /// The certificate's fingerprints.
    pub fingerprints: Vec<DtlsFingerprint>,
    /// `a=setup`, if there is one.
    pub(super) setup: Option<Setup>,
}

/// Who opens the DTLS association (RFC 8842 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Setup {
    Active,
    Passive,
    Actpass,
}

impl RemoteTransport {
    /// The parameters to connect a transport with: the browser is the DTLS client.
    pub(crate) fn dtls_parameters(&self) -> DtlsParameters {
        DtlsParameters {
            role: DtlsRole::Client,
            fingerprints: self.fingerprints.clone(),
        }
    }

    /// Reads the attributes of a media section, and of the session where the section has none.
    pub(super) fn parse(
        media: &Attributes<'_>,
        session: &Attributes<'_>,
    ) -> Result<Self, SdpError> {
        let either = |name: &'static str| match media.get(name) {
            Some(value) => Ok(value),
            None => session.get(name).ok_or_else(|| SdpError::Missing {
                section: media.place(),
                attribute: name,
            }),
        };
        let ice_ufrag = either("ice-ufrag")?;
        if !(4..=256).contains(&ice_ufrag.len()) {
            return Err(media.malformed("ice-ufrag"));
        }
        let password = either("ice-pwd")?;
        if !(22..=256).contains(&password.len()) {
            return Err(media.malformed("ice-pwd"));
        }
        let mut fingerprints = fingerprints(media);
        if fingerprints.is_empty() {
            fingerprints = self::fingerprints(session);
        }
        if fingerprints.is_empty() {
            either("fingerprint")?;
            return Err(media.malformed("fingerprint"));
        }
        let setup = match media.get("setup").or_else(|| session.get("setup")) {
            None => None,
            Some("active") => Some(Setup::Active),
            Some("passive") => Some(Setup::Passive),
            Some("actpass") => Some(Setup::Actpass),
            Some(other) => return Err(SdpError::Setup(other.to_owned())),
        };
        Ok(Self {
            ice_ufrag: ice_ufrag.to_owned(),
            fingerprints,
            setup,
        })
    }

    /// Whether the other side can be the DTLS client. "The default value of the setup attribute in
    /// an offer/answer exchange is 'active' in the offer and 'passive' in the answer" (RFC 4145 §4).
    pub(super) fn require_client(&self, default: Setup) -> Result<(), SdpError> {
        match self.setup.unwrap_or(default) {
            Setup::Active | Setup::Actpass => Ok(()),
            Setup::Passive => Err(SdpError::Setup("passive".to_owned())),
        }
    }
}

/// `<hash function> <hex bytes with colons>` (RFC 8122 §5); hashes that the worker does
/// not know, and what cannot be read, are passed over as long as one is left.
fn fingerprints(attributes: &Attributes<'_>) -> Vec<DtlsFingerprint> {
    let mut list = Vec::new();
    for value in attributes.all("fingerprint") {
        let Some((algorithm, value)) = value.trim().split_once(' ') else {
            continue;
        };
        let Some(algorithm) = parse_algorithm(&algorithm.to_ascii_lowercase()) else {
            continue;
        };
        let is_hex = value.len() <= MAX_FINGERPRINT
            && value
                .split(':')
                .all(|byte| byte.len() == 2 && byte.bytes().all(|digit| digit.is_ascii_hexdigit()));
        if !is_hex {
            continue;
        }
        // A worker checks the first one only: let that be the one everybody has.
        let place = if algorithm == FingerprintAlgorithm::Sha256 {
            0
        } else {
            list.len()
        };
        let fingerprint = DtlsFingerprint {
            algorithm,
            value: value.to_ascii_uppercase(),
        };
        list.insert(place, fingerprint);
        list.truncate(MAX_FINGERPRINTS);
    }
    list
}

/// The name of a hash function in descriptions.
pub(super) fn algorithm_name(algorithm: FingerprintAlgorithm) -> &'static str {
    let named = ALGORITHMS
        .iter()
        .find(|(_, candidate)| *candidate == algorithm);
    named.map_or("", |(name, _)| name)
}

fn parse_algorithm(text: &str) -> Option<FingerprintAlgorithm> {
    let (_, algorithm) = ALGORITHMS.iter().find(|(name, _)| *name == text)?;
    Some(*algorithm)
}

/// That of SHA-512: 64 bytes in hexadecimal, and the colons.
const MAX_FINGERPRINT: usize = 64 * 3 - 1;
/// As many as there are hash functions, and a few of other certificates.
const MAX_FINGERPRINTS: usize = 8;
/// RFC 8122 §5; MD5 and MD2 are not to be used any more.
const ALGORITHMS: [(&str, FingerprintAlgorithm); 5] = [
    ("sha-1", FingerprintAlgorithm::Sha1),
    ("sha-224", FingerprintAlgorithm::Sha224),
    ("sha-256", FingerprintAlgorithm::Sha256),
    ("sha-384", FingerprintAlgorithm::Sha384),
    ("sha-512", FingerprintAlgorithm::Sha512),
];
