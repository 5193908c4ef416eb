//! Where a transport's packets go.

use crate::output::Path;

/// The way of outgoing RTP and RTCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// No remote is known yet, or its path was lost.
    None,
    /// RTP and RTCP share one path (RFC 5761).
    Path(Path),
    /// RTP and RTCP go to two ports (RFC 3550 §11), of which either may not be known yet.
    Pair {
        /// Where RTP goes.
        rtp: Option<Path>,
        /// Where RTCP goes.
        rtcp: Option<Path>,
    },
}

impl Destination {
    /// Where RTP goes.
    pub(crate) const fn rtp(&self) -> Option<Path> {
        match self {
            Self::None => None,
            Self::Path(path) => Some(*path),
            Self::Pair { rtp, .. } => *rtp,
        }
    }

    /// Where RTCP goes.
    pub(crate) const fn rtcp(&self) -> Option<Path> {
        match self {
            Self::None => None,
            Self::Path(path) => Some(*path),
            Self::Pair { rtcp, .. } => *rtcp,
        }
    }
}
