//! Transport-wide congestion control feedback
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1): which packets of a transport arrived,
//! and when.

use crate::ids::Ssrc;
use crate::time::Instant;
use crate::wire::buffer::{Reader, Writer};

use super::compound::{CompoundWriter, RTPFB, TRANSPORT_FEEDBACK, feedback_sources};

/// Received feedback. Its chunks and deltas have been checked against each other.
#[derive(Clone, Debug)]
pub struct TransportFeedback<'a> {
    /// Who reports, and which report this is.
    pub header: TransportFeedbackHeader,
    /// What the first delta counts from: units of 64 ms, 24 bits that wrap.
    pub reference_time: u32,
    /// How many packets it is about, from the base sequence number on: 1–65,535.
    pub status_count: u16,
    chunks: Reader<'a>,
    deltas: Reader<'a>,
}

/// The fields of feedback that its sender chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransportFeedbackHeader {
    /// Who reports.
    pub sender_ssrc: Ssrc,
    /// Any stream of the transport.
    pub media_ssrc: Ssrc,
    /// The transport-wide sequence number of the first packet it is about.
    pub base_sequence_number: u16,
    /// Counts the reports; wraps.
    pub feedback_count: u8,
}

/// What feedback says about one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketStatus {
    /// The transport-wide sequence number.
    pub sequence_number: u16,
    /// How long after the packet before that was received, or after the reference time, this one
    /// came: units of 250 µs. `None` when it was not received.
    pub delta: Option<i16>,
}

impl<'a> TransportFeedback<'a> {
    /// Reads the body of a feedback packet. The work is bounded by the number of chunks received,
    /// not by the counts in them.
    pub(super) fn parse(body: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(body);
        let (sender, media) = feedback_sources(&mut reader)?;
        let base_sequence_number = reader.u16()?;
        let status_count = reader.u16()?;
        let reference_time = reader.u24()?;
        let feedback_count = reader.u8()?;
        let chunks = reader;
        let mut left = status_count;
        let mut delta_len = 0;
        while left > 0 {
            let chunk = Chunk::decode(reader.u16()?, left);
            delta_len += chunk.delta_len()?;
            left -= chunk.left;
        }
        if status_count == 0 || reader.rest().len() < delta_len {
            return None;
        }
        Some(Self {
            header: TransportFeedbackHeader {
                sender_ssrc: Ssrc(sender),
                media_ssrc: Ssrc(media),
                base_sequence_number,
                feedback_count,
            },
            reference_time,
            status_count,
            chunks,
            deltas: reader,
        })
    }

    /// What it says of each packet, in the order of their sequence numbers.
    #[must_use]
    pub fn packets(&self) -> PacketStatuses<'a> {
        PacketStatuses {
            chunks: self.chunks,
            deltas: self.deltas,
            chunk: Chunk::EMPTY,
            sequence_number: self.header.base_sequence_number,
            left: self.status_count,
        }
    }

    /// Writes feedback about the packets from the base sequence number on: `arrivals` tells for
    /// each when it was received, or that it was not. Returns how many of them the feedback is
    /// about: fewer than all when the buffer is full or two arrivals lie more than 8 s apart, and
    /// then the rest needs another packet. `None` when no received packet fits.
    pub fn write(
        out: &mut CompoundWriter<'_>,
        header: &TransportFeedbackHeader,
        arrivals: &[Option<Instant>],
    ) -> Option<usize> {
        let first = arrivals.iter().flatten().next()?;
        let reference_time = ticks(*first).div_euclid(TICKS_PER_REFERENCE);
        let origin = reference_time * TICKS_PER_REFERENCE;
        out.packet(RTPFB, TRANSPORT_FEEDBACK, |out| {
            let room = out.room().checked_sub(FIXED_LEN)? & !3;
            let covered = covered(Deltas::new(arrivals, origin), room)?;
            let arrivals = &arrivals[..covered];
            out.u32(header.sender_ssrc.0)?;
            out.u32(header.media_ssrc.0)?;
            out.u16(header.base_sequence_number)?;
            out.u16(u16::try_from(covered).ok()?)?;
            out.u24(u32::try_from(reference_time & 0x00ff_ffff).ok()?)?;
            out.u8(header.feedback_count)?;
            let mut chunks = ChunkEncoder::new();
            for delta in Deltas::new(arrivals, origin) {
                chunks.push(Symbol::of(delta?), out)?;
            }
            chunks.finish(out)?;
            for delta in Deltas::new(arrivals, origin).flatten().flatten() {
                match u8::try_from(delta) {
                    Ok(small) => out.u8(small)?,
                    Err(_) => out.bytes(&delta.to_be_bytes())?,
                }
            }
            Some(covered)
        })
    }
}

/// What feedback says of each packet.
#[derive(Clone, Debug)]
pub struct PacketStatuses<'a> {
    chunks: Reader<'a>,
    deltas: Reader<'a>,
    chunk: Chunk,
    sequence_number: u16,
    left: u16,
}

impl Iterator for PacketStatuses<'_> {
    type Item = PacketStatus;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        if self.chunk.left == 0 {
            self.chunk = Chunk::decode(self.chunks.u16()?, self.left);
        }
        let delta = match self.chunk.next()? {
            Symbol::NotReceived => None,
            Symbol::Small => Some(i16::from(self.deltas.u8()?)),
            Symbol::Large => Some(self.deltas.u16()?.cast_signed()),
        };
        let status = PacketStatus {
            sequence_number: self.sequence_number,
            delta,
        };
        self.sequence_number = self.sequence_number.wrapping_add(1);
        self.left -= 1;
        Some(status)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::from(self.left), Some(usize::from(self.left)))
    }
}

/// What two bits, or one, say of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Symbol {
    NotReceived,
    Small,
    Large,
}

impl Symbol {
    fn of(delta: Option<i16>) -> Self {
        match delta {
            None => Self::NotReceived,
            Some(0..=255) => Self::Small,
            Some(_) => Self::Large,
        }
    }

    /// `None` for 3, which the draft keeps for later.
    fn from_bits(bits: u16) -> Option<Self> {
        match bits {
            0 => Some(Self::NotReceived),
            1 => Some(Self::Small),
            2 => Some(Self::Large),
            _ => None,
        }
    }

    const fn delta_len(self) -> usize {
        self as usize
    }
}

/// A chunk that is being taken apart: what symbols it has left.
#[derive(Clone, Copy, Debug)]
struct Chunk {
    /// A run's symbol, or a vector's symbols, the next at the top.
    bits: u16,
    /// How many bits at the top of `bits` a symbol has; 0 in a run.
    symbol_bits: u32,
    left: u16,
}

impl Chunk {
    const EMPTY: Self = Self {
        bits: 0,
        symbol_bits: 0,
        left: 0,
    };

    /// The chunk in these 16 bits, cut to `limit` symbols.
    fn decode(word: u16, limit: u16) -> Self {
        let (bits, symbol_bits, left) = match word >> 14 {
            // Run length: one bit of type, two of symbol, 13 of length.
            0 | 1 => ((word >> 13) & 3, 0, word & MAX_RUN),
            // Status vector: one bit of type, one of symbol size, 14 of symbols.
            2 => (word << 2, 1, 14),
            _ => (word << 2, 2, 7),
        };
        Self {
            bits,
            symbol_bits,
            left: left.min(limit),
        }
    }

    /// The next symbol; `None` for the reserved one and at the end.
    fn next(&mut self) -> Option<Symbol> {
        self.left = self.left.checked_sub(1)?;
        if self.symbol_bits == 0 {
            return Symbol::from_bits(self.bits);
        }
        let symbol = self.bits >> (u16::BITS - self.symbol_bits);
        self.bits <<= self.symbol_bits;
        Symbol::from_bits(symbol)
    }

    /// How many bytes of deltas belong to it. `None` when it has the reserved symbol, or no symbol
    /// at all, of which no sender has use.
    fn delta_len(&self) -> Option<usize> {
        if self.left == 0 {
            return None;
        }
        if self.symbol_bits == 0 {
            let symbol = Symbol::from_bits(self.bits)?;
            return Some(symbol.delta_len() * usize::from(self.left));
        }
        let mut chunk = *self;
        let mut len = 0;
        while chunk.left > 0 {
            len += chunk.next()?.delta_len();
        }
        Some(len)
    }
}

/// The deltas of a list of arrivals. An item is `None` where a delta does not fit 16 bits.
struct Deltas<'a> {
    arrivals: std::slice::Iter<'a, Option<Instant>>,
    before: i64,
}

impl<'a> Deltas<'a> {
    fn new(arrivals: &'a [Option<Instant>], origin: i64) -> Self {
        Self {
            arrivals: arrivals.iter(),
            before: origin,
        }
    }
}

impl Iterator for Deltas<'_> {
    type Item = Option<Option<i16>>;

    fn next(&mut self) -> Option<Self::Item> {
        let Some(arrival) = self.arrivals.next()? else {
            return Some(Some(None));
        };
        // Each arrival is rounded by itself, so that the error does not add up over a report.
        let at = ticks(*arrival);
        let delta = i16::try_from(at - self.before).ok();
        self.before = at;
        Some(delta.map(Some))
    }
}

/// How many packets fit `room` bytes of chunks and deltas. A chunk covers seven packets at least
/// (only the last may cover fewer), so a seventh of the packets bounds the chunks.
fn covered(deltas: Deltas<'_>, room: usize) -> Option<usize> {
    let mut delta_len = 0;
    let mut received = 0;
    let mut covered = 0;
    for delta in deltas.take(usize::from(u16::MAX)) {
        let Some(delta) = delta else { break };
        delta_len += Symbol::of(delta).delta_len();
        if (covered + 1usize).div_ceil(VECTOR_OF_TWO_BITS) * 2 + delta_len > room {
            break;
        }
        covered += 1;
        received += usize::from(delta.is_some());
    }
    (received > 0).then_some(covered)
}

/// Gathers symbols and writes each chunk that is full.
struct ChunkEncoder {
    symbols: [Symbol; VECTOR_OF_ONE_BIT],
    /// How many are gathered: more than `symbols` holds when they are all the same.
    len: usize,
    all_same: bool,
    any_large: bool,
}

impl ChunkEncoder {
    const fn new() -> Self {
        Self {
            symbols: [Symbol::NotReceived; VECTOR_OF_ONE_BIT],
            len: 0,
            all_same: true,
            any_large: false,
        }
    }

    fn push(&mut self, symbol: Symbol, out: &mut Writer<'_>) -> Option<()> {
        if !self.takes(symbol) {
            self.write_full(out)?;
        }
        self.add(symbol);
        Some(())
    }

    fn takes(&self, symbol: Symbol) -> bool {
        let as_run = self.all_same && self.symbols[0] == symbol && self.len < MAX_RUN.into();
        let as_bits = !self.any_large && symbol != Symbol::Large && self.len < VECTOR_OF_ONE_BIT;
        self.len < VECTOR_OF_TWO_BITS || as_run || as_bits
    }

    fn add(&mut self, symbol: Symbol) {
        if let Some(slot) = self.symbols.get_mut(self.len) {
            *slot = symbol;
        }
        self.all_same &= self.symbols[0] == symbol;
        self.any_large |= symbol == Symbol::Large;
        self.len += 1;
    }

    /// Writes a chunk that is full to the end, and keeps the symbols that it did not take.
    fn write_full(&mut self, out: &mut Writer<'_>) -> Option<()> {
        if self.all_same {
            self.write_run(out)?;
            *self = Self::new();
        } else if self.len == VECTOR_OF_ONE_BIT {
            self.write_vector_of_one_bit(out)?;
            *self = Self::new();
        } else {
            self.write_vector_of_two_bits(out)?;
            let (symbols, len) = (self.symbols, self.len);
            *self = Self::new();
            for symbol in symbols.iter().take(len).skip(VECTOR_OF_TWO_BITS) {
                self.add(*symbol);
            }
        }
        Some(())
    }

    /// Writes the last chunk, which may hold more places than there are packets.
    fn finish(&self, out: &mut Writer<'_>) -> Option<()> {
        if self.len == 0 {
            Some(())
        } else if self.all_same {
            self.write_run(out)
        } else if self.any_large {
            self.write_vector_of_two_bits(out)
        } else {
            self.write_vector_of_one_bit(out)
        }
    }

    fn write_run(&self, out: &mut Writer<'_>) -> Option<()> {
        out.u16((self.symbols[0] as u16) << 13 | u16::try_from(self.len).ok()?)
    }

    fn write_vector_of_one_bit(&self, out: &mut Writer<'_>) -> Option<()> {
        out.u16(0b10 << 14 | self.vector(VECTOR_OF_ONE_BIT, 1))
    }

    fn write_vector_of_two_bits(&self, out: &mut Writer<'_>) -> Option<()> {
        out.u16(0b11 << 14 | self.vector(VECTOR_OF_TWO_BITS, 2))
    }

    /// The first `places` symbols side by side, with "not received" behind the last.
    fn vector(&self, places: usize, symbol_bits: u32) -> u16 {
        (0..places).fold(0, |bits, place| {
            let symbol = match self.symbols.get(place) {
                Some(symbol) if place < self.len => *symbol as u16,
                _ => 0,
            };
            bits << symbol_bits | symbol
        })
    }
}

/// The instant in units of 250 µs.
fn ticks(instant: Instant) -> i64 {
    i64::try_from(instant.as_micros() / 250).unwrap_or(i64::MAX)
}

/// 64 ms in units of 250 µs.
const TICKS_PER_REFERENCE: i64 = 256;
/// Everything of the body before the chunks, in bytes.
const FIXED_LEN: usize = 16;
const MAX_RUN: u16 = (1 << 13) - 1;
const VECTOR_OF_ONE_BIT: usize = 14;
const VECTOR_OF_TWO_BITS: usize = 7;

#[cfg(test)]
#[path = "transport_feedback_tests.rs"]
mod tests;
