//! The dialect that the page speaks: JSON over a WebSocket, described in `SIGNALING.md`
//! beside this file.
//!
//! An adapter: `messages` are the frames, `translate` turns what rooms say into them, a
//! [`Session`] is one connection and does what its requests ask, in order.

mod access;
mod error;
mod messages;
mod requests;
mod session;
mod translate;

#[cfg(test)]
mod tests;

pub(crate) use error::SignalingError;
pub(crate) use messages::VERSION;
pub(crate) use session::{Closing, Session};
