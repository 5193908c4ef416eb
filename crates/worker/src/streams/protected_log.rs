//! Sent packets as they left, for receivers that ask for them again without an RTX stream.
//!
//! A packet that is repeated under its own sequence number must be the same to the last bit: other
//! content under the same index would repeat a nonce (RFC 7714 §8.1) or a key stream (RFC 3711
//! §9.1). So the protected bytes themselves are kept, and nothing is encrypted twice.

use std::collections::VecDeque;

/// The most recent packets of one outgoing stream after protection. Memory follows the bit rate:
/// the ring doubles from 4 KiB up to 128 KiB while packets would otherwise be overwritten.
#[derive(Debug, Default)]
pub(crate) struct ProtectedLog {
    bytes: Vec<u8>,
    /// Oldest first.
    packets: VecDeque<Packet>,
    /// Where the next packet's bytes go.
    head: usize,
}

#[derive(Clone, Copy, Debug)]
struct Packet {
    seq: u16,
    start: usize,
    end: usize,
}

impl ProtectedLog {
    /// An empty log; allocates nothing.
    pub(crate) const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            packets: VecDeque::new(),
            head: 0,
        }
    }

    /// Remembers a packet of sequence number `seq`, of at most a datagram's length.
    pub(crate) fn push(&mut self, seq: u16, packet: &[u8]) {
        if packet.len() > MAX_BYTES {
            return;
        }
        if self.head + packet.len() > self.bytes.len() && !self.grow(packet.len()) {
            // What lies between here and the end is older than all that lies before.
            while self
                .packets
                .front()
                .is_some_and(|one| one.start >= self.head)
            {
                self.packets.pop_front();
            }
            self.head = 0;
        }
        let (start, end) = (self.head, self.head + packet.len());
        // The oldest lie where the head comes next; none is split by the ring's end.
        while let Some(oldest) = self.packets.front()
            && (self.packets.len() >= MAX_PACKETS || oldest.start < end && start < oldest.end)
        {
            self.packets.pop_front();
        }
        self.bytes[start..end].copy_from_slice(packet);
        self.packets.push_back(Packet { seq, start, end });
        self.head = end;
    }

    /// The packet that was sent with this sequence number, if it is still here.
    pub(crate) fn get(&self, seq: u16) -> Option<&[u8]> {
        let packet = self.packets.iter().rev().find(|packet| packet.seq == seq)?;
        self.bytes.get(packet.start..packet.end)
    }

    /// Forgets everything and returns the memory.
    pub(crate) fn clear(&mut self) {
        *self = Self::new();
    }

    /// Makes room behind the head for `len` more bytes; `false` when the ring is as long as it may
    /// be. Packets keep their places.
    fn grow(&mut self, len: usize) -> bool {
        let wanted = (self.head + len).next_power_of_two().max(FIRST_BYTES);
        let may_grow = wanted <= MAX_BYTES && self.packets.front().is_none_or(|one| one.start == 0);
        if may_grow {
            self.bytes.resize(wanted, 0);
        }
        may_grow
    }
}

const FIRST_BYTES: usize = 4 << 10;
const MAX_BYTES: usize = 128 << 10;
/// A second of audio in packets of 10 ms, and some.
const MAX_PACKETS: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    /// A packet whose bytes all follow from its number.
    fn packet(seq: u16, len: usize) -> Vec<u8> {
        (0..len)
            .map(|at| (usize::from(seq) * 31 + at).to_le_bytes()[0])
            .collect()
    }

    #[test]
    fn what_is_still_there_is_what_was_sent_and_the_newest_are_there() {
        let mut log = ProtectedLog::new();
        let len = |seq: u16| 40 + usize::from(seq) * 131 % 1400;
        for seq in 0..3000_u16 {
            log.push(seq, &packet(seq, len(seq)));
            for back in 0..200 {
                let Some(earlier) = seq.checked_sub(back) else {
                    break;
                };
                let found = log.get(earlier);
                assert!(found.is_some() || back >= 60, "{earlier} at {seq}");
                assert!(found.is_none_or(|found| found == packet(earlier, len(earlier))));
            }
            assert!(log.bytes.len() <= MAX_BYTES);
        }
        log.clear();
        assert_eq!((log.get(2999), log.bytes.capacity()), (None, 0));
    }

    #[test]
    fn a_thin_stream_costs_little() {
        let mut log = ProtectedLog::new();
        for seq in 0..1000 {
            log.push(seq, &packet(seq, 60));
        }
        assert!(log.bytes.len() <= 64 << 10, "{}", log.bytes.len());
        assert_eq!(log.packets.len(), MAX_PACKETS);
    }
}
