//! Types for the numbers in an RTP header.

use std::fmt;

/// Synchronization source (RFC 3550 §5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ssrc(pub u32);

impl fmt::Display for Ssrc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Payload type, 0 to 127 (RFC 3550 §5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PayloadType(pub u8);

/// Sequence number, which wraps (RFC 3550 §5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SequenceNumber(pub u16);

impl SequenceNumber {
    /// The number `count` packets later.
    pub fn plus(self, count: u16) -> Self {
        Self(self.0.wrapping_add(count))
    }

    /// How many packets later this is than `earlier`, -32768 to 32767.
    pub fn distance(self, earlier: Self) -> i16 {
        self.0.wrapping_sub(earlier.0).cast_signed()
    }
}

/// Timestamp in units of the payload's clock rate, which wraps (RFC 3550 §5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RtpTimestamp(pub u32);

impl RtpTimestamp {
    /// The timestamp `ticks` later.
    pub fn plus(self, ticks: u32) -> Self {
        Self(self.0.wrapping_add(ticks))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_holds_across_the_wrap() {
        assert_eq!(SequenceNumber(2).distance(SequenceNumber(65535)), 3);
        assert_eq!(SequenceNumber(65535).distance(SequenceNumber(2)), -3);
        assert_eq!(SequenceNumber(65534).plus(4), SequenceNumber(2));
        assert_eq!(RtpTimestamp(u32::MAX).plus(2), RtpTimestamp(1));
    }
}
