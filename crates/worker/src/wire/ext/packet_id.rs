//! `urn:mediasoup:params:rtp-hdrext:packet-id`: a number that follows a packet through routers.

use crate::wire::buffer::Reader;

/// The number that a producer gave a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PacketId(pub u32);

impl PacketId {
    /// Length of the value, in bytes.
    pub const LEN: usize = 4;

    /// Reads an element's value.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        Reader::new(value).u32().map(Self)
    }

    /// The bytes of the element's value.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; Self::LEN] {
        self.0.to_be_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_four_bytes() {
        assert_eq!(
            PacketId::parse(&PacketId(7_000_000).to_bytes()),
            Some(PacketId(7_000_000))
        );
        assert_eq!(PacketId::parse(&[0; 3]), None);
    }
}
