//! docs/security.md rule 16: while datagrams queue up, one participant gets a share of the worker's
//! time, and the others go on. Virtual time makes the counts exact.

use std::net::SocketAddr;
use std::time::Duration;

use tureen_tests::media::opus_payload;
use tureen_tests::parameters::{OPUS, Stream, listen_udp};
use tureen_tests::puppet::{Puppet, rtp};
use tureen_tests::stage::{self, FACE, VOICE, watched};
use tureen_tests::world::{Peer, World};
use tureen_worker::internal::ids::{PayloadType, Ssrc};
use tureen_worker::internal::messages::{Listen, RequestBody, ResponseBody, StreamStats};
use tureen_worker::internal::output::Path;
use tureen_worker::internal::wire::rtcp::{CompoundWriter, Nack, ReceiverReport};
use tureen_worker::internal::wire::rtp::RtpHeader;

use crate::spray::binding;

/// What the flooder publishes.
const JUNK: Stream = Stream::audio("junk", 5000);
const PUBLISHER: usize = 0;
const WATCHER: usize = 1;
const FLOODER: usize = 2;

/// A publisher, a watcher, and one who floods.
struct Flood {
    world: World<Puppet>,
    /// The number of the publisher's next packet.
    voice: u16,
    /// The number of the flooder's next packet.
    junk: u16,
    /// The worker's username fragment for the publisher.
    fragment: String,
}

impl Flood {
    fn new() -> Self {
        let mut world = stage::with_watchers(1, 2, None);
        let produce = RequestBody::TransportProduce(Box::new(JUNK.produce("junk")));
        world.request("puppet-2", produce).unwrap();
        world.run_for(Duration::from_millis(100));
        let dump = world.request("puppet-0", RequestBody::TransportDump);
        let Ok(ResponseBody::WebRtcTransportDump(dump)) = dump else {
            panic!("{dump:?}");
        };
        let fragment = dump.ice_parameters.username_fragment.clone();
        Self {
            world,
            voice: 0,
            junk: 0,
            fragment,
        }
    }

    fn voice(&mut self) -> Vec<u8> {
        self.voice += 1;
        protected(&mut self.world, PUBLISHER, |puppet| {
            puppet.send_rtp(&audio(VOICE, self.voice))
        })
    }

    fn junk(&mut self) -> (usize, Vec<u8>) {
        self.junk += 1;
        let junk = protected(&mut self.world, FLOODER, |puppet| {
            puppet.send_rtp(&audio(JUNK, self.junk))
        });
        (FLOODER, junk)
    }

    fn nack(&mut self) -> (usize, Vec<u8>) {
        let mut buffer = [0; 1200];
        let mut out = CompoundWriter::new(&mut buffer);
        let lost: Vec<u16> = (0..400).collect();
        let ssrc = Ssrc(watched(FLOODER, FACE).ssrc);
        ReceiverReport::write(&mut out, Ssrc(1), &[])
            .and_then(|()| Nack::write(&mut out, Ssrc(1), ssrc, &lost))
            .expect("it fits");
        let compound = out.written().to_vec();
        let nack = protected(&mut self.world, FLOODER, |puppet| {
            puppet.send_rtcp(&compound)
        });
        (FLOODER, nack)
    }

    /// What somebody sends who forges the publisher's address and has no key.
    fn forged(&mut self) -> (usize, Vec<u8>) {
        self.junk += 1;
        let stream = VOICE;
        let forged = match self.junk % 4 {
            0 => audio(stream, self.junk),
            1 => [&[0x81, 203, 0, 1][..], &[0; 24]].concat(),
            2 => vec![21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40],
            _ => binding(&format!("{}:x", self.fragment), b"wrong", true),
        };
        (PUBLISHER, forged)
    }

    /// One batch of `count` datagrams of a flood, and among them a tenth as many packets of the
    /// publisher. Returns how many of the flood were refused. All of the publisher's reach the
    /// watcher.
    fn batch(&mut self, count: usize, next: impl Fn(&mut Self) -> (usize, Vec<u8>)) -> u64 {
        let mut datagrams = Vec::new();
        for _ in 0..count {
            let (from, datagram) = next(self);
            datagrams.push((self.path(from), datagram));
        }
        self.among_voices(datagrams)
    }

    /// One batch of these datagrams, and after each ten a packet of the publisher, all of which
    /// reach the watcher. Returns how many datagrams of participants were refused.
    fn among_voices(&mut self, datagrams: Vec<(Path, Vec<u8>)>) -> u64 {
        let mut batch = Vec::new();
        let publisher = self.path(PUBLISHER);
        let voices = datagrams.len() / 10;
        for (index, datagram) in datagrams.into_iter().enumerate() {
            batch.push(datagram);
            if index % 10 == 9 {
                batch.push((publisher, self.voice()));
            }
        }
        let refused = self.world.worker.counters().over_share;
        self.world.peer_mut(WATCHER).rtp.clear();
        let batch = batch.iter().map(|(path, datagram)| (*path, &**datagram));
        self.world.inject_pressed(batch);
        self.world.run_for(Duration::from_millis(1));
        assert_eq!(self.world.peer(WATCHER).rtp.len(), voices);
        self.world.worker.counters().over_share - refused
    }

    fn path(&self, number: usize) -> Path {
        self.world.path(number).expect("the worker listens")
    }

    /// Packets of the flooder that its producer has seen.
    fn taken(&mut self) -> u64 {
        let stats = self.world.request("junk", RequestBody::ProducerGetStats);
        match stats {
            Ok(ResponseBody::ProducerStats(stats)) => match stats.as_slice() {
                [] => 0,
                [StreamStats::Recv(stats)] => stats.packet_count,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }
}

fn protected(world: &mut World<Puppet>, number: usize, send: impl FnOnce(&mut Puppet)) -> Vec<u8> {
    let puppet = world.peer_mut(number);
    send(puppet);
    puppet.poll_transmit().expect("it is protected")
}

fn audio(stream: Stream, number: u16) -> Vec<u8> {
    let header = RtpHeader {
        marker: false,
        payload_type: PayloadType(OPUS),
        sequence_number: number,
        timestamp: u32::from(number) * 960,
        ssrc: Ssrc(stream.ssrc),
    };
    rtp(header, &opus_payload(u32::from(number)))
}

/// The figures follow from the costs and rates: a packet of junk is 108 bytes, so it costs 5,456
/// instructions. These are 0.682 ms of the flooder's own share and 0.175 ms of its network's.
#[test]
fn junk_media_beyond_a_share_is_not_even_decrypted() {
    let mut flood = Flood::new();
    assert_eq!(flood.batch(3_000, Flood::junk), 1_917);
    assert_eq!(flood.taken(), 1_083);
    // In a tenth of a second 147 and 573 are paid.
    flood.world.run_for(Duration::from_millis(99));
    assert_eq!(flood.batch(3_000, Flood::junk), 3_000 - 720);
    assert_eq!(flood.taken(), 1_083 + 720);
}

/// A NACK costs what it asks for, too. Those that ask for 400 packets are refused long before as
/// many datagrams of junk would be.
#[test]
fn nacks_beyond_a_share_are_not_even_decrypted() {
    let mut flood = Flood::new();
    assert_eq!(flood.batch(3_000, Flood::nack), 2_804);
    flood.world.run_for(Duration::from_millis(99));
    assert_eq!(flood.batch(3_000, Flood::nack), 2_867);
}

#[test]
fn whoever_floods_from_many_transports_gets_little_more_and_neighbours_notice_nothing() {
    let mut flood = Flood::new();
    let flooder = stage::address(FLOODER);
    let mut join = |port: u16| {
        let listen = Listen::Individual(vec![listen_udp("10.0.0.1", 0)]);
        let address = SocketAddr::new(flooder.ip(), port);
        let id = format!("transport-{port}");
        Puppet::join(&mut flood.world, "router", &id, listen, address)
    };
    let transports: Vec<_> = (1..=8).map(&mut join).collect();
    let neighbour = join(9);
    flood.world.run_for(Duration::from_millis(100));
    let of_each = |numbers: &[usize], count: u16, flood: &mut Flood| {
        let mut datagrams = Vec::new();
        for number in numbers {
            let path = flood.path(*number);
            datagrams.extend((0..count).map(|_| {
                flood.junk += 1;
                let packet = audio(JUNK, flood.junk);
                let send = |puppet: &mut Puppet| puppet.send_rtp(&packet);
                (path, protected(&mut flood.world, *number, send))
            }));
        }
        flood.among_voices(datagrams)
    };
    let refused = of_each(&transports, 1_000, &mut flood);
    assert_eq!(8_000 - refused, 8 * 367 + 716);
    // The network has nothing left. Its other participants have what is theirs.
    assert_eq!(of_each(&[neighbour], 300, &mut flood), 0);
    flood.world.run_for(Duration::from_millis(98));
    let refused = of_each(&transports, 1_000, &mut flood);
    assert_eq!(8_000 - refused, 8 * 147 + 573);
}

/// Whoever knows the name of a transport may send checks for it from anywhere. They cost the worker
/// no more than a share, and neither the transport nor its network pays for them.
#[test]
fn checks_of_strangers_have_one_share_and_participants_have_theirs() {
    let mut flood = Flood::new();
    let (path, flooder) = (flood.path(PUBLISHER), stage::address(FLOODER));
    let from = |port| Path {
        remote: SocketAddr::new(flooder.ip(), port),
        ..path
    };
    let forged = binding(
        &format!("{}:stranger", flood.fragment),
        b"no password",
        true,
    );
    let forgeries = (1_000..6_000).map(|port| (from(port), forged.clone()));
    let mut checks: Vec<_> = forgeries.collect();
    // One that knows its path to the worker comes last.
    let own = flood.world.peer_mut(WATCHER).check();
    checks.push((flood.path(WATCHER), own));
    let answered = flood.world.peer(WATCHER).stun.len();
    assert_eq!(flood.among_voices(checks), 0);
    let refused = flood.world.worker.counters().stun_over_share;
    assert_eq!(refused, 5_000 - 1_563);
    assert_eq!(flood.world.peer(WATCHER).stun.len(), answered + 1);
    assert_eq!(flood.batch(3_000, Flood::junk), 1_917);
    // A newcomer tries again, and gets in.
    flood.world.run_for(Duration::from_millis(97));
    flood.world.strays.clear();
    let check = flood.world.peer_mut(PUBLISHER).check();
    flood.among_voices(vec![(from(7_000), check)]);
    let answers = &flood.world.strays;
    assert!(answers.iter().any(|(to, _)| to.port() == 7_000));
}

#[test]
fn what_others_forge_takes_nothing_of_a_share() {
    let mut flood = Flood::new();
    // Of DTLS, a quarter of them, nobody can say at once who has sent it.
    assert_eq!(flood.batch(8_000, Flood::forged), 2_000 - 196);
}
