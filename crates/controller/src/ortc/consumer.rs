//! The parameters of a Consumer, from its Producer and the endpoint's capabilities.

use super::codec_match::Codec;
use super::producer::repairs;
use super::supported::DEPENDENCY_DESCRIPTOR_ID;
use super::{OrtcError, validate_rtp_capabilities};
use crate::rtp::{
    CodecParameters, RtpCapabilities, RtpCodecParameters, RtpEncodingParameters,
    RtpHeaderExtensionParameters, RtpHeaderExtensionUri, RtpParameters, RtxParameters,
    ScalabilityMode, Ssrc,
};

/// Whether an endpoint with these capabilities can receive a source.
///
/// # Errors
///
/// [`OrtcError::InvalidField`] when the capabilities are unsound.
pub fn can_consume(
    consumable: &RtpParameters,
    remote: &RtpCapabilities,
) -> Result<bool, OrtcError> {
    let mut remote = remote.clone();
    validate_rtp_capabilities(&mut remote)?;
    let first = consumable
        .codecs
        .iter()
        .find(|codec| remote.codecs.iter().any(|other| compatible(codec, other)));
    Ok(first.is_some_and(|codec| !codec.mime_type.is_rtx()))
}

/// What an endpoint asks of a source.
#[derive(Clone, Copy, Debug)]
pub struct ConsumerNegotiation<'a> {
    /// What the endpoint can receive.
    pub remote: &'a RtpCapabilities,
    /// Whether all streams of the source are wanted, and not only one of them.
    pub pipe: bool,
    /// Whether lost packets are sent again (NACK and RTX).
    pub enable_rtx: bool,
    /// SSRCs of the outgoing streams.
    pub ssrcs: ConsumerSsrcs,
}

/// First SSRCs of a Consumer's streams; further streams count up from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsumerSsrcs {
    /// Of the media.
    pub media: Ssrc,
    /// Of the retransmissions.
    pub rtx: Ssrc,
}

impl ConsumerSsrcs {
    /// Random SSRCs, drawn apart: as both count up from encoding to encoding, the second of the
    /// media must not meet the first of the retransmissions, nor the other way round. There is room
    /// for 2¹⁶ encodings.
    pub fn random() -> Self {
        Self::drawn(Ssrc::random)
    }

    fn drawn(mut draw: impl FnMut() -> Ssrc) -> Self {
        let media = draw();
        loop {
            let rtx = draw();
            if media.0.abs_diff(rtx.0) >= APART {
                return Self { media, rtx };
            }
        }
    }
}

/// Cuts a source down to what one endpoint can receive: the codecs, feedback and header extensions
/// that both sides have, one kind of bandwidth estimation, and one stream (for a pipe, all
/// streams).
///
/// # Errors
///
/// [`OrtcError::NoCompatibleCodecs`] and [`OrtcError::InvalidField`].
pub fn get_consumer_rtp_parameters(
    consumable: &RtpParameters,
    negotiation: ConsumerNegotiation<'_>,
) -> Result<RtpParameters, OrtcError> {
    let mut remote = negotiation.remote.clone();
    validate_rtp_capabilities(&mut remote)?;
    let mut codecs = common_codecs(consumable, &remote, negotiation.enable_rtx);
    if codecs.first().is_none_or(|codec| codec.mime_type.is_rtx()) {
        return Err(OrtcError::NoCompatibleCodecs);
    }
    let rtx = codecs.iter().any(|codec| codec.mime_type.is_rtx());
    let header_extensions: Vec<_> = consumable
        .header_extensions
        .iter()
        .filter(|extension| {
            remote
                .header_extensions
                .iter()
                .any(|other| other.preferred_id == extension.id && other.uri == extension.uri)
        })
        .cloned()
        .collect();
    keep_one_bandwidth_estimation(&mut codecs, &header_extensions);
    let encodings = if negotiation.pipe {
        every_encoding(consumable, negotiation.ssrcs, rtx)
    } else {
        vec![single_encoding(consumable, negotiation.ssrcs, rtx)]
    };
    Ok(RtpParameters {
        mid: None,
        codecs,
        header_extensions,
        encodings,
        rtcp: consumable.rtcp.clone(),
        msid: consumable.msid.clone(),
    })
}

/// The parameters with which a source goes to another router: all its streams, without bandwidth
/// estimation and MID, and with retransmission only on request.
pub fn get_pipe_consumer_rtp_parameters(
    consumable: &RtpParameters,
    enable_rtx: bool,
    ssrcs: ConsumerSsrcs,
) -> RtpParameters {
    let mut codecs = consumable.codecs.clone();
    if !enable_rtx {
        codecs.retain(|codec| !codec.mime_type.is_rtx());
    }
    for codec in &mut codecs {
        codec.rtcp_feedback.retain(|feedback| {
            feedback.is("nack", "pli")
                || feedback.is("ccm", "fir")
                || (enable_rtx && feedback.is("nack", ""))
        });
    }
    RtpParameters {
        mid: None,
        codecs,
        header_extensions: pipe_header_extensions(consumable),
        encodings: every_encoding(consumable, ssrcs, enable_rtx),
        rtcp: consumable.rtcp.clone(),
        msid: consumable.msid.clone(),
    }
}

fn compatible(codec: &RtpCodecParameters, other: &crate::rtp::RtpCodecCapability) -> bool {
    Codec::from(codec).compatible(other.into())
}

/// Codecs of the source that the endpoint has, with the endpoint's feedback.
fn common_codecs(
    consumable: &RtpParameters,
    remote: &RtpCapabilities,
    enable_rtx: bool,
) -> Vec<RtpCodecParameters> {
    let mut codecs = Vec::new();
    for codec in &consumable.codecs {
        if codec.mime_type.is_rtx() && !enable_rtx {
            continue;
        }
        let Some(matched) = remote.codecs.iter().find(|other| compatible(codec, other)) else {
            continue;
        };
        let mut feedback = matched.rtcp_feedback.clone();
        if !enable_rtx {
            feedback.retain(|feedback| !feedback.is("nack", ""));
        }
        codecs.push(RtpCodecParameters {
            rtcp_feedback: feedback,
            ..codec.clone()
        });
    }
    drop_rtx_without_media(&mut codecs);
    codecs
}

fn drop_rtx_without_media(codecs: &mut Vec<RtpCodecParameters>) {
    let payload_types: Vec<_> = codecs.iter().map(|codec| codec.payload_type).collect();
    codecs.retain(|codec| {
        !codec.mime_type.is_rtx()
            || payload_types
                .iter()
                .any(|media| repairs(codec.parameters.get("apt"), *media))
    });
}

/// The feedback for bandwidth estimation depends on the header extensions. With the transport-wide
/// sequence number it is transport-wide feedback; else, with the absolute send time, it is REMB;
/// else there is none.
fn keep_one_bandwidth_estimation(
    codecs: &mut [RtpCodecParameters],
    extensions: &[RtpHeaderExtensionParameters],
) {
    let has = |uri| extensions.iter().any(|extension| extension.uri == uri);
    let kept = if has(RtpHeaderExtensionUri::TransportWideCc) {
        "transport-cc"
    } else if has(RtpHeaderExtensionUri::AbsSendTime) {
        "goog-remb"
    } else {
        ""
    };
    for codec in codecs {
        codec.rtcp_feedback.retain(|feedback| {
            let estimates = ["transport-cc", "goog-remb"].contains(&&*feedback.feedback_type);
            !estimates || feedback.feedback_type == kept
        });
    }
}

/// One outgoing stream that stands for all of the source's.
fn single_encoding(
    consumable: &RtpParameters,
    ssrcs: ConsumerSsrcs,
    rtx: bool,
) -> RtpEncodingParameters {
    let encodings = &consumable.encodings;
    let mode = encodings
        .iter()
        .filter_map(|encoding| encoding.scalability_mode.as_deref())
        .find(|mode| !mode.is_empty());
    let scalability_mode = if encodings.len() > 1 {
        // Each simulcast stream counts as a spatial layer.
        let temporal_layers = ScalabilityMode::parse(mode.unwrap_or_default()).temporal_layers;
        Some(format!("L{}T{temporal_layers}", encodings.len()))
    } else {
        mode.map(str::to_owned)
    };
    let max_bitrate = encodings
        .iter()
        .filter_map(|encoding| encoding.max_bitrate)
        .max();
    RtpEncodingParameters {
        ssrc: Some(ssrcs.media),
        rtx: rtx.then_some(RtxParameters { ssrc: ssrcs.rtx }),
        scalability_mode,
        max_bitrate: max_bitrate.filter(|bitrate| *bitrate > 0),
        ..Default::default()
    }
}

fn every_encoding(
    consumable: &RtpParameters,
    ssrcs: ConsumerSsrcs,
    rtx: bool,
) -> Vec<RtpEncodingParameters> {
    (0u32..)
        .zip(&consumable.encodings)
        .map(|(index, encoding)| RtpEncodingParameters {
            ssrc: Some(ssrcs.media.offset(index)),
            rtx: rtx.then(|| RtxParameters {
                ssrc: ssrcs.rtx.offset(index),
            }),
            ..encoding.clone()
        })
        .collect()
}

/// MID and bandwidth estimation belong to one transport, so they do not travel. The dependency
/// descriptor is offered to no endpoint, but it travels between routers. Ordered by id.
fn pipe_header_extensions(consumable: &RtpParameters) -> Vec<RtpHeaderExtensionParameters> {
    let mut extensions: Vec<_> = consumable
        .header_extensions
        .iter()
        .filter(|extension| {
            !matches!(
                extension.uri,
                RtpHeaderExtensionUri::Mid
                    | RtpHeaderExtensionUri::AbsSendTime
                    | RtpHeaderExtensionUri::TransportWideCc
            )
        })
        .cloned()
        .collect();
    extensions.push(RtpHeaderExtensionParameters {
        uri: RtpHeaderExtensionUri::DependencyDescriptor,
        id: DEPENDENCY_DESCRIPTOR_ID,
        encrypt: false,
        parameters: CodecParameters::new(),
    });
    extensions.sort_by_key(|extension| extension.id);
    extensions
}

/// Least distance between the SSRCs of media and of retransmissions.
const APART: u32 = 1 << 16;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::rtp::RtcpParameters;

    fn ssrcs_of(ssrcs: ConsumerSsrcs, encodings: usize) -> Vec<Ssrc> {
        let consumable = RtpParameters {
            mid: None,
            codecs: Vec::new(),
            header_extensions: Vec::new(),
            encodings: vec![RtpEncodingParameters::default(); encodings],
            rtcp: RtcpParameters::default(),
            msid: None,
        };
        every_encoding(&consumable, ssrcs, true)
            .into_iter()
            .flat_map(|encoding| [encoding.ssrc, encoding.rtx.map(|rtx| rtx.ssrc)])
            .flatten()
            .collect()
    }

    /// A pipe sends all encodings of a source; no two of its streams may share an SSRC.
    #[test]
    fn streams_of_several_encodings_never_share_an_ssrc() {
        for _ in 0..100 {
            let all = ssrcs_of(ConsumerSsrcs::random(), 3);
            let distinct: BTreeSet<_> = all.iter().map(|ssrc| ssrc.0).collect();
            assert_eq!((all.len(), distinct.len()), (6, 6), "{all:?}");
        }
    }

    #[test]
    fn bases_that_are_near_each_other_are_drawn_again() {
        let near = [1_000_000, 1_000_001, 999_990, 1_065_535, 1_065_536];
        let mut draws = near.map(Ssrc).into_iter();
        let ssrcs = ConsumerSsrcs::drawn(|| draws.next().unwrap());
        let (media, rtx) = (Ssrc(1_000_000), Ssrc(1_065_536));
        assert_eq!(ssrcs, ConsumerSsrcs { media, rtx });
    }
}
