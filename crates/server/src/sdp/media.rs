//! One media section, understood as far as it can be.

use std::collections::BTreeSet;

use tureen_controller::rtp::{MediaKind, PayloadType, RtpHeaderExtensionUri};

use super::SdpError;
use super::codec::{self, Codec};
use super::error::Place;
use super::streams::Streams;
use super::text::{Attributes, MediaText};

/// One `m=` section. A section that cannot be read is kept all the same: an answer has to reject
/// it in its place, and the others are not affected.
#[derive(Clone, Debug)]
pub(super) struct Section {
    pub(super) line: MediaLine,
    /// Empty where there is none that can be read.
    pub(super) mid: String,
    /// Port 0: the section is refused or not used any more (RFC 9429 §5.2.2).
    pub(super) is_rejected: bool,
    /// What it says, or why it cannot be used.
    pub(super) media: Result<Media, SdpError>,
}

/// What of an `m=` line has to be repeated to reject it: "To reject an offered stream, the port number
/// in the corresponding stream in the answer MUST be set to zero" (RFC 3264 §6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MediaLine {
    pub(super) media: String,
    pub(super) protocol: String,
    /// The first of the formats.
    pub(super) format: String,
}

/// What a section of audio or video says.
#[derive(Clone, Debug)]
pub(super) struct Media {
    pub(super) place: Place,
    pub(super) kind: MediaKind,
    pub(super) direction: Direction,
    pub(super) codecs: Vec<Codec>,
    pub(super) extensions: Vec<Extension>,
    pub(super) streams: Streams,
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
    const ALL: [Self; 4] = [
        Self::SendRecv,
        Self::SendOnly,
        Self::RecvOnly,
        Self::Inactive,
    ];

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
        Self::ALL
            .into_iter()
            .find(|direction| direction.as_str() == text)
    }
}

impl Section {
    pub(super) fn parse(text: &MediaText<'_>, session: &Attributes<'_>) -> Self {
        let mut words = text.line.split_ascii_whitespace();
        let line = MediaLine {
            media: word(words.next(), "audio"),
            // Between media and protocol stands the port.
            protocol: word(words.nth(1), OFFERED_PROTOCOL),
            format: word(words.next(), "0"),
        };
        Self {
            line,
            mid: mid(&text.attributes).unwrap_or_default().to_owned(),
            is_rejected: is_rejected(text),
            media: Media::parse(text, session),
        }
    }

    /// Whether anything could flow here.
    pub(super) fn is_usable(&self) -> bool {
        !self.is_rejected && self.media.is_ok()
    }
}

impl Media {
    fn parse(text: &MediaText<'_>, session: &Attributes<'_>) -> Result<Self, SdpError> {
        let attributes = &text.attributes;
        let place = attributes.place();
        let mut words = text.line.split_ascii_whitespace();
        let (Some(media), Some(_), Some(protocol)) = (words.next(), words.next(), words.next())
        else {
            return Err(attributes.malformed("m"));
        };
        let kind = match media {
            "audio" => MediaKind::Audio,
            "video" => MediaKind::Video,
            _ => return Err(SdpError::MediaType(place)),
        };
        if !PROTOCOLS.contains(&protocol) {
            return Err(SdpError::Protocol {
                section: place,
                protocol: protocol.to_owned(),
            });
        }
        if attributes.has("mid") {
            mid(attributes).ok_or_else(|| attributes.malformed("mid"))?;
        }
        let mut seen = BTreeSet::new();
        let payload_types = words.filter_map(payload_type);
        let payload_types: Vec<_> = payload_types.filter(|one| seen.insert(one.get())).collect();
        Ok(Self {
            place,
            kind,
            direction: direction(attributes, session),
            codecs: codec::parse(kind, &payload_types, attributes),
            extensions: extensions(attributes),
            streams: Streams::parse(attributes),
        })
    }
}

pub(super) fn payload_type(text: &str) -> Option<PayloadType> {
    text.parse::<u8>().ok()?.try_into().ok()
}

/// A word that can be repeated in an answer, or what stands for one.
fn word(text: Option<&str>, otherwise: &str) -> String {
    text.filter(|word| word.len() <= MAX_WORD && word.bytes().all(|byte| byte.is_ascii_graphic()))
        .unwrap_or(otherwise)
        .to_owned()
}

/// "a zero port value ... and an SDP 'bundle-only' attribute": in use, but only if the other side
/// bundles (RFC 9143 §6).
fn is_rejected(text: &MediaText<'_>) -> bool {
    let port = text.line.split_ascii_whitespace().nth(1);
    port == Some("0") && !text.attributes.has("bundle-only")
}

fn mid<'a>(attributes: &Attributes<'a>) -> Option<&'a str> {
    attributes.get("mid").filter(|mid| {
        (1..=MAX_MID).contains(&mid.len()) && mid.bytes().all(|byte| byte.is_ascii_graphic())
    })
}

/// "If none of the attributes "sendonly", "recvonly", "inactive", and "sendrecv" is present,
/// "sendrecv" SHOULD be assumed as the default" (RFC 8866 §6.7).
fn direction(attributes: &Attributes<'_>, session: &Attributes<'_>) -> Direction {
    let among = |attributes: &Attributes<'_>| {
        Direction::ALL
            .into_iter()
            .find(|direction| attributes.has(direction.as_str()))
    };
    among(attributes)
        .or_else(|| among(session))
        .unwrap_or(Direction::SendRecv)
}

/// The header extensions that streams may use, each once: of two with one id or one URI the first
/// counts. Others lead to nothing and are left out.
fn extensions(attributes: &Attributes<'_>) -> Vec<Extension> {
    let mut list: Vec<Extension> = Vec::new();
    for new in attributes.all("extmap").filter_map(extension) {
        let is_known = !matches!(new.uri, RtpHeaderExtensionUri::Other(_));
        let is_taken = |one: &Extension| one.id == new.id || one.uri == new.uri;
        if is_known && !list.iter().any(is_taken) {
            list.push(new);
        }
    }
    list
}

/// `<id>["/"<direction>] <URI> [<attributes>]`. An id of 4096 to 4351 is none yet: an offerer that
/// has run out of ids leaves the choice to the answerer, who may leave the extension out (RFC 8285
/// §7). What cannot be read is left out likewise.
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

/// "Any profile in the offer matching one of the following MUST be accepted" (RFC 9429 §5.1.2). It
/// says nothing of protection: "support for DTLS-SRTP is determined by the presence of one or more
/// "a=fingerprint" attributes".
const PROTOCOLS: [&str; 8] = [
    "UDP/TLS/RTP/SAVPF",
    "UDP/TLS/RTP/SAVP",
    "TCP/DTLS/RTP/SAVPF",
    "TCP/DTLS/RTP/SAVP",
    "RTP/SAVPF",
    "RTP/SAVP",
    "RTP/AVPF",
    "RTP/AVP",
];
/// The one that we offer.
pub(super) const OFFERED_PROTOCOL: &str = PROTOCOLS[0];
/// The longest MID that a worker reads from packets; browsers count from 0.
const MAX_MID: usize = 16;
const MAX_WORD: usize = 64;
