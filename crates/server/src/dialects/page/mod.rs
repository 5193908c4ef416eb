//! The dialect that the page speaks: JSON over a WebSocket, described in `SIGNALING.md`
//! beside this file.
//!
//! An adapter: `messages` are the frames, `translate` turns what rooms say into them, `publishing`
//! and `receiving` are the client's two peer connections, a [`Session`] is one client and does what
//! its requests ask, in order.

mod access;
mod error;
mod messages;
mod publishing;
mod receiving;
mod requests;
mod session;
mod translate;

#[cfg(test)]
mod tests;

pub(crate) use error::SignalingError;
pub(crate) use messages::VERSION;
pub(crate) use session::{Closing, Session};
