//! Rooms, the people in them, and what they show each other; no network, no JSON, no media.
//!
//! [`Rooms`] is the whole state. Each method is one thing that a person does; it changes the state
//! or refuses with a [`RoomError`], and pushes into an [`Outbox`] what others must hear. Time comes
//! in as an argument, and only [`Rooms::tick`] acts on it. A signaling dialect is an adapter: it
//! calls these methods and translates the [`Event`]s; the same room takes people of every dialect.
//!
//! A [`Track`] is one camera, microphone or screen that a participant publishes. Which tracks a
//! participant receives is decided here too ([`Event::Subscribed`]); making them flow is not.

mod error;
mod event;
mod ids;
mod limits;
mod ring;
mod room;
mod state;
mod track;

#[cfg(test)]
mod tests;

pub(crate) use error::RoomError;
pub(crate) use event::{Event, LobbySnapshot, Outbox, PersonSummary, RoomSummary};
pub(crate) use ids::{OwnerSecret, PersonId, RingId, RoomId, TrackId};
pub(crate) use limits::Limits;
pub(crate) use room::{
    CallState, ChatMessage, NewRoom, ParticipantInfo, Presence, RoomInfo, RoomKind, RoomState,
};
pub(crate) use state::{JoinOptions, Joined, Rooms};
pub(crate) use track::{Track, TrackKind, TrackSource};
