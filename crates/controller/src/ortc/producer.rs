//! How the worker renumbers what a Producer sends.

use super::codec_match::Codec;
use super::{OrtcError, h264};
use crate::rtp::{
    CodecMapping, EncodingMapping, MediaKind, ParameterValue, PayloadType, RtcpParameters,
    RtpCapabilities, RtpCodecCapability, RtpCodecParameters, RtpHeaderExtensionDirection,
    RtpHeaderExtensionParameters, RtpHeaderExtensionUri, RtpMapping, RtpParameters, Ssrc,
};

/// Says how the worker renumbers what a Producer sends: each payload type becomes the one of
/// the router's codec, each stream one of the SSRCs from `first_ssrc` on.
///
/// The H264 codecs in `parameters` get the `profile-level-id` both sides settle on.
///
/// # Errors
///
/// [`OrtcError::UnsupportedCodec`], [`OrtcError::MissingMediaCodecForRtx`] and
/// [`OrtcError::NoRtxCodec`].
pub fn get_producer_rtp_parameters_mapping(
    parameters: &mut RtpParameters,
    capabilities: &RtpCapabilities,
    first_ssrc: Ssrc,
) -> Result<RtpMapping, OrtcError> {
    let mut codecs = Vec::new();
    for codec in parameters
        .codecs
        .iter_mut()
        .filter(|codec| !codec.mime_type.is_rtx())
    {
        let router_codec = capabilities
            .codecs
            .iter()
            .find(|candidate| Codec::from(&*codec).compatible((*candidate).into()))
            .ok_or_else(|| OrtcError::UnsupportedCodec {
                mime_type: codec.mime_type.clone(),
                payload_type: codec.payload_type,
            })?;
        if codec.mime_type.has_subtype("H264") {
            h264::settle_profile_level_id(&mut codec.parameters, &router_codec.parameters);
        }
        codecs.push(CodecMapping {
            payload_type: codec.payload_type,
            mapped_payload_type: payload_type_of(router_codec)?,
        });
    }
    let media = codecs.clone();
    for codec in parameters
        .codecs
        .iter()
        .filter(|codec| codec.mime_type.is_rtx())
    {
        codecs.push(CodecMapping {
            payload_type: codec.payload_type,
            mapped_payload_type: mapped_rtx(codec, &media, capabilities)?,
        });
    }
    let encodings = (0u32..)
        .zip(&parameters.encodings)
        .map(|(index, encoding)| EncodingMapping {
            ssrc: encoding.ssrc,
            rid: encoding.rid.clone(),
            mapped_ssrc: first_ssrc.offset(index),
        })
        .collect();
    Ok(RtpMapping { codecs, encodings })
}

fn mapped_rtx(
    codec: &RtpCodecParameters,
    media: &[CodecMapping],
    capabilities: &RtpCapabilities,
) -> Result<PayloadType, OrtcError> {
    let apt = codec.parameters.get("apt");
    let repaired = media
        .iter()
        .find(|media| repairs(apt, media.payload_type))
        .ok_or(OrtcError::MissingMediaCodecForRtx(codec.payload_type))?
        .mapped_payload_type;
    let rtx = rtx_for(capabilities, repaired).ok_or(OrtcError::NoRtxCodec(repaired))?;
    payload_type_of(rtx)
}

/// Says what a Producer's source looks like inside its router: the router's payload types, feedback
/// and header extensions, and the mapped SSRCs. Consumers are made from this.
///
/// `mapping` is what [`get_producer_rtp_parameters_mapping`] made of the same parameters.
///
/// # Errors
///
/// [`OrtcError::ForeignMapping`].
pub fn get_consumable_rtp_parameters(
    kind: MediaKind,
    parameters: &RtpParameters,
    capabilities: &RtpCapabilities,
    mapping: &RtpMapping,
) -> Result<RtpParameters, OrtcError> {
    let mut codecs = Vec::new();
    for (index, codec) in parameters.codecs.iter().enumerate() {
        if codec.mime_type.is_rtx() {
            continue;
        }
        let router_codec = mapping
            .codecs
            .iter()
            .find(|entry| entry.payload_type == codec.payload_type)
            .and_then(|entry| with_payload_type(capabilities, entry.mapped_payload_type))
            .ok_or_else(|| OrtcError::ForeignMapping {
                field: format!("codecs[{index}]"),
            })?;
        let consumable = RtpCodecParameters {
            parameters: codec.parameters.clone(),
            ..parameters_of(router_codec)?
        };
        let rtx = rtx_for(capabilities, consumable.payload_type);
        codecs.push(consumable);
        if let Some(rtx) = rtx {
            codecs.push(parameters_of(rtx)?);
        }
    }
    let mut encodings = parameters.encodings.clone();
    for (index, encoding) in encodings.iter_mut().enumerate() {
        let entry = mapping
            .encodings
            .get(index)
            .ok_or_else(|| OrtcError::ForeignMapping {
                field: format!("encodings[{index}]"),
            })?;
        encoding.ssrc = Some(entry.mapped_ssrc);
        encoding.rid = None;
        encoding.rtx = None;
        encoding.codec_payload_type = None;
    }
    Ok(RtpParameters {
        mid: None,
        codecs,
        header_extensions: consumable_header_extensions(kind, parameters, capabilities),
        encodings,
        rtcp: RtcpParameters {
            cname: parameters.rtcp.cname.clone(),
            reduced_size: true,
        },
        msid: parameters.msid.clone(),
    })
}

fn consumable_header_extensions(
    kind: MediaKind,
    parameters: &RtpParameters,
    capabilities: &RtpCapabilities,
) -> Vec<RtpHeaderExtensionParameters> {
    // The capture time is the one extension a router cannot fill in by itself.
    let has_capture_time = parameters
        .header_extensions
        .iter()
        .any(|extension| extension.uri == RtpHeaderExtensionUri::AbsCaptureTime);
    sent_header_extensions(kind, capabilities)
        .filter(|extension| {
            has_capture_time || extension.uri != RtpHeaderExtensionUri::AbsCaptureTime
        })
        .collect()
}

/// The header extensions of a kind that a router sends.
pub(super) fn sent_header_extensions(
    kind: MediaKind,
    capabilities: &RtpCapabilities,
) -> impl Iterator<Item = RtpHeaderExtensionParameters> {
    let is_sent = |direction| {
        matches!(
            direction,
            RtpHeaderExtensionDirection::SendRecv | RtpHeaderExtensionDirection::SendOnly
        )
    };
    capabilities
        .header_extensions
        .iter()
        .filter(move |extension| extension.kind == kind && is_sent(extension.direction))
        .map(|extension| RtpHeaderExtensionParameters {
            uri: extension.uri.clone(),
            id: extension.preferred_id,
            encrypt: extension.preferred_encrypt,
            parameters: Default::default(),
        })
}

/// Whether an `apt` parameter names this payload type.
pub(super) fn repairs(apt: Option<&ParameterValue>, payload_type: PayloadType) -> bool {
    apt == Some(&ParameterValue::Integer(i32::from(payload_type.get())))
}

fn rtx_for(capabilities: &RtpCapabilities, repaired: PayloadType) -> Option<&RtpCodecCapability> {
    capabilities
        .codecs
        .iter()
        .find(|codec| codec.mime_type.is_rtx() && repairs(codec.parameters.get("apt"), repaired))
}

fn with_payload_type(
    capabilities: &RtpCapabilities,
    payload_type: PayloadType,
) -> Option<&RtpCodecCapability> {
    capabilities
        .codecs
        .iter()
        .find(|codec| codec.preferred_payload_type == Some(payload_type))
}

pub(super) fn parameters_of(codec: &RtpCodecCapability) -> Result<RtpCodecParameters, OrtcError> {
    Ok(RtpCodecParameters {
        mime_type: codec.mime_type.clone(),
        payload_type: payload_type_of(codec)?,
        clock_rate: codec.clock_rate,
        channels: codec.channels,
        parameters: codec.parameters.clone(),
        rtcp_feedback: codec.rtcp_feedback.clone(),
    })
}

fn payload_type_of(codec: &RtpCodecCapability) -> Result<PayloadType, OrtcError> {
    codec.preferred_payload_type.ok_or_else(|| {
        OrtcError::invalid(
            "preferredPayloadType",
            "is missing in the router's capabilities",
        )
    })
}
