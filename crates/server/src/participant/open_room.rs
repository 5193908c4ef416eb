//! One room behind its lock, with the mailboxes of the people in it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::mailbox::Mailbox;
use crate::rooms::{
    JoinOptions, Joined, Outbox, Permissions, PersonId, Profile, Room, RoomError, RoomId,
    RoomSummary, UnixTime,
};

/// One room of a running server, and the mailboxes of those who are in it.
///
/// One lock for both keeps everyone's events in the order in which they happened. It is held for
/// one action, never over an await. While it is held, no other lock is taken, with one exception:
/// [`act_with`](Self::act_with).
#[derive(Debug)]
pub(super) struct OpenRoom {
    id: RoomId,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    room: Room,
    mailboxes: BTreeMap<PersonId, Mailbox>,
}

impl OpenRoom {
    pub(super) fn new(room: Room) -> Self {
        Self {
            id: room.id().clone(),
            inner: Mutex::new(Inner {
                room,
                mailboxes: BTreeMap::new(),
            }),
        }
    }

    pub(super) fn id(&self) -> &RoomId {
        &self.id
    }

    /// Changes something in the room and delivers the events that follow.
    pub(super) fn act<T>(&self, act: impl FnOnce(&mut Room, &mut Outbox) -> T) -> T {
        let mut inner = self.lock();
        inner.act(act)
    }

    /// Asks the room something.
    pub(super) fn ask<T>(&self, ask: impl FnOnce(&Room) -> T) -> T {
        ask(&self.lock().room)
    }

    /// Brings a person in, with their mailbox.
    pub(super) fn join(
        &self,
        (profile, permissions): (Profile, Permissions),
        mailbox: Mailbox,
        options: &JoinOptions,
        now: UnixTime,
    ) -> Result<Joined, RoomError> {
        let mut inner = self.lock();
        let person = profile.id;
        inner.mailboxes.insert(person, mailbox);
        inner.act(|room, out| room.join(profile, permissions, options, now, out))
    }

    /// Changes this room and another one at once, so that a person goes from here to there, with
    /// their mailbox. Events of this room are delivered first.
    ///
    /// Both locks are held. Only the [`Hall`](super::Hall) may call it, and only while it holds its
    /// own lock: then nobody else waits for one room's lock while they hold that of another.
    pub(super) fn act_with<T>(
        &self,
        other: &Self,
        (person, mailbox): (PersonId, Mailbox),
        act: impl FnOnce((&mut Room, &mut Outbox), (&mut Room, &mut Outbox)) -> T,
    ) -> T {
        let (mut here, mut there) = (self.lock(), other.lock());
        there.mailboxes.insert(person, mailbox);
        let (mut out, mut outside) = (Outbox::new(), Outbox::new());
        let result = act((&mut here.room, &mut out), (&mut there.room, &mut outside));
        here.deliver(out);
        there.deliver(outside);
        result
    }

    /// Closes the room if nobody is in it. Returns whether it did.
    pub(super) fn close_if_empty(&self) -> bool {
        self.act(|room, out| {
            let is_empty = room.is_empty();
            if is_empty {
                room.close(out);
            }
            is_empty
        })
    }

    /// The room from outside, and whether nobody is in it.
    pub(super) fn summary(&self) -> (RoomSummary, bool) {
        self.ask(|room| (room.summary(), room.is_empty()))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic while the lock was held is a bug of one action. The others in the room go on.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn act<T>(&mut self, act: impl FnOnce(&mut Room, &mut Outbox) -> T) -> T {
        let mut out = Outbox::new();
        let result = act(&mut self.room, &mut out);
        self.deliver(out);
        result
    }

    fn deliver(&mut self, out: Outbox) {
        for (person, event) in out {
            if let Some(mailbox) = self.mailboxes.get(&person) {
                mailbox.deliver(person, event);
            }
        }
        // People who left have received their last event.
        let room = &self.room;
        self.mailboxes.retain(|person, _| room.holds(*person));
    }
}
