//! Dumps and statistics: keys become names again.

use super::Worker;
use crate::ids::{ConsumerKey, ProducerKey, RouterKey, TransportKey, WebRtcServerKey};
use crate::messages::{
    ConsumerDump, ResponseBody, RouterDump, RtpListenerDump, StreamStats, TransportDump,
    WebRtcServerDump, WorkerDump,
};
use crate::output::Protocol;
use crate::time::Instant;

impl Worker {
    pub(super) fn dump(&self) -> WorkerDump {
        let entities = &self.entities;
        WorkerDump {
            pid: self.settings.pid,
            web_rtc_server_ids: entities
                .web_rtc_servers
                .iter()
                .map(|(_, s)| s.id.clone())
                .collect(),
            router_ids: entities
                .routers
                .iter()
                .map(|(_, router)| router.id.clone())
                .collect(),
            request_handlers: self.registry.request_handlers(),
            notification_handlers: self.registry.notification_handlers(),
        }
    }

    pub(super) fn dump_web_rtc_server(&self, key: WebRtcServerKey) -> WebRtcServerDump {
        let server = &self.entities.web_rtc_servers[key];
        let sockets = |protocol: Protocol| {
            server
                .sockets
                .iter()
                .filter(move |socket| socket.info.protocol == protocol)
                .map(|socket| (socket.local.ip().to_string(), socket.local.port()))
                .collect()
        };
        WebRtcServerDump {
            id: server.id.clone(),
            udp_sockets: sockets(Protocol::Udp),
            tcp_servers: sockets(Protocol::Tcp),
            web_rtc_transport_ids: server
                .transports
                .iter()
                .map(|t| self.transport_id(*t))
                .collect(),
            local_ice_username_fragments: server
                .username_fragments()
                .map(|(fragment, transport)| (fragment.to_owned(), self.transport_id(transport)))
                .collect(),
        }
    }

    pub(super) fn dump_router(&self, key: RouterKey) -> RouterDump {
        let router = &self.entities.routers[key];
        let transports = || {
            router
                .transports
                .iter()
                .map(|key| &self.entities.transports[*key])
        };
        let producers = transports().flat_map(|transport| &transport.producers);
        let consumers = transports().flat_map(|transport| &transport.consumers);
        RouterDump {
            id: router.id.clone(),
            transport_ids: router
                .transports
                .iter()
                .map(|t| self.transport_id(*t))
                .collect(),
            producer_consumers: producers
                .map(|key| {
                    let consumers = &self.entities.producers[*key].consumers;
                    let ids = consumers.iter().map(|key| self.consumer_id(*key)).collect();
                    (self.producer_id(*key), ids)
                })
                .collect(),
            consumer_producers: consumers
                .map(|key| {
                    let producer = self.entities.consumers[*key].producer;
                    (self.consumer_id(*key), self.producer_id(producer))
                })
                .collect(),
        }
    }

    pub(super) fn dump_transport(&self, key: TransportKey) -> ResponseBody {
        let base = self.dump_transport_base(key);
        let fingerprints = self.settings.certificate.fingerprints();
        self.entities.transports[key]
            .kind()
            .dump(base, fingerprints)
    }

    fn dump_transport_base(&self, key: TransportKey) -> TransportDump {
        let transport = &self.entities.transports[key];
        let present = |id: u8| Some(id).filter(|id| *id != 0);
        let ids = transport.recv_ids();
        let consumer_ssrcs = |rtx: bool| {
            transport
                .consumer_ssrcs()
                .filter(move |entry| entry.is_rtx == rtx)
                .map(|entry| (entry.ssrc, self.consumer_id(entry.consumer)))
                .collect()
        };
        TransportDump {
            id: transport.id.clone(),
            direct: transport.is_direct(),
            producer_ids: transport
                .producers
                .iter()
                .map(|key| self.producer_id(*key))
                .collect(),
            consumer_ids: transport
                .consumers
                .iter()
                .map(|key| self.consumer_id(*key))
                .collect(),
            ssrc_consumers: consumer_ssrcs(false),
            rtx_ssrc_consumers: consumer_ssrcs(true),
            recv_mid: present(ids.mid),
            recv_rid: present(ids.rid),
            recv_rrid: present(ids.repaired_rid),
            recv_abs_send_time: present(ids.abs_send_time),
            recv_transport_wide_cc: present(ids.transport_wide_cc),
            rtp_listener: RtpListenerDump {
                ssrcs: transport
                    .listener()
                    .ssrcs()
                    .map(|(s, p)| (s, self.producer_id(p)))
                    .collect(),
                mids: transport
                    .listener()
                    .mids()
                    .map(|(mid, p)| (mid.to_string(), self.producer_id(p)))
                    .collect(),
                rids: transport
                    .listener()
                    .rids()
                    .map(|(rid, p)| (rid.to_string(), self.producer_id(p)))
                    .collect(),
            },
            max_send_message_size: transport.options.max_send_message_size,
            max_receive_message_size: transport.options.max_receive_message_size,
        }
    }

    pub(super) fn transport_stats(&self, now: Instant, key: TransportKey) -> ResponseBody {
        let (received, sent) = (self.loss_received(now, key), self.loss_sent(now, key));
        self.entities.transports[key].stats(now, received, sent)
    }

    /// Mean loss over the streams of the transport's producers, 0–1; `None` without streams.
    fn loss_received(&self, now: Instant, key: TransportKey) -> Option<f64> {
        let producers = &self.entities.transports[key].producers;
        mean(
            producers
                .iter()
                .flat_map(|key| self.entities.producers[*key].fractions_lost(now)),
        )
    }

    /// Mean loss over the transport's consumers as their receivers report it, 0–1.
    fn loss_sent(&self, now: Instant, key: TransportKey) -> Option<f64> {
        let consumers = &self.entities.transports[key].consumers;
        mean(
            consumers
                .iter()
                .flat_map(|key| self.entities.consumers[*key].fractions_lost(now)),
        )
    }

    pub(super) fn dump_consumer(&self, key: ConsumerKey) -> ConsumerDump {
        let consumer = &self.entities.consumers[key];
        consumer.dump(self.producer_id(consumer.producer))
    }

    /// docs/channel.md §7: the consumer's own stream, and the producer's stream that feeds it.
    pub(super) fn consumer_stats(&self, now: Instant, key: ConsumerKey) -> Vec<StreamStats> {
        let consumer = &self.entities.consumers[key];
        let producer = &self.entities.producers[consumer.producer];
        let own = consumer.stats(now).map(StreamStats::Send);
        own.chain(producer.stats(now)).collect()
    }

    fn transport_id(&self, key: TransportKey) -> String {
        self.entities.transports[key].id.clone()
    }

    fn producer_id(&self, key: ProducerKey) -> String {
        self.entities.producers[key].id.clone()
    }

    fn consumer_id(&self, key: ConsumerKey) -> String {
        self.entities.consumers[key].id.clone()
    }
}

fn mean(fractions: impl Iterator<Item = u8>) -> Option<f64> {
    let (sum, count) = fractions.fold((0.0, 0_u32), |(sum, count), fraction| {
        (sum + f64::from(fraction) / 256.0, count + 1)
    });
    (count > 0).then(|| sum / f64::from(count))
}
