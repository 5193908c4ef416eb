//! Why a session description is refused.

use thiserror::Error;

/// Why a session description or a candidate was refused. Every variant names what is wrong and,
/// where there is one, the line or the media section.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub(crate) enum SdpError {
    /// The text is longer, or has more lines or sections, than a call can need.
    #[error("the description has too many {0}")]
    TooLarge(&'static str),
    /// A line is not `<letter>=<value>`, or stands where it must not.
    #[error("line {line} is not SDP: {reason}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An attribute that must be there is not.
    #[error("{section} has no a={attribute}")]
    Missing {
        /// `the session`, or the media section by its number.
        section: Place,
        /// Its name.
        attribute: &'static str,
    },
    /// An attribute does not have the form its specification gives it.
    #[error("{section} has an unreadable a={attribute}")]
    Malformed {
        /// Where it stands.
        section: Place,
        /// Its name.
        attribute: &'static str,
    },
    /// Two media sections have the same `a=mid`.
    #[error("two media sections have the mid {0:?}")]
    DuplicateMid(String),
    /// The section would need a transport of its own.
    #[error("{0} is not in the BUNDLE group of the others, and all media flows over one transport")]
    NotBundled(Place),
    /// The section is neither audio nor video.
    #[error("{0} is neither audio nor video")]
    MediaType(Place),
    /// The section is no RTP that could be protected by DTLS-SRTP.
    #[error(
        "{section} uses {protocol:?}; only RTP over DTLS, as UDP/TLS/RTP/SAVPF, is spoken here"
    )]
    Protocol {
        /// Where it stands.
        section: Place,
        /// What it asks for.
        protocol: String,
    },
    /// The DTLS role that the other side takes leaves none for us.
    #[error("a=setup:{0} is not possible here, where the server is always the DTLS server")]
    Setup(String),
    /// Packets of the section could not be told from those of others.
    #[error("{0} sends, but without a=ssrc, a=rid or an a=mid with its header extension")]
    Nameless(Place),
    /// No codec of the section is one of the room.
    #[error("{0} offers no codec that the room speaks")]
    NoCodec(Place),
    /// An answer that does not fit the offer.
    #[error("the answer has {answered} media sections, the offer had {offered}")]
    SectionCount {
        /// In our offer.
        offered: usize,
        /// In the answer.
        answered: usize,
    },
    /// A section of an answer that carries another mid than the offer's.
    #[error("{0} of the answer has another mid than in the offer")]
    WrongMid(Place),
    /// The answer is to another offer than the last, or comes a second time.
    #[error("the answer is not to the last offer")]
    StaleAnswer,
    /// A trickled candidate that cannot be read.
    #[error("not an ICE candidate: {0}")]
    Candidate(&'static str),
}

impl SdpError {
    /// A name for the error that does not change.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::StaleAnswer => "stale-answer",
            _ => "bad-sdp",
        }
    }
}

/// A place in a description, for errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum Place {
    /// The lines before the first `m=`.
    #[error("the session")]
    Session,
    /// A media section, counted from 0 as `sdpMLineIndex` is.
    #[error("media section {0}")]
    Media(usize),
}
