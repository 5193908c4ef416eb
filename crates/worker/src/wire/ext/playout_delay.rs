//! `http://www.webrtc.org/experiments/rtp-hdrext/playout-delay`.

use crate::wire::buffer::Reader;

/// The limits within which a receiver may delay the media to play it smoothly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PlayoutDelay {
    /// Lower limit, in units of 10 ms, 0–4095.
    pub min: u16,
    /// Upper limit, in units of 10 ms, 0–4095.
    pub max: u16,
}

impl PlayoutDelay {
    /// Length of the value, in bytes.
    pub const LEN: usize = 3;

    /// Reads an element's value: 12 bits each.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let [a, b, c] = Reader::new(value).array()?;
        Some(Self {
            min: u16::from_be_bytes([a, b]) >> 4,
            max: u16::from_be_bytes([b & 0x0f, c]),
        })
    }

    /// The bytes of the element's value; limits above 4095 become 4095.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::LEN] {
        let [a, b] = (self.min.min(MAX) << 4).to_be_bytes();
        let [c, d] = self.max.min(MAX).to_be_bytes();
        [a, b | c, d]
    }
}

const MAX: u16 = 0x0fff;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_bits_each() {
        let delay = PlayoutDelay {
            min: 0x123,
            max: 0x456,
        };
        assert_eq!(delay.to_bytes(), [0x12, 0x34, 0x56]);
        assert_eq!(PlayoutDelay::parse(&[0x12, 0x34, 0x56]), Some(delay));
        let clamped = PlayoutDelay {
            min: 5000,
            max: 5000,
        };
        assert_eq!(clamped.to_bytes(), [0xff; 3]);
        assert_eq!(PlayoutDelay::parse(&[0; 2]), None);
    }
}
