//! Reading a client's offer: its media sections and its transport.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use tureen_controller::ortc;
use tureen_controller::rtp::{
    MediaKind, RtcpParameters, RtpCapabilities, RtpCodecCapability, RtpCodecParameters,
    RtpHeaderExtension, RtpHeaderExtensionDirection, RtpHeaderExtensionParameters, RtpParameters,
    Ssrc,
};

use super::SdpError;
use super::codec::{self, Codec};
use super::media::{Direction, Media};
use super::text::Text;
use super::transport::RemoteTransport;
use super::write::{self, Content, SectionOut, SessionLine};
use crate::media::TransportParameters;

/// What a client offers: its side of the transport, and media sections in which it sends, receives
/// or both.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    transport: RemoteTransport,
    sections: Vec<OfferedMedia>,
}

/// One media section of an [`Offer`].
#[derive(Clone, Debug)]
pub(crate) struct OfferedMedia {
    media: Media,
}

/// What becomes of the sections of an offer, by their mids. A section that stands in neither list
/// is inactive, or rejected where it has nothing that the room speaks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Accepted<'a> {
    /// Sections whose media we receive.
    pub(crate) received: BTreeSet<&'a str>,
    /// Sections in which we send, and how.
    pub(crate) sent: BTreeMap<&'a str, &'a RtpParameters>,
}

impl Offer {
    /// Reads an offer: every section that is in use in one BUNDLE group over one transport, every
    /// section that sends with a stream that has a name.
    pub(crate) fn parse(text: &str) -> Result<Self, SdpError> {
        let (media, bundle) = parse_media(text)?;
        let transport = common_transport(&media, &bundle)?;
        transport.require_client()?;
        Ok(Self {
            transport,
            sections: media
                .into_iter()
                .map(|media| OfferedMedia { media })
                .collect(),
        })
    }

    /// ICE and DTLS of the client's side.
    pub(crate) fn transport(&self) -> &RemoteTransport {
        &self.transport
    }

    /// The sections in order, those included that send nothing.
    pub(crate) fn sections(&self) -> &[OfferedMedia] {
        &self.sections
    }

    /// The text of an answer. `router` is what the room can carry, `version` the number in the
    /// `o=` line.
    pub(super) fn answer(
        &self,
        router: &RtpCapabilities,
        transport: &TransportParameters,
        accepted: &Accepted<'_>,
        version: u64,
    ) -> String {
        let contents = self
            .sections
            .iter()
            .map(|section| section.content(router, accepted));
        let contents: Vec<_> = contents.collect();
        let sections: Vec<_> = self
            .sections
            .iter()
            .zip(contents)
            .map(|(section, content)| SectionOut {
                kind: section.kind(),
                mid: section.mid(),
                content,
            })
            .collect();
        let session = SessionLine {
            id: ANSWER_SESSION_ID,
            version,
        };
        write::description(session, "passive", transport, &sections)
    }
}

impl OfferedMedia {
    /// The section's identification (RFC 9143), which is also the stream's.
    pub(crate) fn mid(&self) -> &str {
        &self.media.mid
    }

    /// Audio or video.
    pub(crate) fn kind(&self) -> MediaKind {
        self.media.kind
    }

    /// Whether the client sends here, if we accept it.
    pub(crate) fn sends(&self) -> bool {
        !self.media.rejected && self.media.direction.sends()
    }

    /// What the answer says of this section.
    fn content<'a>(&self, router: &RtpCapabilities, accepted: &Accepted<'a>) -> Content<'a> {
        let negotiated = (!self.media.rejected).then(|| self.negotiate(router).ok());
        let Some(Some(negotiated)) = negotiated else {
            return Content::Rejected { payload_type: 0 };
        };
        let is_received = accepted.received.contains(self.mid());
        match accepted.sent.get(self.mid()) {
            Some(&sent) if is_received => Content::Stream {
                direction: Direction::SendRecv,
                rtp: Cow::Owned(both_ways(sent, negotiated)),
            },
            Some(&sent) => Content::Stream {
                direction: Direction::SendOnly,
                rtp: Cow::Borrowed(sent),
            },
            None => Content::Stream {
                direction: if is_received {
                    Direction::RecvOnly
                } else {
                    Direction::Inactive
                },
                rtp: Cow::Owned(negotiated),
            },
        }
    }

    /// The stream as a Producer's parameters: one media codec, the first of `router`'s that the
    /// section offers, and its retransmission codec; one encoding; the header extensions that the
    /// router takes. Without an `a=msid` of its own, for that is the room's to give.
    pub(crate) fn rtp_parameters(
        &self,
        router: &RtpCapabilities,
    ) -> Result<RtpParameters, SdpError> {
        if self.media.encodings.is_empty() {
            return Err(SdpError::NoSsrc(self.media.section));
        }
        self.negotiate(router)
    }

    /// The same for a section that need not send.
    fn negotiate(&self, router: &RtpCapabilities) -> Result<RtpParameters, SdpError> {
        let media = &self.media;
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
                let mut parameters = self.with_codec(router, wanted, offered);
                // What the router takes is ORTC's to say; any SSRC does to ask it.
                ortc::get_producer_rtp_parameters_mapping(&mut parameters, router, Ssrc(1)).ok()?;
                Some(parameters)
            })
            .ok_or(SdpError::NoCodec(media.section))
    }

    fn with_codec(
        &self,
        router: &RtpCapabilities,
        wanted: &RtpCodecCapability,
        offered: &Codec,
    ) -> RtpParameters {
        let media = &self.media;
        let rtx = media.codecs.iter().find(|codec| {
            codec.mime_type.is_rtx()
                && codec::repaired_payload_type(codec) == Some(offered.payload_type)
        });
        let mut codec = offered.clone();
        codec
            .rtcp_feedback
            .retain(|feedback| wanted.rtcp_feedback.contains(feedback));
        let mut encodings: Vec<_> = media.encodings.iter().take(1).cloned().collect();
        for encoding in &mut encodings {
            encoding.codec_payload_type = Some(codec.payload_type);
            encoding.rtx = encoding.rtx.filter(|_| rtx.is_some());
        }
        RtpParameters {
            mid: Some(media.mid.clone()),
            codecs: [Some(codec), rtx.cloned()].into_iter().flatten().collect(),
            header_extensions: self.header_extensions(router),
            encodings,
            rtcp: RtcpParameters {
                cname: media.cname.clone(),
                reduced_size: true,
            },
            msid: None,
        }
    }

    fn header_extensions(&self, router: &RtpCapabilities) -> Vec<RtpHeaderExtensionParameters> {
        use RtpHeaderExtensionDirection::{RecvOnly, SendRecv};

        let is_received = |uri| {
            router.header_extensions.iter().any(|known| {
                known.kind == self.media.kind
                    && known.uri == uri
                    && matches!(known.direction, SendRecv | RecvOnly)
            })
        };
        self.media
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
}

/// What a client can receive, read from an offer of it with `recvonly` sections.
pub(crate) fn receive_capabilities(text: &str) -> Result<RtpCapabilities, SdpError> {
    let (media, _) = parse_media(text)?;
    let mut capabilities = RtpCapabilities::default();
    for media in media.iter().filter(|media| media.direction.receives()) {
        for codec in &media.codecs {
            let is_known = capabilities
                .codecs
                .iter()
                .any(|known| known.preferred_payload_type == Some(codec.payload_type));
            if !is_known {
                capabilities
                    .codecs
                    .push(codec_capability(media.kind, codec));
            }
        }
        for extension in media
            .extensions
            .iter()
            .filter(|one| one.direction.receives())
        {
            capabilities.header_extensions.push(RtpHeaderExtension {
                kind: media.kind,
                uri: extension.uri.clone(),
                preferred_id: extension.id,
                preferred_encrypt: false,
                direction: RtpHeaderExtensionDirection::SendRecv,
            });
        }
    }
    Ok(capabilities)
}

/// A section that carries a stream each way speaks the codecs and extensions of both. They are
/// numbered alike, for both follow the offer.
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

/// All media sections and the mids of the BUNDLE group.
pub(super) fn parse_media(text: &str) -> Result<(Vec<Media>, Vec<&str>), SdpError> {
    let text = Text::parse(text)?;
    let mut sections: Vec<Media> = Vec::with_capacity(text.media.len());
    for media in &text.media {
        let media = Media::parse(media, &text.session)?;
        if sections.iter().any(|other| other.mid == media.mid) {
            return Err(SdpError::DuplicateMid(media.mid));
        }
        sections.push(media);
    }
    let bundle = text
        .session
        .all("group")
        .find_map(|group| group.strip_prefix("BUNDLE"))
        .map(|mids| mids.split_ascii_whitespace().collect())
        .unwrap_or_default();
    Ok((sections, bundle))
}

/// The one transport of all sections in use. "The bundled "m=" sections share a single 5-tuple",
/// so their ICE and DTLS attributes must be the same (RFC 9143 §7.1.3).
pub(super) fn common_transport(
    media: &[Media],
    bundle: &[&str],
) -> Result<RemoteTransport, SdpError> {
    let mut common: Option<&RemoteTransport> = None;
    for media in media {
        let Some(transport) = &media.transport else {
            continue;
        };
        let fits = common.is_none_or(|common| common == transport);
        if !bundle.contains(&media.mid.as_str()) || !fits {
            return Err(SdpError::NotBundled);
        }
        common = Some(transport);
    }
    common.cloned().ok_or(SdpError::NotBundled)
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

/// One connection has one session, so its id need not differ from another's.
const ANSWER_SESSION_ID: u64 = 1;
