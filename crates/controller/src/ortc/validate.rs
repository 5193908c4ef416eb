//! Checks of capabilities and parameters, before anything is negotiated with them.

use super::OrtcError;
use crate::rtp::{
    CodecParameters, MediaKind, MimeType, ParameterValue, RtcpFeedback, RtpCapabilities,
    RtpCodecCapability, RtpHeaderExtensionUri, RtpParameters,
};

/// Checks RTP capabilities and fills in what may be left out: one channel for audio, none for
/// video, the kind of each codec.
pub fn validate_rtp_capabilities(capabilities: &mut RtpCapabilities) -> Result<(), OrtcError> {
    for (index, codec) in capabilities.codecs.iter_mut().enumerate() {
        validate_codec_capability_at(codec, &format!("codecs[{index}]"))?;
    }
    for (index, extension) in capabilities.header_extensions.iter().enumerate() {
        validate_uri(&extension.uri, &format!("headerExtensions[{index}].uri"))?;
    }
    Ok(())
}

/// Checks one codec of RTP capabilities, as [`validate_rtp_capabilities`] does.
pub fn validate_rtp_codec_capability(codec: &mut RtpCodecCapability) -> Result<(), OrtcError> {
    validate_codec_capability_at(codec, "codec")
}

/// Checks RTP parameters and fills in what may be left out: one channel for audio, none for
/// video, no discontinuous transmission, reduced-size RTCP.
pub fn validate_rtp_parameters(parameters: &mut RtpParameters) -> Result<(), OrtcError> {
    for (index, codec) in parameters.codecs.iter_mut().enumerate() {
        let path = format!("codecs[{index}]");
        codec.channels = normal_channels(&codec.mime_type, codec.channels);
        validate_codec_parameters(&codec.parameters, &path)?;
        validate_feedback(&codec.rtcp_feedback, &path)?;
    }
    for (index, extension) in parameters.header_extensions.iter().enumerate() {
        let path = format!("headerExtensions[{index}]");
        validate_uri(&extension.uri, &format!("{path}.uri"))?;
        refuse_booleans(&extension.parameters, &path)?;
    }
    for encoding in &mut parameters.encodings {
        encoding.dtx.get_or_insert(false);
    }
    // We never ask an endpoint for compound RTCP, whatever it offers.
    parameters.rtcp.reduced_size = true;
    Ok(())
}

fn validate_codec_capability_at(
    codec: &mut RtpCodecCapability,
    path: &str,
) -> Result<(), OrtcError> {
    codec.kind = codec.mime_type.kind();
    codec.channels = normal_channels(&codec.mime_type, codec.channels);
    validate_codec_parameters(&codec.parameters, path)?;
    validate_feedback(&codec.rtcp_feedback, path)
}

fn normal_channels(mime_type: &MimeType, channels: Option<u8>) -> Option<u8> {
    match mime_type.kind() {
        MediaKind::Audio => Some(channels.unwrap_or(1)),
        MediaKind::Video => None,
    }
}

fn validate_codec_parameters(parameters: &CodecParameters, path: &str) -> Result<(), OrtcError> {
    refuse_booleans(parameters, path)?;
    match parameters.get("apt") {
        Some(apt) if !apt.is_number() => Err(OrtcError::invalid(
            format!("{path}.parameters.apt"),
            "is not a number",
        )),
        _ => Ok(()),
    }
}

fn refuse_booleans(parameters: &CodecParameters, path: &str) -> Result<(), OrtcError> {
    for (name, value) in parameters.iter() {
        if matches!(value, ParameterValue::Boolean(_)) {
            return Err(OrtcError::invalid(
                format!("{path}.parameters.{name}"),
                "is neither a string nor a number",
            ));
        }
    }
    Ok(())
}

fn validate_feedback(feedback: &[RtcpFeedback], path: &str) -> Result<(), OrtcError> {
    match feedback.iter().position(|fb| fb.feedback_type.is_empty()) {
        Some(index) => Err(OrtcError::invalid(
            format!("{path}.rtcpFeedback[{index}].type"),
            "is empty",
        )),
        None => Ok(()),
    }
}

fn validate_uri(uri: &RtpHeaderExtensionUri, path: &str) -> Result<(), OrtcError> {
    if uri.as_str().is_empty() {
        return Err(OrtcError::invalid(path, "is empty"));
    }
    Ok(())
}
