//! The codecs of a producer, by payload type, checked against its mapping.

use crate::error::RequestError;
use crate::ids::PayloadType;
use crate::params::{
    Codec, MediaKind, RtpEncodingParameters, RtpMapping, RtpParameters, check_codecs, codec_of,
    rtx_of,
};

/// What a producer may receive.
#[derive(Debug)]
pub(crate) struct ReceiveCodecs {
    media: Vec<ReceiveCodec>,
}

/// One media codec of a producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReceiveCodec {
    pub(crate) codec: Codec,
    pub(crate) payload_type: PayloadType,
    /// As consumers see it.
    pub(crate) mapped_payload_type: PayloadType,
    /// Payload type of its retransmissions.
    pub(crate) rtx_payload_type: Option<PayloadType>,
    /// Which of the codecs in the parameters.
    pub(crate) index: usize,
}

impl ReceiveCodecs {
    /// Checks the parameters and fills in the codec of each encoding if it is left open.
    ///
    /// # Errors
    ///
    /// `TypeError`, naming the field.
    pub(crate) fn new(
        kind: MediaKind,
        parameters: &mut RtpParameters,
        mapping: &RtpMapping,
    ) -> Result<Self, RequestError> {
        check_shape(parameters, mapping)?;
        check_codecs(&parameters.codecs)?;
        let mut media = Vec::new();
        for (index, codec) in parameters.codecs.iter().enumerate() {
            let (codec_kind, name) = codec_of(codec)?;
            if codec_kind != kind {
                let problem = format!("{} is not {}", codec.mime_type, kind.as_str());
                return Err(RequestError::invalid(
                    "rtpParameters.codecs.mimeType",
                    problem,
                ));
            }
            let mapped = mapping
                .codecs
                .iter()
                .find(|m| m.payload_type == codec.payload_type);
            let mapped = mapped.ok_or_else(|| {
                let problem = format!("no entry for payload type {}", codec.payload_type);
                RequestError::invalid("rtpMapping.codecs", problem)
            })?;
            if name.is_media() {
                media.push(ReceiveCodec {
                    codec: name,
                    payload_type: PayloadType(codec.payload_type),
                    mapped_payload_type: PayloadType(mapped.mapped_payload_type & 0x7f),
                    rtx_payload_type: rtx_of(&parameters.codecs, codec.payload_type),
                    index,
                });
            }
        }
        let main = media.iter().find(|codec| !codec.codec.is_complementary());
        let first = main
            .or_else(|| media.first())
            .map(|codec| codec.payload_type.0);
        let first = first
            .ok_or_else(|| RequestError::invalid("rtpParameters.codecs", "holds no media codec"))?;
        let codecs = Self { media };
        for encoding in &mut parameters.encodings {
            let payload_type = *encoding.codec_payload_type.get_or_insert(first);
            if codecs.media(PayloadType(payload_type)).is_none() {
                let problem = format!("{payload_type} is not a media codec's");
                let field = "rtpParameters.encodings.codecPayloadType";
                return Err(RequestError::invalid(field, problem));
            }
        }
        Ok(codecs)
    }

    /// All media codecs.
    pub(crate) fn all(&self) -> &[ReceiveCodec] {
        &self.media
    }

    /// The media codec with this payload type.
    pub(crate) fn media(&self, payload_type: PayloadType) -> Option<ReceiveCodec> {
        self.media
            .iter()
            .copied()
            .find(|codec| codec.payload_type == payload_type)
    }
}

fn check_shape(parameters: &RtpParameters, mapping: &RtpMapping) -> Result<(), RequestError> {
    let invalid = |field: &str, problem: &str| Err(RequestError::invalid(field, problem));
    if parameters.encodings.is_empty() {
        return invalid("rtpParameters.encodings", "must not be empty");
    }
    if parameters.rtcp.cname.as_deref().is_none_or(str::is_empty) {
        return invalid("rtpParameters.rtcp.cname", "must not be empty");
    }
    if mapping.encodings.len() != parameters.encodings.len() {
        return invalid(
            "rtpMapping.encodings",
            "must be as many as rtpParameters.encodings",
        );
    }
    // A packet finds its encoding by SSRC or RID. If there is only one encoding, the MID is enough.
    let has_mid = parameters.mid.as_deref().is_some_and(|mid| !mid.is_empty());
    let needs_name = mapping.encodings.len() > 1 || !has_mid;
    for encoding in &mapping.encodings {
        if needs_name && encoding.ssrc.is_none() && encoding.rid.is_none() {
            return invalid(
                "rtpMapping.encodings",
                "must have an ssrc or a rid, or be the only one of a producer with a mid",
            );
        }
        if encoding.mapped_ssrc.0 == 0 {
            return invalid("rtpMapping.encodings.mappedSsrc", "is missing");
        }
    }
    if parameters
        .header_extensions
        .iter()
        .any(|extension| extension.encrypt)
    {
        return invalid("rtpParameters.headerExtensions.encrypt", "is not supported");
    }
    if parameters.encodings.len() > 1 || parameters.encodings.iter().any(has_layers) {
        let problem = "TRANSPORT_PRODUCE: simulcast and SVC are not supported";
        return Err(RequestError::Failed(problem.into()));
    }
    Ok(())
}

/// Whether an encoding has more than one spatial or temporal layer (W3C WebRTC-SVC).
fn has_layers(encoding: &RtpEncodingParameters) -> bool {
    encoding.scalability_mode.as_deref().is_some_and(|mode| {
        let digits = |text: &str| {
            text.chars()
                .take_while(char::is_ascii_digit)
                .collect::<String>()
                .parse()
                .unwrap_or(1)
        };
        let rest = mode.strip_prefix(['L', 'S']).unwrap_or_default();
        let spatial: u32 = digits(rest);
        let temporal: u32 = rest
            .split_once('T')
            .map_or(1, |(_, temporal)| digits(temporal));
        spatial > 1 || temporal > 1
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Ssrc;
    use crate::params::{CodecMapping, EncodingMapping, RtcpParameters, RtpCodecParameters};

    /// One encoding of Opus, named by what is given.
    fn produce(mid: Option<&str>, ssrc: Option<Ssrc>, mapped: u32) -> Result<(), RequestError> {
        let opus = RtpCodecParameters {
            mime_type: "audio/opus".to_owned(),
            payload_type: 111,
            clock_rate: 48_000,
            channels: Some(2),
            parameters: Vec::new(),
            rtcp_feedback: Vec::new(),
        };
        let mut parameters = RtpParameters {
            mid: mid.map(str::to_owned),
            codecs: vec![opus],
            encodings: vec![RtpEncodingParameters {
                ssrc,
                ..RtpEncodingParameters::default()
            }],
            rtcp: RtcpParameters {
                cname: Some("name".to_owned()),
                reduced_size: true,
            },
            ..RtpParameters::default()
        };
        let mapping = RtpMapping {
            codecs: vec![CodecMapping {
                payload_type: 111,
                mapped_payload_type: 100,
            }],
            encodings: vec![EncodingMapping {
                rid: None,
                ssrc,
                mapped_ssrc: Ssrc(mapped),
            }],
        };
        ReceiveCodecs::new(MediaKind::Audio, &mut parameters, &mapping).map(|_| ())
    }

    #[test]
    fn an_encoding_is_named_by_ssrc_or_alone_by_the_mid() {
        assert_eq!(produce(None, Some(Ssrc(1)), 2), Ok(()));
        assert_eq!(produce(Some("0"), None, 2), Ok(()));
        for (mid, ssrc, mapped, field) in [
            (None, None, 2, "rtpMapping.encodings"),
            (Some(""), None, 2, "rtpMapping.encodings"),
            (None, Some(Ssrc(1)), 0, "rtpMapping.encodings.mappedSsrc"),
        ] {
            let error = produce(mid, ssrc, mapped).expect_err("it is refused");
            assert_eq!(error.class(), "TypeError");
            assert!(
                error.to_string().starts_with(&format!("{field}: ")),
                "{error}"
            );
        }
    }
}
