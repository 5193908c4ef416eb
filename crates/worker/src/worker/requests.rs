//! Which entity handles which request. Only here do the controller's ids become keys.

use super::Worker;
use super::registry::{Entity, not_found};
use crate::binder::Binder;
use crate::error::RequestError;
use crate::ids::{ConsumerKey, ProducerKey, RouterKey, TransportKey};
use crate::log::LogTags;
use crate::messages::{Request, RequestBody, ResponseBody};
use crate::time::Instant;

type Answer = Result<ResponseBody, RequestError>;

impl Worker {
    /// Carries out a request, all of it or nothing.
    pub(super) fn carry_out(
        &mut self,
        now: Instant,
        request: &Request,
        binder: &mut dyn Binder,
    ) -> Answer {
        match &request.body {
            RequestBody::Malformed(error) => {
                // docs/channel.md §5: a missing entity is reported before a fault in its request.
                if !request.method.starts_with("WORKER_") {
                    self.registry.handler(&request.handler_id, request.method)?;
                }
                return Err(error.clone());
            }
            RequestBody::Unknown(number) => {
                return Err(RequestError::Failed(format!("unknown method {number}")));
            }
            RequestBody::WorkerDump => return Ok(ResponseBody::WorkerDump(self.dump())),
            RequestBody::WorkerGetResourceUsage(usage) => {
                let metrics = Box::new(self.metrics(usage));
                return Ok(ResponseBody::ResourceUsage(usage.resources, metrics));
            }
            RequestBody::WorkerUpdateSettings {
                log_level,
                log_tags,
            } => {
                return self.update_settings(log_level.as_deref(), log_tags.as_deref());
            }
            RequestBody::WorkerCreateWebRtcServer {
                web_rtc_server_id,
                listen_infos,
            } => {
                return self.create_web_rtc_server(web_rtc_server_id, listen_infos, binder);
            }
            RequestBody::WorkerCreateRouter { router_id } => return self.create_router(router_id),
            RequestBody::WorkerCloseWebRtcServer {
                web_rtc_server_id: id,
            } => {
                let key = self.registry.web_rtc_server(id);
                let key = key.ok_or_else(|| not_found("WebRtcServer", id))?;
                self.close_web_rtc_server(now, key);
                return Ok(ResponseBody::None);
            }
            RequestBody::WorkerCloseRouter { router_id } => {
                let key = self.registry.router(router_id)?;
                self.close_router(now, key);
                return Ok(ResponseBody::None);
            }
            _ => {}
        }
        match self.registry.handler(&request.handler_id, request.method)? {
            Entity::WebRtcServer(key) => match &request.body {
                RequestBody::WebRtcServerDump => Ok(ResponseBody::WebRtcServerDump(
                    self.dump_web_rtc_server(key),
                )),
                _ => Err(wrong_handler(request)),
            },
            Entity::Router(key) => self.carry_out_at_router(now, key, request, binder),
            Entity::Transport(key) => self.carry_out_at_transport(now, key, request),
            Entity::Producer(key) => self.carry_out_at_producer(now, key, request),
            Entity::Consumer(key) => self.carry_out_at_consumer(now, key, request),
        }
    }

    fn carry_out_at_router(
        &mut self,
        now: Instant,
        router: RouterKey,
        request: &Request,
        binder: &mut dyn Binder,
    ) -> Answer {
        match &request.body {
            RequestBody::RouterDump => Ok(ResponseBody::RouterDump(self.dump_router(router))),
            RequestBody::RouterCreateWebRtcTransport(create) => {
                self.create_web_rtc_transport(now, router, create, binder)
            }
            RequestBody::RouterCreatePlainTransport(create) => {
                self.create_plain_transport(now, router, create, binder)
            }
            RequestBody::RouterCreateDirectTransport(create) => {
                self.create_direct_transport(now, router, create)
            }
            RequestBody::RouterCloseTransport { transport_id } => {
                let transport = self.registry.transport(transport_id)?;
                if self.entities.transports[transport].router != router {
                    return Err(not_found("Transport", transport_id));
                }
                self.close_transport(now, transport);
                Ok(ResponseBody::None)
            }
            _ => Err(wrong_handler(request)),
        }
    }

    fn carry_out_at_transport(
        &mut self,
        now: Instant,
        key: TransportKey,
        request: &Request,
    ) -> Answer {
        self.current = Some(key);
        let transport = &mut self.entities.transports[key];
        match &request.body {
            RequestBody::TransportDump => Ok(self.dump_transport(key)),
            RequestBody::TransportGetStats => Ok(self.transport_stats(now, key)),
            RequestBody::TransportSetMaxIncomingBitrate(bitrate) => {
                transport.set_max_incoming_bitrate(*bitrate)?;
                Ok(ResponseBody::None)
            }
            RequestBody::TransportRestartIce => self.restart_ice(now, key),
            RequestBody::WebRtcTransportConnect(parameters) => {
                self.connect_transport(now, key, parameters)
            }
            RequestBody::PlainTransportConnect(remote) => {
                self.connect_plain_transport(now, key, remote)
            }
            RequestBody::TransportProduce(produce) => self.produce(key, produce),
            RequestBody::TransportConsume(consume) => self.consume(now, key, consume),
            RequestBody::TransportCloseProducer { producer_id } => {
                let producer = self.registry.producer(producer_id)?;
                if self.entities.producers[producer].transport != key {
                    return Err(not_found("Producer", producer_id));
                }
                self.close_producer(producer);
                Ok(ResponseBody::None)
            }
            RequestBody::TransportCloseConsumer { consumer_id } => {
                let consumer = self.registry.consumer(consumer_id)?;
                if self.entities.consumers[consumer].transport != key {
                    return Err(not_found("Consumer", consumer_id));
                }
                self.close_consumer(consumer);
                Ok(ResponseBody::None)
            }
            _ => Err(wrong_handler(request)),
        }
    }

    fn carry_out_at_producer(
        &mut self,
        now: Instant,
        key: ProducerKey,
        request: &Request,
    ) -> Answer {
        match &request.body {
            RequestBody::ProducerDump => Ok(ResponseBody::ProducerDump(Box::new(
                self.entities.producers[key].dump(),
            ))),
            RequestBody::ProducerGetStats => Ok(ResponseBody::ProducerStats(
                self.entities.producers[key].stats(now),
            )),
            RequestBody::ProducerPause => {
                self.pause_producer(key);
                Ok(ResponseBody::None)
            }
            RequestBody::ProducerResume => {
                self.resume_producer(now, key);
                Ok(ResponseBody::None)
            }
            _ => Err(wrong_handler(request)),
        }
    }

    fn carry_out_at_consumer(
        &mut self,
        now: Instant,
        key: ConsumerKey,
        request: &Request,
    ) -> Answer {
        let consumer = &mut self.entities.consumers[key];
        match &request.body {
            RequestBody::ConsumerDump => Ok(ResponseBody::ConsumerDump(Box::new(
                self.dump_consumer(key),
            ))),
            RequestBody::ConsumerGetStats => {
                Ok(ResponseBody::ConsumerStats(self.consumer_stats(now, key)))
            }
            RequestBody::ConsumerPause => {
                consumer.pause();
                Ok(ResponseBody::None)
            }
            RequestBody::ConsumerResume => {
                if consumer.is_paused() {
                    consumer.resume();
                    let subscriber = consumer.transport;
                    self.touch(subscriber);
                    self.request_key_frame_for(now, key);
                }
                Ok(ResponseBody::None)
            }
            RequestBody::ConsumerRequestKeyFrame => {
                self.request_key_frame_for(now, key);
                Ok(ResponseBody::None)
            }
            // docs/channel.md §7: on a simple consumer this answers an empty table.
            RequestBody::ConsumerSetPreferredLayers(_) => {
                Ok(ResponseBody::ConsumerSetPreferredLayers(None))
            }
            RequestBody::ConsumerSetPriority(priority) => {
                consumer.set_priority(*priority)?;
                Ok(ResponseBody::ConsumerSetPriority(*priority))
            }
            _ => Err(wrong_handler(request)),
        }
    }

    fn update_settings(&mut self, level: Option<&str>, tags: Option<&[String]>) -> Answer {
        let level = level.map(str::parse).transpose();
        let level = level.map_err(|_| RequestError::invalid("logLevel", "unknown level"))?;
        // Unknown tags are ignored, as on the command line.
        let tags = tags.map(|tags| {
            let known = tags.iter().filter_map(|tag| tag.parse().ok());
            known.fold(LogTags::NONE, LogTags::with)
        });
        self.settings.log.update_filter(level, tags);
        Ok(ResponseBody::None)
    }
}

/// The error for a method that the entity does not have, or that this worker does not support.
fn wrong_handler(request: &Request) -> RequestError {
    RequestError::Failed(match request.body {
        RequestBody::Unsupported => format!("method {} is not supported", request.method),
        _ => format!(
            "unknown method '{}' for {}",
            request.method, request.handler_id
        ),
    })
}
