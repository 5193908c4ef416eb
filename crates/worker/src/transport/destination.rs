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
    /// Both go to the application.
    Channel,
}

/// The way of one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Over the network.
    Path(Path),
    /// To the application.
    Channel,
}

impl Destination {
    /// Where RTP goes.
    pub(crate) fn rtp(&self) -> Option<Way> {
        match self {
            Self::None => None,
            Self::Path(path) => Some(Way::Path(*path)),
            Self::Pair { rtp, .. } => rtp.map(Way::Path),
            Self::Channel => Some(Way::Channel),
        }
    }

    /// Where RTCP goes.
    pub(crate) fn rtcp(&self) -> Option<Way> {
        match self {
            Self::None => None,
            Self::Path(path) => Some(Way::Path(*path)),
            Self::Pair { rtcp, .. } => rtcp.map(Way::Path),
            Self::Channel => Some(Way::Channel),
        }
    }
}
