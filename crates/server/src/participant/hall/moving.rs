//! People who are moved from room to room.

use std::sync::Arc;

use super::Hall;
use crate::participant::open_room::OpenRoom;
use crate::rooms::{Going, PersonId, Right, RoomError, RoomId};

impl Hall {
    /// A host in a room moves a person from there into another one, for which they have its owner's
    /// secret, or a token that names it.
    ///
    /// All of it happens under the hall's lock and those of both rooms: nobody sees the person in
    /// both rooms or in neither. The person is told last of the old room and first of the new one,
    /// and until they hear of it, they can only leave, and change their profile.
    pub(in crate::participant) fn move_person(
        &self,
        (by, from): (PersonId, &OpenRoom),
        person: PersonId,
        to: &RoomId,
        secret: Option<&str>,
    ) -> Result<(), RoomError> {
        let now = self.now();
        let mut inner = self.lock();
        // A guest learns nothing of another room.
        from.ask(|room| room.may_move(by, person))?;
        if from.id() == to {
            return Err(RoomError::AlreadyThere);
        }
        let found = inner.rooms.get(to).cloned();
        let to = found.ok_or_else(|| inner.directory.why_none(to))?;
        if inner.moved.contains_key(&person) {
            return Err(RoomError::BeingMoved);
        }
        let (profile, permissions) = inner.directory.introduce(person, to.id())?;
        let mailbox = inner.mailboxes.get(&person).cloned();
        let mailbox = mailbox.ok_or(RoomError::NotOnline)?;
        let right = if inner.directory.may_bring_into(by, to.id())? {
            Right::Token
        } else {
            secret.map_or(Right::None, Right::Secret)
        };
        let going = Going {
            by,
            person,
            right,
            permissions,
            now,
        };
        from.act_with(&to, (person, mailbox), |(from, out), (to, there)| {
            from.move_to(to, going, out, there)
        })?;
        let (name, before, after) = (profile.name, from.id(), to.id());
        tracing::info!(%person, name, from = %before, to = %after, %by, "a person is moved to another room");
        inner.refresh(from, now);
        inner.refresh(&to, now);
        inner.moved.insert(person, to);
        Ok(())
    }

    /// One who was moved has heard of it, and is in this room from now on; none if they have left it
    /// by now.
    pub(in crate::participant) fn arrive(
        &self,
        person: PersonId,
        room: &RoomId,
    ) -> Option<Arc<OpenRoom>> {
        let mut inner = self.lock();
        inner.moved.get(&person).filter(|one| one.id() == room)?;
        inner.moved.remove(&person)
    }

    /// Whether a person was moved and has not heard of it yet.
    pub(in crate::participant) fn has_moved(&self, person: PersonId) -> bool {
        self.lock().moved.contains_key(&person)
    }
}
