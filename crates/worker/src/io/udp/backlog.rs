//! Messages that a full socket has not taken yet, in the order of sending. They lie in one ring of
//! bytes, which exists only while something waits.

use std::collections::VecDeque;
use std::net::SocketAddr;

use super::super::sys_linux::Message;
use crate::time::Instant;

/// The messages that wait for room in one socket's send buffer.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    bytes: Vec<u8>,
    waiting: VecDeque<Waiting>,
}

/// One message, and where in the ring it lies.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    since: Instant,
    remote: SocketAddr,
    start: usize,
    end: usize,
    segment_size: Option<u16>,
}

impl Backlog {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Copies a message in after the others; `false` if the ring has no room for it.
    pub(super) fn push(&mut self, now: Instant, message: &Message<'_>) -> bool {
        let len = message.bytes.len();
        let Some(start) = self.place(len) else {
            return false;
        };
        if self.bytes.is_empty() {
            // The system hands out zeroed memory page by page, as it is touched.
            self.bytes = vec![0; CAPACITY];
        }
        self.bytes[start..start + len].copy_from_slice(message.bytes);
        self.waiting.push_back(Waiting {
            since: now,
            remote: message.remote,
            start,
            end: start + len,
            segment_size: message.segment_size,
        });
        true
    }

    /// Where `len` bytes in one piece fit: after the last message, or at the front of the ring
    /// again.
    fn place(&self, len: usize) -> Option<usize> {
        let (Some(first), Some(last)) = (self.waiting.front(), self.waiting.back()) else {
            return (len <= CAPACITY).then_some(0);
        };
        if last.start < first.start {
            return (last.end + len <= first.start).then_some(last.end);
        }
        if last.end + len <= CAPACITY {
            return Some(last.end);
        }
        (len <= first.start).then_some(0)
    }

    /// Puts the first messages into `messages` and returns how many they are.
    pub(super) fn fill<'a>(&'a self, messages: &mut [Message<'a>]) -> usize {
        let mut filled = 0;
        for (place, waiting) in messages.iter_mut().zip(&self.waiting) {
            *place = Message {
                remote: waiting.remote,
                bytes: &self.bytes[waiting.start..waiting.end],
                segment_size: waiting.segment_size,
            };
            filled += 1;
        }
        filled
    }

    /// Forgets the first `messages` messages and the first `bytes` bytes of the next one. The
    /// memory goes with the last message.
    pub(super) fn forget(&mut self, messages: usize, bytes: usize) {
        self.waiting.drain(..messages.min(self.waiting.len()));
        match self.waiting.front_mut() {
            Some(first) => first.start = (first.start + bytes).min(first.end),
            None => *self = Self::default(),
        }
    }

    /// Forgets messages that have waited since `deadline` or longer, and returns how many datagrams
    /// these were.
    pub(super) fn expire(&mut self, deadline: Instant) -> usize {
        let mut datagrams = 0;
        while let Some(old) = self.waiting.pop_front_if(|one| one.since <= deadline) {
            datagrams += old.datagrams();
        }
        if self.waiting.is_empty() {
            *self = Self::default();
        }
        datagrams
    }

    /// How many datagrams wait.
    pub(super) fn datagrams(&self) -> usize {
        self.waiting.iter().map(Waiting::datagrams).sum()
    }
}

impl Waiting {
    fn datagrams(&self) -> usize {
        let len = self.end - self.start;
        len.div_ceil(self.segment_size.map_or(len, usize::from).max(1))
    }
}

/// How many bytes may wait for one socket. That is a key frame of HD video for about seventy
/// subscribers, and more than a gigabit link takes in the maximum waiting time.
const CAPACITY: usize = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn message(bytes: &[u8], segment_size: Option<u16>) -> Message<'_> {
        Message {
            remote: "192.0.2.1:9".parse().unwrap(),
            bytes,
            segment_size,
        }
    }

    /// The bytes of what waits, first to last.
    fn held(backlog: &Backlog) -> Vec<Vec<u8>> {
        let mut messages = [message(&[], None); 300];
        let count = backlog.fill(&mut messages);
        messages[..count]
            .iter()
            .map(|message| message.bytes.to_vec())
            .collect()
    }

    #[test]
    fn what_was_sent_is_forgotten_to_the_byte_and_the_memory_goes_last() {
        let mut backlog = Backlog::default();
        assert!(backlog.push(Instant::default(), &message(&[1; 10], None)));
        assert!(backlog.push(Instant::default(), &message(&[2; 250], Some(100))));
        assert_eq!(backlog.datagrams(), 4);
        backlog.forget(1, 100);
        assert_eq!(held(&backlog), [[2; 150]]);
        assert_eq!(backlog.datagrams(), 2);
        backlog.forget(1, 0);
        assert!(backlog.is_empty());
        assert_eq!(backlog.bytes.capacity(), 0);
    }

    #[test]
    fn the_ring_turns_and_is_full_when_it_has_no_piece_long_enough() {
        let mut backlog = Backlog::default();
        let piece = |fill| vec![fill; 60_000];
        let mut count = 0_u8;
        while backlog.push(Instant::default(), &message(&piece(count), None)) {
            count += 1;
        }
        assert_eq!(usize::from(count), CAPACITY / 60_000);
        // When two messages at the front are gone, there is room for two at the front, whatever is
        // left at the end.
        backlog.forget(2, 0);
        for fill in [201, 202] {
            assert!(backlog.push(Instant::default(), &message(&piece(fill), None)));
        }
        assert!(!backlog.push(Instant::default(), &message(&piece(203), None)));
        let first_bytes: Vec<_> = held(&backlog).iter().map(|bytes| bytes[0]).collect();
        let expected: Vec<_> = (2..count).chain([201, 202]).collect();
        assert_eq!(first_bytes, expected);
        assert!(held(&backlog).iter().all(|one| *one == piece(one[0])));
    }

    #[test]
    fn what_has_waited_too_long_goes_first() {
        let mut backlog = Backlog::default();
        for at in [10, 10, 20] {
            let message = message(&[7; 300], Some(100));
            assert!(backlog.push(Instant::from_millis(at), &message));
        }
        assert_eq!(backlog.expire(Instant::from_millis(9)), 0);
        assert_eq!(backlog.expire(Instant::from_millis(10)), 6);
        assert_eq!(held(&backlog).len(), 1);
        assert_eq!(backlog.expire(Instant::from_millis(30)), 3);
        assert!(backlog.is_empty());
    }
}
