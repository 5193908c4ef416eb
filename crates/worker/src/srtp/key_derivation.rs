//! Master keys: where they come from, and the session keys that are derived from them (RFC 3711
//! §4.3).

use std::fmt;

use aws_lc_rs::cipher::{
    AES_128, AES_256, AES_256_KEY_LEN, EncryptingKey, EncryptionContext, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;

use crate::params::SrtpCryptoSuite;

/// A master key with its salt and its profile.
#[derive(Clone)]
pub struct MasterKey {
    suite: SrtpCryptoSuite,
    key: [u8; MAX_KEY_LEN],
    salt: [u8; MAX_SALT_LEN],
}

impl MasterKey {
    /// The master key made of `key_and_salt`: key first, then salt, as the `keyBase64` of plain and
    /// pipe transports carries them.
    ///
    /// # Errors
    ///
    /// [`KeyLengthError`] unless it is exactly as long as `suite` needs: 44 bytes for
    /// `AEAD_AES_256_GCM`, 28 for `AEAD_AES_128_GCM`, 30 for the two AES-CM profiles.
    pub fn new(suite: SrtpCryptoSuite, key_and_salt: &[u8]) -> Result<Self, KeyLengthError> {
        let wrong_length = KeyLengthError {
            expected: suite.key_and_salt_len(),
            actual: key_and_salt.len(),
        };
        match key_and_salt.split_at_checked(suite.key_len()) {
            Some((key, salt)) if salt.len() == suite.salt_len() => {
                Ok(Self::from_parts(suite, key, salt))
            }
            _ => Err(wrong_length),
        }
    }

    /// The profile that it is for.
    #[must_use]
    pub const fn suite(&self) -> SrtpCryptoSuite {
        self.suite
    }

    /// The master key alone.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        &self.key[..self.suite.key_len()]
    }

    /// The master salt alone.
    #[must_use]
    pub fn salt(&self) -> &[u8] {
        &self.salt[..self.suite.salt_len()]
    }

    fn from_parts(suite: SrtpCryptoSuite, key: &[u8], salt: &[u8]) -> Self {
        let mut master = Self {
            suite,
            key: [0; MAX_KEY_LEN],
            salt: [0; MAX_SALT_LEN],
        };
        master.key[..key.len()].copy_from_slice(key);
        master.salt[..salt.len()].copy_from_slice(salt);
        master
    }
}

impl fmt::Debug for MasterKey {
    /// Shows the profile alone: keys stay out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({:?})", self.suite)
    }
}

/// A master key of the wrong length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("key and salt must be {expected} bytes long, not {actual}")]
pub struct KeyLengthError {
    /// What the profile asks for, in bytes.
    pub expected: usize,
    /// What was given, in bytes.
    pub actual: usize,
}

/// The two master keys that a DTLS handshake yields.
#[derive(Clone, Debug)]
pub struct SrtpKeys {
    /// Protects what the DTLS client sends.
    pub client: MasterKey,
    /// Protects what the DTLS server sends.
    pub server: MasterKey,
}

impl SrtpKeys {
    /// Splits the exporter's output (label `EXTRACTOR-dtls_srtp`) as RFC 5764 §4.2 lays it out:
    /// client key, server key, client salt, server salt.
    ///
    /// # Errors
    ///
    /// [`KeyLengthError`] unless `exported` is exactly twice the length of key and salt.
    pub fn from_exporter(suite: SrtpCryptoSuite, exported: &[u8]) -> Result<Self, KeyLengthError> {
        let (key_len, salt_len) = (suite.key_len(), suite.salt_len());
        if exported.len() != 2 * suite.key_and_salt_len() {
            return Err(KeyLengthError {
                expected: 2 * suite.key_and_salt_len(),
                actual: exported.len(),
            });
        }
        let (keys, salts) = exported.split_at(2 * key_len);
        let (client_key, server_key) = keys.split_at(key_len);
        let (client_salt, server_salt) = salts.split_at(salt_len);
        Ok(Self {
            client: MasterKey::from_parts(suite, client_key, client_salt),
            server: MasterKey::from_parts(suite, server_key, server_salt),
        })
    }
}

/// The session keys of RTP or RTCP in one direction, derived from a master key.
pub(super) struct SessionKeys {
    pub(super) cipher_key: [u8; MAX_KEY_LEN],
    pub(super) auth_key: [u8; AUTH_KEY_LEN],
    pub(super) salt: [u8; MAX_SALT_LEN],
}

/// Which of the two flows keys are derived for.
#[derive(Clone, Copy)]
pub(super) enum Flow {
    Rtp,
    Rtcp,
}

impl SessionKeys {
    /// Derives the keys of `flow`. The key derivation rate is 0, as in DTLS-SRTP and SDES: keys are
    /// derived once.
    pub(super) fn derive(master: &MasterKey, flow: Flow) -> Self {
        let first_label = match flow {
            Flow::Rtp => 0,
            Flow::Rtcp => 3,
        };
        let mut keys = Self {
            cipher_key: [0; MAX_KEY_LEN],
            auth_key: [0; AUTH_KEY_LEN],
            salt: [0; MAX_SALT_LEN],
        };
        let suite = master.suite;
        generate(master, first_label, &mut keys.cipher_key[..suite.key_len()]);
        generate(master, first_label + 1, &mut keys.auth_key);
        generate(master, first_label + 2, &mut keys.salt[..suite.salt_len()]);
        keys
    }
}

/// Fills `out` with the key stream of AES in counter mode at `label` (RFC 3711 §4.3.3; for 256-bit
/// keys RFC 6188 §3).
fn generate(master: &MasterKey, label: u8, out: &mut [u8]) {
    // "Let x = key_id XOR master_salt", where key_id is the label followed by the 48 bits of r,
    // here 0. A 96-bit salt is padded on the right to the 112 bits of x (RFC 7714 §11).
    let mut iv = [0; AES_BLOCK_LEN];
    iv[..MAX_SALT_LEN].copy_from_slice(&master.salt);
    iv[LABEL_OFFSET] ^= label;
    out.fill(0);
    apply_keystream(&counter_mode_key(master.key()), iv, out);
}

/// A key for AES in counter mode; 16 or 32 bytes.
pub(super) fn counter_mode_key(key: &[u8]) -> EncryptingKey {
    let algorithm = if key.len() == AES_256_KEY_LEN {
        &AES_256
    } else {
        &AES_128
    };
    UnboundCipherKey::new(algorithm, key)
        .and_then(EncryptingKey::ctr)
        .expect("the key is as long as its algorithm asks for")
}

/// XORs `bytes` with the key stream that starts at the counter block `iv`.
pub(super) fn apply_keystream(key: &EncryptingKey, iv: [u8; AES_BLOCK_LEN], bytes: &mut [u8]) {
    key.less_safe_encrypt(bytes, EncryptionContext::Iv128(FixedLength::from(iv)))
        .expect("counter mode takes any length and a 128-bit counter block");
}

pub(super) const AES_BLOCK_LEN: usize = 16;
pub(super) const MAX_KEY_LEN: usize = 32;
pub(super) const MAX_SALT_LEN: usize = 14;
/// `n_a`: 160 bits (RFC 3711 §5.2).
pub(super) const AUTH_KEY_LEN: usize = 20;
/// The label lies above 48 bits of `r`, of the 112 bits of `x`.
const LABEL_OFFSET: usize = 7;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::srtp::tests::hex;

    /// RFC 3711 appendix B.3.
    #[test]
    fn session_keys_of_the_rfc() {
        let master = MasterKey::new(
            SrtpCryptoSuite::AesCm128HmacSha1_80,
            &hex("E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6"),
        )
        .unwrap();
        let keys = SessionKeys::derive(&master, Flow::Rtp);
        assert_eq!(
            keys.cipher_key[..16],
            hex("C61E7A93744F39EE10734AFE3FF7A087")
        );
        assert_eq!(keys.salt[..], hex("30CBBC08863D8C85D49DB34A9AE1"));
        // The RFC shows 94 bytes of authentication key. The profiles use the first 20 (n_a).
        let mut auth_key = [0; 94];
        generate(&master, 1, &mut auth_key);
        assert_eq!(
            auth_key[..],
            hex(
                "CEBE321F6FF7716B6FD4AB49AF256A15 6D38BAA48F0A0ACF3C34E2359E6CDBCE
                 E049646C43D9327AD175578EF7227098 6371C10C9A369AC2F94A8C5FBCDDDC25
                 6D6E919A48B610EF17C2041E47403576 6B68642C59BBFC2F34DB60DBDFB2"
            )[..]
        );
        assert_eq!(keys.auth_key[..], auth_key[..20]);
    }

    /// RFC 3711 appendix B.2.
    #[test]
    fn key_stream_of_the_rfc() {
        let key = counter_mode_key(&hex("2B7E151628AED2A6ABF7158809CF4F3C"));
        let mut iv = [0; 16];
        iv.copy_from_slice(&hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000"));
        let mut stream = vec![0; 0xff02 * 16];
        apply_keystream(&key, iv, &mut stream);
        assert_eq!(
            stream[..48],
            hex(
                "E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB
                 41E95B3BB0A2E8DD477901E4FCA894C0"
            )[..]
        );
        assert_eq!(
            stream[0xfeff * 16..],
            hex(
                "EC8CDF7398607CB0F2D21675EA9EA1E4 362B7C3C6773516318A077D7FC5073AE
                 6A2CC3787889374FBEB4C81B17BA6C44"
            )[..]
        );
    }

    /// RFC 6188 §7.1: the 256-bit key derivation.
    #[test]
    fn session_keys_of_a_256_bit_master_key() {
        let mut master = MasterKey::from_parts(
            SrtpCryptoSuite::AeadAes256Gcm,
            &hex("F0F04914B513F2763A1B1FA130F10E29 98F6F6E43E4309D1E622A0E332B9F1B6"),
            &[],
        );
        master
            .salt
            .copy_from_slice(&hex("3B04803DE51EE7C96423AB5B78D2"));
        let mut key = [0; 32];
        generate(&master, 0, &mut key);
        assert_eq!(
            key[..],
            hex("5BA1064E30EC51613CAD926C5A28EF73 1EC7FB397F70A960653CAF06554CD8C4")[..]
        );
    }

    #[test]
    fn a_key_of_the_wrong_length_is_named() {
        let error = MasterKey::new(SrtpCryptoSuite::AeadAes256Gcm, &[0; 43]).unwrap_err();
        assert_eq!((error.expected, error.actual), (44, 43));
        assert!(SrtpKeys::from_exporter(SrtpCryptoSuite::AeadAes128Gcm, &[0; 55]).is_err());
    }

    #[test]
    fn the_exporter_interleaves_keys_and_salts() {
        let exported: Vec<u8> = (0..60).collect();
        let keys =
            SrtpKeys::from_exporter(SrtpCryptoSuite::AesCm128HmacSha1_80, &exported).unwrap();
        assert_eq!(keys.client.key(), &exported[0..16]);
        assert_eq!(keys.server.key(), &exported[16..32]);
        assert_eq!(keys.client.salt(), &exported[32..46]);
        assert_eq!(keys.server.salt(), &exported[46..60]);
    }

    #[test]
    fn debug_output_shows_no_key() {
        let master = MasterKey::new(SrtpCryptoSuite::AeadAes128Gcm, &[0xab; 28]).unwrap();
        assert_eq!(format!("{master:?}"), "MasterKey(AeadAes128Gcm)");
    }
}
