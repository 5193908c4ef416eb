//! The media of rooms: a router per room in the least loaded worker, two transports per
//! participant, a producer per published track, a consumer per subscription.
//!
//! [`Media`] is the server's; a [`Call`] is a room's; [`Publishing`] and [`Receiving`] are the two
//! connections of a participant, each owned by the one task that serves that participant. Closing
//! is dropping: the handles of the controller close what they stand for.

mod call;
mod codecs;
mod error;
mod listen;
mod publishing;
mod receiving;
mod server;
mod surroundings;

pub(crate) use call::{Call, Way};
pub(crate) use error::MediaError;
pub(crate) use listen::{ListenPlan, plan};
pub(crate) use publishing::{Publishing, Wanted};
pub(crate) use receiving::Receiving;
pub(crate) use server::Media;
pub(crate) use surroundings::{Surroundings, surroundings};
