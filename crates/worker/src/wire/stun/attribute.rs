//! The attributes of a STUN message (RFC 8489 §14).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::wire::buffer::{Reader, padding_to_word};

use super::message::{MAGIC_COOKIE, TransactionId};

/// An attribute's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttributeType(pub u16);

impl AttributeType {
    /// USERNAME (RFC 8489 §14.3).
    pub const USERNAME: Self = Self(0x0006);
    /// MESSAGE-INTEGRITY (RFC 8489 §14.5).
    pub const MESSAGE_INTEGRITY: Self = Self(0x0008);
    /// ERROR-CODE (RFC 8489 §14.8).
    pub const ERROR_CODE: Self = Self(0x0009);
    /// XOR-MAPPED-ADDRESS (RFC 8489 §14.2).
    pub const XOR_MAPPED_ADDRESS: Self = Self(0x0020);
    /// PRIORITY (RFC 8445 §16.1).
    pub const PRIORITY: Self = Self(0x0024);
    /// USE-CANDIDATE (RFC 8445 §16.1).
    pub const USE_CANDIDATE: Self = Self(0x0025);
    /// NOMINATION (draft-thatcher-ice-renomination) under the number that it got later.
    pub const NOMINATION: Self = Self(0x0030);
    /// SOFTWARE (RFC 8489 §14.14).
    pub const SOFTWARE: Self = Self(0x8022);
    /// FINGERPRINT (RFC 8489 §14.7).
    pub const FINGERPRINT: Self = Self(0x8028);
    /// ICE-CONTROLLED (RFC 8445 §16.1).
    pub const ICE_CONTROLLED: Self = Self(0x8029);
    /// ICE-CONTROLLING (RFC 8445 §16.1).
    pub const ICE_CONTROLLING: Self = Self(0x802a);
    /// NOMINATION by the number that libwebrtc uses.
    pub const GOOG_NOMINATION: Self = Self(0xc001);
}

/// One attribute of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Its type.
    pub kind: AttributeType,
    /// Its value, without the padding to 32 bits.
    pub value: &'a [u8],
}

/// The attributes of a message, in order.
#[derive(Clone, Debug)]
pub struct Attributes<'a>(Reader<'a>);

impl<'a> Attributes<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(Reader::new(bytes))
    }

    /// How many bytes have not been read.
    pub(super) const fn left(&self) -> usize {
        self.0.rest().len()
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut reader = self.0;
        let kind = AttributeType(reader.u16()?);
        let len = usize::from(reader.u16()?);
        let value = reader.bytes(len)?;
        reader.bytes(padding_to_word(len))?;
        self.0 = reader;
        Some(Attribute { kind, value })
    }
}

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorCode<'a> {
    /// 300–699.
    pub code: u16,
    /// For a person to read; not checked to be UTF-8.
    pub reason: &'a [u8],
}

impl<'a> ErrorCode<'a> {
    pub(super) fn parse(value: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(value);
        let [_, _, class, number] = reader.array()?;
        let class = u16::from(class & 7);
        if !(3..=6).contains(&class) || number > 99 {
            return None;
        }
        Some(Self {
            code: class * 100 + u16::from(number),
            reason: reader.rest(),
        })
    }
}

/// Reads the value of an XOR-MAPPED-ADDRESS.
pub(super) fn parse_xor_address(value: &[u8], id: TransactionId) -> Option<SocketAddr> {
    let mut reader = Reader::new(value);
    let [_, family] = reader.array()?;
    let port = reader.u16()? ^ port_mask();
    let ip = match family {
        IPV4 => IpAddr::V4(Ipv4Addr::from(reader.u32()? ^ MAGIC_COOKIE)),
        IPV6 => IpAddr::V6(Ipv6Addr::from(
            u128::from_be_bytes(reader.array()?) ^ ipv6_mask(id),
        )),
        _ => return None,
    };
    reader.is_empty().then_some(SocketAddr::new(ip, port))
}

/// The value of an XOR-MAPPED-ADDRESS, and how many of its bytes are used.
pub(super) fn xor_address(address: SocketAddr, id: TransactionId) -> ([u8; 20], usize) {
    let mut value = [0; 20];
    let port = address.port() ^ port_mask();
    value[2..4].copy_from_slice(&port.to_be_bytes());
    match address.ip().to_canonical() {
        IpAddr::V4(ip) => {
            value[1] = IPV4;
            value[4..8].copy_from_slice(&(ip.to_bits() ^ MAGIC_COOKIE).to_be_bytes());
            (value, 8)
        }
        IpAddr::V6(ip) => {
            value[1] = IPV6;
            value[4..20].copy_from_slice(&(ip.to_bits() ^ ipv6_mask(id)).to_be_bytes());
            (value, 20)
        }
    }
}

/// RFC 8489 §14.2: X-Port is the port XORed "with the most significant 16 bits of the magic
/// cookie".
const fn port_mask() -> u16 {
    let [a, b, _, _] = MAGIC_COOKIE.to_be_bytes();
    u16::from_be_bytes([a, b])
}

/// RFC 8489 §14.2: an IPv6 address is XORed "with the concatenation of the magic cookie and the
/// 96-bit transaction ID".
fn ipv6_mask(id: TransactionId) -> u128 {
    let mut mask = [0; 16];
    mask[..4].copy_from_slice(&MAGIC_COOKIE.to_be_bytes());
    mask[4..].copy_from_slice(&id.0);
    u128::from_be_bytes(mask)
}

const IPV4: u8 = 1;
const IPV6: u8 = 2;
