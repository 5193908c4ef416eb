//! STUN messages as ICE uses them (RFC 8489, RFC 8445): a checked view, the two checks that make a
//! message trustworthy, and writers into a caller's buffer.

mod attribute;
mod integrity;
mod message;
mod writer;

#[cfg(test)]
mod tests;

pub use attribute::{Attribute, AttributeType, Attributes, ErrorCode};
pub use integrity::IntegrityKey;
pub use message::{Class, Method, StunError, StunMessage, TransactionId};
pub use writer::{BindingRequest, IceRole, StunWriter};
pub(crate) use writer::{write_error, write_success};
