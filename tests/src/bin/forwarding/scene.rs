//! The scenes that are measured: who publishes what, and who receives it.

use std::net::SocketAddr;
use std::time::Duration;

use tureen_tests::media::{Camera, opus_payload};
use tureen_tests::parameters::{Stream, listen_udp};
use tureen_tests::puppet::{Puppet, rtp};
use tureen_tests::world::{Peer, World};
use tureen_worker::internal::ids::{PayloadType, Ssrc};
use tureen_worker::internal::messages::{Listen, RequestBody};
use tureen_worker::internal::params::MediaKind;
use tureen_worker::internal::time::Instant;
use tureen_worker::internal::wire::rtp::RtpHeader;

/// Who is there.
#[derive(Clone, Copy)]
pub(crate) struct Scene {
    /// People who publish; each is a transport.
    publishers: u32,
    /// Streams of each.
    voices: u32,
    faces: u32,
    /// People who only receive.
    watchers: u32,
    /// Whether publishers receive each other.
    is_conversation: bool,
    /// Whether sizes differ, as encoders make them. Otherwise packets of a kind are all alike.
    is_varied: bool,
}

impl Scene {
    /// The scene of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let broadcast = Self {
            publishers: 1,
            voices: 1,
            faces: 1,
            watchers: 100,
            is_conversation: false,
            is_varied: false,
        };
        let conversation = Self {
            watchers: 0,
            is_conversation: true,
            is_varied: true,
            ..broadcast
        };
        Some(match name {
            "broadcast" => broadcast,
            "pair" => Self {
                watchers: 1,
                ..broadcast
            },
            "radio" => Self {
                faces: 0,
                ..broadcast
            },
            "room" => Self {
                publishers: 10,
                ..conversation
            },
            "speakers" => Self {
                publishers: 20,
                faces: 0,
                ..conversation
            },
            "pipe" => Self {
                voices: 200,
                faces: 0,
                watchers: 1,
                ..broadcast
            },
            _ => return None,
        })
    }

    pub(crate) fn people(self) -> u32 {
        self.publishers + self.watchers
    }

    /// How many consumers each packet has.
    pub(crate) fn audience(self) -> u32 {
        self.watchers + u32::from(self.is_conversation) * (self.publishers - 1)
    }

    /// Lets the publishers publish.
    pub(crate) fn publish(self, world: &mut World<Puppet>) -> Vec<Source> {
        let mut sources = Vec::new();
        for publisher in 0..self.publishers {
            for index in 0..self.voices + self.faces {
                let number = publisher * (self.voices + self.faces) + index;
                let source = Source::new(self, publisher, index, number, world.now);
                let produce = source.stream.produce(source.stream.mid);
                let produce = RequestBody::TransportProduce(Box::new(produce));
                let transport = format!("transport-{publisher}");
                world.request(&transport, produce).expect("it is produced");
                sources.push(source);
            }
        }
        sources
    }

    /// Lets everyone receive the streams of the others. Returns how many consumers there are.
    pub(crate) fn consume(self, world: &mut World<Puppet>, sources: &[Source]) -> u32 {
        let mut consumers = 0;
        for person in 0..self.people() {
            if person < self.publishers && !self.is_conversation {
                continue;
            }
            for source in sources.iter().filter(|source| source.publisher != person) {
                let from = source.stream;
                let id = format!("{}-to-{person}", from.mid);
                let consume = from.consume(&id, from.mid, from);
                let consume = RequestBody::TransportConsume(Box::new(consume));
                let transport = format!("transport-{person}");
                world.request(&transport, consume).expect("it is consumed");
                consumers += 1;
            }
        }
        consumers
    }
}

/// Puts a person into the world.
pub(crate) fn join(world: &mut World<Puppet>, number: u32) {
    let listen = Listen::Individual(vec![listen_udp("10.0.0.1", 0)]);
    let [_, _, high, low] = number.to_be_bytes();
    let address = SocketAddr::from(([10, 1, high, low], 50_000));
    let id = format!("transport-{number}");
    Puppet::join(world, "router", &id, listen, address);
}

/// One stream as its publisher sends it.
pub(crate) struct Source {
    pub(crate) publisher: u32,
    /// When its next frame is sent.
    pub(crate) next_at: Instant,
    stream: Stream,
    camera: Camera,
    is_varied: bool,
    sequence_number: u16,
    timestamp: u32,
}

impl Source {
    fn new(scene: Scene, publisher: u32, index: u32, number: u32, now: Instant) -> Self {
        // Producers are known by their MIDs. The program ends before the names matter.
        let mid = Box::leak(format!("m{number}").into_boxed_str());
        let ssrc = 1000 + 10 * number;
        let stream = if index < scene.voices {
            Stream::audio(mid, ssrc)
        } else {
            Stream::video(mid, ssrc)
        };
        // A hundred people in a pipe do not speak in step.
        let offset = Duration::from_millis(u64::from(index / VOICES_IN_STEP));
        let first = match stream.kind {
            MediaKind::Audio => offset,
            MediaKind::Video => FRAME_INTERVAL,
        };
        Self {
            publisher,
            next_at: now + first,
            stream,
            camera: Camera::new(PACKETS_PER_FRAME, PAYLOAD),
            is_varied: scene.is_varied,
            sequence_number: 0,
            timestamp: 0,
        }
    }

    /// The packets of the next frame, protected.
    pub(crate) fn next_frame(&mut self, puppet: &mut Puppet, mut each: impl FnMut(&[u8])) {
        let (interval, ticks, mut payloads) = match self.stream.kind {
            MediaKind::Audio => (AUDIO_INTERVAL, 960, vec![opus_payload(self.timestamp)]),
            MediaKind::Video => (FRAME_INTERVAL, 3000, self.camera.next_frame()),
        };
        self.next_at += interval;
        self.timestamp = self.timestamp.wrapping_add(ticks);
        if self.is_varied
            && let Some(last) = payloads.last_mut()
        {
            let least = match self.stream.kind {
                MediaKind::Audio => 60,
                MediaKind::Video => last.len() - 800,
            };
            let spread = last.len().max(120) - least;
            last.resize(least + self.chance() as usize % spread, 0);
        }
        let end = payloads.len() - 1;
        for (index, payload) in payloads.into_iter().enumerate() {
            self.sequence_number = self.sequence_number.wrapping_add(1);
            let header = RtpHeader {
                marker: self.stream.kind == MediaKind::Video && index == end,
                payload_type: PayloadType(self.stream.payload_type()),
                sequence_number: self.sequence_number,
                timestamp: self.timestamp,
                ssrc: Ssrc(self.stream.ssrc),
            };
            puppet.send_rtp(&rtp(header, &payload));
            each(&puppet.poll_transmit().expect("it is protected"));
        }
    }

    /// A number that looks random and is the same in every run.
    fn chance(&self) -> u32 {
        let mixed = (self.timestamp ^ self.stream.ssrc).wrapping_mul(0x9e37_79b1);
        (mixed ^ mixed >> 15).wrapping_mul(0x85eb_ca6b) >> 8
    }
}

const PACKETS_PER_FRAME: u8 = 9;
/// Payload of a video packet, so that it is 1149 bytes with its header.
const PAYLOAD: usize = 1137;
pub(crate) const FRAME_INTERVAL: Duration = Duration::from_millis(33);
const AUDIO_INTERVAL: Duration = Duration::from_millis(20);
const VOICES_IN_STEP: u32 = 10;
