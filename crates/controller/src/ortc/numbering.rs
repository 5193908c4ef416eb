//! Payload types and extension ids of an endpoint that has named its own.

use super::codec_match::Codec;
use super::producer::{parameters_of, repairs, sent_header_extensions};
use super::{ConsumerNegotiation, ConsumerSsrcs, OrtcError, get_consumer_rtp_parameters};
use crate::rtp::{
    MediaKind, RtcpParameters, RtpCapabilities, RtpCodecCapability, RtpCodecParameters,
    RtpEncodingParameters, RtpParameters,
};

/// All that a router may send to an endpoint in one stream of this kind, whatever the source, in the
/// numbers that the endpoint has given: every codec and header extension that both have. The
/// encoding has no SSRC, for that is known only once there is a source. It is for an endpoint that
/// agrees once on what may come, and then receives one source after the other.
///
/// `router` is what [`generate_router_rtp_capabilities`](super::generate_router_rtp_capabilities)
/// made; `enable_rtx` as that of [`ConsumerNegotiation`].
///
/// # Errors
///
/// [`OrtcError::NoCompatibleCodecs`] and [`OrtcError::InvalidField`].
pub fn get_endpoint_rtp_parameters(
    kind: MediaKind,
    router: &RtpCapabilities,
    remote: &RtpCapabilities,
    enable_rtx: bool,
) -> Result<RtpParameters, OrtcError> {
    let codecs = router.codecs.iter().filter(|codec| codec.kind == kind);
    let anything = RtpParameters {
        mid: None,
        codecs: codecs.map(parameters_of).collect::<Result<_, _>>()?,
        header_extensions: sent_header_extensions(kind, router).collect(),
        encodings: vec![RtpEncodingParameters::default()],
        rtcp: RtcpParameters::default(),
        msid: None,
    };
    let negotiation = ConsumerNegotiation {
        remote: &with_ids_of(&anything, remote),
        pipe: false,
        enable_rtx,
        ssrcs: ConsumerSsrcs::random(),
    };
    let parameters = get_consumer_rtp_parameters(&anything, negotiation)?;
    let parameters = in_numbers_of(kind, parameters, remote);
    Ok(RtpParameters {
        encodings: vec![RtpEncodingParameters::default()],
        ..parameters
    })
}

/// The endpoint's capabilities with the extension ids of the source, so that both can be cut down
/// to what they have in common. What the source does not have keeps its id.
pub(crate) fn with_ids_of(consumable: &RtpParameters, remote: &RtpCapabilities) -> RtpCapabilities {
    let mut remote = remote.clone();
    for extension in &mut remote.header_extensions {
        let same = consumable
            .header_extensions
            .iter()
            .find(|known| known.uri == extension.uri);
        if let Some(known) = same {
            extension.preferred_id = known.id;
        }
    }
    remote
}

/// A Consumer's parameters in the numbers that its endpoint has given: "if a particular codec was
/// referenced with a specific payload type number in the offer, that same payload type number
/// SHOULD be used for that codec in the answer" (RFC 3264 §6.1), and so for extensions (RFC 8285
/// §6). A retransmission codec that the endpoint does not have for the codec in use goes.
pub(crate) fn in_numbers_of(
    kind: MediaKind,
    mut parameters: RtpParameters,
    remote: &RtpCapabilities,
) -> RtpParameters {
    let codecs = std::mem::take(&mut parameters.codecs);
    let (rtx, media): (Vec<_>, Vec<_>) = codecs
        .into_iter()
        .partition(|codec| codec.mime_type.is_rtx());
    for codec in media {
        let Some(number) = remote
            .codecs
            .iter()
            .find(|other| Codec::from(&codec).compatible((*other).into()))
            .and_then(|other| other.preferred_payload_type)
        else {
            continue;
        };
        let repair = rtx
            .iter()
            .find(|rtx| repairs(rtx.parameters.get("apt"), codec.payload_type))
            .and_then(|_| rtx_of(remote, number));
        parameters.codecs.push(RtpCodecParameters {
            payload_type: number,
            ..codec
        });
        parameters.codecs.extend(repair);
    }
    if !parameters
        .codecs
        .iter()
        .any(|codec| codec.mime_type.is_rtx())
    {
        for encoding in &mut parameters.encodings {
            encoding.rtx = None;
        }
    }
    parameters.header_extensions.retain_mut(|extension| {
        let theirs = remote
            .header_extensions
            .iter()
            .find(|other| other.kind == kind && other.uri == extension.uri);
        theirs.is_some_and(|theirs| {
            extension.id = theirs.preferred_id;
            true
        })
    });
    parameters
}

/// The endpoint's retransmission codec for the codec with this payload type.
fn rtx_of(
    remote: &RtpCapabilities,
    repaired: crate::rtp::PayloadType,
) -> Option<RtpCodecParameters> {
    let is_rtx = |codec: &&RtpCodecCapability| {
        codec.mime_type.is_rtx() && repairs(codec.parameters.get("apt"), repaired)
    };
    let rtx = remote.codecs.iter().find(is_rtx)?;
    Some(RtpCodecParameters {
        mime_type: rtx.mime_type.clone(),
        payload_type: rtx.preferred_payload_type?,
        clock_rate: rtx.clock_rate,
        channels: rtx.channels,
        parameters: rtx.parameters.clone(),
        rtcp_feedback: rtx.rtcp_feedback.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ortc::{
        ConsumerNegotiation, ConsumerSsrcs, generate_router_rtp_capabilities,
        get_consumable_rtp_parameters, get_consumer_rtp_parameters,
        get_producer_rtp_parameters_mapping,
    };
    use crate::rtp::{
        CodecParameters, MimeType, PayloadType, RtpEncodingParameters, RtpHeaderExtension,
        RtpHeaderExtensionDirection, RtpHeaderExtensionUri, Ssrc,
    };

    fn codec(name: &str, payload_type: u8, apt: Option<i32>) -> RtpCodecCapability {
        let mut codec = RtpCodecCapability::video(MimeType::of(MediaKind::Video, name), 90_000);
        codec.preferred_payload_type = PayloadType::try_from(payload_type).ok();
        if let Some(apt) = apt {
            codec.parameters = CodecParameters::from([("apt", apt.into())]);
        }
        codec
    }

    fn extension(uri: RtpHeaderExtensionUri, id: u8) -> RtpHeaderExtension {
        RtpHeaderExtension {
            kind: MediaKind::Video,
            uri,
            preferred_id: id,
            preferred_encrypt: false,
            direction: RtpHeaderExtensionDirection::SendRecv,
        }
    }

    /// What a VP8 source becomes for an endpoint with these capabilities.
    fn sent_to(remote: &RtpCapabilities) -> RtpParameters {
        let vp8 = RtpCodecCapability::video(MimeType::of(MediaKind::Video, "VP8"), 90_000);
        let router = generate_router_rtp_capabilities(std::slice::from_ref(&vp8)).unwrap();
        let mut sent = RtpParameters {
            mid: None,
            codecs: vec![RtpCodecParameters {
                mime_type: vp8.mime_type,
                payload_type: PayloadType::try_from(120).unwrap(),
                clock_rate: 90_000,
                channels: None,
                parameters: CodecParameters::new(),
                rtcp_feedback: Vec::new(),
            }],
            header_extensions: Vec::new(),
            encodings: vec![RtpEncodingParameters::default()],
            rtcp: Default::default(),
            msid: None,
        };
        let mapping = get_producer_rtp_parameters_mapping(&mut sent, &router, Ssrc(1)).unwrap();
        let kind = MediaKind::Video;
        let consumable = get_consumable_rtp_parameters(kind, &sent, &router, &mapping).unwrap();
        let negotiation = ConsumerNegotiation {
            remote: &with_ids_of(&consumable, remote),
            pipe: false,
            enable_rtx: true,
            ssrcs: ConsumerSsrcs::random(),
        };
        let parameters = get_consumer_rtp_parameters(&consumable, negotiation).unwrap();
        in_numbers_of(kind, parameters, remote)
    }

    #[test]
    fn an_endpoint_is_sent_its_own_numbers() {
        let remote = RtpCapabilities {
            codecs: vec![
                codec("H264", 101, None),
                codec("VP8", 96, None),
                codec("rtx", 102, Some(101)),
                codec("rtx", 97, Some(96)),
            ],
            header_extensions: vec![
                extension(RtpHeaderExtensionUri::Mid, 9),
                extension(RtpHeaderExtensionUri::AbsSendTime, 1),
            ],
        };
        let sent = sent_to(&remote);
        let numbers: Vec<u8> = sent
            .codecs
            .iter()
            .map(|one| one.payload_type.get())
            .collect();
        assert_eq!(numbers, [96, 97]);
        assert!(sent.encodings[0].rtx.is_some());
        let ids: Vec<_> = sent.header_extensions.iter().map(|one| one.id).collect();
        assert_eq!(ids, [9, 1]);
    }

    #[test]
    fn what_the_endpoint_cannot_repair_has_no_retransmission_stream() {
        let remote = RtpCapabilities {
            codecs: vec![
                codec("VP8", 96, None),
                codec("H264", 98, None),
                codec("rtx", 99, Some(98)),
            ],
            header_extensions: Vec::new(),
        };
        let sent = sent_to(&remote);
        assert_eq!(sent.codecs.len(), 1);
        assert!(sent.encodings[0].rtx.is_none());
        assert!(sent.header_extensions.is_empty());
    }
    #[test]
    fn what_may_come_is_every_codec_of_both_and_each_source_keeps_to_it() {
        let video = |name| RtpCodecCapability::video(MimeType::of(MediaKind::Video, name), 90_000);
        let router = generate_router_rtp_capabilities(&[video("VP8"), video("AV1")]).unwrap();
        let remote = RtpCapabilities {
            codecs: vec![
                codec("AV1", 45, None),
                codec("H264", 101, None),
                codec("VP8", 96, None),
                codec("rtx", 97, Some(96)),
            ],
            header_extensions: vec![extension(RtpHeaderExtensionUri::Mid, 9)],
        };
        let kind = MediaKind::Video;
        let all = get_endpoint_rtp_parameters(kind, &router, &remote, true).unwrap();
        let numbers = |of: &RtpParameters| -> Vec<u8> {
            let codecs = of.codecs.iter();
            codecs.map(|one| one.payload_type.get()).collect()
        };
        assert_eq!(numbers(&all), [96, 97, 45]);
        assert_eq!(all.encodings[0].ssrc, None);
        let one = sent_to(&remote);
        assert_eq!(numbers(&one), [96, 97]);
        assert_eq!(one.header_extensions, all.header_extensions);
        let deaf = RtpCapabilities::default();
        let refused = get_endpoint_rtp_parameters(kind, &router, &deaf, true);
        assert_eq!(refused, Err(OrtcError::NoCompatibleCodecs));
    }
}
