//! `urn:ietf:params:rtp-hdrext:toffset` (RFC 5450).

use crate::wire::buffer::Reader;

/// How far a packet's transmission lies from its timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimeOffset {
    /// In units of the RTP clock, −2²³ to 2²³−1.
    pub ticks: i32,
}

impl TimeOffset {
    /// Length of the value, in bytes.
    pub const LEN: usize = 3;

    /// Reads an element's value.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let bits = Reader::new(value).u24()?;
        // The 24 bits go to the top of the word, so that shifting them back extends their sign.
        Some(Self {
            ticks: (bits << 8).cast_signed() >> 8,
        })
    }

    /// The bytes of the element's value.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; Self::LEN] {
        let [_, a, b, c] = self.ticks.to_be_bytes();
        [a, b, c]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_signed() {
        for (bytes, ticks) in [
            ([0, 0, 1], 1),
            ([0xff, 0xff, 0xff], -1),
            ([0x80, 0, 0], -(1 << 23)),
            ([0x7f, 0xff, 0xff], (1 << 23) - 1),
        ] {
            assert_eq!(TimeOffset::parse(&bytes), Some(TimeOffset { ticks }));
            assert_eq!(TimeOffset { ticks }.to_bytes(), bytes);
        }
        assert_eq!(TimeOffset::parse(&[0; 2]), None);
    }
}
