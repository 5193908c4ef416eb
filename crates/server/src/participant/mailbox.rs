//! Where events wait for one person.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;

use crate::rooms::{Event, PersonId};

/// The events for one person. It closes when it is full: a person who does not read must not cost
/// the server its memory, and after a missed event the next ones could be misunderstood.
#[derive(Clone, Debug)]
pub(super) struct Mailbox {
    sender: mpsc::Sender<Event>,
    is_closed: Arc<AtomicBool>,
}

/// The other end of a [`Mailbox`].
#[derive(Debug)]
pub(super) struct Letters {
    receiver: mpsc::Receiver<Event>,
    is_closed: Arc<AtomicBool>,
}

pub(super) fn mailbox() -> (Mailbox, Letters) {
    let (sender, receiver) = mpsc::channel(MAILBOX_SIZE);
    let is_closed = Arc::<AtomicBool>::default();
    let letters = Letters {
        receiver,
        is_closed: Arc::clone(&is_closed),
    };
    (Mailbox { sender, is_closed }, letters)
}

impl Mailbox {
    pub(super) fn deliver(&self, person: PersonId, event: Event) {
        if self.is_closed.load(Ordering::Relaxed) || self.sender.try_send(event).is_ok() {
            return;
        }
        if !self.is_closed.swap(true, Ordering::Relaxed) {
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
        // It closes only when it is full, and that never happens while this waits.
        if self.is_closed.load(Ordering::Relaxed) {
            return None;
        }
        self.receiver.recv().await
    }

    /// The next event that is here already.
    pub(super) fn next_now(&mut self) -> Option<Event> {
        self.receiver.try_recv().ok()
    }
}

/// Events that may wait for one person.
const MAILBOX_SIZE: usize = 1024;
