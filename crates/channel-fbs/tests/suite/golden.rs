//! Frames that the npm package sent: see `tests/data/README.md`.

use flatbuffers::{ForwardsUOffset, Vector};
use tureen_channel_fbs::fbs::{
    data_producer, notification, request, rtp_parameters, transport, web_rtc_transport,
};
use tureen_channel_fbs::read_message;

use crate::golden_frame;

type Request<'a> = request::Request<'a>;
type Method = request::Method;

#[test]
fn worker_requests() {
    let frame = golden_frame("worker_update_settings");
    let request = request_of(&frame, Method::WORKER_UPDATE_SETTINGS, "");
    assert_eq!(request.id(), 1);
    let body = request
        .body_as_worker_update_settings_request()
        .expect("its body");
    assert_eq!(body.log_level(), Some("debug"));
    assert_eq!(texts(body.log_tags()), ["ice", "dtls"]);

    let frame = golden_frame("worker_create_router");
    let request = request_of(&frame, Method::WORKER_CREATE_ROUTER, "");
    let body = request
        .body_as_worker_create_router_request()
        .expect("its body");
    assert_eq!(body.router_id(), id(2));

    let frame = golden_frame("worker_create_webrtcserver");
    let request = request_of(&frame, Method::WORKER_CREATE_WEBRTCSERVER, "");
    let body = request
        .body_as_worker_create_web_rtc_server_request()
        .expect("its body");
    assert_eq!(body.web_rtc_server_id(), id(1));
    let infos = body.listen_infos().expect("listen infos");
    assert_eq!(infos.len(), 2);
    assert_eq!(infos.get(0).protocol(), transport::Protocol::UDP);
    assert_eq!(infos.get(0).port(), 44444);
    assert_eq!(infos.get(0).announced_address(), None);
    assert_eq!(infos.get(1).protocol(), transport::Protocol::TCP);
    assert_eq!(infos.get(1).ip(), "::1");
    assert_eq!(infos.get(1).announced_address(), Some("media.example"));
    let range = infos.get(1).port_range();
    assert_eq!((range.min(), range.max()), (40000, 40100));
}

#[test]
fn create_web_rtc_transport() {
    let frame = golden_frame("router_create_webrtctransport");
    let request = request_of(&frame, Method::ROUTER_CREATE_WEBRTCTRANSPORT, &id(2));
    let body = request
        .body_as_router_create_web_rtc_transport_request()
        .expect("its body");
    assert_eq!(body.transport_id(), id(3));
    let options = body.options();
    assert!(options.enable_udp() && options.enable_tcp());
    assert!(!options.prefer_udp() && !options.prefer_tcp());
    assert_eq!(options.ice_consent_timeout(), 20);

    let base = options.base();
    assert!(!base.direct() && base.enable_sctp() && base.is_data_channel());
    // Beyond 32 bits, and at an address that is 4 modulo 8 of the payload.
    assert_eq!(
        base.initial_available_outgoing_bitrate(),
        Some(5_000_000_000)
    );
    assert_eq!(base.max_send_message_size(), 262_144);
    assert_eq!(base.sctp_send_buffer_size(), 2_000_000);
    assert_eq!(base.sctp_max_receiver_window_buffer_size(), 5_242_880);
    assert_eq!(
        base.sctp_default_stream_buffered_amount_low_threshold(),
        1024
    );

    assert_eq!(
        options.listen_type(),
        web_rtc_transport::Listen::ListenIndividual
    );
    assert!(options.listen_as_listen_server().is_none());
    let listen = options.listen_as_listen_individual().expect("own sockets");
    let info = listen.listen_infos().get(0);
    assert_eq!(
        (info.ip(), info.announced_address()),
        ("0.0.0.0", Some("192.0.2.7"))
    );
    assert!(info.expose_internal_ip());
    assert_eq!((info.port(), info.port_range().min()), (0, 50000));
    assert!(info.flags().udp_reuse_port() && !info.flags().ipv6_only());
    assert_eq!(
        (info.send_buffer_size(), info.recv_buffer_size()),
        (1 << 20, 0)
    );
}

#[test]
fn transport_requests() {
    let frame = golden_frame("webrtctransport_connect");
    let request = request_of(&frame, Method::WEBRTCTRANSPORT_CONNECT, &id(3));
    let body = request
        .body_as_web_rtc_transport_connect_request()
        .expect("its body");
    let dtls = body.dtls_parameters();
    assert_eq!(dtls.role(), web_rtc_transport::DtlsRole::CLIENT);
    let fingerprint = dtls.fingerprints().get(0);
    assert_eq!(
        fingerprint.algorithm(),
        web_rtc_transport::FingerprintAlgorithm::SHA256
    );
    assert_eq!(fingerprint.value(), ["AB"; 32].join(":"));

    let frame = golden_frame("transport_set_max_incoming_bitrate");
    let method = Method::TRANSPORT_SET_MAX_INCOMING_BITRATE;
    let request = request_of(&frame, method, &id(3));
    let body = request.body_as_transport_set_max_incoming_bitrate_request();
    assert_eq!(body.expect("its body").max_incoming_bitrate(), 1_500_000);

    let frame = golden_frame("router_create_directtransport");
    let request = request_of(&frame, Method::ROUTER_CREATE_DIRECTTRANSPORT, &id(2));
    let body = request.body_as_router_create_direct_transport_request();
    let base = body.expect("its body").options().base();
    assert!(base.direct());
    assert_eq!(base.max_send_message_size(), 9000);
}

#[test]
fn produce() {
    let frame = golden_frame("transport_produce");
    let request = request_of(&frame, Method::TRANSPORT_PRODUCE, &id(3));
    let body = request.body_as_transport_produce_request().expect("a body");
    assert_eq!(body.producer_id(), "a producer of any name");
    assert_eq!(body.kind(), rtp_parameters::MediaKind::VIDEO);
    assert!(!body.paused());
    assert_eq!(body.key_frame_request_delay(), 5000);

    let parameters = body.rtp_parameters();
    assert_eq!(parameters.mid(), Some("V1"));
    assert_eq!(parameters.rtcp().cname(), Some("video-1"));
    assert!(parameters.rtcp().reduced_size());
    let extensions = parameters.header_extensions();
    let extensions: Vec<_> = extensions.iter().map(|of| (of.uri(), of.id())).collect();
    use rtp_parameters::RtpHeaderExtensionUri as Uri;
    assert_eq!(extensions, [(Uri::Mid, 10), (Uri::VideoOrientation, 13)]);

    let codecs = parameters.codecs();
    let codec = codecs.get(0);
    assert_eq!(
        (codec.mime_type(), codec.payload_type(), codec.clock_rate()),
        ("video/H264", 112, 90000)
    );
    // The package has no way to leave it out.
    assert_eq!(codec.channels(), Some(0));
    assert_eq!(
        values(codec.parameters()),
        ["packetization-mode=1", "profile-level-id=\"42e01f\""]
    );
    assert_eq!(values(codecs.get(1).parameters()), ["apt=112"]);
    let feedback = codec.rtcp_feedback().expect("feedback").get(1);
    assert_eq!(
        (feedback.type_(), feedback.parameter()),
        ("nack", Some("pli"))
    );

    let encodings = parameters.encodings();
    assert_eq!(encodings.len(), 3);
    assert_eq!(encodings.get(0).ssrc(), Some(22_222_222));
    assert_eq!(
        encodings.get(0).rtx().map(|rtx| rtx.ssrc()),
        Some(22_222_223)
    );
    assert_eq!(encodings.get(0).scalability_mode(), Some("L1T3"));
    assert_eq!(encodings.get(1).max_bitrate(), None);
    assert!(encodings.get(2).dtx());
    assert_eq!(encodings.get(2).max_bitrate(), Some(6_000_000_000));

    let mapping = body.rtp_mapping();
    let codecs: Vec<_> = mapping.codecs().iter().collect();
    let codecs = codecs
        .iter()
        .map(|of| (of.payload_type(), of.mapped_payload_type()));
    assert_eq!(codecs.collect::<Vec<_>>(), [(112, 101), (113, 102)]);
    let encodings = mapping.encodings();
    let encodings = encodings.iter().map(|of| (of.ssrc(), of.mapped_ssrc()));
    assert_eq!(
        encodings.collect::<Vec<_>>(),
        [
            (Some(22_222_222), 100_000_001),
            (Some(22_222_224), 100_000_002),
            (Some(22_222_226), 100_000_003),
        ]
    );
}

#[test]
fn consume() {
    let frame = golden_frame("transport_consume");
    let request = request_of(&frame, Method::TRANSPORT_CONSUME, &id(3));
    let body = request.body_as_transport_consume_request().expect("a body");
    assert_eq!(body.consumer_id(), id(4));
    assert_eq!(body.producer_id(), "a producer of any name");
    assert_eq!(body.kind(), rtp_parameters::MediaKind::VIDEO);
    assert_eq!(body.type_(), rtp_parameters::Type::SIMULCAST);
    assert!(body.paused() && !body.ignore_dtx());
    let layers = body.preferred_layers().expect("preferred layers");
    assert_eq!(
        (layers.spatial_layer(), layers.temporal_layer()),
        (2, Some(1))
    );
    assert_eq!(body.rtp_parameters().mid(), Some("0"));
    let encodings = body.consumable_rtp_encodings();
    let ssrcs: Vec<_> = encodings.iter().map(|of| of.ssrc()).collect();
    assert_eq!(
        ssrcs,
        [Some(100_000_001), Some(100_000_002), Some(100_000_003)]
    );

    let frame = golden_frame("consumer_set_priority");
    let request = request_of(&frame, Method::CONSUMER_SET_PRIORITY, &id(4));
    let body = request.body_as_consumer_set_priority_request();
    assert_eq!(body.expect("its body").priority(), 200);
}

#[test]
fn data() {
    let frame = golden_frame("transport_produce_data");
    let request = request_of(&frame, Method::TRANSPORT_PRODUCE_DATA, &id(3));
    let body = request
        .body_as_transport_produce_data_request()
        .expect("its body");
    assert_eq!(body.type_(), data_producer::Type::SCTP);
    assert_eq!(
        (body.label(), body.protocol()),
        (Some("chat"), Some("json"))
    );
    let stream = body.sctp_stream_parameters().expect("a stream");
    assert_eq!((stream.stream_id(), stream.ordered()), (65534, Some(false)));
    assert_eq!(
        (stream.max_packet_life_time(), stream.max_retransmits()),
        (Some(5000), None)
    );

    let frame = golden_frame("transport_produce_data_2");
    let request = request_of(&frame, Method::TRANSPORT_PRODUCE_DATA, &id(7));
    let body = request
        .body_as_transport_produce_data_request()
        .expect("its body");
    assert_eq!(body.type_(), data_producer::Type::DIRECT);
    assert!(body.sctp_stream_parameters().is_none());

    let frame = golden_frame("transport_consume_data");
    let request = request_of(&frame, Method::TRANSPORT_CONSUME_DATA, &id(3));
    let body = request
        .body_as_transport_consume_data_request()
        .expect("its body");
    let subchannels: Vec<u16> = body.subchannels().expect("some").iter().collect();
    assert_eq!(subchannels, [1, 65535]);
}

#[test]
fn notifications() {
    let frame = golden_frame("worker_close");
    let message = read_message(&frame).expect("a sound frame");
    let close = message.data_as_notification().expect("a notification");
    assert_eq!(close.event(), notification::Event::WORKER_CLOSE);
    assert_eq!(close.handler_id(), "");
    assert_eq!(close.body_type(), notification::Body::NONE);

    let frame = golden_frame("dataproducer_send");
    let message = read_message(&frame).expect("a sound frame");
    let send = message.data_as_notification().expect("a notification");
    assert_eq!(send.event(), notification::Event::DATAPRODUCER_SEND);
    let body = send.body_as_data_producer_send_notification();
    let body = body.expect("its body");
    assert_eq!(body.data().bytes(), "gr\u{fc}\u{df} dich".as_bytes());
    assert_eq!(body.ppid(), 53);
    let subchannels: Vec<u16> = body.subchannels().expect("some").iter().collect();
    assert_eq!(subchannels, [7, 8]);
    assert_eq!(body.required_subchannel(), Some(8));
    assert_eq!(body.ignored_subchannel(), None);
}

/// The request in a frame, of this method and handler.
fn request_of<'a>(frame: &'a [u8], method: Method, handler_id: &str) -> Request<'a> {
    let message = read_message(frame).expect("a sound frame");
    let request = message.data_as_request().expect("a request");
    assert_eq!(request.method(), method);
    assert_eq!(request.handler_id(), handler_id);
    request
}

/// The id that the recording run gave to its nth entity.
fn id(nth: u32) -> String {
    format!("00000000-0000-4000-8000-{nth:012}")
}

fn texts<'a>(list: Option<Vector<'a, ForwardsUOffset<&'a str>>>) -> Vec<&'a str> {
    list.expect("a list").iter().collect()
}

type Parameters<'a> = Vector<'a, ForwardsUOffset<rtp_parameters::Parameter<'a>>>;

/// Codec parameters as text.
fn values(parameters: Option<Parameters<'_>>) -> Vec<String> {
    let parameters = parameters.expect("parameters").iter();
    parameters
        .map(
            |of| match (of.value_as_integer_32(), of.value_as_string()) {
                (Some(number), None) => format!("{}={}", of.name(), number.value()),
                (None, Some(text)) => format!("{}={:?}", of.name(), text.value()),
                _ => panic!("{of:?}"),
            },
        )
        .collect()
}
