//! Fan-out: packets that arrived at producers leave to their consumers, consumer by consumer. So
//! one consumer's packets lie side by side, and its state is touched once per batch.

use std::collections::VecDeque;

use crate::arena::Arena;
use crate::consumer::Consumer;
use crate::ids::{ConsumerKey, ProducerKey, TransportKey};
use crate::output::Output;
use crate::producer::{Arrival, Producer};
use crate::time::Instant;
use crate::transport::{Purpose, Transport};

/// The producers with waiting arrivals, and the progress in the first of them.
#[derive(Debug, Default)]
pub(crate) struct FanOut {
    waiting: VecDeque<ProducerKey>,
    /// Within the first producer: the consumer and the arrival that are next.
    consumer: usize,
    arrival: usize,
}

/// The entities that fan-out reads and writes.
pub(crate) struct Ends<'a> {
    pub(crate) producers: &'a mut Arena<ProducerKey, Producer>,
    pub(crate) consumers: &'a mut Arena<ConsumerKey, Consumer>,
    pub(crate) transports: &'a mut Arena<TransportKey, Transport>,
    /// The transport that is being worked on, to be removed if that panics.
    pub(crate) current: &'a mut Option<TransportKey>,
}

impl FanOut {
    /// The first packet since the last fan-out arrived at a producer.
    pub(crate) fn add(&mut self, producer: ProducerKey) {
        self.waiting.push_back(producer);
    }

    /// The producer is gone.
    pub(crate) fn remove_producer(&mut self, producer: ProducerKey) {
        if self.waiting.front() == Some(&producer) {
            (self.consumer, self.arrival) = (0, 0);
        }
        self.waiting.retain(|other| *other != producer);
    }

    /// Removes a consumer from its producer's list without losing the place in it.
    pub(crate) fn remove_consumer(
        &mut self,
        producer: ProducerKey,
        consumers: &mut Vec<ConsumerKey>,
        consumer: ConsumerKey,
    ) {
        let Some(at) = consumers.iter().position(|other| *other == consumer) else {
            return;
        };
        if self.waiting.front() == Some(&producer) && at <= self.consumer {
            // Swapping could skip a consumer that still waits, or repeat one that is done.
            consumers.remove(at);
            if at < self.consumer {
                self.consumer -= 1;
            } else {
                self.arrival = 0;
            }
        } else {
            consumers.swap_remove(at);
        }
    }

    /// Forwards until nothing waits (`true`) or the output is full (`false`).
    pub(crate) fn run(&mut self, now: Instant, ends: &mut Ends<'_>, output: &mut Output) -> bool {
        while let Some(key) = self.waiting.front().copied() {
            if !self.run_producer(now, key, ends, output) {
                return false;
            }
            if let Some(producer) = ends.producers.get_mut(key) {
                producer.arrivals.clear();
            }
            self.waiting.pop_front();
            (self.consumer, self.arrival) = (0, 0);
        }
        true
    }

    fn run_producer(
        &mut self,
        now: Instant,
        key: ProducerKey,
        ends: &mut Ends<'_>,
        output: &mut Output,
    ) -> bool {
        let Some(producer) = ends.producers.get(key) else {
            return true;
        };
        // If a packet cannot be forwarded, its publisher is to blame, not the first consumer that
        // tries.
        *ends.current = Some(producer.transport);
        while let Some(consumer_key) = producer.consumers.get(self.consumer) {
            let consumer = &mut ends.consumers[*consumer_key];
            if consumer.is_active() {
                let transport = &mut ends.transports[consumer.transport];
                loop {
                    if !output.has_room() {
                        return false;
                    }
                    if let Some(earlier) = consumer.next_to_catch_up(producer) {
                        forward(now, producer, &earlier, consumer, transport, output);
                        continue;
                    }
                    let Some(arrival) = producer.arrivals.get(self.arrival) else {
                        break;
                    };
                    self.arrival += 1;
                    forward(now, producer, arrival, consumer, transport, output);
                }
            }
            self.consumer += 1;
            self.arrival = 0;
        }
        true
    }
}

/// One packet to one consumer.
fn forward(
    now: Instant,
    producer: &Producer,
    arrival: &Arrival,
    consumer: &mut Consumer,
    transport: &mut Transport,
    output: &mut Output,
) {
    let Some(stream) = producer.streams().get(usize::from(arrival.stream)) else {
        return;
    };
    if let Some(forward) = consumer.decide(arrival, stream) {
        transport.send_by_record(now, consumer, &forward, Purpose::Forward, output);
    }
}
