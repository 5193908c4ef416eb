//! Header extensions by URI.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{CodecParameters, MediaKind, null_as_default};

/// URI that names an RTP header extension (RFC 8285 §6).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum RtpHeaderExtensionUri {
    /// Media identification (RFC 9143).
    Mid,
    /// RTP stream id, the RID (RFC 8852).
    RtpStreamId,
    /// RID of the stream a retransmission repairs (RFC 8852).
    RepairedRtpStreamId,
    /// 24-bit departure time.
    AbsSendTime,
    /// Transport-wide sequence number (draft-holmer-rmcat-transport-wide-cc-extensions-01).
    TransportWideCc,
    /// Client-to-mixer audio level (RFC 6464).
    SsrcAudioLevel,
    /// AV1 dependency descriptor.
    DependencyDescriptor,
    /// Coordination of video orientation (3GPP TS 26.114).
    VideoOrientation,
    /// Transmission time offset (RFC 5450).
    TransmissionOffset,
    /// Absolute capture time.
    AbsCaptureTime,
    /// Limits for the receiver's playout delay.
    PlayoutDelay,
    /// mediasoup's own packet id.
    PacketId,
    /// Any other URI; capabilities may hold it, streams may not use it.
    Other(String),
}

impl RtpHeaderExtensionUri {
    /// The URI.
    pub fn as_str(&self) -> &str {
        if let Self::Other(uri) = self {
            return uri;
        }
        KNOWN
            .iter()
            .find(|(known, _)| known == self)
            .map_or("", |(_, uri)| uri)
    }
}

impl From<String> for RtpHeaderExtensionUri {
    fn from(uri: String) -> Self {
        match KNOWN.iter().find(|(_, text)| *text == uri) {
            Some((known, _)) => known.clone(),
            None => Self::Other(uri),
        }
    }
}

impl From<RtpHeaderExtensionUri> for String {
    fn from(uri: RtpHeaderExtensionUri) -> Self {
        uri.as_str().to_owned()
    }
}

impl fmt::Display for RtpHeaderExtensionUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which way a router uses a header extension.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RtpHeaderExtensionDirection {
    /// Received and sent.
    #[default]
    SendRecv,
    /// Sent only.
    SendOnly,
    /// Received only.
    RecvOnly,
    /// Not used.
    Inactive,
}

/// A header extension in RTP capabilities.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RtpHeaderExtension {
    /// The kind of media it goes with.
    pub kind: MediaKind,
    /// What it is.
    pub uri: RtpHeaderExtensionUri,
    /// The id in the packet, 1..=14 with one-byte headers (RFC 8285 §4.2).
    pub preferred_id: u8,
    /// Whether encryption by RFC 6904 is preferred; it is not supported.
    #[serde(default, deserialize_with = "null_as_default")]
    pub preferred_encrypt: bool,
    /// Which way it is used; ignored in the capabilities of endpoints.
    #[serde(default, deserialize_with = "null_as_default")]
    pub direction: RtpHeaderExtensionDirection,
}

/// A header extension in use by a stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RtpHeaderExtensionParameters {
    /// What it is.
    pub uri: RtpHeaderExtensionUri,
    /// The id in the packet.
    pub id: u8,
    /// Whether it is encrypted by RFC 6904; it is not supported.
    #[serde(default, deserialize_with = "null_as_default")]
    pub encrypt: bool,
    /// Configuration of the extension; none is in use.
    #[serde(default, deserialize_with = "null_as_default")]
    pub parameters: CodecParameters,
}

const KNOWN: [(RtpHeaderExtensionUri, &str); 12] = [
    (
        RtpHeaderExtensionUri::Mid,
        "urn:ietf:params:rtp-hdrext:sdes:mid",
    ),
    (
        RtpHeaderExtensionUri::RtpStreamId,
        "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    ),
    (
        RtpHeaderExtensionUri::RepairedRtpStreamId,
        "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    ),
    (
        RtpHeaderExtensionUri::AbsSendTime,
        "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    ),
    (
        RtpHeaderExtensionUri::TransportWideCc,
        "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    ),
    (
        RtpHeaderExtensionUri::SsrcAudioLevel,
        "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    ),
    (
        RtpHeaderExtensionUri::DependencyDescriptor,
        "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
    ),
    (
        RtpHeaderExtensionUri::VideoOrientation,
        "urn:3gpp:video-orientation",
    ),
    (
        RtpHeaderExtensionUri::TransmissionOffset,
        "urn:ietf:params:rtp-hdrext:toffset",
    ),
    (
        RtpHeaderExtensionUri::AbsCaptureTime,
        "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
    ),
    (
        RtpHeaderExtensionUri::PlayoutDelay,
        "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
    ),
    (
        RtpHeaderExtensionUri::PacketId,
        "urn:mediasoup:params:rtp-hdrext:packet-id",
    ),
];
