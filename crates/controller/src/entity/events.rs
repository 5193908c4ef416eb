//! Events of an entity, from one sender to any number of receivers.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use super::lock;

/// Receiver of an entity's events, in the order they happened.
///
/// It holds the latest 256 events that were not read. A receiver that is read too seldom loses the
/// oldest ones, never the last one of the entity; [`missed`](Self::missed) counts them. The handle
/// always has the latest states and scores.
#[derive(Debug)]
pub struct Events<E> {
    queue: Arc<Queue<E>>,
}

impl<E> Events<E> {
    /// The next event; none after the last one, which says why the entity closed.
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<E> {
        loop {
            match self.queue.take() {
                Taken::Event(event) => return Some(event),
                Taken::End => return None,
                // A push between the two calls leaves a permit, so the wait ends at once.
                Taken::Nothing => self.queue.changed.notified().await,
            }
        }
    }

    /// The next event if it has happened already.
    pub fn try_next(&mut self) -> Option<E> {
        match self.queue.take() {
            Taken::Event(event) => Some(event),
            Taken::Nothing | Taken::End => None,
        }
    }

    /// How many events were lost so far because 256 others were waiting.
    pub fn missed(&self) -> u64 {
        lock(&self.queue.state).missed
    }
}

/// Sender of an entity's events to any number of receivers.
pub(crate) struct EventQueue<E> {
    state: Mutex<QueueState<E>>,
}

struct QueueState<E> {
    /// The first receiver, which takes events before anyone asks for it.
    first: Option<Events<E>>,
    receivers: Vec<Arc<Queue<E>>>,
    last: Option<E>,
}

impl<E: Clone> EventQueue<E> {
    pub(crate) fn new() -> Self {
        let queue = Arc::new(Queue::new());
        Self {
            state: Mutex::new(QueueState {
                first: Some(Events {
                    queue: queue.clone(),
                }),
                receivers: vec![queue],
                last: None,
            }),
        }
    }

    /// The first caller gets a receiver of all events; later callers get one of the events from now
    /// on. After the end, each gets at least the last event.
    pub(crate) fn subscribe(&self) -> Events<E> {
        let mut state = lock(&self.state);
        if let Some(first) = state.first.take() {
            return first;
        }
        let queue = Arc::new(Queue::new());
        match &state.last {
            Some(last) => {
                queue.push(last.clone());
                queue.end();
            }
            None => state.receivers.push(queue.clone()),
        }
        Events { queue }
    }

    pub(crate) fn push(&self, event: E) {
        lock(&self.state).push(&event);
    }

    /// Pushes the last event: receivers end after it.
    pub(crate) fn finish(&self, event: E) {
        let mut state = lock(&self.state);
        state.push(&event);
        state.end();
        state.last = Some(event);
    }
}

impl<E: Clone> QueueState<E> {
    fn push(&mut self, event: &E) {
        // When a receiver is dropped, this side holds the only reference to its queue.
        self.receivers.retain(|queue| Arc::strong_count(queue) > 1);
        for queue in &self.receivers {
            queue.push(event.clone());
        }
    }
}

impl<E> QueueState<E> {
    fn end(&mut self) {
        for queue in self.receivers.drain(..) {
            queue.end();
        }
    }
}

impl<E> Drop for EventQueue<E> {
    fn drop(&mut self) {
        lock(&self.state).end();
    }
}

/// The events that wait for one receiver.
#[derive(Debug)]
struct Queue<E> {
    state: Mutex<Waiting<E>>,
    changed: Notify,
}

#[derive(Debug)]
struct Waiting<E> {
    events: VecDeque<E>,
    missed: u64,
    ended: bool,
}

enum Taken<E> {
    Event(E),
    /// As yet.
    Nothing,
    End,
}

impl<E> Queue<E> {
    fn new() -> Self {
        Self {
            state: Mutex::new(Waiting {
                events: VecDeque::new(),
                missed: 0,
                ended: false,
            }),
            changed: Notify::new(),
        }
    }

    fn push(&self, event: E) {
        let mut state = lock(&self.state);
        if state.events.len() == MAX_WAITING {
            state.events.pop_front();
            state.missed += 1;
        }
        state.events.push_back(event);
        self.changed.notify_one();
    }

    fn end(&self) {
        lock(&self.state).ended = true;
        self.changed.notify_one();
    }

    fn take(&self) -> Taken<E> {
        let mut state = lock(&self.state);
        match state.events.pop_front() {
            Some(event) => Taken::Event(event),
            None if state.ended => Taken::End,
            None => Taken::Nothing,
        }
    }
}

/// How many events may wait for one receiver. The documentation of [`Events`] and of the crate
/// names this number.
const MAX_WAITING: usize = 256;

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
        for expected in [Some(1), Some(2), Some(3), Some(4), None, None] {
            assert_eq!(first.next().await, expected);
        }
        for expected in [Some(3), Some(4), None] {
            assert_eq!(second.next().await, expected);
        }
        assert_eq!(first.missed(), 0);
    }

    #[tokio::test]
    async fn who_comes_after_the_end_learns_of_it() {
        let queue = EventQueue::new();
        let _first = queue.subscribe();
        queue.push(1);
        queue.finish(2);
        for _ in 0..2 {
            let mut late = queue.subscribe();
            assert_eq!(late.next().await, Some(2));
            assert_eq!(late.next().await, None);
        }
    }

    #[tokio::test]
    async fn receivers_wake_for_an_event_and_for_the_end() {
        let queue = EventQueue::new();
        let mut events = queue.subscribe();
        let reader = tokio::spawn(async move { (events.next().await, events.next().await) });
        tokio::task::yield_now().await;
        queue.push(1);
        tokio::task::yield_now().await;
        drop(queue);
        assert_eq!(reader.await.unwrap(), (Some(1), None));
    }

    #[test]
    fn who_does_not_read_costs_a_bounded_amount_and_still_gets_the_last_event() {
        let queue = EventQueue::new();
        for number in 0..1_000 {
            queue.push(number);
        }
        let mut first = queue.subscribe();
        assert_eq!(first.missed(), 1_000 - 256);
        assert_eq!(first.try_next(), Some(1_000 - 256));
        for number in 1_000..2_000 {
            queue.push(number);
        }
        queue.finish(2_000);
        let waiting: Vec<_> = std::iter::from_fn(|| first.try_next()).collect();
        assert_eq!(waiting, (2_001 - 256..=2_000).collect::<Vec<_>>());
    }

    #[test]
    fn a_dropped_receiver_costs_nothing() {
        let queue = EventQueue::new();
        drop(queue.subscribe());
        let kept = queue.subscribe();
        queue.push(1);
        assert_eq!(lock(&queue.state).receivers.len(), 1);
        drop(kept);
    }
}
