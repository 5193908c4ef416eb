//! SSRCs and payload types.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

/// RTP synchronization source identifier (RFC 3550 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ssrc(pub u32);

impl Ssrc {
    /// A random SSRC of nine decimal digits, as mediasoup draws them, so that a run of a few
    /// consecutive ones never wraps.
    pub fn random() -> Self {
        let (_, random) = Uuid::new_v4().as_u64_pair();
        let offset = u32::try_from(random % u64::from(SSRC_SPAN)).unwrap_or(0);
        Self(SSRC_MIN + offset)
    }

    /// The SSRC `offset` places further, wrapping at 2³².
    pub fn offset(self, offset: u32) -> Self {
        Self(self.0.wrapping_add(offset))
    }
}

impl fmt::Display for Ssrc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// RTP payload type, 0..=127 (RFC 3550 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct PayloadType(u8);

impl PayloadType {
    /// The payload type for use in constants.
    ///
    /// # Panics
    ///
    /// When `value` is above 127. In a constant this is a compile error.
    pub const fn constant(value: u8) -> Self {
        assert!(value <= PAYLOAD_TYPE_MAX, "a payload type has seven bits");
        Self(value)
    }

    /// The number itself.
    pub fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for PayloadType {
    type Error = InvalidPayloadType;

    fn try_from(value: u8) -> Result<Self, Self::Error> {
        if value > PAYLOAD_TYPE_MAX {
            return Err(InvalidPayloadType(value));
        }
        Ok(Self(value))
    }
}

impl From<PayloadType> for u8 {
    fn from(value: PayloadType) -> Self {
        value.0
    }
}

impl fmt::Display for PayloadType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A number that does not fit the seven bits of a payload type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("payload type {0} is above 127")]
pub struct InvalidPayloadType(u8);

const PAYLOAD_TYPE_MAX: u8 = 127;
const SSRC_MIN: u32 = 100_000_000;
const SSRC_SPAN: u32 = 900_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_ssrc_has_nine_digits() {
        for _ in 0..1000 {
            let ssrc = Ssrc::random().0;
            assert!((100_000_000..1_000_000_000).contains(&ssrc), "{ssrc}");
        }
    }

    #[test]
    fn a_payload_type_has_seven_bits() {
        assert_eq!(
            serde_json::from_str::<PayloadType>("127").unwrap().get(),
            127
        );
        assert!(serde_json::from_str::<PayloadType>("128").is_err());
        assert!(serde_json::from_str::<PayloadType>("-1").is_err());
    }
}
