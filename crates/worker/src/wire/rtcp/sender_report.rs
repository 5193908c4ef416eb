//! Sender reports (RFC 3550 §6.4.1).

use crate::ids::Ssrc;
use crate::time::NtpTime;
use crate::wire::buffer::Reader;

use super::compound::{CompoundWriter, SENDER_REPORT, count_of};
use super::report_block::{ReportBlock, ReportBlocks};

/// A received sender report.
#[derive(Clone, Debug)]
pub struct SenderReport<'a> {
    /// Who reports.
    pub ssrc: Ssrc,
    /// What it says of its own stream.
    pub info: SenderInfo,
    /// What it says of the streams it receives.
    pub reports: ReportBlocks<'a>,
}

/// What a sender says of its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderInfo {
    /// The wall clock when the report left.
    pub ntp: NtpTime,
    /// The same moment on the stream's clock.
    pub rtp_timestamp: u32,
    /// Packets sent so far; wraps.
    pub packet_count: u32,
    /// Payload bytes sent so far, without headers and padding; wraps.
    pub octet_count: u32,
}

impl<'a> SenderReport<'a> {
    pub(super) fn parse(count: u8, body: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(body);
        Some(Self {
            ssrc: Ssrc(reader.u32()?),
            info: SenderInfo {
                ntp: NtpTime(reader.u64()?),
                rtp_timestamp: reader.u32()?,
                packet_count: reader.u32()?,
                octet_count: reader.u32()?,
            },
            reports: ReportBlocks::read(count, &mut reader)?,
        })
    }

    /// Writes a sender report with up to 31 report blocks.
    pub fn write(
        out: &mut CompoundWriter<'_>,
        ssrc: Ssrc,
        info: &SenderInfo,
        reports: &[ReportBlock],
    ) -> Option<()> {
        out.packet(SENDER_REPORT, count_of(reports)?, |out| {
            out.u32(ssrc.0)?;
            out.u64(info.ntp.0)?;
            out.u32(info.rtp_timestamp)?;
            out.u32(info.packet_count)?;
            out.u32(info.octet_count)?;
            reports.iter().try_for_each(|block| block.write(out))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{RtcpPacket, RtcpPackets};
    use super::*;

    const INFO: SenderInfo = SenderInfo {
        ntp: NtpTime(0x0102_0304_0506_0708),
        rtp_timestamp: 9,
        packet_count: 10,
        octet_count: 11,
    };

    #[test]
    fn it_reads_back_without_what_a_profile_may_add() {
        let mut buffer = [0; 100];
        let mut out = CompoundWriter::new(&mut buffer);
        SenderReport::write(&mut out, Ssrc(7), &INFO, &[]).unwrap();
        assert_eq!(out.len(), 28);
        // Four more bytes of the sender's own: RFC 3550 §6.4.3.
        buffer[3] += 1;
        let Some(RtcpPacket::SenderReport(report)) = RtcpPackets::new(&buffer[..32]).next() else {
            panic!("not a sender report");
        };
        assert_eq!((report.ssrc, report.info), (Ssrc(7), INFO));
        assert_eq!(report.reports.count(), 0);
    }

    #[test]
    fn there_is_room_for_31_blocks() {
        let block = ReportBlock {
            ssrc: Ssrc(1),
            fraction_lost: 0,
            cumulative_lost: 0,
            highest_sequence_number: 0,
            jitter: 0,
            last_sender_report: 0,
            delay_since_last_sender_report: 0,
        };
        let mut buffer = [0; 1000];
        let mut out = CompoundWriter::new(&mut buffer);
        assert_eq!(
            SenderReport::write(&mut out, Ssrc(7), &INFO, &[block; 32]),
            None
        );
        SenderReport::write(&mut out, Ssrc(7), &INFO, &[block; 31]).unwrap();
        let Some(RtcpPacket::SenderReport(report)) = RtcpPackets::new(out.written()).next() else {
            panic!("not a sender report");
        };
        assert_eq!(report.reports.count(), 31);
    }
}
