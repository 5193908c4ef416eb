//! The dialect that the page speaks: JSON over a WebSocket, described in `SIGNALING.md`
//! beside this file.
//!
//! `messages` are the frames, and `translate` turns events of rooms into frames. `publishing` and
//! `receiving` are the client's two peer connections. A [`Session`] is one client; it carries out
//! its requests in order. `resuming` lets it go on over another connection, and `outgoing` keeps
//! what was sent until then.

mod access;
mod error;
mod messages;
mod outgoing;
mod publishing;
mod receiving;
mod requests;
mod resuming;
mod session;
mod translate;

#[cfg(test)]
mod tests;

pub(crate) use error::SignalingError;
pub(crate) use messages::VERSION;
pub(crate) use session::{Closing, Session};
