//! What people in a room and in the lobby hear.

use super::{
    ChatMessage, OwnerSecret, ParticipantInfo, PersonId, Presence, RingId, RoomId, RoomInfo, Track,
    TrackId,
};

/// What one person must hear.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// The lobby has changed.
    Lobby(LobbySnapshot),
    /// Someone rings.
    Ring {
        /// To answer it with.
        ring: RingId,
        /// Who.
        from: PersonSummary,
    },
    /// A ring was accepted: both go to the room.
    RingAccepted {
        /// Which.
        ring: RingId,
        /// A room for the two.
        room: RoomId,
        /// Lets the one who hears this in; that of the one who rang makes them the owner.
        secret: OwnerSecret,
    },
    /// The other declined.
    RingDeclined {
        /// Which.
        ring: RingId,
    },
    /// It rings no more: cancelled, timed out, or the other is gone.
    RingCancelled {
        /// Which.
        ring: RingId,
    },
    /// Someone came into the room.
    ParticipantJoined(ParticipantInfo),
    /// Someone left the room or vanished.
    ParticipantLeft(PersonId),
    /// Someone entered the call, or declined to.
    PresenceChanged {
        /// Who.
        participant: PersonId,
        /// What they are now.
        presence: Presence,
    },
    /// The call has begun, or its owner rings again: answer to enter it.
    CallRinging {
        /// The owner.
        by: PersonId,
    },
    /// The room's call has begun.
    CallStarted,
    /// The owner has ended the room; everyone is out.
    RoomEnded,
    /// Someone publishes a track.
    TrackPublished(Track),
    /// A track is no more.
    TrackClosed(TrackId),
    /// A track is held back or goes on.
    TrackMuted {
        /// Which.
        track: TrackId,
        /// Whether it is held back now.
        muted: bool,
    },
    /// Another track, or none, is on the stage for everyone.
    Stage {
        /// Which.
        track: Option<TrackId>,
        /// Who put it there.
        by: PersonId,
    },
    /// A chat message.
    Chat(ChatMessage),
    /// This person is to receive this track from now on.
    Subscribed(TrackId),
    /// This person is to receive this track no more.
    Unsubscribed(TrackId),
}

/// The lobby: listed rooms and everyone online.
#[derive(Clone, Debug, Default)]
pub(crate) struct LobbySnapshot {
    /// Oldest first.
    pub rooms: Vec<RoomSummary>,
    /// In the order in which they came.
    pub people: Vec<PersonSummary>,
}

/// A room in the lobby.
#[derive(Clone, Debug)]
pub(crate) struct RoomSummary {
    /// What the room is.
    pub info: RoomInfo,
    /// How many people are in it.
    pub people: usize,
}

/// A person in the lobby.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PersonSummary {
    /// To ring them with.
    pub id: PersonId,
    /// What they call themselves.
    pub name: String,
    /// Whether they are in a room.
    pub busy: bool,
}

/// Events in the order in which they happened, each with the person who must hear it.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    events: Vec<(PersonId, Event)>,
}

impl Outbox {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(super) fn push(&mut self, to: PersonId, event: Event) {
        self.events.push((to, event));
    }

    pub(super) fn push_all(&mut self, to: impl Iterator<Item = PersonId>, event: &Event) {
        self.events.extend(to.map(|person| (person, event.clone())));
    }
}

impl IntoIterator for Outbox {
    type Item = (PersonId, Event);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.events.into_iter()
    }
}
