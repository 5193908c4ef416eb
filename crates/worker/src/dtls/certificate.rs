//! The worker's own certificate.

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::fingerprint::fingerprint;
use crate::params::{Fingerprint, FingerprintAlgorithm};

/// A certificate with its private key, and its fingerprints.
#[derive(Clone)]
pub struct Certificate {
    der: Vec<u8>,
    private_key: Vec<u8>,
    fingerprints: Vec<Fingerprint>,
}

impl Certificate {
    /// A new self-signed ECDSA P-256 certificate.
    ///
    /// # Errors
    ///
    /// [`CertificateError::Generation`] when the system gives no randomness.
    pub fn generate() -> Result<Self, CertificateError> {
        let generation = |error: rcgen::Error| CertificateError::Generation(error.to_string());
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(generation)?;
        let mut params = CertificateParams::new(Vec::new()).map_err(generation)?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "tureen");
        // The dates are fixed, because the core reads no clock; in WebRTC nobody checks them. The
        // serial number is a hash of the key, so each worker has its own. Firefox requires that.
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2049, 12, 31);
        let certificate = params.self_signed(&key).map_err(generation)?;
        Ok(Self::from_der(
            certificate.der().to_vec(),
            key.serialize_der(),
        ))
    }

    /// The certificate and the private key in these PEM texts: the first certificate of the one,
    /// the first key of the other (PKCS #8 or SEC 1).
    ///
    /// # Errors
    ///
    /// [`CertificateError`] names the text with the fault, or says that the two do not belong
    /// together. RSA keys are refused.
    pub fn from_pem(certificate: &[u8], private_key: &[u8]) -> Result<Self, CertificateError> {
        let der = CertificateDer::from_pem_slice(certificate)
            .map_err(|error| CertificateError::BadCertificate(error.to_string()))?;
        let private_key = PrivateKeyDer::from_pem_slice(private_key)
            .map_err(|error| CertificateError::BadPrivateKey(error.to_string()))?;
        check_pair(&der, private_key.secret_der())?;
        Ok(Self::from_der(
            der.to_vec(),
            private_key.secret_der().to_vec(),
        ))
    }

    /// The certificate in DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// One fingerprint per algorithm: SHA-1, SHA-224, SHA-256, SHA-384, SHA-512.
    #[must_use]
    pub fn fingerprints(&self) -> &[Fingerprint] {
        &self.fingerprints
    }

    pub(super) fn private_key(&self) -> &[u8] {
        &self.private_key
    }

    fn from_der(der: Vec<u8>, private_key: Vec<u8>) -> Self {
        use FingerprintAlgorithm::{Sha1, Sha224, Sha256, Sha384, Sha512};
        let fingerprints = [Sha1, Sha224, Sha256, Sha384, Sha512]
            .map(|algorithm| fingerprint(algorithm, &der))
            .to_vec();
        Self {
            der,
            private_key,
            fingerprints,
        }
    }
}

impl std::fmt::Debug for Certificate {
    /// Shows the SHA-256 fingerprint alone: keys stay out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Certificate({})", self.fingerprints[2].value)
    }
}

/// Why there is no certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// It could not be made.
    #[error("cannot generate a certificate: {0}")]
    Generation(String),
    /// The certificate's text holds none.
    #[error("certificate: {0}")]
    BadCertificate(String),
    /// The key's text holds no key, or one that is neither ECDSA P-256 nor P-384.
    #[error("private key: {0}")]
    BadPrivateKey(String),
    /// The private key is not the certificate's.
    #[error("the private key does not belong to the certificate")]
    Mismatch,
}

/// Signs with the key and verifies with the certificate, by the same code that handshakes use.
fn check_pair(certificate: &[u8], private_key: &[u8]) -> Result<(), CertificateError> {
    let provider = dimpl::crypto::aws_lc_rs::default_provider();
    let mut key = provider
        .key_provider
        .load_private_key(private_key)
        .map_err(|error| CertificateError::BadPrivateKey(error.to_string()))?;
    let mut signature = dimpl::crypto::Buf::new();
    key.sign(PROBE, key.hash_algorithm(), &mut signature)
        .map_err(|error| CertificateError::BadPrivateKey(error.to_string()))?;
    provider
        .signature_verification
        .verify_signature(
            certificate,
            PROBE,
            &signature,
            key.hash_algorithm(),
            key.algorithm(),
        )
        .map_err(|_| CertificateError::Mismatch)
}

const PROBE: &[u8] = b"does this key belong to that certificate?";

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::dtls::fingerprint::certificate_pem;

    fn pem(label: &str, der: &[u8]) -> Vec<u8> {
        let body = STANDARD.encode(der);
        format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n").into_bytes()
    }

    #[test]
    fn what_was_generated_can_be_loaded() {
        let generated = Certificate::generate().unwrap();
        let loaded = Certificate::from_pem(
            &pem("CERTIFICATE", generated.der()),
            &pem("PRIVATE KEY", generated.private_key()),
        )
        .unwrap();
        assert_eq!(loaded.der(), generated.der());
        assert_eq!(loaded.fingerprints(), generated.fingerprints());
    }

    #[test]
    fn two_certificates_differ() {
        let (a, b) = (Certificate::generate(), Certificate::generate());
        assert_ne!(a.unwrap().der(), b.unwrap().der());
    }

    #[test]
    fn a_foreign_key_and_bad_texts_are_refused() {
        let (a, b) = (Certificate::generate(), Certificate::generate());
        let (a, b) = (a.unwrap(), b.unwrap());
        let certificate = pem("CERTIFICATE", a.der());
        let from = |certificate: &[u8], key: &[u8]| Certificate::from_pem(certificate, key);
        assert_eq!(
            from(&certificate, &pem("PRIVATE KEY", b.private_key())).unwrap_err(),
            CertificateError::Mismatch
        );
        assert!(matches!(
            from(b"nothing", &pem("PRIVATE KEY", a.private_key())),
            Err(CertificateError::BadCertificate(_))
        ));
        assert!(matches!(
            from(&certificate, &pem("PRIVATE KEY", b"not a key")),
            Err(CertificateError::BadPrivateKey(_))
        ));
    }

    /// Made by `openssl ecparam -genkey` and `openssl req -x509`: the key is SEC 1 behind its
    /// parameters. It protects nothing.
    const OPENSSL_KEY: &[u8] = b"\
-----BEGIN EC PARAMETERS-----
BggqhkjOPQMBBw==
-----END EC PARAMETERS-----
-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIHGypPlmPIFtJK8SGtpWm2JHI8Kec7fGf6c85jDf/H6qoAoGCCqGSM49
AwEHoUQDQgAE3CkC23N2S/2OQld2DDS4FWs6vFhXaJ/UMGTpgEu2QizyeY+LF6iy
i10JxpEdWigQJiq3B8UmZM5PJmKoadoKzQ==
-----END EC PRIVATE KEY-----
";
    const OPENSSL_CERTIFICATE: &[u8] = b"\
-----BEGIN CERTIFICATE-----
MIIBcjCCARmgAwIBAgIUH4b/mfZdVpgt0XrrNX4699kSk+gwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAeFw0yNjExMjEwMTA1MDNaFw0zNjExMTgwMTA1MDNa
MA8xDTALBgNVBAMMBHRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATcKQLb
c3ZL/Y5CV3YMNLgVazq8WFdon9QwZOmAS7ZCLPJ5j4sXqLKLXQnGkR1aKBAmKrcH
xSZkzk8mYqhp2grNo1MwUTAdBgNVHQ4EFgQUvrGdSgXraz/4VuXgK+CkkNrZDoQw
HwYDVR0jBBgwFoAUvrGdSgXraz/4VuXgK+CkkNrZDoQwDwYDVR0TAQH/BAUwAwEB
/zAKBggqhkjOPQQDAgNHADBEAiA3g62nUH9PB44LsrLmXHZbHpj9h1bWGeCAvXvi
8tzgHAIgWuHHTi8OP9B9CffRlx69ZrTkOlAfjqab4H9ewg+ifbk=
-----END CERTIFICATE-----
";

    #[test]
    fn what_openssl_made_can_be_loaded_and_has_openssls_fingerprints() {
        let loaded = Certificate::from_pem(OPENSSL_CERTIFICATE, OPENSSL_KEY).unwrap();
        assert_eq!(
            loaded.fingerprints()[0].value,
            "CA:EC:02:59:96:A3:26:78:E7:1C:88:20:6B:B1:CF:7D:01:E5:E8:77"
        );
        assert_eq!(
            loaded.fingerprints()[2].value,
            "56:8D:00:6C:6B:56:63:3C:54:D7:7A:B3:58:7B:CA:E3:\
             B4:8A:E0:C1:07:89:F9:51:5A:BC:85:40:04:54:A5:8D"
        );
        assert!(certificate_pem(loaded.der()).as_bytes() == OPENSSL_CERTIFICATE);
    }

    #[test]
    fn debug_output_shows_no_key() {
        let certificate = Certificate::generate().unwrap();
        let shown = format!("{certificate:?}");
        assert_eq!(shown.len(), "Certificate()".len() + 95);
    }
}
