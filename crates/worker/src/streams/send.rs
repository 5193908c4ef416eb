//! An outgoing RTP stream: what was sent, what the receiver reports about it, and what it asks for
//! again.

use std::time::Duration;

use super::rate::RateMeter;
use super::score::{DeliveryTotals, Score};
use super::sent_log::{ResendRefusal, SentLog, SentRecord};
use crate::ids::{PayloadType, Ssrc};
use crate::time::{Instant, NtpTime};
use crate::wire::rtcp::{ReportBlock, SenderInfo};

/// What names an outgoing stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SendStreamParams {
    /// The SSRC of the media.
    pub ssrc: Ssrc,
    /// The clock rate of RTP timestamps in Hz.
    pub clock_rate: u32,
    /// The SSRC and payload type of retransmissions (RFC 4588). Without them a packet is sent again
    /// only as it left.
    pub rtx: Option<(Ssrc, PayloadType)>,
}

/// Numbers of an outgoing stream, as statistics report them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct SendStats {
    /// Packets sent, retransmissions included.
    pub packet_count: u64,
    /// Bytes of these, headers included.
    pub byte_count: u64,
    /// Bits per second over the last 2.5 s.
    pub bitrate: u64,
    /// Packets that the receiver reports lost.
    pub packets_lost: i32,
    /// Of the last report, in units of 1/256.
    pub fraction_lost: u8,
    /// Of the last report, in units of the clock rate.
    pub jitter: u32,
    /// Retransmissions sent.
    pub packets_retransmitted: u64,
    /// Packets retransmitted at least once.
    pub packets_repaired: u64,
    /// NACK packets received.
    pub nack_count: u64,
    /// Packets that these asked for.
    pub nack_packet_count: u64,
    /// PLI packets received.
    pub pli_count: u64,
    /// FIR requests received.
    pub fir_count: u64,
    /// Milliseconds; 0 until it is known.
    pub round_trip_time_ms: f32,
    /// 0–10.
    pub score: u8,
}

/// One outgoing stream and its retransmissions. Reports of the receiver go to
/// [`SendStream::handle_report_block`]. Each number of a NACK goes to [`SendStream::find_nacked`];
/// if the packet store still has the packet and it is sent again, the number also goes to
/// [`SendStream::note_resent`].
#[derive(Debug)]
pub(crate) struct SendStream {
    params: SendStreamParams,
    log: SentLog,
    rtx_seq: u16,
    last_sent: Option<LastSent>,
    counters: Counters,
    rate: RateMeter,
    report: LastReport,
    rtt: Option<Duration>,
    score: Score,
}

#[derive(Clone, Copy, Debug)]
struct LastSent {
    timestamp: u32,
    at: Instant,
}

#[derive(Debug, Default)]
struct Counters {
    /// Media and retransmissions are counted apart, because sender reports count only media.
    packets: u64,
    payload_bytes: u64,
    bytes: u64,
    retransmitted: u64,
    repaired: u64,
    nacks: u64,
    nacked_packets: u64,
    plis: u64,
    firs: u64,
}

#[derive(Debug, Default)]
struct LastReport {
    fraction_lost: u8,
    cumulative_lost: i32,
    jitter: u32,
    newly_lost: u64,
    /// The sum of all that were newly lost.
    all_lost: u64,
}

impl SendStream {
    /// A stream that has sent nothing yet. `rtx_seq` is the first sequence number of
    /// retransmissions; choose it at random (RFC 3550 §5.1).
    #[must_use]
    pub(crate) const fn new(params: SendStreamParams, rtx_seq: u16) -> Self {
        Self {
            params,
            log: SentLog::new(),
            rtx_seq,
            last_sent: None,
            counters: Counters {
                packets: 0,
                payload_bytes: 0,
                bytes: 0,
                retransmitted: 0,
                repaired: 0,
                nacks: 0,
                nacked_packets: 0,
                plis: 0,
                firs: 0,
            },
            rate: RateMeter::new(),
            report: LastReport {
                fraction_lost: 0,
                cumulative_lost: 0,
                jitter: 0,
                newly_lost: 0,
                all_lost: 0,
            },
            rtt: None,
            score: Score::new(),
        }
    }

    /// What names the stream.
    #[must_use]
    pub(crate) const fn params(&self) -> &SendStreamParams {
        &self.params
    }

    /// Records a media packet that was sent with RTP timestamp `timestamp`, `payload_len` bytes of
    /// payload and `packet_len` bytes in all before protection. `record` says how to send it again.
    pub(crate) fn note_sent(
        &mut self,
        now: Instant,
        timestamp: u32,
        payload_len: usize,
        packet_len: usize,
        record: SentRecord,
    ) {
        self.counters.packets += 1;
        self.counters.payload_bytes += payload_len as u64;
        self.counters.bytes += packet_len as u64;
        self.rate.add(now, packet_len);
        self.last_sent = Some(LastSent { timestamp, at: now });
        self.log.push(now, record);
    }

    /// The record of a packet that the receiver asked for, if it may be sent again now.
    ///
    /// # Errors
    ///
    /// Says why it may not.
    pub(crate) fn find_nacked(&self, now: Instant, seq: u16) -> Result<SentRecord, ResendRefusal> {
        self.log.find(now, seq, self.rtt.unwrap_or(DEFAULT_RTT))
    }

    /// Records that the packet with sequence number `seq` was sent again, with `packet_len` bytes
    /// in all before protection.
    pub(crate) fn note_resent(&mut self, now: Instant, seq: u16, packet_len: usize) {
        self.counters.retransmitted += 1;
        self.counters.bytes += packet_len as u64;
        self.rate.add(now, packet_len);
        if self.log.note_resend(now, seq) == 1 {
            self.counters.repaired += 1;
        }
    }

    /// The sequence number for the next packet of the retransmission stream.
    pub(crate) fn next_rtx_seq(&mut self) -> u16 {
        let seq = self.rtx_seq;
        self.rtx_seq = seq.wrapping_add(1);
        seq
    }

    /// Counts a NACK packet that asks for `packets` packets.
    pub(crate) fn count_nack(&mut self, packets: usize) {
        self.counters.nacks += 1;
        self.counters.nacked_packets += packets as u64;
    }

    /// Counts a PLI.
    pub(crate) fn count_pli(&mut self) {
        self.counters.plis += 1;
    }

    /// Counts a FIR.
    pub(crate) fn count_fir(&mut self) {
        self.counters.firs += 1;
    }

    /// Takes a report block of the receiver. `ntp` is our wall-clock time now. Returns whether the
    /// score changed.
    pub(crate) fn handle_report_block(&mut self, ntp: NtpTime, block: &ReportBlock) -> bool {
        let prior = &self.report;
        let growth = i64::from(block.cumulative_lost) - i64::from(prior.cumulative_lost);
        // A receiver cannot lose more than was sent, whatever it says.
        let possible = self.counters.packets.saturating_sub(prior.all_lost);
        let newly_lost = u64::try_from(growth).unwrap_or(0).min(possible);
        self.report = LastReport {
            fraction_lost: block.fraction_lost,
            cumulative_lost: block.cumulative_lost,
            jitter: block.jitter,
            newly_lost,
            all_lost: prior.all_lost + newly_lost,
        };
        if let Some(rtt) = round_trip(
            ntp,
            block.last_sender_report,
            block.delay_since_last_sender_report,
        ) {
            self.rtt = Some(rtt);
        }
        self.score.update(DeliveryTotals {
            packets: self.counters.packets,
            lost: u64::try_from(block.cumulative_lost).unwrap_or(0),
            repaired: self.counters.repaired,
            retransmitted: self.counters.retransmitted,
        })
    }

    /// Packets that the last report block is the first to call lost.
    #[must_use]
    pub(crate) const fn newly_lost(&self) -> u64 {
        self.report.newly_lost
    }

    /// The sender information for a report at `now`, which is `ntp` on the wall clock; `None`
    /// before the first packet.
    ///
    /// `capture_timestamp` comes from the source's clock ([`RtpClock`](super::RtpClock)). It is the
    /// timestamp, in this stream's own numbers, of media that was captured when a packet that
    /// arrives now was sent. It keeps the streams of one source in sync. Without it, or if it is
    /// far from the last sent timestamp, time runs on from the last packet.
    #[must_use]
    pub(crate) fn sender_info(
        &self,
        now: Instant,
        ntp: NtpTime,
        capture_timestamp: Option<u32>,
    ) -> Option<SenderInfo> {
        let last = self.last_sent?;
        let run_on = last
            .timestamp
            .wrapping_add(ticks(now.since(last.at), self.params.clock_rate));
        let tolerance = self.params.clock_rate.saturating_mul(TOLERATED_SECONDS);
        let timestamp = capture_timestamp
            .filter(|capture| distance(*capture, run_on) <= tolerance)
            .unwrap_or(run_on);
        Some(SenderInfo {
            ntp,
            rtp_timestamp: timestamp,
            packet_count: low32(self.counters.packets),
            octet_count: low32(self.counters.payload_bytes),
        })
    }

    /// The round trip to the receiver; `None` before the first report that shows it.
    #[cfg(test)]
    #[must_use]
    pub(crate) const fn rtt(&self) -> Option<Duration> {
        self.rtt
    }

    /// 0–10.
    #[must_use]
    pub(crate) const fn score(&self) -> u8 {
        self.score.value()
    }

    /// Bits per second over the last 2.5 s.
    #[must_use]
    pub(crate) fn bitrate(&self, now: Instant) -> u64 {
        self.rate.bitrate(now)
    }

    /// Forgets all sent packets, so that none is sent again. This is for a consumer that pauses, or
    /// whose source is replaced.
    pub(crate) fn forget_sent(&mut self) {
        self.log.clear();
    }

    /// All numbers for the statistics.
    #[must_use]
    pub(crate) fn stats(&self, now: Instant) -> SendStats {
        let counters = &self.counters;
        SendStats {
            packet_count: counters.packets + counters.retransmitted,
            byte_count: counters.bytes,
            bitrate: self.bitrate(now),
            packets_lost: self.report.cumulative_lost,
            fraction_lost: self.report.fraction_lost,
            jitter: self.report.jitter,
            packets_retransmitted: counters.retransmitted,
            packets_repaired: counters.repaired,
            nack_count: counters.nacks,
            nack_packet_count: counters.nacked_packets,
            pli_count: counters.plis,
            fir_count: counters.firs,
            round_trip_time_ms: self.rtt.map_or(0.0, |rtt| rtt.as_secs_f32() * 1000.0),
            score: self.score(),
        }
    }
}

/// The round trip from an LSR and DLSR (or LRR and DLRR) at the time `ntp`: RFC 3550 §6.4.1, "A -
/// LSR - DLSR". `None` if no report was echoed or the numbers contradict each other.
#[must_use]
pub(crate) fn round_trip(ntp: NtpTime, last: u32, delay: u32) -> Option<Duration> {
    if last == 0 {
        return None;
    }
    let units = ntp.compact().wrapping_sub(last).wrapping_sub(delay);
    // If a clock is a little wrong, the difference is negative, which is a huge unsigned number.
    if units > u32::MAX / 2 {
        return None;
    }
    let rtt = Duration::from_nanos((u64::from(units) * 1_000_000_000) >> 16);
    Some(rtt.max(SHORTEST_RTT))
}

fn ticks(elapsed: Duration, clock_rate: u32) -> u32 {
    let ticks = elapsed.as_nanos() * u128::from(clock_rate) / 1_000_000_000;
    (ticks & 0xffff_ffff) as u32
}

const fn distance(a: u32, b: u32) -> u32 {
    a.wrapping_sub(b).cast_signed().unsigned_abs()
}

const fn low32(count: u64) -> u32 {
    (count & 0xffff_ffff) as u32
}

/// Assumed until a report tells.
const DEFAULT_RTT: Duration = Duration::from_millis(100);
const SHORTEST_RTT: Duration = Duration::from_millis(1);
/// A source's clock is ignored if it differs from the source's timestamps by more than this.
const TOLERATED_SECONDS: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    const PARAMS: SendStreamParams = SendStreamParams {
        ssrc: Ssrc(11),
        clock_rate: 90_000,
        rtx: Some((Ssrc(12), PayloadType(97))),
    };
    const SECOND: u64 = 1 << 32;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    fn record(seq: u16) -> SentRecord {
        SentRecord {
            seq,
            stream: 0,
            source: u32::from(seq),
            timestamp_offset: 0,
            marker: false,
            codec: 0,
        }
    }

    fn block(lost: i32, last_sr: u32, delay: u32) -> ReportBlock {
        ReportBlock {
            ssrc: PARAMS.ssrc,
            fraction_lost: 3,
            cumulative_lost: lost,
            highest_sequence_number: 0,
            jitter: 77,
            last_sender_report: last_sr,
            delay_since_last_sender_report: delay,
        }
    }

    fn sent(packets: u16) -> SendStream {
        let mut stream = SendStream::new(PARAMS, 0xffff);
        for seq in 0..packets {
            stream.note_sent(at(0), 1000, 100, 130, record(seq));
        }
        stream
    }

    #[test]
    fn the_sender_report_counts_media_and_runs_on_from_the_last_packet() {
        let mut stream = sent(0);
        assert_eq!(stream.sender_info(at(0), NtpTime(0), None), None);
        stream.note_sent(at(1000), 5000, 100, 130, record(1));
        stream.note_sent(at(1000), 5000, 200, 230, record(2));
        stream.note_resent(at(1000), 1, 132);
        let info = stream.sender_info(at(1500), NtpTime(7 * SECOND), None);
        assert_eq!(
            info,
            Some(SenderInfo {
                ntp: NtpTime(7 * SECOND),
                rtp_timestamp: 50_000,
                packet_count: 2,
                octet_count: 300,
            })
        );
    }

    #[test]
    fn the_sources_clock_is_believed_within_reason() {
        let stream = sent(1);
        let timestamp = |capture| {
            stream
                .sender_info(at(1000), NtpTime(0), capture)
                .map(|info| info.rtp_timestamp)
        };
        assert_eq!(timestamp(Some(88_000)), Some(88_000));
        assert_eq!(timestamp(Some(91_000 + 900_001)), Some(91_000));
        assert_eq!(timestamp(Some(u32::MAX / 2)), Some(91_000));
        assert_eq!(timestamp(None), Some(91_000));
    }

    #[test]
    fn the_round_trip_is_what_the_receiver_did_not_wait() {
        let now = NtpTime(1000 * SECOND + SECOND / 2);
        let sent = NtpTime(1000 * SECOND).compact();
        assert_eq!(
            round_trip(now, sent, 0x4000),
            Some(Duration::from_millis(250))
        );
        assert_eq!(round_trip(now, sent, 0x8000), Some(SHORTEST_RTT));
        assert_eq!(round_trip(now, sent, 0x8001), None);
        assert_eq!(round_trip(now, 0, 0), None);
        // Across the wrap of the middle 32 bits, every 18 hours.
        let wrapped = NtpTime(SECOND / 4);
        let before = NtpTime((0xffff << 32) + SECOND / 2).compact();
        assert_eq!(
            round_trip(wrapped, before, 0),
            Some(Duration::from_millis(750))
        );
    }

    #[test]
    fn a_report_sets_round_trip_loss_and_score() {
        let mut stream = sent(100);
        let ntp = NtpTime(50 * SECOND);
        assert!(stream.handle_report_block(ntp, &block(20, NtpTime(49 * SECOND).compact(), 0)));
        let stats = stream.stats(at(0));
        assert_eq!(
            (stats.packets_lost, stats.fraction_lost, stats.jitter),
            (20, 3, 77)
        );
        assert_eq!((stats.round_trip_time_ms, stats.score), (1000.0, 4));
        assert!(stream.handle_report_block(ntp, &block(20, 0, 0)));
        assert_eq!(stream.rtt(), Some(Duration::from_secs(1)));
        assert_eq!(stream.score(), 8);
    }

    #[test]
    fn a_nack_is_served_once_a_round_trip() {
        let mut stream = sent(10);
        stream.count_nack(2);
        let found = stream.find_nacked(at(50), 4).unwrap();
        assert_eq!(found, record(4));
        stream.note_resent(at(50), 4, 132);
        assert_eq!(stream.find_nacked(at(100), 4), Err(ResendRefusal::OnItsWay));
        assert!(stream.find_nacked(at(150), 4).is_ok());
        stream.note_resent(at(150), 4, 132);
        assert_eq!(stream.find_nacked(at(50), 10), Err(ResendRefusal::Unknown));
        let stats = stream.stats(at(150));
        assert_eq!((stats.nack_count, stats.nack_packet_count), (1, 2));
        assert_eq!(
            (stats.packets_retransmitted, stats.packets_repaired),
            (2, 1)
        );
        assert_eq!((stats.packet_count, stats.byte_count), (12, 1300 + 264));
        stream.forget_sent();
        assert_eq!(stream.find_nacked(at(500), 5), Err(ResendRefusal::Unknown));
    }

    #[test]
    fn retransmissions_are_numbered_on_across_the_wrap() {
        let mut stream = sent(0);
        assert_eq!([(); 3].map(|()| stream.next_rtx_seq()), [0xffff, 0, 1]);
    }
}
