//! `http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time`: when the media was captured.

use crate::time::NtpTime;
use crate::wire::buffer::Reader;

/// The time of capture of a packet's first sample or frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbsCaptureTime {
    /// By the clock of who captured it.
    pub timestamp: NtpTime,
    /// The capturer's clock minus the sender's clock, in units of 2⁻³² s. `None` in the short form.
    pub clock_offset: Option<i64>,
}

impl AbsCaptureTime {
    /// Length of the value in the form without a clock offset, in bytes.
    pub const SHORT_LEN: usize = 8;
    /// Length of the value in the form with a clock offset, in bytes.
    pub const LEN: usize = 16;
    /// Where in the longer value the clock offset begins.
    pub const CLOCK_OFFSET_AT: usize = 8;

    /// Reads an element's value of 8 or 16 bytes.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(value);
        let timestamp = NtpTime(reader.u64()?);
        let clock_offset = if reader.is_empty() {
            None
        } else {
            Some(reader.u64()?.cast_signed())
        };
        reader.is_empty().then_some(Self {
            timestamp,
            clock_offset,
        })
    }

    /// The same capture time for a packet that we send on. `offset` is the original sender's clock
    /// minus ours, in units of 2⁻³² s. While it is not known, the offset is left out.
    #[must_use]
    pub fn sent_by_us(self, offset: Option<i64>) -> Self {
        let sum = |(a, b): (i64, i64)| a.wrapping_add(b);
        Self {
            clock_offset: self.clock_offset.zip(offset).map(sum),
            ..self
        }
    }

    /// The bytes of the element's value. Only the first [`AbsCaptureTime::len`] are written.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        let (timestamp, offset) = bytes.split_at_mut(Self::CLOCK_OFFSET_AT);
        timestamp.copy_from_slice(&self.timestamp.0.to_be_bytes());
        offset.copy_from_slice(&self.clock_offset.unwrap_or(0).to_be_bytes());
        bytes
    }

    /// How long the value is: 8 bytes, or 16 with a clock offset.
    #[must_use]
    #[expect(
        clippy::len_without_is_empty,
        reason = "the length of a value on the wire, not of a collection"
    )]
    pub const fn len(self) -> usize {
        match self.clock_offset {
            None => Self::SHORT_LEN,
            Some(_) => Self::LEN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_read_back() {
        for clock_offset in [None, Some(-(1 << 31)), Some(0)] {
            let time = AbsCaptureTime {
                timestamp: NtpTime(0x0102_0304_0506_0708),
                clock_offset,
            };
            let bytes = time.to_bytes();
            assert_eq!(AbsCaptureTime::parse(&bytes[..time.len()]), Some(time));
        }
        for len in [0, 7, 9, 15, 17] {
            assert_eq!(AbsCaptureTime::parse(&[0; 17][..len]), None, "{len} bytes");
        }
    }

    #[test]
    fn whoever_sends_it_on_adds_how_the_clocks_differ() {
        let time = AbsCaptureTime {
            timestamp: NtpTime(7),
            clock_offset: Some(5),
        };
        assert_eq!(time.sent_by_us(Some(-7)).clock_offset, Some(-2));
        assert_eq!(time.sent_by_us(None).clock_offset, None);
        let short = AbsCaptureTime {
            clock_offset: None,
            ..time
        };
        assert_eq!(short.sent_by_us(Some(1)), short);
    }
}
