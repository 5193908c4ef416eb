//! Report blocks of SR and RR (RFC 3550 §6.4.1), and the lists of SSRCs that several types carry.

use crate::ids::Ssrc;
use crate::wire::buffer::{Reader, Writer};

/// What a receiver reports about one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportBlock {
    /// The stream.
    pub ssrc: Ssrc,
    /// Share of packets lost since the last report, in units of 1/256.
    pub fraction_lost: u8,
    /// Packets lost since the beginning, −2²³ to 2²³−1 (clamped when written). Duplicates may make
    /// it negative.
    pub cumulative_lost: i32,
    /// The highest sequence number received, with the number of its cycles in the upper 16 bits.
    pub highest_sequence_number: u32,
    /// Interarrival jitter, in units of the stream's clock.
    pub jitter: u32,
    /// LSR: the middle 32 bits of the last sender report's NTP timestamp; 0 without one.
    pub last_sender_report: u32,
    /// DLSR: the time since that report arrived, in units of 2⁻¹⁶ s; 0 without one.
    pub delay_since_last_sender_report: u32,
}

impl ReportBlock {
    /// Length on the wire, in bytes.
    pub const LEN: usize = 24;

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            ssrc: Ssrc(reader.u32()?),
            fraction_lost: reader.u8()?,
            // The 24 bits go to the top of the word, so that shifting them back extends their sign.
            cumulative_lost: (reader.u24()? << 8).cast_signed() >> 8,
            highest_sequence_number: reader.u32()?,
            jitter: reader.u32()?,
            last_sender_report: reader.u32()?,
            delay_since_last_sender_report: reader.u32()?,
        })
    }

    pub(super) fn write(&self, out: &mut Writer<'_>) -> Option<()> {
        let lost = self.cumulative_lost.clamp(-MAX_LOST - 1, MAX_LOST);
        out.u32(self.ssrc.0)?;
        out.u8(self.fraction_lost)?;
        out.u24(lost.cast_unsigned())?;
        out.u32(self.highest_sequence_number)?;
        out.u32(self.jitter)?;
        out.u32(self.last_sender_report)?;
        out.u32(self.delay_since_last_sender_report)
    }
}

/// The report blocks of a received report.
#[derive(Clone, Debug)]
pub struct ReportBlocks<'a>(Reader<'a>);

impl<'a> ReportBlocks<'a> {
    /// The next `count` blocks of `reader`; `None` when it holds fewer.
    pub(super) fn read(count: u8, reader: &mut Reader<'a>) -> Option<Self> {
        let blocks = reader.bytes(usize::from(count) * ReportBlock::LEN)?;
        Some(Self(Reader::new(blocks)))
    }
}

impl Iterator for ReportBlocks<'_> {
    type Item = ReportBlock;

    fn next(&mut self) -> Option<Self::Item> {
        ReportBlock::read(&mut self.0)
    }
}

/// A received list of SSRCs.
#[derive(Clone, Debug)]
pub struct Ssrcs<'a>(Reader<'a>);

impl<'a> Ssrcs<'a> {
    /// The next `count` SSRCs of `reader`; `None` when it holds fewer.
    pub(super) fn read(count: u8, reader: &mut Reader<'a>) -> Option<Self> {
        Some(Self(Reader::new(reader.bytes(usize::from(count) * 4)?)))
    }
}

impl Iterator for Ssrcs<'_> {
    type Item = Ssrc;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.u32().map(Ssrc)
    }
}

const MAX_LOST: i32 = (1 << 23) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(cumulative_lost: i32) -> i32 {
        let mut buffer = [0; ReportBlock::LEN];
        let block = ReportBlock {
            ssrc: Ssrc(1),
            fraction_lost: 2,
            cumulative_lost,
            highest_sequence_number: 4,
            jitter: 5,
            last_sender_report: 6,
            delay_since_last_sender_report: 7,
        };
        block.write(&mut Writer::new(&mut buffer)).unwrap();
        let mut blocks = ReportBlocks::read(1, &mut Reader::new(&buffer)).unwrap();
        let read = blocks.next().unwrap();
        assert_eq!(
            read,
            ReportBlock {
                cumulative_lost: read.cumulative_lost,
                ..block
            }
        );
        assert_eq!(blocks.next(), None);
        read.cumulative_lost
    }

    #[test]
    fn losses_are_signed_and_clamped_to_24_bits() {
        for (lost, read) in [
            (0, 0),
            (-1, -1),
            (8_388_607, 8_388_607),
            (8_388_608, 8_388_607),
            (i32::MIN, -8_388_608),
        ] {
            assert_eq!(round_trip(lost), read);
        }
    }

    #[test]
    fn a_count_beyond_the_bytes_is_refused() {
        assert!(ReportBlocks::read(2, &mut Reader::new(&[0; 47])).is_none());
        assert!(Ssrcs::read(2, &mut Reader::new(&[0; 7])).is_none());
    }
}
