//! Being online, the lobby, and one person ringing another.

use std::time::Instant;

use super::room::Room;
use super::state::Person;
use super::{
    Event, LobbySnapshot, NewRoom, Outbox, PersonId, PersonSummary, RingId, RoomError, RoomId,
    RoomKind, RoomSummary, Rooms,
};

impl Rooms {
    /// A person comes online.
    ///
    /// # Errors
    ///
    /// [`RoomError::TooManyPeople`], [`RoomError::BadName`]
    pub(crate) fn enter(&mut self, name: &str) -> Result<PersonId, RoomError> {
        let name = self.limits.name(name)?;
        if self.people.len() >= self.limits.people {
            return Err(RoomError::TooManyPeople);
        }
        self.next_person += 1;
        let person = PersonId(self.next_person);
        self.people.insert(person, Person { name, room: None });
        self.lobby_changed = true;
        Ok(person)
    }

    /// A person goes offline or vanishes: out of the room, rings cancelled.
    pub(crate) fn vanish(&mut self, person: PersonId, now: Instant, out: &mut Outbox) {
        let _ = self.leave(person, now, out);
        for (ring, parties) in self.rings.take_of(person) {
            for party in [parties.from, parties.to] {
                if party != person {
                    out.push(party, Event::RingCancelled { ring });
                }
            }
        }
        self.people.remove(&person);
        self.lobby_watchers.remove(&person);
        self.lobby_changed = true;
    }

    /// Whether a person wants to hear of the lobby; the first snapshot comes at once.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotOnline`]
    pub(crate) fn watch_lobby(
        &mut self,
        person: PersonId,
        watch: bool,
        out: &mut Outbox,
    ) -> Result<(), RoomError> {
        self.person(person)?;
        if watch {
            self.lobby_watchers.insert(person);
            out.push(person, Event::Lobby(self.lobby()));
        } else {
            self.lobby_watchers.remove(&person);
        }
        Ok(())
    }

    /// Rings a person.
    ///
    /// # Errors
    ///
    /// [`RoomError::NoSuchPerson`]; [`RoomError::Busy`] when either is in a room or in a ring.
    pub(crate) fn ring(
        &mut self,
        from: PersonId,
        to: PersonId,
        now: Instant,
        out: &mut Outbox,
    ) -> Result<RingId, RoomError> {
        let caller = self.person(from)?;
        let callee = self.people.get(&to).ok_or(RoomError::NoSuchPerson)?;
        if caller.room.is_some() || callee.room.is_some() {
            return Err(RoomError::Busy);
        }
        let summary = summary(from, caller);
        let ring = self.rings.start(from, to, now)?;
        out.push(
            to,
            Event::Ring {
                ring,
                from: summary,
            },
        );
        Ok(ring)
    }

    /// The one who rang gives up.
    ///
    /// # Errors
    ///
    /// [`RoomError::NoSuchRing`]
    pub(crate) fn cancel_ring(
        &mut self,
        person: PersonId,
        ring: RingId,
        out: &mut Outbox,
    ) -> Result<(), RoomError> {
        let parties = self.rings.take(ring, |ring| ring.from == person)?;
        out.push(parties.to, Event::RingCancelled { ring });
        Ok(())
    }

    /// The one who is rung accepts, and both are told of a room for them, or declines.
    ///
    /// # Errors
    ///
    /// [`RoomError::NoSuchRing`], [`RoomError::TooManyRooms`]
    pub(crate) fn answer_ring(
        &mut self,
        person: PersonId,
        ring: RingId,
        accept: bool,
        now: Instant,
        out: &mut Outbox,
    ) -> Result<(), RoomError> {
        if accept && self.rooms.len() >= self.limits.rooms {
            return Err(RoomError::TooManyRooms);
        }
        let parties = self.rings.take(ring, |ring| ring.to == person)?;
        if !accept {
            out.push(parties.from, Event::RingDeclined { ring });
            return Ok(());
        }
        let caller = self.person(parties.from)?.name.clone();
        let new = NewRoom {
            name: caller,
            kind: RoomKind::Direct,
            listed: false,
            encrypted: false,
            started: true,
        };
        let (room, secret) = self.add_room(RoomId::random(), new, now);
        let guest = self.rooms.get(&room).map(|room| room.guest_secret.clone());
        let guest = guest.ok_or(RoomError::NoSuchRoom)?;
        for (party, secret) in [(parties.from, secret), (parties.to, guest)] {
            let room = room.clone();
            out.push(party, Event::RingAccepted { ring, room, secret });
        }
        Ok(())
    }

    /// What a room is, for one who has its id and stands at its door.
    ///
    /// # Errors
    ///
    /// [`RoomError::NoSuchRoom`], [`RoomError::RoomEnded`]
    pub(crate) fn describe(&self, id: &RoomId) -> Result<RoomSummary, RoomError> {
        match self.rooms.get(id) {
            Some(room) => Ok(room_summary(room)),
            None if self.ended.contains(id) => Err(RoomError::RoomEnded),
            None => Err(RoomError::NoSuchRoom),
        }
    }

    pub(super) fn lobby(&self) -> LobbySnapshot {
        let rooms = self.order.iter().filter_map(|id| self.rooms.get(id));
        LobbySnapshot {
            rooms: rooms
                .filter(|room| room.info.listed)
                .map(room_summary)
                .collect(),
            people: self
                .people
                .iter()
                .map(|(id, one)| summary(*id, one))
                .collect(),
        }
    }
}

fn room_summary(room: &Room) -> RoomSummary {
    RoomSummary {
        info: room.info.clone(),
        people: room.participants.len(),
    }
}

fn summary(id: PersonId, person: &Person) -> PersonSummary {
    PersonSummary {
        id,
        name: person.name.clone(),
        busy: person.room.is_some(),
    }
}
