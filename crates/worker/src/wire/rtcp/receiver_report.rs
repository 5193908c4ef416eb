//! Receiver reports (RFC 3550 §6.4.2).

use crate::ids::Ssrc;
use crate::wire::buffer::Reader;

use super::compound::{CompoundWriter, RECEIVER_REPORT, count_of};
use super::report_block::{ReportBlock, ReportBlocks};

/// A received receiver report.
#[derive(Clone, Debug)]
pub struct ReceiverReport<'a> {
    /// Who reports.
    pub ssrc: Ssrc,
    /// What it says of the streams it receives.
    pub reports: ReportBlocks<'a>,
}

impl<'a> ReceiverReport<'a> {
    pub(super) fn parse(count: u8, body: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(body);
        Some(Self {
            ssrc: Ssrc(reader.u32()?),
            reports: ReportBlocks::read(count, &mut reader)?,
        })
    }

    /// Writes a receiver report with up to 31 report blocks.
    pub fn write(out: &mut CompoundWriter<'_>, ssrc: Ssrc, reports: &[ReportBlock]) -> Option<()> {
        out.packet(RECEIVER_REPORT, count_of(reports)?, |out| {
            out.u32(ssrc.0)?;
            reports.iter().try_for_each(|block| block.write(out))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{RtcpPacket, RtcpPackets};
    use super::*;

    #[test]
    fn an_empty_one_is_eight_bytes() {
        let mut buffer = [0; 8];
        let mut out = CompoundWriter::new(&mut buffer);
        ReceiverReport::write(&mut out, Ssrc(7), &[]).unwrap();
        assert_eq!(buffer, [0x80, 201, 0, 1, 0, 0, 0, 7]);
    }

    #[test]
    fn a_count_beyond_the_body_is_malformed() {
        let mut packets = RtcpPackets::new(&[0x81, 201, 0, 1, 0, 0, 0, 7]);
        assert!(packets.next().is_none());
        assert!(packets.error().is_some());
        let packet = RtcpPackets::new(&[0x80, 201, 0, 1, 0, 0, 0, 7]).next();
        assert!(matches!(packet, Some(RtcpPacket::ReceiverReport(_))));
    }
}
