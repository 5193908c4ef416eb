//! Certificate fingerprints, and the comparison of a certificate with those that were announced.

use std::{fmt, str::FromStr};

use aws_lc_rs::digest;

/// Hash functions of certificate fingerprints, weakest first so that they compare by strength.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HashAlgorithm {
    /// `sha-256`
    Sha256,
    /// `sha-384`
    Sha384,
    /// `sha-512`
    Sha512,
}

impl HashAlgorithm {
    /// The token of RFC 8122 §5.
    pub fn token(self) -> &'static str {
        match self {
            Self::Sha256 => "sha-256",
            Self::Sha384 => "sha-384",
            Self::Sha512 => "sha-512",
        }
    }

    fn digest(self, data: &[u8]) -> digest::Digest {
        let algorithm = match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        };
        digest::digest(algorithm, data)
    }

    fn octets(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

impl FromStr for HashAlgorithm {
    type Err = FingerprintError;

    fn from_str(token: &str) -> Result<Self, FingerprintError> {
        [Self::Sha256, Self::Sha384, Self::Sha512]
            .into_iter()
            .find(|algorithm| token.eq_ignore_ascii_case(algorithm.token()))
            .ok_or_else(|| FingerprintError::Algorithm(token.to_owned()))
    }
}

/// The hash of a certificate, as announced over signaling (RFC 8122 §5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DtlsFingerprint {
    algorithm: HashAlgorithm,
    hash: Vec<u8>,
}

/// Why an announced fingerprint cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FingerprintError {
    /// The hash function is not one of [`HashAlgorithm`].
    #[error("unsupported fingerprint algorithm {0:?}")]
    Algorithm(String),
    /// The value is not the right number of hexadecimal octets separated by colons.
    #[error("fingerprint value is not {expected} octets of hexadecimal separated by colons")]
    Value {
        /// The number of octets that the algorithm yields.
        expected: usize,
    },
}

impl DtlsFingerprint {
    /// Reads an algorithm token (`sha-256`) and a value (`AB:CD:…`, case ignored).
    ///
    /// # Errors
    /// [`FingerprintError`] names what cannot be used.
    pub fn new(algorithm: &str, value: &str) -> Result<Self, FingerprintError> {
        let algorithm = algorithm.parse::<HashAlgorithm>()?;
        let expected = algorithm.octets();
        let hash = value
            .split(':')
            .map(|octet| match octet.len() {
                2 => u8::from_str_radix(octet, 16).ok(),
                _ => None,
            })
            .collect::<Option<Vec<u8>>>()
            .filter(|hash| hash.len() == expected)
            .ok_or(FingerprintError::Value { expected })?;
        Ok(Self { algorithm, hash })
    }

    /// The hash function.
    pub fn algorithm(&self) -> HashAlgorithm {
        self.algorithm
    }

    /// The value as `AB:CD:…`, upper case.
    pub fn value(&self) -> String {
        let octets: Vec<String> = self.hash.iter().map(|b| format!("{b:02X}")).collect();
        octets.join(":")
    }
}

impl fmt::Display for DtlsFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm.token(), self.value())
    }
}

pub(crate) fn fingerprint_of(certificate: &[u8], algorithm: HashAlgorithm) -> DtlsFingerprint {
    DtlsFingerprint {
        algorithm,
        hash: algorithm.digest(certificate).as_ref().to_vec(),
    }
}

/// Whether a certificate (DER) matches what was announced.
///
/// "An endpoint MUST select the set of fingerprints that use its most preferred hash function (out
/// of those offered by the peer) and verify that each certificate used matches one fingerprint out
/// of that set." (RFC 8122 §5)
pub(crate) fn matches_any(certificate: &[u8], announced: &[DtlsFingerprint]) -> bool {
    let Some(strongest) = announced.iter().map(DtlsFingerprint::algorithm).max() else {
        return false;
    };
    let actual = fingerprint_of(certificate, strongest);
    announced.contains(&actual)
}

#[cfg(test)]
mod tests {
    use super::*;

    // FIPS 180-2, appendix B.1: SHA-256 of "abc".
    const SHA256_ABC: &str = "BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:\
        B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD";

    #[test]
    fn value_is_read_in_either_case_and_written_in_upper_case() {
        let lower = DtlsFingerprint::new("SHA-256", &SHA256_ABC.to_lowercase()).unwrap();
        assert_eq!(lower, fingerprint_of(b"abc", HashAlgorithm::Sha256));
        assert_eq!(lower.value(), SHA256_ABC);
    }

    #[test]
    fn strongest_announced_algorithm_decides() {
        let good_256 = fingerprint_of(b"abc", HashAlgorithm::Sha256);
        let good_512 = fingerprint_of(b"abc", HashAlgorithm::Sha512);
        let wrong_512 = fingerprint_of(b"abd", HashAlgorithm::Sha512);
        assert!(matches_any(b"abc", std::slice::from_ref(&good_256)));
        assert!(!matches_any(b"abc", &[good_256.clone(), wrong_512.clone()]));
        assert!(matches_any(b"abc", &[good_256, wrong_512, good_512]));
        assert!(!matches_any(b"abc", &[]));
    }

    #[test]
    fn bad_values_are_named() {
        let error = DtlsFingerprint::new("sha-1", "AB").unwrap_err();
        assert_eq!(error, FingerprintError::Algorithm("sha-1".to_owned()));
        for value in [
            "",
            "AB",
            "ZZ",
            &SHA256_ABC[3..],
            &SHA256_ABC.replace(':', ""),
        ] {
            let error = DtlsFingerprint::new("sha-256", value).unwrap_err();
            assert_eq!(error, FingerprintError::Value { expected: 32 }, "{value}");
        }
    }
}
