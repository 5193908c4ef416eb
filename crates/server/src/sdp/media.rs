//! One media section, understood.

use tureen_controller::rtp::{
    MediaKind, PayloadType, RtpEncodingParameters, RtpHeaderExtensionUri, RtxParameters, Ssrc,
};

use super::SdpError;
use super::codec::{self, Codec};
use super::error::Section;
use super::text::{Attributes, MediaText};
use super::transport::RemoteTransport;

/// What one `m=` section says.
#[derive(Clone, Debug)]
pub(super) struct Media {
    pub(super) section: Section,
    pub(super) kind: MediaKind,
    pub(super) mid: String,
    /// Port 0: the section is refused or not used any more (RFC 9429 §5.2.2).
    pub(super) rejected: bool,
    pub(super) direction: Direction,
    pub(super) codecs: Vec<Codec>,
    pub(super) extensions: Vec<Extension>,
    /// The streams named by `a=ssrc`, with their retransmission streams.
    pub(super) encodings: Vec<RtpEncodingParameters>,
    pub(super) cname: Option<String>,
    pub(super) transport: Option<RemoteTransport>,
}

/// An `a=extmap` line (RFC 8285 §5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Extension {
    pub(super) id: u8,
    pub(super) uri: RtpHeaderExtensionUri,
    pub(super) direction: Direction,
}

/// Which way media flows, seen from the one who wrote the description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
}

impl Direction {
    pub(super) fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    pub(super) fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [
            Self::SendRecv,
            Self::SendOnly,
            Self::RecvOnly,
            Self::Inactive,
        ]
        .into_iter()
        .find(|direction| direction.as_str() == text)
    }
}

impl Media {
    pub(super) fn parse(text: &MediaText<'_>, session: &Attributes<'_>) -> Result<Self, SdpError> {
        let attributes = &text.attributes;
        let section = attributes.section();
        let mut words = text.line.split_ascii_whitespace();
        let (Some(kind), Some(port), Some(protocol)) = (words.next(), words.next(), words.next())
        else {
            return Err(attributes.malformed("m"));
        };
        let kind = match kind {
            "audio" => MediaKind::Audio,
            "video" => MediaKind::Video,
            _ => return Err(attributes.malformed("m")),
        };
        if !PROTOCOLS.contains(&protocol) {
            return Err(SdpError::Protocol {
                section,
                protocol: protocol.to_owned(),
            });
        }
        let payload_types = words
            .map(|word| payload_type(word).ok_or_else(|| attributes.malformed("m")))
            .collect::<Result<Vec<_>, _>>()?;
        // "a zero port value ... and an SDP 'bundle-only' attribute": in use, but only if the other
        // side bundles (RFC 9143 §6).
        let rejected = port == "0" && !attributes.has("bundle-only");
        let (encodings, cname) = streams(attributes)?;
        Ok(Self {
            section,
            kind,
            mid: mid(attributes)?,
            rejected,
            direction: direction(attributes, session),
            codecs: codec::parse(kind, &payload_types, attributes)?,
            extensions: extensions(attributes)?,
            encodings,
            cname,
            transport: if rejected {
                None
            } else {
                Some(RemoteTransport::parse(attributes, session)?)
            },
        })
    }
}

pub(super) fn payload_type(text: &str) -> Option<PayloadType> {
    text.parse::<u8>().ok()?.try_into().ok()
}

fn mid(attributes: &Attributes<'_>) -> Result<String, SdpError> {
    let mid = attributes.require("mid")?;
    let is_token = mid.bytes().all(|byte| byte.is_ascii_graphic());
    if mid.is_empty() || mid.len() > MAX_MID || !is_token {
        return Err(attributes.malformed("mid"));
    }
    Ok(mid.to_owned())
}

/// "If none of the attributes "sendonly", "recvonly", "inactive", and "sendrecv" is present,
/// "sendrecv" SHOULD be assumed as the default" (RFC 8866 §6.7).
fn direction(attributes: &Attributes<'_>, session: &Attributes<'_>) -> Direction {
    let among = |attributes: &Attributes<'_>| {
        [
            Direction::SendRecv,
            Direction::SendOnly,
            Direction::RecvOnly,
            Direction::Inactive,
        ]
        .into_iter()
        .find(|direction| attributes.has(direction.as_str()))
    };
    among(attributes)
        .or_else(|| among(session))
        .unwrap_or(Direction::SendRecv)
}

fn extensions(attributes: &Attributes<'_>) -> Result<Vec<Extension>, SdpError> {
    attributes
        .all("extmap")
        .map(|value| extension(value).ok_or_else(|| attributes.malformed("extmap")))
        .collect()
}

/// `<id>["/"<direction>] <URI> [<attributes>]`
fn extension(value: &str) -> Option<Extension> {
    let mut words = value.split_ascii_whitespace();
    let id = words.next()?;
    let uri = words.next()?;
    let (id, direction) = match id.split_once('/') {
        Some((id, direction)) => (id, Direction::parse(direction)?),
        None => (id, Direction::SendRecv),
    };
    Some(Extension {
        id: id.parse().ok().filter(|id| *id != 0)?,
        uri: RtpHeaderExtensionUri::from(uri.to_owned()),
        direction,
    })
}

/// The streams of `a=ssrc` (RFC 5576 §4.1): those that `a=ssrc-group:FID` pairs with a
/// retransmission stream, and the others. The CNAME is the same for all of a section.
fn streams(
    attributes: &Attributes<'_>,
) -> Result<(Vec<RtpEncodingParameters>, Option<String>), SdpError> {
    let mut ssrcs: Vec<Ssrc> = Vec::new();
    let mut cname = None;
    for value in attributes.all("ssrc") {
        let (ssrc, attribute) = value.split_once(' ').unwrap_or((value, ""));
        let ssrc = Ssrc(ssrc.parse().map_err(|_| attributes.malformed("ssrc"))?);
        if !ssrcs.contains(&ssrc) {
            if ssrcs.len() == MAX_SSRCS {
                return Err(SdpError::TooLarge("SSRCs in one section"));
            }
            ssrcs.push(ssrc);
        }
        if let Some(name) = attribute.strip_prefix("cname:") {
            cname.get_or_insert_with(|| name.to_owned());
        }
    }
    let mut pairs = Vec::new();
    for value in attributes.all("ssrc-group") {
        let Some(group) = value.strip_prefix("FID ") else {
            continue;
        };
        let group = group
            .split_ascii_whitespace()
            .map(|ssrc| ssrc.parse().map(Ssrc))
            .collect::<Result<Vec<_>, _>>();
        match group.as_deref() {
            Ok(&[media, rtx]) => pairs.push((media, rtx)),
            _ => return Err(attributes.malformed("ssrc-group")),
        }
    }
    let encodings = ssrcs
        .iter()
        .filter(|ssrc| !pairs.iter().any(|(_, rtx)| rtx == *ssrc))
        .map(|&ssrc| RtpEncodingParameters {
            ssrc: Some(ssrc),
            rtx: pairs
                .iter()
                .find(|(media, _)| *media == ssrc)
                .map(|&(_, rtx)| RtxParameters { ssrc: rtx }),
            ..RtpEncodingParameters::default()
        })
        .collect();
    Ok((encodings, cname))
}

/// RFC 8829 says what to write; the older forms mean the same (RFC 9429 §5.1.2).
const PROTOCOLS: [&str; 2] = ["UDP/TLS/RTP/SAVPF", "TCP/TLS/RTP/SAVPF"];
/// The longest MID a router writes into packets is eight bytes; browsers count from 0.
const MAX_MID: usize = 16;
const MAX_SSRCS: usize = 16;
