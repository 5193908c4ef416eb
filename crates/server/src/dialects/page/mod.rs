//! The dialect that the page speaks: JSON over a WebSocket, described in `SIGNALING.md`
//! beside this file.
//!
//! `connection` is a client's WebSocket. `messages` are the frames, and `translate` turns events of
//! rooms into frames. `publishing` and `receiving` are the client's two peer connections. A
//! [`Session`](session::Session) is one client; it carries out its requests in order. `resuming`
//! lets it go on over another connection, and `outgoing` keeps what was sent until then.

mod access;
mod connection;
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
pub(crate) mod samples;
#[cfg(test)]
mod tests;

pub(super) use connection::routes;

use error::SignalingError;
use messages::VERSION;
