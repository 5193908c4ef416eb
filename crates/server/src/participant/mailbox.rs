//! Where events wait for one person.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use crate::rooms::{Event, LobbySnapshot, PersonId};

/// The events for one person. It closes when it is full, by their number or by their size: a person
/// who does not read must not cost the server its memory, and after a missed event the next ones
/// could be misunderstood.
#[derive(Clone, Debug)]
pub(super) struct Mailbox {
    sender: mpsc::Sender<Event>,
    shared: Arc<Shared>,
}

/// The other end of a [`Mailbox`].
#[derive(Debug)]
pub(super) struct Letters {
    receiver: mpsc::Receiver<Event>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    is_closed: AtomicBool,
    /// Bytes of what waits.
    weight: AtomicUsize,
    /// The newest lobby, if one waits. Nobody needs an older one.
    lobby: Mutex<Option<Arc<LobbySnapshot>>>,
}

pub(super) fn mailbox() -> (Mailbox, Letters) {
    let (sender, receiver) = mpsc::channel(MAILBOX_SIZE);
    let shared = Arc::<Shared>::default();
    let letters = Letters {
        receiver,
        shared: Arc::clone(&shared),
    };
    (Mailbox { sender, shared }, letters)
}

impl Mailbox {
    pub(super) fn deliver(&self, person: PersonId, event: Event) {
        if self.shared.is_closed.load(Ordering::Relaxed) {
            return;
        }
        if let Event::Lobby(newest) = &event
            && self
                .shared
                .replace_lobby(Some(Arc::clone(newest)))
                .is_some()
        {
            return;
        }
        let weight = event.weight();
        let before = self.shared.weight.fetch_add(weight, Ordering::Relaxed);
        if before + weight <= MAILBOX_WEIGHT && self.sender.try_send(event).is_ok() {
            return;
        }
        if !self.shared.is_closed.swap(true, Ordering::Relaxed) {
            tracing::info!(%person, "does not read what others do: disconnected");
        }
    }
}

impl Letters {
    /// The next event; none when the mailbox has closed and everything in it was read. Dropping the
    /// future loses nothing.
    pub(super) async fn next(&mut self) -> Option<Event> {
        if let Some(event) = self.next_now() {
            return Some(event);
        }
        // It closes only when something waits in it, and that never happens while this waits.
        if self.shared.is_closed.load(Ordering::Relaxed) {
            return None;
        }
        let event = self.receiver.recv().await?;
        Some(self.take(event))
    }

    /// The next event that is here already.
    pub(super) fn next_now(&mut self) -> Option<Event> {
        let event = self.receiver.try_recv().ok()?;
        Some(self.take(event))
    }

    fn take(&self, event: Event) -> Event {
        self.shared
            .weight
            .fetch_sub(event.weight(), Ordering::Relaxed);
        match event {
            Event::Lobby(older) => Event::Lobby(self.shared.replace_lobby(None).unwrap_or(older)),
            other => other,
        }
    }
}

impl Shared {
    fn replace_lobby(&self, newest: Option<Arc<LobbySnapshot>>) -> Option<Arc<LobbySnapshot>> {
        let mut lobby = self.lobby.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut lobby, newest)
    }
}

/// Events that may wait for one person.
const MAILBOX_SIZE: usize = 1024;
/// Their bytes: more than the largest single event by far, so that a mailbox with nothing in it
/// never closes.
const MAILBOX_WEIGHT: usize = 2 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rooms::Data;

    fn data(person: PersonId, size: usize) -> Event {
        Event::Data(Data {
            from: Some(person),
            topic: String::new(),
            payload: vec![0; size].into(),
        })
    }

    #[tokio::test]
    async fn what_waits_is_bounded_by_its_size() {
        let person = PersonId::random();
        let (mailbox, mut letters) = mailbox();
        // Whoever reads gets any amount.
        for _ in 0..100 {
            mailbox.deliver(person, data(person, 64_000));
            assert!(letters.next().await.is_some());
        }
        for _ in 0..100 {
            mailbox.deliver(person, data(person, 64_000));
        }
        let mut read = 0;
        while letters.next().await.is_some() {
            read += 1;
        }
        assert_eq!(read, MAILBOX_WEIGHT / 64_200);
    }

    #[tokio::test]
    async fn one_lobby_waits_and_it_is_the_newest() {
        let person = PersonId::random();
        let (mailbox, mut letters) = mailbox();
        let newest = Arc::<LobbySnapshot>::default();
        for _ in 0..5000 {
            mailbox.deliver(person, Event::Lobby(Arc::default()));
        }
        mailbox.deliver(person, Event::Lobby(Arc::clone(&newest)));
        let Some(Event::Lobby(heard)) = letters.next().await else {
            panic!("the lobby");
        };
        assert!(Arc::ptr_eq(&heard, &newest));
        assert!(letters.next_now().is_none());
        mailbox.deliver(person, Event::Lobby(newest));
        assert!(letters.next_now().is_some());
    }
}
