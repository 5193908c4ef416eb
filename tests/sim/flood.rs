//! docs/security.md rule 16: while datagrams queue up, one participant gets a share of the worker's
//! time, and the others go on. Virtual time makes the counts exact.

use std::time::Duration;

use tureen_tests::media::opus_payload;
use tureen_tests::parameters::{OPUS, Stream};
use tureen_tests::puppet::{Puppet, rtp};
use tureen_tests::stage::{self, FACE, VOICE, watched};
use tureen_tests::world::{Peer, World};
use tureen_worker::internal::ids::{PayloadType, Ssrc};
use tureen_worker::internal::messages::{RequestBody, ResponseBody, StreamStats};
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
        let mut batch = Vec::new();
        for index in 0..count {
            batch.push(next(self));
            if index % 10 == 9 {
                batch.push((PUBLISHER, self.voice()));
            }
        }
        let refused = self.world.worker.counters().over_share;
        self.world.peer_mut(WATCHER).rtp.clear();
        self.world
            .inject_pressed(batch.iter().map(|(from, datagram)| (*from, &**datagram)));
        self.world.run_for(Duration::from_millis(1));
        assert_eq!(self.world.peer(WATCHER).rtp.len(), count / 10);
        self.world.worker.counters().over_share - refused
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

#[test]
fn junk_media_beyond_a_share_is_not_even_decrypted() {
    let mut flood = Flood::new();
    assert_eq!(flood.batch(3_000, Flood::junk), 2_000);
    assert_eq!(flood.taken(), 1_000);
    // 5,000 a second are 500 more in a tenth of a second.
    flood.world.run_for(Duration::from_millis(99));
    assert_eq!(flood.batch(3_000, Flood::junk), 2_500);
    assert_eq!(flood.taken(), 1_500);
}

#[test]
fn nacks_beyond_a_share_are_not_even_decrypted() {
    let mut flood = Flood::new();
    assert_eq!(flood.batch(3_000, Flood::nack), 2_000);
    flood.world.run_for(Duration::from_millis(99));
    assert_eq!(flood.batch(3_000, Flood::nack), 2_500);
}

#[test]
fn what_others_forge_takes_nothing_of_a_share() {
    let mut flood = Flood::new();
    // Of DTLS, a quarter of them, nobody can say at once who has sent it.
    assert_eq!(flood.batch(8_000, Flood::forged), 1_000);
}
