//! The SSRCs that a transport sends.

use crate::ids::{ConsumerKey, Ssrc};

/// Which consumer sends an SSRC, sorted by SSRC.
#[derive(Debug, Default)]
pub(super) struct ConsumerSsrcs(Vec<ConsumerSsrc>);

/// An SSRC that a transport sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ConsumerSsrc {
    pub(crate) ssrc: Ssrc,
    pub(crate) consumer: ConsumerKey,
    /// Which of the consumer's outgoing streams.
    pub(crate) outgoing: usize,
    pub(crate) is_rtx: bool,
}

impl ConsumerSsrcs {
    pub(super) fn insert(&mut self, entry: ConsumerSsrc) {
        let at = self.0.partition_point(|other| other.ssrc < entry.ssrc);
        self.0.insert(at, entry);
    }

    /// Removes the SSRCs of a consumer and passes each on.
    pub(super) fn remove(&mut self, consumer: ConsumerKey, mut each: impl FnMut(Ssrc)) {
        for entry in self.0.extract_if(.., |entry| entry.consumer == consumer) {
            each(entry.ssrc);
        }
    }

    pub(super) fn find(&self, ssrc: Ssrc) -> Option<ConsumerSsrc> {
        let at = self.0.binary_search_by_key(&ssrc, |entry| entry.ssrc);
        at.ok().map(|at| self.0[at])
    }

    /// All that are sent, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = ConsumerSsrc> {
        self.0.iter().copied()
    }
}
