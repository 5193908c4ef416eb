//! Floods of forged datagrams while people talk, watch and come in (docs/security.md rule 1). Nobody
//! is to notice.

use std::io::IoSlice;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, sendmmsg};
use tureen_controller::{DtlsState, IceState, WebRtcTransport};
use tureen_peer::random_u32;

use crate::call::{Call, Publisher, Publishing, Subscriber, VIDEO};
use crate::flood::{FLOODS, SSRC, Victims};
use crate::ice::through;
use crate::program::{resident_kib, times};
use crate::relay::{Path, Relay, nomination};
use crate::within;

/// A call of one who talks and one who shows a picture. A relay stands before each, so that others
/// can send from their very addresses.
struct Scene {
    call: Call,
    talk: Victims,
    shows: Publisher,
    watches: Subscriber,
    relays: [Relay; 2],
}

impl Scene {
    async fn start() -> Self {
        let call = Call::start().await;
        let worker = call.address().await;
        let relays = [Relay::to(worker).await, Relay::to(worker).await];
        let talk = Victims::of(&call, through(&relays[0], call.transport().await).await).await;
        let shows = through(&relays[1], call.transport().await).await;
        let shows = Publisher::start(shows, &Publishing::default()).await;
        let watches = call.subscriber(&shows).await;
        watches.until_frames(3).await;
        Self {
            call,
            talk,
            shows,
            watches,
            relays,
        }
    }

    fn transports(&self) -> [&WebRtcTransport; 4] {
        [
            &self.talk.publisher.transport,
            &self.talk.subscriber.transport,
            &self.shows.endpoint.transport,
            &self.watches.endpoint.transport,
        ]
    }

    /// Sockets of those who are in the call.
    fn own(&self) -> Vec<Arc<Path>> {
        self.relays.iter().map(Relay::path).collect()
    }

    async fn strangers(&self) -> Vec<Arc<Path>> {
        let [one, other] = &self.relays;
        vec![one.other_path().await, other.other_path().await]
    }

    /// Floods the worker in rounds, between which all is quiet. Asserts that the flood costs
    /// those who talk next to no packet, that pictures go on without a new beginning, and that
    /// memory stays as it is.
    ///
    /// A machine that is busy with other things loses packets in some of the rounds. What a flood
    /// costs by itself is lost in all of them. So a few rounds without loss suffice.
    async fn assert_untouched(&self, what: &str, paths: Vec<Arc<Path>>, datagrams: Vec<Vec<u8>>) {
        let pid = self.call.worker.pid();
        let (resident, asked) = (resident_kib(pid), self.key_frame_requests());
        let sources = paths.into_iter().map(|path| (path, datagrams.clone()));
        let flood = Flood::start(sources.collect());
        let mut rounds = Vec::new();
        let mut clean = 0;
        while clean < CLEAN_ROUNDS && rounds.len() < ROUNDS {
            flood.pause();
            let quiet = self.talk.loss_while(|sent| sent < TALK).await;
            flood.go_on().await;
            let flooded = self.talk.loss_while(|sent| sent < TALK).await;
            rounds.push([quiet, flooded]);
            clean += usize::from(flooded - quiet < 2.0 / f64::from(TALK));
        }
        println!("{what}, {:.0} a second: {rounds:.3?}", flood.end());
        assert!(
            clean == CLEAN_ROUNDS,
            "{what}: lost while all is quiet, and in the flood: {rounds:.3?}"
        );
        let grown = resident_kib(pid).saturating_sub(resident);
        assert!(grown < 2 * 1024, "{what}: grown by {grown} KiB");
        self.watches.until_more(3).await;
        // Where no packet is lost, no key frame is asked for.
        let asked = usize::try_from(self.key_frame_requests() - asked).unwrap();
        assert!(asked <= rounds.len() - clean, "{what}: {asked} key frames");
        for transport in self.transports() {
            let stats = transport.get_stats().await.unwrap();
            assert_eq!(stats.dtls_state, DtlsState::Connected, "{what}");
            assert_eq!(stats.ice_state, IceState::Completed, "{what}");
        }
    }

    fn key_frame_requests(&self) -> u64 {
        self.shows.demo.stats().key_frame_requests
    }
}

/// A socket, and what is sent from it.
type Source = (Arc<Path>, Vec<Vec<u8>>);

/// A thread that sends datagrams from sockets in turns, over and over.
struct Flood {
    shared: Arc<Shared>,
    thread: thread::JoinHandle<f64>,
}

#[derive(Default)]
struct Shared {
    is_paused: AtomicBool,
    is_over: AtomicBool,
    sent: AtomicU64,
}

impl Flood {
    fn start(sources: Vec<Source>) -> Self {
        let shared = Arc::new(Shared::default());
        let ours = Arc::clone(&shared);
        let thread = thread::spawn(move || ours.send(&sources));
        Self { shared, thread }
    }

    fn pause(&self) {
        self.shared.is_paused.store(true, Ordering::Relaxed);
    }

    /// Goes on, and waits until it is in full swing.
    async fn go_on(&self) {
        let sent = || self.shared.sent.load(Ordering::Relaxed);
        let enough = sent() + 2_000;
        self.shared.is_paused.store(false, Ordering::Relaxed);
        let mut ticks = tokio::time::interval(Duration::from_millis(1));
        let swing = async {
            while sent() < enough {
                ticks.tick().await;
            }
        };
        within("a flood", swing).await;
    }

    /// Ends it, and says how many it has sent in a second.
    fn end(self) -> f64 {
        self.shared.is_over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

impl Shared {
    /// Sends until it is over, and returns how many in a second.
    #[expect(
        clippy::disallowed_methods,
        reason = "it keeps a rate; nothing waits for it"
    )]
    fn send(&self, sources: &[Source]) -> f64 {
        let rate = u64::try_from(times(60_000, 200_000)).unwrap();
        let mut sources: Vec<_> = sources
            .iter()
            .map(|(path, datagrams)| (path, datagrams.chunks(BATCH).cycle()))
            .collect();
        let mut turns = (0..sources.len()).cycle();
        // Pauses do not count.
        let (mut last, mut time) = (Instant::now(), Duration::ZERO);
        while !self.is_over.load(Ordering::Relaxed) {
            let passed = std::mem::replace(&mut last, Instant::now());
            if self.is_paused.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(1));
                continue;
            }
            time += last - passed;
            let sent = self.sent.load(Ordering::Relaxed);
            let due = Duration::from_nanos(sent * 1_000_000_000 / rate);
            if let Some(early) = due.checked_sub(time) {
                thread::sleep(early);
                continue;
            }
            let (path, batches) = &mut sources[turns.next().unwrap()];
            let batch = batches.next().unwrap();
            send_all(path, batch);
            self.sent.fetch_add(batch.len() as u64, Ordering::Relaxed);
        }
        self.sent.load(Ordering::Relaxed) as f64 / time.as_secs_f64()
    }
}

fn send_all(path: &Path, datagrams: &[Vec<u8>]) {
    let slices: Vec<_> = datagrams.iter().map(|one| [IoSlice::new(one)]).collect();
    let mut headers = MultiHeaders::<SockaddrStorage>::preallocate(slices.len(), None);
    let connected = vec![None; slices.len()];
    let fd = path.socket().as_raw_fd();
    let flags = MsgFlags::MSG_DONTWAIT;
    let sent = sendmmsg(fd, &mut headers, &slices, &connected, [], flags);
    assert!(matches!(sent.err(), None | Some(Errno::EAGAIN)));
}

/// Each kind of forged datagrams.
fn kinds(transports: &[&WebRtcTransport]) -> [(&'static str, Vec<Vec<u8>>); 5] {
    let fragments = transports
        .iter()
        .map(|one| one.ice_parameters().username_fragment);
    let known: Vec<_> = fragments.map(|one| check(&one)).collect();
    let unknown = (0..EACH).map(|_| check(&format!("{:08x}", random_u32())));
    [
        ("checks of nobody", unknown.collect()),
        ("checks", known.iter().cycle().take(EACH).cloned().collect()),
        ("DTLS", (0..EACH).map(dtls).collect()),
        ("RTP", (0..EACH).map(rtp).collect()),
        ("RTCP", (0..EACH).map(rtcp).collect()),
    ]
}

/// Several kinds in turns.
fn mixed(kinds: &[(&'static str, Vec<Vec<u8>>)]) -> Vec<Vec<u8>> {
    let nth = |index: usize| kinds[index % kinds.len()].1[index / kinds.len()].clone();
    (0..kinds.len() * EACH).map(nth).collect()
}

/// A check for this fragment whose sender does not know the password.
fn check(fragment: &str) -> Vec<u8> {
    nomination(fragment, "a guess").raw
}

/// A record in the clear or in an epoch whose keys the sender does not have: an alert, a handshake,
/// a change of the cipher, or data.
fn dtls(index: usize) -> Vec<u8> {
    let (content, body): (u8, &[u8]) = match index % 4 {
        0 => (21, &[2, 40]),
        1 => (22, &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        2 => (20, &[1]),
        _ => (23, &[7; 40]),
    };
    let epoch = u8::from(index % 8 > 3);
    let number = u8::try_from(index % 256).unwrap();
    let len = u8::try_from(body.len()).unwrap();
    let mut record = vec![content, 254, 253, 0, epoch, 0, 0, 0, 0, 0, number, 0, len];
    record.extend(body);
    record
}

/// A packet of a stream of the call, at any place in it.
fn rtp(index: usize) -> Vec<u8> {
    let (payload_type, ssrc) = [(111, SSRC), (96, VIDEO.0)][index % 2];
    let mut packet = vec![0x80, payload_type];
    packet.extend(&random_u32().to_be_bytes()[..2]);
    packet.extend(random_u32().to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend((0..30).flat_map(|_| random_u32().to_be_bytes()));
    packet
}

/// A report, a farewell, or a request, with an index and a tag that are guessed.
fn rtcp(index: usize) -> Vec<u8> {
    let mut packet = vec![0x81, [200, 201, 203, 205, 206][index % 5], 0, 7];
    packet.extend([SSRC, VIDEO.0][index % 2].to_be_bytes());
    packet.extend((0..12).flat_map(|_| random_u32().to_be_bytes()));
    packet
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_strangers_forge_costs_a_call_nothing() {
    let _alone = FLOODS.lock().await;
    let scene = Scene::start().await;
    let paths = scene.strangers().await;
    flood_by(&scene, "strangers", &paths).await;
    scene.call.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_forged_from_the_address_of_a_participant_costs_it_nothing() {
    let _alone = FLOODS.lock().await;
    let scene = Scene::start().await;
    let paths = scene.own();
    flood_by(&scene, "their own address", &paths).await;
    scene.call.end().await;
}

/// All kinds at once; in a soak, one after the other as well.
async fn flood_by(scene: &Scene, who: &str, paths: &[Arc<Path>]) {
    let transports = scene.transports();
    let kinds = kinds(&transports);
    let all = std::iter::once(("all", mixed(&kinds))).chain(kinds);
    for (what, datagrams) in all.take(times(1, 6)) {
        let what = format!("{what} from {who}");
        let paths = paths.to_vec();
        scene.assert_untouched(&what, paths, datagrams).await;
    }
}

/// The flood comes from elsewhere and from the newcomers' own addresses. Two things do not come from
/// there. Checks that the worker answers would flood the newcomer itself. Nothing protects a
/// handshake that has just begun from messages in the clear; how many it withstands is the matter of
/// another test (`hostile`).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn newcomers_connect_during_a_flood() {
    let _alone = FLOODS.lock().await;
    let call = Call::start().await;
    let (mut longest, mut slowest) = (Duration::ZERO, f64::INFINITY);
    for _ in 0..times(10, 60) {
        let relay = Relay::to(call.address().await).await;
        let transport = call.transport().await;
        let kinds = kinds(&[&transport]);
        let mut own = mixed(&kinds);
        own.retain(|one| !kinds[1].1.contains(one) && !one.starts_with(&PLAIN_HANDSHAKE));
        let elsewhere = (relay.other_path().await, mixed(&kinds));
        let flood = Flood::start(vec![elsewhere, (relay.path(), own)]);
        flood.go_on().await;
        let start = Instant::now();
        let newcomer = through(&relay, transport).await;
        longest = longest.max(start.elapsed());
        let stats = newcomer.transport.get_stats().await.unwrap();
        assert_eq!(stats.dtls_state, DtlsState::Connected);
        slowest = slowest.min(flood.end());
    }
    println!("{slowest:.0} a second or more; the longest took {longest:?}");
    call.end().await;
}

/// Rounds in which a flood may lose one packet and no more, and how many may be tried for them.
const CLEAN_ROUNDS: usize = 3;
const ROUNDS: usize = 20;
/// Packets that are sent to somebody in each flood, and in each pause.
const TALK: u32 = 500;
/// Different datagrams of each kind.
const EACH: usize = 512;
/// How records of epoch 0 begin that carry a handshake.
const PLAIN_HANDSHAKE: [u8; 5] = [22, 254, 253, 0, 0];
/// Datagrams in one system call: so many at once that the worker cannot take them as they come.
const BATCH: usize = 256;
