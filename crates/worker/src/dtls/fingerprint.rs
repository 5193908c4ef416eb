//! Certificate fingerprints (RFC 8122 §5) and the textual form of a certificate.

use aws_lc_rs::digest;
use pem::{EncodeConfig, LineEnding, Pem};

use crate::params::{Fingerprint, FingerprintAlgorithm};

/// The fingerprint of a certificate in DER.
#[must_use]
pub fn fingerprint(algorithm: FingerprintAlgorithm, der: &[u8]) -> Fingerprint {
    let algorithm_of_digest = match algorithm {
        FingerprintAlgorithm::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        FingerprintAlgorithm::Sha224 => &digest::SHA224,
        FingerprintAlgorithm::Sha256 => &digest::SHA256,
        FingerprintAlgorithm::Sha384 => &digest::SHA384,
        FingerprintAlgorithm::Sha512 => &digest::SHA512,
    };
    let digest = digest::digest(algorithm_of_digest, der);
    let bytes: Vec<String> = digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    Fingerprint {
        algorithm,
        value: bytes.join(":"),
    }
}

impl Fingerprint {
    /// Whether this is the fingerprint of the certificate `der`. Only the case of letters may
    /// differ.
    #[must_use]
    pub fn matches(&self, der: &[u8]) -> bool {
        fingerprint(self.algorithm, der)
            .value
            .eq_ignore_ascii_case(&self.value)
    }
}

/// A certificate in PEM, in lines of 64 characters (RFC 7468 §5).
#[must_use]
pub(crate) fn certificate_pem(der: &[u8]) -> String {
    let config = EncodeConfig::new().set_line_ending(LineEnding::LF);
    pem::encode_config(&Pem::new("CERTIFICATE", der), config)
}

#[cfg(test)]
mod tests {
    use rustls_pki_types::CertificateDer;
    use rustls_pki_types::pem::PemObject;

    use super::*;

    /// FIPS 180 test message "abc".
    #[test]
    fn every_algorithm_yields_its_digest() {
        use FingerprintAlgorithm::{Sha1, Sha224, Sha256, Sha384, Sha512};
        for (algorithm, len, start) in [
            (Sha1, 20, "A9:99:3E:36"),
            (Sha224, 28, "23:09:7D:22"),
            (Sha256, 32, "BA:78:16:BF"),
            (Sha384, 48, "CB:00:75:3F"),
            (Sha512, 64, "DD:AF:35:A1"),
        ] {
            let made = fingerprint(algorithm, b"abc");
            assert_eq!(made.value.len(), len * 3 - 1);
            assert!(made.value.starts_with(start), "{}", made.value);
            assert!(made.matches(b"abc"));
            assert!(!made.matches(b"abd"));
        }
    }

    #[test]
    fn a_fingerprint_matches_whole_or_not_at_all() {
        let made = fingerprint(FingerprintAlgorithm::Sha256, b"abc");
        let with = |value: String| Fingerprint {
            value,
            ..made.clone()
        };
        assert!(with(made.value.to_lowercase()).matches(b"abc"));
        assert!(!with(made.value[..92].to_owned()).matches(b"abc"));
        assert!(!with(format!("{}:00", made.value)).matches(b"abc"));
        assert!(!with(made.value.replace(':', "")).matches(b"abc"));
        assert!(!with(String::new()).matches(b"abc"));
        let other_algorithm = Fingerprint {
            algorithm: FingerprintAlgorithm::Sha512,
            ..made.clone()
        };
        assert!(!other_algorithm.matches(b"abc"));
    }

    #[test]
    fn pem_has_lines_of_64_and_is_read_back() {
        for len in [1, 47, 48, 49, 300] {
            let der = vec![0xa5; len];
            let pem = certificate_pem(&der);
            assert!(pem.lines().all(|line| line.len() <= 64));
            let read = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
            assert_eq!(read.as_ref(), der);
        }
    }
}
