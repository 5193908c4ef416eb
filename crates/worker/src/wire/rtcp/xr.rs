//! Extended reports (RFC 3611): the two blocks with which a receiver measures the round trip.

use crate::ids::Ssrc;
use crate::time::NtpTime;
use crate::wire::buffer::Reader;

use super::compound::{CompoundWriter, XR};

/// A received extended report.
#[derive(Clone, Debug)]
pub struct Xr<'a> {
    /// Who reports.
    pub ssrc: Ssrc,
    blocks: XrBlocks<'a>,
}

/// One block of an extended report.
#[derive(Clone, Debug)]
pub enum XrBlock<'a> {
    /// Receiver reference time, RFC 3611 §4.4: the reporter's wall clock.
    ReceiverReferenceTime(NtpTime),
    /// DLRR, RFC 3611 §4.5: answers to receiver reference times.
    Dlrr(DlrrItems<'a>),
    /// Another block, or one whose length does not fit its type, by its type.
    Other(u8),
}

/// An answer to one receiver's reference time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DlrrItem {
    /// The receiver.
    pub ssrc: Ssrc,
    /// The middle 32 bits of its last reference time; 0 without one.
    pub last_rr: u32,
    /// The time since that arrived, in units of 2⁻¹⁶ s; 0 without one.
    pub delay_since_last_rr: u32,
}

impl<'a> Xr<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(body);
        let ssrc = Ssrc(reader.u32()?);
        Some(Self {
            ssrc,
            blocks: XrBlocks(reader),
        })
    }

    /// The blocks, in the order of the packet, up to one that reaches past the end. A block whose
    /// length does not fit its type is [`XrBlock::Other`], so that it hides no other.
    #[must_use]
    pub fn blocks(&self) -> XrBlocks<'a> {
        self.blocks.clone()
    }

    /// Writes an extended report with one receiver reference time block.
    pub fn write_reference_time(
        out: &mut CompoundWriter<'_>,
        ssrc: Ssrc,
        ntp: NtpTime,
    ) -> Option<()> {
        out.packet(XR, 0, |out| {
            out.u32(ssrc.0)?;
            out.bytes(&[REFERENCE_TIME, 0])?;
            out.u16(2)?;
            out.u64(ntp.0)
        })
    }

    /// Writes an extended report with one DLRR block.
    pub fn write_dlrr(out: &mut CompoundWriter<'_>, ssrc: Ssrc, items: &[DlrrItem]) -> Option<()> {
        out.packet(XR, 0, |out| {
            out.u32(ssrc.0)?;
            out.bytes(&[DLRR, 0])?;
            out.u16(u16::try_from(items.len().checked_mul(ITEM_WORDS)?).ok()?)?;
            items.iter().try_for_each(|item| {
                out.u32(item.ssrc.0)?;
                out.u32(item.last_rr)?;
                out.u32(item.delay_since_last_rr)
            })
        })
    }
}

/// The blocks of an extended report.
#[derive(Clone, Debug)]
pub struct XrBlocks<'a>(Reader<'a>);

impl<'a> XrBlocks<'a> {
    fn read(&mut self) -> Option<XrBlock<'a>> {
        let [kind, _] = self.0.array()?;
        let words = usize::from(self.0.u16()?);
        let mut body = Reader::new(self.0.bytes(words * 4)?);
        Some(match kind {
            REFERENCE_TIME if words == REFERENCE_TIME_WORDS => {
                XrBlock::ReceiverReferenceTime(NtpTime(body.u64()?))
            }
            DLRR if words % ITEM_WORDS == 0 => XrBlock::Dlrr(DlrrItems(body)),
            other => XrBlock::Other(other),
        })
    }
}

impl<'a> Iterator for XrBlocks<'a> {
    type Item = XrBlock<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read()
    }
}

/// The items of a DLRR block.
#[derive(Clone, Debug)]
pub struct DlrrItems<'a>(Reader<'a>);

impl Iterator for DlrrItems<'_> {
    type Item = DlrrItem;

    fn next(&mut self) -> Option<Self::Item> {
        Some(DlrrItem {
            ssrc: Ssrc(self.0.u32()?),
            last_rr: self.0.u32()?,
            delay_since_last_rr: self.0.u32()?,
        })
    }
}

const REFERENCE_TIME: u8 = 4;
const DLRR: u8 = 5;
const REFERENCE_TIME_WORDS: usize = 2;
const ITEM_WORDS: usize = 3;

#[cfg(test)]
mod tests {
    use super::super::{RtcpPacket, RtcpPackets};
    use super::*;

    fn blocks(compound: &[u8]) -> Vec<String> {
        RtcpPackets::new(compound)
            .flat_map(|packet| match packet {
                RtcpPacket::Xr(xr) => xr.blocks(),
                _ => panic!("not an extended report"),
            })
            .map(|block| match block {
                XrBlock::ReceiverReferenceTime(ntp) => format!("rrtr {:x}", ntp.0),
                XrBlock::Dlrr(items) => items
                    .map(|i| format!("{}:{}:{}", i.ssrc, i.last_rr, i.delay_since_last_rr))
                    .collect(),
                XrBlock::Other(kind) => format!("other {kind}"),
            })
            .collect()
    }

    #[test]
    fn both_blocks_read_back() {
        let mut buffer = [0; 100];
        let mut out = CompoundWriter::new(&mut buffer);
        Xr::write_reference_time(&mut out, Ssrc(1), NtpTime(0xabcd_0000_1234)).unwrap();
        let item = |n| DlrrItem {
            ssrc: Ssrc(n),
            last_rr: 2,
            delay_since_last_rr: 3,
        };
        Xr::write_dlrr(&mut out, Ssrc(1), &[item(7), item(8)]).unwrap();
        assert_eq!(blocks(out.written()), ["rrtr abcd00001234", "7:2:38:2:3"]);
    }

    #[test]
    fn other_blocks_are_named() {
        let other = [0x80, 207, 0, 3, 0, 0, 0, 1, 6, 0, 0, 1, 9, 9, 9, 9];
        assert_eq!(blocks(&other), ["other 6"]);
    }

    #[test]
    fn a_broken_block_hides_no_other_block_and_no_other_packet() {
        let reference = [4, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 5];
        let pli = [0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2];
        // Too short a reference time, a cut DLRR item, and a block of another type.
        for broken in [[4, 0, 0, 1], [5, 0, 0, 1], [6, 0, 0, 1]] {
            let report = [
                &[0x80, 207, 0, 6, 0, 0, 0, 1][..],
                &broken,
                &[9; 4],
                &reference,
            ];
            assert_eq!(blocks(&report.concat())[1..], ["rrtr 5"], "{broken:?}");
        }
        // A block that reaches past the report ends the blocks, not the compound packet.
        let report = [0x80, 207, 0, 3, 0, 0, 0, 1, 4, 0, 0, 9, 9, 9, 9, 9];
        let compound = [&report[..], &pli].concat();
        let packets: Vec<_> = RtcpPackets::new(&compound).collect();
        assert!(
            matches!(&packets[..], [RtcpPacket::Xr(xr), RtcpPacket::Pli(_)] if xr.blocks().count() == 0)
        );
    }
}
