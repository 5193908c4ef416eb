//! Forwarding one stream as it is: the decision about each packet.

use crate::params::Codec;
use crate::producer::{Arrival, Producer, ProducerStream};
use crate::streams::{ExtendedSeq, MAX_MISORDER, PacketStore, SentRecord, StoredPacket};

use super::Outgoing;
use super::forwarding::Forward;
use super::payload_types::PayloadTypes;

/// Where a simple consumer is in its stream.
#[derive(Debug)]
pub(super) struct SimpleForwarding {
    /// The next packet begins anew. If the codec has key frames, it must begin one.
    out_of_sync: bool,
    has_key_frames: bool,
    ignore_dtx: bool,
    catching_up: Option<CatchingUp>,
}

/// Which packets around the first one are still to be looked at. Only those that came before it
/// were left out.
#[derive(Clone, Copy, Debug)]
struct CatchingUp {
    stream: u8,
    /// When the packet came that the consumer began with, as [`PacketStore::arrival`] counts.
    arrival: u64,
    next: ExtendedSeq,
    /// No packet that came before has a higher number.
    last: ExtendedSeq,
}

impl SimpleForwarding {
    pub(super) fn new(codec: Codec, ignore_dtx: bool) -> Self {
        Self {
            out_of_sync: true,
            has_key_frames: matches!(codec, Codec::Vp8 | Codec::Vp9 | Codec::H264 | Codec::Av1),
            ignore_dtx: ignore_dtx && codec == Codec::Opus,
            catching_up: None,
        }
    }

    pub(super) fn interrupt(&mut self) {
        self.out_of_sync = true;
        self.catching_up = None;
    }

    pub(super) fn waits_for_key_frame(&self) -> bool {
        self.out_of_sync && self.has_key_frames
    }

    /// Decides about one packet.
    pub(super) fn decide<'p>(
        &mut self,
        outgoing: &mut Outgoing,
        payload_types: &PayloadTypes,
        arrival: &Arrival,
        stream: &'p ProducerStream,
    ) -> Option<Forward<'p>> {
        if stream.mapped_ssrc != outgoing.mapped_ssrc {
            return None;
        }
        if arrival.restarted {
            self.interrupt();
            outgoing.forget_sent();
        }
        let packet = stream.store.get(arrival.seq)?;
        let munger = &mut outgoing.munger;
        let left_out = payload_types.sent_as(packet.payload_type).is_none()
            // Padding alone is a probe of the publisher's own path.
            || packet.payload.is_empty()
            || self.ignore_dtx && packet.digest.dtx;
        if left_out {
            if !self.out_of_sync {
                munger.drop(packet.seq);
            }
            return None;
        }
        if self.out_of_sync {
            if self.has_key_frames && !packet.digest.key_frame {
                return None;
            }
            let first = first_of_frame(&stream.store, &packet);
            munger.synchronize(first);
            self.out_of_sync = false;
            self.catching_up = stream.store.arrival(packet.seq).map(|came| CatchingUp {
                stream: arrival.stream,
                arrival: came,
                next: first,
                last: packet.seq.plus(MAX_MISORDER),
            });
        }
        let sequence_number = munger.map(packet.seq)?;
        Some(Forward {
            outgoing: 0,
            record: SentRecord {
                seq: sequence_number,
                stream: arrival.stream,
                source: (arrival.seq.0 & 0xffff_ffff) as u32,
                timestamp_offset: 0,
                marker: packet.marker,
                codec: 0,
            },
            packet,
        })
    }

    /// The work is bounded, although numbers leap as far as a publisher likes: a late packet is
    /// taken only if it is less than [`MAX_MISORDER`] behind the highest number.
    pub(super) fn next_to_catch_up(&mut self, producer: &Producer) -> Option<Arrival> {
        let mut at = self.catching_up?;
        let store = &producer.streams().get(usize::from(at.stream))?.store;
        let last = store
            .highest()
            .map_or(at.last, |highest| highest.min(at.last));
        while at.next <= last {
            let seq = at.next;
            at.next.0 += 1;
            if store.arrival(seq).is_some_and(|came| came < at.arrival) {
                self.catching_up = Some(at);
                return Some(Arrival {
                    stream: at.stream,
                    seq,
                    restarted: false,
                    reactivated: false,
                });
            }
        }
        self.catching_up = None;
        None
    }
}

/// The first packet of the frame of `packet`, as far back as there is no gap. RFC 6184 lets
/// parameter sets, delimiters and SEI come before the unit that shows the key frame; they have the
/// frame's timestamp (§5.1).
fn first_of_frame(store: &PacketStore, packet: &StoredPacket<'_>) -> ExtendedSeq {
    let mut first = packet.seq;
    while packet.seq.0 - first.0 < MAX_BEFORE_KEY_FRAME {
        let before = ExtendedSeq(first.0.wrapping_sub(1));
        // The marker ends a frame (RFC 3551 §5).
        let is_same_frame =
            |one: StoredPacket<'_>| one.timestamp == packet.timestamp && !one.marker;
        if !store.get(before).is_some_and(is_same_frame) {
            break;
        }
        first = before;
    }
    first
}

/// How many packets before the one that shows a key frame are searched.
const MAX_BEFORE_KEY_FRAME: u64 = 32;
