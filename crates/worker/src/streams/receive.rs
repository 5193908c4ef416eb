//! An incoming RTP stream and its retransmissions: which packets are new, which are missing, and
//! what to report.

use std::time::Duration;

use super::nack::{NackList, NackOutcome};
use super::rate::RateMeter;
use super::reception::{Placement, Reception};
use super::rtp_clock::RtpClock;
use super::score::{DeliveryTotals, Score};
use super::seq::ExtendedSeq;
use crate::ids::{PayloadType, Ssrc};
use crate::time::{Instant, NtpTime};
use crate::wire::rtcp::ReportBlock;

/// The names of an incoming stream, and the feedback that its receiver may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReceiveStreamParams {
    /// The SSRC of the media.
    pub ssrc: Ssrc,
    /// The payload type of the media.
    pub payload_type: PayloadType,
    /// The clock rate of RTP timestamps in Hz.
    pub clock_rate: u32,
    /// SSRC and payload type of retransmissions (RFC 4588).
    pub rtx: Option<(Ssrc, PayloadType)>,
    /// Whether lost packets are asked for again.
    pub nack: bool,
    /// The time without packets after which the stream counts as inactive, if that is watched.
    pub inactivity: Option<Duration>,
}

impl ReceiveStreamParams {
    /// For [`ReceiveStreamParams::inactivity`] of a stream that sends all the time.
    pub(crate) const INACTIVITY: Duration = Duration::from_millis(1500);
    /// For [`ReceiveStreamParams::inactivity`] of a stream with discontinuous transmission.
    pub(crate) const INACTIVITY_WITH_DTX: Duration = Duration::from_millis(5000);
}

/// What a [`ReceiveStream`] needs to know of an authenticated packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IncomingPacket {
    /// The sequence number in the packet.
    pub seq: u16,
    /// The RTP timestamp in the packet.
    pub timestamp: u32,
    /// When the kernel received it.
    pub received: Instant,
    /// Bytes of the whole packet, header included, before protection.
    pub size: usize,
    /// Whether a key frame starts with it.
    pub key_frame: bool,
    /// Whether it has a payload. Padding alone is a probe of the path and shows no life of the media.
    pub has_payload: bool,
}

/// A packet that belongs to the stream and is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// Its place in the stream.
    pub seq: ExtendedSeq,
    /// The source restarted its numbering with this packet. Earlier packets belong to another run.
    pub restarted: bool,
    /// Repairs cannot help the stream any more. If it is video, ask for a key frame.
    pub key_frame_needed: bool,
    /// The stream was inactive until this packet; its score changed.
    pub reactivated: bool,
}

/// Why a packet is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Discard {
    /// It is here already.
    Duplicate,
    /// Its sequence number is too far from the others.
    SequenceJump,
    /// It is a retransmission of a packet that is not missing, or of one that no later packet has
    /// shown to exist.
    NotMissing,
    /// It is a retransmission for a stream that has none.
    NoRtx,
}

/// Numbers of an incoming stream, as statistics report them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct ReceiveStats {
    /// Packets accepted, repairs included.
    pub packet_count: u64,
    /// Bytes of these, headers included.
    pub byte_count: u64,
    /// Bits per second over the last 2.5 s.
    pub bitrate: u64,
    /// Packets lost before repair.
    pub packets_lost: i32,
    /// Of the last report, in units of 1/256.
    pub fraction_lost: u8,
    /// In units of the clock rate.
    pub jitter: u32,
    /// Media packets dropped.
    pub packets_discarded: u64,
    /// Retransmissions received.
    pub packets_retransmitted: u64,
    /// Retransmissions received that were missing.
    pub packets_repaired: u64,
    /// Retransmissions dropped.
    pub rtx_packets_discarded: u64,
    /// NACK packets sent.
    pub nack_count: u64,
    /// Packets that these asked for.
    pub nack_packet_count: u64,
    /// PLI packets sent.
    pub pli_count: u64,
    /// FIR requests sent.
    pub fir_count: u64,
    /// Milliseconds; 0 until it is known.
    pub round_trip_time_ms: f32,
    /// 0–10.
    pub score: u8,
}

/// One incoming stream with its retransmission stream.
///
/// Inputs are `handle_*`. Call [`ReceiveStream::take_due_nacks`] and
/// [`ReceiveStream::handle_inactivity`] at [`ReceiveStream::next_deadline`]; calling them earlier
/// does no harm. Reports are made when the transport's report interval ends.
#[derive(Debug)]
pub(crate) struct ReceiveStream {
    params: ReceiveStreamParams,
    media: Reception,
    rtx: Option<Reception>,
    nacks: Option<NackList>,
    clock: RtpClock,
    counters: Counters,
    rate: RateMeter,
    activity: Activity,
    rtt: Option<Duration>,
    score: Score,
}

#[derive(Debug, Default)]
struct Counters {
    packets: u64,
    bytes: u64,
    discarded: u64,
    retransmitted: u64,
    repaired: u64,
    rtx_discarded: u64,
    nacks: u64,
    nacked_packets: u64,
    plis: u64,
    firs: u64,
}

#[derive(Debug)]
enum Activity {
    /// Not watched: before the first packet, or paused.
    Unwatched,
    Active {
        last_packet: Instant,
    },
    Inactive,
}

impl ReceiveStream {
    /// A stream that received nothing.
    #[must_use]
    pub(crate) fn new(params: ReceiveStreamParams) -> Self {
        Self {
            media: Reception::new(),
            rtx: params.rtx.map(|_| Reception::new()),
            nacks: params.nack.then(NackList::new),
            clock: RtpClock::new(params.clock_rate),
            counters: Counters::default(),
            rate: RateMeter::new(),
            activity: Activity::Unwatched,
            rtt: None,
            score: Score::new(),
            params,
        }
    }

    /// What names the stream.
    #[must_use]
    pub(crate) const fn params(&self) -> &ReceiveStreamParams {
        &self.params
    }

    /// Sets the SSRC and payload type of retransmissions that signaling did not name.
    pub(crate) fn learn_rtx(&mut self, ssrc: Ssrc, payload_type: PayloadType) {
        self.params.rtx = Some((ssrc, payload_type));
        self.rtx = Some(Reception::new());
    }

    /// The source goes on under another SSRC, with numbers and a clock of its own, and perhaps
    /// another RTX stream.
    pub(crate) fn change_source(&mut self, ssrc: Ssrc) {
        self.params.ssrc = ssrc;
        self.params.rtx = None;
        self.rtx = None;
        self.media.change_source();
        self.clock = RtpClock::new(self.params.clock_rate);
    }

    /// Takes a media packet.
    ///
    /// # Errors
    ///
    /// Says why it is dropped; it is counted.
    pub(crate) fn handle_rtp(
        &mut self,
        now: Instant,
        packet: &IncomingPacket,
    ) -> Result<Accepted, Discard> {
        let arrival = self.media.handle_packet(
            packet.received,
            packet.seq,
            packet.timestamp,
            self.params.clock_rate,
        );
        let (seq, restarted) = match arrival {
            Placement::Ahead(seq) | Placement::Late(seq) => (seq, false),
            Placement::Restarted(seq) => (seq, true),
            Placement::Duplicate => {
                self.counters.discarded += 1;
                return Err(Discard::Duplicate);
            }
            Placement::Jump => {
                self.counters.discarded += 1;
                return Err(Discard::SequenceJump);
            }
        };
        let nack = self.note_in_nack_list(now, seq, packet.key_frame, restarted);
        if nack == NackOutcome::Recovered && self.rtx.is_none() {
            // If retransmissions have no stream of their own, they look like late packets.
            self.counters.retransmitted += 1;
            self.counters.repaired += 1;
        }
        Ok(Accepted {
            seq,
            restarted,
            key_frame_needed: restarted || nack == NackOutcome::KeyFrameNeeded,
            reactivated: self.account(now, packet),
        })
    }

    /// Takes a packet of the retransmission stream. `packet` has the sequence number and timestamp
    /// of that stream and describes the payload after `osn`, the original sequence number.
    ///
    /// # Errors
    ///
    /// Says why it is dropped; it is counted.
    pub(crate) fn handle_rtx(
        &mut self,
        now: Instant,
        packet: &IncomingPacket,
        osn: u16,
    ) -> Result<Accepted, Discard> {
        self.handle_rtx_header(packet)?;
        self.counters.retransmitted += 1;
        let Some(seq) = self.media.handle_repair(osn) else {
            self.counters.rtx_discarded += 1;
            return Err(Discard::NotMissing);
        };
        if let Some(nacks) = &mut self.nacks {
            nacks.handle_repair(seq, packet.key_frame);
        }
        self.counters.repaired += 1;
        Ok(Accepted {
            seq,
            restarted: false,
            key_frame_needed: false,
            reactivated: self.account(now, packet),
        })
    }

    /// Takes an empty packet of the retransmission stream. Senders use such packets as padding.
    ///
    /// # Errors
    ///
    /// Says why it does not belong to the stream; it is counted.
    pub(crate) fn handle_rtx_padding(&mut self, packet: &IncomingPacket) -> Result<(), Discard> {
        self.handle_rtx_header(packet)
    }

    /// Takes a sender report that came at `now`, which is `local` on our wall clock: its NTP time
    /// and its RTP timestamp.
    pub(crate) fn handle_sender_report(
        &mut self,
        now: Instant,
        local: NtpTime,
        ntp: NtpTime,
        timestamp: u32,
    ) {
        self.media.handle_sender_report(now, ntp);
        self.clock.handle_sender_report(ntp, timestamp, local);
    }

    /// Takes a sender report of the retransmission stream.
    pub(crate) fn handle_rtx_sender_report(&mut self, now: Instant, ntp: NtpTime) {
        if let Some(rtx) = &mut self.rtx {
            rtx.handle_sender_report(now, ntp);
        }
    }

    /// Sets the round trip to the sender.
    pub(crate) fn set_rtt(&mut self, rtt: Duration) {
        self.rtt = Some(rtt);
        if let Some(nacks) = &mut self.nacks {
            nacks.set_rtt(rtt);
        }
    }

    /// Writes the sequence numbers to ask for now into `due` and returns how many; see
    /// [`NackList::take_due`]. They go into one NACK packet, which is counted.
    pub(crate) fn take_due_nacks(&mut self, now: Instant, due: &mut [u16]) -> usize {
        let Some(nacks) = &mut self.nacks else {
            return 0;
        };
        let count = nacks.take_due(now, due);
        if count > 0 {
            self.counters.nacks += 1;
            self.counters.nacked_packets += count as u64;
        }
        count
    }

    /// Whether the stream has just become inactive; its score is 0 then.
    pub(crate) fn handle_inactivity(&mut self, now: Instant) -> bool {
        if self.inactivity_deadline().is_none_or(|at| at > now) {
            return false;
        }
        self.activity = Activity::Inactive;
        self.score.reset(0);
        true
    }

    /// The earliest time at which NACKs or inactivity are due.
    #[must_use]
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let nack = self.nacks.as_ref().and_then(NackList::next_deadline);
        let inactivity = self.inactivity_deadline();
        nack.into_iter().chain(inactivity).min()
    }

    /// The report block over the time since the last one, and whether the score changed with it.
    pub(crate) fn report(&mut self, now: Instant) -> (ReportBlock, bool) {
        let block = self.media.report_block(now, self.params.ssrc);
        let changed = !matches!(self.activity, Activity::Inactive)
            && self.score.update(DeliveryTotals {
                packets: self.media.received(),
                lost: self.media.lost(),
                repaired: self.counters.repaired,
                retransmitted: self.counters.retransmitted,
            });
        (block, changed)
    }

    /// Whether anything came since the last report.
    #[must_use]
    pub(crate) fn has_to_report(&self) -> bool {
        let receptions = std::iter::once(&self.media).chain(&self.rtx);
        receptions.into_iter().any(Reception::has_to_report)
    }

    /// Packets lost in the interval of the last report, whether they were repaired or not.
    #[must_use]
    pub(crate) const fn newly_lost(&self) -> u64 {
        self.media.newly_lost()
    }

    /// The report block of the retransmission stream; `None` before its first packet.
    pub(crate) fn rtx_report(&mut self, now: Instant) -> Option<ReportBlock> {
        let (ssrc, _) = self.params.rtx?;
        let rtx = self.rtx.as_mut()?;
        rtx.highest()?;
        Some(rtx.report_block(now, ssrc))
    }

    /// Counts a PLI that was sent for the stream.
    pub(crate) fn count_pli(&mut self) {
        self.counters.plis += 1;
    }

    /// Counts a FIR that was sent for the stream.
    pub(crate) fn count_fir(&mut self) {
        self.counters.firs += 1;
    }

    /// Stops asking for packets and watching for silence.
    pub(crate) fn pause(&mut self) {
        self.activity = Activity::Unwatched;
        self.forget_losses();
    }

    /// Does not ask any more for what is missing by now.
    pub(crate) fn forget_losses(&mut self) {
        if let Some(nacks) = &mut self.nacks {
            nacks.reset();
        }
    }

    /// Watches for silence again from `now` on.
    pub(crate) fn resume(&mut self, now: Instant) {
        if self.media.highest().is_some() {
            self.activity = Activity::Active { last_packet: now };
        }
    }

    /// Whether the stream fell silent for longer than it may.
    #[must_use]
    pub(crate) const fn is_inactive(&self) -> bool {
        matches!(self.activity, Activity::Inactive)
    }

    /// How the stream's timestamps relate to wall clocks.
    #[must_use]
    pub(crate) const fn clock(&self) -> &RtpClock {
        &self.clock
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

    /// All numbers for the statistics.
    #[must_use]
    pub(crate) fn stats(&self, now: Instant) -> ReceiveStats {
        let counters = &self.counters;
        ReceiveStats {
            packet_count: counters.packets,
            byte_count: counters.bytes,
            bitrate: self.bitrate(now),
            packets_lost: i32::try_from(self.media.lost()).unwrap_or(i32::MAX),
            fraction_lost: self.media.fraction_lost(),
            jitter: self.media.jitter(),
            packets_discarded: counters.discarded,
            packets_retransmitted: counters.retransmitted,
            packets_repaired: counters.repaired,
            rtx_packets_discarded: counters.rtx_discarded,
            nack_count: counters.nacks,
            nack_packet_count: counters.nacked_packets,
            pli_count: counters.plis,
            fir_count: counters.firs,
            round_trip_time_ms: self.rtt.map_or(0.0, |rtt| rtt.as_secs_f32() * 1000.0),
            score: self.score(),
        }
    }

    fn handle_rtx_header(&mut self, packet: &IncomingPacket) -> Result<(), Discard> {
        let Some(rtx) = &mut self.rtx else {
            self.counters.rtx_discarded += 1;
            return Err(Discard::NoRtx);
        };
        let discard = match rtx.handle_packet(
            packet.received,
            packet.seq,
            packet.timestamp,
            self.params.clock_rate,
        ) {
            Placement::Ahead(_) | Placement::Late(_) | Placement::Restarted(_) => return Ok(()),
            Placement::Duplicate => Discard::Duplicate,
            Placement::Jump => Discard::SequenceJump,
        };
        self.counters.rtx_discarded += 1;
        Err(discard)
    }

    fn note_in_nack_list(
        &mut self,
        now: Instant,
        seq: ExtendedSeq,
        key_frame: bool,
        restarted: bool,
    ) -> NackOutcome {
        let Some(nacks) = &mut self.nacks else {
            return NackOutcome::Ordinary;
        };
        if restarted {
            nacks.reset();
        }
        nacks.handle_packet(now, seq, key_frame)
    }

    /// Counts an accepted packet. Says whether it ended a silence.
    fn account(&mut self, now: Instant, packet: &IncomingPacket) -> bool {
        self.counters.packets += 1;
        self.counters.bytes += packet.size as u64;
        self.rate.add(now, packet.size);
        let is_watched = !matches!(self.activity, Activity::Unwatched);
        if is_watched && !packet.has_payload {
            return false;
        }
        let reactivated = self.is_inactive();
        if reactivated {
            self.score.reset(10);
        }
        self.activity = Activity::Active { last_packet: now };
        reactivated
    }

    fn inactivity_deadline(&self) -> Option<Instant> {
        match self.activity {
            Activity::Active { last_packet } => Some(last_packet + self.params.inactivity?),
            Activity::Unwatched | Activity::Inactive => None,
        }
    }
}

#[cfg(test)]
mod tests;
