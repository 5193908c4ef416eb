//! Asks a worker for all its entities, from the top down. An entity that has closed in the meantime
//! has an `error` in place of its dump.

use serde_json::{Map, Value, json};
use tureen_channel_dump::{Decoder, Message, Secrets};
use tureen_channel_fbs::fbs::request::Method;

use crate::channel::Channel;

/// `{"pid": 1, "dump": {}, "resource_usage": {}, "web_rtc_servers": [{"id": "", "dump": {}}],
/// "routers": [{"id": "", "dump": {}, "transports": [], "rtp_observers": []}]}`, with a transport
/// as `{"id": "", "kind": "WebRtcTransport", "dump": {}, "stats": {}, "producers": [],
/// "consumers": [], "data_producers": [], "data_consumers": []}`.
pub(super) async fn of_worker(pid: u32, channel: &Channel) -> Value {
    let mut worker = Map::new();
    worker.insert("pid".to_owned(), pid.into());
    let Some(dump) = add(&mut worker, "dump", channel, Method::WORKER_DUMP, "").await else {
        return worker.into();
    };
    let method = Method::WORKER_GET_RESOURCE_USAGE;
    add(&mut worker, "resource_usage", channel, method, "").await;
    let mut servers = Vec::new();
    for id in ids(&dump, "web_rtc_server_ids") {
        servers.push(entity(channel, &id, Method::WEBRTCSERVER_DUMP, None).await);
    }
    worker.insert("web_rtc_servers".to_owned(), servers.into());
    let mut routers = Vec::new();
    for id in ids(&dump, "router_ids") {
        routers.push(router(channel, &id).await);
    }
    worker.insert("routers".to_owned(), routers.into());
    worker.into()
}

async fn router(channel: &Channel, id: &str) -> Value {
    let mut router = named(id);
    if let Some(dump) = add(&mut router, "dump", channel, Method::ROUTER_DUMP, id).await {
        let mut transports = Vec::new();
        for id in ids(&dump, "transport_ids") {
            transports.push(transport(channel, &id).await);
        }
        router.insert("transports".to_owned(), transports.into());
        // An observer has no dump.
        let observers = ids(&dump, "rtp_observer_ids");
        let observers: Vec<_> = observers
            .into_iter()
            .map(|id| json!({ "id": id }))
            .collect();
        router.insert("rtp_observers".to_owned(), observers.into());
    }
    router.into()
}

async fn transport(channel: &Channel, id: &str) -> Value {
    let mut transport = named(id);
    let dump = add(&mut transport, "dump", channel, Method::TRANSPORT_DUMP, id).await;
    add(
        &mut transport,
        "stats",
        channel,
        Method::TRANSPORT_GET_STATS,
        id,
    )
    .await;
    let base = dump.as_ref().and_then(|dump| dump.get("base"));
    for (list, ids_field, dump, stats) in IN_A_TRANSPORT {
        let mut entities = Vec::new();
        for id in base.map(|base| ids(base, ids_field)).unwrap_or_default() {
            entities.push(entity(channel, &id, dump, Some(stats)).await);
        }
        transport.insert(list.to_owned(), entities.into());
    }
    transport.into()
}

async fn entity(channel: &Channel, id: &str, dump: Method, stats: Option<Method>) -> Value {
    let mut entity = named(id);
    add(&mut entity, "dump", channel, dump, id).await;
    if let Some(stats) = stats {
        add(&mut entity, "stats", channel, stats, id).await;
    }
    entity.into()
}

fn named(id: &str) -> Map<String, Value> {
    Map::from_iter([("id".to_owned(), id.into())])
}

/// Asks for something and adds the answer to the tree's entry of an entity.
async fn add(
    to: &mut Map<String, Value>,
    name: &str,
    channel: &Channel,
    method: Method,
    id: &str,
) -> Option<Value> {
    let read = |frame: &[u8]| Message::read(&mut Decoder::new(Secrets::Shown), frame);
    let answer = channel.ask(method, id, read).await;
    let body = match &answer {
        Ok(Ok(message)) => message.body(),
        Ok(Err(error)) => return refuse(to, &error.to_string()),
        Err(error) => return refuse(to, &error.to_string()),
    };
    let Some(body) = body else {
        return refuse(to, "an answer without a body");
    };
    // `WebRtcTransport_DumpResponse` says what kind of transport it is.
    if let Some((kind, _)) = body.name.split_once('_').filter(|_| name == "dump") {
        to.insert("kind".to_owned(), kind.into());
    }
    match serde_json::to_value(&body.value) {
        Ok(value) => {
            to.insert(name.to_owned(), value.clone());
            Some(value)
        }
        Err(error) => refuse(to, &error.to_string()),
    }
}

fn refuse(to: &mut Map<String, Value>, why: &str) -> Option<Value> {
    to.insert("error".to_owned(), why.into());
    None
}

fn ids(dump: &Value, field: &str) -> Vec<String> {
    let ids = dump.get(field).and_then(Value::as_array);
    let ids = ids.into_iter().flatten().filter_map(Value::as_str);
    ids.map(str::to_owned).collect()
}

/// What a transport holds: the name in the tree, the field of its dump, and the methods to ask
/// with.
const IN_A_TRANSPORT: [(&str, &str, Method, Method); 4] = [
    (
        "producers",
        "producer_ids",
        Method::PRODUCER_DUMP,
        Method::PRODUCER_GET_STATS,
    ),
    (
        "consumers",
        "consumer_ids",
        Method::CONSUMER_DUMP,
        Method::CONSUMER_GET_STATS,
    ),
    (
        "data_producers",
        "data_producer_ids",
        Method::DATAPRODUCER_DUMP,
        Method::DATAPRODUCER_GET_STATS,
    ),
    (
        "data_consumers",
        "data_consumer_ids",
        Method::DATACONSUMER_DUMP,
        Method::DATACONSUMER_GET_STATS,
    ),
];
