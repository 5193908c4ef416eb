//! The lobby, and one person ringing another.

use std::sync::Arc;

use super::{
    Directory, Event, LobbySnapshot, NewRoom, Outbox, PersonId, RingId, RoomError, RoomInfo,
    RoomKind, RoomSummary, UnixTime,
};

/// A ring that was accepted: both go into a room for the two.
#[derive(Clone, Debug)]
pub(crate) struct AcceptedRing {
    /// Which.
    pub ring: RingId,
    /// The one who rang, and owns the room.
    pub from: PersonId,
    /// The one who was rung.
    pub to: PersonId,
    /// What the room is to be.
    pub room: NewRoom,
}

impl Directory {
    /// Whether a person wants to hear of the lobby. The first snapshot comes at once: what all
    /// others were last told. What has changed since then comes with the next tick.
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
            out.push(person, Event::Lobby(self.told_lobby()));
        } else {
            self.lobby_watchers.remove(&person);
        }
        Ok(())
    }

    /// Rings a person.
    ///
    /// # Errors
    ///
    /// [`RoomError::NoSuchPerson`]; [`RoomError::NotPermitted`] for one who is hidden;
    /// [`RoomError::Busy`] when either is in a room or in a ring.
    pub(crate) fn ring(
        &mut self,
        from: PersonId,
        to: PersonId,
        now: UnixTime,
        out: &mut Outbox,
    ) -> Result<RingId, RoomError> {
        let caller = self.person(from)?;
        if caller.permissions.hidden {
            return Err(RoomError::NotPermitted("ring unseen"));
        }
        let callee = self.people.get(&to).filter(|one| !one.permissions.hidden);
        let callee = callee.ok_or(RoomError::NoSuchPerson)?;
        if caller.busy || callee.busy {
            return Err(RoomError::Busy);
        }
        let from = caller.summary();
        let ring = self.rings.start(from.id, to, now)?;
        out.push(to, Event::Ring { ring, from });
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

    /// The one who is rung declines.
    ///
    /// # Errors
    ///
    /// [`RoomError::NoSuchRing`]
    pub(crate) fn decline_ring(
        &mut self,
        person: PersonId,
        ring: RingId,
        out: &mut Outbox,
    ) -> Result<(), RoomError> {
        let parties = self.rings.take(ring, |ring| ring.to == person)?;
        out.push(parties.from, Event::RingDeclined { ring });
        Ok(())
    }

    /// The one who is rung accepts.
    ///
    /// # Errors
    ///
    /// [`RoomError::NoSuchRing`]
    pub(crate) fn accept_ring(
        &mut self,
        person: PersonId,
        ring: RingId,
    ) -> Result<AcceptedRing, RoomError> {
        let parties = self.rings.take(ring, |ring| ring.to == person)?;
        let caller = self.person(parties.from)?.profile.name.clone();
        Ok(AcceptedRing {
            ring,
            from: parties.from,
            to: parties.to,
            room: NewRoom {
                name: caller,
                kind: RoomKind::Direct,
                listed: false,
                encrypted: false,
                started: true,
                metadata: String::new(),
            },
        })
    }

    /// Tells both sides of a ring which room was made for them. `secrets` are those of the owner
    /// and of the guest.
    pub(crate) fn tell_accepted(accepted: &AcceptedRing, room: &super::Room, out: &mut Outbox) {
        for (party, secret) in [
            (accepted.from, room.secret()),
            (accepted.to, room.guest_secret()),
        ] {
            let event = Event::RingAccepted {
                ring: accepted.ring,
                room: room.id().clone(),
                secret: secret.clone(),
            };
            out.push(party, event);
        }
    }

    /// Tells both sides of an accepted ring that it is over, because no room can be made for them.
    pub(crate) fn tell_failed(accepted: &AcceptedRing, out: &mut Outbox) {
        let ring = accepted.ring;
        for party in [accepted.from, accepted.to] {
            out.push(party, Event::RingCancelled { ring });
        }
    }

    /// The snapshot for all who watch. It is made once after each change.
    pub(super) fn told_lobby(&mut self) -> Arc<LobbySnapshot> {
        if let Some(told) = &self.lobby_told {
            return Arc::clone(told);
        }
        let lobby = Arc::new(self.lobby());
        self.lobby_told = Some(Arc::clone(&lobby));
        lobby
    }

    fn lobby(&self) -> LobbySnapshot {
        let mut rooms: Vec<_> = self
            .rooms
            .values()
            .filter(|room| room.summary.info.listed)
            .collect();
        rooms.sort_by_key(|room| room.seat);
        let people = self.people.values();
        let mut people: Vec<_> = people.filter(|one| !one.permissions.hidden).collect();
        people.sort_by_key(|one| one.seat);
        LobbySnapshot {
            rooms: rooms
                .into_iter()
                .map(|room| in_lobby(&room.summary))
                .collect(),
            people: people.into_iter().map(|one| one.summary()).collect(),
            text: Default::default(),
        }
    }
}

/// A room without the text of its application, which may be long.
fn in_lobby(summary: &RoomSummary) -> RoomSummary {
    let RoomSummary { info, people } = summary;
    RoomSummary {
        info: RoomInfo {
            id: info.id.clone(),
            name: info.name.clone(),
            metadata: String::new(),
            ..*info
        },
        people: *people,
    }
}
