//! The media of rooms: a router per room in the least loaded worker, one or two transports per
//! participant, a producer per published track, a consumer per subscription. Everything here is in
//! RTP, ICE and DTLS parameters. How a client writes them is a matter of its dialect.
//!
//! [`Media`] is the server's; a [`Call`] is a room's; a [`Connection`] is a participant's, owned by
//! the one task that serves that participant. Closing is dropping: the handles of the controller
//! close what they stand for.

mod call;
mod codecs;
mod connection;
mod error;
mod listen;
mod metrics;
mod server;
mod surroundings;

pub(crate) use call::{Call, Way};
pub(crate) use connection::{Connection, Silence, ToReceive, TransportParameters};
pub(crate) use error::MediaError;
pub(crate) use listen::{ListenPlan, plan};
pub(crate) use server::Media;
pub(crate) use surroundings::{Surroundings, surroundings};
