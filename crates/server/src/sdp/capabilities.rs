//! What a client can receive.

use tureen_controller::rtp::{
    MediaKind, RtpCapabilities, RtpCodecCapability, RtpCodecParameters, RtpHeaderExtension,
    RtpHeaderExtensionDirection,
};

use super::SdpError;
use super::bundle;
use super::media::Media;
use super::text::Text;

/// What a client can receive, read from an offer of it with `recvonly` sections. Its transport does
/// not matter.
pub(crate) fn receive_capabilities(text: &str) -> Result<RtpCapabilities, SdpError> {
    let sections = bundle::sections(&Text::parse(text)?);
    let media: Vec<_> = sections
        .iter()
        .filter_map(|section| section.media.as_ref().ok())
        .collect();
    if let (true, Some(problem)) = (
        media.is_empty(),
        sections
            .iter()
            .find_map(|section| section.media.as_ref().err()),
    ) {
        return Err(problem.clone());
    }
    Ok(of(media))
}

/// The same of single sections.
pub(super) fn of<'a>(media: impl IntoIterator<Item = &'a Media>) -> RtpCapabilities {
    let mut capabilities = RtpCapabilities::default();
    for media in media.into_iter().filter(|media| media.direction.receives()) {
        add(&mut capabilities, media);
    }
    capabilities
}

fn add(capabilities: &mut RtpCapabilities, media: &Media) {
    for codec in &media.codecs {
        let is_known = capabilities
            .codecs
            .iter()
            .any(|known| known.preferred_payload_type == Some(codec.payload_type));
        if !is_known {
            let capability = codec_capability(media.kind, codec);
            capabilities.codecs.push(capability);
        }
    }
    for extension in media
        .extensions
        .iter()
        .filter(|one| one.direction.receives())
    {
        // Sections of one kind mostly name the same ones.
        let known = capabilities.header_extensions.iter();
        let is_known =
            |known: &RtpHeaderExtension| known.kind == media.kind && known.uri == extension.uri;
        if known.into_iter().any(is_known) {
            continue;
        }
        capabilities.header_extensions.push(RtpHeaderExtension {
            kind: media.kind,
            uri: extension.uri.clone(),
            preferred_id: extension.id,
            preferred_encrypt: false,
            direction: RtpHeaderExtensionDirection::SendRecv,
        });
    }
}

fn codec_capability(kind: MediaKind, codec: &RtpCodecParameters) -> RtpCodecCapability {
    RtpCodecCapability {
        kind,
        mime_type: codec.mime_type.clone(),
        preferred_payload_type: Some(codec.payload_type),
        clock_rate: codec.clock_rate,
        channels: codec.channels,
        parameters: codec.parameters.clone(),
        rtcp_feedback: codec.rtcp_feedback.clone(),
    }
}
