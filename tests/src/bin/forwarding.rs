//! Measures what forwarding costs, without sockets and in virtual time: one publisher, a hundred
//! subscribers, frames of nine video packets in a burst and a packet of audio every 20 ms. `cargo
//! xtask bench` runs it, and runs it again under callgrind to count instructions per packet.
//! docs/measuring.md says what the figures mean.
//!
//! The figures contain everything between a received datagram and the bytes of a send buffer: SRTP
//! in both directions, RTCP and timers. They contain no system calls.

#![expect(
    unsafe_code,
    reason = "an allocator that counts has to be an allocator"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use tureen_tests::media::{Camera, opus_payload};
use tureen_tests::parameters::{OPUS, Stream, VP8, create_web_rtc_transport, listen_udp};
use tureen_tests::puppet::{Puppet, rtp};
use tureen_tests::world::{Peer, World};
use tureen_worker::internal::ids::{PayloadType, Ssrc};
use tureen_worker::internal::messages::{Listen, RequestBody};
use tureen_worker::internal::output::{Batch, Output, Path};
use tureen_worker::internal::time::Instant;
use tureen_worker::internal::wire::rtp::RtpHeader;
use tureen_worker::internal::{Drain, Worker};

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
    let subscribers = arguments.next().and_then(|text| text.parse().ok());
    let subscribers: usize = subscribers.unwrap_or(100);

    weigh_transports();
    let mut bench = Bench::new(subscribers);
    // What grows to its size grows here.
    bench.run(WARM_UP);
    let result = bench.run(frames);
    let per_packet = |total: f64| total / result.forwarded.max(1) as f64;
    println!("subscribers            {subscribers}");
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
        result.forwarded >= result.received * subscribers as u64,
        "everything is forwarded to everyone"
    );
    assert_eq!(bench.world.worker.counters().panics, 0);
}

/// A worker with everyone connected, driven by hand.
struct Bench {
    world: World<Puppet>,
    path: Path,
    camera: Camera,
    video: Counter,
    audio: Counter,
    batch: Batch,
    output: Output,
}

/// The numbers of one stream.
#[derive(Default)]
struct Counter {
    sequence_number: u16,
    timestamp: u32,
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
    fn new(subscribers: usize) -> Self {
        let mut world = open();
        join(&mut world, 0);
        for stream in [AUDIO, VIDEO] {
            let produce = RequestBody::TransportProduce(Box::new(stream.produce(stream.mid)));
            world
                .request("transport-0", produce)
                .expect("it is produced");
        }
        world.run_for(Duration::from_millis(10));
        let before = LIVE_BYTES.load(Ordering::Relaxed);
        for number in 1..=subscribers {
            join(&mut world, number);
        }
        world.run_for(Duration::from_millis(10));
        let people = size(subscribers.max(1));
        let connected = (LIVE_BYTES.load(Ordering::Relaxed) - before) / people;
        println!("bytes per peer         {connected} (connected; the peer's own included)");
        let before = LIVE_BYTES.load(Ordering::Relaxed);
        for number in 1..=subscribers {
            for stream in [AUDIO, VIDEO] {
                consume(&mut world, number, stream);
            }
        }
        let consumers = (LIVE_BYTES.load(Ordering::Relaxed) - before) / (2 * people);
        println!("bytes per consumer     {consumers} (idle, half of them audio)");
        Self {
            path: world.path(0).expect("the worker listens"),
            world,
            camera: Camera::new(PACKETS_PER_FRAME, PAYLOAD),
            video: Counter::default(),
            audio: Counter::default(),
            batch: Batch::new(64 * 1024, 64),
            output: Output::new(OUTPUT),
        }
    }

    fn run(&mut self, frames: u32) -> Outcome {
        let mut outcome = Outcome::default();
        let mut next_audio = self.world.now;
        for _ in 0..frames {
            let now = self.world.now + FRAME_INTERVAL;
            while next_audio < now {
                self.world.now = next_audio.max(self.world.now);
                self.put_audio();
                self.take(&mut outcome);
                next_audio += AUDIO_INTERVAL;
            }
            self.world.now = now;
            self.put_frame();
            self.take(&mut outcome);
        }
        outcome
    }

    fn put_frame(&mut self) {
        self.video.timestamp = self.video.timestamp.wrapping_add(3000);
        let payloads = self.camera.next_frame();
        let last = payloads.len() - 1;
        for (index, payload) in payloads.into_iter().enumerate() {
            let header = self.video.next(VIDEO, VP8, index == last);
            self.put(&rtp(header, &payload));
        }
    }

    fn put_audio(&mut self) {
        self.audio.timestamp = self.audio.timestamp.wrapping_add(960);
        let header = self.audio.next(AUDIO, OPUS, false);
        self.put(&rtp(header, &opus_payload(header.timestamp)));
    }

    fn put(&mut self, packet: &[u8]) {
        let now = self.world.now;
        let puppet = self.world.peer_mut(0);
        puppet.send_rtp(packet);
        let datagram = puppet.poll_transmit().expect("it is protected");
        assert!(self.batch.push(self.path, now, &datagram), "it has room");
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

impl Counter {
    fn next(&mut self, stream: Stream, payload_type: u8, marker: bool) -> RtpHeader {
        self.sequence_number = self.sequence_number.wrapping_add(1);
        RtpHeader {
            marker,
            payload_type: PayloadType(payload_type),
            sequence_number: self.sequence_number,
            timestamp: self.timestamp,
            ssrc: Ssrc(stream.ssrc),
        }
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

fn join(world: &mut World<Puppet>, number: usize) {
    let listen = Listen::Individual(vec![listen_udp("10.0.0.1", 0)]);
    let [high, low] = u16::try_from(number).unwrap_or(u16::MAX).to_be_bytes();
    let address = SocketAddr::from(([10, 1, high, low], 50_000));
    let id = format!("transport-{number}");
    Puppet::join(world, "router", &id, listen, address);
}

fn consume(world: &mut World<Puppet>, number: usize, stream: Stream) {
    let consume = stream.consume(&format!("{}-{number}", stream.mid), stream.mid, stream);
    let consume = RequestBody::TransportConsume(Box::new(consume));
    let transport = format!("transport-{number}");
    world.request(&transport, consume).expect("it is consumed");
}

const AUDIO: Stream = Stream::audio("audio", 1000);
const VIDEO: Stream = Stream::video("video", 2000);
const PACKETS_PER_FRAME: u8 = 9;
/// Payload of a video packet, so that it is 1149 bytes with its header.
const PAYLOAD: usize = 1137;
const FRAME_INTERVAL: Duration = Duration::from_millis(33);
const AUDIO_INTERVAL: Duration = Duration::from_millis(20);
/// The size of the shell's own.
const OUTPUT: usize = 512 * 1024;
const WARM_UP: u32 = 60;
