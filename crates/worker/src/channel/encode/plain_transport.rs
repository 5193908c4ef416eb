//! Plain transports: dumps, answers and events, and SRTP keys.

use tureen_channel_fbs::Payload;
use tureen_channel_fbs::fbs::notification::{Body as EventBody, Event as FbsEvent};
use tureen_channel_fbs::fbs::{plain_transport as fbs, srtp_parameters as srtp};

use super::transport::tuple;
use super::{Builder, Offset, stats, transport};
use crate::messages::{PlainConnected, PlainTransportDump, PlainTransportStats};
use crate::params::{SrtpCryptoSuite, SrtpParameters, Tuple};

pub(super) fn dump(
    fbb: &mut Builder,
    dump: &PlainTransportDump,
) -> Offset<fbs::DumpResponse<'static>> {
    let args = fbs::DumpResponseArgs {
        base: Some(transport::base(fbb, &dump.base)),
        rtcp_mux: dump.rtcp_mux,
        comedia: dump.comedia,
        tuple: Some(tuple(fbb, &dump.tuple)),
        rtcp_tuple: dump.rtcp_tuple.as_ref().map(|t| tuple(fbb, t)),
        srtp_parameters: dump.srtp_parameters.as_ref().map(|s| keys(fbb, s)),
    };
    fbs::DumpResponse::create(fbb, &args)
}

pub(super) fn get_stats(
    fbb: &mut Builder,
    stats: &PlainTransportStats,
) -> Offset<fbs::GetStatsResponse<'static>> {
    let args = fbs::GetStatsResponseArgs {
        base: Some(stats::base(fbb, &stats.base)),
        rtcp_mux: stats.rtcp_mux,
        comedia: stats.comedia,
        tuple: Some(tuple(fbb, &stats.tuple)),
        rtcp_tuple: stats.rtcp_tuple.as_ref().map(|t| tuple(fbb, t)),
    };
    fbs::GetStatsResponse::create(fbb, &args)
}

pub(super) fn connected(
    fbb: &mut Builder,
    answer: &PlainConnected,
) -> Offset<fbs::ConnectResponse<'static>> {
    let args = fbs::ConnectResponseArgs {
        tuple: answer.tuple.as_ref().map(|t| tuple(fbb, t)),
        rtcp_tuple: answer.rtcp_tuple.as_ref().map(|t| tuple(fbb, t)),
        srtp_parameters: answer.srtp_parameters.as_ref().map(|s| keys(fbb, s)),
    };
    fbs::ConnectResponse::create(fbb, &args)
}

pub(super) fn tuple_event(
    fbb: &mut Builder,
    learned: &Tuple,
) -> (FbsEvent, Option<Payload<EventBody>>) {
    let args = fbs::TupleNotificationArgs {
        tuple: Some(tuple(fbb, learned)),
    };
    let table = fbs::TupleNotification::create(fbb, &args).as_union_value();
    let body = EventBody::PlainTransport_TupleNotification;
    (FbsEvent::PLAINTRANSPORT_TUPLE, Some((body, table)))
}

pub(super) fn rtcp_tuple_event(
    fbb: &mut Builder,
    learned: &Tuple,
) -> (FbsEvent, Option<Payload<EventBody>>) {
    let args = fbs::RtcpTupleNotificationArgs {
        tuple: Some(tuple(fbb, learned)),
    };
    let table = fbs::RtcpTupleNotification::create(fbb, &args).as_union_value();
    let body = EventBody::PlainTransport_RtcpTupleNotification;
    (FbsEvent::PLAINTRANSPORT_RTCP_TUPLE, Some((body, table)))
}

fn keys(fbb: &mut Builder, parameters: &SrtpParameters) -> Offset<srtp::SrtpParameters<'static>> {
    let args = srtp::SrtpParametersArgs {
        crypto_suite: match parameters.crypto_suite {
            SrtpCryptoSuite::AeadAes256Gcm => srtp::SrtpCryptoSuite::AEAD_AES_256_GCM,
            SrtpCryptoSuite::AeadAes128Gcm => srtp::SrtpCryptoSuite::AEAD_AES_128_GCM,
            SrtpCryptoSuite::AesCm128HmacSha1_80 => srtp::SrtpCryptoSuite::AES_CM_128_HMAC_SHA1_80,
            SrtpCryptoSuite::AesCm128HmacSha1_32 => srtp::SrtpCryptoSuite::AES_CM_128_HMAC_SHA1_32,
        },
        key_base64: Some(fbb.create_string(&parameters.key_base64)),
    };
    srtp::SrtpParameters::create(fbb, &args)
}
