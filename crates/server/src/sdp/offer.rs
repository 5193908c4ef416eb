//! Reading a client's offer: its media sections and its transport.

use std::collections::{BTreeMap, BTreeSet};

use tureen_controller::rtp::{MediaKind, RtpCapabilities, RtpParameters};

use super::SdpError;
use super::bundle::Description;
use super::capabilities;
use super::media::{Media, Section};
use super::negotiate;
use super::transport::{RemoteTransport, Setup};
use super::write::{self, Content, SectionOut, SessionLine};
use crate::media::TransportParameters;

/// What a client offers: its side of the transport, and media sections in which it sends, receives
/// or both.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    transport: Option<RemoteTransport>,
    sections: Vec<OfferedMedia>,
    is_bundled: bool,
}

/// One media section of an [`Offer`].
#[derive(Clone, Debug)]
pub(crate) struct OfferedMedia {
    section: Section,
}

/// What becomes of the sections of an offer, by their mids. A section in neither list is answered as
/// inactive. If we cannot use it, or share no codec with it, it is rejected.
#[derive(Clone, Debug, Default)]
pub(crate) struct Accepted<'a> {
    /// Sections whose media we receive.
    pub(crate) received: BTreeSet<&'a str>,
    /// Sections in which we send, and how.
    pub(crate) sent: BTreeMap<&'a str, &'a RtpParameters>,
}

impl Offer {
    /// Reads an offer. A section that cannot be used spoils no other: it is rejected by itself.
    ///
    /// # Errors
    ///
    /// The text is no SDP, its transport cannot be read, or none of the sections that it means to
    /// use can be used.
    pub(crate) fn parse(text: &str) -> Result<Self, SdpError> {
        let description = Description::parse(text)?;
        if let Some(transport) = &description.transport {
            transport.require_client(Setup::Active)?;
        }
        Ok(Self {
            transport: description.transport,
            sections: description
                .sections
                .into_iter()
                .map(|section| OfferedMedia { section })
                .collect(),
            is_bundled: description.is_bundled,
        })
    }

    /// ICE and DTLS of the client's side; none if it rejects every section.
    pub(crate) fn transport(&self) -> Option<&RemoteTransport> {
        self.transport.as_ref()
    }

    /// The sections in order, those included that send nothing or cannot be used.
    pub(crate) fn sections(&self) -> &[OfferedMedia] {
        &self.sections
    }

    /// What the client can receive, in its own numbers.
    pub(crate) fn receive_capabilities(&self) -> RtpCapabilities {
        capabilities::of(self.sections.iter().filter_map(OfferedMedia::usable))
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
        let sections: Vec<_> = self
            .sections
            .iter()
            .map(|section| SectionOut {
                mid: section.mid(),
                content: section.content(router, accepted),
            })
            .collect();
        let session = SessionLine {
            id: ANSWER_SESSION_ID,
            version,
            is_bundled: self.is_bundled,
        };
        write::description(session, "passive", transport, &sections)
    }
}

impl OfferedMedia {
    /// The section's identification (RFC 9143), which is also the stream's; empty for the one
    /// section of an offer that needs none.
    pub(crate) fn mid(&self) -> &str {
        &self.section.mid
    }

    /// Audio or video, of a section that can be used.
    pub(crate) fn kind(&self) -> Option<MediaKind> {
        Some(self.usable()?.kind)
    }

    /// Whether the client sends here, if we accept it.
    pub(crate) fn sends(&self) -> bool {
        self.usable().is_some_and(|media| media.direction.sends())
    }

    /// Whether the client would receive here.
    pub(crate) fn receives(&self) -> bool {
        self.usable()
            .is_some_and(|media| media.direction.receives())
    }

    /// Why a section that the client means to use is rejected.
    pub(crate) fn problem(&self) -> Option<&SdpError> {
        let media = self.section.media.as_ref();
        media.err().filter(|_| !self.section.is_rejected)
    }

    /// The stream as a Producer's parameters: one media codec, the first of `router`'s that the
    /// section offers, and its retransmission codec; one encoding; the header extensions that the
    /// router takes. There is no `a=msid`, because the room sets it.
    pub(crate) fn rtp_parameters(
        &self,
        router: &RtpCapabilities,
    ) -> Result<RtpParameters, SdpError> {
        let media = self.section.media.as_ref().map_err(Clone::clone)?;
        let parameters = negotiate::receive(media, self.mid(), router)?;
        if negotiate::has_name(&parameters) {
            Ok(parameters)
        } else {
            Err(SdpError::Nameless(media.place))
        }
    }

    /// What it says, if it is in use and can be used.
    fn usable(&self) -> Option<&Media> {
        let media = self.section.media.as_ref();
        media.ok().filter(|_| !self.section.is_rejected)
    }

    /// What the answer says of this section.
    fn content<'a>(&'a self, router: &RtpCapabilities, accepted: &Accepted<'a>) -> Content<'a> {
        let negotiated = self
            .usable()
            .and_then(|media| Some((media, negotiate::receive(media, self.mid(), router).ok()?)));
        let Some((media, received)) = negotiated else {
            return Content::Rejected(&self.section.line);
        };
        let is_received = accepted.received.contains(self.mid());
        let sent = accepted.sent.get(self.mid()).copied();
        let protocol = &self.section.line.protocol;
        negotiate::content(media, protocol, received, is_received, sent)
    }
}

/// One connection has one session, so its id need not differ from another's.
const ANSWER_SESSION_ID: u64 = 1;
