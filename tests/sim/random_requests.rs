//! docs/security.md rules 9 and 12: any sound request at any entity, in any order, while media
//! flows. Each is answered once, nothing panics, and closing leaves nothing.

use std::time::Duration;

use tureen_tests::chance::Chance;
use tureen_tests::media::Camera;
use tureen_tests::parameters::{Stream, create_web_rtc_transport, listen_udp};
use tureen_tests::soak::times;
use tureen_tests::stage::{self, FACE, VOICE, watched};
use tureen_worker::internal::messages::{Listen, RequestBody};
use tureen_worker::internal::params::{ConsumerLayers, DtlsParameters, DtlsRole};

use crate::bad_requests::{close_everything, is_empty};

#[test]
fn random_requests_leave_nothing() {
    let mut chance = Chance::new(1);
    let (mut accepted, mut refused) = (0, 0);
    for round in 0..times(8, 80) {
        let seed = u8::try_from(round).unwrap();
        let mut world = stage::with_watchers(seed, 1, Some(Camera::new(2, 200)));
        world.run_for(Duration::from_millis(100));
        for index in 0..500 {
            let (handler, body) = random(&mut chance);
            match world.request(&handler, body) {
                Ok(_) => accepted += 1,
                Err(_) => refused += 1,
            }
            if index % 10 == 0 {
                world.run_for(Duration::from_millis(3));
            }
            assert_eq!(world.worker.counters().panics, 0);
            world.events.clear();
        }
        close_everything(&mut world);
        is_empty(&mut world);
    }
    assert!(accepted > 500 && refused > 500, "{accepted} {refused}");
}

/// A request, and whom it goes to: mostly one who can answer it.
fn random(chance: &mut Chance) -> (String, RequestBody) {
    use RequestBody as Body;
    let stream = *chance.pick(&[FACE, VOICE]);
    let place = chance.below(4);
    let some = |chance: &mut Chance, kind: &str| format!("{kind}-{}", chance.below(4));
    let router = |chance: &mut Chance| match chance.below(8) {
        0 => some(chance, "router"),
        _ => "router".to_owned(),
    };
    let transport = |chance: &mut Chance| some(chance, "puppet");
    let producer = |chance: &mut Chance| match chance.below(4) {
        0 => some(chance, "producer"),
        _ => stream.mid.to_owned(),
    };
    let consumer = |chance: &mut Chance| match chance.below(2) {
        0 => some(chance, "consumer"),
        _ => format!("{}-to-1", stream.mid),
    };
    let (handler, body) = match chance.below(24) {
        0 => (String::new(), Body::WorkerDump),
        1 => {
            let router_id = some(chance, "router");
            (String::new(), Body::WorkerCreateRouter { router_id })
        }
        2 if chance.happens(0.2) => {
            let router_id = router(chance);
            (String::new(), Body::WorkerCloseRouter { router_id })
        }
        3 => {
            let server = Body::WorkerCreateWebRtcServer {
                web_rtc_server_id: some(chance, "server"),
                listen_infos: vec![listen_udp("10.0.0.1", 0)],
            };
            (String::new(), server)
        }
        4 => {
            let web_rtc_server_id = some(chance, "server");
            (
                String::new(),
                Body::WorkerCloseWebRtcServer { web_rtc_server_id },
            )
        }
        5 => (some(chance, "server"), Body::WebRtcServerDump),
        6 | 7 => {
            let listen = match chance.below(2) {
                0 => Listen::Server(some(chance, "server")),
                _ => Listen::Individual(vec![listen_udp("10.0.0.1", 0)]),
            };
            let create = create_web_rtc_transport(&transport(chance), listen);
            (
                router(chance),
                Body::RouterCreateWebRtcTransport(Box::new(create)),
            )
        }
        8 if chance.happens(0.3) => {
            let transport_id = transport(chance);
            (router(chance), Body::RouterCloseTransport { transport_id })
        }
        9 => (router(chance), Body::RouterDump),
        10 => {
            let connect = DtlsParameters {
                fingerprints: Vec::new(),
                role: DtlsRole::Auto,
            };
            (transport(chance), Body::WebRtcTransportConnect(connect))
        }
        11 | 12 => {
            let ssrc = stream.ssrc + u32::try_from(10 * place).unwrap();
            let produce = Stream { ssrc, ..stream }.produce(&producer(chance));
            (transport(chance), Body::TransportProduce(Box::new(produce)))
        }
        13 | 14 => {
            let seen = watched(place, stream);
            let consume = seen.consume(&consumer(chance), &producer(chance), stream);
            (transport(chance), Body::TransportConsume(Box::new(consume)))
        }
        15 => {
            let producer_id = producer(chance);
            (
                transport(chance),
                Body::TransportCloseProducer { producer_id },
            )
        }
        16 => {
            let consumer_id = consumer(chance);
            (
                transport(chance),
                Body::TransportCloseConsumer { consumer_id },
            )
        }
        17 => (transport(chance), random_of_transport(chance)),
        18 | 19 => (producer(chance), random_of_producer(chance)),
        _ => (consumer(chance), random_of_consumer(chance)),
    };
    // Sometimes one who knows nothing of it.
    let handler = match chance.below(20) {
        0 => transport(chance),
        1 => consumer(chance),
        _ => handler,
    };
    (handler, body)
}

fn random_of_transport(chance: &mut Chance) -> RequestBody {
    use RequestBody as Body;
    match chance.below(4) {
        0 => Body::TransportDump,
        1 => Body::TransportGetStats,
        2 => Body::TransportRestartIce,
        _ => Body::TransportSetMaxIncomingBitrate(chance.next() >> chance.below(64)),
    }
}

fn random_of_producer(chance: &mut Chance) -> RequestBody {
    use RequestBody as Body;
    match chance.below(4) {
        0 => Body::ProducerDump,
        1 => Body::ProducerGetStats,
        2 => Body::ProducerPause,
        _ => Body::ProducerResume,
    }
}

fn random_of_consumer(chance: &mut Chance) -> RequestBody {
    use RequestBody as Body;
    match chance.below(7) {
        0 => Body::ConsumerDump,
        1 => Body::ConsumerGetStats,
        2 => Body::ConsumerPause,
        3 => Body::ConsumerResume,
        4 => Body::ConsumerSetPreferredLayers(ConsumerLayers {
            spatial: u8::try_from(chance.below(256)).unwrap(),
            temporal: None,
        }),
        5 => Body::ConsumerSetPriority(u8::try_from(chance.below(256)).unwrap()),
        _ => Body::ConsumerRequestKeyFrame,
    }
}
