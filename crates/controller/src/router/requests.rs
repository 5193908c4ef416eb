//! Requests that concern a router.

use tureen_channel_fbs::Payload;
use tureen_channel_fbs::fbs::request::{Body, Method};
use tureen_channel_fbs::fbs::response::Response;
use tureen_channel_fbs::fbs::worker;

use super::RouterDump;
use crate::channel::{Fbb, Request, plain_request};
use crate::encoding::read_strings;
use crate::ids::RouterId;

pub(super) struct CreateRouter<'a>(pub(super) &'a RouterId);

impl Request for CreateRouter<'_> {
    const METHOD: Method = Method::WORKER_CREATE_ROUTER;
    type Response = ();

    fn handler_id(&self) -> &str {
        ""
    }

    fn encode(&self, fbb: &mut Fbb) -> Option<Payload<Body>> {
        let args = worker::CreateRouterRequestArgs {
            router_id: Some(fbb.create_string(self.0.as_str())),
        };
        let body = worker::CreateRouterRequest::create(fbb, &args);
        Some((Body::Worker_CreateRouterRequest, body.as_union_value()))
    }

    fn decode(_: &Response<'_>) -> Option<()> {
        Some(())
    }
}

pub(crate) struct CloseRouter(pub(super) RouterId);

impl Request for CloseRouter {
    const METHOD: Method = Method::WORKER_CLOSE_ROUTER;
    type Response = ();

    fn handler_id(&self) -> &str {
        ""
    }

    fn encode(&self, fbb: &mut Fbb) -> Option<Payload<Body>> {
        let args = worker::CloseRouterRequestArgs {
            router_id: Some(fbb.create_string(self.0.as_str())),
        };
        let body = worker::CloseRouterRequest::create(fbb, &args);
        Some((Body::Worker_CloseRouterRequest, body.as_union_value()))
    }

    fn decode(_: &Response<'_>) -> Option<()> {
        Some(())
    }
}

plain_request! {
    /// Asks what a worker holds of a router.
    DumpRouter(RouterId) = ROUTER_DUMP -> RouterDump, read_dump;
}

fn read_dump(response: &Response<'_>) -> Option<RouterDump> {
    let dump = response.body_as_router_dump_response()?;
    let consumers = dump.map_producer_id_consumer_ids().iter();
    let producers = dump.map_consumer_id_producer_id().iter();
    Some(RouterDump {
        id: dump.id().into(),
        transport_ids: read_strings(dump.transport_ids()),
        map_producer_id_consumer_ids: consumers
            .map(|entry| (entry.key().into(), read_strings(entry.values())))
            .collect(),
        map_consumer_id_producer_id: producers
            .map(|entry| (entry.key().into(), entry.value().into()))
            .collect(),
    })
}
