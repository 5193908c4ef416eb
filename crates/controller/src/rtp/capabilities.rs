//! What a router or an endpoint can receive.

use serde::{Deserialize, Serialize};

use super::{
    CodecParameters, MediaKind, MimeType, PayloadType, RtcpFeedback, RtpHeaderExtension,
    null_as_default,
};

/// What a router or an endpoint can receive.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RtpCapabilities {
    /// Media and retransmission codecs, the preferred one first.
    #[serde(default, deserialize_with = "null_as_default")]
    pub codecs: Vec<RtpCodecCapability>,
    /// Header extensions.
    #[serde(default, deserialize_with = "null_as_default")]
    pub header_extensions: Vec<RtpHeaderExtension>,
}

/// A codec in RTP capabilities, and one of the media codecs a router is created with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", from = "RtpCodecCapabilityJson")]
pub struct RtpCodecCapability {
    /// The kind of media, which is the one of `mime_type`; what JSON says here is not read.
    pub kind: MediaKind,
    /// Media type, for example `audio/opus`.
    pub mime_type: MimeType,
    /// Payload type. May be absent only among a router's media codecs: the router chooses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_payload_type: Option<PayloadType>,
    /// Clock rate in Hz.
    pub clock_rate: u32,
    /// Number of audio channels, 1 unless said otherwise; absent for video.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<u8>,
    /// Codec-specific parameters, such as `packetization-mode` of H264.
    pub parameters: CodecParameters,
    /// Feedback messages the codec supports.
    pub rtcp_feedback: Vec<RtcpFeedback>,
}

impl RtpCodecCapability {
    /// An audio codec with this clock rate in Hz and number of channels.
    pub fn audio(mime_type: MimeType, clock_rate: u32, channels: u8) -> Self {
        Self {
            channels: Some(channels),
            ..Self::video(mime_type, clock_rate)
        }
    }

    /// A video codec with this clock rate in Hz (90,000 for all in use).
    pub fn video(mime_type: MimeType, clock_rate: u32) -> Self {
        Self {
            kind: mime_type.kind(),
            mime_type,
            preferred_payload_type: None,
            clock_rate,
            channels: None,
            parameters: CodecParameters::new(),
            rtcp_feedback: Vec::new(),
        }
    }

    /// The same with these codec-specific parameters.
    #[must_use]
    pub fn with_parameters(mut self, parameters: CodecParameters) -> Self {
        self.parameters = parameters;
        self
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RtpCodecCapabilityJson {
    mime_type: MimeType,
    preferred_payload_type: Option<PayloadType>,
    clock_rate: u32,
    channels: Option<u8>,
    #[serde(default, deserialize_with = "null_as_default")]
    parameters: CodecParameters,
    #[serde(default, deserialize_with = "null_as_default")]
    rtcp_feedback: Vec<RtcpFeedback>,
}

impl From<RtpCodecCapabilityJson> for RtpCodecCapability {
    fn from(json: RtpCodecCapabilityJson) -> Self {
        Self {
            kind: json.mime_type.kind(),
            mime_type: json.mime_type,
            preferred_payload_type: json.preferred_payload_type,
            clock_rate: json.clock_rate,
            channels: json.channels,
            parameters: json.parameters,
            rtcp_feedback: json.rtcp_feedback,
        }
    }
}
