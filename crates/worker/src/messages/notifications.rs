//! What the worker tells by itself.

use crate::ids::Ssrc;
use crate::params::{DtlsState, IceState, Tuple};

/// A notification: something happened at an entity.
#[derive(Clone, Debug, PartialEq)]
pub struct Notification {
    /// The entity's id.
    pub handler_id: String,
    /// What happened.
    pub event: Event,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The worker is ready; the handler id is its pid.
    WorkerRunning,
    /// Another tuple was selected.
    IceSelectedTupleChange(Tuple),
    /// The remote's address for RTP was learned.
    PlainTransportTuple(Tuple),
    /// The remote's address for RTCP was learned.
    PlainTransportRtcpTuple(Tuple),
    /// The ICE state changed.
    IceStateChange(IceState),
    /// The DTLS state changed.
    DtlsStateChange {
        /// The new state.
        state: DtlsState,
        /// The peer's certificate in PEM, with `Connected` only.
        remote_certificate: Option<String>,
    },
    /// Scores of the producer's streams.
    ProducerScore(Vec<ProducerScore>),
    /// The camera turned.
    ProducerVideoOrientationChange {
        /// Back-facing camera.
        camera: bool,
        /// Mirrored.
        flip: bool,
        /// 0, 90, 180 or 270 degrees.
        rotation: u16,
    },
    /// The producer of this consumer was paused.
    ConsumerProducerPause,
    /// The producer of this consumer was resumed.
    ConsumerProducerResume,
    /// The producer of this consumer is gone, and so is the consumer.
    ConsumerProducerClose,
    /// Scores of the consumer and its producer.
    ConsumerScore(ConsumerScore),
    /// An RTP packet of a consumer on a direct transport.
    ConsumerRtp(Vec<u8>),
    /// An RTCP packet of a direct transport.
    DirectTransportRtcp(Vec<u8>),
}

impl Event {
    /// The length of the packet that it brings to the application; 0 if it brings none.
    pub(crate) fn packet_len(&self) -> usize {
        match self {
            Self::ConsumerRtp(packet) | Self::DirectTransportRtcp(packet) => packet.len(),
            _ => 0,
        }
    }
}

/// The score of one stream of a producer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProducerScore {
    /// Which encoding.
    pub encoding_index: u32,
    /// Its SSRC.
    pub ssrc: Ssrc,
    /// Its RID.
    pub rid: Option<String>,
    /// 0–10.
    pub score: u8,
}

/// How well a consumer and its producer are doing, each 0–10.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerScore {
    /// The consumer's own stream.
    pub score: u8,
    /// The producer's stream in use.
    pub producer_score: u8,
    /// All streams of the producer.
    pub producer_scores: Vec<u8>,
}
