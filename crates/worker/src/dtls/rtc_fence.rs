//! What the second engine may see of a datagram.
//!
//! That engine takes more than is good for it, as its source shows: a `ChangeCipherSpec` in a later
//! epoch is not authenticated and makes it deaf; an empty record fails it; it keeps up to 2 MB of
//! fragments and joins them by recursion, one level for each. So records pass only if they are what
//! a handshake needs, and only as many as it needs.

use super::handshake::{fragments, records};
use super::record::{Content, Record};
use super::session::SessionError;

/// Counts what has passed.
#[derive(Default)]
pub(super) struct RtcFence {
    bytes: usize,
    fragments: usize,
    is_connected: bool,
    late_messages: u32,
}

impl RtcFence {
    /// The records of a datagram that may pass, in one piece.
    ///
    /// # Errors
    ///
    /// [`SessionError`] when the remote says more than a handshake can need.
    pub(super) fn pass(&mut self, datagram: &[u8]) -> Result<Vec<u8>, SessionError> {
        let mut passed = Vec::with_capacity(datagram.len());
        for (record, bytes) in records(datagram) {
            if self.admits(record, record.payload(bytes)) {
                passed.extend_from_slice(bytes);
            }
        }
        if !self.is_connected {
            self.bytes += passed.len();
            if self.bytes > MAX_BYTES || self.fragments > MAX_FRAGMENTS {
                return Err(SessionError("the handshake is too long".to_owned()));
            }
        }
        Ok(passed)
    }

    /// From now on nothing passes in plaintext.
    pub(super) const fn connected(&mut self) {
        self.is_connected = true;
    }

    fn admits(&mut self, record: Record, payload: &[u8]) -> bool {
        match (record.content, record.epoch) {
            (Content::ChangeCipherSpec, 0) => !self.is_connected && payload == [1],
            (Content::Handshake, 0) if !self.is_connected => match fragments(payload) {
                Some(fragments) if fragments.iter().all(|f| f.message_len <= MAX_MESSAGE) => {
                    self.fragments += fragments.len();
                    true
                }
                _ => false,
            },
            // A client that misses our last message repeats its own. Nothing else comes late.
            (Content::Handshake, 1) => {
                self.late_messages += u32::from(self.is_connected);
                !payload.is_empty() && self.late_messages <= MAX_LATE_MESSAGES
            }
            (Content::Alert, 1) => !payload.is_empty(),
            (Content::ApplicationData, 1) => self.is_connected && !payload.is_empty(),
            _ => false,
        }
    }
}

/// A certificate of RSA 4096 has about 1400 bytes. Chains are of no use in WebRTC.
const MAX_MESSAGE: usize = 16 * 1024;
/// Of all records before the handshake is complete, repetitions included.
const MAX_BYTES: usize = 64 * 1024;
const MAX_FRAGMENTS: usize = 256;
const MAX_LATE_MESSAGES: u32 = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn record(content: u8, epoch: u8, payload: &[u8]) -> Vec<u8> {
        let len = u16::try_from(payload.len()).unwrap().to_be_bytes();
        let header = [content, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 7];
        [&header[..], &len, payload].concat()
    }

    fn message(len: [u8; 3], body: &[u8]) -> Vec<u8> {
        let body_len = u8::try_from(body.len()).unwrap();
        [
            &[11, len[0], len[1], len[2], 0, 1, 0, 0, 0, 0, 0, body_len],
            body,
        ]
        .concat()
    }

    #[test]
    fn only_what_a_handshake_needs_passes() {
        let sound = message([0, 0, 2], b"ab");
        let huge = message([0, 0x40, 1], b"ab");
        let empty = message([0, 0, 2], b"");
        for (bytes, in_handshake, connected) in [
            (record(20, 0, &[1]), true, false),
            (record(20, 0, &[2]), false, false),
            (record(20, 0, &[1, 1]), false, false),
            (record(20, 1, &[1]), false, false),
            (record(22, 0, &sound), true, false),
            (record(22, 0, &huge), false, false),
            (record(22, 0, &empty), false, false),
            (record(22, 0, &[]), false, false),
            (record(22, 1, &[0; 40]), true, true),
            (record(22, 1, &[]), false, false),
            (record(22, 2, &[0; 40]), false, false),
            (record(21, 0, &[2, 40]), false, false),
            (record(21, 1, &[0; 18]), true, true),
            (record(23, 0, &[0; 40]), false, false),
            (record(23, 1, &[0; 40]), false, true),
            (record(23, 1, &[]), false, false),
        ] {
            let mut fence = RtcFence::default();
            let neighbours = [record(20, 0, &[9]), bytes.clone()].concat();
            let passes = |passed: Vec<u8>| passed == bytes;
            assert_eq!(
                passes(fence.pass(&neighbours).unwrap()),
                in_handshake,
                "{bytes:?}"
            );
            fence.connected();
            assert_eq!(passes(fence.pass(&bytes).unwrap()), connected, "{bytes:?}");
        }
    }

    #[test]
    fn fragments_and_bytes_are_limited_before_the_end_of_the_handshake() {
        let mut fence = RtcFence::default();
        let one = record(22, 0, &message([0, 0x30, 0], b"x"));
        for _ in 0..MAX_FRAGMENTS {
            fence.pass(&one).unwrap();
        }
        assert!(fence.pass(&one).is_err());
        let mut fence = RtcFence::default();
        let long = record(22, 1, &[0; 1024]);
        for _ in 0..63 {
            fence.pass(&long).unwrap();
        }
        assert!(fence.pass(&long).is_err());
    }

    #[test]
    fn late_messages_are_limited() {
        let mut fence = RtcFence::default();
        fence.connected();
        let finished = record(22, 1, &[0; 40]);
        let passed = (0..100).filter(|_| !fence.pass(&finished).unwrap().is_empty());
        assert_eq!(passed.count(), 32);
        let data = record(23, 1, &[0; 1000]);
        for _ in 0..1000 {
            assert_eq!(fence.pass(&data).unwrap(), data);
        }
    }
}
