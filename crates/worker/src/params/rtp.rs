//! RTP parameters in the terms of ORTC, as the channel carries them.

use super::codec::{Codec, MediaKind};
use crate::error::RequestError;
use crate::ids::{PayloadType, Ssrc};

/// What a producer sends or a consumer receives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RtpParameters {
    /// The media identification tag (RFC 8843 §15).
    pub mid: Option<String>,
    /// Media codecs and their RTX codecs.
    pub codecs: Vec<RtpCodecParameters>,
    /// Header extensions in use.
    pub header_extensions: Vec<RtpHeaderExtensionParameters>,
    /// One per stream.
    pub encodings: Vec<RtpEncodingParameters>,
    /// RTCP parameters.
    pub rtcp: RtcpParameters,
    /// `stream-id track-id` (RFC 8830).
    pub msid: Option<String>,
}

/// One codec of [`RtpParameters`].
#[derive(Clone, Debug, PartialEq)]
pub struct RtpCodecParameters {
    /// Such as `video/VP8`, spelled as registered.
    pub mime_type: String,
    /// 0–127.
    pub payload_type: u8,
    /// Hz.
    pub clock_rate: u32,
    /// Channels of audio, when more than one.
    pub channels: Option<u8>,
    /// Format parameters in the order given.
    pub parameters: Vec<(String, ParameterValue)>,
    /// RTCP feedback that the codec may use.
    pub rtcp_feedback: Vec<RtcpFeedback>,
}

impl RtpCodecParameters {
    /// The integer format parameter `name`.
    #[must_use]
    pub fn integer(&self, name: &str) -> Option<i64> {
        self.parameters
            .iter()
            .find(|(key, _)| key == name)
            .and_then(|(_, value)| match value {
                ParameterValue::Integer(value) => Some(i64::from(*value)),
                ParameterValue::Boolean(value) => Some(i64::from(*value)),
                _ => None,
            })
    }

    /// Whether feedback of this type and parameter is listed.
    #[must_use]
    pub fn has_feedback(&self, kind: &str, parameter: &str) -> bool {
        self.rtcp_feedback.iter().any(|feedback| {
            feedback.kind == kind && feedback.parameter.as_deref().unwrap_or("") == parameter
        })
    }
}

/// The value of a format parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum ParameterValue {
    /// True or false.
    Boolean(bool),
    /// A 32-bit integer.
    Integer(i32),
    /// A floating-point number.
    Double(f64),
    /// Text.
    String(String),
    /// A list of 32-bit integers.
    IntegerArray(Vec<i32>),
}

/// RTCP feedback (RFC 4585 §4.2): `nack`, `nack pli`, `ccm fir`, `goog-remb`, `transport-cc`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtcpFeedback {
    /// Such as `nack`.
    pub kind: String,
    /// Such as `pli`; never empty.
    pub parameter: Option<String>,
}

/// One header extension in use.
#[derive(Clone, Debug, PartialEq)]
pub struct RtpHeaderExtensionParameters {
    /// Which extension.
    pub uri: HeaderExtensionUri,
    /// Its id in packets, 1–14 in the one-byte form and 1–255 in the two-byte form.
    pub id: u8,
    /// Whether it is encrypted (RFC 6904); not supported by the worker.
    pub encrypt: bool,
    /// Extension parameters.
    pub parameters: Vec<(String, ParameterValue)>,
}

/// The header extensions that the worker knows. Between producer and consumers an extension has the
/// id [`HeaderExtensionUri::router_id`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum HeaderExtensionUri {
    /// `urn:ietf:params:rtp-hdrext:sdes:mid` (RFC 8843).
    Mid = 0,
    /// `urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id` (RFC 8852).
    RtpStreamId = 1,
    /// `urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id` (RFC 8852).
    RepairedRtpStreamId = 2,
    /// `abs-send-time` of WebRTC.
    AbsSendTime = 3,
    /// `draft-holmer-rmcat-transport-wide-cc-extensions-01`.
    TransportWideCc = 4,
    /// `urn:ietf:params:rtp-hdrext:ssrc-audio-level` (RFC 6464).
    SsrcAudioLevel = 5,
    /// The AV1 dependency descriptor.
    DependencyDescriptor = 6,
    /// `urn:3gpp:video-orientation`.
    VideoOrientation = 7,
    /// `urn:ietf:params:rtp-hdrext:toffset` (RFC 5450).
    TimeOffset = 8,
    /// `abs-capture-time` of WebRTC.
    AbsCaptureTime = 9,
    /// `playout-delay` of WebRTC.
    PlayoutDelay = 10,
    /// `urn:mediasoup:params:rtp-hdrext:packet-id`.
    PacketId = 11,
}

impl HeaderExtensionUri {
    /// Every extension, in the order of its number on the channel.
    pub const ALL: [Self; 12] = [
        Self::Mid,
        Self::RtpStreamId,
        Self::RepairedRtpStreamId,
        Self::AbsSendTime,
        Self::TransportWideCc,
        Self::SsrcAudioLevel,
        Self::DependencyDescriptor,
        Self::VideoOrientation,
        Self::TimeOffset,
        Self::AbsCaptureTime,
        Self::PlayoutDelay,
        Self::PacketId,
    ];

    /// The fixed id between producer and consumers: the channel's number plus one (docs/channel.md
    /// §7).
    #[must_use]
    pub const fn router_id(self) -> u8 {
        self as u8 + 1
    }
}

/// One stream of [`RtpParameters`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RtpEncodingParameters {
    /// The media SSRC.
    pub ssrc: Option<Ssrc>,
    /// The RTP stream id (RFC 8852).
    pub rid: Option<String>,
    /// Which codec; the first media codec when absent.
    pub codec_payload_type: Option<u8>,
    /// The SSRC of retransmissions.
    pub rtx_ssrc: Option<Ssrc>,
    /// Whether discontinuous transmission may be used.
    pub dtx: bool,
    /// Such as `L1T3` (W3C WebRTC-SVC).
    pub scalability_mode: Option<String>,
    /// Bits per second.
    pub max_bitrate: Option<u64>,
}

/// RTCP parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtcpParameters {
    /// The canonical name (RFC 3550 §6.5.1).
    pub cname: Option<String>,
    /// Whether reduced-size RTCP is used (RFC 5506).
    pub reduced_size: bool,
}

impl Default for RtcpParameters {
    fn default() -> Self {
        Self {
            cname: None,
            reduced_size: true,
        }
    }
}

/// How a producer's payload types and SSRCs appear to consumers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RtpMapping {
    /// By payload type.
    pub codecs: Vec<CodecMapping>,
    /// One per encoding, in the same order.
    pub encodings: Vec<EncodingMapping>,
}

/// One payload type of a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodecMapping {
    /// As the producer sends it.
    pub payload_type: u8,
    /// As consumers see it.
    pub mapped_payload_type: u8,
}

/// One encoding of a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodingMapping {
    /// The producer's RTP stream id.
    pub rid: Option<String>,
    /// The producer's SSRC.
    pub ssrc: Option<Ssrc>,
    /// The SSRC that names the encoding to consumers.
    pub mapped_ssrc: Ssrc,
}

/// How a producer or a consumer treats its streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RtpType {
    /// One stream without layers.
    Simple,
    /// Several streams of one source.
    Simulcast,
    /// One stream with layers.
    Svc,
    /// All streams as they are.
    Pipe,
}

/// Layers that a consumer prefers or gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsumerLayers {
    /// From 0.
    pub spatial: u8,
    /// From 0; absent means the highest.
    pub temporal: Option<u8>,
}

impl MediaKind {
    /// `audio` or `video`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
        }
    }
}

/// The codec that a description names.
///
/// # Errors
///
/// `TypeError` when the worker does not know it.
pub(crate) fn codec_of(codec: &RtpCodecParameters) -> Result<(MediaKind, Codec), RequestError> {
    Codec::from_mime_type(&codec.mime_type).ok_or_else(|| {
        let problem = format!("unknown MIME type {}", codec.mime_type);
        RequestError::invalid("rtpParameters.codecs.mimeType", problem)
    })
}

/// Whether it is a codec of media and not of their repair.
pub(crate) fn is_media(codec: &RtpCodecParameters) -> bool {
    Codec::from_mime_type(&codec.mime_type).is_some_and(|(_, name)| name.is_media())
}

/// Checks that every payload type means one codec, and that every RTX codec repairs another one.
///
/// # Errors
///
/// `TypeError`, naming the field.
pub(crate) fn check_codecs(codecs: &[RtpCodecParameters]) -> Result<(), RequestError> {
    for (index, codec) in codecs.iter().enumerate() {
        let payload_type = codec.payload_type;
        let has = |other: &RtpCodecParameters| other.payload_type == payload_type;
        if codecs[..index].iter().any(has) {
            let problem = format!("{payload_type} is given twice");
            return Err(RequestError::invalid(
                "rtpParameters.codecs.payloadType",
                problem,
            ));
        }
        if codec_of(codec)?.1 == Codec::Rtx && !repairs_media(codecs, codec) {
            let problem = format!("of payload type {payload_type} names no media codec");
            return Err(RequestError::invalid(
                "rtpParameters.codecs.parameters.apt",
                problem,
            ));
        }
    }
    Ok(())
}

/// Whether an RTX codec says by `apt` which media codec it repairs (RFC 4588 §8.1).
fn repairs_media(codecs: &[RtpCodecParameters], rtx: &RtpCodecParameters) -> bool {
    rtx.integer("apt").is_some_and(|apt| {
        codecs.iter().any(|codec| {
            i64::from(codec.payload_type) == apt
                && codec_of(codec).is_ok_and(|(_, name)| name.is_media())
        })
    })
}

/// The payload type of retransmissions of `payload_type` (RFC 4588 §8.1, `apt`).
pub(crate) fn rtx_of(codecs: &[RtpCodecParameters], payload_type: u8) -> Option<PayloadType> {
    let rtx = codecs.iter().find(|codec| {
        codec_of(codec).is_ok_and(|(_, name)| name == Codec::Rtx)
            && codec.integer("apt") == Some(i64::from(payload_type))
    })?;
    Some(PayloadType(rtx.payload_type))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codec(mime_type: &str, payload_type: u8, apt: Option<i32>) -> RtpCodecParameters {
        let apt = apt.map(|apt| ("apt".to_owned(), ParameterValue::Integer(apt)));
        RtpCodecParameters {
            mime_type: mime_type.to_owned(),
            payload_type,
            clock_rate: 90_000,
            channels: None,
            parameters: apt.into_iter().collect(),
            rtcp_feedback: Vec::new(),
        }
    }

    #[test]
    fn a_payload_type_means_one_codec_and_rtx_repairs_media() {
        let vp8 = codec("video/VP8", 96, None);
        let rtx = |payload_type, apt| codec("video/rtx", payload_type, apt);
        let check = |codecs: &[&RtpCodecParameters]| {
            let codecs: Vec<_> = codecs.iter().copied().cloned().collect();
            check_codecs(&codecs).map_err(|error| (error.class(), error.to_string()))
        };
        assert_eq!(check(&[&vp8, &rtx(97, Some(96))]), Ok(()));
        for (codecs, field) in [
            (vec![&vp8, &codec("video/VP9", 96, None)], "payloadType"),
            (vec![&vp8, &rtx(97, None)], "parameters.apt"),
            (vec![&vp8, &rtx(97, Some(98))], "parameters.apt"),
            (vec![&vp8, &rtx(97, Some(97))], "parameters.apt"),
        ] {
            let (class, text) = check(&codecs).expect_err("it is refused");
            assert_eq!(class, "TypeError");
            assert!(
                text.starts_with(&format!("rtpParameters.codecs.{field}: ")),
                "{text}"
            );
        }
    }
}
