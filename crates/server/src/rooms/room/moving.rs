//! One person taken over from a room into another.

use super::{Member, Room, RoomKind, RoomState};
use crate::rooms::{
    Event, Identity, Moved, Outbox, ParticipantInfo, Permissions, PersonId, Presence, RoomError,
    UnixTime,
};

/// Who is taken over into another room, and by whom.
#[derive(Debug)]
pub(crate) struct Going<'a> {
    /// A host of the room.
    pub by: PersonId,
    /// Who goes.
    pub person: PersonId,
    /// What lets the host bring people into the other room.
    pub right: Right<'a>,
    /// What the person may do there.
    pub permissions: Permissions,
    /// When.
    pub now: UnixTime,
}

/// What lets a host bring people into another room.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Right<'a> {
    /// Their token names the room.
    Token,
    /// What they say is the secret of the room's owner.
    Secret(&'a str),
    /// Nothing.
    None,
}

impl Room {
    /// Whether a host may move this person into another room, as far as this one is concerned.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotInRoom`], [`RoomError::NotOwner`], [`RoomError::NoSuchPerson`],
    /// [`RoomError::CannotFollow`]
    pub(crate) fn may_move(&self, by: PersonId, person: PersonId) -> Result<(), RoomError> {
        self.movable(by, person).map(|_| ())
    }

    /// A host moves a person into another room. They do not own it, and `going` says what they may do
    /// there. Their profile goes with them, and how they came in; what they publish and receive ends
    /// here. `out` is for the people of this room, and `there` for those of the other.
    ///
    /// # Errors
    ///
    /// Those of [`may_move`](Self::may_move); of the other room [`RoomError::NotYourRoom`],
    /// [`RoomError::WrongSecret`], [`RoomError::NotInvited`], [`RoomError::RoomEnded`],
    /// [`RoomError::NoSuchRoom`], [`RoomError::Encrypted`], [`RoomError::SameIdentity`],
    /// [`RoomError::RoomLocked`], [`RoomError::RoomFull`]
    pub(crate) fn move_to(
        &mut self,
        to: &mut Self,
        going: Going<'_>,
        out: &mut Outbox,
        there: &mut Outbox,
    ) -> Result<(), RoomError> {
        let Going {
            by,
            person,
            right,
            permissions,
            now,
        } = going;
        let member = self.movable(by, person)?;
        let identity = &member.info.profile.identity;
        to.may_be_brought(identity, &permissions, right)?;
        if self.info.encrypted || to.info.encrypted {
            return Err(RoomError::Encrypted);
        }
        let by = self.shown(by);
        let member = self.take_out(person, out).ok_or(RoomError::NoSuchPerson)?;
        let may_receive = permissions.subscribe;
        let is_in_call = member.info.presence == Presence::InCall;
        let info = ParticipantInfo {
            permissions,
            owner: false,
            // Nobody is brought into a call who has not entered one.
            presence: match to.info.state {
                RoomState::InCall if is_in_call => Presence::InCall,
                RoomState::InCall | RoomState::Waiting | RoomState::Ended => Presence::Waiting,
            },
            joined: now,
            ..member.info
        };
        let mut later = Outbox::new();
        let consumes = member.consumes && may_receive;
        to.seat(info, (consumes, member.moves), &mut later);
        // What they hear of the room comes after the room itself.
        let joined = to.view_of(person);
        there.push(person, Event::Moved(Box::new(Moved { by, joined })));
        there.append(later);
        Ok(())
    }

    fn movable(&self, by: PersonId, person: PersonId) -> Result<&Member, RoomError> {
        let member = self.removable(by, person)?;
        if !member.moves {
            return Err(RoomError::CannotFollow);
        }
        Ok(member)
    }

    /// Whether somebody who has this right may bring in a person of this identity.
    fn may_be_brought(
        &self,
        identity: &Identity,
        permissions: &Permissions,
        right: Right<'_>,
    ) -> Result<(), RoomError> {
        match right {
            Right::Token => {}
            Right::Secret(text) if self.secret.is(text) => {}
            Right::Secret(_) => return Err(RoomError::WrongSecret),
            Right::None => return Err(RoomError::NotYourRoom),
        }
        if self.info.state == RoomState::Ended {
            return Err(RoomError::RoomEnded);
        }
        if self.is_closed {
            return Err(RoomError::NoSuchRoom);
        }
        if self.info.kind == RoomKind::Direct {
            return Err(RoomError::NotInvited);
        }
        if self.info.locked && !permissions.admin {
            return Err(RoomError::RoomLocked);
        }
        let mut members = self.members.values();
        if members.any(|one| one.info.profile.identity == *identity) {
            return Err(RoomError::SameIdentity);
        }
        if self.members.len() >= self.limits.room_people {
            return Err(RoomError::RoomFull);
        }
        Ok(())
    }
}
