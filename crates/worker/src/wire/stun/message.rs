//! A view of a received STUN message (RFC 8489 §5).

use std::net::SocketAddr;

use crate::wire::buffer::Reader;

use super::attribute::{Attribute, AttributeType, Attributes, ErrorCode, parse_xor_address};
use super::integrity::{IntegrityKey, TAG_LEN};

/// A view of a STUN message. [`StunMessage::new_checked`] walks every attribute once; after that no
/// accessor can fail or panic.
///
/// Trust nothing of it before [`StunMessage::verify_integrity`]. The accessors see only the
/// attributes before MESSAGE-INTEGRITY, because only these are covered by that check.
#[derive(Clone, Copy, Debug)]
pub struct StunMessage<'a> {
    bytes: &'a [u8],
    class: Class,
    method: Method,
    transaction_id: TransactionId,
    /// Where the attributes that the accessors see end.
    end: usize,
    integrity: Option<&'a [u8]>,
    fingerprint: Option<u32>,
}

/// What a message is (RFC 8489 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Wants an answer.
    Request,
    /// Wants none.
    Indication,
    /// Answers a request that succeeded.
    SuccessResponse,
    /// Answers a request that failed.
    ErrorResponse,
}

/// What a message is about, 12 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Method(pub u16);

impl Method {
    /// Binding, the only method of ICE.
    pub const BINDING: Self = Self(0x001);
}

/// What ties a response to its request: 96 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionId(pub [u8; 12]);

/// Why bytes are no STUN message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum StunError {
    /// Fewer bytes than the header has.
    #[error("shorter than the STUN header")]
    TooShort,
    /// The first two bits are not zero.
    #[error("first two bits are not zero")]
    FirstBits,
    /// The magic cookie is another number.
    #[error("magic cookie is wrong")]
    MagicCookie,
    /// The length field does not match what follows the header, or it is no multiple of four.
    #[error("STUN length does not match the datagram")]
    Length,
    /// An attribute reaches past the end of the message.
    #[error("STUN attribute is longer than the message")]
    Attribute,
    /// MESSAGE-INTEGRITY is not 20 bytes long.
    #[error("MESSAGE-INTEGRITY has the wrong length")]
    MessageIntegrity,
    /// FINGERPRINT is not 4 bytes long, or not the last attribute.
    #[error("FINGERPRINT is malformed or not the last attribute")]
    Fingerprint,
}

impl<'a> StunMessage<'a> {
    /// Checks header and attributes of a whole datagram.
    ///
    /// # Errors
    ///
    /// The first thing that is not as RFC 8489 §5 and §14 want it.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, StunError> {
        let (header, body) = bytes
            .split_first_chunk::<HEADER_LEN>()
            .ok_or(StunError::TooShort)?;
        let [
            kind_a,
            kind_b,
            len_a,
            len_b,
            cookie @ ..,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
        ] = *header;
        if kind_a & 0xc0 != 0 {
            return Err(StunError::FirstBits);
        }
        if u32::from_be_bytes(cookie) != MAGIC_COOKIE {
            return Err(StunError::MagicCookie);
        }
        let len = usize::from(u16::from_be_bytes([len_a, len_b]));
        if len != body.len() || !len.is_multiple_of(4) {
            return Err(StunError::Length);
        }
        let (class, method) = split_type(u16::from_be_bytes([kind_a, kind_b]));
        let mut id = [0; 12];
        id.copy_from_slice(&header[8..]);
        let mut message = Self {
            bytes,
            class,
            method,
            transaction_id: TransactionId(id),
            end: bytes.len(),
            integrity: None,
            fingerprint: None,
        };
        message.walk(body)?;
        Ok(message)
    }

    fn walk(&mut self, body: &'a [u8]) -> Result<(), StunError> {
        let mut attributes = Attributes::new(body);
        while attributes.left() > 0 {
            let at = self.bytes.len() - attributes.left();
            let Attribute { kind, value } = attributes.next().ok_or(StunError::Attribute)?;
            match kind {
                AttributeType::FINGERPRINT => {
                    // RFC 8489 §14.7: FINGERPRINT "MUST be the last attribute in the message".
                    let crc = Reader::new(value).u32();
                    if value.len() != 4 || attributes.left() > 0 {
                        return Err(StunError::Fingerprint);
                    }
                    self.fingerprint = crc;
                    self.end = self.end.min(at);
                }
                // RFC 8489 §14.5: "agents MUST ignore all other attributes that follow
                // MESSAGE-INTEGRITY", a second one of that kind included.
                AttributeType::MESSAGE_INTEGRITY if self.integrity.is_none() => {
                    if value.len() != TAG_LEN {
                        return Err(StunError::MessageIntegrity);
                    }
                    self.integrity = Some(value);
                    self.end = at;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether it is a request, an indication or a response.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.class
    }

    /// Its method.
    #[must_use]
    pub const fn method(&self) -> Method {
        self.method
    }

    /// Its transaction id.
    #[must_use]
    pub const fn transaction_id(&self) -> TransactionId {
        self.transaction_id
    }

    /// The attributes before MESSAGE-INTEGRITY and FINGERPRINT.
    #[must_use]
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes::new(&self.bytes[HEADER_LEN..self.end])
    }

    /// The value of the first attribute of this type before MESSAGE-INTEGRITY.
    #[must_use]
    pub fn attribute(&self, kind: AttributeType) -> Option<&'a [u8]> {
        self.attributes()
            .find_map(|attribute| (attribute.kind == kind).then_some(attribute.value))
    }

    /// USERNAME; not checked to be UTF-8.
    #[must_use]
    pub fn username(&self) -> Option<&'a [u8]> {
        self.attribute(AttributeType::USERNAME)
    }

    /// The part of USERNAME before the colon. In a request it is the receiver's own username
    /// fragment (RFC 8445 §7.2.2).
    #[must_use]
    pub fn local_username_fragment(&self) -> Option<&'a [u8]> {
        self.username()?.split(|byte| *byte == b':').next()
    }

    /// PRIORITY.
    #[must_use]
    pub fn priority(&self) -> Option<u32> {
        exact(self.attribute(AttributeType::PRIORITY)?).map(u32::from_be_bytes)
    }

    /// Whether USE-CANDIDATE is there.
    #[must_use]
    pub fn use_candidate(&self) -> bool {
        self.attribute(AttributeType::USE_CANDIDATE).is_some()
    }

    /// The tiebreaker in ICE-CONTROLLED.
    #[must_use]
    pub fn ice_controlled(&self) -> Option<u64> {
        exact(self.attribute(AttributeType::ICE_CONTROLLED)?).map(u64::from_be_bytes)
    }

    /// The tiebreaker in ICE-CONTROLLING.
    #[must_use]
    pub fn ice_controlling(&self) -> Option<u64> {
        exact(self.attribute(AttributeType::ICE_CONTROLLING)?).map(u64::from_be_bytes)
    }

    /// NOMINATION under either of its numbers; 0x0030 wins if both are there.
    #[must_use]
    pub fn nomination(&self) -> Option<u32> {
        let value = self
            .attribute(AttributeType::NOMINATION)
            .or_else(|| self.attribute(AttributeType::GOOG_NOMINATION))?;
        exact(value).map(u32::from_be_bytes)
    }

    /// ERROR-CODE.
    #[must_use]
    pub fn error_code(&self) -> Option<ErrorCode<'a>> {
        ErrorCode::parse(self.attribute(AttributeType::ERROR_CODE)?)
    }

    /// XOR-MAPPED-ADDRESS, undone.
    #[must_use]
    pub fn xor_mapped_address(&self) -> Option<SocketAddr> {
        let value = self.attribute(AttributeType::XOR_MAPPED_ADDRESS)?;
        parse_xor_address(value, self.transaction_id)
    }

    /// SOFTWARE; not checked to be UTF-8.
    #[must_use]
    pub fn software(&self) -> Option<&'a [u8]> {
        self.attribute(AttributeType::SOFTWARE)
    }

    /// Whether there is a MESSAGE-INTEGRITY, right or wrong.
    #[must_use]
    pub const fn has_integrity(&self) -> bool {
        self.integrity.is_some()
    }

    /// Whether there is a FINGERPRINT, right or wrong.
    #[must_use]
    pub const fn has_fingerprint(&self) -> bool {
        self.fingerprint.is_some()
    }

    /// Whether FINGERPRINT is there and right (RFC 8489 §14.7).
    #[must_use]
    pub fn verify_fingerprint(&self) -> bool {
        let covered = self.bytes.len().saturating_sub(FINGERPRINT_LEN);
        self.fingerprint == Some(fingerprint(&self.bytes[..covered]))
    }

    /// Whether MESSAGE-INTEGRITY is there and was made with `key`; compares in constant time.
    #[must_use]
    pub fn verify_integrity(&self, key: &IntegrityKey) -> bool {
        self.integrity
            .is_some_and(|tag| key.verify(&self.bytes[..self.end], tag))
    }
}

/// What FINGERPRINT says of the bytes before it.
pub(super) fn fingerprint(message: &[u8]) -> u32 {
    crc32fast::hash(message) ^ FINGERPRINT_XOR
}

/// RFC 8489 §5: the class's two bits lie among the method's twelve, at bits 4 and 8.
fn split_type(kind: u16) -> (Class, Method) {
    let class = match (kind & 0x0100 != 0, kind & 0x0010 != 0) {
        (false, false) => Class::Request,
        (false, true) => Class::Indication,
        (true, false) => Class::SuccessResponse,
        (true, true) => Class::ErrorResponse,
    };
    let method = (kind & 0x000f) | (kind & 0x00e0) >> 1 | (kind & 0x3e00) >> 2;
    (class, Method(method))
}

/// The reverse of [`split_type`].
pub(super) const fn join_type(class: Class, method: Method) -> u16 {
    let class = match class {
        Class::Request => 0,
        Class::Indication => 0x0010,
        Class::SuccessResponse => 0x0100,
        Class::ErrorResponse => 0x0110,
    };
    let Method(method) = method;
    class | (method & 0x000f) | (method & 0x0070) << 1 | (method & 0x0f80) << 2
}

fn exact<const N: usize>(value: &[u8]) -> Option<[u8; N]> {
    value.try_into().ok()
}

/// Length of the header, in bytes.
pub(super) const HEADER_LEN: usize = 20;
pub(super) const MAGIC_COOKIE: u32 = 0x2112_a442;
/// Length of a FINGERPRINT attribute, in bytes.
const FINGERPRINT_LEN: usize = 8;
/// "STUN" in ASCII. It makes this CRC differ from one that an outer protocol may use.
const FINGERPRINT_XOR: u32 = 0x5354_554e;
