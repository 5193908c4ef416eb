//! `http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time`: when the packet left the sender.

use std::time::Duration;

use crate::time::{Instant, NtpTime};
use crate::wire::buffer::Reader;

/// A time of sending: 24 bits of 6.18 fixed-point seconds, which wrap every 64 seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct AbsSendTime(u32);

impl AbsSendTime {
    /// Length of the value, in bytes.
    pub const LEN: usize = 3;

    /// Reads an element's value.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(value);
        let ticks = reader.u24()?;
        reader.is_empty().then_some(Self(ticks))
    }

    /// The bytes of the element's value.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; Self::LEN] {
        let [_, a, b, c] = self.0.to_be_bytes();
        [a, b, c]
    }

    /// A sending time by the worker's own clock. Only differences between sending times matter, so
    /// any clock will do.
    #[must_use]
    pub fn from_instant(instant: Instant) -> Self {
        let nanos = instant.as_nanos() % (WRAP_SECONDS * NANOS_PER_SECOND);
        let ticks = (nanos << FRACTION_BITS) / NANOS_PER_SECOND;
        Self(u32::try_from(ticks).unwrap_or(MASK) & MASK)
    }

    /// A sending time by an NTP clock, as libwebrtc counts it.
    #[must_use]
    pub fn from_ntp(ntp: NtpTime) -> Self {
        let ticks = (ntp.0 >> (32 - FRACTION_BITS)) & u64::from(MASK);
        Self(u32::try_from(ticks).unwrap_or(MASK))
    }

    /// The 24 bits, in units of 2⁻¹⁸ s.
    #[must_use]
    pub const fn ticks(self) -> u32 {
        self.0
    }

    /// This time minus `earlier` in units of 2⁻¹⁸ s, by the shorter way around the wrap: between
    /// −2²³ and 2²³−1, which is ±32 s.
    #[must_use]
    pub const fn ticks_since(self, earlier: Self) -> i32 {
        // The 24-bit difference goes to the top of the word, so that shifting it back extends its
        // sign.
        (self.0.wrapping_sub(earlier.0) << 8).cast_signed() >> 8
    }

    /// How long this time is after `earlier`; `None` when it is before it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Option<Duration> {
        let ticks = u64::try_from(self.ticks_since(earlier)).ok()?;
        Some(Duration::from_nanos(
            (ticks * NANOS_PER_SECOND) >> FRACTION_BITS,
        ))
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

    #[test]
    fn ntp_keeps_six_bits_of_seconds_and_eighteen_of_fraction() {
        let ntp = NtpTime((0x1234_5678 << 32) | 0xabcd_ef01);
        let expected = ((0x1234_5678 & 0x3f) << 18) | (0xabcd_ef01 >> 14);
        assert_eq!(AbsSendTime::from_ntp(ntp).ticks(), expected);
    }

    #[test]
    fn differences_cross_the_wrap() {
        let before = AbsSendTime::from_instant(Instant::from_millis(63_750));
        let after = AbsSendTime::from_instant(Instant::from_millis(64_250));
        assert_eq!(after.since(before), Some(Duration::from_millis(500)));
        assert_eq!(before.ticks_since(after), -(1 << 17));
        assert_eq!(before.since(after), None);
    }
}
