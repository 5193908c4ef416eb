//! How a media source is sent: codecs, encodings, header extensions and RTCP.

use serde::{Deserialize, Deserializer, Serialize};

use super::{
    CodecParameters, MimeType, PayloadType, RtcpFeedback, RtpHeaderExtensionParameters, Ssrc,
    null_as_default,
};

/// How one media source is sent: by an endpoint (Producer) or by a router (Consumer).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RtpParameters {
    /// Value of the MID header extension (RFC 9143), at most 8 bytes when sent by a router.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mid: Option<String>,
    /// Media and retransmission codecs, the first media codec being the one in use.
    pub codecs: Vec<RtpCodecParameters>,
    /// Header extensions in use.
    #[serde(default, deserialize_with = "null_as_default")]
    pub header_extensions: Vec<RtpHeaderExtensionParameters>,
    /// RTP streams: one, or one per simulcast layer.
    #[serde(default, deserialize_with = "null_as_default")]
    pub encodings: Vec<RtpEncodingParameters>,
    /// RTCP settings.
    #[serde(default, deserialize_with = "null_as_default")]
    pub rtcp: RtcpParameters,
    /// MediaStream identification, `<stream id> <track id>` (RFC 8830).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub msid: Option<String>,
}

/// A codec in use by a stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RtpCodecParameters {
    /// Media type, for example `video/VP8`.
    pub mime_type: MimeType,
    /// Payload type in the packets.
    pub payload_type: PayloadType,
    /// Clock rate in Hz.
    pub clock_rate: u32,
    /// Number of audio channels, 1 unless said otherwise; absent for video.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<u8>,
    /// Codec-specific parameters; `apt` of a retransmission codec is the payload type it repairs.
    #[serde(default, deserialize_with = "null_as_default")]
    pub parameters: CodecParameters,
    /// Feedback messages in use.
    #[serde(default, deserialize_with = "null_as_default")]
    pub rtcp_feedback: Vec<RtcpFeedback>,
}

/// One RTP stream of a source, and its retransmission stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RtpEncodingParameters {
    /// SSRC of the media.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssrc: Option<Ssrc>,
    /// Value of the RID header extension (RFC 8852).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rid: Option<String>,
    /// Payload type of the codec of this stream; absent means the first media codec.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub codec_payload_type: Option<PayloadType>,
    /// The retransmission stream (RFC 4588).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtx: Option<RtxParameters>,
    /// Whether transmission may stop in silence or on a still picture; absent means no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dtx: Option<bool>,
    /// Spatial and temporal layers, for example `L1T3`; see
    /// [`ScalabilityMode`](super::ScalabilityMode).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scalability_mode: Option<String>,
    /// Highest bitrate of the stream, in bit/s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bitrate: Option<u64>,
}

/// The retransmission stream of an encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RtxParameters {
    /// SSRC of the retransmissions.
    pub ssrc: Ssrc,
}

/// RTCP settings of a source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RtcpParameters {
    /// Canonical name in SDES (RFC 3550 §6.5.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cname: Option<String>,
    /// Whether RTCP may be reduced-size (RFC 5506); always so here.
    #[serde(default = "reduced_size_default", deserialize_with = "reduced_size")]
    pub reduced_size: bool,
}

impl Default for RtcpParameters {
    fn default() -> Self {
        Self {
            cname: None,
            reduced_size: reduced_size_default(),
        }
    }
}

fn reduced_size_default() -> bool {
    true
}

fn reduced_size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_else(reduced_size_default))
}

/// How a worker renumbers what a Producer receives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RtpMapping {
    /// Payload types, in the order of the Producer's codecs, media before retransmission.
    pub codecs: Vec<CodecMapping>,
    /// Streams, in the order of the Producer's encodings.
    pub encodings: Vec<EncodingMapping>,
}

/// One payload type of a Producer and the router's payload type it becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CodecMapping {
    /// In the packets that arrive.
    pub payload_type: PayloadType,
    /// In the router.
    pub mapped_payload_type: PayloadType,
}

/// One stream of a Producer and the SSRC it gets in the router.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EncodingMapping {
    /// SSRC that arrives, when it was signaled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssrc: Option<Ssrc>,
    /// RID that arrives, when it was signaled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rid: Option<String>,
    /// SSRC in the router.
    pub mapped_ssrc: Ssrc,
}
