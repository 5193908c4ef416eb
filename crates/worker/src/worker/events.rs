//! Passes the events of transports on: to the controller, to the server's tables, and to the
//! consumers that can begin.

use super::Worker;
use crate::ids::{ConsumerKey, ProducerKey, TransportKey};
use crate::messages::Event;
use crate::output::{Path, Protocol};
use crate::time::Instant;
use crate::transport::{Destination, TransportEvent};

impl Worker {
    /// Carries out what a transport reported since the last time, in order.
    pub(super) fn take_events(&mut self, now: Instant, key: TransportKey) {
        while let Some(event) = self.entities.transports[key].next_event() {
            self.take_event(now, key, event);
        }
    }

    fn take_event(&mut self, now: Instant, key: TransportKey, event: TransportEvent) {
        let transport = &mut self.entities.transports[key];
        let server = transport.web_rtc_server();
        let id = &transport.id;
        match event {
            TransportEvent::TupleAdded(path) => {
                tracing::debug!(target: "tureen::ice", transport = %id, remote = %path.remote, "tuple added");
                self.last_route = None;
                let loser = server
                    .and_then(|server| self.entities.web_rtc_servers[server].add_tuple(path, key));
                if path.protocol == Protocol::Tcp {
                    self.control.validate_path(path);
                }
                if let Some(loser) = loser {
                    self.path_taken_over(now, path, loser);
                }
            }
            TransportEvent::TupleRemoved(path) => {
                tracing::debug!(target: "tureen::ice", transport = %id, remote = %path.remote, "tuple removed");
                self.last_route = None;
                let was_its_own = server.is_none_or(|server| {
                    self.entities.web_rtc_servers[server].remove_tuple(&path, key)
                });
                if was_its_own && path.protocol == Protocol::Tcp {
                    self.control.close_path(path);
                }
            }
            TransportEvent::UsernameFragmentRetired(fragment) => {
                if let Some(server) = server {
                    self.entities.web_rtc_servers[server].remove_username_fragment(&fragment);
                }
            }
            TransportEvent::Selected(path, tuple) => {
                transport.set_destination(Destination::Path(path));
                if let Some(tuple) = tuple {
                    let event = Event::IceSelectedTupleChange(tuple);
                    self.outbox.notify(&transport.id, event);
                }
                self.follow_connection(now, key);
            }
            TransportEvent::PathLost => {
                transport.set_destination(Destination::None);
                self.follow_connection(now, key);
            }
            TransportEvent::Learned { destination, event } => {
                transport.set_destination(destination);
                self.outbox.notify(&transport.id, event);
                self.follow_connection(now, key);
            }
            TransportEvent::IceState(state) => {
                tracing::debug!(target: "tureen::ice", transport = %id, ?state, "ICE state changed");
                self.outbox
                    .notify(&transport.id, Event::IceStateChange(state));
            }
            TransportEvent::DtlsState(state) => {
                tracing::debug!(target: "tureen::dtls", transport = %id, ?state, "DTLS state changed");
                let event = Event::DtlsStateChange {
                    state,
                    remote_certificate: None,
                };
                self.outbox.notify(&transport.id, event);
            }
            TransportEvent::Connected {
                send,
                receive,
                remote_certificate,
            } => {
                let suite = send.suite();
                tracing::debug!(target: "tureen::srtp", transport = %id, ?suite, "keys are set");
                transport.set_keys(*send, *receive);
                let state = crate::params::DtlsState::Connected;
                let remote_certificate = Some(remote_certificate);
                let event = Event::DtlsStateChange {
                    state,
                    remote_certificate,
                };
                self.outbox.notify(&transport.id, event);
                self.follow_connection(now, key);
            }
            TransportEvent::Disconnected => {
                transport.forget_keys();
                self.follow_connection(now, key);
            }
        }
    }

    /// Another transport has validated a path of this one. The path belongs to that one now, so
    /// this one sends nothing there any more.
    fn path_taken_over(&mut self, now: Instant, path: Path, key: TransportKey) {
        if let Some(transport) = self.entities.transports.get_mut(key) {
            transport.remove_path(now, path);
            self.take_events(now, key);
            self.touch(key);
        }
    }

    /// Tells the consumers of a transport whether media can leave. If they can begin, or begin
    /// again, they do so with a key frame.
    pub(super) fn follow_connection(&mut self, now: Instant, key: TransportKey) {
        let transport = &self.entities.transports[key];
        let is_connected = transport.is_connected();
        for index in 0..transport.consumers.len() {
            let key = self.entities.transports[key].consumers[index];
            let consumer = &mut self.entities.consumers[key];
            if consumer.is_connected() != is_connected {
                consumer.set_connected(is_connected);
                self.request_key_frame_for(now, key);
            }
        }
    }

    /// Tells the scores of a producer and, where they changed, of its consumers.
    pub(super) fn tell_scores(&mut self, key: ProducerKey) {
        let producer = &self.entities.producers[key];
        let scores = producer.scores();
        tracing::debug!(target: "tureen::score", producer = %producer.id, ?scores, "score changed");
        self.outbox
            .notify(&producer.id, Event::ProducerScore(scores));
        for consumer in producer.consumers.clone() {
            self.tell_consumer_score(consumer);
        }
    }

    pub(super) fn tell_consumer_score(&mut self, key: ConsumerKey) {
        let consumer = &mut self.entities.consumers[key];
        let producer = &self.entities.producers[consumer.producer];
        if let Some(score) = consumer.take_changed_score(producer) {
            self.outbox
                .notify(&consumer.id, Event::ConsumerScore(score));
        }
    }

    /// Pauses a producer; its consumers' owners are told before the response (docs/channel.md §6).
    pub(super) fn pause_producer(&mut self, key: ProducerKey) {
        let producer = &mut self.entities.producers[key];
        if producer.is_paused() {
            return;
        }
        producer.pause();
        let consumers = producer.consumers.clone();
        self.touch_producer(key);
        self.fan_out.remove_producer(key);
        for consumer in consumers {
            let consumer = &mut self.entities.consumers[consumer];
            consumer.set_producer_paused(true);
            self.outbox
                .notify(&consumer.id, Event::ConsumerProducerPause);
        }
    }

    /// Resumes a producer: its consumers begin again with a key frame.
    pub(super) fn resume_producer(&mut self, now: Instant, key: ProducerKey) {
        let producer = &mut self.entities.producers[key];
        if !producer.is_paused() {
            return;
        }
        producer.resume(now);
        let consumers = producer.consumers.clone();
        self.touch_producer(key);
        for key in consumers {
            let consumer = &mut self.entities.consumers[key];
            consumer.set_producer_paused(false);
            self.outbox
                .notify(&consumer.id, Event::ConsumerProducerResume);
            let subscriber = consumer.transport;
            self.touch(subscriber);
            self.request_key_frame_for(now, key);
        }
    }
}
