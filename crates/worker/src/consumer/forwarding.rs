//! The ways in which a consumer forwards, as a closed set.

use crate::params::Codec;
use crate::producer::{Arrival, Producer, ProducerStream};
use crate::streams::{SentRecord, StoredPacket};

use super::Consumer;
use super::simple::SimpleForwarding;

/// How a consumer forwards.
pub(super) enum Forwarding {
    /// One stream of the producer, as it is.
    Simple(SimpleForwarding),
}

/// A packet to send: on which of the consumer's outgoing streams, and how.
pub(crate) struct Forward<'p> {
    pub(crate) outgoing: usize,
    pub(crate) record: SentRecord,
    pub(crate) packet: StoredPacket<'p>,
}

impl Forwarding {
    pub(super) fn simple(codec: Codec, ignore_dtx: bool) -> Self {
        Self::Simple(SimpleForwarding::new(codec, ignore_dtx))
    }

    /// See [`Consumer::interrupt`].
    pub(super) fn interrupt(&mut self) {
        match self {
            Self::Simple(simple) => simple.interrupt(),
        }
    }

    /// Whether nothing is forwarded until a key frame comes.
    pub(super) fn waits_for_key_frame(&self) -> bool {
        match self {
            Self::Simple(simple) => simple.waits_for_key_frame(),
        }
    }
}

impl Consumer {
    /// Decides about one packet of the producer's `stream`; `None` leaves it out.
    pub(crate) fn decide<'p>(
        &mut self,
        arrival: &Arrival,
        stream: &'p ProducerStream,
    ) -> Option<Forward<'p>> {
        match &mut self.forwarding {
            Forwarding::Simple(simple) => {
                simple.decide(&mut self.outgoing[0], &self.payload_types, arrival, stream)
            }
        }
    }

    /// The packet that the consumer began with may have come late, as a repair. This is the next of
    /// the packets around it that had come before it and were left out then.
    pub(crate) fn next_to_catch_up(&mut self, producer: &Producer) -> Option<Arrival> {
        match &mut self.forwarding {
            Forwarding::Simple(simple) => simple.next_to_catch_up(producer),
        }
    }
}
