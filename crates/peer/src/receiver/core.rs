//! The receiver without clock or socket: it takes packets in and gives frames, feedback and
//! statistics out.

use std::{collections::BTreeMap, time::Duration};

use super::{
    arrivals::Arrivals,
    frames::Vp8Frame,
    stream::{ReceiveStream, StreamStats},
};
use crate::{
    rtcp::{
        FullIntraRequest, Nack, PictureLossIndication, ReceiverReport, Remb, RtcpError, RtcpPacket,
        parse_compound, write_compound,
    },
    rtp::{PayloadType, RtpError, RtpHeader, RtpPacket, SequenceNumber, Ssrc},
};

/// What a [`Receiver`] is told by signaling.
#[derive(Debug, Clone)]
pub struct ReceiverConfig {
    /// Whom feedback comes from.
    pub ssrc: Ssrc,
    /// Codecs by payload type. A packet with any other payload type counts as unknown.
    pub payloads: Vec<Payload>,
    /// Retransmission streams.
    pub rtx: Vec<RtxSource>,
    /// Identifier of the transport-wide sequence number extension, 1 to 14; feedback is written
    /// when present.
    pub transport_cc: Option<u8>,
}

/// The codec of a payload type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payload {
    /// Payload type.
    pub payload_type: PayloadType,
    /// What it stands for.
    pub kind: PayloadKind,
}

/// What a payload type stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadKind {
    /// VP8 on its clock of 90 kHz; its packets are put together to frames.
    Vp8,
    /// Anything else, counted only.
    Other {
        /// Hz
        clock_rate: u32,
    },
}

/// A retransmission stream (RFC 4588) and what it repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RtxSource {
    /// SSRC of the retransmission stream.
    pub ssrc: Ssrc,
    /// SSRC of the stream it repeats.
    pub media_ssrc: Ssrc,
    /// Payload type of what it repeats.
    pub media_payload_type: PayloadType,
}

/// Counts what arrives and writes feedback.
///
/// Inputs are [`handle_rtp`](Self::handle_rtp) and [`handle_rtcp`](Self::handle_rtcp), and
/// [`handle_timeout`](Self::handle_timeout) at or after [`poll_timeout`](Self::poll_timeout), which
/// returns the feedback that is due. `now` is the time since any fixed start and must not go back.
#[derive(Debug)]
pub struct Receiver {
    config: ReceiverConfig,
    streams: BTreeMap<Ssrc, ReceiveStream>,
    arrivals: Arrivals,
    last_media: Ssrc,
    unknown: u64,
    next_report: Duration,
    next_feedback: Duration,
    fir_sequence: u8,
}

impl Receiver {
    /// A receiver that has seen nothing; its first report is due after a second.
    pub fn new(config: ReceiverConfig) -> Self {
        Self {
            config,
            streams: BTreeMap::new(),
            arrivals: Arrivals::default(),
            last_media: Ssrc(0),
            unknown: 0,
            next_report: REPORT_INTERVAL,
            next_feedback: FEEDBACK_INTERVAL,
            fir_sequence: 0,
        }
    }

    /// Accounts for an RTP packet and returns the VP8 frame that it completes.
    ///
    /// # Errors
    /// The packet is not RTP; nothing is counted then.
    pub fn handle_rtp(
        &mut self,
        now: Duration,
        packet: &[u8],
    ) -> Result<Option<Vp8Frame>, RtpError> {
        let packet = RtpPacket::parse(packet)?;
        self.record_arrival(now, &packet);
        let rtx = self.config.rtx.iter().find(|rtx| rtx.ssrc == packet.ssrc());
        if let Some(rtx) = rtx.copied() {
            return self.handle_rtx(rtx, &packet);
        }
        Ok(self
            .stream(packet.ssrc(), packet.header().payload_type)
            .and_then(|stream| stream.receive(now, &packet)))
    }

    /// Accounts for sender reports and goodbyes.
    ///
    /// # Errors
    /// The compound is not RTCP.
    pub fn handle_rtcp(&mut self, now: Duration, compound: &[u8]) -> Result<(), RtcpError> {
        for packet in parse_compound(compound)? {
            match packet {
                RtcpPacket::SenderReport(report) => {
                    if let Some(stream) = self.streams.get_mut(&report.ssrc) {
                        stream.handle_sender_report(now, &report);
                    }
                }
                RtcpPacket::Goodbye(goodbye) => {
                    for ssrc in goodbye.ssrcs {
                        if let Some(stream) = self.streams.get_mut(&ssrc) {
                            stream.end();
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// When the next feedback is due: reports each second, transport-wide feedback each 100 ms.
    pub fn poll_timeout(&self) -> Duration {
        match self.config.transport_cc {
            Some(_) => self.next_report.min(self.next_feedback),
            None => self.next_report,
        }
    }

    /// The compounds to send that are due at `now`.
    pub fn handle_timeout(&mut self, now: Duration) -> Vec<Vec<u8>> {
        let mut due = Vec::new();
        if self.next_report <= now {
            self.next_report = now + REPORT_INTERVAL;
            due.push(self.receiver_report(now));
        }
        if self.config.transport_cc.is_some() && self.next_feedback <= now {
            self.next_feedback = now + FEEDBACK_INTERVAL;
            due.extend(self.transport_feedback());
        }
        due
    }

    /// A receiver report over every stream, at most 31.
    pub fn receiver_report(&mut self, now: Duration) -> Vec<u8> {
        let streams = self.streams.iter_mut();
        let reports = streams
            .filter_map(|(ssrc, stream)| stream.report_block(now, *ssrc))
            .collect();
        write_compound(&[RtcpPacket::ReceiverReport(ReceiverReport {
            ssrc: self.config.ssrc,
            reports,
        })])
    }

    /// Transport-wide feedback on everything that arrived since the last one; none if nothing did.
    pub fn transport_feedback(&mut self) -> Option<Vec<u8>> {
        let feedback = self
            .arrivals
            .take_feedback(self.config.ssrc, self.last_media)?;
        Some(write_compound(&[RtcpPacket::TransportFeedback(feedback)]))
    }

    /// A NACK for the missing packets of a stream, at most the newest 250; `None` when nothing is
    /// missing.
    pub fn nack(&self, media: Ssrc) -> Option<Vec<u8>> {
        let lost = self.streams.get(&media)?.missing();
        let nack = Nack {
            sender: self.config.ssrc,
            media,
            lost,
        };
        (!nack.lost.is_empty()).then(|| write_compound(&[RtcpPacket::Nack(nack)]))
    }

    /// A picture loss indication for a stream.
    pub fn pli(&self, media: Ssrc) -> Vec<u8> {
        write_compound(&[RtcpPacket::PictureLossIndication(PictureLossIndication {
            sender: self.config.ssrc,
            media,
        })])
    }

    /// A new full intra request for a stream.
    pub fn fir(&mut self, media: Ssrc) -> Vec<u8> {
        self.fir_sequence = self.fir_sequence.wrapping_add(1);
        write_compound(&[RtcpPacket::FullIntraRequest(FullIntraRequest {
            sender: self.config.ssrc,
            media,
            sequence_number: self.fir_sequence,
        })])
    }

    /// A REMB that estimates `bitrate` bits per second for all streams together.
    pub fn remb(&self, bitrate: u64) -> Vec<u8> {
        write_compound(&[RtcpPacket::Remb(Remb {
            sender: self.config.ssrc,
            bitrate,
            ssrcs: self.streams.keys().copied().collect(),
        })])
    }

    /// What arrived of a stream; `None` if nothing did.
    pub fn stats(&self, ssrc: Ssrc) -> Option<StreamStats> {
        self.streams.get(&ssrc).map(ReceiveStream::stats)
    }

    /// The streams of which something arrived, without retransmission streams.
    pub fn ssrcs(&self) -> impl Iterator<Item = Ssrc> {
        self.streams.keys().copied()
    }

    /// Packets with a payload type that signaling did not name.
    pub fn unknown_packets(&self) -> u64 {
        self.unknown
    }

    fn record_arrival(&mut self, now: Duration, packet: &RtpPacket<'_>) {
        let number = self
            .config
            .transport_cc
            .and_then(|id| packet.extension(id))
            .and_then(|number| number.first_chunk::<2>());
        if let Some(number) = number {
            self.last_media = packet.ssrc();
            self.arrivals
                .record(SequenceNumber(u16::from_be_bytes(*number)), now);
        }
    }

    fn handle_rtx(
        &mut self,
        rtx: RtxSource,
        packet: &RtpPacket<'_>,
    ) -> Result<Option<Vp8Frame>, RtpError> {
        // A payload without an original sequence number is padding; probes look like that.
        let Some((original, payload)) = packet.payload().split_first_chunk::<2>() else {
            return Ok(None);
        };
        let header = packet.header();
        let repeated = RtpHeader {
            marker: header.marker,
            payload_type: rtx.media_payload_type,
            sequence_number: SequenceNumber(u16::from_be_bytes(*original)),
            timestamp: header.timestamp,
            ssrc: rtx.media_ssrc,
            extensions: Vec::new(),
        }
        .write(payload);
        let repeated = RtpPacket::parse(&repeated)?;
        Ok(self
            .stream(rtx.media_ssrc, rtx.media_payload_type)
            .and_then(|stream| stream.recover(&repeated)))
    }

    fn stream(&mut self, ssrc: Ssrc, payload_type: PayloadType) -> Option<&mut ReceiveStream> {
        let payloads = self.config.payloads.iter();
        let mut payloads = payloads.filter(|payload| payload.payload_type == payload_type);
        let Some(payload) = payloads.next() else {
            self.unknown += 1;
            return None;
        };
        let (clock_rate, is_vp8) = match payload.kind {
            PayloadKind::Vp8 => (90_000, true),
            PayloadKind::Other { clock_rate } => (clock_rate, false),
        };
        let stream = self.streams.entry(ssrc);
        Some(stream.or_insert_with(|| ReceiveStream::new(clock_rate, is_vp8)))
    }
}

const REPORT_INTERVAL: Duration = Duration::from_secs(1);
const FEEDBACK_INTERVAL: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests;
