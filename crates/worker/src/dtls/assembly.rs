//! Puts a handshake message together from its fragments (RFC 6347 §4.2.3), which anyone may have
//! sent.

use std::ops::Range;

use super::handshake::Fragment;

/// One message of a remote. Where fragments overlap, the newest counts. So the remote's repetition
/// repairs what a forged fragment spoilt, and every fragment that leaves the message whole makes
/// another candidate.
pub(super) struct MessageAssembly {
    max_len: usize,
    body: Vec<u8>,
    /// The parts of `body` that are known, in order, with gaps between them.
    known: Vec<Range<usize>>,
    /// How far the fragments came in order since the last that begins the message.
    in_order: usize,
}

/// A message that is whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Whole {
    /// Without the header.
    pub(super) body: Vec<u8>,
    /// Whether its fragments came one after the other, from the first byte to the last. If they
    /// did not, one of them may be from another sender.
    pub(super) is_in_order: bool,
}

impl MessageAssembly {
    /// For messages of at most `max_len` bytes, which is what it holds at most.
    pub(super) const fn new(max_len: usize) -> Self {
        Self {
            max_len,
            body: Vec::new(),
            known: Vec::new(),
            in_order: 0,
        }
    }

    /// Takes a fragment. Returns the message if it is whole now.
    pub(super) fn push(&mut self, fragment: &Fragment<'_>) -> Option<Whole> {
        let (start, end) = (fragment.offset, fragment.offset + fragment.body.len());
        if fragment.message_len > self.max_len || end > fragment.message_len {
            return None;
        }
        if fragment.message_len != self.body.len() || self.known.len() == MAX_PARTS {
            self.begin(fragment.message_len);
        }
        self.body[start..end].copy_from_slice(fragment.body);
        self.note_known(start..end);
        if start == 0 {
            self.in_order = end;
        } else if start <= self.in_order {
            self.in_order = self.in_order.max(end);
        }
        let is_whole = matches!(&self.known[..], [all] if *all == (0..self.body.len()));
        is_whole.then(|| Whole {
            body: self.body.clone(),
            is_in_order: self.in_order == self.body.len(),
        })
    }

    fn begin(&mut self, message_len: usize) {
        self.body.clear();
        self.body.resize(message_len, 0);
        self.known.clear();
        self.in_order = 0;
    }

    fn note_known(&mut self, mut part: Range<usize>) {
        self.known.retain(|other| {
            let is_apart = other.end < part.start || part.end < other.start;
            if !is_apart {
                part = part.start.min(other.start)..part.end.max(other.end);
            }
            is_apart
        });
        let at = self.known.partition_point(|other| other.end < part.start);
        self.known.insert(at, part);
    }
}

/// Clients cut a message into two or three.
const MAX_PARTS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn part(whole: &[u8], from: usize, to: usize) -> Fragment<'_> {
        Fragment {
            kind: 11,
            message_len: whole.len(),
            sequence: 1,
            offset: from,
            body: &whole[from..to],
        }
    }

    fn whole(body: &[u8], is_in_order: bool) -> Option<Whole> {
        let body = body.to_vec();
        Some(Whole { body, is_in_order })
    }

    #[test]
    fn parts_may_come_in_any_order_and_twice() {
        let message: Vec<u8> = (0..60).collect();
        let mut assembly = MessageAssembly::new(100);
        for (from, to) in [(20, 40), (0, 10), (20, 40), (35, 60)] {
            assert_eq!(assembly.push(&part(&message, from, to)), None);
        }
        let completed = assembly.push(&part(&message, 5, 25));
        assert_eq!(completed, whole(&message, false));
        assert_eq!(assembly.push(&part(&message, 0, 60)), whole(&message, true));
    }

    #[test]
    fn a_repetition_repairs_what_forged_parts_spoilt() {
        let message: Vec<u8> = (0..60).collect();
        let forged = [99; 60];
        let other_length = [98; 61];
        let mut assembly = MessageAssembly::new(100);
        for (from, to) in [(3, 6), (30, 60), (0, 1), (20, 50), (0, 60)] {
            assembly.push(&part(&forged, from, to));
            assembly.push(&part(&other_length, from, to));
            assembly.push(&part(&forged, from, to));
            let spoilt = assembly.push(&part(&message, 0, 40));
            assert!(spoilt.is_none_or(|spoilt| !spoilt.is_in_order));
            let repaired = assembly.push(&part(&message, 40, 60));
            assert_eq!(repaired, whole(&message, true), "{from} {to}");
        }
    }

    #[test]
    fn an_empty_message_is_whole_at_once() {
        let mut assembly = MessageAssembly::new(100);
        assert_eq!(assembly.push(&part(&[], 0, 0)), whole(&[], true));
    }

    #[test]
    fn the_room_for_parts_is_limited() {
        let long = [0; 2000];
        let mut assembly = MessageAssembly::new(1000);
        assert_eq!(assembly.push(&part(&long, 0, 2000)), None);
        for round in 0..2000 {
            let message = &long[..900 + round % 2];
            let at = 7 * round % 900;
            assembly.push(&part(message, at, at + 1));
            assert!(assembly.known.len() <= MAX_PARTS);
            assert!(assembly.body.len() <= 1000);
        }
    }
}
