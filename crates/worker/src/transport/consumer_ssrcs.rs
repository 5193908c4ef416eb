//! The SSRCs that a transport sends, and those that it must not send again.

use crate::error::RequestError;
use crate::ids::{ConsumerKey, Ssrc};

/// Which consumer sends an SSRC. Both lists are sorted by SSRC.
#[derive(Debug, Default)]
pub(super) struct ConsumerSsrcs {
    sent: Vec<ConsumerSsrc>,
    /// SSRCs of consumers that are gone. If one were sent again under the same key, its packet
    /// indices would start over and repeat nonces (RFC 7714 §8.1). This takes eight bytes for each
    /// consumer that the transport ever had. Only the controller creates consumers, so peers cannot
    /// make it grow.
    retired: Vec<Ssrc>,
}

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
    /// Refuses an SSRC that is in use, or was before.
    pub(super) fn check_free(&self, ssrc: Ssrc) -> Result<(), RequestError> {
        if self.find(ssrc).is_some() {
            let problem = format!("ssrc {ssrc} is already sent by the transport");
            return Err(RequestError::Failed(problem));
        }
        if self.retired.binary_search(&ssrc).is_ok() {
            let problem = format!("ssrc {ssrc} was sent by the transport before");
            return Err(RequestError::Failed(problem));
        }
        Ok(())
    }

    pub(super) fn insert(&mut self, entry: ConsumerSsrc) {
        let at = self.sent.partition_point(|other| other.ssrc < entry.ssrc);
        self.sent.insert(at, entry);
    }

    /// Removes the SSRCs of a consumer. None of them can be sent again.
    pub(super) fn retire(&mut self, consumer: ConsumerKey, mut each: impl FnMut(Ssrc)) {
        for entry in self.sent.extract_if(.., |entry| entry.consumer == consumer) {
            each(entry.ssrc);
            if let Err(at) = self.retired.binary_search(&entry.ssrc) {
                self.retired.insert(at, entry.ssrc);
            }
        }
    }

    pub(super) fn find(&self, ssrc: Ssrc) -> Option<ConsumerSsrc> {
        let at = self.sent.binary_search_by_key(&ssrc, |entry| entry.ssrc);
        at.ok().map(|at| self.sent[at])
    }

    /// All that are sent, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = ConsumerSsrc> {
        self.sent.iter().copied()
    }
}
