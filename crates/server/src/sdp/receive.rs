use tureen_controller::rtp::{MediaKind, RtpParameters};

use super::media::Direction;
use super::publish::{common_transport, parse_media};
use super::write::{self, Content, SectionOut, SessionLine};
use super::{LocalTransport, RemoteTransport, SdpError};

/// The media sections of one receiving connection, one per consumer. They only ever grow in
/// number: "an m= section ... MUST NOT be removed", but the section of a consumer that ended is
/// used again for the next of its kind (RFC 9429, section 5.2.2), once the browser has answered
/// that it is inactive.
///
/// One offer at a time: [`offer`](Self::offer), then [`answer`](Self::answer), then the next.
#[derive(Debug, Default)]
pub(crate) struct ReceiveSession {
    sections: Vec<ReceiveSection>,
    version: u64,
    /// How many sections the last offer had.
    offered: usize,
}

#[derive(Debug)]
struct ReceiveSection {
    kind: MediaKind,
    mid: String,
    state: SectionState,
    /// Of the stream that flows or that flowed last.
    rtp: RtpParameters,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SectionState {
    /// A consumer is to send, the browser has not heard of it.
    New,
    /// A consumer sends, or is offered to.
    Active,
    /// Its consumer ended, the browser has not heard of it.
    Ended,
    /// The offer on its way says that it is inactive.
    EndedOffered,
    /// The browser knows: it may be used again.
    Free,
}

/// What the browser answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ReceiveAnswer {
    /// ICE and DTLS of its side.
    pub transport: RemoteTransport,
    /// Mids of the streams that it receives.
    pub accepted: Vec<String>,
    /// Mids of the streams that it refuses.
    pub refused: Vec<String>,
}

impl ReceiveSession {
    /// Whether there is nothing to offer yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.sections.is_empty()
    }

    /// The mid to make the next consumer of this kind with.
    pub(crate) fn next_mid(&self, kind: MediaKind) -> String {
        match self.free(kind) {
            Some(index) => self.sections[index].mid.clone(),
            None => self.sections.len().to_string(),
        }
    }

    /// Adds a consumer that was made with [`next_mid`](Self::next_mid); the next offer has it.
    pub(crate) fn add(&mut self, kind: MediaKind, rtp: RtpParameters) {
        let section = ReceiveSection {
            kind,
            mid: self.next_mid(kind),
            state: SectionState::New,
            rtp,
        };
        match self.free(kind) {
            Some(index) => self.sections[index] = section,
            None => self.sections.push(section),
        }
    }

    /// The consumer with this mid has ended; the next offer says so.
    pub(crate) fn remove(&mut self, mid: &str) {
        if let Some(section) = self.sections.iter_mut().find(|section| section.mid == mid)
            && matches!(section.state, SectionState::New | SectionState::Active)
        {
            section.state = SectionState::Ended;
        }
    }

    /// An offer of all sections as they are now.
    pub(crate) fn offer(&mut self, transport: &LocalTransport) -> String {
        self.version += 1;
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
                kind: section.kind,
                mid: &section.mid,
                content: Content::Stream {
                    direction: match section.state {
                        SectionState::Active => Direction::SendOnly,
                        _ => Direction::Inactive,
                    },
                    rtp: &section.rtp,
                },
            })
            .collect();
        let session = SessionLine {
            id: RECEIVE_SESSION_ID,
            version: self.version,
        };
        write::description(session, "actpass", transport, &sections)
    }

    /// Reads the answer to the last offer.
    pub(crate) fn answer(&mut self, text: &str) -> Result<ReceiveAnswer, SdpError> {
        let (media, bundle) = parse_media(text)?;
        if media.len() != self.offered {
            return Err(SdpError::SectionCount {
                offered: self.offered,
                answered: media.len(),
            });
        }
        for (section, media) in self.sections.iter().zip(&media) {
            if section.mid != media.mid || section.kind != media.kind {
                return Err(SdpError::WrongMid(media.section));
            }
        }
        let transport = common_transport(&media, &bundle)?;
        transport.require_client()?;
        let mut answer = ReceiveAnswer {
            transport,
            accepted: Vec::new(),
            refused: Vec::new(),
        };
        for (section, media) in self.sections.iter_mut().zip(&media) {
            match section.state {
                SectionState::Active if !media.rejected && media.direction.receives() => {
                    answer.accepted.push(section.mid.clone());
                }
                SectionState::Active => answer.refused.push(section.mid.clone()),
                SectionState::EndedOffered => section.state = SectionState::Free,
                // What the browser says of a section that was not offered as it is now is no
                // refusal.
                SectionState::New | SectionState::Ended | SectionState::Free => {}
            }
        }
        Ok(answer)
    }

    fn free(&self, kind: MediaKind) -> Option<usize> {
        self.sections
            .iter()
            .position(|section| section.state == SectionState::Free && section.kind == kind)
    }
}

/// Another than that of the answers on the publishing connection, to tell them apart in a trace.
const RECEIVE_SESSION_ID: u64 = 2;
