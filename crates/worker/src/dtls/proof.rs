//! The signature by which a client proves that it has the key of the certificate that it shows
//! (RFC 5246 §7.4.8).

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1,
    ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    UnparsedPublicKey, VerificationAlgorithm,
};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

/// A signature that has the form of one. Whether it holds costs much more to find out.
pub(super) struct Signature<'a> {
    scheme: [u8; 2],
    bytes: &'a [u8],
}

impl<'a> Signature<'a> {
    /// Reads the body of a `CertificateVerify`.
    pub(super) fn read(verify: &'a [u8]) -> Option<Self> {
        let ([hash, signature, l0, l1], bytes) = verify.split_first_chunk()?;
        let scheme = [*hash, *signature];
        let len = usize::from(u16::from_be_bytes([*l0, *l1]));
        (len == bytes.len() && SCHEMES.contains(&scheme)).then_some(Self { scheme, bytes })
    }

    /// Whether it signs `transcript` under the certificate in the body of a `Certificate`.
    pub(super) fn holds(&self, certificates: &[u8], transcript: &[u8]) -> bool {
        let Some(Ok((_, certificate))) = leaf(certificates).map(X509Certificate::from_der) else {
            return false;
        };
        let key = &certificate.public_key().subject_public_key.data;
        algorithm(self.scheme, key.len()).is_some_and(|algorithm| {
            let key = UnparsedPublicKey::new(algorithm, key);
            key.verify(transcript, self.bytes).is_ok()
        })
    }
}

/// The certificate of the client itself, in DER. An empty list has none.
pub(super) fn leaf(certificates: &[u8]) -> Option<&[u8]> {
    let len = |bytes: &[u8]| match *bytes {
        [a, b, c] => Some(usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c)),
        _ => None,
    };
    let first = len(certificates.get(3..6)?)?;
    certificates.get(6..6 + first)
}

fn algorithm(scheme: [u8; 2], key_len: usize) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match (scheme, key_len) {
        ([SHA256, ECDSA], P256_KEY) => &ECDSA_P256_SHA256_ASN1,
        ([SHA384, ECDSA], P256_KEY) => &ECDSA_P256_SHA384_ASN1,
        ([SHA256, ECDSA], P384_KEY) => &ECDSA_P384_SHA256_ASN1,
        ([SHA384, ECDSA], P384_KEY) => &ECDSA_P384_SHA384_ASN1,
        ([SHA256, RSA], _) => &RSA_PKCS1_2048_8192_SHA256,
        ([SHA384, RSA], _) => &RSA_PKCS1_2048_8192_SHA384,
        ([SHA512, RSA], _) => &RSA_PKCS1_2048_8192_SHA512,
        ([INTRINSIC, EDDSA], _) => &ED25519,
        _ => return None,
    })
}

/// What is verified, and so what a client may be asked for: numbers of the hash and of the
/// signature by RFC 5246 §7.4.1.4.1 and RFC 8422 §5.1.3.
pub(super) const SCHEMES: [[u8; 2]; 6] = [
    [SHA256, ECDSA],
    [SHA384, ECDSA],
    [SHA256, RSA],
    [SHA384, RSA],
    [SHA512, RSA],
    [INTRINSIC, EDDSA],
];

const RSA: u8 = 1;
const ECDSA: u8 = 3;
const EDDSA: u8 = 7;
const SHA256: u8 = 4;
const SHA384: u8 = 5;
const SHA512: u8 = 6;
const INTRINSIC: u8 = 8;
/// The lengths of uncompressed points.
const P256_KEY: usize = 65;
const P384_KEY: usize = 97;
