//! What a Consumer tells: type, score and events.

use serde::Serialize;
use tureen_channel_fbs::fbs::consumer as fbs;
use tureen_channel_fbs::fbs::rtp_parameters::Type;

use crate::entity::CloseReason;
use crate::ids::{ConsumerId, ProducerId};
use crate::producer::ProducerType;
use crate::rtp::{MediaKind, PayloadType, RtpEncodingParameters, RtpParameters};
use crate::stats::RtpStreamDump;

/// How a [`Consumer`](super::Consumer) picks from the streams of its Producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ConsumerType {
    /// There is one.
    Simple,
    /// One of several streams at a time.
    Simulcast,
    /// Some of the layers of one stream.
    Svc,
    /// All of them.
    Pipe,
}

impl From<ProducerType> for ConsumerType {
    fn from(producer_type: ProducerType) -> Self {
        match producer_type {
            ProducerType::Simple => Self::Simple,
            ProducerType::Simulcast => Self::Simulcast,
            ProducerType::Svc => Self::Svc,
        }
    }
}

impl ConsumerType {
    pub(super) fn number(self) -> Type {
        match self {
            Self::Simple => Type::SIMPLE,
            Self::Simulcast => Type::SIMULCAST,
            Self::Svc => Type::SVC,
            Self::Pipe => Type::PIPE,
        }
    }

    pub(super) fn read(number: Type) -> Option<Self> {
        if number == Type::PIPE {
            return Some(Self::Pipe);
        }
        ProducerType::read(number).map(Self::from)
    }
}

/// Quality of the transmission, each value 0 (nothing arrives) to 10.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsumerScore {
    /// Towards the endpoint.
    pub score: u8,
    /// From the Producer, of the stream in use.
    pub producer_score: u8,
    /// From the Producer, of each of its streams.
    pub producer_scores: Vec<u8>,
}

impl ConsumerScore {
    pub(super) fn read(score: fbs::ConsumerScore<'_>) -> Self {
        Self {
            score: score.score(),
            producer_score: score.producer_score(),
            producer_scores: score.producer_scores().iter().collect(),
        }
    }
}

/// What happens to a [`Consumer`](super::Consumer).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConsumerEvent {
    /// Its Producer was paused.
    ProducerPaused,
    /// Its Producer was resumed.
    ProducerResumed,
    /// The quality of the transmission changed.
    Score(ConsumerScore),
    /// It closed, for [`CloseReason::ProducerClosed`] when its Producer did; the last event.
    Closed(CloseReason),
}

/// A [`Consumer`](super::Consumer) as the worker holds it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsumerDump {
    /// Its id.
    pub id: ConsumerId,
    /// How it picks from the Producer's streams.
    #[serde(rename = "type")]
    pub consumer_type: ConsumerType,
    /// Its Producer.
    pub producer_id: ProducerId,
    /// Audio or video.
    pub kind: MediaKind,
    /// What the endpoint receives.
    pub rtp_parameters: RtpParameters,
    /// The Producer's streams inside the router.
    pub consumable_rtp_encodings: Vec<RtpEncodingParameters>,
    /// Payload types it lets through.
    pub supported_codec_payload_types: Vec<PayloadType>,
    /// Whether it is paused.
    pub paused: bool,
    /// Whether its Producer is paused.
    pub producer_paused: bool,
    /// Its priority for the outgoing bitrate; 1 is the lowest.
    pub priority: u8,
    /// Streams it sends.
    pub rtp_streams: Vec<RtpStreamDump>,
}

/// Whose payload types and header extension ids a Consumer's packets carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Numbering {
    /// The router's: for an endpoint that is told them, as in an SDP offer to it.
    #[default]
    Router,
    /// Those in the endpoint's own capabilities: for one that has named them first, as in an SDP
    /// offer of its own. mediasoup's worker does not renumber and would send nothing.
    Endpoint,
}
