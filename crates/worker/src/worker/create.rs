//! Creating entities. Every check comes before anything is built, so that a refused request leaves
//! nothing behind.

use super::registry::Entity;
use super::{OpenSocket, SocketOwner, Worker};
use crate::binder::Binder;
use crate::consumer::Consumer;
use crate::error::RequestError;
use crate::ids::{RouterKey, TransportKey};
use crate::messages::{
    Consume, ConsumeResponse, CreateDirectTransport, CreatePlainTransport, CreateWebRtcTransport,
    Event, Listen, PlainConnect, Produce, ResponseBody, TransportOptions,
};
use crate::params::{DtlsParameters, ListenInfo, RtpType};
use crate::producer::Producer;
use crate::router::Router;
use crate::time::Instant;
use crate::transport::{
    self, Kind, ListenSocket, PlainTransport, Sockets, Transport, WebRtcTransport,
};
use crate::webrtc_server::WebRtcServer;

type Answer = Result<ResponseBody, RequestError>;

impl Worker {
    pub(super) fn create_web_rtc_server(
        &mut self,
        id: &str,
        listen_infos: &[ListenInfo],
        binder: &mut dyn Binder,
    ) -> Answer {
        self.registry.check_free(id)?;
        let sockets = self.open_sockets(listen_infos, binder)?;
        let server = WebRtcServer::new(id.to_owned(), sockets.clone(), self.hash_state);
        let key = self.entities.web_rtc_servers.insert(server);
        self.registry.insert(id, Entity::WebRtcServer(key));
        self.own_sockets(&sockets, SocketOwner::WebRtcServer(key));
        Ok(ResponseBody::None)
    }

    pub(super) fn create_router(&mut self, id: &str) -> Answer {
        self.registry.check_free(id)?;
        let router = Router {
            id: id.to_owned(),
            transports: Vec::new(),
        };
        let key = self.entities.routers.insert(router);
        self.registry.insert(id, Entity::Router(key));
        Ok(ResponseBody::None)
    }

    pub(super) fn create_web_rtc_transport(
        &mut self,
        now: Instant,
        router: RouterKey,
        create: &CreateWebRtcTransport,
        binder: &mut dyn Binder,
    ) -> Answer {
        let id = &create.transport_id;
        self.registry.check_free(id)?;
        check_no_sctp(&create.base, "ROUTER_CREATE_WEBRTCTRANSPORT")?;
        let sockets = match &create.listen {
            Listen::Individual(infos) => Sockets::Own(self.open_sockets(infos, binder)?),
            Listen::Server(server_id) => {
                let key = self.registry.web_rtc_server(server_id).ok_or_else(|| {
                    RequestError::Failed(format!("wrong webRtcServerId {server_id}"))
                })?;
                let server = &self.entities.web_rtc_servers[key];
                server.check_serves(create.enable_udp, create.enable_tcp)?;
                Sockets::Server {
                    key,
                    sockets: server.sockets.clone(),
                }
            }
        };
        let web_rtc = WebRtcTransport::new(create, sockets, &self.sessions, &mut self.rng);
        let kind = Kind::WebRtc(Box::new(web_rtc));
        Ok(self.add_transport(now, router, id, &create.base, kind))
    }

    pub(super) fn create_plain_transport(
        &mut self,
        now: Instant,
        router: RouterKey,
        create: &CreatePlainTransport,
        binder: &mut dyn Binder,
    ) -> Answer {
        self.registry.check_free(&create.transport_id)?;
        check_no_sctp(&create.base, "ROUTER_CREATE_PLAINTRANSPORT")?;
        let infos = create.listen_infos()?;
        let sockets = self.open_sockets(&infos, binder)?;
        let plain = PlainTransport::new(create, sockets, &mut self.rng);
        let kind = Kind::Plain(Box::new(plain));
        Ok(self.add_transport(now, router, &create.transport_id, &create.base, kind))
    }

    pub(super) fn create_direct_transport(
        &mut self,
        now: Instant,
        router: RouterKey,
        create: &CreateDirectTransport,
    ) -> Answer {
        self.registry.check_free(&create.transport_id)?;
        check_no_sctp(&create.base, "ROUTER_CREATE_DIRECTTRANSPORT")?;
        Ok(self.add_transport(
            now,
            router,
            &create.transport_id,
            &create.base,
            Kind::Direct,
        ))
    }

    /// Enters a transport of any kind; answers its dump.
    fn add_transport(
        &mut self,
        now: Instant,
        router: RouterKey,
        id: &str,
        options: &TransportOptions,
        kind: Kind,
    ) -> ResponseBody {
        let options = options.clone();
        let transport = Transport::new(now, id.to_owned(), router, options, kind, &mut self.rng);
        let (own, server) = (transport.own_sockets().to_vec(), transport.web_rtc_server());
        let fragments: Vec<_> = transport.username_fragments().map(str::to_owned).collect();
        let key = self.entities.transports.insert(transport);
        self.entities.routers[router].transports.push(key);
        self.registry.insert(id, Entity::Transport(key));
        self.own_sockets(&own, SocketOwner::Transport(key));
        if self.entities.transports[key].is_direct() {
            self.direct.push(key);
        }
        if let Some(server) = server {
            let server = &mut self.entities.web_rtc_servers[server];
            server.transports.push(key);
            for fragment in fragments {
                server.add_username_fragment(fragment, key);
            }
        }
        self.touch(key);
        self.dump_transport(key)
    }

    pub(super) fn connect_transport(
        &mut self,
        now: Instant,
        key: TransportKey,
        parameters: &DtlsParameters,
    ) -> Answer {
        let role = self.entities.transports[key].connect_web_rtc(now, parameters)?;
        self.touch(key);
        self.take_events(now, key);
        Ok(ResponseBody::WebRtcTransportConnect(role))
    }

    pub(super) fn connect_plain_transport(
        &mut self,
        now: Instant,
        key: TransportKey,
        remote: &PlainConnect,
    ) -> Answer {
        let transport = &mut self.entities.transports[key];
        let connected = transport.connect_plain(remote, &mut self.rng)?;
        self.follow_connection(now, key);
        self.touch(key);
        Ok(ResponseBody::PlainTransportConnect(Box::new(connected)))
    }

    pub(super) fn restart_ice(&mut self, now: Instant, key: TransportKey) -> Answer {
        let transport = &mut self.entities.transports[key];
        let parameters = transport.restart_ice(now, &mut self.rng)?;
        if let Some(server) = transport.web_rtc_server() {
            let fragment = parameters.username_fragment.clone();
            self.entities.web_rtc_servers[server].add_username_fragment(fragment, key);
        }
        self.take_events(now, key);
        self.touch(key);
        Ok(ResponseBody::RestartIce(parameters))
    }

    pub(super) fn produce(&mut self, transport_key: TransportKey, produce: &Produce) -> Answer {
        let id = &produce.producer_id;
        self.registry.check_free(id)?;
        let producer = Producer::new(transport_key, produce)?;
        let rtp_type = producer.rtp_type();
        // The key must exist before the listener can lead to it.
        let key = self.entities.producers.insert(producer);
        let transport = &mut self.entities.transports[transport_key];
        if let Err(error) = transport.add_producer(key, &produce.rtp_parameters) {
            self.entities.producers.remove(key);
            return Err(error);
        }
        self.registry.insert(id, Entity::Producer(key));
        self.touch(transport_key);
        Ok(ResponseBody::Produce(rtp_type))
    }

    pub(super) fn consume(
        &mut self,
        now: Instant,
        transport_key: TransportKey,
        consume: &Consume,
    ) -> Answer {
        let id = &consume.consumer_id;
        self.registry.check_free(id)?;
        let producer_key = self.registry.producer(&consume.producer_id)?;
        let producer = &self.entities.producers[producer_key];
        let transport = &self.entities.transports[transport_key];
        if self.entities.transports[producer.transport].router != transport.router {
            let problem = format!("Producer not found in the router: {}", consume.producer_id);
            return Err(RequestError::NotFound(problem));
        }
        let supported = consume.rtp_type != RtpType::Pipe
            && consume.consumable_rtp_encodings.len() == 1
            && producer.rtp_type() == RtpType::Simple;
        if !supported {
            let problem = "TRANSPORT_CONSUME: only consumers of one stream are supported";
            return Err(RequestError::Failed(problem.into()));
        }
        transport.check_consumer(consume)?;
        let consumer = Consumer::new(
            transport_key,
            producer_key,
            producer,
            consume,
            &mut self.rng,
        )?;
        let response = consume_response(&consumer, producer);
        let key = self.entities.consumers.insert(consumer);
        let transport = &mut self.entities.transports[transport_key];
        let consumer = &mut self.entities.consumers[key];
        transport.add_consumer(key, consumer);
        consumer.set_connected(transport.is_connected());
        self.entities.producers[producer_key].consumers.push(key);
        self.registry.insert(id, Entity::Consumer(key));
        if response.producer_paused {
            self.outbox.notify(id, Event::ConsumerProducerPause);
        }
        self.request_key_frame_for(now, key);
        self.touch(transport_key);
        Ok(ResponseBody::Consume(response))
    }

    fn own_sockets(&mut self, sockets: &[ListenSocket], owner: SocketOwner) {
        for socket in sockets {
            let open = OpenSocket {
                owner,
                protocol: socket.info.protocol,
                local: socket.local,
            };
            self.sockets.insert(socket.socket, open);
        }
    }

    fn open_sockets(
        &mut self,
        infos: &[ListenInfo],
        binder: &mut dyn Binder,
    ) -> Result<Vec<ListenSocket>, RequestError> {
        let sockets = &self.sockets;
        let ports_in_use = |protocol, ip| {
            let alike = sockets
                .values()
                .filter(|socket| socket.protocol == protocol && socket.local.ip() == ip);
            alike.map(|socket| socket.local.port()).collect()
        };
        let ports = self.settings.ports;
        transport::open(infos, ports, ports_in_use, &mut self.rng, binder)
    }
}

fn check_no_sctp(options: &TransportOptions, method: &str) -> Result<(), RequestError> {
    if options.enable_sctp {
        let problem = format!("{method}: enableSctp: SCTP is not supported");
        return Err(RequestError::Failed(problem));
    }
    Ok(())
}

fn consume_response(consumer: &Consumer, producer: &Producer) -> ConsumeResponse {
    ConsumeResponse {
        paused: consumer.is_paused(),
        producer_paused: producer.is_paused(),
        score: consumer.score(producer),
        preferred_layers: None,
    }
}
