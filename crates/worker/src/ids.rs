//! Types for the numbers and names of RTP, and the keys of the worker's entities.

use std::fmt;

use crate::define_key;

define_key!(
    /// Names a `WebRtcServer` of this worker.
    pub(crate) WebRtcServerKey
);
define_key!(
    /// Names a `Router` of this worker.
    pub(crate) RouterKey
);
define_key!(
    /// Names a `Transport` of this worker.
    pub TransportKey
);
define_key!(
    /// Names a `Producer` of this worker.
    pub(crate) ProducerKey
);
define_key!(
    /// Names a `Consumer` of this worker.
    pub(crate) ConsumerKey
);

/// A synchronization source (RFC 3550 §3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ssrc(pub u32);

impl fmt::Debug for Ssrc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ssrc({})", self.0)
    }
}

impl fmt::Display for Ssrc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An RTP payload type, 0–127 (RFC 3550 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PayloadType(pub u8);

/// A media identification tag as it travels in packets (RFC 8843 §15.1): at most 16 bytes.
pub type Mid = Token;

/// An RTP stream identifier as it travels in packets (RFC 8852 §3.1): at most 16 bytes.
pub type Rid = Token;

/// A short identifier without heap memory. It fits the one-byte form of a header extension (RFC
/// 8285 §4.2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token {
    bytes: [u8; Self::MAX_LEN],
    len: u8,
}

impl Token {
    /// The longest element of the one-byte form, in bytes.
    pub const MAX_LEN: usize = 16;

    /// The identifier with these bytes; `None` if there are none, or more than [`Token::MAX_LEN`].
    #[must_use]
    pub fn new(value: &[u8]) -> Option<Self> {
        let len = u8::try_from(value.len()).ok()?;
        if value.is_empty() || value.len() > Self::MAX_LEN {
            return None;
        }
        let mut bytes = [0; Self::MAX_LEN];
        bytes[..value.len()].copy_from_slice(value);
        Some(Self { bytes, len })
    }

    /// The bytes as they stand in the packet.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(self.as_bytes()))
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_holds_one_to_sixteen_bytes() {
        assert_eq!(Token::new(b""), None);
        assert_eq!(Token::new(&[b'x'; 17]), None);
        assert_eq!(Token::new(&[b'x'; 16]).unwrap().as_bytes(), [b'x'; 16]);
        assert_ne!(Token::new(b"a"), Token::new(b"a\0"));
    }
}
