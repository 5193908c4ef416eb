//! docs/security.md rules 9 and 12: a bad request harms nothing, and what comes and goes leaves
//! nothing.

use std::net::SocketAddr;
use std::path::PathBuf;

use tureen_tests::chance::Chance;
use tureen_tests::parameters::{Stream, create_web_rtc_transport, listen_udp};
use tureen_tests::puppet::Puppet;
use tureen_tests::soak::times;
use tureen_tests::stage::{self, FACE, VOICE, watched};
use tureen_tests::world::World;
use tureen_worker::internal::Worker;
use tureen_worker::internal::channel::decode;
use tureen_worker::internal::error::RequestError;
use tureen_worker::internal::messages::{
    Consume, IncomingBody, IncomingNotification, Listen, Message, ProcessUsage, RequestBody,
    ResponseBody, RouterDump, WorkerDump,
};
use tureen_worker::internal::params::{DtlsParameters, DtlsRole, MediaKind};

fn worker_dump(world: &mut World<Puppet>) -> WorkerDump {
    match world.request("", RequestBody::WorkerDump) {
        Ok(ResponseBody::WorkerDump(dump)) => dump,
        other => panic!("no dump: {other:?}"),
    }
}

fn router_dump(world: &mut World<Puppet>) -> RouterDump {
    match world.request("router", RequestBody::RouterDump) {
        Ok(ResponseBody::RouterDump(dump)) => dump,
        other => panic!("no dump: {other:?}"),
    }
}

/// Nothing is left: no names, no ports, no deadlines.
pub(crate) fn is_empty(world: &mut World<Puppet>) {
    let dump = worker_dump(world);
    let expected = WorkerDump {
        pid: dump.pid,
        ..WorkerDump::default()
    };
    assert_eq!(dump, expected);
    assert_eq!(world.ports.open(), 0);
    assert_eq!(world.worker.poll_timeout(), None);
    assert_eq!(world.worker.counters().panics, 0);
}

fn close_router(world: &mut World<Puppet>) {
    let close = RequestBody::WorkerCloseRouter {
        router_id: "router".to_owned(),
    };
    world.request("", close).unwrap();
}

fn create(id: &str, listen: Listen) -> RequestBody {
    RequestBody::RouterCreateWebRtcTransport(Box::new(create_web_rtc_transport(id, listen)))
}

fn on_port(port: u16) -> Listen {
    Listen::Individual(vec![listen_udp("10.0.0.1", port)])
}

/// mediasoup 3.27.1: an unknown method ended the worker.
#[test]
fn unknown_methods_are_answered_with_an_error() {
    let mut world = stage::empty(1);
    for number in 0..=255 {
        let error = world
            .request("router", RequestBody::Unknown(number))
            .unwrap_err();
        assert_eq!(error.class(), "Error");
        assert!(error.to_string().contains(&number.to_string()));
    }
    let error = world
        .request("router", RequestBody::Unsupported)
        .unwrap_err();
    assert_eq!(error.class(), "Error");
    // A method at an entity that does not have it, and at none.
    for handler in ["router", "nowhere", ""] {
        assert!(world.request(handler, RequestBody::ProducerPause).is_err());
    }
    close_router(&mut world);
    is_empty(&mut world);
}

/// mediasoup #537, #580, #1466, #1822: one malformed request ended a worker.
#[test]
fn mutated_frames_are_refused_or_carried_out_and_leave_nothing() {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../crates/channel-fbs/tests/data/frames"
    );
    let entries = std::fs::read_dir(folder).expect("the frames are committed");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "bin"));
    paths.sort();
    let mut chance = Chance::new(1);
    let (mut refused, mut answered) = (0, 0);
    for path in paths {
        let frame = std::fs::read(&path).unwrap();
        let mut world = stage::empty(1);
        for round in 0..times(400, 4_000) {
            let mut frame = frame.clone();
            match round {
                // As it is, then cut short, then with a few bytes changed.
                0 => {}
                1..=60 => frame.truncate(chance.below(frame.len())),
                _ => {
                    for _ in 0..=chance.below(4) {
                        let at = chance.below(frame.len());
                        frame[at] = *chance.pick(&[0, 1, 2, 0x7f, 0x80, 0xfe, 0xff, b'a']);
                    }
                }
            }
            let Ok(message) = decode(&frame, ProcessUsage::default) else {
                refused += 1;
                continue;
            };
            if let Message::Notification(notification) = &message
                && notification.body == IncomingBody::WorkerClose
            {
                continue;
            }
            let asks = matches!(message, Message::Request(_));
            let answers = world.message(message);
            assert_eq!(answers.len(), usize::from(asks), "{}", path.display());
            answered += usize::from(asks);
        }
        close_everything(&mut world);
        is_empty(&mut world);
    }
    assert!(refused > 1000 && answered > 500, "{refused} {answered}");
}

pub(crate) fn close_everything(world: &mut World<Puppet>) {
    let dump = worker_dump(world);
    for router_id in dump.router_ids {
        let close = RequestBody::WorkerCloseRouter { router_id };
        world.request("", close).unwrap();
    }
    for web_rtc_server_id in dump.web_rtc_server_ids {
        let close = RequestBody::WorkerCloseWebRtcServer { web_rtc_server_id };
        world.request("", close).unwrap();
    }
}

#[test]
fn an_id_is_taken_once_whatever_it_names() {
    let mut world = stage::with_watchers(1, 1, None);
    let before = (
        worker_dump(&mut world),
        router_dump(&mut world),
        world.ports.open(),
    );
    let ids = ["router", "puppet-0", "face", "voice-to-1"];
    for id in ids {
        let produce = Stream::audio("new", 77).produce(id);
        let consume = Stream::audio("new", 78).consume(id, "voice", VOICE);
        for (handler, body) in [
            (
                "",
                RequestBody::WorkerCreateRouter {
                    router_id: id.to_owned(),
                },
            ),
            (
                "",
                RequestBody::WorkerCreateWebRtcServer {
                    web_rtc_server_id: id.to_owned(),
                    listen_infos: vec![listen_udp("10.0.0.1", 0)],
                },
            ),
            ("router", create(id, on_port(0))),
            ("puppet-0", RequestBody::TransportProduce(Box::new(produce))),
            ("puppet-1", RequestBody::TransportConsume(Box::new(consume))),
        ] {
            let error = world.request(handler, body).unwrap_err();
            assert!(error.to_string().contains(id), "{error}");
        }
    }
    let after = (
        worker_dump(&mut world),
        router_dump(&mut world),
        world.ports.open(),
    );
    assert_eq!(before, after);
    close_router(&mut world);
    is_empty(&mut world);
}

#[test]
fn ports_in_use_are_refused_and_what_was_bound_before_is_given_back() {
    let mut world = stage::empty(1);
    world
        .ports
        .take_away(SocketAddr::from(([10, 0, 0, 1], 5000)));
    let infos = vec![
        listen_udp("10.0.0.1", 4998),
        listen_udp("10.0.0.1", 4999),
        listen_udp("10.0.0.1", 5000),
    ];
    let error = world
        .request("router", create("t", Listen::Individual(infos.clone())))
        .unwrap_err();
    assert!(error.to_string().contains("5000"), "{error}");
    let server = RequestBody::WorkerCreateWebRtcServer {
        web_rtc_server_id: "s".to_owned(),
        listen_infos: infos,
    };
    assert!(world.request("", server).is_err());
    assert_eq!(world.ports.open(), 0);
    // A range without a free port.
    let mut info = listen_udp("10.0.0.1", 0);
    info.port_range.min = 5000;
    info.port_range.max = 5000;
    let listen = Listen::Individual(vec![info]);
    assert!(world.request("router", create("t", listen)).is_err());
    // Addresses that are none, and none at all.
    for ip in ["", "10.0.0.256", "localhost", "10.0.0.1:80", "::g"] {
        let listen = Listen::Individual(vec![listen_udp(ip, 0)]);
        let error = world.request("router", create("t", listen)).unwrap_err();
        assert_eq!(error.class(), "TypeError", "{ip}: {error}");
    }
    assert!(
        world
            .request("router", create("t", Listen::Individual(Vec::new())))
            .is_err()
    );
    let nowhere = Listen::Server("nowhere".to_owned());
    assert!(world.request("router", create("t", nowhere)).is_err());
    assert_eq!(world.ports.open(), 0);
    close_router(&mut world);
    is_empty(&mut world);
}

#[test]
fn parameters_that_contradict_themselves_are_refused_by_name() {
    let mut world = stage::empty(1);
    stage::join(&mut world, 0);
    let before = router_dump(&mut world);
    type Spoil = fn(&mut tureen_worker::internal::messages::Produce);
    let spoiled: [(&str, Spoil); 8] = [
        ("codecs", |p| p.rtp_parameters.codecs.clear()),
        ("encodings", |p| p.rtp_parameters.encodings.clear()),
        ("encodings", |p| p.rtp_mapping.encodings.clear()),
        ("codecs", |p| p.rtp_mapping.codecs.clear()),
        ("cname", |p| p.rtp_parameters.rtcp.cname = None),
        ("mimeType", |p| {
            p.rtp_parameters.codecs[0].mime_type = "video/none".into()
        }),
        ("codecPayloadType", |p| {
            p.rtp_parameters.encodings[0].codec_payload_type = Some(97);
        }),
        ("encrypt", |p| {
            p.rtp_parameters.header_extensions[0].encrypt = true
        }),
    ];
    for (field, spoil) in spoiled {
        let mut produce = FACE.produce("face");
        spoil(&mut produce);
        let body = RequestBody::TransportProduce(Box::new(produce));
        let error = world.request("puppet-0", body).unwrap_err();
        assert!(
            matches!(&error, RequestError::Type(text) if text.contains(field)),
            "{error}"
        );
    }
    assert_eq!(before, router_dump(&mut world));
    let produce = RequestBody::TransportProduce(Box::new(FACE.produce("face")));
    world
        .request("puppet-0", produce)
        .expect("nothing is left in the way");

    // The same SSRC again, and the same MID.
    for stream in [
        Stream::video("other", FACE.ssrc),
        Stream::video("face", 3000),
    ] {
        let again = RequestBody::TransportProduce(Box::new(stream.produce("again")));
        assert!(world.request("puppet-0", again).is_err());
    }
    for missing in ["nothing", "router", "puppet-0"] {
        let consume = watched(0, FACE).consume("c", missing, FACE);
        let consume = RequestBody::TransportConsume(Box::new(consume));
        let error = world.request("puppet-0", consume).unwrap_err();
        assert_eq!(error.class(), "NotFoundError");
    }
    // Video as audio, by its word alone and with codecs to match.
    let by_word = Consume {
        kind: MediaKind::Audio,
        ..watched(0, FACE).consume("c", "face", FACE)
    };
    let with_codecs = watched(0, VOICE).consume("c", "face", FACE);
    for consume in [by_word, with_codecs] {
        let consume = RequestBody::TransportConsume(Box::new(consume));
        let error = world.request("puppet-0", consume).unwrap_err();
        assert_eq!(error.class(), "TypeError");
    }
    let unsigned = DtlsParameters {
        fingerprints: Vec::new(),
        role: DtlsRole::Client,
    };
    let connect = RequestBody::WebRtcTransportConnect(unsigned);
    assert!(
        world.request("puppet-0", connect).is_err(),
        "it has connected already"
    );
    close_router(&mut world);
    is_empty(&mut world);
}

/// Its packet indices would start over under the same key and repeat nonces (docs/security.md rule
/// 8).
#[test]
fn an_ssrc_that_was_sent_is_never_sent_again_on_its_transport() {
    let camera = tureen_tests::media::Camera::new(2, 200);
    let mut world = stage::with_watchers(1, 1, Some(camera));
    let consume = |stream: Stream| {
        RequestBody::TransportConsume(Box::new(stream.consume("again", "face", FACE)))
    };
    let close = |id: &str| RequestBody::TransportCloseConsumer {
        consumer_id: id.to_owned(),
    };
    // Under an SSRC that was never sent, nothing can repeat.
    world.request("puppet-1", close("face-to-1")).unwrap();
    world
        .request("puppet-1", consume(watched(1, FACE)))
        .unwrap();
    world.run_for(std::time::Duration::from_millis(150));
    world.request("puppet-1", close("again")).unwrap();
    let error = world
        .request("puppet-1", consume(watched(1, FACE)))
        .unwrap_err();
    assert!(
        matches!(&error, RequestError::Failed(text) if text.contains("before")),
        "{error}"
    );
    let other = Stream::video("face", 7_000);
    world.request("puppet-1", consume(other)).unwrap();
}

#[test]
fn closing_in_every_order_leaves_nothing() {
    let close_transport = |id: &str| RequestBody::RouterCloseTransport {
        transport_id: id.to_owned(),
    };
    let closes: [(&str, RequestBody); 6] = [
        ("router", close_transport("puppet-0")),
        ("router", close_transport("puppet-1")),
        (
            "puppet-0",
            RequestBody::TransportCloseProducer {
                producer_id: "face".to_owned(),
            },
        ),
        (
            "puppet-0",
            RequestBody::TransportCloseProducer {
                producer_id: "voice".to_owned(),
            },
        ),
        (
            "puppet-1",
            RequestBody::TransportCloseConsumer {
                consumer_id: "face-to-1".to_owned(),
            },
        ),
        (
            "puppet-1",
            RequestBody::TransportCloseConsumer {
                consumer_id: "voice-to-1".to_owned(),
            },
        ),
    ];
    let mut chance = Chance::new(1);
    for _ in 0..60 {
        let camera = tureen_tests::media::Camera::new(2, 200);
        let mut world = stage::with_watchers(1, 1, Some(camera));
        world.run_for(std::time::Duration::from_millis(150));
        let mut order: Vec<_> = (0..closes.len()).collect();
        for at in (1..order.len()).rev() {
            order.swap(at, chance.below(at + 1));
        }
        for at in order {
            let (handler, body) = closes[at].clone();
            // An entity that closed with another one is not found. Nothing else goes wrong.
            if let Err(error) = world.request(handler, body) {
                assert_eq!(error.class(), "NotFoundError");
            }
            world.run_for(std::time::Duration::from_millis(20));
        }
        assert_eq!(router_dump(&mut world).transport_ids, [""; 0]);
        close_router(&mut world);
        is_empty(&mut world);
    }
}

#[test]
fn a_thousand_come_and_go_and_everything_is_where_it_was() {
    let mut world = stage::with_watchers(1, 1, None);
    world.run_for(std::time::Duration::from_millis(100));
    let before = (
        worker_dump(&mut world),
        router_dump(&mut world),
        world.ports.open(),
    );
    for round in 0..times(1_000, 3_000) {
        let id = format!("guest-{round}");
        world.request("router", create(&id, on_port(0))).unwrap();
        let produce = RequestBody::TransportProduce(Box::new(VOICE.produce("guest-voice")));
        world.request(&id, produce).unwrap();
        for (consumer, producer, from) in [
            ("guest-face-to", "face", FACE),
            ("guest-voice-to", "voice", VOICE),
        ] {
            let consume = watched(9, from).consume(consumer, producer, from);
            let consume = RequestBody::TransportConsume(Box::new(consume));
            world.request(&id, consume).unwrap();
        }
        let close = RequestBody::RouterCloseTransport { transport_id: id };
        world.request("router", close).unwrap();
    }
    let after = (
        worker_dump(&mut world),
        router_dump(&mut world),
        world.ports.open(),
    );
    assert_eq!(before, after);
    close_router(&mut world);
    is_empty(&mut world);
}

#[test]
fn a_closed_worker_has_closed_everything() {
    let camera = tureen_tests::media::Camera::new(2, 200);
    let mut world = stage::with_watchers(1, 2, Some(camera));
    world.run_for(std::time::Duration::from_millis(150));
    world.message(Message::Notification(IncomingNotification {
        event: "WORKER_CLOSE",
        handler_id: String::new(),
        body: IncomingBody::WorkerClose,
    }));
    assert!(Worker::is_closed(&world.worker));
    assert_eq!(world.ports.open(), 0);
    assert_eq!(world.worker.poll_timeout(), None);
}

/// More transports than one buffer has room for goodbyes.
#[test]
fn two_thousand_that_close_together_tell_their_peers() {
    let mut world = stage::empty(9);
    let create = RequestBody::WorkerCreateWebRtcServer {
        web_rtc_server_id: "server".to_owned(),
        listen_infos: vec![listen_udp("10.0.0.1", 40_000)],
    };
    world.request("", create).unwrap();
    for number in 0..2000 {
        let id = format!("puppet-{number}");
        let listen = Listen::Server("server".to_owned());
        let [high, low] = u16::try_from(number).unwrap().to_be_bytes();
        let address = SocketAddr::from(([10, 1, high, low], 50_000));
        Puppet::join(&mut world, "router", &id, listen, address);
        if number % 500 == 499 {
            world.run_for(TENTH);
        }
    }
    close_router(&mut world);
    world.run_for(TENTH);
    for number in 0..2000 {
        assert_eq!(world.peer(number).alerts, 1, "puppet {number}");
    }
}

const TENTH: std::time::Duration = std::time::Duration::from_millis(100);
