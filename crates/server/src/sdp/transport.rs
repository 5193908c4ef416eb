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
        let Some((algorithm, length)) = parse_algorithm(&algorithm.to_ascii_lowercase()) else {
            continue;
        };
        let is_hex =
            |byte: &str| byte.len() == 2 && byte.bytes().all(|one| one.is_ascii_hexdigit());
        // Of a value of any length no more is looked at than a digest has.
        let bytes = value.split(':').take(length + 1);
        if bytes.clone().count() != length || !bytes.clone().all(is_hex) {
            continue;
        }
        // The worker checks only the first fingerprint, so SHA-256, which every peer sends, goes
        // first.
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
        .find(|(_, candidate, _)| *candidate == algorithm);
    named.map_or("", |(name, ..)| name)
}

/// The hash function of this name, and how many bytes its digest has.
fn parse_algorithm(text: &str) -> Option<(FingerprintAlgorithm, usize)> {
    let known = ALGORITHMS.iter().find(|(name, ..)| *name == text);
    known.map(|(_, algorithm, length)| (*algorithm, *length))
}

/// As many as there are hash functions, and a few of other certificates.
const MAX_FINGERPRINTS: usize = 8;
/// RFC 8122 §5; MD5 and MD2 are not to be used any more. The number is the digest's length in bytes
/// (FIPS 180-4, figure 1).
const ALGORITHMS: [(&str, FingerprintAlgorithm, usize); 5] = [
    ("sha-1", FingerprintAlgorithm::Sha1, 20),
    ("sha-224", FingerprintAlgorithm::Sha224, 28),
    ("sha-256", FingerprintAlgorithm::Sha256, 32),
    ("sha-384", FingerprintAlgorithm::Sha384, 48),
    ("sha-512", FingerprintAlgorithm::Sha512, 64),
];
