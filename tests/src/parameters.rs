//! RTP parameters as a controller would send them, for one audio and one video codec.

use tureen_worker::internal::ids::Ssrc;
use tureen_worker::internal::messages::{
    Consume, CreateWebRtcTransport, Listen, Produce, TransportOptions,
};
use tureen_worker::internal::output::Protocol;
use tureen_worker::internal::params::{
    CodecMapping, EncodingMapping, HeaderExtensionUri, ListenInfo, MediaKind, ParameterValue,
    PortRange, RtcpFeedback, RtcpParameters, RtpCodecParameters, RtpEncodingParameters,
    RtpHeaderExtensionParameters, RtpMapping, RtpParameters, RtpType, SocketFlags,
};

/// One stream under the numbers that a test gives it, the same on both sides of the worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Audio or video.
    pub kind: MediaKind,
    /// Its MID.
    pub mid: &'static str,
    /// The media SSRC; retransmissions have the next.
    pub ssrc: u32,
}

impl Stream {
    /// A stream of Opus.
    #[must_use]
    pub const fn audio(mid: &'static str, ssrc: u32) -> Self {
        let kind = MediaKind::Audio;
        Self { kind, mid, ssrc }
    }

    /// A stream of VP8, with retransmissions.
    #[must_use]
    pub const fn video(mid: &'static str, ssrc: u32) -> Self {
        let kind = MediaKind::Video;
        Self { kind, mid, ssrc }
    }

    /// The SSRC of retransmissions; audio has none.
    #[must_use]
    pub fn rtx_ssrc(self) -> Option<u32> {
        (self.kind == MediaKind::Video).then_some(self.ssrc + 1)
    }

    /// The payload type of its media.
    #[must_use]
    pub const fn payload_type(self) -> u8 {
        match self.kind {
            MediaKind::Audio => OPUS,
            MediaKind::Video => VP8,
        }
    }

    fn parameters(self) -> RtpParameters {
        let extension = |uri, id| RtpHeaderExtensionParameters {
            uri,
            id,
            encrypt: false,
            parameters: Vec::new(),
        };
        RtpParameters {
            mid: Some(self.mid.to_owned()),
            codecs: match self.kind {
                MediaKind::Audio => vec![opus()],
                MediaKind::Video => vec![vp8(), rtx()],
            },
            header_extensions: vec![
                extension(HeaderExtensionUri::Mid, MID),
                extension(HeaderExtensionUri::AbsSendTime, ABS_SEND_TIME),
                extension(HeaderExtensionUri::TransportWideCc, TRANSPORT_WIDE_CC),
            ],
            encodings: vec![RtpEncodingParameters {
                ssrc: Some(Ssrc(self.ssrc)),
                rtx_ssrc: self.rtx_ssrc().map(Ssrc),
                codec_payload_type: Some(self.payload_type()),
                ..RtpEncodingParameters::default()
            }],
            rtcp: RtcpParameters {
                cname: Some("sim".to_owned()),
                reduced_size: true,
            },
            msid: None,
        }
    }

    /// The request to produce it as `id`; consumers know it by the mapped SSRC.
    #[must_use]
    pub fn produce(self, id: &str) -> Produce {
        let mapped = |payload_type| CodecMapping {
            payload_type,
            mapped_payload_type: payload_type,
        };
        Produce {
            producer_id: id.to_owned(),
            kind: self.kind,
            rtp_parameters: self.parameters(),
            rtp_mapping: RtpMapping {
                codecs: match self.kind {
                    MediaKind::Audio => vec![mapped(OPUS)],
                    MediaKind::Video => vec![mapped(VP8), mapped(VP8_RTX)],
                },
                encodings: vec![EncodingMapping {
                    rid: None,
                    ssrc: Some(Ssrc(self.ssrc)),
                    mapped_ssrc: Ssrc(self.ssrc + MAPPED),
                }],
            },
            paused: false,
            key_frame_request_delay: 0,
            enable_packet_id: false,
        }
    }

    /// The request to consume the producer `from` as `id`, sent as this stream.
    #[must_use]
    pub fn consume(self, id: &str, producer_id: &str, from: Self) -> Consume {
        Consume {
            consumer_id: id.to_owned(),
            producer_id: producer_id.to_owned(),
            kind: self.kind,
            rtp_parameters: self.parameters(),
            rtp_type: RtpType::Simple,
            consumable_rtp_encodings: vec![RtpEncodingParameters {
                ssrc: Some(Ssrc(from.ssrc + MAPPED)),
                ..RtpEncodingParameters::default()
            }],
            paused: false,
            preferred_layers: None,
            ignore_dtx: false,
        }
    }
}

/// The request for a WebRTC transport.
#[must_use]
pub fn create_web_rtc_transport(id: &str, listen: Listen) -> CreateWebRtcTransport {
    CreateWebRtcTransport {
        transport_id: id.to_owned(),
        base: TransportOptions::default(),
        listen,
        enable_udp: true,
        enable_tcp: false,
        prefer_udp: false,
        prefer_tcp: false,
        ice_consent_timeout: 30,
    }
}

/// A UDP port to listen on; 0 is any.
#[must_use]
pub fn listen_udp(ip: &str, port: u16) -> ListenInfo {
    ListenInfo {
        protocol: Protocol::Udp,
        ip: ip.to_owned(),
        announced_address: None,
        expose_internal_ip: false,
        port,
        port_range: PortRange::default(),
        flags: SocketFlags::default(),
        send_buffer_size: 0,
        recv_buffer_size: 0,
    }
}

fn opus() -> RtpCodecParameters {
    RtpCodecParameters {
        mime_type: "audio/opus".to_owned(),
        payload_type: OPUS,
        clock_rate: 48_000,
        channels: Some(2),
        parameters: Vec::new(),
        rtcp_feedback: feedback(&[("transport-cc", "")]),
    }
}

fn vp8() -> RtpCodecParameters {
    RtpCodecParameters {
        mime_type: "video/VP8".to_owned(),
        payload_type: VP8,
        clock_rate: 90_000,
        channels: None,
        parameters: Vec::new(),
        rtcp_feedback: feedback(&[
            ("nack", ""),
            ("nack", "pli"),
            ("ccm", "fir"),
            ("transport-cc", ""),
        ]),
    }
}

fn rtx() -> RtpCodecParameters {
    RtpCodecParameters {
        mime_type: "video/rtx".to_owned(),
        payload_type: VP8_RTX,
        clock_rate: 90_000,
        channels: None,
        parameters: vec![("apt".to_owned(), ParameterValue::Integer(i32::from(VP8)))],
        rtcp_feedback: Vec::new(),
    }
}

fn feedback(entries: &[(&str, &str)]) -> Vec<RtcpFeedback> {
    let entry = |(kind, parameter): &(&str, &str)| RtcpFeedback {
        kind: (*kind).to_owned(),
        parameter: Some((*parameter).to_owned()).filter(|text| !text.is_empty()),
    };
    entries.iter().map(entry).collect()
}

/// Payload types and extension ids: those that an independent peer negotiates by default.
pub const OPUS: u8 = 111;
/// See [`OPUS`].
pub const VP8: u8 = 96;
/// See [`OPUS`].
pub const VP8_RTX: u8 = 97;
/// See [`OPUS`].
pub const ABS_SEND_TIME: u8 = 2;
/// See [`OPUS`].
pub const TRANSPORT_WIDE_CC: u8 = 3;
/// See [`OPUS`].
pub const MID: u8 = 4;
/// The mapped SSRC, which consumers see, is the producer's SSRC plus this.
const MAPPED: u32 = 0x1000_0000;
