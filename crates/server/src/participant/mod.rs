//! What a person does on the server, in plain types: come online, enter a room, publish, receive,
//! mute, leave, be moved or removed. A dialect owns one [`Participant`] for each of its clients and
//! translates both ways; it decides nothing.
//!
//! The [`Hall`] is shared by all: the rooms with their locks, and everyone's mailbox. A participant
//! joins events of the room with the media that follows from them, in the order that clients rely
//! on (docs/rooms-and-dialects.md §3).

mod clock;
mod error;
mod following;
mod grants;
mod hall;
mod log;
mod mailbox;
mod media;
mod newcomer;
mod open_room;
mod person;
mod resumption;
mod room;

#[cfg(test)]
pub(crate) mod tests;

pub(crate) use error::ParticipantError;
pub(crate) use following::Following;
pub(crate) use hall::Hall;
pub(crate) use log::Origin;
pub(crate) use media::{NewTrack, Side};
pub(crate) use newcomer::{Newcomer, Preview};
pub(crate) use person::{Happening, Participant, Told, TooSlow};
pub(crate) use resumption::{Claim, Resumption, Seat, Unattended, Woken};
