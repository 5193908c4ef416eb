use std::collections::VecDeque;
use std::sync::Mutex;

use tokio::sync::mpsc;

use super::lock;

/// Receiver of an entity's events, in the order they happened.
#[derive(Debug)]
pub struct Events<E> {
    receiver: mpsc::UnboundedReceiver<E>,
}

impl<E> Events<E> {
    /// The next event; none after the last one, which says why the entity closed.
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<E> {
        self.receiver.recv().await
    }

    /// The next event if it has happened already.
    pub fn try_next(&mut self) -> Option<E> {
        self.receiver.try_recv().ok()
    }
}

/// Sender of an entity's events to any number of receivers.
///
/// Before the first receiver, events wait for it: the latest [`BACKLOG`] of them.
pub(crate) struct EventQueue<E> {
    state: Mutex<QueueState<E>>,
}

struct QueueState<E> {
    waiting: VecDeque<E>,
    receivers: Vec<mpsc::UnboundedSender<E>>,
    subscribed: bool,
    ended: bool,
}

impl<E: Clone> EventQueue<E> {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::new(QueueState {
                waiting: VecDeque::new(),
                receivers: Vec::new(),
                subscribed: false,
                ended: false,
            }),
        }
    }

    pub(crate) fn subscribe(&self) -> Events<E> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut state = lock(&self.state);
        state.subscribed = true;
        for event in state.waiting.drain(..) {
            // The receiver is still in hand.
            let _ = sender.send(event);
        }
        if !state.ended {
            state.receivers.push(sender);
        }
        Events { receiver }
    }

    pub(crate) fn push(&self, event: E) {
        let mut state = lock(&self.state);
        if !state.subscribed {
            if state.waiting.len() == BACKLOG {
                state.waiting.pop_front();
            }
            state.waiting.push_back(event);
            return;
        }
        state
            .receivers
            .retain(|receiver| receiver.send(event.clone()).is_ok());
    }

    /// Pushes the last event: receivers end after it.
    pub(crate) fn finish(&self, event: E) {
        self.push(event);
        let mut state = lock(&self.state);
        state.ended = true;
        state.receivers.clear();
    }
}

/// An entity that nobody listens to keeps this many events at most.
const BACKLOG: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_receiver_gets_what_happened_before() {
        let queue = EventQueue::new();
        queue.push(1);
        queue.push(2);
        let mut first = queue.subscribe();
        let mut second = queue.subscribe();
        queue.push(3);
        queue.finish(4);
        let mut late = queue.subscribe();
        for expected in [Some(1), Some(2), Some(3), Some(4), None] {
            assert_eq!(first.next().await, expected);
        }
        assert_eq!(second.next().await, Some(3));
        assert_eq!(late.next().await, None);
    }

    #[test]
    fn nobody_listening_costs_a_bounded_amount() {
        let queue = EventQueue::new();
        for number in 0..10_000 {
            queue.push(number);
        }
        assert_eq!(queue.subscribe().try_next(), Some(10_000 - 256));
    }
}
