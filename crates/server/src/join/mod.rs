//! `tureen join`: a bot in a room, which speaks the page's signaling.
//!
//! It publishes a prepared test picture and tone, or it receives what is published and counts it.
//! It is a client like any other: it shares no code with the server's side of signaling, SDP or
//! media, and reaches the room through the address that a person opens.
//!
//! [`run`](run::join) runs a visit from joining to leaving. `signaling` is the WebSocket,
//! `messages` the client's half of the dialect, and `description` writes and reads SDP. `publish`
//! and `watch` are the two things that a bot can do with media.

mod address;
mod config;
mod description;
mod error;
mod messages;
mod publish;
mod room;
mod run;
mod signaling;
mod tls;
mod watch;

pub use address::{RoomUrl, RoomUrlError};
pub use config::JoinConfig;
pub use description::DescriptionError;
pub use error::JoinError;
pub use run::join;
