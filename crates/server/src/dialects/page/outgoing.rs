//! What was sent to a client, until it is known to have it.

use std::collections::VecDeque;

use axum::extract::ws::Utf8Bytes;

/// The last frames for a client, which counts them from the answer to `hello` on. They are sent
/// again when the client has come back over another connection.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    /// How many are not kept any more.
    dropped: u64,
    frames: VecDeque<Utf8Bytes>,
    bytes: usize,
    /// How many the client had at the acknowledgement before the last.
    safe: u64,
    /// How many it had at the last.
    acknowledged: u64,
}

impl Outgoing {
    /// How many there were so far.
    pub(super) fn count(&self) -> u64 {
        self.dropped + self.frames.len() as u64
    }

    /// The number of the first that is kept.
    pub(super) fn first(&self) -> u64 {
        self.dropped
    }

    /// Keeps frames that are being sent. If there are too many, the oldest go.
    pub(super) fn push(&mut self, frames: &[Utf8Bytes]) {
        for frame in frames {
            self.bytes += frame.len();
            self.frames.push_back(frame.clone());
        }
        while self.bytes > MAX_BYTES {
            self.drop_first();
        }
    }

    /// The client's side of the connection has got so many frames.
    ///
    /// A browser answers a ping before the page has seen the frames before it, and they are lost if
    /// the page gives up the connection at that moment. So what was acknowledged is kept until the
    /// next acknowledgement.
    pub(super) fn acknowledge(&mut self, count: u64) {
        self.safe = self.acknowledged;
        self.acknowledged = count.clamp(self.safe, self.count());
        while self.dropped < self.safe {
            self.drop_first();
        }
    }

    /// The frames after so many; none if some of them are not kept, or there never were so many.
    pub(super) fn after(&self, count: u64) -> Option<Vec<Utf8Bytes>> {
        let skipped = usize::try_from(count.checked_sub(self.dropped)?).ok()?;
        let missed = self.frames.iter().skip(skipped);
        (skipped <= self.frames.len()).then(|| missed.cloned().collect())
    }

    fn drop_first(&mut self) {
        if let Some(frame) = self.frames.pop_front() {
            self.bytes -= frame.len();
            self.dropped += 1;
        }
    }
}

/// Bytes of frames that are kept for one client. An offer of a room for a hundred people has about
/// a third of it.
pub(super) const MAX_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(texts: &[&str]) -> Vec<Utf8Bytes> {
        texts.iter().map(|text| Utf8Bytes::from(*text)).collect()
    }

    #[test]
    fn what_a_client_may_have_missed_is_kept() {
        let mut outgoing = Outgoing::default();
        outgoing.push(&frames(&["a", "b", "c"]));
        assert_eq!(outgoing.after(1), Some(frames(&["b", "c"])));
        assert_eq!(outgoing.after(3), Some(frames(&[])));
        assert_eq!(outgoing.after(4), None);
        // The page may still miss what the browser has got.
        outgoing.acknowledge(2);
        assert_eq!(outgoing.after(0), Some(frames(&["a", "b", "c"])));
        outgoing.acknowledge(2);
        assert_eq!(outgoing.after(1), None);
        assert_eq!(outgoing.after(2), Some(frames(&["c"])));
        // Nobody has what was not sent.
        outgoing.acknowledge(100);
        outgoing.acknowledge(0);
        assert_eq!(outgoing.count(), 3);
        outgoing.push(&frames(&["d"]));
        assert_eq!(outgoing.after(3), Some(frames(&["d"])));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut outgoing = Outgoing::default();
        let long = "x".repeat(MAX_BYTES / 2);
        outgoing.push(&frames(&[&long, &long]));
        assert_eq!(outgoing.first(), 0);
        outgoing.push(&frames(&["y"]));
        assert_eq!(outgoing.after(0), None);
        assert_eq!(outgoing.after(2), Some(frames(&["y"])));
    }
}
