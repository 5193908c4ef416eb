//! The one shared copy of every packet of an incoming stream.
//!
//! Consumers forward packets from here and answer retransmission requests from here. They
//! themselves only remember where a packet is.

use std::time::Duration;

use super::seq::ExtendedSeq;
use crate::codecs::PayloadDigest;
use crate::time::Instant;

/// A packet after ingress: header fields with the numbers that consumers see, and two blocks of
/// bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoredPacket<'a> {
    /// Its place in the stream.
    pub seq: ExtendedSeq,
    /// The RTP timestamp.
    pub timestamp: u32,
    /// The marker bit.
    pub marker: bool,
    /// The payload type as consumers see it, 0–127.
    pub payload_type: u8,
    /// When it arrived. For a repaired packet that is the arrival of its repair.
    pub received: Instant,
    /// What its payload is.
    pub digest: PayloadDigest,
    /// The header extensions that are passed on to consumers, in the form that ingress composed.
    pub extensions: &'a [u8],
    /// The payload without padding.
    pub payload: &'a [u8],
}

/// How much a [`PacketStore`] remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoreLimits {
    /// The maximum number of packets, 1–65536. It must not be less than the packets that the worker
    /// takes in before it forwards them.
    pub max_packets: usize,
    /// The maximum number of bytes of payload and extensions. It must not be less than twice the
    /// bytes that the worker takes in before it forwards them. Worst-case memory of the store is this plus 44 bytes per packet,
    /// each rounded up to a power of two.
    pub max_bytes: usize,
    /// Packets are forgotten after this time, at the latest when the next one comes.
    pub max_age: Duration,
}

impl StoreLimits {
    /// Enough for a video stream to answer retransmission requests.
    pub(crate) const VIDEO: Self = Self {
        max_packets: 2500,
        max_bytes: 4 << 20,
        max_age: Duration::from_secs(2),
    };
    /// Enough for an audio stream to answer retransmission requests.
    pub(crate) const AUDIO: Self = Self {
        max_packets: 2500,
        max_bytes: 1 << 20,
        max_age: Duration::from_secs(1),
    };
}

/// What happened to a packet that was offered to a [`PacketStore`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Insertion {
    /// It can be read under its sequence number.
    Stored,
    /// It is here already; the first copy stays.
    Duplicate,
    /// It is too far behind the newest packet.
    TooOld,
    /// It is larger than the store.
    TooLarge,
}

/// Recent packets of one stream, found by sequence number. Bytes lie in a ring in the order of
/// arrival. The ring and the index start small and double up to the limits; after that the oldest
/// packets make room.
///
/// Packets may be inserted late, out of order. Insertion is O(1) amortised and reading O(1).
///
/// A packet that waits for fan-out never expires while it waits. It makes room for others only if
/// the limits are below what [`StoreLimits`] requires. So every packet that fan-out
/// still has to send is here.
#[derive(Debug)]
pub(crate) struct PacketStore {
    limits: StoreLimits,
    /// In the order of arrival. The `n`th entry since the beginning lies at `n & (entries.len() -
    /// 1)`.
    entries: Vec<Entry>,
    /// The entry of each sequence number, at `seq & (slots.len() - 1)`: the lower bits of the
    /// entry's count since the beginning. It spans the sequence numbers in use, so it may be longer
    /// than `entries`.
    slots: Vec<u32>,
    bytes: Vec<u8>,
    /// Entries `oldest..next` of all time are alive.
    oldest: u64,
    next: u64,
    /// Where the next packet's bytes go.
    head: usize,
    highest: Option<ExtendedSeq>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    seq: ExtendedSeq,
    received: Instant,
    stored: Instant,
    timestamp: u32,
    start: u32,
    extensions_len: u16,
    payload_len: u16,
    payload_type: u8,
    marker: bool,
    digest: PayloadDigest,
}

impl PacketStore {
    /// An empty store; allocates nothing.
    #[must_use]
    pub(crate) const fn new(limits: StoreLimits) -> Self {
        Self {
            limits,
            entries: Vec::new(),
            slots: Vec::new(),
            bytes: Vec::new(),
            oldest: 0,
            next: 0,
            head: 0,
            highest: None,
        }
    }

    /// Copies a packet in. `now` is the time of the batch, the same for all its packets.
    pub(crate) fn insert(&mut self, now: Instant, packet: &StoredPacket<'_>) -> Insertion {
        let size = packet.extensions.len() + packet.payload.len();
        let (Ok(extensions_len), Ok(payload_len)) = (
            u16::try_from(packet.extensions.len()),
            u16::try_from(packet.payload.len()),
        ) else {
            return Insertion::TooLarge;
        };
        if size >= self.limits.max_bytes {
            return Insertion::TooLarge;
        }
        self.expire(now);
        if let Some(refusal) = self.refusal(packet.seq) {
            return refusal;
        }
        self.make_room_for_entry();
        self.make_slot(packet.seq);
        let start = self.make_room_for_bytes(size);
        self.bytes[start..start + extensions_len as usize].copy_from_slice(packet.extensions);
        self.bytes[start + extensions_len as usize..start + size].copy_from_slice(packet.payload);
        self.push(Entry {
            seq: packet.seq,
            received: packet.received,
            stored: now,
            timestamp: packet.timestamp,
            start: u32::try_from(start).unwrap_or(u32::MAX),
            extensions_len,
            payload_len,
            payload_type: packet.payload_type,
            marker: packet.marker,
            digest: packet.digest,
        });
        Insertion::Stored
    }

    /// The packet with this number, if it is still here.
    #[must_use]
    pub(crate) fn get(&self, seq: ExtendedSeq) -> Option<StoredPacket<'_>> {
        let entry = self.find(seq)?;
        let start = entry.start as usize;
        let middle = start + usize::from(entry.extensions_len);
        Some(StoredPacket {
            seq,
            timestamp: entry.timestamp,
            marker: entry.marker,
            payload_type: entry.payload_type,
            received: entry.received,
            digest: entry.digest,
            extensions: self.bytes.get(start..middle)?,
            payload: self
                .bytes
                .get(middle..middle + usize::from(entry.payload_len))?,
        })
    }

    /// How many packets were stored before this one, if it is still here. Of two packets, the one
    /// with the lower count came first.
    #[must_use]
    pub(crate) fn arrival(&self, seq: ExtendedSeq) -> Option<u64> {
        self.locate(seq).map(|(number, _)| number)
    }

    /// The highest number ever stored.
    #[must_use]
    pub(crate) const fn highest(&self) -> Option<ExtendedSeq> {
        self.highest
    }

    /// How many packets are here.
    #[cfg(test)]
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        self.count()
    }

    /// Whether no packet is here.
    #[must_use]
    pub(crate) const fn is_empty(&self) -> bool {
        self.oldest == self.next
    }

    /// Bytes of memory in use.
    #[cfg(test)]
    #[must_use]
    pub(crate) fn allocated(&self) -> usize {
        self.bytes.capacity()
            + self.entries.capacity() * size_of::<Entry>()
            + self.slots.capacity() * size_of::<u32>()
    }

    /// Forgets all packets and returns the memory; for a stream that pauses.
    pub(crate) fn clear(&mut self) {
        let highest = self.highest;
        *self = Self::new(self.limits);
        self.highest = highest;
    }

    /// Why a packet with this number cannot be taken, if so.
    fn refusal(&self, seq: ExtendedSeq) -> Option<Insertion> {
        if self.find(seq).is_some() {
            return Some(Insertion::Duplicate);
        }
        let behind = self.highest.map_or(0, |highest| highest.since(seq));
        (behind >= self.window()).then_some(Insertion::TooOld)
    }

    fn find(&self, seq: ExtendedSeq) -> Option<&Entry> {
        self.locate(seq).map(|(_, entry)| entry)
    }

    fn locate(&self, seq: ExtendedSeq) -> Option<(u64, &Entry)> {
        let slot = *self.slots.get(self.slot_of(seq))?;
        // A slot that was never written holds zero, and that may name a living entry. So the
        // sequence number decides.
        let entry = &self.entries[slot as usize & (self.entries.len() - 1)];
        let age = self.next.wrapping_sub(1).wrapping_sub(u64::from(slot)) & 0xffff_ffff;
        let is_alive = entry.seq == seq && age < self.next - self.oldest;
        is_alive.then(|| (self.next - 1 - age, entry))
    }

    fn push(&mut self, entry: Entry) {
        self.highest = self.highest.max(Some(entry.seq));
        let (number, mask) = (self.next, self.entries.len() - 1);
        self.next += 1;
        self.head = entry.start as usize + entry.space();
        self.entries[index(number) & mask] = entry;
        self.note(entry.seq, number);
    }

    /// Doubles the slots until this number has a slot of its own among the numbers of the window.
    fn make_slot(&mut self, seq: ExtendedSeq) {
        while self.slots.is_empty() || self.tenant(seq).is_some_and(|tenant| tenant != seq) {
            let len = self.slots.len();
            if len as u64 >= self.window() {
                // The packet in this slot is a whole window away, so nobody asks for it any more.
                return;
            }
            self.slots = vec![0; (len * 2).max(FIRST_ENTRIES)];
            for number in self.oldest..self.next {
                let seq = self.entries[index(number) & (self.entries.len() - 1)].seq;
                if self.tenant(seq) <= Some(seq) {
                    self.note(seq, number);
                }
            }
        }
    }

    /// The living packet whose slot this number shares.
    fn tenant(&self, seq: ExtendedSeq) -> Option<ExtendedSeq> {
        let slot = *self.slots.get(self.slot_of(seq))?;
        let tenant = self.entries[slot as usize & (self.entries.len() - 1)].seq;
        (self.find(tenant).is_some() && self.slot_of(tenant) == self.slot_of(seq)).then_some(tenant)
    }

    fn note(&mut self, seq: ExtendedSeq, number: u64) {
        let at = self.slot_of(seq);
        self.slots[at] = (number & 0xffff_ffff) as u32;
    }

    fn expire(&mut self, now: Instant) {
        while let Some(entry) = self.oldest_entry() {
            if now.since(entry.stored) <= self.limits.max_age {
                return;
            }
            self.oldest += 1;
        }
    }

    fn make_room_for_entry(&mut self) {
        if self.count() >= self.limits.max_packets.max(1) {
            self.oldest += 1;
        } else if self.count() == self.entries.len() {
            self.grow_entries();
        }
    }

    /// Doubles the index. Entries keep their numbers and get new places.
    fn grow_entries(&mut self) {
        let len = (self.entries.len() * 2).max(FIRST_ENTRIES);
        let mut entries = vec![Entry::default(); len];
        for number in self.oldest..self.next {
            entries[index(number) & (len - 1)] =
                self.entries[index(number) & (self.entries.len() - 1)];
        }
        self.entries = entries;
    }

    /// Finds `size` contiguous bytes. If the ring may not grow, the oldest packets are freed.
    fn make_room_for_bytes(&mut self, size: usize) -> usize {
        loop {
            if let Some(start) = self.free_run(size.max(1)) {
                return start;
            }
            if self.bytes.len() < self.limits.max_bytes {
                self.grow_bytes(size);
            } else {
                self.oldest += 1;
            }
        }
    }

    fn free_run(&self, size: usize) -> Option<usize> {
        let Some(oldest) = self.oldest_entry() else {
            return (size <= self.bytes.len()).then_some(0);
        };
        let (head, tail) = (self.head, oldest.start as usize);
        if head <= tail {
            // The ring is wrapped, and it is full when they meet.
            return (head + size <= tail).then_some(head);
        }
        if head + size <= self.bytes.len() {
            return Some(head);
        }
        (size <= tail).then_some(0)
    }

    /// Doubles the byte ring and puts the packets side by side into it.
    fn grow_bytes(&mut self, size: usize) {
        let wanted = (self.bytes.len() * 2)
            .max(FIRST_BYTES)
            .max((size + 1).next_power_of_two());
        let mut bytes = vec![0; wanted.min(self.limits.max_bytes)];
        let mut head = 0;
        let mask = self.entries.len() - 1;
        for number in self.oldest..self.next {
            let entry = &mut self.entries[index(number) & mask];
            let start = entry.start as usize;
            bytes[head..head + entry.len()]
                .copy_from_slice(&self.bytes[start..start + entry.len()]);
            entry.start = u32::try_from(head).unwrap_or(u32::MAX);
            head += entry.space();
        }
        self.bytes = bytes;
        self.head = head;
    }

    fn oldest_entry(&self) -> Option<&Entry> {
        if self.is_empty() {
            return None;
        }
        self.entries
            .get(index(self.oldest) & (self.entries.len() - 1))
    }

    fn count(&self) -> usize {
        index(self.next - self.oldest)
    }

    /// How far behind the newest packet a number may be.
    fn window(&self) -> u64 {
        self.limits
            .max_packets
            .next_power_of_two()
            .max(FIRST_ENTRIES) as u64
    }

    fn slot_of(&self, seq: ExtendedSeq) -> usize {
        index(seq.0) & self.slots.len().wrapping_sub(1)
    }
}

impl Entry {
    fn len(&self) -> usize {
        usize::from(self.extensions_len) + usize::from(self.payload_len)
    }

    /// The bytes that it takes in the ring. It takes at least one, so that head and tail meet only
    /// in a full ring.
    fn space(&self) -> usize {
        self.len().max(1)
    }
}

/// The bits of a counter that can index memory.
const fn index(number: u64) -> usize {
    (number & 0xffff_ffff) as usize
}

const FIRST_ENTRIES: usize = 16;
const FIRST_BYTES: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: StoreLimits = StoreLimits {
        max_packets: 100,
        max_bytes: 20_000,
        max_age: Duration::from_secs(1),
    };

    fn packet(seq: u64, payload: &[u8]) -> StoredPacket<'_> {
        StoredPacket {
            seq: ExtendedSeq(seq),
            timestamp: ((seq * 7) & 0xffff_ffff) as u32,
            marker: seq.is_multiple_of(3),
            payload_type: 96,
            received: Instant::from_millis(seq),
            digest: PayloadDigest {
                key_frame: seq.is_multiple_of(5),
                spatial_layer: 2,
                temporal_layer: 1,
                dtx: seq.is_multiple_of(7),
                ..PayloadDigest::default()
            },
            extensions: &[0xbe, 0xde],
            payload,
        }
    }

    fn content(seq: u64) -> Vec<u8> {
        let fill = (seq & 0xff) as u8;
        vec![fill; usize::try_from(seq * 37 % 1200).unwrap()]
    }

    fn offer(store: &mut PacketStore, millis: u64, seq: u64) -> Insertion {
        store.insert(Instant::from_millis(millis), &packet(seq, &content(seq)))
    }

    #[test]
    fn what_goes_in_comes_out() {
        let mut store = PacketStore::new(StoreLimits::VIDEO);
        assert_eq!(store.get(ExtendedSeq(5)), None);
        assert_eq!(store.allocated(), 0);
        for seq in 1000..3000 {
            assert_eq!(offer(&mut store, 0, seq), Insertion::Stored);
        }
        for seq in 1000..3000 {
            assert_eq!(
                store.get(ExtendedSeq(seq)),
                Some(packet(seq, &content(seq))),
                "{seq}"
            );
        }
        assert_eq!(store.get(ExtendedSeq(999)), None);
        assert_eq!(store.get(ExtendedSeq(3000)), None);
        assert_eq!(store.get(ExtendedSeq(1000 + 0x1_0000)), None);
    }

    #[test]
    fn late_packets_find_their_place_and_duplicates_are_told() {
        let mut store = PacketStore::new(SMALL);
        for seq in [10, 12, 11, 15, 13, 14] {
            assert_eq!(offer(&mut store, 0, seq), Insertion::Stored);
        }
        for seq in 10..16 {
            assert_eq!(offer(&mut store, 0, seq), Insertion::Duplicate);
        }
        assert_eq!(offer(&mut store, 0, 200), Insertion::Stored);
        assert_eq!(offer(&mut store, 0, 200 - 128), Insertion::TooOld);
        assert_eq!(offer(&mut store, 0, 200 - 127), Insertion::Stored);
        assert_eq!(store.highest(), Some(ExtendedSeq(200)));
    }

    #[test]
    fn age_counts_from_the_batch_and_spares_the_batch() {
        let mut store = PacketStore::new(SMALL);
        offer(&mut store, 0, 1);
        offer(&mut store, 1000, 2);
        assert_eq!(store.len(), 2);
        for seq in 3..20 {
            offer(&mut store, 5000, seq);
        }
        assert_eq!(store.get(ExtendedSeq(2)), None);
        assert_eq!(store.len(), 17);
    }

    #[test]
    fn the_count_is_bounded_and_the_first_to_come_leave_first() {
        let mut store = PacketStore::new(StoreLimits {
            max_bytes: 1 << 20,
            ..SMALL
        });
        for seq in 0..1000 {
            offer(&mut store, 0, seq);
            assert!(store.len() <= 100);
        }
        for seq in 0..1000 {
            assert_eq!(store.get(ExtendedSeq(seq)).is_some(), seq >= 900, "{seq}");
        }
    }

    #[test]
    fn the_bytes_are_bounded_and_what_is_left_is_whole() {
        let mut store = PacketStore::new(SMALL);
        for seq in 0..1500 {
            offer(&mut store, 0, seq);
            assert!(store.allocated() <= 20_000 + 128 * 48);
            let kept = (0..=seq)
                .rev()
                .map_while(|old| store.get(ExtendedSeq(old)))
                .inspect(|found| assert_eq!(found.payload, content(found.seq.0)))
                .count();
            assert_eq!(kept, store.len());
            assert!(kept >= 10.min(usize::try_from(seq + 1).unwrap()));
        }
        let huge = vec![0; 20_000];
        assert_eq!(
            store.insert(Instant::default(), &packet(6000, &huge)),
            Insertion::TooLarge
        );
    }

    #[test]
    fn empty_packets_take_part() {
        let mut store = PacketStore::new(SMALL);
        for seq in 0..300 {
            let mut empty = packet(seq, &[]);
            empty.extensions = &[];
            assert_eq!(store.insert(Instant::default(), &empty), Insertion::Stored);
            assert_eq!(store.get(ExtendedSeq(seq)), Some(empty));
        }
        assert_eq!(store.len(), 100);
    }

    #[test]
    fn agrees_with_a_plain_list_under_random_traffic() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut store = PacketStore::new(SMALL);
        let mut model: Vec<(u64, u64)> = Vec::new();
        let (mut now, mut next) = (0, 1 << 16);
        for round in 0..20_000 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            now += state % 30;
            let late = if (state >> 8).is_multiple_of(4) {
                (state >> 16) % 60
            } else {
                next += 1 + ((state >> 16) % 3);
                0
            };
            let seq = next - late;
            match offer(&mut store, now, seq) {
                Insertion::Stored => {
                    assert!(model.iter().all(|(_, other)| *other != seq));
                    model.push((now, seq));
                }
                Insertion::Duplicate => assert!(model.iter().any(|(_, other)| *other == seq)),
                refusal => panic!("{refusal:?}"),
            }
            if round % 16 != 0 {
                model.drain(..model.len() - store.len());
                continue;
            }
            // The store keeps a suffix of what came.
            model.drain(..model.len() - store.len());
            assert!(model.iter().all(|(at, _)| now - at <= 1000));
            // What is a window of 128 behind is not promised.
            for (_, seq) in model.iter().filter(|(_, seq)| next - seq < 128) {
                let found = store.get(ExtendedSeq(*seq));
                assert_eq!(found.map(|p| p.payload.to_vec()), Some(content(*seq)));
            }
        }
    }

    #[test]
    fn packets_far_apart_do_not_hide_each_other() {
        let mut store = PacketStore::new(SMALL);
        for seq in [0, 16, 32, 48, 64, 127] {
            assert_eq!(offer(&mut store, 0, seq), Insertion::Stored);
        }
        for seq in [0, 16, 32, 48, 64, 127] {
            assert!(store.get(ExtendedSeq(seq)).is_some(), "{seq}");
        }
    }

    #[test]
    fn a_jump_of_the_numbers_leaves_no_stale_answers() {
        let mut store = PacketStore::new(StoreLimits {
            max_bytes: 1 << 20,
            ..SMALL
        });
        for seq in 0..50 {
            offer(&mut store, 0, seq);
        }
        for seq in 0x2_0000..0x2_0032 {
            assert_eq!(offer(&mut store, 0, seq), Insertion::Stored);
        }
        for seq in 0x2_0000..0x2_0032 {
            assert!(store.get(ExtendedSeq(seq)).is_some());
        }
        store.clear();
        assert_eq!(store.allocated(), 0);
        assert_eq!(store.get(ExtendedSeq(0x2_0000)), None);
        assert_eq!(offer(&mut store, 0, 0x2_0040), Insertion::Stored);
    }
}
