//! What arrived of one stream: loss, order, jitter and reports.

use std::{collections::BTreeSet, time::Duration};

use super::{
    arrivals::{CYCLE, extend},
    frames::{FrameAssembler, Vp8Frame},
};
use crate::{
    rtcp::{ReportBlock, SenderReport},
    rtp::{RtpPacket, RtpTimestamp, SequenceNumber, Ssrc},
};

/// What arrived of one stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StreamStats {
    /// Distinct packets, including those recovered by retransmission.
    pub packets: u64,
    /// Payload octets of those.
    pub bytes: u64,
    /// Packets that had arrived before, or long ago.
    pub duplicates: u64,
    /// Packets that came through a retransmission stream.
    pub recovered: u64,
    /// Packets between the first and the last that have not arrived.
    pub lost: u64,
    /// Interarrival jitter in ticks of the stream's clock (RFC 3550 §6.4.1).
    pub jitter: u32,
    /// Complete VP8 frames, key frames included.
    pub frames: u64,
    /// Complete VP8 key frames.
    pub key_frames: u64,
    /// VP8 frames of which a packet never came.
    pub broken_frames: u64,
    /// VP8 payloads whose descriptor does not fit.
    pub malformed: u64,
    /// Timestamp of the newest packet.
    pub last_timestamp: Option<u32>,
    /// Sender reports received.
    pub sender_reports: u64,
    /// Whether a goodbye came.
    pub ended: bool,
}

/// One incoming stream.
#[derive(Debug)]
pub(super) struct ReceiveStream {
    clock_rate: u32,
    stats: StreamStats,
    /// First and highest extended sequence number; equal to each other before the second packet.
    range: Option<(u64, u64)>,
    missing: BTreeSet<u64>,
    frames: Option<FrameAssembler>,
    transit: Option<u32>,
    /// Sixteen times the jitter.
    jitter: u32,
    reported: Reported,
    last_sr: Option<(u32, Duration)>,
}

/// Expected and received packets at the last receiver report.
#[derive(Debug, Clone, Copy, Default)]
struct Reported {
    expected: u64,
    received: u64,
}

impl ReceiveStream {
    pub(super) fn new(clock_rate: u32, is_vp8: bool) -> Self {
        Self {
            clock_rate,
            stats: StreamStats::default(),
            range: None,
            missing: BTreeSet::new(),
            frames: is_vp8.then(FrameAssembler::default),
            transit: None,
            jitter: 0,
            reported: Reported::default(),
            last_sr: None,
        }
    }

    /// Accounts for a packet of the stream itself.
    pub(super) fn receive(&mut self, now: Duration, packet: &RtpPacket<'_>) -> Option<Vp8Frame> {
        let sequence = self.accept(packet.header().sequence_number)?;
        self.update_jitter(now, packet.header().timestamp);
        self.account(sequence, packet)
    }

    /// Accounts for a packet that a retransmission stream carried.
    pub(super) fn recover(&mut self, packet: &RtpPacket<'_>) -> Option<Vp8Frame> {
        let sequence = self.accept(packet.header().sequence_number)?;
        self.stats.recovered += 1;
        self.account(sequence, packet)
    }

    pub(super) fn stats(&self) -> StreamStats {
        let mut stats = self.stats.clone();
        stats.lost = self.expected().saturating_sub(stats.packets);
        stats.jitter = self.jitter >> 4;
        if let Some(frames) = &self.frames {
            stats.broken_frames = frames.broken;
            stats.malformed = frames.malformed;
        }
        stats
    }

    /// The newest numbers that are missing, in rising order.
    pub(super) fn missing(&self) -> Vec<SequenceNumber> {
        let newest = self.missing.iter().rev().take(MAX_NACK);
        let mut missing: Vec<SequenceNumber> = newest
            .map(|sequence| {
                let [.., high, low] = sequence.to_be_bytes();
                SequenceNumber(u16::from_be_bytes([high, low]))
            })
            .collect();
        missing.reverse();
        missing
    }

    pub(super) fn handle_sender_report(&mut self, now: Duration, report: &SenderReport) {
        let [_, _, a, b, c, d, _, _] = report.ntp.to_be_bytes();
        self.last_sr = Some((u32::from_be_bytes([a, b, c, d]), now));
        self.stats.sender_reports += 1;
    }

    pub(super) fn end(&mut self) {
        self.stats.ended = true;
    }

    /// The block of the next receiver report (RFC 3550 appendix A.3); absent before the first
    /// packet.
    pub(super) fn report_block(&mut self, now: Duration, ssrc: Ssrc) -> Option<ReportBlock> {
        let (_, highest) = self.range?;
        let expected = self.expected();
        let received = self.stats.packets + self.stats.duplicates;
        let expected_now = expected - self.reported.expected;
        let received_now = received - self.reported.received;
        self.reported = Reported { expected, received };
        let lost_now = expected_now.saturating_sub(received_now);
        let fraction = (lost_now << 8).checked_div(expected_now).unwrap_or(0);
        // "Note that duplicates … are counted as received", so the loss may be negative (RFC 3550
        // §6.4.1).
        let lost = expected.cast_signed() - received.cast_signed();
        let [.., a, b, c, d] = (highest - CYCLE).to_be_bytes();
        let delay = |at: Duration| {
            let units = (now.saturating_sub(at).as_micros() << 16) / 1_000_000;
            u32::try_from(units).unwrap_or(u32::MAX)
        };
        Some(ReportBlock {
            ssrc,
            fraction_lost: u8::try_from(fraction).unwrap_or(u8::MAX),
            cumulative_lost: i32::try_from(lost).unwrap_or(i32::MAX),
            highest_sequence: u32::from_be_bytes([a, b, c, d]),
            jitter: self.jitter >> 4,
            last_sr: self.last_sr.map_or(0, |(middle, _)| middle),
            delay_since_last_sr: self.last_sr.map_or(0, |(_, at)| delay(at)),
        })
    }

    /// The extended sequence number; none for a duplicate.
    fn accept(&mut self, number: SequenceNumber) -> Option<u64> {
        let Some((first, highest)) = self.range else {
            let sequence = CYCLE + u64::from(number.0);
            self.range = Some((sequence, sequence));
            return Some(sequence);
        };
        let sequence = extend(number, highest);
        if sequence > highest {
            self.range = Some((first, sequence));
            self.miss(highest + 1..sequence);
        } else if sequence < first {
            self.range = Some((sequence, highest));
            self.miss(sequence + 1..first);
        } else if !self.missing.remove(&sequence) {
            self.stats.duplicates += 1;
            return None;
        }
        Some(sequence)
    }

    fn miss(&mut self, range: std::ops::Range<u64>) {
        self.missing.extend(range);
        while self.missing.len() > MAX_MISSING {
            self.missing.pop_first();
        }
    }

    fn account(&mut self, sequence: u64, packet: &RtpPacket<'_>) -> Option<Vp8Frame> {
        self.stats.packets += 1;
        self.stats.bytes += u64::try_from(packet.payload().len()).unwrap_or(u64::MAX);
        if self.range.is_some_and(|(_, highest)| highest == sequence) {
            self.stats.last_timestamp = Some(packet.header().timestamp.0);
        }
        // A packet of padding alone carries nothing of a frame.
        if packet.payload().is_empty() {
            return None;
        }
        let frame = self.frames.as_mut()?.insert(sequence, packet)?;
        self.stats.frames += 1;
        self.stats.key_frames += u64::from(frame.key_frame);
        Some(frame)
    }

    /// RFC 3550 appendix A.8.
    fn update_jitter(&mut self, now: Duration, timestamp: RtpTimestamp) {
        let ticks = now.as_nanos() * u128::from(self.clock_rate) / 1_000_000_000;
        let arrival = u32::try_from(ticks & u128::from(u32::MAX)).unwrap_or_default();
        let transit = arrival.wrapping_sub(timestamp.0);
        if let Some(last) = self.transit.replace(transit) {
            let difference = transit.wrapping_sub(last).cast_signed().unsigned_abs();
            let decay = (self.jitter + 8) >> 4;
            self.jitter = self.jitter.saturating_add(difference) - decay;
        }
    }

    fn expected(&self) -> u64 {
        self.range.map_or(0, |(first, highest)| highest - first + 1)
    }
}

/// How many missing numbers are remembered. An older packet that still comes counts as a duplicate.
const MAX_MISSING: usize = 1000;
/// Numbers in one NACK.
const MAX_NACK: usize = 250;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::{PayloadType, RtpHeader};

    const MS: Duration = Duration::from_millis(1);

    fn receive(stream: &mut ReceiveStream, now: Duration, number: u16) {
        let packet = RtpHeader {
            marker: false,
            payload_type: PayloadType(111),
            sequence_number: SequenceNumber(number),
            timestamp: RtpTimestamp(u32::from(number) * 960),
            ssrc: Ssrc(1),
            extensions: Vec::new(),
        }
        .write(&[1, 2, 3]);
        stream.receive(now, &RtpPacket::parse(&packet).unwrap());
    }

    #[test]
    fn loss_reorder_and_duplicates_across_the_wrap() {
        let mut stream = ReceiveStream::new(48_000, false);
        for number in [65533, 65534, 1, 0, 65534, 4, 65532] {
            receive(&mut stream, MS, number);
        }
        let stats = stream.stats();
        assert_eq!((stats.packets, stats.bytes, stats.duplicates), (6, 18, 1));
        assert_eq!(stats.lost, 3);
        assert_eq!(stream.missing(), [65535, 2, 3].map(SequenceNumber));

        // Nine expected, seven received; two of nine are 56 of 256.
        let block = stream.report_block(MS, Ssrc(1)).unwrap();
        assert_eq!((block.fraction_lost, block.cumulative_lost), (56, 2));
        assert_eq!(block.highest_sequence, 0x0001_0004);
        assert_eq!((block.last_sr, block.delay_since_last_sr), (0, 0));
        let block = stream.report_block(MS, Ssrc(1)).unwrap();
        assert_eq!((block.fraction_lost, block.cumulative_lost), (0, 2));
    }

    #[test]
    fn jitter_follows_rfc_3550() {
        let mut stream = ReceiveStream::new(48_000, false);
        // 20 ms apart on both clocks, but the third comes 10 ms late: 480 ticks, of which a
        // sixteenth counts.
        for (number, at) in [(1, 20), (2, 40), (3, 70)] {
            receive(&mut stream, at * MS, number);
        }
        assert_eq!(stream.stats().jitter, 30);
    }

    #[test]
    fn report_echoes_the_last_sender_report() {
        let mut stream = ReceiveStream::new(48_000, false);
        receive(&mut stream, MS, 1);
        let report = SenderReport {
            ssrc: Ssrc(1),
            ntp: 0x0102_0304_0506_0708,
            timestamp: RtpTimestamp(0),
            packet_count: 1,
            octet_count: 3,
            reports: Vec::new(),
        };
        stream.handle_sender_report(1000 * MS, &report);
        let block = stream.report_block(1500 * MS, Ssrc(1)).unwrap();
        assert_eq!(block.last_sr, 0x0304_0506);
        assert_eq!(block.delay_since_last_sr, 0x8000);
    }
}
