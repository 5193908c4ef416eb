//! `draft-holmer-rmcat-transport-wide-cc-extensions-01` §2: one sequence over all packets of a
//! transport.

use crate::wire::buffer::Reader;

/// The place of a packet in the transport's own sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct TransportWideSequenceNumber(pub u16);

impl TransportWideSequenceNumber {
    /// Length of the value, in bytes.
    pub(crate) const LEN: usize = 2;

    /// Reads an element's value. Longer values are the extension's second version, which begins
    /// with the same two bytes.
    #[must_use]
    pub(crate) fn parse(value: &[u8]) -> Option<Self> {
        Reader::new(value).u16().map(Self)
    }

    /// The bytes of the element's value.
    #[must_use]
    pub(crate) const fn to_bytes(self) -> [u8; Self::LEN] {
        self.0.to_be_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_two_bytes() {
        let number = TransportWideSequenceNumber(0xfffe);
        assert_eq!(number.to_bytes(), [0xff, 0xfe]);
        assert_eq!(
            TransportWideSequenceNumber::parse(&[0xff, 0xfe]),
            Some(number)
        );
        assert_eq!(
            TransportWideSequenceNumber::parse(&[0xff, 0xfe, 0, 1]),
            Some(number)
        );
        assert_eq!(TransportWideSequenceNumber::parse(&[1]), None);
    }
}
