//! `tureen join`: a bot in a room, over the signaling that the page speaks.
//!
//! It publishes a prepared test picture and tone, or it receives what is published and counts it.
//! It is a client like any other: it shares no code with the server's side of signaling, SDP or
//! media, and reaches the room through the address that a person opens.
//!
//! [`run`](run::join) leads a visit from the door to the leave-taking; `signaling` is the
//! WebSocket, `messages` the client's half of the dialect, `description` writes and reads SDP;
//! `publish` and `watch` are the two things a bot can do with media.

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
