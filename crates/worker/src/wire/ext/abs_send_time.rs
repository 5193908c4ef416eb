//! `http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time`: when the packet left the sender.

use crate::time::Instant;
use crate::wire::buffer::Reader;

/// A time of sending: 24 bits of 6.18 fixed-point seconds, which wrap every 64 seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct AbsSendTime(u32);

impl AbsSendTime {
    /// Length of the value, in bytes.
    pub(crate) const LEN: usize = 3;

    /// Reads an element's value.
    #[must_use]
    pub(crate) fn parse(value: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(value);
        let ticks = reader.u24()?;
        reader.is_empty().then_some(Self(ticks))
    }

    /// The bytes of the element's value.
    #[must_use]
    pub(crate) const fn to_bytes(self) -> [u8; Self::LEN] {
        let [_, a, b, c] = self.0.to_be_bytes();
        [a, b, c]
    }

    /// A sending time by the worker's own clock. Only differences between sending times matter, so
    /// any clock will do.
    #[must_use]
    pub(crate) fn from_instant(instant: Instant) -> Self {
        let nanos = instant.as_nanos() % (WRAP_SECONDS * NANOS_PER_SECOND);
        let ticks = (nanos << FRACTION_BITS) / NANOS_PER_SECOND;
        Self(u32::try_from(ticks).unwrap_or(MASK) & MASK)
    }

    /// The 24 bits, in units of 2⁻¹⁸ s.
    #[must_use]
    pub(crate) const fn ticks(self) -> u32 {
        self.0
    }
}

const FRACTION_BITS: u32 = 18;
const MASK: u32 = 0x00ff_ffff;
const WRAP_SECONDS: u64 = 64;
const NANOS_PER_SECOND: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_in_the_upper_six_bits() {
        let time = AbsSendTime::from_instant(Instant::from_millis(64_000 + 5_500));
        assert_eq!(time.ticks(), 5 << 18 | 1 << 17);
        assert_eq!(time.to_bytes(), [0x16, 0, 0]);
        assert_eq!(AbsSendTime::parse(&time.to_bytes()), Some(time));
        assert_eq!(AbsSendTime::parse(&[0; 2]), None);
        assert_eq!(AbsSendTime::parse(&[0; 4]), None);
    }
}
