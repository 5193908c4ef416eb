//! What we receive in a section of an offer, and what an answer says of it.

use std::borrow::Cow;

use tureen_controller::ortc;
use tureen_controller::rtp::{
    RtcpParameters, RtpCapabilities, RtpCodecCapability, RtpHeaderExtensionDirection,
    RtpHeaderExtensionParameters, RtpHeaderExtensionUri, RtpParameters, Ssrc,
};

use super::SdpError;
use super::codec::{self, Codec};
use super::media::{Direction, Media};
use super::write::Content;

/// How we would receive the section's media: with the router's first codec that the section offers
/// too.
pub(super) fn receive(
    media: &Media,
    mid: &str,
    router: &RtpCapabilities,
) -> Result<RtpParameters, SdpError> {
    router
        .codecs
        .iter()
        .filter(|codec| codec.kind == media.kind && !codec.mime_type.is_rtx())
        .flat_map(|wanted| {
            let offered = media.codecs.iter();
            offered
                .filter(|codec| codec.mime_type == wanted.mime_type)
                .map(move |codec| (wanted, codec))
        })
        .find_map(|(wanted, offered)| {
            let mut parameters = with_codec(media, mid, router, wanted, offered);
            // ORTC decides whether the router accepts this. The SSRC is only a placeholder.
            ortc::get_producer_rtp_parameters_mapping(&mut parameters, router, Ssrc(1)).ok()?;
            Some(parameters)
        })
        .ok_or(SdpError::NoCodec(media.place))
}

/// Whether the packets of a stream can be told from those of others: by SSRC, by RID, or by the MID
/// that they carry.
pub(super) fn has_name(parameters: &RtpParameters) -> bool {
    let carries = |uri| {
        parameters
            .header_extensions
            .iter()
            .any(|extension| extension.uri == uri)
    };
    let has_mid = parameters.mid.is_some() && carries(RtpHeaderExtensionUri::Mid);
    parameters.encodings.iter().all(|encoding| {
        let has_rid = encoding.rid.is_some() && carries(RtpHeaderExtensionUri::RtpStreamId);
        encoding.ssrc.is_some() || has_rid || has_mid && encoding.rid.is_none()
    })
}

/// What an answer says of a section, where we receive `received` or would, and send `sent`.
///
/// "The profile in any "m=" line in any generated answer MUST exactly match the profile provided in
/// the offer" (RFC 9429 §5.1.2).
pub(super) fn content<'a>(
    media: &Media,
    protocol: &'a str,
    received: RtpParameters,
    is_received: bool,
    sent: Option<&'a RtpParameters>,
) -> Content<'a> {
    let (direction, rtp) = match sent {
        Some(sent) if is_received => (Direction::SendRecv, Cow::Owned(both_ways(sent, received))),
        Some(sent) => (Direction::SendOnly, Cow::Borrowed(sent)),
        None if is_received => (Direction::RecvOnly, Cow::Owned(received)),
        None => (Direction::Inactive, Cow::Owned(received)),
    };
    Content::Stream {
        kind: media.kind,
        protocol,
        direction,
        rtp,
        taken_rid: is_received.then(|| media.streams.taken_rid()).flatten(),
    }
}

fn with_codec(
    media: &Media,
    mid: &str,
    router: &RtpCapabilities,
    wanted: &RtpCodecCapability,
    offered: &Codec,
) -> RtpParameters {
    let rtx = media.codecs.iter().find(|codec| {
        codec.mime_type.is_rtx()
            && codec::repaired_payload_type(codec) == Some(offered.payload_type)
    });
    let mut codec = offered.clone();
    codec
        .rtcp_feedback
        .retain(|feedback| wanted.rtcp_feedback.contains(feedback));
    let mut encoding = media.streams.taken();
    encoding.codec_payload_type = Some(codec.payload_type);
    encoding.rtx = encoding.rtx.filter(|_| rtx.is_some());
    RtpParameters {
        mid: Some(mid.to_owned()).filter(|mid| !mid.is_empty()),
        codecs: [Some(codec), rtx.cloned()].into_iter().flatten().collect(),
        header_extensions: header_extensions(media, router),
        encodings: vec![encoding],
        rtcp: RtcpParameters {
            cname: media.streams.cname.clone(),
            reduced_size: true,
        },
        msid: None,
    }
}

fn header_extensions(media: &Media, router: &RtpCapabilities) -> Vec<RtpHeaderExtensionParameters> {
    use RtpHeaderExtensionDirection::{RecvOnly, SendRecv};

    let is_received = |uri| {
        router.header_extensions.iter().any(|known| {
            known.kind == media.kind
                && known.uri == uri
                && matches!(known.direction, SendRecv | RecvOnly)
        })
    };
    media
        .extensions
        .iter()
        .filter(|offered| offered.direction.sends() && is_received(offered.uri.clone()))
        .map(|offered| RtpHeaderExtensionParameters {
            uri: offered.uri.clone(),
            id: offered.id,
            encrypt: false,
            parameters: Default::default(),
        })
        .collect()
}

/// A section with a stream in each direction lists the codecs and extensions of both. Both use the
/// offer's numbers.
fn both_ways(sent: &RtpParameters, received: RtpParameters) -> RtpParameters {
    let mut both = sent.clone();
    for codec in received.codecs {
        if both
            .codecs
            .iter()
            .all(|known| known.payload_type != codec.payload_type)
        {
            both.codecs.push(codec);
        }
    }
    for extension in received.header_extensions {
        if both
            .header_extensions
            .iter()
            .all(|known| known.id != extension.id)
        {
            both.header_extensions.push(extension);
        }
    }
    both
}
