//! SRTP and SRTCP (RFC 3711, RFC 7714), in place in the caller's buffer.
//!
//! A transport owns one [`SrtpReceive`] for packets from its remote and one [`SrtpSend`] for its
//! own packets, each made from a [`MasterKey`]. For each SSRC both keep the 48-bit packet index
//! (sequence number and rollover counter) and a window of the indices already seen. Three rules
//! always hold:
//!
//! - an SSRC gets state only after one of its packets has authenticated, and a session holds a
//!   bounded number of SSRCs;
//! - a refused packet changes no state, and a buffer whose tag failed is not read again;
//! - no packet allocates; keys are expanded once, when the session is made.

mod cipher;
mod context;
mod error;
mod key_derivation;
mod profile;
mod replay;
mod stream_table;

#[cfg(test)]
mod tests;

pub(crate) use context::SENDER_WINDOW;
pub use context::{SrtpReceive, SrtpSend};
pub use error::SrtpError;
pub use key_derivation::{KeyLengthError, MasterKey, SrtpKeys};
pub use profile::MAX_PROTECTION_OVERHEAD;
pub use stream_table::StreamIndex;
