//! Output: what transports owe, then what their producers' arrivals bring to consumers.

use super::{Drain, Worker};
use crate::ids::TransportKey;
use crate::output::Output;
use crate::router::{Ends, resend};
use crate::time::Instant;

impl Worker {
    /// One stretch of [`Worker::drain`]; everything in it can be interrupted by a full output and
    /// goes on where it stopped.
    pub(super) fn drain_fenced(&mut self, now: Instant, output: &mut Output) -> Drain {
        while let Some(key) = self.touched.front().copied() {
            self.current = Some(key);
            if self.entities.transports.get(key).is_some() && !self.service(now, key, output) {
                return Drain::More;
            }
            self.touched.pop_front();
            if let Some(transport) = self.entities.transports.get_mut(key) {
                transport.touched = false;
                let deadline = self.deadline_of(key);
                self.deadlines.set(key, deadline);
            }
        }
        self.current = None;
        let mut ends = Ends {
            producers: &mut self.entities.producers,
            consumers: &mut self.entities.consumers,
            transports: &mut self.entities.transports,
            current: &mut self.current,
        };
        if self.fan_out.run(now, &mut ends, output) {
            Drain::Drained
        } else {
            Drain::More
        }
    }

    /// Lets a transport send what it owes; `false` when the output is full.
    fn service(&mut self, now: Instant, key: TransportKey, output: &mut Output) -> bool {
        let transport = &mut self.entities.transports[key];
        transport.web_rtc.handle_timeout(now);
        let sent = transport.poll_dtls(now, output);
        self.take_events(now, key);
        sent && self.look_after_streams(now, key, output)
            && self.send_feedback(now, key, output)
            && self.send_reports(now, key, output)
            && self.resend(now, key, output)
    }

    fn resend(&mut self, now: Instant, key: TransportKey, output: &mut Output) -> bool {
        let transport = &mut self.entities.transports[key];
        while let Some(consumer) = transport.resending.first().copied() {
            let consumer = &mut self.entities.consumers[consumer];
            let producer = &self.entities.producers[consumer.producer];
            if !resend(now, producer, consumer, transport, output) {
                return false;
            }
            transport.resending.remove(0);
        }
        true
    }

    /// When the transport must be looked at next.
    fn deadline_of(&self, key: TransportKey) -> Option<Instant> {
        let transport = &self.entities.transports[key];
        let streams = transport
            .producers
            .iter()
            .filter_map(|producer| self.entities.producers[*producer].deadline());
        transport.deadline().into_iter().chain(streams).min()
    }
}
