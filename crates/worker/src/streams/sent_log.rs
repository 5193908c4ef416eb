//! What a consumer remembers about the packets that it sent: where they are in the packet store,
//! and how they were changed. It does not keep the packets.

use std::time::Duration;

use super::seq::ExtendedSeq;
use crate::time::Instant;

/// How to make a sent packet again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SentRecord {
    /// The sequence number it was sent with.
    pub seq: u16,
    /// Which of the producer's streams it came from, 0–15.
    pub stream: u8,
    /// The lower 32 bits of its number in that stream's packet store; [`ExtendedSeq::from_low32`]
    /// near the store's highest gives the whole number.
    pub source: u32,
    /// What was added to its RTP timestamp, wrapping.
    pub timestamp_offset: u32,
    /// The marker bit it was sent with.
    pub marker: bool,
    /// 24 bits for the codec's munger, enough to make the same payload again.
    pub codec: u32,
}

/// The most recent packets of one outgoing stream, 16 bytes each, found by the sequence number they
/// were sent with. The ring starts with 64 records. It doubles, up to 1024, when a record would
/// otherwise be overwritten within two seconds. So a consumer's memory follows the packet rate of
/// its stream and never exceeds 16 KiB.
#[derive(Debug, Default)]
pub(crate) struct SentLog {
    /// The record of a number is at `seq & (records.len() - 1)`.
    records: Vec<Packed>,
}

#[derive(Clone, Copy, Debug)]
struct Packed {
    source: u32,
    timestamp_offset: u32,
    seq: u16,
    /// When it was last sent, in milliseconds, wrapping.
    sent_at: u16,
    codec: [u8; 3],
    /// The stream in the upper four bits, then how often the packet was sent again, then the
    /// marker. All bits set means that there is no record.
    bits: u8,
}

/// Why a requested packet is not sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResendRefusal {
    /// It was never sent or is too old.
    Unknown,
    /// It was sent again less than a round trip ago and may still arrive.
    OnItsWay,
    /// It was sent again as often as allowed.
    Exhausted,
}

impl SentLog {
    /// An empty log; allocates nothing.
    #[must_use]
    pub(crate) const fn new() -> Self {
        Self {
            records: Vec::new(),
        }
    }

    /// Remembers a packet sent at `now`.
    pub(crate) fn push(&mut self, now: Instant, record: SentRecord) {
        self.make_room(now, record.seq);
        let at = self.slot(record.seq);
        self.records[at] = Packed {
            source: record.source,
            timestamp_offset: record.timestamp_offset,
            seq: record.seq,
            sent_at: millis(now),
            codec: low_bytes(record.codec),
            bits: (record.stream & STREAM_MAX) << 4 | u8::from(record.marker),
        };
    }

    /// The record of a packet that the receiver misses, if it may be sent again now. `rtt` is the
    /// round trip to the receiver.
    ///
    /// # Errors
    ///
    /// Says why it may not.
    pub(crate) fn find(
        &self,
        now: Instant,
        seq: u16,
        rtt: Duration,
    ) -> Result<SentRecord, ResendRefusal> {
        let packed = self.packed(seq).ok_or(ResendRefusal::Unknown)?;
        let age = millis(now).wrapping_sub(packed.sent_at);
        if packed.resends() >= MAX_RESENDS {
            return Err(ResendRefusal::Exhausted);
        }
        if packed.resends() > 0 && u128::from(age) < rtt.as_millis() {
            return Err(ResendRefusal::OnItsWay);
        }
        Ok(packed.unpack())
    }

    /// Records that a packet was sent again at `now`. Returns how often that has happened; 0 if the
    /// packet is not remembered.
    pub(crate) fn note_resend(&mut self, now: Instant, seq: u16) -> u8 {
        if self.packed(seq).is_none() {
            return 0;
        }
        let at = self.slot(seq);
        let packed = &mut self.records[at];
        let resends = (packed.resends() + 1).min(MAX_RESENDS);
        packed.bits = packed.bits & !RESENDS_MASK | resends << 1;
        packed.sent_at = millis(now);
        resends
    }

    /// Bytes of memory in use.
    #[cfg(test)]
    #[must_use]
    pub(crate) fn allocated(&self) -> usize {
        self.records.capacity() * size_of::<Packed>()
    }

    /// Forgets everything and returns the memory. This is for a consumer that pauses, or whose
    /// source is replaced.
    pub(crate) fn clear(&mut self) {
        self.records = Vec::new();
    }

    fn packed(&self, seq: u16) -> Option<&Packed> {
        self.records
            .get(self.slot(seq))
            .filter(|packed| packed.seq == seq && packed.bits != NO_RECORD)
    }

    /// Doubles the ring while the record to be overwritten could still be asked for.
    fn make_room(&mut self, now: Instant, seq: u16) {
        while self.records.len() < MAX_RECORDS && self.would_overwrite_recent(now, seq) {
            let len = (self.records.len() * 2).max(FIRST_RECORDS);
            let old = std::mem::replace(&mut self.records, vec![EMPTY; len]);
            for packed in old.into_iter().filter(|packed| packed.bits != NO_RECORD) {
                let at = self.slot(packed.seq);
                self.records[at] = packed;
            }
        }
    }

    fn would_overwrite_recent(&self, now: Instant, seq: u16) -> bool {
        let Some(packed) = self.records.get(self.slot(seq)) else {
            return true;
        };
        let age = millis(now).wrapping_sub(packed.sent_at);
        packed.bits != NO_RECORD && packed.seq != seq && age < KEPT_MILLIS
    }

    fn slot(&self, seq: u16) -> usize {
        usize::from(seq) & self.records.len().wrapping_sub(1)
    }
}

impl SentRecord {
    /// The whole number in the source's store, whose highest number is `highest`.
    #[must_use]
    pub(crate) const fn source_seq(&self, highest: ExtendedSeq) -> ExtendedSeq {
        ExtendedSeq::from_low32(self.source, highest)
    }
}

impl Packed {
    const fn resends(self) -> u8 {
        (self.bits & RESENDS_MASK) >> 1
    }

    const fn unpack(self) -> SentRecord {
        let [a, b, c] = self.codec;
        SentRecord {
            seq: self.seq,
            stream: self.bits >> 4,
            source: self.source,
            timestamp_offset: self.timestamp_offset,
            marker: self.bits & 1 != 0,
            codec: u32::from_le_bytes([a, b, c, 0]),
        }
    }
}

const fn low_bytes(codec: u32) -> [u8; 3] {
    let [a, b, c, _] = codec.to_le_bytes();
    [a, b, c]
}

const fn millis(now: Instant) -> u16 {
    (now.as_millis() & 0xffff) as u16
}

const FIRST_RECORDS: usize = 64;
const MAX_RECORDS: usize = 1024;
/// How long records are kept: as long as the packet store keeps video.
const KEPT_MILLIS: u16 = 2000;
/// How often one packet is sent again at most. Together with the limit on the stream number, this
/// keeps a record from looking like [`NO_RECORD`].
const MAX_RESENDS: u8 = 6;
const RESENDS_MASK: u8 = 0b1110;
const STREAM_MAX: u8 = 0xf;
const NO_RECORD: u8 = 0xff;
const EMPTY: Packed = Packed {
    source: 0,
    timestamp_offset: 0,
    seq: 0,
    sent_at: 0,
    codec: [0; 3],
    bits: NO_RECORD,
};
const _: () = assert!(size_of::<Packed>() == 16);

#[cfg(test)]
mod tests {
    use super::*;

    const RTT: Duration = Duration::from_millis(100);

    fn record(seq: u16) -> SentRecord {
        SentRecord {
            seq,
            stream: (seq % 16) as u8,
            source: u32::from(seq).wrapping_mul(0x0101_0101),
            timestamp_offset: u32::from(seq).wrapping_mul(0x7fff_ffff),
            marker: seq.is_multiple_of(3),
            codec: u32::from(seq) * 200,
        }
    }

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    #[test]
    fn a_record_comes_back_as_it_went_in_also_across_a_wrap() {
        let mut log = SentLog::new();
        assert_eq!(log.find(at(0), 0, RTT), Err(ResendRefusal::Unknown));
        let seqs = (0..200_u16).map(|n| n.wrapping_add(0xff80));
        for seq in seqs.clone() {
            log.push(at(5), record(seq));
        }
        for seq in seqs {
            assert_eq!(log.find(at(10), seq, RTT), Ok(record(seq)));
        }
        assert_eq!(log.find(at(10), 5000, RTT), Err(ResendRefusal::Unknown));
        assert_eq!(log.note_resend(at(10), 5000), 0);
    }

    #[test]
    fn memory_follows_the_packet_rate_up_to_its_bound() {
        let grown = |per_second: u64| {
            let mut log = SentLog::new();
            for n in 0..per_second * 10 {
                log.push(at(n * 1000 / per_second), record((n & 0xffff) as u16));
            }
            log.allocated() / 16
        };
        assert_eq!(
            [0, 20, 50, 270, 400, 5000].map(grown),
            [0, 64, 128, 1024, 1024, 1024]
        );
    }

    #[test]
    fn the_last_two_seconds_stay_reachable_at_a_usual_rate() {
        let mut log = SentLog::new();
        for n in 0..10_000_u64 {
            log.push(at(n * 4), record((n & 0xffff) as u16));
        }
        let now = at(40_000);
        assert!((9_500..10_000).all(|n| log.find(now, n, RTT) == Ok(record(n))));
        assert_eq!(log.find(now, 8_900, RTT), Err(ResendRefusal::Unknown));
    }

    #[test]
    fn a_packet_is_not_sent_again_within_a_round_trip_nor_for_ever() {
        let mut log = SentLog::new();
        log.push(at(0), record(7));
        assert!(
            log.find(at(1), 7, RTT).is_ok(),
            "the first request is served at once"
        );
        let mut now = 1;
        for count in 1..=MAX_RESENDS {
            assert_eq!(log.note_resend(at(now), 7), count);
            let too_soon = log.find(at(now + 99), 7, RTT);
            assert!(too_soon.is_err());
            now += 100;
        }
        assert_eq!(
            log.find(at(now + 1000), 7, RTT),
            Err(ResendRefusal::Exhausted)
        );
        assert_eq!(log.packed(7).map(|packed| packed.unpack()), Some(record(7)));
    }

    #[test]
    fn a_jump_in_numbering_leaves_no_stale_answers() {
        let mut log = SentLog::new();
        for seq in 0..500 {
            log.push(at(0), record(seq));
        }
        for seq in 30_000..30_500 {
            log.push(at(0), record(seq));
        }
        for seq in 30_000..30_500 {
            assert_eq!(log.find(at(0), seq, RTT), Ok(record(seq)));
        }
        log.clear();
        assert_eq!(log.allocated(), 0);
        assert_eq!(log.find(at(0), 30_001, RTT), Err(ResendRefusal::Unknown));
    }

    #[test]
    fn the_whole_source_number_is_found_near_the_highest() {
        let source = ExtendedSeq(0x1_ffff_fff0);
        let record = SentRecord {
            source: source.low32(),
            ..record(1)
        };
        assert_eq!(record.source_seq(source.plus(500)), source);
    }
}
