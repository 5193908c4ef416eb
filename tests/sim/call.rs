//! A call: one person publishes, others watch, all through one port of the worker.

use std::net::SocketAddr;
use std::time::Duration;

use tureen_tests::link::LinkConfig;
use tureen_tests::media::Camera;
use tureen_tests::parameters::{Stream, create_web_rtc_transport, listen_udp};
use tureen_tests::world::World;
use tureen_worker::internal::messages::{Event, Listen, RequestBody, ResponseBody, StreamStats};
use tureen_worker::internal::params::{DtlsParameters, DtlsState, IceParameters};

use crate::peer::Person;

/// Where the worker listens.
pub(crate) const SERVER: SocketAddr = SocketAddr::new(
    std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1)),
    40_000,
);
/// What is published.
pub(crate) const MICROPHONE: Stream = Stream::audio("mic", 1000);
/// See [`MICROPHONE`].
pub(crate) const CAMERA: Stream = Stream::video("cam", 2000);

/// The publisher is person 0, and all others watch.
pub(crate) struct Call {
    pub(crate) world: World<Person>,
    pub(crate) watchers: usize,
}

impl Call {
    /// A call in which everyone has connected over perfect links and media flows.
    pub(crate) fn connected(seed: u8, watchers: usize, camera: Camera) -> Self {
        Self::in_world(World::new(seed), watchers, camera)
    }

    /// The same, with all datagrams of the peers from the first one on in `world.incoming`.
    pub(crate) fn recorded(seed: u8, watchers: usize, camera: Camera) -> Self {
        let mut world = World::new(seed);
        world.incoming = Some(Vec::new());
        Self::in_world(world, watchers, camera)
    }

    /// The same, in a world that was made elsewhere.
    pub(crate) fn in_world(mut world: World<Person>, watchers: usize, camera: Camera) -> Self {
        open(&mut world);
        let mut call = Self { world, watchers };
        for number in 0..=watchers {
            call.join(number);
        }
        call.publish(camera);
        for number in 1..=watchers {
            call.watch(number);
        }
        let end = call.world.now + Duration::from_secs(20);
        let everyone_plays = call.world.run_until(end, |world| {
            (1..=watchers).all(|number| {
                let received = &world.peer(number).received;
                received[0].listener.packets() > 0 && received[1].viewer.is_playing()
            })
        });
        assert!(
            everyone_plays,
            "{:?}\n{:?}",
            call.world.events, call.world.log
        );
        call
    }

    /// A call without media that nobody has joined yet.
    pub(crate) fn empty(seed: u8) -> Self {
        let mut world = World::new(seed);
        open(&mut world);
        Self { world, watchers: 0 }
    }

    fn join(&mut self, number: usize) {
        let parameters = self.invite(number, |_, _| {});
        let world = &mut self.world;
        let end = world.now + Duration::from_secs(20);
        let connected = world.run_until(end, |world| world.peer(number).is_connected);
        assert!(
            connected,
            "{parameters:?}\n{:?}\n{:?}",
            world.events, world.log
        );
        assert!(world.events.iter().any(|(id, event)| {
            let state = DtlsState::Connected;
            *id == transport(number)
                && matches!(event, Event::DtlsStateChange { state: s, .. } if *s == state)
        }));
    }

    /// Lets a person begin to connect. `spoil` may change the signalled parameters: those of the
    /// person for the worker, and those of the worker for the person.
    pub(crate) fn invite(
        &mut self,
        number: usize,
        spoil: impl FnOnce(&mut DtlsParameters, &mut IceParameters),
    ) -> IceParameters {
        let world = &mut self.world;
        let address = address(number);
        let mut person = Person::new(world.clock, world.now, address);
        let create = create_web_rtc_transport(&transport(number), Listen::Server("server".into()));
        let create = RequestBody::RouterCreateWebRtcTransport(Box::new(create));
        let dump = match world.request("router", create) {
            Ok(ResponseBody::WebRtcTransportDump(dump)) => dump,
            other => panic!("no transport: {other:?}"),
        };
        let (mut theirs, mut ice) = (person.dtls_parameters(), dump.ice_parameters.clone());
        spoil(&mut theirs, &mut ice);
        let dtls = RequestBody::WebRtcTransportConnect(theirs);
        world
            .request(&transport(number), dtls)
            .expect("it connects");
        person.connect(world.now, SERVER, &ice, &dump.dtls_parameters);
        let joined = world.add_peer(person, address, SERVER);
        assert_eq!(joined, number);
        ice
    }

    fn publish(&mut self, camera: Camera) {
        let world = &mut self.world;
        for stream in [MICROPHONE, CAMERA] {
            let produce = RequestBody::TransportProduce(Box::new(stream.produce(stream.mid)));
            world
                .request(&transport(0), produce)
                .expect("it is produced");
        }
        let now = world.now;
        let person = world.peer_mut(0);
        person.publish(now, MICROPHONE, camera.clone());
        person.publish(now, CAMERA, camera);
    }

    fn watch(&mut self, number: usize) {
        for (from, stream) in [(MICROPHONE, heard(number)), (CAMERA, seen(number))] {
            let consume = stream.consume(&consumer(number, from), from.mid, from);
            let consume = RequestBody::TransportConsume(Box::new(consume));
            let world = &mut self.world;
            world
                .request(&transport(number), consume)
                .expect("it is consumed");
            world.peer_mut(number).watch(stream);
        }
    }

    /// Makes every link as bad as `config` says, in both directions.
    pub(crate) fn set_links(&mut self, config: LinkConfig, seed: u64) {
        for number in 0..=self.watchers {
            self.world
                .set_link(number, config, config, seed + number as u64);
        }
    }

    /// The statistics of a producer or a consumer.
    pub(crate) fn stats(&mut self, id: &str, body: RequestBody) -> Vec<StreamStats> {
        match self.world.request(id, body) {
            Ok(ResponseBody::ProducerStats(stats) | ResponseBody::ConsumerStats(stats)) => stats,
            other => panic!("no statistics: {other:?}"),
        }
    }
}

/// Opens the worker's port, and a router.
fn open(world: &mut World<Person>) {
    let create = RequestBody::WorkerCreateWebRtcServer {
        web_rtc_server_id: "server".to_owned(),
        listen_infos: vec![listen_udp("10.0.0.1", SERVER.port())],
    };
    world.request("", create).expect("a server is created");
    let create = RequestBody::WorkerCreateRouter {
        router_id: "router".to_owned(),
    };
    world.request("", create).expect("a router is created");
}

/// The address of a person.
pub(crate) fn address(number: usize) -> SocketAddr {
    let last = u8::try_from(number).expect("few people") + 1;
    SocketAddr::from(([10, 0, 1, last], 50_000))
}

/// The id of a person's transport.
pub(crate) fn transport(number: usize) -> String {
    format!("transport-{number}")
}

/// The id of a watcher's consumer of a stream.
pub(crate) fn consumer(number: usize, of: Stream) -> String {
    format!("{}-to-{number}", of.mid)
}

/// What a watcher gets of the microphone.
pub(crate) fn heard(number: usize) -> Stream {
    Stream::audio(
        "a",
        10_000 + 10 * u32::try_from(number).expect("few people"),
    )
}

/// What a watcher gets of the camera.
pub(crate) fn seen(number: usize) -> Stream {
    Stream::video(
        "v",
        20_000 + 10 * u32::try_from(number).expect("few people"),
    )
}
