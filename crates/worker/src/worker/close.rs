//! Closing: what closes together with what, and who is told (docs/channel.md §6). Keys are
//! collected top-down, then removed; the controller is told only what it did not close itself.

use super::{CONTROL_CAPACITY, Worker};
use crate::ids::{ConsumerKey, ProducerKey, RouterKey, TransportKey, WebRtcServerKey};
use crate::messages::Event;
use crate::output::Output;
use crate::time::Instant;
use crate::transport::ListenSocket;

impl Worker {
    /// Closes everything. The next drain has the alerts for DTLS peers.
    pub fn close(&mut self, now: Instant) {
        if self.closed {
            return;
        }
        self.closed = true;
        let routers: Vec<_> = self.entities.routers.iter().map(|(key, _)| key).collect();
        for router in routers {
            self.close_fenced(now, |worker| {
                let is_there = worker.entities.routers.get(router).is_some();
                is_there.then(|| worker.close_router(now, router)).is_some()
            });
        }
        let servers: Vec<_> = self
            .entities
            .web_rtc_servers
            .iter()
            .map(|(key, _)| key)
            .collect();
        for server in servers {
            self.close_fenced(now, |worker| {
                let is_there = worker.entities.web_rtc_servers.get(server).is_some();
                is_there
                    .then(|| worker.close_web_rtc_server(now, server))
                    .is_some()
            });
        }
    }

    /// Runs a part of closing until it says that nothing is left. If an entity panics in it, that
    /// entity is gone the next time.
    fn close_fenced(&mut self, now: Instant, mut part: impl FnMut(&mut Self) -> bool) {
        let mut goes_on = true;
        while goes_on && !self.failed {
            self.fenced(now, |worker| goes_on = part(worker));
        }
    }

    pub(super) fn close_web_rtc_server(&mut self, now: Instant, key: WebRtcServerKey) {
        let transports = self.entities.web_rtc_servers[key].transports.clone();
        for transport in transports {
            self.close_transport(now, transport);
        }
        if let Some(server) = self.entities.web_rtc_servers.remove(key) {
            self.registry.remove(&server.id);
            self.close_sockets(&server.sockets);
        }
    }

    /// Closes a router with its transports. Consumers in other routers do not exist, so nobody has
    /// to be told.
    pub(super) fn close_router(&mut self, now: Instant, key: RouterKey) {
        let transports = self.entities.routers[key].transports.clone();
        for transport in transports {
            let consumers = self.entities.transports[transport].consumers.clone();
            for consumer in consumers {
                self.close_consumer(consumer);
            }
        }
        let transports = self.entities.routers[key].transports.clone();
        for transport in transports {
            self.close_transport(now, transport);
        }
        if let Some(router) = self.entities.routers.remove(key) {
            self.registry.remove(&router.id);
        }
    }

    pub(super) fn close_transport(&mut self, now: Instant, key: TransportKey) {
        self.current = Some(key);
        if !self.control.has_room_for(MAX_GOODBYES) {
            // However many transports close at once, each tells its peer.
            let next = Output::new(CONTROL_CAPACITY);
            let full = std::mem::replace(&mut self.control, next);
            self.full_controls.push_back(full);
        }
        if let Some(transport) = self.entities.transports.get_mut(key) {
            transport.say_goodbye(now, &mut self.control);
        }
        self.discard_transport(key);
        self.current = None;
    }

    /// Removes a transport and everything on it. Its sockets close with the next output, after
    /// everything queued on them has left.
    pub(super) fn discard_transport(&mut self, key: TransportKey) {
        let Some(transport) = self.entities.transports.get(key) else {
            return;
        };
        let (producers, consumers) = (transport.producers.clone(), transport.consumers.clone());
        for consumer in consumers {
            self.close_consumer(consumer);
        }
        for producer in producers {
            self.close_producer(producer);
        }
        let Some(transport) = self.entities.transports.remove(key) else {
            return;
        };
        self.last_route = None;
        self.totals.keep(&transport);
        self.deadlines.set(key, None);
        self.touched.retain(|touched| *touched != key);
        self.direct.retain(|direct| *direct != key);
        self.registry.remove(&transport.id);
        if let Some(router) = self.entities.routers.get_mut(transport.router)
            && let Some(at) = router.transports.iter().position(|other| *other == key)
        {
            router.transports.swap_remove(at);
        }
        for path in transport.tcp_paths() {
            self.control.close_path(path);
        }
        match transport.web_rtc_server() {
            Some(server) => {
                if let Some(server) = self.entities.web_rtc_servers.get_mut(server) {
                    server.remove_transport(key, &transport);
                }
            }
            None => self.close_sockets(transport.own_sockets()),
        }
    }

    /// Closes a producer. Its consumers, on whatever transport, close with it, and their owners are
    /// told. References to an entity are removed before the entity itself. So even if this is
    /// interrupted, every key still finds its entity.
    pub(super) fn close_producer(&mut self, key: ProducerKey) {
        let Some(producer) = self.entities.producers.get(key) else {
            return;
        };
        for consumer in producer.consumers.clone() {
            let id = self.entities.consumers[consumer].id.clone();
            self.outbox.notify(&id, Event::ConsumerProducerClose);
            self.close_consumer(consumer);
        }
        self.fan_out.remove_producer(key);
        let producer = &self.entities.producers[key];
        if let Some(transport) = self.entities.transports.get_mut(producer.transport) {
            transport.remove_producer(key);
        }
        self.registry.remove(&producer.id);
        self.entities.producers.remove(key);
    }

    pub(super) fn close_consumer(&mut self, key: ConsumerKey) {
        let Some(consumer) = self.entities.consumers.get(key) else {
            return;
        };
        if let Some(producer) = self.entities.producers.get_mut(consumer.producer) {
            self.fan_out
                .remove_consumer(consumer.producer, &mut producer.consumers, key);
        }
        if let Some(transport) = self.entities.transports.get_mut(consumer.transport) {
            transport.remove_consumer(key);
        }
        self.registry.remove(&consumer.id);
        self.entities.consumers.remove(key);
    }

    fn close_sockets(&mut self, sockets: &[ListenSocket]) {
        for socket in sockets {
            self.sockets.swap_remove(&socket.socket);
            self.control.close_socket(socket.socket);
        }
    }
}

/// How many datagrams a transport may have to send when it closes: its last flight and an alert.
const MAX_GOODBYES: usize = 8;
