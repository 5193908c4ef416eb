//! Our side of a connection whose offers come from us.

use std::borrow::Cow;

use tureen_controller::rtp::{MediaKind, RtpParameters};

use super::SdpError;
use super::bundle::Description;
use super::error::Place;
use super::media::{Direction, OFFERED_PROTOCOL};
use super::transport::{RemoteTransport, Setup};
use super::write::{self, Content, SectionOut, SessionLine};
use crate::media::TransportParameters;

/// Our side of a connection on which we offer: its media sections, one per stream that we send.
/// They only ever grow in number: "an m= section ... MUST NOT be removed", but the section of a
/// stream that ended is used again for the next of its kind (RFC 9429 §5.2.2), once the
/// client has answered that it is inactive.
///
/// There is one offer at a time: what changes while an offer waits for its answer goes into the
/// next one.
#[derive(Debug, Default)]
pub(crate) struct Offerer {
    sections: Vec<OfferedSection>,
    /// Of the last offer, which is also its version in the `o=` line.
    number: u32,
    /// How many sections the last offer had.
    offered: usize,
    /// Whether the last offer has no answer yet.
    awaits_answer: bool,
    /// Whether something has changed since the last offer.
    is_changed: bool,
    /// How many answers could not be read, or not be used, since the last good one.
    unusable: u32,
}

/// An offer for the client.
#[derive(Debug)]
pub(crate) struct NumberedOffer {
    /// To be named with the answer.
    pub(crate) number: u32,
    pub(crate) sdp: String,
}

#[derive(Debug)]
struct OfferedSection {
    kind: MediaKind,
    mid: String,
    state: SectionState,
    /// Of the stream that flows or that flowed last.
    rtp: RtpParameters,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SectionState {
    /// A stream will flow; the client does not know yet.
    New,
    /// A stream flows, or has been offered.
    Active,
    /// The stream has ended; the client does not know yet.
    Ended,
    /// The offer on its way says that it is inactive.
    EndedOffered,
    /// The client knows: it may be used again.
    Free,
}

/// What the client answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    /// ICE and DTLS of its side; none when it rejects every section, which it may.
    pub transport: Option<RemoteTransport>,
    /// Mids of the streams that it receives.
    pub accepted: Vec<String>,
    /// Mids of the streams that it refuses.
    pub refused: Vec<String>,
}

impl Offerer {
    /// The mids of the next streams, one for each of these kinds: of sections that are free again,
    /// then new ones. A mid that no stream is then added with may be given again.
    pub(crate) fn next_mids(&self, kinds: &[MediaKind]) -> Vec<String> {
        let mut free: Vec<_> = self.sections.iter().filter(|one| one.is_free()).collect();
        let known = self.sections.iter().filter_map(|one| one.mid.parse().ok());
        let mut next = known.max().map_or(0, |highest: u32| highest + 1);
        let each = kinds.iter().map(|kind| {
            if let Some(index) = free.iter().position(|one| one.kind == *kind) {
                return free.remove(index).mid.clone();
            }
            next += 1;
            (next - 1).to_string()
        });
        each.collect()
    }

    /// Adds a stream whose `mid` is of [`next_mids`](Self::next_mids); the next offer has it.
    pub(crate) fn add(&mut self, kind: MediaKind, rtp: RtpParameters) {
        let section = OfferedSection {
            kind,
            mid: rtp.mid.clone().unwrap_or_default(),
            state: SectionState::New,
            rtp,
        };
        let place = self.sections.iter_mut().find(|one| one.mid == section.mid);
        match place {
            Some(place) => *place = section,
            None => self.sections.push(section),
        }
        self.is_changed = true;
    }

    /// The stream with this mid has ended; the next offer says so.
    pub(crate) fn remove(&mut self, mid: &str) {
        if let Some(section) = self.sections.iter_mut().find(|section| section.mid == mid)
            && matches!(section.state, SectionState::New | SectionState::Active)
        {
            section.state = SectionState::Ended;
            self.is_changed = true;
        }
    }

    /// Makes an offer due at once, as new ICE credentials need it. One that waits for its answer is
    /// void: a client whose network has changed may never have seen it.
    pub(crate) fn start_over(&mut self) {
        self.awaits_answer = false;
        self.is_changed = true;
    }

    /// Whether something has changed, and the last offer is answered.
    pub(crate) fn is_offer_due(&self) -> bool {
        self.is_changed && !self.awaits_answer && !self.sections.is_empty() && !self.has_given_up()
    }

    /// The offer of all sections as they are now, if one is due.
    pub(crate) fn offer(&mut self, transport: &TransportParameters) -> Option<NumberedOffer> {
        if !self.is_offer_due() {
            return None;
        }
        self.is_changed = false;
        self.awaits_answer = true;
        self.number += 1;
        self.offered = self.sections.len();
        for section in &mut self.sections {
            section.state = match section.state {
                SectionState::New => SectionState::Active,
                SectionState::Ended => SectionState::EndedOffered,
                other => other,
            };
        }
        let sections: Vec<_> = self
            .sections
            .iter()
            .map(|section| SectionOut {
                mid: &section.mid,
                content: Content::Stream {
                    kind: section.kind,
                    protocol: OFFERED_PROTOCOL,
                    direction: match section.state {
                        SectionState::Active => Direction::SendOnly,
                        _ => Direction::Inactive,
                    },
                    rtp: Cow::Borrowed(&section.rtp),
                    taken_rid: None,
                },
            })
            .collect();
        let session = SessionLine {
            id: OFFER_SESSION_ID,
            version: u64::from(self.number),
            is_bundled: true,
        };
        Some(NumberedOffer {
            number: self.number,
            sdp: write::description(session, "actpass", transport, &sections),
        })
    }

    /// Whether the last answers were of no use, so that another offer would lead to nothing.
    pub(crate) fn has_given_up(&self) -> bool {
        self.unusable >= TRIES
    }

    /// Reads the answer to the offer of this number. One that cannot be read is no answer: the
    /// offer is made again a few times, so that what comes later is not kept waiting by it. For one
    /// that can be read, call [`note_use`](Self::note_use) next.
    pub(crate) fn answer(&mut self, number: u32, text: &str) -> Result<Answer, SdpError> {
        if !self.awaits_answer || number != self.number {
            return Err(SdpError::StaleAnswer);
        }
        self.awaits_answer = false;
        let answer = self.read(text);
        if answer.is_err() {
            self.note_use(false);
        }
        answer
    }

    /// Whether the transport of the last answer could be used. If not, it was no answer either.
    pub(crate) fn note_use(&mut self, is_usable: bool) {
        if is_usable {
            self.unusable = 0;
        } else {
            self.unusable += 1;
            self.is_changed = true;
        }
    }

    /// One whose first offer waits for the last answer that may be bad.
    #[cfg(test)]
    pub(crate) fn at_the_last_try() -> Self {
        Self {
            number: 1,
            awaits_answer: true,
            unusable: TRIES - 1,
            ..Self::default()
        }
    }

    #[cfg(test)]
    pub(super) fn number(&self) -> u32 {
        self.number
    }

    fn read(&mut self, text: &str) -> Result<Answer, SdpError> {
        let description = Description::parse(text)?;
        let answered = &description.sections;
        if answered.len() != self.offered {
            return Err(SdpError::SectionCount {
                offered: self.offered,
                answered: answered.len(),
            });
        }
        for (index, (ours, theirs)) in self.sections.iter().zip(answered).enumerate() {
            // One that is rejected needs no mid.
            let is_other_mid = !theirs.mid.is_empty() && theirs.mid != ours.mid;
            if is_other_mid || theirs.line.media != ours.kind.to_string() {
                return Err(SdpError::WrongMid(Place::Media(index)));
            }
        }
        // "An offered stream MAY be rejected in the answer, for any reason" (RFC 3264 §6), and so
        // may all of them; then there is no transport.
        if let Some(transport) = &description.transport {
            transport.require_client(Setup::Passive)?;
        }
        let mut answer = Answer {
            transport: description.transport,
            accepted: Vec::new(),
            refused: Vec::new(),
        };
        for (section, theirs) in self.sections.iter_mut().zip(answered) {
            let receives = theirs.is_usable()
                && theirs
                    .media
                    .as_ref()
                    .is_ok_and(|media| media.direction.receives());
            match section.state {
                SectionState::Active if receives => answer.accepted.push(section.mid.clone()),
                SectionState::Active => answer.refused.push(section.mid.clone()),
                SectionState::EndedOffered => section.state = SectionState::Free,
                // This section has changed since the offer, so the answer to its old state is no
                // refusal.
                SectionState::New | SectionState::Ended | SectionState::Free => {}
            }
        }
        Ok(answer)
    }
}

impl OfferedSection {
    fn is_free(&self) -> bool {
        self.state == SectionState::Free
    }
}

/// Useless answers in a row after which we stop: the client will not do better.
const TRIES: u32 = 3;
/// Another than that of the answers on the publishing connection, to tell them apart in a trace.
const OFFER_SESSION_ID: u64 = 2;
