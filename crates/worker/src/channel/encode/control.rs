//! Dumps of workers, servers and routers.

use tureen_channel_fbs::fbs::common::{
    StringString, StringStringArgs, StringStringArray, StringStringArrayArgs,
};
use tureen_channel_fbs::fbs::{metrics, router, web_rtc_server, worker};
use tureen_channel_fbs::flatbuffers::{ForwardsUOffset, Vector, WIPOffset};

use super::{Builder, Offset, Tables};
use crate::messages::{ResourceUsage, RouterDump, WebRtcServerDump, WorkerDump};

/// A vector of strings.
pub(super) fn strings(
    fbb: &mut Builder,
    items: &[String],
) -> WIPOffset<Vector<'static, ForwardsUOffset<&'static str>>> {
    let items: Vec<_> = items.iter().map(|item| fbb.create_string(item)).collect();
    fbb.create_vector(&items)
}

/// A vector of pairs of strings.
pub(super) fn pairs<'a>(
    fbb: &mut Builder,
    items: impl Iterator<Item = (&'a str, &'a str)>,
) -> Tables<StringString<'static>> {
    let items: Vec<_> = items
        .map(|(key, value)| {
            let (key, value) = (fbb.create_string(key), fbb.create_string(value));
            StringString::create(
                fbb,
                &StringStringArgs {
                    key: Some(key),
                    value: Some(value),
                },
            )
        })
        .collect();
    fbb.create_vector(&items)
}

pub(super) fn worker_dump(
    fbb: &mut Builder,
    dump: &WorkerDump,
) -> Offset<worker::DumpResponse<'static>> {
    let handlers = worker::ChannelMessageHandlersArgs {
        channel_request_handlers: Some(strings(fbb, &dump.request_handlers)),
        channel_notification_handlers: Some(strings(fbb, &dump.notification_handlers)),
    };
    let args = worker::DumpResponseArgs {
        pid: dump.pid,
        web_rtc_server_ids: Some(strings(fbb, &dump.web_rtc_server_ids)),
        router_ids: Some(strings(fbb, &dump.router_ids)),
        channel_message_handlers: Some(worker::ChannelMessageHandlers::create(fbb, &handlers)),
    };
    worker::DumpResponse::create(fbb, &args)
}

pub(super) fn resource_usage(
    fbb: &mut Builder,
    usage: &ResourceUsage,
    metrics: Offset<metrics::WorkerMetrics<'static>>,
) -> Offset<worker::ResourceUsageResponse<'static>> {
    let args = worker::ResourceUsageResponseArgs {
        ru_utime: usage.utime,
        ru_stime: usage.stime,
        ru_maxrss: usage.maxrss,
        ru_ixrss: usage.ixrss,
        ru_idrss: usage.idrss,
        ru_isrss: usage.isrss,
        ru_minflt: usage.minflt,
        ru_majflt: usage.majflt,
        ru_nswap: usage.nswap,
        ru_inblock: usage.inblock,
        ru_oublock: usage.oublock,
        ru_msgsnd: usage.msgsnd,
        ru_msgrcv: usage.msgrcv,
        ru_nsignals: usage.nsignals,
        ru_nvcsw: usage.nvcsw,
        ru_nivcsw: usage.nivcsw,
        metrics: Some(metrics),
    };
    worker::ResourceUsageResponse::create(fbb, &args)
}

pub(super) fn web_rtc_server_dump(
    fbb: &mut Builder,
    dump: &WebRtcServerDump,
) -> Offset<web_rtc_server::DumpResponse<'static>> {
    let fragments: Vec<_> = dump
        .local_ice_username_fragments
        .iter()
        .map(|(fragment, transport)| {
            let args = web_rtc_server::IceUserNameFragmentArgs {
                local_ice_username_fragment: Some(fbb.create_string(fragment)),
                web_rtc_transport_id: Some(fbb.create_string(transport)),
            };
            web_rtc_server::IceUserNameFragment::create(fbb, &args)
        })
        .collect();
    let args = web_rtc_server::DumpResponseArgs {
        id: Some(fbb.create_string(&dump.id)),
        udp_sockets: Some(ip_ports(fbb, &dump.udp_sockets)),
        tcp_servers: Some(ip_ports(fbb, &dump.tcp_servers)),
        web_rtc_transport_ids: Some(strings(fbb, &dump.web_rtc_transport_ids)),
        local_ice_username_fragments: Some(fbb.create_vector(&fragments)),
    };
    web_rtc_server::DumpResponse::create(fbb, &args)
}

fn ip_ports(
    fbb: &mut Builder,
    addresses: &[(String, u16)],
) -> Tables<web_rtc_server::IpPort<'static>> {
    let items: Vec<_> = addresses
        .iter()
        .map(|(ip, port)| {
            let ip = Some(fbb.create_string(ip));
            web_rtc_server::IpPort::create(fbb, &web_rtc_server::IpPortArgs { ip, port: *port })
        })
        .collect();
    fbb.create_vector(&items)
}

pub(super) fn router_dump(
    fbb: &mut Builder,
    dump: &RouterDump,
) -> Offset<router::DumpResponse<'static>> {
    let producers: Vec<_> = dump
        .producer_consumers
        .iter()
        .map(|(producer, consumers)| {
            let args = StringStringArrayArgs {
                key: Some(fbb.create_string(producer)),
                values: Some(strings(fbb, consumers)),
            };
            StringStringArray::create(fbb, &args)
        })
        .collect();
    let consumers = dump
        .consumer_producers
        .iter()
        .map(|(c, p)| (c.as_str(), p.as_str()));
    let args = router::DumpResponseArgs {
        id: Some(fbb.create_string(&dump.id)),
        transport_ids: Some(strings(fbb, &dump.transport_ids)),
        rtp_observer_ids: Some(strings(fbb, &[])),
        map_producer_id_consumer_ids: Some(fbb.create_vector(&producers)),
        map_consumer_id_producer_id: Some(pairs(fbb, consumers)),
        map_producer_id_observer_ids: Some(fbb.create_vector::<WIPOffset<_>>(&[])),
        map_data_producer_id_data_consumer_ids: Some(fbb.create_vector::<WIPOffset<_>>(&[])),
        map_data_consumer_id_data_producer_id: Some(fbb.create_vector::<WIPOffset<_>>(&[])),
    };
    router::DumpResponse::create(fbb, &args)
}
