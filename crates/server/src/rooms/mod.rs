//! Rooms, the people in them, and what they show each other; no network, no JSON, no media.
//!
//! A [`Room`] is one room; the [`Directory`] knows who is online and which rooms there are. Each
//! of their methods is one thing that a person does: it changes the state or refuses with a
//! [`RoomError`], and pushes into an [`Outbox`] what others must hear. Time comes in as an
//! argument. Nothing here waits, locks or sends; the `participant` layer does, with one lock for
//! each room.
//!
//! A [`Track`] is one camera, microphone or screen that a participant publishes. Which tracks a
//! participant receives is decided here too ([`Event::Subscribed`]); making them flow is not.

mod directory;
mod error;
mod event;
mod ids;
mod limits;
mod online;
mod person;
mod ring;
mod room;
mod time;
mod track;

#[cfg(test)]
mod tests;

pub(crate) use directory::Directory;
pub(crate) use error::RoomError;
pub(crate) use event::{
    Data, Event, LobbySnapshot, Moved, Outbox, PersonSummary, Removal, RoomSummary,
};
pub(crate) use ids::{PersonId, RingId, RoomId, Secret, TrackId};
pub(crate) use limits::Limits;
pub(crate) use person::{
    Attributes, Identity, NewPerson, ParticipantInfo, Permissions, Presence, Profile,
    ProfileChange, Sources,
};
pub(crate) use room::{
    ChatMessage, Demand, Going, JoinOptions, Joined, NewRoom, Preferences, Quality, Right, Room,
    RoomInfo, RoomKind, RoomState,
};
pub(crate) use time::UnixTime;
pub(crate) use track::{Track, TrackKind, TrackSource};
