//! Direct transports: dumps, statistics, and packets for the application.

use tureen_channel_fbs::Payload;
use tureen_channel_fbs::fbs::notification::{Body as EventBody, Event as FbsEvent};
use tureen_channel_fbs::fbs::{consumer, direct_transport as fbs};

use super::{Builder, Offset, stats, transport};
use crate::messages::{TransportDump, TransportStats};

pub(super) fn dump(fbb: &mut Builder, dump: &TransportDump) -> Offset<fbs::DumpResponse<'static>> {
    let args = fbs::DumpResponseArgs {
        base: Some(transport::base(fbb, dump)),
    };
    fbs::DumpResponse::create(fbb, &args)
}

pub(super) fn get_stats(
    fbb: &mut Builder,
    stats: &TransportStats,
) -> Offset<fbs::GetStatsResponse<'static>> {
    let args = fbs::GetStatsResponseArgs {
        base: Some(stats::base(fbb, stats)),
    };
    fbs::GetStatsResponse::create(fbb, &args)
}

pub(super) fn rtp_event(
    fbb: &mut Builder,
    packet: &[u8],
) -> (FbsEvent, Option<Payload<EventBody>>) {
    let args = consumer::RtpNotificationArgs {
        data: Some(fbb.create_vector(packet)),
    };
    let table = consumer::RtpNotification::create(fbb, &args).as_union_value();
    let body = EventBody::Consumer_RtpNotification;
    (FbsEvent::CONSUMER_RTP, Some((body, table)))
}

pub(super) fn rtcp_event(
    fbb: &mut Builder,
    packet: &[u8],
) -> (FbsEvent, Option<Payload<EventBody>>) {
    let args = fbs::RtcpNotificationArgs {
        data: Some(fbb.create_vector(packet)),
    };
    let table = fbs::RtcpNotification::create(fbb, &args).as_union_value();
    let body = EventBody::DirectTransport_RtcpNotification;
    (FbsEvent::DIRECTTRANSPORT_RTCP, Some((body, table)))
}
