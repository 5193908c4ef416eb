//! How a room is made, what others may know about it, and how people come in.

use crate::rooms::{ParticipantInfo, PersonId, RoomId, Secret, Track, TrackId};

/// What a room is to be.
#[derive(Clone, Debug)]
pub(crate) struct NewRoom {
    /// Shown in the lobby and in the room.
    pub name: String,
    /// Who publishes.
    pub kind: RoomKind,
    /// Whether the lobby lists it.
    pub listed: bool,
    /// Whether its people encrypt end to end; the server only tells newcomers.
    pub encrypted: bool,
    /// Whether the call begins at once.
    pub started: bool,
    /// Text of an application, which the server does not read.
    pub metadata: String,
}

impl NewRoom {
    /// A meeting under its own id, as one opens it who simply comes in.
    pub(crate) fn meeting(id: &RoomId) -> Self {
        Self {
            name: id.to_string(),
            kind: RoomKind::Meeting,
            listed: false,
            encrypted: false,
            started: true,
            metadata: String::new(),
        }
    }
}

/// What everyone may know of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoomInfo {
    /// As in its link.
    pub id: RoomId,
    /// What it is called.
    pub name: String,
    /// Who publishes.
    pub kind: RoomKind,
    /// Whether the lobby lists it.
    pub listed: bool,
    /// Whether its people encrypt end to end.
    pub encrypted: bool,
    /// Whether only hosts may still come in.
    pub locked: bool,
    /// Whether somebody in it records it.
    pub recorded: bool,
    /// Waiting or in call.
    pub state: RoomState,
    /// Text of an application.
    pub metadata: String,
}

/// Who publishes in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RoomKind {
    /// Two people, one of whom rang the other.
    Direct,
    /// Everyone may.
    Meeting,
    /// The owner does, the rest watch.
    Presentation,
}

/// How far a room's call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RoomState {
    /// People gather; nothing is published yet.
    Waiting,
    /// The call runs.
    InCall,
    /// It is over for good.
    Ended,
}

/// One line of a room's chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChatMessage {
    /// Who wrote it; may have left.
    pub from: PersonId,
    /// What they called themselves.
    pub name: String,
    /// Plain text, never markup.
    pub text: String,
    /// When the server got it, in milliseconds since 1970.
    pub time: u64,
}

/// The state of a room's call, for one who comes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CallState {
    /// All tracks.
    pub tracks: Vec<Track>,
    /// What is on the stage.
    pub stage: Option<TrackId>,
    /// The last messages.
    pub chat: Vec<ChatMessage>,
}

/// How a person comes into a room.
#[derive(Clone, Debug)]
pub(crate) struct JoinOptions {
    /// Without devices: never publishes.
    pub viewer: bool,
    /// Whether tracks are received without being asked for.
    pub consumes: bool,
    /// Whether they enter a call that runs, or only come into its room.
    pub enters_call: bool,
    /// Proof of ownership, from the room's creation.
    pub secret: Option<String>,
    /// What to make the room if there is none.
    pub open: Option<NewRoom>,
    /// Whether their client goes over into another room when it is told that it is moved.
    pub moves: bool,
}

/// What a person finds in a room.
#[derive(Clone, Debug)]
pub(crate) struct Joined {
    /// The room.
    pub room: RoomInfo,
    /// Everyone in it, with the person who asks, in the order in which they came.
    pub participants: Vec<ParticipantInfo>,
    /// Tracks, stage and chat.
    pub call: CallState,
    /// Whether the one who joins has just made the room by that.
    pub opened: bool,
    /// For the one who has just made the room by joining it, and owns it.
    pub secret: Option<Secret>,
}

impl Joined {
    /// Whether this person is here, as far as the one who asks knows.
    pub(crate) fn holds(&self, person: PersonId) -> bool {
        self.participants.iter().any(|one| one.profile.id == person)
    }

    /// Another person than `me` here by id, by identity, or by the name that no third one has.
    pub(crate) fn find(&self, whom: &str, me: PersonId) -> Option<PersonId> {
        let profiles = || self.participants.iter().map(|one| &one.profile);
        let people = || profiles().filter(|one| one.id != me);
        let exact =
            people().find(|one| one.id.to_string() == whom || one.identity.as_str() == whom);
        let mut named = people().filter(|one| one.name == whom);
        let alone = named.next().filter(|_| named.next().is_none());
        Some(exact.or(alone)?.id)
    }
}
