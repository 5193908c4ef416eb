//! Fan-out: what arrived at producers leaves to their consumers, consumer by consumer, so that one
//! consumer's packets lie side by side and its state is touched once per batch.

use crate::arena::Arena;
use crate::consumer::Consumer;
use crate::ids::{ConsumerKey, PayloadType, ProducerKey, TransportKey};
use crate::output::Output;
use crate::producer::{Arrival, Producer};
use crate::streams::{SentRecord, StoredPacket};
use crate::time::Instant;
use crate::transport::{RtpToSend, Sent, Transport};
use crate::wire::rtp::RtpHeader;

/// The producers whose arrivals wait, and how far the fan-out of the first has come.
#[derive(Debug, Default)]
pub(crate) struct FanOut {
    waiting: Vec<ProducerKey>,
    /// Within the first producer: the consumer and the arrival that are next.
    consumer: usize,
    arrival: usize,
}

/// The entities that fan-out reads and writes.
pub(crate) struct Ends<'a> {
    pub(crate) producers: &'a mut Arena<ProducerKey, Producer>,
    pub(crate) consumers: &'a mut Arena<ConsumerKey, Consumer>,
    pub(crate) transports: &'a mut Arena<TransportKey, Transport>,
    /// The transport that is being worked on, to be removed if that panics.
    pub(crate) current: &'a mut Option<TransportKey>,
}

impl FanOut {
    /// A packet arrived at a producer.
    pub(crate) fn add(&mut self, producer: ProducerKey) {
        if !self.waiting.contains(&producer) {
            self.waiting.push(producer);
        }
    }

    /// The producer is gone.
    pub(crate) fn remove_producer(&mut self, producer: ProducerKey) {
        if self.waiting.first() == Some(&producer) {
            (self.consumer, self.arrival) = (0, 0);
        }
        self.waiting.retain(|other| *other != producer);
    }

    /// Removes a consumer from its producer's list without losing the place in it.
    pub(crate) fn remove_consumer(
        &mut self,
        producer: ProducerKey,
        consumers: &mut Vec<ConsumerKey>,
        consumer: ConsumerKey,
    ) {
        let Some(at) = consumers.iter().position(|other| *other == consumer) else {
            return;
        };
        if self.waiting.first() == Some(&producer) && at <= self.consumer {
            // Swapping could bring one that waits behind the place, or repeat one that is done.
            consumers.remove(at);
            if at < self.consumer {
                self.consumer -= 1;
            } else {
                self.arrival = 0;
            }
        } else {
            consumers.swap_remove(at);
        }
    }

    /// Forwards until nothing waits (`true`) or the output is full (`false`).
    pub(crate) fn run(&mut self, now: Instant, ends: &mut Ends<'_>, output: &mut Output) -> bool {
        while let Some(key) = self.waiting.first().copied() {
            if !self.run_producer(now, key, ends, output) {
                return false;
            }
            if let Some(producer) = ends.producers.get_mut(key) {
                producer.arrivals.clear();
            }
            self.waiting.remove(0);
            (self.consumer, self.arrival) = (0, 0);
        }
        true
    }

    fn run_producer(
        &mut self,
        now: Instant,
        key: ProducerKey,
        ends: &mut Ends<'_>,
        output: &mut Output,
    ) -> bool {
        let Some(producer) = ends.producers.get(key) else {
            return true;
        };
        while let Some(consumer_key) = producer.consumers.get(self.consumer) {
            let consumer = &mut ends.consumers[*consumer_key];
            let transport = &mut ends.transports[consumer.transport];
            if consumer.is_active() && transport.egress.is_connected() {
                *ends.current = Some(consumer.transport);
                loop {
                    if !output.has_room() {
                        return false;
                    }
                    let waiting = producer.arrivals.get(self.arrival..).unwrap_or_default();
                    if let Some(earlier) = consumer.next_to_catch_up(producer, waiting) {
                        forward(now, producer, &earlier, consumer, transport, output);
                        continue;
                    }
                    let Some(arrival) = waiting.first() else {
                        break;
                    };
                    self.arrival += 1;
                    forward(now, producer, arrival, consumer, transport, output);
                }
            }
            self.consumer += 1;
            self.arrival = 0;
        }
        true
    }
}

/// One packet to one consumer.
fn forward(
    now: Instant,
    producer: &Producer,
    arrival: &Arrival,
    consumer: &mut Consumer,
    transport: &mut Transport,
    output: &mut Output,
) {
    let Some(stream) = producer.streams().get(usize::from(arrival.stream)) else {
        return;
    };
    if stream.mapped_ssrc != consumer.mapped_ssrc {
        return;
    }
    let Some(packet) = stream.store.get(arrival.seq) else {
        return;
    };
    let Some(forward) = consumer.decide(arrival, &packet) else {
        return;
    };
    let record = SentRecord {
        seq: forward.sequence_number,
        stream: arrival.stream,
        source: (arrival.seq.0 & 0xffff_ffff) as u32,
        timestamp_offset: 0,
        marker: packet.marker,
        codec: 0,
    };
    let to_send = media(consumer, &packet, &record);
    let stream = &mut consumer.srtp;
    if let Sent::Queued(len) = transport.egress.send_rtp(now, &to_send, stream, output) {
        let payload_len = packet.payload.len();
        consumer
            .stream
            .note_sent(now, packet.timestamp, payload_len, len, record);
    }
}

/// Sends again what a consumer's peer misses; `false` when the output is full.
pub(crate) fn resend(
    now: Instant,
    producer: &Producer,
    consumer: &mut Consumer,
    transport: &mut Transport,
    output: &mut Output,
) -> bool {
    while let Some(seq) = consumer.nacked.first().copied() {
        if !output.has_room() {
            return false;
        }
        consumer.nacked.remove(0);
        resend_one(now, producer, consumer, transport, seq, output);
    }
    true
}

fn resend_one(
    now: Instant,
    producer: &Producer,
    consumer: &mut Consumer,
    transport: &mut Transport,
    seq: u16,
    output: &mut Output,
) {
    // Without an RTX stream the packet would have to leave under its old sequence number, which is
    // the nonce of the AEAD profiles: with other stamps it must not.
    let Some((rtx_ssrc, rtx_payload_type)) = consumer.stream.params().rtx else {
        return;
    };
    let record = match consumer.stream.find_nacked(now, seq) {
        Ok(record) => record,
        Err(reason) => {
            tracing::debug!(target: "tureen::rtx", consumer = %consumer.id, seq, ?reason, "not sent again");
            return;
        }
    };
    let Some(stream) = producer.streams().get(usize::from(record.stream)) else {
        return;
    };
    let source = stream
        .store
        .highest()
        .map(|highest| record.source_seq(highest));
    let Some(packet) = source.and_then(|source| stream.store.get(source)) else {
        tracing::debug!(target: "tureen::rtx", consumer = %consumer.id, seq, "not kept any more");
        return;
    };
    let rtx_seq = consumer.stream.next_rtx_seq();
    let mut to_send = media(consumer, &packet, &record);
    to_send.original_sequence_number = Some(seq);
    to_send.header.ssrc = rtx_ssrc;
    to_send.header.payload_type = rtx_payload_type;
    to_send.header.sequence_number = rtx_seq;
    let stream = &mut consumer.srtp_rtx;
    if let Sent::Queued(len) = transport.egress.send_rtp(now, &to_send, stream, output) {
        consumer.stream.note_resent(now, seq, len);
    }
}

fn media<'a>(consumer: &Consumer, packet: &StoredPacket<'a>, record: &SentRecord) -> RtpToSend<'a> {
    RtpToSend {
        header: RtpHeader {
            marker: record.marker,
            payload_type: PayloadType(packet.payload_type),
            sequence_number: record.seq,
            timestamp: packet.timestamp.wrapping_add(record.timestamp_offset),
            ssrc: consumer.stream.params().ssrc,
        },
        extension_ids: consumer.extension_ids,
        mid: consumer.mid,
        extensions: packet.extensions,
        original_sequence_number: None,
        payload: packet.payload,
    }
}
