//! The parts together, in virtual time: a publisher, the worker's two streams with the store
//! between them, and a subscriber, over two lossy paths.

use std::collections::BTreeMap;
use std::time::Duration;

use super::receive::ReceiveStats;
use super::send::SendStats;
use super::*;
use crate::codecs::PayloadDigest;
use crate::ids::{PayloadType, Ssrc};
use crate::time::Instant;

/// A packet on a path; retransmissions name their original sequence number.
#[derive(Clone)]
struct Packet {
    seq: u16,
    osn: Option<u16>,
    timestamp: u32,
    payload: Vec<u8>,
}

/// Loses packets and delays the others by 30 ms or, now and then, 45 ms.
struct LossyPath {
    loss_percent: u64,
    state: u64,
    in_flight: Vec<(Instant, Packet)>,
}

impl LossyPath {
    fn new(loss_percent: u64, seed: u64) -> Self {
        Self {
            loss_percent,
            state: seed,
            in_flight: Vec::new(),
        }
    }

    fn send(&mut self, now: Instant, packet: Packet) {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        if self.state % 100 >= self.loss_percent {
            let late = (self.state >> 32).is_multiple_of(20);
            let delay = Duration::from_millis(if late { 45 } else { 30 });
            self.in_flight.push((now + delay, packet));
        }
    }

    fn arrived(&mut self, now: Instant) -> Vec<Packet> {
        let (arrived, rest): (Vec<_>, Vec<_>) =
            self.in_flight.drain(..).partition(|(at, _)| *at <= now);
        self.in_flight = rest;
        arrived.into_iter().map(|(_, packet)| packet).collect()
    }
}

/// The receiving end of a path. It accepts new packets and asks for missing ones.
struct Receiver(ReceiveStream);

impl Receiver {
    fn new() -> Self {
        Self(ReceiveStream::new(ReceiveStreamParams {
            ssrc: Ssrc(1),
            payload_type: PayloadType(96),
            clock_rate: 90_000,
            rtx: Some((Ssrc(2), PayloadType(97))),
            nack: true,
            inactivity: None,
        }))
    }

    fn handle(&mut self, now: Instant, packet: &Packet) -> Option<ExtendedSeq> {
        let incoming = IncomingPacket {
            seq: packet.seq,
            timestamp: packet.timestamp,
            received: now,
            size: packet.payload.len() + 12,
            has_payload: true,
            key_frame: false,
        };
        let accepted = match packet.osn {
            None => self.0.handle_rtp(now, &incoming),
            Some(osn) => self.0.handle_rtx(now, &incoming, osn),
        };
        accepted.ok().map(|accepted| accepted.seq)
    }

    fn due(&mut self, now: Instant) -> Vec<u16> {
        let mut due = [0; 64];
        let count = self.0.take_due_nacks(now, &mut due);
        due[..count].to_vec()
    }
}

/// The worker's consumer: shifts sequence numbers and timestamps by constants.
struct Consumer(SendStream);

const SEQ_SHIFT: u16 = 40_000;
const TIMESTAMP_SHIFT: u32 = 0xf000_0000;

impl Consumer {
    fn forward(&mut self, now: Instant, stored: &StoredPacket<'_>) -> Packet {
        let record = SentRecord {
            seq: stored.seq.seq().wrapping_add(SEQ_SHIFT),
            stream: 0,
            source: stored.seq.low32(),
            timestamp_offset: TIMESTAMP_SHIFT,
            marker: stored.marker,
            codec: 0,
        };
        let timestamp = stored.timestamp.wrapping_add(TIMESTAMP_SHIFT);
        let len = stored.payload.len();
        self.0.note_sent(now, timestamp, len, len + 12, record);
        Packet {
            seq: record.seq,
            osn: None,
            timestamp,
            payload: stored.payload.to_vec(),
        }
    }

    fn resend(&mut self, now: Instant, seq: u16, store: &PacketStore) -> Option<Packet> {
        let record = self.0.find_nacked(now, seq).ok()?;
        let stored = store.get(record.source_seq(store.highest()?))?;
        self.0.note_resent(now, seq, stored.payload.len() + 14);
        Some(Packet {
            seq: self.0.next_rtx_seq(),
            osn: Some(seq),
            timestamp: stored.timestamp.wrapping_add(record.timestamp_offset),
            payload: stored.payload.to_vec(),
        })
    }
}

fn content(timestamp: u32) -> Vec<u8> {
    timestamp.to_be_bytes().repeat(40)
}

/// Sends 4,000 packets, 200 a second, and returns what the subscriber got, by timestamp, with the
/// statistics of the worker's two streams.
fn run(loss_percent: u64) -> (BTreeMap<u32, usize>, ReceiveStats, SendStats) {
    let (mut up, mut down) = (
        LossyPath::new(loss_percent, 7),
        LossyPath::new(loss_percent, 11),
    );
    let (mut worker, mut subscriber) = (Receiver::new(), Receiver::new());
    let mut store = PacketStore::new(StoreLimits::VIDEO);
    let mut consumer = Consumer(SendStream::new(
        SendStreamParams {
            ssrc: Ssrc(3),
            clock_rate: 90_000,
            rtx: Some((Ssrc(4), PayloadType(97))),
        },
        0xfff0,
    ));
    let mut published = BTreeMap::new();
    let mut publisher_rtx_seq = 0_u16;
    let mut got = BTreeMap::new();
    let mut now = Instant::from_millis(77_000);
    for n in 0..4_400_u32 {
        now += Duration::from_millis(5);
        if n < 4_000 {
            let packet = Packet {
                seq: ((n & 0xffff) as u16).wrapping_add(65_000),
                osn: None,
                timestamp: n,
                payload: content(n),
            };
            published.insert(packet.seq, packet.clone());
            up.send(now, packet);
        }
        for packet in up.arrived(now) {
            let Some(seq) = worker.handle(now, &packet) else {
                continue;
            };
            let stored = StoredPacket {
                seq,
                timestamp: packet.timestamp,
                marker: false,
                payload_type: 96,
                received: now,
                digest: PayloadDigest::default(),
                extensions: &[],
                payload: &packet.payload,
            };
            assert_eq!(store.insert(now, &stored), Insertion::Stored);
            down.send(now, consumer.forward(now, &store.get(seq).unwrap()));
        }
        // Requests arrive at once and are never lost, because the test is about asking and
        // answering.
        for seq in worker.due(now) {
            publisher_rtx_seq = publisher_rtx_seq.wrapping_add(1);
            let repair = Packet {
                seq: publisher_rtx_seq,
                osn: Some(seq),
                ..published[&seq].clone()
            };
            up.send(now, repair);
        }
        for packet in down.arrived(now) {
            if subscriber.handle(now, &packet).is_some() {
                let timestamp = packet.timestamp.wrapping_sub(TIMESTAMP_SHIFT);
                assert_eq!(packet.payload, content(timestamp));
                *got.entry(timestamp).or_default() += 1;
            }
        }
        for seq in subscriber.due(now) {
            if let Some(packet) = consumer.resend(now, seq, &store) {
                down.send(now, packet);
            }
        }
    }
    (got, worker.0.stats(now), consumer.0.stats(now))
}

#[test]
fn without_loss_nothing_is_asked_for_in_vain() {
    let (got, received, sent) = run(0);
    assert_eq!(got.len(), 4_000);
    assert_eq!(received.packets_lost, 0);
    assert_eq!(sent.packet_count - sent.packets_retransmitted, 4_000);
}

#[test]
fn at_ten_percent_loss_on_both_paths_every_packet_arrives_once_and_whole() {
    let (got, received, sent) = run(10);
    let missing: Vec<u32> = (0..3_990).filter(|n| !got.contains_key(n)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(got.values().all(|count| *count == 1));
    assert!((350..450).contains(&received.packets_lost), "{received:?}");
    assert!(received.packets_repaired >= 350, "{received:?}");
    // A tenth of the packets is lost. Late packets on either path are asked for at once as well.
    assert!(
        (350..1_200).contains(&sent.packets_retransmitted),
        "{sent:?}"
    );
}

#[test]
fn an_outgoing_stream_at_rest_is_small() {
    assert!(
        size_of::<SendStream>() <= 512,
        "{}",
        size_of::<SendStream>()
    );
}
