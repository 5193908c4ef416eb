//! One participant that sends as much as it can, and what that costs the others.

use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, send};
use serde_json::json;
use tokio::sync::{Mutex, oneshot};
use tureen_controller::rtp::MediaKind;
use tureen_controller::{Consumer, ConsumerOptions, Producer, ProducerOptions};
use tureen_peer::SrtpProfile;
use tureen_peer::rtp::Ssrc;

use crate::call::Call;
use crate::endpoint::{Endpoint, new_peer};
use crate::relay::{Path, Relay};
use crate::within;

/// Held during a flood: two at a time are more than a small machine can send.
pub(crate) static FLOODS: Mutex<()> = Mutex::const_new(());

/// Media of a subscriber that the floods of others must not touch.
pub(crate) struct Victims {
    pub(crate) publisher: Endpoint,
    pub(crate) subscriber: Endpoint,
    ssrc: Ssrc,
    /// The next packet's number.
    next: AtomicU16,
    /// Which close when they are let go of.
    _streams: (Producer, Consumer),
}

impl Victims {
    async fn start(call: &Call) -> Self {
        let publisher = Endpoint::connect(call.transport().await, &SrtpProfile::ALL).await;
        Self::of(call, publisher).await
    }

    /// Those of whom `publisher` is one.
    pub(crate) async fn of(call: &Call, publisher: Endpoint) -> Self {
        let subscriber = Endpoint::connect(call.transport().await, &SrtpProfile::ALL).await;
        let producer = produce(&publisher).await;
        let consumer = consume(&subscriber, &producer).await;
        subscriber.receive(&[&consumer]).await;
        consumer.resume().await.unwrap();
        let ssrc = Ssrc(consumer.rtp_parameters().encodings[0].ssrc.unwrap().0);
        Self {
            publisher,
            subscriber,
            ssrc,
            next: AtomicU16::new(0),
            _streams: (producer, consumer),
        }
    }

    /// Has the flooder and a stranger send the same datagrams, `rate` a second, in turns. Asserts
    /// that the flooder costs the others hardly a packet more than the stranger does. A datagram of
    /// a stranger costs the worker the least that one can: a look at a table.
    ///
    /// A machine that is busy with other things loses packets in some of the rounds, whoever sends.
    /// So the median round counts.
    async fn assert_untouched(
        &self,
        flooder: &Flooder,
        packet: impl Fn(usize) -> Flooding,
        rate: u32,
    ) {
        let all = flooder.protected(ROUNDS * FLOOD, packet).await;
        let paths = [flooder.relay.other_path().await, flooder.relay.path()];
        let mut rounds = Vec::new();
        for datagrams in all.chunks(FLOOD) {
            let mut lost = [0.0; 2];
            for (path, lost) in paths.iter().zip(&mut lost) {
                *lost = self.loss_during(flood(path, datagrams, rate)).await;
            }
            rounds.push(lost);
        }
        rounds.sort_by(|one, other| more(one).total_cmp(&more(other)));
        assert!(
            more(&rounds[ROUNDS / 2]) <= 0.01,
            "lost while a stranger floods, and while the participant does: {rounds:.3?}"
        );
    }

    /// Which part of the packets never comes while `flood` goes on. The start of the flood does not
    /// count: a participant may have a burst.
    async fn loss_during(&self, mut flood: Flood) -> f64 {
        within("the start of a flood", &mut flood.started)
            .await
            .unwrap();
        let lost = self.loss_while(|_| !flood.thread.is_finished()).await;
        flood.thread.join().unwrap();
        lost
    }

    /// Sends a packet each millisecond as long as `goes_on` says so of the number of those that are
    /// sent, and says which part of them never came.
    pub(crate) async fn loss_while(&self, goes_on: impl Fn(u32) -> bool) -> f64 {
        let before = self.came(TALK);
        let mut sent = 0_u32;
        let mut ticks = tokio::time::interval(Duration::from_millis(1));
        while goes_on(sent) {
            ticks.tick().await;
            self.send(TALK).await;
            sent += 1;
        }
        // One of another length that gets through says that those before it have come or never
        // will.
        let last = self.came(LAST);
        while self.came(LAST) == last {
            ticks.tick().await;
            self.send(LAST).await;
        }
        let came = u32::try_from(self.came(TALK) - before).unwrap();
        1.0 - f64::from(came) / f64::from(sent)
    }

    async fn send(&self, len: usize) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let packet = packet(number, len);
        self.publisher.sender.send_rtp(&packet).await.unwrap();
    }

    /// How many packets with a payload of `len` bytes have come.
    fn came(&self, len: usize) -> usize {
        let inbox = self.subscriber.inbox();
        let packets = inbox.packets(self.ssrc);
        packets
            .filter(|packet| packet.payload().len() == len)
            .count()
    }
}

/// A participant behind a relay that keeps what it protects, to be sent at once.
struct Flooder {
    relay: Relay,
    endpoint: Endpoint,
}

impl Flooder {
    async fn connect(call: &Call) -> Self {
        let relay = Relay::to(call.address().await).await;
        let transport = call.transport().await;
        let remote = relay.remote_parameters(&transport);
        let peer = new_peer(&SrtpProfile::ALL).await;
        let endpoint = Endpoint::connect_over(transport, peer, remote).await;
        Self { relay, endpoint }
    }

    /// What the participant sends when told to, protected.
    async fn protected(&self, count: usize, packet: impl Fn(usize) -> Flooding) -> Vec<Vec<u8>> {
        self.relay.hold();
        for index in 0..count {
            match packet(index) {
                Flooding::Rtp(packet) => self.endpoint.sender.send_rtp(&packet).await.unwrap(),
                Flooding::Rtcp(packet) => self.endpoint.sender.send_rtcp(&packet).await.unwrap(),
            }
            if index % 64 == 63 {
                self.relay.until_held(index + 1).await;
            }
        }
        self.relay.until_held(count).await;
        self.relay.release()
    }
}

enum Flooding {
    Rtp(Vec<u8>),
    Rtcp(Vec<u8>),
}

/// A flood that goes on.
struct Flood {
    thread: thread::JoinHandle<()>,
    /// Told when its start is over.
    started: oneshot::Receiver<()>,
}

/// Which part more of the others' packets was lost while the participant flooded than while the
/// stranger did.
fn more([by_stranger, by_participant]: &[f64; 2]) -> f64 {
    by_participant - by_stranger
}

/// Sends `datagrams` at `rate` a second from a thread of its own, as many at a time as are due.
#[expect(
    clippy::disallowed_methods,
    reason = "it keeps a rate; nothing waits for it"
)]
fn flood(path: &Arc<Path>, datagrams: &[Vec<u8>], rate: u32) -> Flood {
    let (path, datagrams) = (Arc::clone(path), datagrams.to_vec());
    let (start_is_over, started) = oneshot::channel();
    let mut start_is_over = Some(start_is_over);
    let thread = thread::spawn(move || {
        let start = Instant::now();
        for (index, datagram) in (0_u32..).zip(&datagrams) {
            if index == BURST {
                start_is_over.take().map(|told| told.send(()));
            }
            let due = Duration::from_secs(1) * index / rate;
            if let Some(early) = due.checked_sub(start.elapsed()) {
                thread::sleep(early.max(Duration::from_millis(1)));
            }
            let sent = send(path.socket().as_raw_fd(), datagram, MsgFlags::MSG_DONTWAIT);
            assert!(matches!(sent, Ok(_) | Err(Errno::EAGAIN)), "{sent:?}");
        }
    });
    Flood { thread, started }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn junk_media_of_one_participant_costs_the_others_next_to_nothing() {
    let _alone = FLOODS.lock().await;
    let call = Call::start().await;
    let victims = Victims::start(&call).await;
    let flooder = Flooder::connect(&call).await;
    let producer = produce(&flooder.endpoint).await;
    let mut audience = Vec::new();
    for _ in 0..LISTENERS {
        let listener = Endpoint::connect(call.transport().await, &SrtpProfile::ALL).await;
        let consumer = consume(&listener, &producer).await;
        consumer.resume().await.unwrap();
        audience.push((listener, consumer));
    }
    let packet = |index: usize| Flooding::Rtp(packet(u16::try_from(index % 65_536).unwrap(), 60));
    victims.assert_untouched(&flooder, packet, 200_000).await;
    call.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nacks_of_one_participant_cost_the_others_next_to_nothing() {
    let _alone = FLOODS.lock().await;
    let call = Call::start().await;
    let victims = Victims::start(&call).await;
    let speaker = call.publisher().await;
    let flooder = Flooder::connect(&call).await;
    let consumer = consume(&flooder.endpoint, &speaker.video).await;
    consumer.resume().await.unwrap();
    let ssrc = consumer.rtp_parameters().encodings[0].ssrc.unwrap().0;
    let pairs = 120_u16;
    let mut nack = vec![0x81, 205];
    nack.extend((2 + pairs).to_be_bytes());
    nack.extend(1_u32.to_be_bytes());
    nack.extend(ssrc.to_be_bytes());
    for pair in 0..pairs {
        nack.extend((pair * 17).to_be_bytes());
        nack.extend([0xff, 0xff]);
    }
    let packet = |_| Flooding::Rtcp(nack.clone());
    victims.assert_untouched(&flooder, packet, 200_000).await;
    call.end().await;
}

/// A producer of Opus under [`SSRC`], which carries whatever it is given.
async fn produce(endpoint: &Endpoint) -> Producer {
    let parameters = json!({
        "codecs": [{
            "mimeType": "audio/opus", "payloadType": 111, "clockRate": 48000, "channels": 2,
        }],
        "encodings": [{ "ssrc": SSRC }],
    });
    let options = ProducerOptions::new(
        MediaKind::Audio,
        serde_json::from_value(parameters).unwrap(),
    );
    endpoint.transport.produce(options).await.unwrap()
}

async fn consume(endpoint: &Endpoint, producer: &Producer) -> Consumer {
    let capabilities = endpoint.transport.router().rtp_capabilities().clone();
    let mut options = ConsumerOptions::new(producer.id().clone(), capabilities);
    options.paused = true;
    endpoint.transport.consume(options).await.unwrap()
}

/// An RTP packet whose payload is `len` bytes of nothing.
fn packet(number: u16, len: usize) -> Vec<u8> {
    let mut packet = vec![0x80, 111];
    packet.extend(number.to_be_bytes());
    packet.extend((u32::from(number) * 48).to_be_bytes());
    packet.extend(SSRC.to_be_bytes());
    packet.resize(12 + len, 0x55);
    packet
}

pub(crate) const SSRC: u32 = 5000;
/// Bytes of payload of what is counted, and of what ends a round.
const TALK: usize = 100;
const LAST: usize = 50;
/// Datagrams of a flood, and those at its start during which nothing is counted.
const FLOOD: usize = 30_000;
const BURST: u32 = 8_000;
/// How often each of the two floods.
const ROUNDS: usize = 5;
/// Who has the flooder's media sent to them.
const LISTENERS: usize = 1;
