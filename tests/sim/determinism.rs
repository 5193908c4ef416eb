//! The same seed gives the same call, to the byte and to the nanosecond: Instead of DTLS, keys
//! follow from the seed. Nothing else depends on chance or on a clock.

use std::net::SocketAddr;
use std::time::Duration;

use tureen_tests::link::{LinkConfig, Loss};
use tureen_tests::media::Camera;
use tureen_tests::stage;
use tureen_worker::internal::messages::{Event, RequestBody, ResponseBody};
use tureen_worker::internal::time::Instant;

/// Everything that a worker lets out.
#[derive(PartialEq)]
struct Record {
    sent: Vec<(Instant, SocketAddr, Vec<u8>)>,
    events: Vec<(String, Event)>,
    statistics: Vec<ResponseBody>,
    deadlines: Vec<Option<Instant>>,
}

fn run(worker_seed: u8, link_seed: u64) -> Record {
    let mut world = stage::with_watchers(worker_seed, 2, Some(Camera::new(4, 700)));
    world.tap = Some(Vec::new());
    for number in 0..=2 {
        let link = LinkConfig {
            rate: Some(10_000_000),
            queue: 64 * 1024,
            delay: Duration::from_millis(30),
            jitter: Duration::from_millis(6),
            reorder: 0.02,
            reorder_by: Duration::from_millis(9),
            loss: Loss::Random(0.05),
        };
        world.set_link(number, link, link, link_seed + number as u64);
    }
    let mut deadlines = Vec::new();
    let mut statistics = Vec::new();
    for second in 0..12 {
        world.run_for(Duration::from_secs(1));
        deadlines.push(world.worker.poll_timeout().map(|(at, _)| at));
        let (pause, resume) = (RequestBody::ConsumerPause, RequestBody::ConsumerResume);
        match second {
            4 => world.request("face-to-1", pause).map(drop).unwrap(),
            6 => world.request("face-to-1", resume).map(drop).unwrap(),
            8 => {
                // A restart draws new credentials.
                let parameters = world.request("puppet-2", RequestBody::TransportRestartIce);
                statistics.push(parameters.unwrap());
            }
            _ => {}
        }
        for id in ["face-to-1", "voice-to-2"] {
            statistics.push(world.request(id, RequestBody::ConsumerGetStats).unwrap());
        }
        for id in ["puppet-0", "puppet-1", "puppet-2"] {
            statistics.push(world.request(id, RequestBody::TransportGetStats).unwrap());
        }
    }
    assert_eq!(world.worker.counters().panics, 0);
    Record {
        sent: world.tap.take().unwrap_or_default(),
        events: world.events.into(),
        statistics,
        deadlines,
    }
}

#[test]
fn the_same_seed_gives_the_same_call() {
    let (first, second) = (run(1, 1), run(1, 1));
    assert!(first.sent.len() > 3000, "{}", first.sent.len());
    for (at, (one, other)) in first.sent.iter().zip(&second.sent).enumerate() {
        assert!(one == other, "datagram {at}: {:?} {:?}", one.0, other.0);
    }
    assert_eq!(first.sent.len(), second.sent.len());
    assert_eq!(first.events, second.events);
    assert_eq!(first.statistics, second.statistics);
    assert_eq!(first.deadlines, second.deadlines);
}

#[test]
fn another_seed_gives_another_call() {
    let first = run(1, 1);
    assert!(first.sent != run(2, 1).sent, "the worker's own choices");
    assert!(first.sent != run(1, 2).sent, "the links' fortunes");
}
