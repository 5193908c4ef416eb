//! Where a transport's packets go.

use crate::output::Path;

/// The way of outgoing RTP and RTCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// No remote is known yet, or its path was lost.
    None,
    /// RTP and RTCP share one path (RFC 5761).
    Path(Path),
    /// RTP and RTCP go to two ports (RFC 3550 §11).
    #[cfg_attr(
        not(test),
        expect(
            dead_code,
            reason = "a WebRTC transport always multiplexes; RFC 8834 §4.5"
        )
    )]
    Pair {
        /// Where RTP goes.
        rtp: Path,
        /// Where RTCP goes.
        rtcp: Path,
    },
}

impl Destination {
    /// Where RTP goes.
    pub(crate) const fn rtp(&self) -> Option<Path> {
        match self {
            Self::None => None,
            Self::Path(path) | Self::Pair { rtp: path, .. } => Some(*path),
        }
    }

    /// Where RTCP goes.
    pub(crate) const fn rtcp(&self) -> Option<Path> {
        match self {
            Self::None => None,
            Self::Path(path) | Self::Pair { rtcp: path, .. } => Some(*path),
        }
    }
}
