//! The capabilities of a router, from its media codecs.

use super::codec_match::Codec;
use super::{OrtcError, supported_rtp_capabilities, validate_rtp_codec_capability};
use crate::rtp::{
    CodecParameters, MediaKind, MimeType, PayloadType, RtpCapabilities, RtpCodecCapability,
};

/// Makes the capabilities of a router from its media codecs.
///
/// Each codec gets the feedback of the supported codec it stands for, the parameters of both,
/// the payload type it asks for or the next dynamic one, and, for video, a retransmission codec
/// behind it. Header extensions are all the supported ones.
///
/// # Errors
///
/// [`OrtcError::UnsupportedMediaCodec`], [`OrtcError::DuplicatePreferredPayloadType`],
/// [`OrtcError::PayloadTypesExhausted`] (32 payload types are dynamic) and
/// [`OrtcError::InvalidField`].
pub fn generate_router_rtp_capabilities(
    media_codecs: &[RtpCodecCapability],
) -> Result<RtpCapabilities, OrtcError> {
    let supported = supported_rtp_capabilities();
    let mut free = DynamicPayloadTypes::new();
    let mut codecs: Vec<RtpCodecCapability> = Vec::new();
    for (index, media_codec) in media_codecs.iter().enumerate() {
        let mut media_codec = media_codec.clone();
        validate_rtp_codec_capability(&mut media_codec).map_err(|error| at(index, error))?;
        let codec = router_codec(&supported, &media_codec, &mut free)?;
        let payload_type = codec.preferred_payload_type;
        if let Some(taken) = payload_type
            && codecs
                .iter()
                .any(|other| other.preferred_payload_type == payload_type)
        {
            return Err(OrtcError::DuplicatePreferredPayloadType(taken));
        }
        let rtx = match (codec.kind, payload_type) {
            (MediaKind::Video, Some(repaired)) => Some(rtx_codec(&codec, repaired, &mut free)?),
            _ => None,
        };
        codecs.push(codec);
        codecs.extend(rtx);
    }
    Ok(RtpCapabilities {
        codecs,
        header_extensions: supported.header_extensions,
    })
}

fn at(index: usize, error: OrtcError) -> OrtcError {
    match error {
        OrtcError::InvalidField { field, reason } => OrtcError::InvalidField {
            field: field.replacen("codec", &format!("mediaCodecs[{index}]"), 1),
            reason,
        },
        other => other,
    }
}

fn router_codec(
    supported: &RtpCapabilities,
    media_codec: &RtpCodecCapability,
    free: &mut DynamicPayloadTypes,
) -> Result<RtpCodecCapability, OrtcError> {
    let model = supported
        .codecs
        .iter()
        .find(|codec| Codec::from(*codec).same_format(media_codec.into()))
        .ok_or_else(|| OrtcError::UnsupportedMediaCodec(media_codec.mime_type.clone()))?;
    let mut codec = model.clone();
    if let Some(payload_type) = media_codec.preferred_payload_type {
        free.take(payload_type);
        codec.preferred_payload_type = Some(payload_type);
    } else if codec.preferred_payload_type.is_none() {
        codec.preferred_payload_type = Some(free.next()?);
    }
    codec.parameters.extend(&media_codec.parameters);
    Ok(codec)
}

fn rtx_codec(
    codec: &RtpCodecCapability,
    repaired: PayloadType,
    free: &mut DynamicPayloadTypes,
) -> Result<RtpCodecCapability, OrtcError> {
    // "The apt parameter […] maps the retransmission payload type to the associated original
    // payload type" (RFC 4588 §8.1).
    let apt = i32::from(repaired.get());
    Ok(RtpCodecCapability {
        preferred_payload_type: Some(free.next()?),
        parameters: CodecParameters::from([("apt", apt.into())]),
        ..RtpCodecCapability::video(MimeType::rtx(codec.kind), codec.clock_rate)
    })
}

/// The free dynamic payload types: 100..=127, then 96..=99.
struct DynamicPayloadTypes(Vec<PayloadType>);

impl DynamicPayloadTypes {
    fn new() -> Self {
        Self(
            (100..=127)
                .chain(96..=99)
                .map(PayloadType::constant)
                .collect(),
        )
    }

    fn take(&mut self, payload_type: PayloadType) {
        self.0.retain(|free| *free != payload_type);
    }

    fn next(&mut self) -> Result<PayloadType, OrtcError> {
        if self.0.is_empty() {
            return Err(OrtcError::PayloadTypesExhausted);
        }
        Ok(self.0.remove(0))
    }
}
