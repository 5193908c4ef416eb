//! A stage for puppets: a simulated worker with a router, a publisher and watchers, each on a
//! socket of their own.

use std::net::SocketAddr;

use crate::media::Camera;
use crate::parameters::{Stream, listen_udp};
use crate::puppet::Puppet;
use crate::world::World;
use tureen_worker::internal::Worker;
use tureen_worker::internal::messages::{Listen, RequestBody};

/// What the publisher publishes.
pub const VOICE: Stream = Stream::audio("voice", 1000);
/// See [`VOICE`].
pub const FACE: Stream = Stream::video("face", 2000);

/// A world with a router and nobody in it.
pub fn empty(seed: u8) -> World<Puppet> {
    let mut world = World::with(seed, |settings| {
        Worker::simulated(settings).expect("a worker starts")
    });
    let create = RequestBody::WorkerCreateRouter {
        router_id: "router".to_owned(),
    };
    world.request("", create).expect("a router is created");
    world
}

/// Puppet 0 publishes by itself, or leaves that to the test; the others watch.
pub fn with_watchers(seed: u8, watchers: usize, camera: Option<Camera>) -> World<Puppet> {
    let mut world = empty(seed);
    for number in 0..=watchers {
        join(&mut world, number);
    }
    for stream in [VOICE, FACE] {
        let produce = RequestBody::TransportProduce(Box::new(stream.produce(stream.mid)));
        world.request("puppet-0", produce).expect("it is produced");
        for number in 1..=watchers {
            let watched = watched(number, stream);
            let id = format!("{}-to-{number}", stream.mid);
            let consume = watched.consume(&id, stream.mid, stream);
            let consume = RequestBody::TransportConsume(Box::new(consume));
            let transport = format!("puppet-{number}");
            world.request(&transport, consume).expect("it is consumed");
            if stream == FACE {
                world.peer_mut(number).watch(watched);
            }
        }
    }
    if let Some(camera) = camera {
        let now = world.now;
        world.peer_mut(0).publish(now, VOICE, camera.clone());
        world.peer_mut(0).publish(now, FACE, camera);
    }
    world
}

/// A puppet with a transport of its own.
pub fn join(world: &mut World<Puppet>, number: usize) {
    let listen = Listen::Individual(vec![listen_udp("10.0.0.1", 0)]);
    let id = format!("puppet-{number}");
    let joined = Puppet::join(world, "router", &id, listen, address(number));
    assert_eq!(joined, number);
}

/// Where a puppet is.
pub fn address(number: usize) -> SocketAddr {
    SocketAddr::from((
        [10, 0, 2, u8::try_from(number).expect("few puppets")],
        50_000,
    ))
}

/// How a watcher sees a stream.
pub fn watched(number: usize, stream: Stream) -> Stream {
    let number = u32::try_from(number).expect("few puppets");
    Stream {
        ssrc: stream.ssrc * 10 + 10 * number,
        ..stream
    }
}
