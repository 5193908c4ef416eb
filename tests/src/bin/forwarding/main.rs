//! Measures what forwarding costs, without sockets and in virtual time. `cargo xtask bench` runs it
//! for a scene, and runs it again under callgrind to count instructions per packet.
//! docs/measuring.md lists the scenes and says what the figures mean.
//!
//! The figures contain everything between a received datagram and the bytes of a send buffer: SRTP
//! in both directions, RTCP and timers. They contain no system calls.

#![expect(
    unsafe_code,
    reason = "an allocator that counts has to be an allocator"
)]

mod scene;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use tureen_tests::parameters::{create_web_rtc_transport, listen_udp};
use tureen_tests::puppet::Puppet;
use tureen_tests::world::World;
use tureen_worker::internal::messages::{Listen, RequestBody};
use tureen_worker::internal::output::{Batch, Output};
use tureen_worker::internal::time::Instant;
use tureen_worker::internal::{Drain, Worker};

use scene::{FRAME_INTERVAL, Scene, Source, join};

/// The system's allocator, counted.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static LIVE_BYTES: AtomicI64 = AtomicI64::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call goes to the system's allocator with what it came with.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the caller keeps to the contract of `alloc`, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE_BYTES.fetch_sub(size(layout.size()), Ordering::Relaxed);
        // SAFETY: the caller keeps to the contract of `dealloc`, which is the same.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(new_size, layout.size());
        // SAFETY: the caller keeps to the contract of `realloc`, which is the same.
        unsafe { System.realloc(at, layout, new_size) }
    }
}

fn count(new: usize, old: usize) {
    ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
    LIVE_BYTES.fetch_add(size(new) - size(old), Ordering::Relaxed);
}

fn size(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let frames = arguments.next().and_then(|text| text.parse().ok());
    let frames: u32 = frames.unwrap_or(700);
    let name = arguments.next().unwrap_or_else(|| "broadcast".to_owned());
    let scene = Scene::named(&name).expect("a scene of docs/measuring.md");

    weigh_transports();
    let mut bench = Bench::new(scene);
    // What grows to its size grows here.
    bench.run(WARM_UP);
    let result = bench.run(frames);
    let per_packet = |total: f64| total / result.forwarded.max(1) as f64;
    println!("packets received       {}", result.received);
    println!("packets forwarded      {}", result.forwarded);
    println!(
        "ns per forwarded       {:.1}",
        per_packet(result.took.as_nanos() as f64)
    );
    println!("allocations            {}", result.allocations);
    println!(
        "trains per packet      {:.4}",
        per_packet(result.trains as f64)
    );
    assert!(
        result.forwarded >= result.received * u64::from(scene.audience()),
        "everything is forwarded to everyone"
    );
    assert_eq!(bench.world.worker.counters().panics, 0);
}

/// A worker with everyone connected, driven by hand.
struct Bench {
    world: World<Puppet>,
    sources: Vec<Source>,
    batch: Batch,
    output: Output,
}

#[derive(Default)]
struct Outcome {
    received: u64,
    forwarded: u64,
    trains: u64,
    took: Duration,
    allocations: u64,
}

impl Bench {
    fn new(scene: Scene) -> Self {
        let mut world = open();
        let before = LIVE_BYTES.load(Ordering::Relaxed);
        for number in 0..scene.people() {
            join(&mut world, number);
        }
        world.run_for(Duration::from_millis(10));
        let connected = LIVE_BYTES.load(Ordering::Relaxed) - before;
        let each = connected / i64::from(scene.people());
        println!("bytes per peer         {each} (connected; the peer's own included)");
        let sources = scene.publish(&mut world);
        let before = LIVE_BYTES.load(Ordering::Relaxed);
        let consumers = scene.consume(&mut world, &sources);
        let each = (LIVE_BYTES.load(Ordering::Relaxed) - before) / i64::from(consumers);
        println!("bytes per consumer     {each} (idle)");
        Self {
            world,
            sources,
            batch: Batch::new(512 * 1024, 512),
            output: Output::new(OUTPUT),
        }
    }

    /// So many frames of video, or as long without video.
    fn run(&mut self, frames: u32) -> Outcome {
        let mut outcome = Outcome::default();
        let end = self.world.now + FRAME_INTERVAL * frames;
        while let Some(next) = self.sources.iter().map(|source| source.next_at).min()
            && next <= end
        {
            self.world.now = next;
            for source in &mut self.sources {
                if source.next_at == next {
                    let number = source.publisher as usize;
                    let path = self.world.path(number).expect("the worker listens");
                    let puppet = self.world.peer_mut(number);
                    source.next_frame(puppet, |datagram| {
                        assert!(self.batch.push(path, next, datagram), "it has room");
                    });
                }
            }
            self.take(&mut outcome);
        }
        self.world.now = end;
        outcome
    }

    /// One wake-up of the worker, which is what is measured.
    fn take(&mut self, outcome: &mut Outcome) {
        let now = self.world.now;
        let received = self.batch.len() as u64;
        let allocations = ALLOCATIONS.load(Ordering::Relaxed);
        let started = std::time::Instant::now();
        let (forwarded, trains) = wake(
            &mut self.world.worker,
            now,
            &mut self.batch,
            &mut self.output,
        );
        outcome.took += started.elapsed();
        outcome.allocations += ALLOCATIONS.load(Ordering::Relaxed) - allocations;
        outcome.received += received;
        outcome.forwarded += forwarded;
        outcome.trains += trains;
    }
}

/// Does what the shell does at each wake-up, but without sockets. Returns the numbers of datagrams
/// and trains.
#[inline(never)]
fn wake(worker: &mut Worker, now: Instant, batch: &mut Batch, output: &mut Output) -> (u64, u64) {
    let (mut datagrams, mut trains) = (0, 0);
    let is_taken = worker.handle_datagrams(now, batch);
    assert!(is_taken, "a wake-up brings little at a time");
    batch.clear();
    if worker.poll_timeout().is_some_and(|(at, _)| at <= now) {
        worker.handle_timeout(now);
    }
    loop {
        let drained = worker.drain(now, output);
        for (train, _) in output.trains() {
            datagrams += train.segments as u64;
            trains += 1;
        }
        output.clear();
        if drained == Drain::Drained {
            break;
        }
    }
    while worker.poll_message().is_some() {}
    (datagrams, trains)
}

/// A simulated worker with a router.
fn open() -> World<Puppet> {
    let mut world = World::with(1, |settings| {
        Worker::simulated(settings).expect("a worker starts")
    });
    let create = RequestBody::WorkerCreateRouter {
        router_id: "router".to_owned(),
    };
    world.request("", create).expect("a router is created");
    world
}

/// What transports cost that nobody connects to.
fn weigh_transports() {
    let mut world = open();
    let before = LIVE_BYTES.load(Ordering::Relaxed);
    for number in 0..128 {
        let listen = Listen::Individual(vec![listen_udp("10.0.0.1", 0)]);
        let create = create_web_rtc_transport(&format!("idle-{number}"), listen);
        let create = RequestBody::RouterCreateWebRtcTransport(Box::new(create));
        world.request("router", create).expect("it is created");
    }
    let each = (LIVE_BYTES.load(Ordering::Relaxed) - before) / 128;
    println!("bytes per transport    {each} (never connected)");
}

/// The size of the shell's own.
const OUTPUT: usize = 512 * 1024;
const WARM_UP: u32 = 60;
