//! What a transport sends: datagrams of its kind, and media, which is sent by record. Only a packet
//! that is repeated as it was protected needs no record.

use super::egress::{RtpToSend, Sent};
use super::webrtc::DtlsStep;
use super::{Streams, Transport};
use crate::consumer::{Consumer, Forward};
use crate::output::Output;
use crate::producer::Producer;
use crate::time::Instant;
use crate::wire::rtp::RtpHeader;

/// Why a packet is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It is forwarded for the first time.
    Forward,
    /// The receiver asked for it again.
    Repair,
}

impl Transport {
    /// Lets what is due happen.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.kind.handle_timeout(now);
    }

    /// Sends the datagrams of the kind itself; `false` when the output is full.
    pub(crate) fn poll_datagrams(&mut self, now: Instant, output: &mut Output) -> bool {
        loop {
            let Some(slot) = output.slot() else {
                return false;
            };
            match self.kind.poll_datagram(now, slot) {
                DtlsStep::Datagram(path, len) => {
                    output.commit(path, len);
                    self.egress.count_control(now, len);
                }
                DtlsStep::Dropped => {}
                DtlsStep::Idle => return true,
            }
        }
    }

    /// Sends a packet of media. The record says which packet of the producer's store
    /// goes to the peer of `consumer`, and how. Forwarding and repair differ only in the purpose.
    /// The caller has checked that the output has room.
    pub(crate) fn send_by_record(
        &mut self,
        now: Instant,
        consumer: &mut Consumer,
        forward: &Forward<'_>,
        purpose: Purpose,
        output: &mut Output,
    ) {
        let Forward { record, packet, .. } = forward;
        let Some(payload_type) = consumer.sent_as(packet.payload_type) else {
            return;
        };
        let outgoing = &mut consumer.outgoing[forward.outgoing];
        let mut to_send = RtpToSend {
            header: RtpHeader {
                marker: record.marker,
                payload_type,
                sequence_number: record.seq,
                timestamp: packet.timestamp.wrapping_add(record.timestamp_offset),
                ssrc: outgoing.stream.params().ssrc,
            },
            extensions: &consumer.extensions,
            stored_extensions: packet.extensions,
            original_sequence_number: None,
            payload: packet.payload,
        };
        match purpose {
            Purpose::Forward => {
                let protected = &mut outgoing.protected;
                let sent = self.egress.send_rtp(
                    now,
                    &to_send,
                    &mut outgoing.srtp,
                    protected.as_mut(),
                    output,
                );
                if let Sent::Queued(len) = sent {
                    let timestamp = to_send.header.timestamp;
                    let payload_len = packet.payload.len();
                    outgoing
                        .stream
                        .note_sent(now, timestamp, payload_len, len, *record);
                }
            }
            Purpose::Repair => {
                let Some((ssrc, payload_type)) = outgoing.stream.params().rtx else {
                    return;
                };
                to_send.original_sequence_number = Some(record.seq);
                to_send.header.ssrc = ssrc;
                to_send.header.payload_type = payload_type;
                to_send.header.sequence_number = outgoing.stream.next_rtx_seq();
                let sent =
                    self.egress
                        .send_rtp(now, &to_send, &mut outgoing.srtp_rtx, None, output);
                if let Sent::Queued(len) = sent {
                    outgoing.stream.note_resent(now, record.seq, len);
                }
            }
        }
    }

    /// Sends the packets again that its consumers' peers miss; `false` when the output is full.
    pub(crate) fn resend(
        &mut self,
        now: Instant,
        streams: &mut Streams<'_>,
        output: &mut Output,
    ) -> bool {
        while let Some(key) = self.resending.last().copied() {
            let consumer = &mut streams.consumers[key];
            let producer = &streams.producers[consumer.producer];
            loop {
                if !output.has_room() {
                    return false;
                }
                let Some((outgoing, seq)) = consumer.take_nacked() else {
                    break;
                };
                self.resend_one(now, producer, consumer, outgoing, seq, output);
            }
            self.resending.pop();
        }
        true
    }

    fn resend_one(
        &mut self,
        now: Instant,
        producer: &Producer,
        consumer: &mut Consumer,
        index: usize,
        seq: u16,
        output: &mut Output,
    ) {
        let id = &consumer.id;
        let outgoing = &mut consumer.outgoing[index];
        let record = match outgoing.stream.find_nacked(now, seq) {
            Ok(record) => record,
            Err(reason) => {
                tracing::debug!(target: "tureen::rtx", consumer = %id, seq, ?reason, "not sent again");
                return;
            }
        };
        if let Some(log) = &outgoing.protected {
            let sent = log
                .get(seq)
                .map(|packet| self.egress.resend_protected(now, packet, output));
            if let Some(Sent::Queued(len)) = sent {
                outgoing.stream.note_resent(now, seq, len);
            }
            return;
        }
        let Some(packet) = producer.stored(&record) else {
            tracing::debug!(target: "tureen::rtx", consumer = %id, seq, "not kept any more");
            return;
        };
        let forward = Forward {
            outgoing: index,
            record,
            packet,
        };
        self.send_by_record(now, consumer, &forward, Purpose::Repair, output);
    }
}
