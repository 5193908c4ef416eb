//! Frames as we write them. `tests/interop/frames/decode.mjs` reads the committed ones with the
//! npm package's own code and expects the values below.

use std::fs;
use std::path::Path;

use flatbuffers::{FlatBufferBuilder, WIPOffset};
use tureen_channel_fbs::fbs::notification::{self, Event};
use tureen_channel_fbs::fbs::request::Method;
use tureen_channel_fbs::fbs::{common, response, rtp_parameters, rtp_stream};
use tureen_channel_fbs::fbs::{producer, transport, web_rtc_transport as web_rtc};
use tureen_channel_fbs::{ErrorClass, FrameBuilder, Payload, read_message};

use crate::data;

#[test]
fn success_without_a_body() {
    let mut frames = FrameBuilder::new();
    let frame = as_committed("accepted", frames.response(u32::MAX, None));
    let message = read_message(&frame).expect("a sound frame");
    let response = message.data_as_response().expect("a response");
    assert_eq!(response.id(), u32::MAX);
    assert!(response.accepted());
    assert_eq!(response.body_type(), response::Body::NONE);
    assert!(response.body().is_none());
    assert_eq!((response.error(), response.reason()), (None, None));
}

#[test]
fn failure() {
    let mut frames = FrameBuilder::new();
    let written = frames.failure(9, ErrorClass::TypeError, "priority must not be 0");
    let frame = as_committed("failure", written);
    let message = read_message(&frame).expect("a sound frame");
    let response = message.data_as_response().expect("a response");
    assert!(!response.accepted());
    assert_eq!(response.error(), Some("TypeError"));
    assert_eq!(response.reason(), Some("priority must not be 0"));
    for class in [
        ErrorClass::Error,
        ErrorClass::TypeError,
        ErrorClass::NotFoundError,
    ] {
        assert_eq!(ErrorClass::from_name(class.as_str()), class);
    }
}

#[test]
fn response_with_a_body() {
    let mut frames = FrameBuilder::new();
    let body = transport_dump(frames.begin());
    let frame = as_committed("webrtctransport_dump", frames.response(3, Some(body)));
    let message = read_message(&frame).expect("a sound frame");
    let response = message.data_as_response().expect("a response");
    let dump = response.body_as_web_rtc_transport_dump_response();
    let dump = dump.expect("a WebRTC transport");
    assert_eq!(dump.ice_candidates().get(0).tcp_type(), None);
    assert_eq!(dump.ice_candidates().get(1).port(), 4443);
    let tcp_type = dump.ice_candidates().get(1).tcp_type();
    assert_eq!(tcp_type, Some(web_rtc::IceCandidateTcpType::PASSIVE));
    assert_eq!(dump.base().map_ssrc_consumer_id().get(0).key(), 0xdead_beef);
}

#[test]
fn nested_statistics() {
    let mut frames = FrameBuilder::new();
    let body = producer_stats(frames.begin());
    let frame = as_committed("producer_stats", frames.response(4, Some(body)));
    let message = read_message(&frame).expect("a sound frame");
    let response = message.data_as_response().expect("a response");
    let stats = response.body_as_producer_get_stats_response();
    let stats = stats.expect("statistics").stats().get(0);
    let received = stats.data_as_recv_stats().expect("a received stream");
    let base = received.base().data_as_base_stats().expect("the base");
    assert_eq!(received.byte_count(), 1 << 40);
    assert_eq!(base.packets_lost(), -3);
    assert_eq!(base.round_trip_time().to_bits(), 12.5_f32.to_bits());
}

#[test]
fn notification_and_log() {
    let mut frames = FrameBuilder::new();
    let running = frames.notification("4711", Event::WORKER_RUNNING, None);
    as_committed("running", running);

    let args = web_rtc::IceStateChangeNotificationArgs {
        ice_state: web_rtc::IceState::COMPLETED,
    };
    let body = web_rtc::IceStateChangeNotification::create(frames.begin(), &args);
    let tag = notification::Body::WebRtcTransport_IceStateChangeNotification;
    let event = Event::WEBRTCTRANSPORT_ICE_STATE_CHANGE;
    let written = frames.notification("transport", event, Some((tag, body.as_union_value())));
    let frame = as_committed("ice_state_change", written);
    let message = read_message(&frame).expect("a sound frame");
    let notification = message.data_as_notification().expect("a notification");
    let body = notification.body_as_web_rtc_transport_ice_state_change_notification();
    assert_eq!(
        body.expect("its body").ice_state(),
        web_rtc::IceState::COMPLETED
    );

    let frame = as_committed("log", frames.log("Wice | no tuple"));
    let message = read_message(&frame).expect("a sound frame");
    assert_eq!(
        message.data_as_log().expect("a log").data(),
        "Wice | no tuple"
    );
}

#[test]
fn a_number_that_nobody_knows_is_readable() {
    let mut frames = FrameBuilder::new();
    let frame = frames.request(5, Method(200), "someone", None);
    let message = read_message(frame.expect("a small frame")).expect("a sound frame");
    let request = message.data_as_request().expect("a request");
    assert_eq!(request.method(), Method(200));
    assert_eq!(request.method().variant_name(), None);

    // A body of an unknown kind is there, but nothing can be read from it.
    let fbb = frames.begin();
    let args = common::StringStringArgs {
        key: Some(fbb.create_string("a")),
        value: Some(fbb.create_string("b")),
    };
    let body = common::StringString::create(fbb, &args).as_union_value();
    let frame = frames.response(6, Some((response::Body(250), body)));
    let message = read_message(frame.expect("a small frame")).expect("a sound frame");
    let response = message.data_as_response().expect("a response");
    assert_eq!(response.body_type(), response::Body(250));
    assert!(response.body_as_worker_dump_response().is_none());
    assert!(response.body().is_some());
}

#[test]
fn the_value_of_an_unknown_tag_lies_in_the_frame() {
    // Of the four bytes that `data()` would read, two are in the frame.
    let frame: [u8; 26] = [
        22, 0, 0, 0, // prefix
        12, 0, 0, 0, // the root table is at 16
        8, 0, 8, 0, 4, 0, 8, 0, // its vtable, at 8: the tag is at 20, the value at 24
        8, 0, 0, 0, // the root table: back to the vtable,
        200, 0, 0, 0, // the tag,
        0, 0, // the value
    ];
    assert!(read_message(&frame).is_err());
}

fn transport_dump(fbb: &mut FlatBufferBuilder<'static>) -> Payload<response::Body> {
    let base = base_dump(fbb);
    let ice = web_rtc::IceParametersArgs {
        username_fragment: Some(fbb.create_string("fragment")),
        password: Some(fbb.create_string("password")),
        ice_lite: true,
    };
    let ice = web_rtc::IceParameters::create(fbb, &ice);
    let candidates = [
        candidate(fbb, "udpcandidate", transport::Protocol::UDP, None),
        candidate(
            fbb,
            "tcpcandidate",
            transport::Protocol::TCP,
            Some(web_rtc::IceCandidateTcpType::PASSIVE),
        ),
    ];
    let candidates = fbb.create_vector(&candidates);
    let fingerprint = web_rtc::FingerprintArgs {
        algorithm: web_rtc::FingerprintAlgorithm::SHA256,
        value: Some(fbb.create_string("AB:CD")),
    };
    let fingerprint = web_rtc::Fingerprint::create(fbb, &fingerprint);
    let fingerprints = fbb.create_vector(&[fingerprint]);
    let dtls = web_rtc::DtlsParametersArgs {
        fingerprints: Some(fingerprints),
        role: web_rtc::DtlsRole::SERVER,
    };
    let dtls = web_rtc::DtlsParameters::create(fbb, &dtls);
    let args = web_rtc::DumpResponseArgs {
        base: Some(base),
        ice_role: web_rtc::IceRole::CONTROLLED,
        ice_parameters: Some(ice),
        ice_candidates: Some(candidates),
        ice_state: web_rtc::IceState::CONNECTED,
        ice_selected_tuple: None,
        dtls_parameters: Some(dtls),
        dtls_state: web_rtc::DtlsState::CONNECTING,
    };
    let dump = web_rtc::DumpResponse::create(fbb, &args);
    (
        response::Body::WebRtcTransport_DumpResponse,
        dump.as_union_value(),
    )
}

fn base_dump(fbb: &mut FlatBufferBuilder<'static>) -> WIPOffset<transport::Dump<'static>> {
    let row = common::Uint32StringArgs {
        key: 0xdead_beef,
        value: Some(fbb.create_string("consumer")),
    };
    let row = common::Uint32String::create(fbb, &row);
    let rows = fbb.create_vector(&[row]);
    let no_rows = fbb.create_vector::<WIPOffset<common::Uint32String<'_>>>(&[]);
    let no_names = fbb.create_vector::<WIPOffset<common::StringString<'_>>>(&[]);
    let ids = fbb.create_string("producer");
    let ids = fbb.create_vector(&[ids]);
    let listener = transport::RtpListenerArgs {
        ssrc_table: Some(no_rows),
        mid_table: Some(no_names),
        rid_table: Some(no_names),
    };
    let listener = transport::RtpListener::create(fbb, &listener);
    let extensions = transport::RecvRtpHeaderExtensionsArgs {
        mid: Some(0),
        abs_send_time: Some(4),
        ..Default::default()
    };
    let extensions = transport::RecvRtpHeaderExtensions::create(fbb, &extensions);
    let traces = fbb.create_vector(&[transport::TraceEventType::BWE]);
    let args = transport::DumpArgs {
        id: Some(fbb.create_string("transport")),
        producer_ids: Some(ids),
        consumer_ids: Some(ids),
        map_ssrc_consumer_id: Some(rows),
        map_rtx_ssrc_consumer_id: Some(no_rows),
        data_producer_ids: Some(ids),
        data_consumer_ids: Some(ids),
        recv_rtp_header_extensions: Some(extensions),
        rtp_listener: Some(listener),
        max_send_message_size: 262_144,
        trace_event_types: Some(traces),
        ..Default::default()
    };
    transport::Dump::create(fbb, &args)
}

fn candidate(
    fbb: &mut FlatBufferBuilder<'static>,
    foundation: &str,
    protocol: transport::Protocol,
    tcp_type: Option<web_rtc::IceCandidateTcpType>,
) -> WIPOffset<web_rtc::IceCandidate<'static>> {
    let args = web_rtc::IceCandidateArgs {
        foundation: Some(fbb.create_string(foundation)),
        priority: 1_076_302_079,
        address: Some(fbb.create_string("192.0.2.7")),
        protocol,
        port: 4443,
        type_: web_rtc::IceCandidateType::HOST,
        tcp_type,
    };
    web_rtc::IceCandidate::create(fbb, &args)
}

fn producer_stats(fbb: &mut FlatBufferBuilder<'static>) -> Payload<response::Body> {
    let base = rtp_stream::BaseStatsArgs {
        timestamp: 1 << 41,
        ssrc: 4_000_000_000,
        kind: rtp_parameters::MediaKind::VIDEO,
        mime_type: Some(fbb.create_string("video/VP8")),
        packets_lost: -3,
        round_trip_time: 12.5,
        score: 10,
        ..Default::default()
    };
    let base = rtp_stream::BaseStats::create(fbb, &base);
    let base = stats(fbb, rtp_stream::StatsData::BaseStats, base.as_union_value());
    let layer = rtp_stream::BitrateByLayerArgs {
        layer: Some(fbb.create_string("0.1")),
        bitrate: 250_000,
    };
    let layer = rtp_stream::BitrateByLayer::create(fbb, &layer);
    let layers = fbb.create_vector(&[layer]);
    let received = rtp_stream::RecvStatsArgs {
        base: Some(base),
        packet_count: 7,
        byte_count: 1 << 40,
        bitrate: 5_000_000_000,
        bitrate_by_layer: Some(layers),
    };
    let received = rtp_stream::RecvStats::create(fbb, &received);
    let received = stats(
        fbb,
        rtp_stream::StatsData::RecvStats,
        received.as_union_value(),
    );
    let list = fbb.create_vector(&[received]);
    let args = producer::GetStatsResponseArgs { stats: Some(list) };
    let body = producer::GetStatsResponse::create(fbb, &args);
    (
        response::Body::Producer_GetStatsResponse,
        body.as_union_value(),
    )
}

fn stats(
    fbb: &mut FlatBufferBuilder<'static>,
    data_type: rtp_stream::StatsData,
    data: WIPOffset<flatbuffers::UnionWIPOffset>,
) -> WIPOffset<rtp_stream::Stats<'static>> {
    let args = rtp_stream::StatsArgs {
        data_type,
        data: Some(data),
    };
    rtp_stream::Stats::create(fbb, &args)
}

/// Compares a frame with the committed one that the npm package is known to read.
fn as_committed(name: &str, frame: Result<&[u8], tureen_channel_fbs::FrameError>) -> Vec<u8> {
    let frame = frame.expect("a small frame");
    let committed = data("frames/written").join(format!("{name}.bin"));
    if fs::read(&committed).ok().as_deref() != Some(frame) {
        let fresh = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.bin"));
        fs::write(&fresh, frame).expect("a file in the target directory");
        let (fresh, committed) = (fresh.display(), committed.display());
        panic!("{fresh} differs from {committed}: let decode.mjs read it, then replace the latter");
    }
    frame.to_vec()
}
