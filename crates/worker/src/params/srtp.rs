//! SRTP keys that signaling carries, for plain and pipe transports.

use std::fmt;

/// SRTP protection profiles (RFC 7714, RFC 3711).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SrtpCryptoSuite {
    /// `AEAD_AES_256_GCM`.
    AeadAes256Gcm,
    /// `AEAD_AES_128_GCM`.
    AeadAes128Gcm,
    /// `AES_CM_128_HMAC_SHA1_80`.
    AesCm128HmacSha1_80,
    /// `AES_CM_128_HMAC_SHA1_32`: plain and pipe transports only.
    AesCm128HmacSha1_32,
}

/// The suite and the key of one direction.
#[derive(Clone, PartialEq, Eq)]
pub struct SrtpParameters {
    /// The protection profile.
    pub crypto_suite: SrtpCryptoSuite,
    /// Master key and then master salt, in base64. It is a secret.
    pub key_base64: String,
}

impl fmt::Debug for SrtpParameters {
    /// Shows the profile alone: keys stay out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SrtpParameters({:?})", self.crypto_suite)
    }
}
