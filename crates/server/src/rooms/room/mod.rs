//! One room: its people, its call, its tracks, its chat.

mod call;
mod info;
mod moving;
mod people;
mod subscriptions;
mod tracks;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

pub(crate) use info::{
    CallState, ChatMessage, JoinOptions, Joined, NewRoom, RoomInfo, RoomKind, RoomState,
};
pub(crate) use moving::{Going, Right};
pub(crate) use subscriptions::{Demand, Preferences, Quality};

use super::{
    Event, Limits, Outbox, ParticipantInfo, PersonId, RoomError, RoomId, RoomSummary, Secret,
    Track, TrackId,
};
use subscriptions::Subscriptions;

/// One room. Each method is one thing that a person does in it; it changes the room or refuses
/// with a [`RoomError`], and pushes into the [`Outbox`] what others must hear, in order. A method
/// that fails pushes nothing and changes nothing.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    info: RoomInfo,
    limits: Arc<Limits>,
    secret: Secret,
    /// Whether somebody may own it. Otherwise its hosts do what is the owner's.
    has_owner: bool,
    /// The secret of the called person, in a room for two. Nobody comes in there without a secret.
    guest_secret: Secret,
    members: BTreeMap<PersonId, Member>,
    /// How many have come in so far.
    seats: u64,
    tracks: Vec<Track>,
    /// What the owner of a track heard in the last [`Event::TrackWanted`].
    demands: BTreeMap<TrackId, Demand>,
    stage: Option<TrackId>,
    chat: VecDeque<Arc<ChatMessage>>,
    /// Whether the server has closed it, so that nobody comes in any more.
    is_closed: bool,
}

#[derive(Clone, Debug)]
struct Member {
    info: ParticipantInfo,
    /// Orders people as they came.
    seat: u64,
    /// Whether tracks are received without being asked for.
    consumes: bool,
    /// Whether their client goes over into another room.
    moves: bool,
    subscriptions: Subscriptions,
}

impl Room {
    /// An empty room. The name in `new` was checked.
    pub(crate) fn new(id: RoomId, new: NewRoom, limits: Arc<Limits>) -> Self {
        let state = if new.started {
            RoomState::InCall
        } else {
            RoomState::Waiting
        };
        Self {
            info: RoomInfo {
                id,
                name: new.name,
                kind: new.kind,
                listed: new.listed,
                encrypted: new.encrypted,
                locked: false,
                recorded: false,
                state,
                metadata: new.metadata,
            },
            limits,
            secret: Secret::random(),
            has_owner: true,
            guest_secret: Secret::random(),
            members: BTreeMap::new(),
            seats: 0,
            tracks: Vec::new(),
            demands: BTreeMap::new(),
            stage: None,
            chat: VecDeque::new(),
            is_closed: false,
        }
    }

    /// The same room without an owner. Nothing in it waits for one: it is a meeting whose call
    /// runs, and its metadata is left to its hosts.
    pub(crate) fn without_owner(mut self) -> Self {
        self.has_owner = false;
        self.info.kind = RoomKind::Meeting;
        self.info.state = RoomState::InCall;
        self.info.metadata.clear();
        self
    }

    /// Its id.
    pub(crate) fn id(&self) -> &RoomId {
        &self.info.id
    }

    /// What makes one who joins with it the owner. In a room without an owner nobody is told it.
    pub(crate) fn secret(&self) -> &Secret {
        &self.secret
    }

    /// What lets the one who was rung into a room for two.
    pub(crate) fn guest_secret(&self) -> &Secret {
        &self.guest_secret
    }

    /// The room as the lobby shows it. People whom others do not hear of are not counted.
    pub(crate) fn summary(&self) -> RoomSummary {
        let seen = self.members.values();
        RoomSummary {
            info: self.info.clone(),
            people: seen.filter(|one| !one.info.permissions.hidden).count(),
        }
    }

    /// Whether nobody is in it for whom it should go on. A recorder records others, so it does not
    /// count; LiveKit's servers do the same.
    pub(crate) fn is_empty(&self) -> bool {
        let mut members = self.members.values();
        members.all(|one| one.info.permissions.recorder)
    }

    /// Whether this person is in it.
    pub(crate) fn holds(&self, person: PersonId) -> bool {
        self.members.contains_key(&person)
    }

    /// How many tracks are published.
    pub(crate) fn track_count(&self) -> usize {
        self.tracks.len()
    }

    /// The server closes the room: whoever is left is out, and nobody comes in any more.
    pub(crate) fn close(&mut self, out: &mut Outbox) {
        self.tell_all(&Event::RoomEnded, out);
        self.members.clear();
        self.tracks.clear();
        self.is_closed = true;
    }

    fn member(&self, person: PersonId) -> Result<&Member, RoomError> {
        self.members.get(&person).ok_or(RoomError::NotInRoom)
    }

    fn member_mut(&mut self, person: PersonId) -> Result<&mut Member, RoomError> {
        self.members.get_mut(&person).ok_or(RoomError::NotInRoom)
    }

    /// A person as others are told of: nobody, if the person is hidden.
    fn shown(&self, person: PersonId) -> Option<PersonId> {
        let member = self.members.get(&person);
        let is_hidden = member.is_some_and(|one| one.info.permissions.hidden);
        (!is_hidden).then_some(person)
    }

    fn require_owner(&self, person: PersonId) -> Result<(), RoomError> {
        let info = &self.member(person)?.info;
        if info.owner || !self.has_owner && info.is_host() {
            Ok(())
        } else {
            Err(RoomError::NotOwner)
        }
    }

    /// The hosts: the owner and everyone with the right to administer the room.
    fn require_host(&self, person: PersonId) -> Result<(), RoomError> {
        if self.member(person)?.info.is_host() {
            Ok(())
        } else {
            Err(RoomError::NotOwner)
        }
    }

    /// Tells everyone when a recording begins or ends.
    fn note_recorders(&mut self, out: &mut Outbox) {
        let mut members = self.members.values();
        let recorded = members.any(|one| one.info.permissions.recorder);
        if std::mem::replace(&mut self.info.recorded, recorded) != recorded {
            self.tell_all(&Event::RoomChanged(Arc::new(self.info.clone())), out);
        }
    }

    fn tell_all(&self, event: &Event, out: &mut Outbox) {
        out.push_all(self.members.keys().copied(), event);
    }

    /// Tells everyone else what `about` has done. If `about` is hidden, nobody hears of it.
    fn tell_others(&self, about: &ParticipantInfo, event: &Event, out: &mut Outbox) {
        if about.permissions.hidden {
            return;
        }
        let others = self.members.keys().copied();
        out.push_all(others.filter(|person| *person != about.profile.id), event);
    }

    /// Tells everyone what `about` has done. If `about` is hidden, only `about` hears of it.
    fn tell_of(&self, about: &ParticipantInfo, event: &Event, out: &mut Outbox) {
        if about.permissions.hidden {
            out.push(about.profile.id, event.clone());
        } else {
            self.tell_all(event, out);
        }
    }
}
