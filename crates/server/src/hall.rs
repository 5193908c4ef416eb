//! The rooms of a running server behind their lock, and the mailboxes of the people in them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::mpsc;

use crate::rooms::{Event, Limits, Outbox, PersonId, RoomError, RoomId, Rooms};

/// The rooms of a running server, and the mailboxes of those who are in them.
///
/// One lock over both keeps everyone's events in the order in which they happened. It is held for
/// the time of one action, never over an await.
pub(crate) struct Hall {
    inner: Mutex<Inner>,
}

struct Inner {
    rooms: Rooms,
    mailboxes: BTreeMap<PersonId, mpsc::Sender<Event>>,
}

impl Hall {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            inner: Mutex::new(Inner {
                rooms: Rooms::new(limits),
                mailboxes: BTreeMap::new(),
            }),
        }
    }

    /// A person comes online, with a mailbox. It closes when it is full, for one who does not read
    /// must not cost the server its memory.
    pub(crate) fn enter(&self, name: &str) -> Result<(PersonId, mpsc::Receiver<Event>), RoomError> {
        let mut inner = self.lock();
        let person = inner.rooms.enter(name)?;
        let (sender, receiver) = mpsc::channel(MAILBOX_SIZE);
        inner.mailboxes.insert(person, sender);
        Ok((person, receiver))
    }

    /// A person is gone.
    pub(crate) fn vanish(&self, person: PersonId) {
        self.act(|rooms, now, out| rooms.vanish(person, now, out));
        self.lock().mailboxes.remove(&person);
    }

    /// Does something in the rooms and delivers what others must hear of it.
    pub(crate) fn act<T>(&self, act: impl FnOnce(&mut Rooms, Instant, &mut Outbox) -> T) -> T {
        let mut inner = self.lock();
        let mut out = Outbox::new();
        let result = act(&mut inner.rooms, Instant::now(), &mut out);
        for (person, event) in out {
            let Some(mailbox) = inner.mailboxes.get(&person) else {
                continue;
            };
            if mailbox.try_send(event).is_err() {
                tracing::warn!(%person, "does not read its events: disconnected");
                inner.mailboxes.remove(&person);
            }
        }
        result
    }

    /// Lets time pass in the rooms; returns the rooms that are no more.
    pub(crate) fn tick(&self) -> Vec<RoomId> {
        self.act(|rooms, now, out| {
            rooms.tick(now, out);
            rooms.take_closed()
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic while it was held is a bug of one action; the rooms of all others go on.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Events that may wait for one person.
const MAILBOX_SIZE: usize = 1024;
