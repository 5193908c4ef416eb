//! Which of a transport's producers want to be looked after. A pipe may have hundreds of them, and
//! in one batch something happens to a few.

use std::collections::VecDeque;

use crate::ids::ProducerKey;
use crate::producer::Producer;
use crate::time::Instant;

/// Producers to which something has happened, and when to look at all.
#[derive(Debug, Default)]
pub(super) struct DueProducers {
    /// In the order in which it happened. When all are noted, one may stand here twice.
    noted: VecDeque<ProducerKey>,
    /// Something has happened that concerns all of them.
    all: bool,
    /// None of them wants to be looked after earlier, except those that are noted. Streams that
    /// receive put their deadlines off, so the one that was next may have nothing to do by then.
    deadline: Option<Instant>,
    /// Whether a stream may have received something since its last report.
    has_to_report: bool,
}

impl DueProducers {
    /// Something has happened to a producer.
    pub(super) fn note(&mut self, key: ProducerKey, producer: &mut Producer) {
        if !std::mem::replace(&mut producer.is_noted, true) {
            self.noted.push_back(key);
        }
    }

    /// Something has happened that concerns all.
    pub(super) fn note_all(&mut self) {
        self.all = true;
    }

    /// Notes all of the transport's producers, if a deadline or an event asks for it.
    pub(super) fn begin(&mut self, now: Instant, all: &[ProducerKey]) {
        if self.all || self.deadline.is_some_and(|at| at <= now) {
            *self = Self {
                noted: std::mem::take(&mut self.noted),
                ..Self::default()
            };
            self.noted.clear();
            self.noted.extend(all);
        }
    }

    /// A producer is gone.
    pub(super) fn remove(&mut self, key: ProducerKey) {
        self.noted.retain(|other| *other != key);
        self.all = true;
    }

    /// The producer to look after next.
    pub(super) fn next(&self) -> Option<ProducerKey> {
        self.noted.front().copied()
    }

    /// The next one was looked after.
    pub(super) fn looked_after(&mut self, producer: &mut Producer) {
        self.noted.pop_front();
        producer.is_noted = false;
        self.deadline = self.deadline.into_iter().chain(producer.deadline()).min();
        let mut streams = producer.streams().iter();
        self.has_to_report |= streams.any(|stream| stream.receive.has_to_report());
    }

    /// All streams were reported about.
    pub(super) fn reported(&mut self) {
        self.has_to_report = false;
    }

    /// When to look at all again, if nothing happens before.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Whether a stream has to be reported about.
    pub(super) fn has_to_report(&self) -> bool {
        self.has_to_report
    }
}
