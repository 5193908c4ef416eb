//! Transport-wide congestion control feedback
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1): which packets of a transport arrived,
//! and when.

mod chunk;

use crate::ids::Ssrc;
use crate::time::Instant;
use crate::wire::buffer::Reader;

use self::chunk::{Chunk, ChunkEncoder, Symbol, VECTOR_OF_TWO_BITS};
use super::compound::{CompoundWriter, RTPFB, TRANSPORT_FEEDBACK, feedback_sources};

/// Received feedback. Its chunks and deltas have been checked against each other.
#[derive(Clone, Debug)]
pub struct TransportFeedback<'a> {
    /// Who reports, and which report this is.
    pub header: TransportFeedbackHeader,
    /// The time that the first delta counts from: 24 bits in units of 64 ms, wrapping.
    pub reference_time: u32,
    /// The number of packets that it covers, from the base sequence number on: 1–65,535.
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
    /// The transport-wide sequence number of the first packet that it covers.
    pub base_sequence_number: u16,
    /// Counts the reports; wraps.
    pub feedback_count: u8,
}

/// What feedback says about one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketStatus {
    /// The transport-wide sequence number.
    pub sequence_number: u16,
    /// The time from the previous received packet, or from the reference time, to this one, in
    /// units of 250 µs. `None` if it was not received.
    pub delta: Option<i16>,
}

impl<'a> TransportFeedback<'a> {
    /// Reads the body of a feedback packet. The number of received chunks bounds the work; the
    /// counts in them do not.
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

    /// What it says about each packet, in the order of their sequence numbers. These may be up to
    /// 65,535 items, however short the feedback is. A caller that has sent fewer packets should
    /// stop there.
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

    /// Writes feedback about the packets from the base sequence number on. `arrivals` says for each
    /// packet when it was received, or that it was not. Returns how many packets the feedback
    /// covers. These are not all if the buffer is full or two arrivals lie more than 8 s apart;
    /// then the rest needs another packet. `None` if no received packet fits.
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

/// The deltas of a list of arrivals. An item is `None` if its delta does not fit 16 bits.
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
        // Each arrival is rounded by itself, so that errors do not add up over a report.
        let at = ticks(*arrival);
        let delta = i16::try_from(at - self.before).ok();
        self.before = at;
        Some(delta.map(Some))
    }
}

/// How many packets fit into `room` bytes of chunks and deltas. Each chunk but the last covers at
/// least seven packets, so there is at most one chunk for seven packets.
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

/// The instant in units of 250 µs.
fn ticks(instant: Instant) -> i64 {
    i64::try_from(instant.as_micros() / 250).unwrap_or(i64::MAX)
}

/// 64 ms in units of 250 µs.
const TICKS_PER_REFERENCE: i64 = 256;
/// Everything of the body before the chunks, in bytes.
const FIXED_LEN: usize = 16;

#[cfg(test)]
mod tests;
