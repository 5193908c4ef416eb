//! Forwarding one stream as it is: the decision about each packet.

use super::Consumer;
use super::munger::SequenceMunger;
use crate::codecs::is_dtx;
use crate::params::Codec;
use crate::producer::{Arrival, Producer};
use crate::streams::{ExtendedSeq, StoredPacket};

/// Where a simple consumer is in its stream.
#[derive(Debug)]
pub(super) struct SimpleForwarding {
    munger: SequenceMunger,
    /// The next packet begins anew; with a codec that has key frames it must be one.
    out_of_sync: bool,
    waits_for_key_frame: bool,
    ignore_dtx: bool,
    /// The last packet that was caught up with, while there may be more behind it.
    catching_up: Option<(u8, ExtendedSeq)>,
}

/// How a packet is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Forward {
    pub(crate) sequence_number: u16,
}

impl SimpleForwarding {
    /// `last_out` is the sequence number before the first.
    pub(super) fn new(codec: Codec, ignore_dtx: bool, last_out: u16) -> Self {
        Self {
            munger: SequenceMunger::new(last_out),
            out_of_sync: true,
            waits_for_key_frame: matches!(
                codec,
                Codec::Vp8 | Codec::Vp9 | Codec::H264 | Codec::Av1
            ),
            ignore_dtx: ignore_dtx && codec == Codec::Opus,
            catching_up: None,
        }
    }

    pub(super) fn interrupt(&mut self) {
        self.out_of_sync = true;
        self.catching_up = None;
    }
}

impl Consumer {
    /// Decides about one packet of the producer's stream; `None` leaves it out.
    pub(crate) fn decide(
        &mut self,
        arrival: &Arrival,
        packet: &StoredPacket<'_>,
    ) -> Option<Forward> {
        if !self.is_active() {
            return None;
        }
        if arrival.restarted {
            self.interrupt();
        }
        let left_out = !self.supports(packet.payload_type)
            // Padding alone is a probe of the publisher's own path.
            || packet.payload.is_empty()
            || self.forwarding.ignore_dtx && is_dtx(packet.payload);
        let forwarding = &mut self.forwarding;
        if left_out {
            if !forwarding.out_of_sync {
                forwarding.munger.drop(packet.seq);
            }
            return None;
        }
        if forwarding.out_of_sync {
            if forwarding.waits_for_key_frame && !packet.key_frame {
                return None;
            }
            forwarding.munger.synchronize(packet.seq);
            forwarding.out_of_sync = false;
            forwarding.catching_up = Some((arrival.stream, packet.seq));
        }
        let sequence_number = forwarding.munger.map(packet.seq)?;
        Some(Forward { sequence_number })
    }

    /// What the consumer began with may have come late, by repair: the next of the packets behind it
    /// that were left out when they came. Those that still wait for this consumer, `waiting`, are not
    /// among them.
    pub(crate) fn next_to_catch_up(
        &mut self,
        producer: &Producer,
        waiting: &[Arrival],
    ) -> Option<Arrival> {
        let (stream, last) = self.forwarding.catching_up?;
        let store = &producer.streams().get(usize::from(stream))?.store;
        let mut seq = last;
        while store.highest().is_some_and(|highest| seq < highest) {
            seq.0 += 1;
            let waits = |one: &Arrival| (one.stream, one.seq) == (stream, seq);
            if !waiting.iter().any(waits) {
                self.forwarding.catching_up = Some((stream, seq));
                return Some(Arrival {
                    stream,
                    seq,
                    restarted: false,
                    reactivated: false,
                });
            }
        }
        self.forwarding.catching_up = None;
        None
    }
}
