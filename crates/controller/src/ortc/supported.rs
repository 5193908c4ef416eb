//! All codecs and header extensions that a router can have.

use crate::rtp::{
    CodecParameters, MediaKind, MimeType, ParameterValue, PayloadType, RtcpFeedback,
    RtpCapabilities, RtpCodecCapability, RtpHeaderExtension, RtpHeaderExtensionDirection,
    RtpHeaderExtensionUri,
};

/// Everything a router can be made of: mediasoup 3.27.1's supported RTP capabilities, in their
/// normal form. Codecs without a static payload type get one from the router.
pub fn supported_rtp_capabilities() -> RtpCapabilities {
    let audio = AUDIO.iter().map(AudioCodec::capability);
    let multiopus = MULTIOPUS.iter().map(MultiopusLayout::capability);
    let video = VIDEO.iter().map(|&subtype| video_capability(subtype));
    // Stereo Opus comes first, then its surround layouts, then the rest of audio.
    let (opus, others): (Vec<_>, Vec<_>) =
        audio.partition(|codec| codec.mime_type.has_subtype("opus"));
    RtpCapabilities {
        codecs: opus
            .into_iter()
            .chain(multiopus)
            .chain(others)
            .chain(video)
            .collect(),
        header_extensions: header_extensions(),
    }
}

struct AudioCodec {
    subtype: &'static str,
    clock_rate: u32,
    channels: u8,
    payload_type: Option<PayloadType>,
    feedback: &'static [(&'static str, &'static str)],
}

impl AudioCodec {
    const fn new(
        subtype: &'static str,
        clock_rate: u32,
        feedback: &'static [(&'static str, &'static str)],
    ) -> Self {
        Self {
            subtype,
            clock_rate,
            channels: 1,
            payload_type: None,
            feedback,
        }
    }

    const fn payload_type(self, payload_type: u8) -> Self {
        Self {
            payload_type: Some(PayloadType::constant(payload_type)),
            ..self
        }
    }

    fn capability(&self) -> RtpCodecCapability {
        RtpCodecCapability {
            preferred_payload_type: self.payload_type,
            rtcp_feedback: feedback(self.feedback),
            ..RtpCodecCapability::audio(
                MimeType::of(MediaKind::Audio, self.subtype),
                self.clock_rate,
                self.channels,
            )
        }
    }
}

/// Surround Opus: libopus' multistream format with a channel mapping (RFC 7845 §5.1.1).
struct MultiopusLayout {
    channels: u8,
    channel_mapping: &'static str,
    streams: i32,
    coupled_streams: i32,
}

impl MultiopusLayout {
    fn capability(&self) -> RtpCodecCapability {
        RtpCodecCapability {
            parameters: CodecParameters::from([
                (
                    "channel_mapping",
                    ParameterValue::from(self.channel_mapping),
                ),
                ("num_streams", ParameterValue::from(self.streams)),
                (
                    "coupled_streams",
                    ParameterValue::from(self.coupled_streams),
                ),
            ]),
            rtcp_feedback: feedback(OPUS_FEEDBACK),
            ..RtpCodecCapability::audio(
                MimeType::of(MediaKind::Audio, "multiopus"),
                48_000,
                self.channels,
            )
        }
    }
}

fn video_capability(subtype: &str) -> RtpCodecCapability {
    let mut codec = RtpCodecCapability::video(MimeType::of(MediaKind::Video, subtype), 90_000);
    codec.rtcp_feedback = feedback(VIDEO_FEEDBACK);
    if codec.mime_type.has_subtype("H264") {
        codec.parameters.set("level-asymmetry-allowed", 1);
    }
    codec
}

fn header_extensions() -> Vec<RtpHeaderExtension> {
    use RtpHeaderExtensionDirection::{RecvOnly, SendRecv};
    use RtpHeaderExtensionUri as Uri;

    // The ids, and for each kind of media the direction or nothing. Inside a router the worker uses
    // the same ids.
    let table = [
        (1, Uri::Mid, Some(SendRecv), Some(SendRecv)),
        (2, Uri::RtpStreamId, None, Some(RecvOnly)),
        (3, Uri::RepairedRtpStreamId, None, Some(RecvOnly)),
        (4, Uri::AbsSendTime, Some(SendRecv), Some(SendRecv)),
        (5, Uri::TransportWideCc, Some(RecvOnly), Some(SendRecv)),
        (6, Uri::SsrcAudioLevel, Some(SendRecv), None),
        (
            DEPENDENCY_DESCRIPTOR_ID,
            Uri::DependencyDescriptor,
            None,
            Some(RecvOnly),
        ),
        (8, Uri::VideoOrientation, None, Some(SendRecv)),
        (9, Uri::TransmissionOffset, None, Some(SendRecv)),
        (10, Uri::AbsCaptureTime, Some(SendRecv), Some(SendRecv)),
        (11, Uri::PlayoutDelay, Some(SendRecv), Some(SendRecv)),
        (12, Uri::PacketId, Some(SendRecv), Some(SendRecv)),
    ];
    let mut extensions = Vec::new();
    for (preferred_id, uri, audio, video) in table {
        for (kind, direction) in [(MediaKind::Audio, audio), (MediaKind::Video, video)] {
            let Some(direction) = direction else { continue };
            extensions.push(RtpHeaderExtension {
                kind,
                uri: uri.clone(),
                preferred_id,
                preferred_encrypt: false,
                direction,
            });
        }
    }
    extensions
}

fn feedback(list: &[(&str, &str)]) -> Vec<RtcpFeedback> {
    list.iter()
        .map(|(feedback_type, parameter)| RtcpFeedback::new(feedback_type, parameter))
        .collect()
}

/// Id of the dependency descriptor inside a router and between routers.
pub(super) const DEPENDENCY_DESCRIPTOR_ID: u8 = 7;

const OPUS_FEEDBACK: &[(&str, &str)] = &[("nack", ""), ("transport-cc", "")];
const AUDIO_FEEDBACK: &[(&str, &str)] = &[("transport-cc", "")];
const VIDEO_FEEDBACK: &[(&str, &str)] = &[
    ("nack", ""),
    ("nack", "pli"),
    ("ccm", "fir"),
    ("goog-remb", ""),
    ("transport-cc", ""),
];

const VIDEO: [&str; 4] = ["VP8", "VP9", "H264", "AV1"];

const MULTIOPUS: [MultiopusLayout; 3] = [
    MultiopusLayout {
        channels: 4,
        channel_mapping: "0,1,2,3",
        streams: 2,
        coupled_streams: 2,
    },
    MultiopusLayout {
        channels: 6,
        channel_mapping: "0,4,1,2,3,5",
        streams: 4,
        coupled_streams: 2,
    },
    MultiopusLayout {
        channels: 8,
        channel_mapping: "0,6,1,2,3,4,5,7",
        streams: 5,
        coupled_streams: 3,
    },
];

/// Static payload types are those of RFC 3551, table 4.
const AUDIO: [AudioCodec; 18] = [
    AudioCodec {
        channels: 2,
        ..AudioCodec::new("opus", 48_000, OPUS_FEEDBACK)
    },
    AudioCodec::new("PCMU", 8_000, AUDIO_FEEDBACK).payload_type(0),
    AudioCodec::new("PCMA", 8_000, AUDIO_FEEDBACK).payload_type(8),
    AudioCodec::new("ISAC", 32_000, AUDIO_FEEDBACK),
    AudioCodec::new("ISAC", 16_000, AUDIO_FEEDBACK),
    AudioCodec::new("G722", 8_000, AUDIO_FEEDBACK).payload_type(9),
    AudioCodec::new("iLBC", 8_000, AUDIO_FEEDBACK),
    AudioCodec::new("SILK", 24_000, AUDIO_FEEDBACK),
    AudioCodec::new("SILK", 16_000, AUDIO_FEEDBACK),
    AudioCodec::new("SILK", 12_000, AUDIO_FEEDBACK),
    AudioCodec::new("SILK", 8_000, AUDIO_FEEDBACK),
    AudioCodec::new("CN", 32_000, &[]).payload_type(13),
    AudioCodec::new("CN", 16_000, &[]).payload_type(13),
    AudioCodec::new("CN", 8_000, &[]).payload_type(13),
    AudioCodec::new("telephone-event", 48_000, &[]),
    AudioCodec::new("telephone-event", 32_000, &[]),
    AudioCodec::new("telephone-event", 16_000, &[]),
    AudioCodec::new("telephone-event", 8_000, &[]),
];
