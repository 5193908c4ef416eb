//! Sender and receiver reports.

use super::compound::{MAX_COUNT, RR, Reader, SR, count_field, write_packet};
use crate::rtp::{RtpTimestamp, Ssrc};

/// Sender report (RFC 3550 §6.4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderReport {
    /// The reporting sender.
    pub ssrc: Ssrc,
    /// Wall clock: seconds since 1900 in the upper half, the fraction in the lower.
    pub ntp: u64,
    /// The same instant on the stream's clock.
    pub timestamp: RtpTimestamp,
    /// Packets sent, wrapping.
    pub packet_count: u32,
    /// Payload octets sent, wrapping.
    pub octet_count: u32,
    /// At most 31 are written.
    pub reports: Vec<ReportBlock>,
}

/// Receiver report (RFC 3550 §6.4.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiverReport {
    /// The reporting receiver.
    pub ssrc: Ssrc,
    /// At most 31 are written.
    pub reports: Vec<ReportBlock>,
}

/// What a receiver says of one source (RFC 3550 §6.4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportBlock {
    /// The source.
    pub ssrc: Ssrc,
    /// Packets lost since the last report, in 256ths of those expected.
    pub fraction_lost: u8,
    /// Lost in all, -2^23 to 2^23 - 1.
    pub cumulative_lost: i32,
    /// Highest sequence number with its cycles above.
    pub highest_sequence: u32,
    /// Interarrival jitter in ticks of the stream's clock.
    pub jitter: u32,
    /// The middle 32 bits of the last sender report's `ntp`, 0 if there was none.
    pub last_sr: u32,
    /// Time since that report, in 65536ths of a second.
    pub delay_since_last_sr: u32,
}

impl SenderReport {
    pub(super) fn read(reader: &mut Reader<'_>, count: u8) -> Option<Self> {
        Some(Self {
            ssrc: Ssrc(reader.u32()?),
            ntp: reader.u64()?,
            timestamp: RtpTimestamp(reader.u32()?),
            packet_count: reader.u32()?,
            octet_count: reader.u32()?,
            reports: read_blocks(reader, count)?,
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        write_packet(out, SR, count_field(self.reports.len()), |out| {
            out.extend_from_slice(&self.ssrc.0.to_be_bytes());
            out.extend_from_slice(&self.ntp.to_be_bytes());
            for word in [self.timestamp.0, self.packet_count, self.octet_count] {
                out.extend_from_slice(&word.to_be_bytes());
            }
            write_blocks(out, &self.reports);
        });
    }
}

impl ReceiverReport {
    pub(super) fn read(reader: &mut Reader<'_>, count: u8) -> Option<Self> {
        Some(Self {
            ssrc: Ssrc(reader.u32()?),
            reports: read_blocks(reader, count)?,
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        write_packet(out, RR, count_field(self.reports.len()), |out| {
            out.extend_from_slice(&self.ssrc.0.to_be_bytes());
            write_blocks(out, &self.reports);
        });
    }
}

fn read_blocks(reader: &mut Reader<'_>, count: u8) -> Option<Vec<ReportBlock>> {
    (0..count).map(|_| read_block(reader)).collect()
}

fn read_block(reader: &mut Reader<'_>) -> Option<ReportBlock> {
    let ssrc = Ssrc(reader.u32()?);
    let lost = reader.u32()?;
    Some(ReportBlock {
        ssrc,
        fraction_lost: lost.to_be_bytes()[0],
        // The lower 24 bits, sign included.
        cumulative_lost: (lost << 8).cast_signed() >> 8,
        highest_sequence: reader.u32()?,
        jitter: reader.u32()?,
        last_sr: reader.u32()?,
        delay_since_last_sr: reader.u32()?,
    })
}

fn write_blocks(out: &mut Vec<u8>, reports: &[ReportBlock]) {
    for report in reports.iter().take(MAX_COUNT) {
        let lost = report.cumulative_lost.clamp(-0x80_0000, 0x7f_ffff);
        let lost = u32::from(report.fraction_lost) << 24 | lost.cast_unsigned() & 0xff_ffff;
        for word in [
            report.ssrc.0,
            lost,
            report.highest_sequence,
            report.jitter,
            report.last_sr,
            report.delay_since_last_sr,
        ] {
            out.extend_from_slice(&word.to_be_bytes());
        }
    }
}
