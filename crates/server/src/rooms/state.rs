//! All rooms and all people, as a state machine without clock, lock or socket.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

use super::ring::Rings;
use super::room::Room;
use super::{Event, Limits, NewRoom, Outbox, OwnerSecret, PersonId, RoomError, RoomId};

/// All rooms of a server and everyone who is online.
///
/// Every method that takes an [`Outbox`] pushes what others must hear, in order; a method that
/// fails pushes nothing and changes nothing. [`tick`](Self::tick) is to be called a few times a
/// second: it ends what has timed out and tells the lobby what has changed.
#[derive(Debug)]
pub(crate) struct Rooms {
    pub(super) limits: Limits,
    pub(super) people: BTreeMap<PersonId, Person>,
    pub(super) rooms: BTreeMap<RoomId, Room>,
    /// Of rooms, oldest first.
    pub(super) order: Vec<RoomId>,
    pub(super) rings: Rings,
    pub(super) next_person: u64,
    /// Ids of the last rooms that were ended, so that their links say so.
    pub(super) ended: VecDeque<RoomId>,
    /// Rooms that are no more, until [`take_closed`](Self::take_closed).
    pub(super) closed: Vec<RoomId>,
    pub(super) lobby_watchers: BTreeSet<PersonId>,
    pub(super) lobby_changed: bool,
}

#[derive(Debug)]
pub(super) struct Person {
    pub(super) name: String,
    pub(super) room: Option<RoomId>,
}

impl Rooms {
    /// No rooms, nobody online.
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            people: BTreeMap::new(),
            rooms: BTreeMap::new(),
            order: Vec::new(),
            rings: Rings::default(),
            next_person: 0,
            ended: VecDeque::new(),
            closed: Vec::new(),
            lobby_watchers: BTreeSet::new(),
            lobby_changed: false,
        }
    }

    /// How many people are online.
    pub(crate) fn people(&self) -> usize {
        self.people.len()
    }

    /// How many rooms there are.
    pub(crate) fn rooms(&self) -> usize {
        self.rooms.len()
    }

    /// How many tracks are published.
    pub(crate) fn tracks(&self) -> usize {
        self.rooms.values().map(|room| room.tracks.len()).sum()
    }

    /// Ends what has timed out, and tells the lobby what has changed since the last time.
    pub(crate) fn tick(&mut self, now: Instant, out: &mut Outbox) {
        for (ring, parties) in self.rings.take_expired(now, self.limits.ring) {
            for party in [parties.from, parties.to] {
                out.push(party, Event::RingCancelled { ring });
            }
        }
        let limit = self.limits.empty_room;
        let is_over = |room: &Room| {
            room.empty_since
                .is_some_and(|since| now.duration_since(since) >= limit)
        };
        let over: Vec<_> = self
            .rooms
            .values()
            .filter(|room| is_over(room))
            .map(|room| room.info.id.clone())
            .collect();
        for id in over {
            self.remove_room(&id);
        }
        if std::mem::take(&mut self.lobby_changed) && !self.lobby_watchers.is_empty() {
            let event = Event::Lobby(self.lobby());
            out.push_all(self.lobby_watchers.iter().copied(), &event);
        }
    }

    /// The rooms that are no more since the last time this was asked, for those who hold what
    /// belongs to a room.
    pub(crate) fn take_closed(&mut self) -> Vec<RoomId> {
        std::mem::take(&mut self.closed)
    }

    pub(super) fn add_room(
        &mut self,
        id: RoomId,
        new: NewRoom,
        now: Instant,
    ) -> (RoomId, OwnerSecret) {
        let room = Room::new(id.clone(), new, now);
        let secret = room.secret.clone();
        self.rooms.insert(id.clone(), room);
        self.order.push(id.clone());
        self.lobby_changed = true;
        (id, secret)
    }

    pub(super) fn remove_room(&mut self, id: &RoomId) {
        self.rooms.remove(id);
        self.order.retain(|other| other != id);
        self.closed.push(id.clone());
        self.lobby_changed = true;
    }

    pub(super) fn person(&self, person: PersonId) -> Result<&Person, RoomError> {
        self.people.get(&person).ok_or(RoomError::NotOnline)
    }

    /// The room a person is in.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotOnline`], [`RoomError::NotInRoom`]
    pub(crate) fn room_of(&self, person: PersonId) -> Result<&RoomId, RoomError> {
        self.person(person)?
            .room
            .as_ref()
            .ok_or(RoomError::NotInRoom)
    }

    pub(super) fn room(&self, person: PersonId) -> Result<&Room, RoomError> {
        self.rooms
            .get(self.room_of(person)?)
            .ok_or(RoomError::NotInRoom)
    }

    pub(super) fn room_mut(&mut self, person: PersonId) -> Result<&mut Room, RoomError> {
        let id = self.room_of(person)?.clone();
        self.rooms.get_mut(&id).ok_or(RoomError::NotInRoom)
    }
}
