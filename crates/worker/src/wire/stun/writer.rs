//! Writing STUN messages into a caller's buffer.

use std::net::SocketAddr;

use crate::wire::buffer::Writer;

use super::attribute::{AttributeType, xor_address};
use super::integrity::IntegrityKey;
use super::message::{
    Class, HEADER_LEN, MAGIC_COOKIE, Method, TransactionId, fingerprint, join_type,
};

/// Writes a message attribute by attribute. The length field is correct after each of them. A write
/// that does not fit returns `None`; the message must not be sent then.
#[derive(Debug)]
pub struct StunWriter<'a> {
    out: Writer<'a>,
    transaction_id: TransactionId,
}

impl<'a> StunWriter<'a> {
    /// A message without attributes at the front of `buffer`.
    #[must_use]
    pub fn new(
        buffer: &'a mut [u8],
        class: Class,
        method: Method,
        transaction_id: TransactionId,
    ) -> Option<Self> {
        let mut out = Writer::new(buffer);
        out.u16(join_type(class, method))?;
        out.u16(0)?;
        out.u32(MAGIC_COOKIE)?;
        out.bytes(&transaction_id.0)?;
        Some(Self {
            out,
            transaction_id,
        })
    }

    /// Length of the message so far, in bytes.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.out.position()
    }

    /// Whether it has no attribute.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == HEADER_LEN
    }

    /// Appends an attribute and pads it to 32 bits.
    pub fn attribute(&mut self, kind: AttributeType, value: &[u8]) -> Option<()> {
        let start = self.out.position();
        self.out.u16(kind.0)?;
        self.out.u16(u16::try_from(value.len()).ok()?)?;
        self.out.bytes(value)?;
        self.out.align(start)?;
        self.set_length(self.out.position())
    }

    /// Appends XOR-MAPPED-ADDRESS.
    pub fn xor_mapped_address(&mut self, address: SocketAddr) -> Option<()> {
        let (value, len) = xor_address(address, self.transaction_id);
        self.attribute(AttributeType::XOR_MAPPED_ADDRESS, &value[..len])
    }

    /// Appends ERROR-CODE; `None` also when `code` is not 300–699.
    pub fn error_code(&mut self, code: u16, reason: &str) -> Option<()> {
        let class = u8::try_from(code / 100)
            .ok()
            .filter(|c| (3..=6).contains(c))?;
        let number = u8::try_from(code % 100).ok()?;
        let start = self.out.position();
        let value_len = reason.len().checked_add(4)?;
        self.out.u16(AttributeType::ERROR_CODE.0)?;
        self.out.u16(u16::try_from(value_len).ok()?)?;
        self.out.bytes(&[0, 0, class, number])?;
        self.out.bytes(reason.as_bytes())?;
        self.out.align(start)?;
        self.set_length(self.out.position())
    }

    /// Appends MESSAGE-INTEGRITY over everything so far.
    pub fn message_integrity(&mut self, key: &IntegrityKey) -> Option<()> {
        let tag = key.sign(self.out.written())?;
        self.attribute(AttributeType::MESSAGE_INTEGRITY, &tag)
    }

    /// Appends FINGERPRINT over everything so far and returns the length of the message.
    pub fn fingerprint(mut self) -> Option<usize> {
        // RFC 8489 §14.7: the CRC covers a length field that already counts FINGERPRINT.
        self.set_length(self.out.position() + 8)?;
        let crc = fingerprint(self.out.written());
        self.attribute(AttributeType::FINGERPRINT, &crc.to_be_bytes())?;
        Some(self.len())
    }

    fn set_length(&mut self, end: usize) -> Option<()> {
        let len = u16::try_from(end.checked_sub(HEADER_LEN)?).ok()?;
        self.out.patch(2, &len.to_be_bytes())
    }
}

/// Writes a success response to a Binding request: XOR-MAPPED-ADDRESS, MESSAGE-INTEGRITY and
/// FINGERPRINT. Returns its length: 64 bytes for IPv4, 76 for IPv6.
pub(crate) fn write_success(
    buffer: &mut [u8],
    transaction_id: TransactionId,
    mapped_address: SocketAddr,
    key: &IntegrityKey,
) -> Option<usize> {
    let mut message = StunWriter::new(
        buffer,
        Class::SuccessResponse,
        Method::BINDING,
        transaction_id,
    )?;
    message.xor_mapped_address(mapped_address)?;
    message.message_integrity(key)?;
    message.fingerprint()
}

/// Writes an error response to a Binding request: ERROR-CODE, MESSAGE-INTEGRITY if there is a
/// `key`, and FINGERPRINT. Returns its length.
pub(crate) fn write_error(
    buffer: &mut [u8],
    transaction_id: TransactionId,
    code: u16,
    reason: &str,
    key: Option<&IntegrityKey>,
) -> Option<usize> {
    let mut message = StunWriter::new(
        buffer,
        Class::ErrorResponse,
        Method::BINDING,
        transaction_id,
    )?;
    message.error_code(code, reason)?;
    if let Some(key) = key {
        message.message_integrity(key)?;
    }
    message.fingerprint()
}

/// A Binding request as a full ICE agent sends it (RFC 8445 §7.2.2).
#[derive(Clone, Copy, Debug)]
pub struct BindingRequest<'a> {
    /// The transaction id.
    pub transaction_id: TransactionId,
    /// The receiver's username fragment, a colon, the sender's.
    pub username: &'a str,
    /// The priority that a peer-reflexive candidate would have.
    pub priority: Option<u32>,
    /// The sender's role.
    pub role: Option<IceRole>,
    /// Whether the pair is nominated.
    pub use_candidate: bool,
    /// The count of nominations, under the attribute number that libwebrtc uses.
    pub nomination: Option<u32>,
}

/// The role of an ICE agent, with its tiebreaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IceRole {
    /// It nominates.
    Controlling(u64),
    /// It waits for nomination.
    Controlled(u64),
}

impl BindingRequest<'_> {
    /// Writes it with MESSAGE-INTEGRITY and FINGERPRINT and returns its length.
    pub fn write(&self, buffer: &mut [u8], key: &IntegrityKey) -> Option<usize> {
        let mut message =
            StunWriter::new(buffer, Class::Request, Method::BINDING, self.transaction_id)?;
        message.attribute(AttributeType::USERNAME, self.username.as_bytes())?;
        if let Some(priority) = self.priority {
            message.attribute(AttributeType::PRIORITY, &priority.to_be_bytes())?;
        }
        match self.role {
            Some(IceRole::Controlling(tiebreaker)) => {
                message.attribute(AttributeType::ICE_CONTROLLING, &tiebreaker.to_be_bytes())?;
            }
            Some(IceRole::Controlled(tiebreaker)) => {
                message.attribute(AttributeType::ICE_CONTROLLED, &tiebreaker.to_be_bytes())?;
            }
            None => {}
        }
        if self.use_candidate {
            message.attribute(AttributeType::USE_CANDIDATE, &[])?;
        }
        if let Some(nomination) = self.nomination {
            message.attribute(AttributeType::GOOG_NOMINATION, &nomination.to_be_bytes())?;
        }
        message.message_integrity(key)?;
        message.fingerprint()
    }
}
