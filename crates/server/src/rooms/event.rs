//! What people in a room and in the lobby hear.

use std::sync::{Arc, OnceLock};

use super::{
    ChatMessage, Demand, Joined, ParticipantInfo, PersonId, Presence, RingId, RoomId, RoomInfo,
    Secret, Track, TrackId,
};

/// What one person must hear.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// The lobby has changed.
    Lobby(Arc<LobbySnapshot>),
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
        /// The secret that lets this person in. The caller's secret makes the caller the owner.
        secret: Secret,
    },
    /// The other declined.
    RingDeclined {
        /// Which.
        ring: RingId,
    },
    /// The ring is over: it was cancelled, it timed out, or the other one is gone.
    RingCancelled {
        /// Which.
        ring: RingId,
    },
    /// Someone came into the room.
    ParticipantJoined(Arc<ParticipantInfo>),
    /// Someone's name, metadata or attributes have changed.
    ParticipantChanged(Arc<ParticipantInfo>),
    /// Someone left the room or vanished.
    ParticipantLeft(PersonId),
    /// Someone entered the call, or declined to.
    PresenceChanged {
        /// Who.
        participant: PersonId,
        /// What they are now.
        presence: Presence,
    },
    /// The call has begun, or its owner rings again. Answer to enter it.
    CallRinging {
        /// The owner; none if the owner is hidden.
        by: Option<PersonId>,
    },
    /// The room's call has begun.
    CallStarted,
    /// The room is locked or open now, or its metadata has changed.
    RoomChanged(Arc<RoomInfo>),
    /// The owner has ended the room, or nobody is left in it but recorders; everyone is out.
    RoomEnded,
    /// This person is out of the room, which goes on.
    Removed(Removal),
    /// This person is out of the room, and in another one.
    Moved(Box<Moved>),
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
        /// Who did it; none if they are hidden.
        by: Option<PersonId>,
    },
    /// The best quality that others want of a track that this person publishes.
    TrackWanted {
        /// Which.
        track: TrackId,
        /// The most that anyone wants.
        demand: Demand,
    },
    /// Another track, or none, is on the stage for everyone.
    Stage {
        /// Which.
        track: Option<TrackId>,
        /// Who put it there; none if they are hidden.
        by: Option<PersonId>,
    },
    /// A chat message.
    Chat(Arc<ChatMessage>),
    /// Data of an application.
    Data(Data),
    /// This person is to receive this track from now on.
    Subscribed(TrackId),
    /// This person is to receive this track no more.
    Unsubscribed(TrackId),
}

impl Event {
    /// About how many bytes it keeps while it waits for somebody, its own place included. All who
    /// hear of it share them.
    pub(crate) fn weight(&self) -> usize {
        let texts = match self {
            Self::ParticipantJoined(info) | Self::ParticipantChanged(info) => info.profile.weight(),
            Self::RoomChanged(info) => info.name.len() + info.metadata.len(),
            Self::TrackPublished(track) => track.label.len() + track.group.len(),
            Self::Chat(message) => message.name.len() + message.text.len(),
            Self::Data(data) => data.topic.len() + data.payload.len(),
            Self::Ring { from, .. } => from.name.len(),
            // A lobby is shared by everyone who watches it, and each waits for one alone. The room that
            // one is moved into may be larger than all that may wait, and each waits for one alone as
            // well, because nobody is moved further before they have heard of it.
            Self::Lobby(_)
            | Self::Moved(_)
            | Self::RingAccepted { .. }
            | Self::RingDeclined { .. }
            | Self::RingCancelled { .. }
            | Self::ParticipantLeft(_)
            | Self::PresenceChanged { .. }
            | Self::CallRinging { .. }
            | Self::CallStarted
            | Self::RoomEnded
            | Self::Removed(_)
            | Self::TrackClosed(_)
            | Self::TrackMuted { .. }
            | Self::TrackWanted { .. }
            | Self::Stage { .. }
            | Self::Subscribed(_)
            | Self::Unsubscribed(_) => 0,
        };
        size_of::<Self>() + texts
    }
}

/// Why someone is out of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Removal {
    /// One who looks after the room has removed them; none if that one is hidden.
    By(Option<PersonId>),
    /// They came in again elsewhere, under the same identity.
    SameIdentity,
}

/// Another room, in which a person is by the doing of a host of the room before.
#[derive(Clone, Debug)]
pub(crate) struct Moved {
    /// Who did it; none if they are hidden.
    pub by: Option<PersonId>,
    /// What the person finds there. What they hear next has happened there, and after this.
    pub joined: Joined,
}

/// A message between applications. The server does not read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Data {
    /// Who sent it; none if the sender is hidden.
    pub from: Option<PersonId>,
    /// What it is about.
    pub topic: String,
    /// What it says.
    pub payload: Arc<[u8]>,
}

/// The lobby: listed rooms and everyone online.
#[derive(Clone, Debug, Default)]
pub(crate) struct LobbySnapshot {
    /// Oldest first.
    pub rooms: Vec<RoomSummary>,
    /// In the order in which they came.
    pub people: Vec<PersonSummary>,
    /// The snapshot in the form for clients. It is made once, for all who watch.
    pub text: OnceLock<bytes::Bytes>,
}

/// A room in the lobby.
#[derive(Clone, Debug, PartialEq, Eq)]
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

    /// Adds what has happened later.
    pub(super) fn append(&mut self, mut later: Self) {
        self.events.append(&mut later.events);
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
