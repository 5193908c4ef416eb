//! What a Producer tells: type, score and events.

use serde::Serialize;
use tureen_channel_fbs::fbs::rtp_parameters::Type;

use crate::entity::CloseReason;
use crate::ids::ProducerId;
use crate::rtp::{MediaKind, RtpMapping, RtpParameters, Ssrc};
use crate::stats::RtpStreamDump;

/// Which streams a [`Producer`](super::Producer) has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ProducerType {
    /// One stream.
    Simple,
    /// Several streams of the same picture.
    Simulcast,
    /// One stream in layers.
    Svc,
}

impl ProducerType {
    pub(crate) fn read(number: Type) -> Option<Self> {
        match number {
            Type::SIMPLE => Some(Self::Simple),
            Type::SIMULCAST => Some(Self::Simulcast),
            Type::SVC => Some(Self::Svc),
            _ => None,
        }
    }
}

/// Quality of one stream of a [`Producer`](super::Producer).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProducerScore {
    /// Position of its encoding.
    pub encoding_idx: u32,
    /// Its SSRC.
    pub ssrc: Ssrc,
    /// Its RID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rid: Option<String>,
    /// 0 (nothing arrives) to 10.
    pub score: u8,
}

/// How the camera of a [`Producer`](super::Producer) is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct VideoOrientation {
    /// Whether the camera faces away from the user.
    pub camera: bool,
    /// Whether the picture is mirrored.
    pub flip: bool,
    /// Clockwise rotation in degrees: 0, 90, 180 or 270.
    pub rotation: u16,
}

/// What happens to a [`Producer`](super::Producer).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProducerEvent {
    /// The quality of its streams changed.
    Score(Vec<ProducerScore>),
    /// Its camera was turned.
    VideoOrientationChanged(VideoOrientation),
    /// It closed; the last event.
    Closed(CloseReason),
}

/// A [`Producer`](super::Producer) as the worker holds it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProducerDump {
    /// Its id.
    pub id: ProducerId,
    /// Audio or video.
    pub kind: MediaKind,
    /// Which streams it has.
    #[serde(rename = "type")]
    pub producer_type: ProducerType,
    /// What the endpoint sends.
    pub rtp_parameters: RtpParameters,
    /// How that is renumbered.
    pub rtp_mapping: RtpMapping,
    /// Streams that have arrived.
    pub rtp_streams: Vec<RtpStreamDump>,
    /// Whether it is paused.
    pub paused: bool,
}
