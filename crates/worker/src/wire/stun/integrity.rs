//! The short-term credential: HMAC-SHA1 over a message (RFC 8489 §9.1, §14.5).

use aws_lc_rs::{constant_time, hmac};

/// A password, prepared once for signing and verifying many messages.
#[derive(Clone)]
pub struct IntegrityKey(hmac::Key);

impl IntegrityKey {
    /// The key of a short-term credential: the password's own bytes.
    #[must_use]
    pub fn new(password: &[u8]) -> Self {
        Self(hmac::Key::new(
            hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            password,
        ))
    }

    /// The tag of `message`, the bytes before MESSAGE-INTEGRITY. The length field counts as if
    /// MESSAGE-INTEGRITY were the last attribute. `None` if `message` is shorter than a header.
    pub(super) fn sign(&self, message: &[u8]) -> Option<[u8; TAG_LEN]> {
        let [kind_a, kind_b, _, _] = *message.first_chunk()?;
        let len = message.len().checked_sub(super::message::HEADER_LEN)? + ATTRIBUTE_LEN;
        let [len_a, len_b] = u16::try_from(len).ok()?.to_be_bytes();
        let mut context = hmac::Context::with_key(&self.0);
        context.update(&[kind_a, kind_b, len_a, len_b]);
        context.update(&message[4..]);
        context.sign().as_ref().first_chunk().copied()
    }

    /// Whether `tag` is the tag of `message`; compares in constant time.
    pub(super) fn verify(&self, message: &[u8], tag: &[u8]) -> bool {
        self.sign(message)
            .is_some_and(|expected| constant_time::verify_slices_are_equal(&expected, tag).is_ok())
    }
}

impl std::fmt::Debug for IntegrityKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IntegrityKey(..)")
    }
}

/// Length of an HMAC-SHA1 tag, in bytes.
pub(super) const TAG_LEN: usize = 20;
const ATTRIBUTE_LEN: usize = 4 + TAG_LEN;
