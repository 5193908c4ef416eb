//! Protecting and opening one packet whose index is known: the transforms of RFC 3711 §4 and RFC
//! 7714.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::EncryptingKey;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;

use super::SrtpError;
use super::key_derivation::{
    AES_BLOCK_LEN, Flow, MAX_SALT_LEN, MasterKey, SessionKeys, apply_keystream, counter_mode_key,
};
use super::replay::rollover;
use crate::ids::Ssrc;
use crate::params::SrtpCryptoSuite;

/// The expanded keys of one flow, RTP or RTCP, in one direction.
pub(super) struct FlowCipher {
    transform: Transform,
    salt: [u8; MAX_SALT_LEN],
}

enum Transform {
    /// `AEAD_AES_128_GCM` and `AEAD_AES_256_GCM` (RFC 7714).
    Gcm(LessSafeKey),
    /// `AES_CM_128_HMAC_SHA1_80` and `_32` (RFC 3711 §4.1.1, §4.2.1).
    CounterMode(Box<CounterMode>),
}

struct CounterMode {
    cipher: EncryptingKey,
    mac: hmac::Key,
    tag_len: usize,
}

impl FlowCipher {
    /// Derives and expands the keys of `flow`.
    pub(super) fn new(master: &MasterKey, flow: Flow) -> Self {
        Self::with_session_keys(master.suite(), flow, &SessionKeys::derive(master, flow))
    }

    /// Expands keys that are derived already.
    pub(super) fn with_session_keys(
        suite: SrtpCryptoSuite,
        flow: Flow,
        keys: &SessionKeys,
    ) -> Self {
        let cipher_key = &keys.cipher_key[..suite.key_len()];
        let transform = match suite {
            SrtpCryptoSuite::AeadAes256Gcm | SrtpCryptoSuite::AeadAes128Gcm => {
                gcm_transform(suite, cipher_key)
            }
            SrtpCryptoSuite::AesCm128HmacSha1_80 | SrtpCryptoSuite::AesCm128HmacSha1_32 => {
                Transform::CounterMode(Box::new(CounterMode {
                    cipher: counter_mode_key(cipher_key),
                    mac: hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &keys.auth_key),
                    tag_len: match flow {
                        Flow::Rtp => suite.rtp_overhead(),
                        Flow::Rtcp => suite.rtcp_overhead() - INDEX_LEN,
                    },
                }))
            }
        };
        Self {
            transform,
            salt: keys.salt,
        }
    }

    /// Encrypts `buffer[header_len..len]` and appends the tag. Returns the protected length.
    pub(super) fn seal_rtp(
        &self,
        ssrc: Ssrc,
        index: u64,
        header_len: usize,
        buffer: &mut [u8],
        len: usize,
    ) -> Result<usize, SrtpError> {
        let sealed = len + self.tag_len();
        let packet = buffer.get_mut(..sealed).ok_or(SrtpError::NoRoom)?;
        let (plain, tag_place) = packet.split_at_mut(len);
        let (header, body) = plain
            .split_at_mut_checked(header_len)
            .ok_or(SrtpError::Malformed)?;
        match &self.transform {
            Transform::Gcm(key) => {
                let tag = key
                    .seal_in_place_separate_tag(
                        self.rtp_nonce(ssrc, index),
                        Aad::from(header),
                        body,
                    )
                    .map_err(|_| SrtpError::Malformed)?;
                tag_place.copy_from_slice(tag.as_ref());
            }
            Transform::CounterMode(mode) => {
                mode.apply(self.counter_block(ssrc, index), body);
                let tag = mode.tag(plain, &rollover(index));
                tag_place.copy_from_slice(&tag.as_ref()[..tag_place.len()]);
            }
        }
        Ok(sealed)
    }

    /// Verifies the tag and decrypts what follows the header. Returns the length without the tag.
    pub(super) fn open_rtp(
        &self,
        ssrc: Ssrc,
        index: u64,
        header_len: usize,
        packet: &mut [u8],
    ) -> Result<usize, SrtpError> {
        let len = packet
            .len()
            .checked_sub(self.tag_len())
            .filter(|len| *len >= header_len)
            .ok_or(SrtpError::Malformed)?;
        let (sealed, tag) = packet.split_at_mut(len);
        match &self.transform {
            Transform::Gcm(key) => {
                let (header, body) = sealed.split_at_mut(header_len);
                let nonce = self.rtp_nonce(ssrc, index);
                key.open_in_place_separate_tag(nonce, Aad::from(header), tag, body)
                    .map_err(|_| SrtpError::AuthenticationFailed)?;
            }
            Transform::CounterMode(mode) => {
                mode.verify(sealed, &rollover(index), tag)?;
                let body = &mut sealed[header_len..];
                mode.apply(self.counter_block(ssrc, index), body);
            }
        }
        Ok(len)
    }

    /// Encrypts `buffer[8..len]` and appends tag and index word in the profile's order. `index` is
    /// below 2³¹. Returns the protected length.
    pub(super) fn seal_rtcp(
        &self,
        ssrc: Ssrc,
        index: u32,
        buffer: &mut [u8],
        len: usize,
    ) -> Result<usize, SrtpError> {
        let sealed = len + self.tag_len() + INDEX_LEN;
        let packet = buffer.get_mut(..sealed).ok_or(SrtpError::NoRoom)?;
        let (plain, trailer) = packet.split_at_mut(len);
        let (header, body) = plain
            .split_at_mut_checked(RTCP_HEADER_LEN)
            .ok_or(SrtpError::Malformed)?;
        let word = (ENCRYPTED | index).to_be_bytes();
        match &self.transform {
            Transform::Gcm(key) => {
                let aad = rtcp_aad(header, word);
                let tag = key
                    .seal_in_place_separate_tag(self.rtcp_nonce(ssrc, index), Aad::from(aad), body)
                    .map_err(|_| SrtpError::Malformed)?;
                let (tag_place, word_place) = trailer.split_at_mut(GCM_TAG_LEN);
                tag_place.copy_from_slice(tag.as_ref());
                word_place.copy_from_slice(&word);
            }
            Transform::CounterMode(mode) => {
                mode.apply(self.counter_block(ssrc, index.into()), body);
                let (word_place, tag_place) = trailer.split_at_mut(INDEX_LEN);
                word_place.copy_from_slice(&word);
                let tag = mode.tag(plain, &word);
                tag_place.copy_from_slice(&tag.as_ref()[..tag_place.len()]);
            }
        }
        Ok(sealed)
    }

    /// The index of a protected RTCP packet.
    pub(super) fn rtcp_index(&self, packet: &[u8]) -> Result<u32, SrtpError> {
        let end = match &self.transform {
            Transform::Gcm(_) => Some(packet.len()),
            Transform::CounterMode(mode) => packet.len().checked_sub(mode.tag_len),
        };
        let word = end
            .and_then(|end| packet.get(RTCP_HEADER_LEN..end)?.last_chunk())
            .ok_or(SrtpError::Malformed)?;
        let word = u32::from_be_bytes(*word);
        if word & ENCRYPTED == 0 {
            return Err(SrtpError::NotEncrypted);
        }
        Ok(word & !ENCRYPTED)
    }

    /// Verifies the tag of a packet with this `index` and decrypts it. Returns the length without
    /// tag and index word.
    pub(super) fn open_rtcp(
        &self,
        ssrc: Ssrc,
        index: u32,
        packet: &mut [u8],
    ) -> Result<usize, SrtpError> {
        let len = packet
            .len()
            .checked_sub(self.tag_len() + INDEX_LEN)
            .filter(|len| *len >= RTCP_HEADER_LEN)
            .ok_or(SrtpError::Malformed)?;
        match &self.transform {
            Transform::Gcm(key) => {
                let (sealed, trailer) = packet.split_at_mut(len);
                let (header, body) = sealed.split_at_mut(RTCP_HEADER_LEN);
                let aad = rtcp_aad(header, (ENCRYPTED | index).to_be_bytes());
                let (nonce, tag) = (self.rtcp_nonce(ssrc, index), &trailer[..GCM_TAG_LEN]);
                key.open_in_place_separate_tag(nonce, Aad::from(aad), tag, body)
                    .map_err(|_| SrtpError::AuthenticationFailed)?;
            }
            Transform::CounterMode(mode) => {
                // The authenticated part ends with the E flag and the index (RFC 3711 §3.4).
                let (authenticated, tag) = packet.split_at_mut(len + INDEX_LEN);
                mode.verify(authenticated, &[], tag)?;
                let body = &mut authenticated[RTCP_HEADER_LEN..len];
                mode.apply(self.counter_block(ssrc, index.into()), body);
            }
        }
        Ok(len)
    }

    const fn tag_len(&self) -> usize {
        match &self.transform {
            Transform::Gcm(_) => GCM_TAG_LEN,
            Transform::CounterMode(mode) => mode.tag_len,
        }
    }

    /// RFC 7714 §8.1: two octets of zero, SSRC, ROC and SEQ, XORed with the salt.
    fn rtp_nonce(&self, ssrc: Ssrc, index: u64) -> Nonce {
        let mut nonce = [0; GCM_NONCE_LEN];
        nonce[2..6].copy_from_slice(&ssrc.0.to_be_bytes());
        nonce[6..12].copy_from_slice(&index.to_be_bytes()[2..]);
        self.salted(nonce)
    }

    /// RFC 7714 §9.1: two octets of zero, SSRC, two octets of zero and the index, XORed with the
    /// salt.
    fn rtcp_nonce(&self, ssrc: Ssrc, index: u32) -> Nonce {
        let mut nonce = [0; GCM_NONCE_LEN];
        nonce[2..6].copy_from_slice(&ssrc.0.to_be_bytes());
        nonce[8..12].copy_from_slice(&index.to_be_bytes());
        self.salted(nonce)
    }

    fn salted(&self, mut nonce: [u8; GCM_NONCE_LEN]) -> Nonce {
        for (byte, salt) in nonce.iter_mut().zip(&self.salt) {
            *byte ^= salt;
        }
        Nonce::assume_unique_for_key(nonce)
    }

    /// RFC 3711 §4.1.1: `IV = (k_s * 2^16) XOR (SSRC * 2^64) XOR (i * 2^16)`.
    fn counter_block(&self, ssrc: Ssrc, index: u64) -> [u8; AES_BLOCK_LEN] {
        let mut block = [0; AES_BLOCK_LEN];
        block[..MAX_SALT_LEN].copy_from_slice(&self.salt);
        for (byte, ssrc) in block[4..8].iter_mut().zip(ssrc.0.to_be_bytes()) {
            *byte ^= ssrc;
        }
        for (byte, index) in block[6..14].iter_mut().zip(index.to_be_bytes()) {
            *byte ^= index;
        }
        block
    }
}

fn gcm_transform(suite: SrtpCryptoSuite, key: &[u8]) -> Transform {
    let algorithm = if suite == SrtpCryptoSuite::AeadAes256Gcm {
        &AES_256_GCM
    } else {
        &AES_128_GCM
    };
    let key =
        UnboundKey::new(algorithm, key).expect("the key is as long as its algorithm asks for");
    Transform::Gcm(LessSafeKey::new(key))
}

/// RFC 7714 §9.2: the first eight octets and the word of E flag and index.
fn rtcp_aad(header: &[u8], word: [u8; INDEX_LEN]) -> [u8; RTCP_HEADER_LEN + INDEX_LEN] {
    let mut aad = [0; RTCP_HEADER_LEN + INDEX_LEN];
    aad[..RTCP_HEADER_LEN].copy_from_slice(header);
    aad[RTCP_HEADER_LEN..].copy_from_slice(&word);
    aad
}

impl CounterMode {
    fn apply(&self, counter_block: [u8; AES_BLOCK_LEN], bytes: &mut [u8]) {
        apply_keystream(&self.cipher, counter_block, bytes);
    }

    /// The MAC of `packet` followed by `suffix`, not yet cut to the profile's length.
    fn tag(&self, packet: &[u8], suffix: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.mac);
        context.update(packet);
        context.update(suffix);
        context.sign()
    }

    /// Compares in constant time.
    fn verify(&self, packet: &[u8], suffix: &[u8], tag: &[u8]) -> Result<(), SrtpError> {
        let expected = self.tag(packet, suffix);
        verify_slices_are_equal(&expected.as_ref()[..tag.len()], tag)
            .map_err(|_| SrtpError::AuthenticationFailed)
    }
}

/// The part of an RTCP packet that stays readable, in bytes: the fixed header and the sender's
/// SSRC.
pub(super) const RTCP_HEADER_LEN: usize = 8;
const GCM_TAG_LEN: usize = 16;
const GCM_NONCE_LEN: usize = 12;
/// Length of the word that holds E flag and SRTCP index, in bytes.
const INDEX_LEN: usize = 4;
/// The E flag of the index word.
const ENCRYPTED: u32 = 1 << 31;
