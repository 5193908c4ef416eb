//! The rooms of a running server and everyone who is online, behind their locks.

mod moving;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::clock::Clock;
use super::mailbox::{Letters, Mailbox, mailbox};
use super::open_room::OpenRoom;
use crate::rooms::{
    Directory, JoinOptions, Joined, Limits, NewPerson, NewRoom, Outbox, PersonId, ProfileChange,
    RingId, Room, RoomError, RoomId, RoomKind, RoomSummary, Secret, UnixTime,
};

/// The rooms of a running server and everyone who is online.
///
/// An action inside a room takes only that room's lock. The hall's lock protects the directory: who
/// is online, and which rooms there are. While it is held, a room's lock may be taken, and those of
/// two rooms for one who goes from the one to the other; but never the other way round.
#[derive(Debug)]
pub(crate) struct Hall {
    limits: Arc<Limits>,
    clock: Clock,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    directory: Directory,
    mailboxes: BTreeMap<PersonId, Mailbox>,
    rooms: BTreeMap<RoomId, Arc<OpenRoom>>,
    /// Where people were moved to who have not heard of it yet.
    moved: BTreeMap<PersonId, Arc<OpenRoom>>,
    /// Rooms that are no more, until [`Hall::tick`].
    closed: Vec<RoomId>,
}

/// How much there is of everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Who is online.
    pub(crate) people: usize,
    /// Rooms, empty ones included.
    pub(crate) rooms: usize,
    /// Published tracks.
    pub(crate) tracks: usize,
}

impl Hall {
    pub(crate) fn new(limits: Limits) -> Self {
        Self::with_clock(limits, Clock::system())
    }

    pub(super) fn with_clock(limits: Limits, clock: Clock) -> Self {
        let limits = Arc::new(limits);
        let inner = Inner {
            directory: Directory::new(Arc::clone(&limits)),
            mailboxes: BTreeMap::new(),
            rooms: BTreeMap::new(),
            moved: BTreeMap::new(),
            closed: Vec::new(),
        };
        Self {
            limits,
            clock,
            inner: Mutex::new(inner),
        }
    }

    /// How much there is.
    pub(crate) fn counts(&self) -> Counts {
        let inner = self.lock();
        let tracks = inner.rooms.values();
        Counts {
            people: inner.directory.people(),
            rooms: inner.rooms.len(),
            tracks: tracks.map(|room| room.ask(Room::track_count)).sum(),
        }
    }

    /// What a room is, for one who has its id.
    ///
    /// # Errors
    ///
    /// [`RoomError::NoSuchRoom`], [`RoomError::RoomEnded`]
    pub(crate) fn describe(&self, room: &RoomId) -> Result<RoomSummary, RoomError> {
        self.lock().directory.describe(room)
    }

    /// The room of this id.
    ///
    /// # Errors
    ///
    /// [`RoomError::NoSuchRoom`], [`RoomError::RoomEnded`]
    pub(super) fn room(&self, id: &RoomId) -> Result<Arc<OpenRoom>, RoomError> {
        let inner = self.lock();
        let room = inner.rooms.get(id).cloned();
        room.ok_or_else(|| inner.directory.why_none(id))
    }

    /// Whether there is such a room now.
    pub(crate) fn has_room(&self, room: &RoomId) -> bool {
        self.lock().rooms.contains_key(room)
    }

    /// Lets time pass; call it a few times a second. Returns the rooms that have closed.
    pub(crate) fn tick(&self) -> Vec<RoomId> {
        let now = self.now();
        let mut inner = self.lock();
        for room in inner.act(|directory, out| directory.tick(now, out)) {
            inner.close_if_empty(&room, now);
        }
        std::mem::take(&mut inner.closed)
    }

    pub(super) fn now(&self) -> UnixTime {
        self.clock.now()
    }

    pub(super) fn enter(&self, new: NewPerson) -> Result<(PersonId, Letters), RoomError> {
        let mut inner = self.lock();
        let person = inner.directory.enter(new)?;
        let (mailbox, letters) = mailbox();
        inner.mailboxes.insert(person, mailbox);
        Ok((person, letters))
    }

    /// A person is gone, out of the room as well. Returns which it was.
    pub(super) fn vanish(&self, person: PersonId, room: Option<&OpenRoom>) -> Option<RoomId> {
        let left = room.map(|room| self.leave(person, room));
        let now = self.now();
        let mut inner = self.lock();
        inner.act(|directory, out| directory.vanish(person, now, out));
        inner.mailboxes.remove(&person);
        left
    }

    /// Changes something in the directory and delivers the events that follow.
    pub(super) fn act<T>(&self, act: impl FnOnce(&mut Directory, UnixTime, &mut Outbox) -> T) -> T {
        let now = self.now();
        self.lock().act(|directory, out| act(directory, now, out))
    }

    /// Makes a room; whoever joins with the secret owns it.
    pub(super) fn create(
        &self,
        maker: PersonId,
        new: NewRoom,
    ) -> Result<(RoomId, Secret), RoomError> {
        let mut inner = self.lock();
        let room = inner.make(maker, RoomId::random(), new, true, &self.limits, self.now())?;
        Ok((room.id().clone(), room.ask(|room| room.secret().clone())))
    }

    /// Brings a person into a room. If there is no such room and `options` describe one, it is
    /// made. Then it is theirs if they may own it, and nobody's otherwise.
    pub(super) fn join(
        &self,
        person: PersonId,
        id: &RoomId,
        mut options: JoinOptions,
    ) -> Result<(Arc<OpenRoom>, Joined), RoomError> {
        let now = self.now();
        let (mut inner, mut room, mut made) = (self.lock(), None, None);
        let mut opened = false;
        let who = inner.directory.introduce(person, id)?;
        let mailbox = inner.mailboxes.get(&person).cloned();
        let mailbox = mailbox.ok_or(RoomError::NotOnline)?;
        if let Some(found) = inner.rooms.get(id) {
            room = Some(Arc::clone(found));
        } else if let Some(new) = options.open.take() {
            // A room of this name that has ended does not matter to the one who opens it anew.
            opened = true;
            let owned = who.1.own;
            let new = inner.make(person, id.clone(), new, owned, &self.limits, now)?;
            // A secret from an older room of this id does not matter to the one who opens it anew.
            made = owned.then(|| new.ask(|room| room.secret().clone()));
            options.secret = made.as_ref().map(|secret| secret.reveal().to_owned());
            room = Some(new);
        }
        let Some(room) = room else {
            return Err(inner.directory.why_none(id));
        };
        // The hall's lock is held, so that nobody removes the empty room meanwhile.
        let mut joined = room.join(who, mailbox, &options, now)?;
        joined.opened = opened;
        joined.secret = made;
        inner.directory.set_busy(person, true);
        inner.refresh(&room, now);
        Ok((room, joined))
    }

    /// Takes a person out of their room; they may be out already. If they were moved and have not
    /// heard of it, they are in another room than this. Returns which it was.
    pub(super) fn leave(&self, person: PersonId, room: &OpenRoom) -> RoomId {
        let now = self.now();
        // Under the hall's lock nobody moves them meanwhile.
        let mut inner = self.lock();
        let moved = inner.moved.remove(&person);
        let room = moved.as_deref().unwrap_or(room);
        let _ = room.act(|room, out| room.leave(person, out));
        inner.is_out(person, room, now);
        room.id().clone()
    }

    /// Takes a person out of a room that they have opened in vain. If nobody else has come, it is
    /// gone as well.
    pub(super) fn abandon(&self, person: PersonId, room: &OpenRoom) {
        self.leave(person, room);
        let now = self.now();
        let mut inner = self.lock();
        if inner.knows(room) {
            inner.close_if_empty(room.id(), now);
        }
    }

    /// A person is out of a room, by whatever way.
    pub(super) fn is_out(&self, person: PersonId, room: &OpenRoom) {
        let now = self.now();
        self.lock().is_out(person, room, now);
    }

    /// The owner ends a room.
    pub(super) fn end(&self, person: PersonId, room: &OpenRoom) -> Result<(), RoomError> {
        room.act(|room, out| room.end(person, out))?;
        let mut inner = self.lock();
        inner.directory.set_busy(person, false);
        if inner.knows(room) {
            inner.forget(room.id(), Some(self.now()));
        }
        Ok(())
    }

    /// What is known of a room from outside may have changed.
    pub(super) fn refresh(&self, room: &OpenRoom) {
        let now = self.now();
        self.lock().refresh(room, now);
    }

    /// Changes what others know of a person, inside the room too if they are still in it. Returns
    /// their name.
    pub(super) fn change_profile(
        &self,
        person: PersonId,
        change: ProfileChange,
        room: Option<&OpenRoom>,
    ) -> Result<String, RoomError> {
        let now = self.now();
        let mut inner = self.lock();
        let profile = inner.directory.change_profile(person, change, now)?;
        let name = profile.name.clone();
        let moved = inner.moved.get(&person);
        if let Some(room) = moved.map(Arc::as_ref).or(room) {
            // They may be out of it without having heard of it.
            let _ = room.act(|room, out| room.set_profile(profile, out));
        }
        Ok(name)
    }

    /// The called person accepts. Both are told of a room for them, or that there can be none.
    pub(super) fn accept_ring(&self, person: PersonId, ring: RingId) -> Result<(), RoomError> {
        let now = self.now();
        let mut inner = self.lock();
        let accepted = inner.directory.accept_ring(person, ring)?;
        let new = accepted.room.clone();
        let (from, id) = (accepted.from, RoomId::random());
        let room = match inner.make(from, id, new, true, &self.limits, now) {
            Ok(room) => room,
            Err(error) => {
                inner.act(|_, out| Directory::tell_failed(&accepted, out));
                return Err(error);
            }
        };
        inner.act(|_, out| room.ask(|room| Directory::tell_accepted(&accepted, room, out)));
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic while the lock was held is a bug of one action. All other rooms go on.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn act<T>(&mut self, act: impl FnOnce(&mut Directory, &mut Outbox) -> T) -> T {
        let mut out = Outbox::new();
        let result = act(&mut self.directory, &mut out);
        for (person, event) in out {
            if let Some(mailbox) = self.mailboxes.get(&person) {
                mailbox.deliver(person, event);
            }
        }
        result
    }

    /// Makes a room. If the server is full, an unused one gives way.
    fn make(
        &mut self,
        maker: PersonId,
        id: RoomId,
        mut new: NewRoom,
        owned: bool,
        limits: &Arc<Limits>,
        now: UnixTime,
    ) -> Result<Arc<OpenRoom>, RoomError> {
        while let Some(unused) = self.directory.may_make(maker, &mut new)? {
            tracing::info!(room = %unused, "an unused room gives way to a new one");
            self.close_if_empty(&unused, now);
        }
        let room = Room::new(id, new, Arc::clone(limits));
        let room = if owned { room } else { room.without_owner() };
        let room = Arc::new(OpenRoom::new(room));
        let kind = room.summary().0.info.kind;
        tracing::info!(room = %room.id(), ?kind, owned, "a room is made");
        self.directory.add_room(maker, room.summary().0, now);
        self.rooms.insert(room.id().clone(), Arc::clone(&room));
        Ok(room)
    }

    fn is_out(&mut self, person: PersonId, room: &OpenRoom, now: UnixTime) {
        self.directory.set_busy(person, false);
        self.refresh(room, now);
        // Nobody else has the link to a room that was made for two.
        if self.knows(room) && self.is_left_by_both(room) {
            self.close_if_empty(room.id(), now);
        }
    }

    fn refresh(&mut self, room: &OpenRoom, now: UnixTime) {
        if self.knows(room) {
            let (summary, is_empty) = room.summary();
            self.directory.update_room(summary, is_empty, now);
        }
    }

    /// Whether this is the room of its id. One that has ended may be followed by another of this id,
    /// of which those who come late say nothing.
    fn knows(&self, room: &OpenRoom) -> bool {
        let known = self.rooms.get(room.id());
        known.is_some_and(|known| std::ptr::eq(Arc::as_ptr(known), room))
    }

    fn is_left_by_both(&self, room: &OpenRoom) -> bool {
        let (summary, is_empty) = room.summary();
        is_empty && summary.info.kind == RoomKind::Direct
    }

    /// Takes a room away, unless somebody is in it after all.
    fn close_if_empty(&mut self, id: &RoomId, now: UnixTime) {
        let Some(room) = self.rooms.get(id).cloned() else {
            return;
        };
        if room.close_if_empty() {
            self.forget(id, None);
        } else {
            self.refresh(&room, now);
        }
    }

    /// `ended`: when its owner has ended it.
    fn forget(&mut self, id: &RoomId, ended: Option<UnixTime>) {
        if self.rooms.remove(id).is_some() {
            tracing::info!(room = %id, ended = ended.is_some(), "a room is no more");
            self.directory.remove_room(id, ended);
            self.closed.push(id.clone());
        }
    }
}
