//! One outgoing stream of the demo: packets, header extensions, retransmissions and reports.

use std::collections::VecDeque;

use crate::{
    random::random_u32,
    rtcp::SenderReport,
    rtp::{PayloadType, RtpHeader, RtpTimestamp, SequenceNumber, Ssrc},
};

/// How one stream is sent, as negotiated.
#[derive(Debug, Clone)]
pub struct StreamConfig {
    /// The stream's SSRC.
    pub ssrc: Ssrc,
    /// Payload type of the codec.
    pub payload_type: PayloadType,
    /// Value of the MID header extension, 1 to 16 octets; sent when the extension has an
    /// identifier.
    pub mid: String,
    /// Where retransmissions go; on the stream itself when absent.
    pub rtx: Option<RtxStream>,
}

/// A retransmission stream (RFC 4588).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RtxStream {
    /// Its SSRC.
    pub ssrc: Ssrc,
    /// Payload type of `rtx` for the stream's codec.
    pub payload_type: PayloadType,
}

/// Negotiated identifiers of header extensions, 1 to 14; `None` for those that are not in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExtensionIds {
    /// `urn:ietf:params:rtp-hdrext:sdes:mid`
    pub mid: Option<u8>,
    /// `http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time`
    pub abs_send_time: Option<u8>,
    /// `http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01`
    pub transport_cc: Option<u8>,
    /// `urn:ietf:params:rtp-hdrext:ssrc-audio-level`; sent on audio, always speech at -20 dBov, the
    /// tone's mean.
    pub audio_level: Option<u8>,
}

/// The values for one packet's header extensions that the stream does not know itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct SendStamp {
    pub(super) ntp: u64,
    pub(super) transport_sequence: u16,
}

/// One outgoing stream: numbers, counts, and what may be retransmitted.
pub(super) struct RtpStream {
    config: StreamConfig,
    extensions: ExtensionIds,
    is_audio: bool,
    next_sequence: SequenceNumber,
    next_rtx_sequence: SequenceNumber,
    first_timestamp: RtpTimestamp,
    packet_count: u32,
    octet_count: u32,
    history: VecDeque<Sent>,
}

struct Sent {
    sequence_number: SequenceNumber,
    timestamp: RtpTimestamp,
    marker: bool,
    payload: Vec<u8>,
}

impl RtpStream {
    pub(super) fn new(config: StreamConfig, extensions: ExtensionIds, is_audio: bool) -> Self {
        let random = random_u32().to_be_bytes();
        Self {
            config,
            extensions,
            is_audio,
            // Below 2^15, so that a receiver that missed the first packets sees no wrap among them.
            next_sequence: SequenceNumber(u16::from_be_bytes([random[0] & 0x7f, random[1]])),
            next_rtx_sequence: SequenceNumber(u16::from_be_bytes([random[2] & 0x7f, random[3]])),
            first_timestamp: RtpTimestamp(random_u32()),
            packet_count: 0,
            octet_count: 0,
            history: VecDeque::new(),
        }
    }

    pub(super) fn ssrc(&self) -> Ssrc {
        self.config.ssrc
    }

    /// The next packet, `ticks` of the stream's clock after its start.
    pub(super) fn packet(
        &mut self,
        payload: Vec<u8>,
        ticks: u32,
        marker: bool,
        stamp: SendStamp,
    ) -> Vec<u8> {
        let sent = Sent {
            sequence_number: self.next_sequence,
            timestamp: self.first_timestamp.plus(ticks),
            marker,
            payload,
        };
        self.next_sequence = self.next_sequence.plus(1);
        self.packet_count = self.packet_count.wrapping_add(1);
        let octets = u32::try_from(sent.payload.len()).unwrap_or(u32::MAX);
        self.octet_count = self.octet_count.wrapping_add(octets);
        let packet = self.header(&sent, stamp).write(&sent.payload);
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(sent);
        packet
    }

    /// A sent packet once more, if it is not too old.
    pub(super) fn retransmission(
        &mut self,
        lost: SequenceNumber,
        stamp: SendStamp,
    ) -> Option<Vec<u8>> {
        let oldest = self.history.front()?.sequence_number;
        let index = usize::try_from(lost.distance(oldest)).ok()?;
        let sent = self.history.get(index)?;
        let mut header = self.header(sent, stamp);
        let Some(rtx) = self.config.rtx else {
            return Some(header.write(&sent.payload));
        };
        header.ssrc = rtx.ssrc;
        header.payload_type = rtx.payload_type;
        header.sequence_number = self.next_rtx_sequence;
        // "The payload of a retransmission packet follows … the original sequence number (OSN)
        // field" (RFC 4588 §4).
        let payload = [&lost.0.to_be_bytes()[..], &sent.payload].concat();
        self.next_rtx_sequence = self.next_rtx_sequence.plus(1);
        Some(header.write(&payload))
    }

    /// A report of what was sent so far, `ticks` after the stream's start.
    pub(super) fn sender_report(&self, ntp: u64, ticks: u32) -> SenderReport {
        SenderReport {
            ssrc: self.config.ssrc,
            ntp,
            timestamp: self.first_timestamp.plus(ticks),
            packet_count: self.packet_count,
            octet_count: self.octet_count,
            reports: Vec::new(),
        }
    }

    fn header(&self, sent: &Sent, stamp: SendStamp) -> RtpHeader {
        let mut extensions = Vec::new();
        if let Some(id) = self.extensions.mid {
            extensions.push((id, self.config.mid.clone().into_bytes()));
        }
        if let Some(id) = self.extensions.abs_send_time {
            // Seconds in 6.18 fixed point: from the 32.32 of NTP time, bits 14 to 37.
            let [.., a, b, c] = (stamp.ntp >> 14).to_be_bytes();
            extensions.push((id, vec![a, b, c]));
        }
        if let Some(id) = self.extensions.transport_cc {
            extensions.push((id, stamp.transport_sequence.to_be_bytes().to_vec()));
        }
        if let (Some(id), true) = (self.extensions.audio_level, self.is_audio) {
            extensions.push((id, vec![AUDIO_LEVEL]));
        }
        RtpHeader {
            marker: sent.marker,
            payload_type: self.config.payload_type,
            sequence_number: sent.sequence_number,
            timestamp: sent.timestamp,
            ssrc: self.config.ssrc,
            extensions,
        }
    }
}

/// In packets: about ten seconds of audio, or of the test picture.
const HISTORY: usize = 512;
/// V set, level 20 (RFC 6464 §3).
const AUDIO_LEVEL: u8 = 0x80 | 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::RtpPacket;

    const STAMP: SendStamp = SendStamp {
        ntp: 0x0000_0001_8000_0000,
        transport_sequence: 0x0102,
    };

    fn stream(rtx: Option<RtxStream>) -> RtpStream {
        let config = StreamConfig {
            ssrc: Ssrc(7),
            payload_type: PayloadType(96),
            mid: "1".to_owned(),
            rtx,
        };
        let extensions = ExtensionIds {
            mid: Some(1),
            abs_send_time: Some(2),
            transport_cc: Some(3),
            audio_level: Some(4),
        };
        RtpStream::new(config, extensions, true)
    }

    #[test]
    fn extensions_carry_mid_time_sequence_and_level() {
        let packet = stream(None).packet(vec![9], 0, false, STAMP);
        let packet = RtpPacket::parse(&packet).unwrap();
        assert_eq!(packet.extension(1), Some(&b"1"[..]));
        // One and a half seconds in units of 2^-18 seconds.
        assert_eq!(packet.extension(2), Some(&[6, 0, 0][..]));
        assert_eq!(packet.extension(3), Some(&[1, 2][..]));
        assert_eq!(packet.extension(4), Some(&[0x94][..]));
    }

    #[test]
    fn retransmission_goes_to_rtx_with_the_original_sequence_number() {
        let rtx = RtxStream {
            ssrc: Ssrc(8),
            payload_type: PayloadType(97),
        };
        let mut stream = stream(Some(rtx));
        let first = stream.packet(vec![9], 90, true, STAMP);
        stream.packet(vec![10], 90, true, STAMP);
        let first = *RtpPacket::parse(&first).unwrap().header();
        let again = stream.retransmission(first.sequence_number, STAMP).unwrap();
        let again = RtpPacket::parse(&again).unwrap();
        assert_eq!(again.ssrc(), Ssrc(8));
        assert_eq!(again.header().payload_type, PayloadType(97));
        assert_eq!(again.header().timestamp, first.timestamp);
        let [high, low] = first.sequence_number.0.to_be_bytes();
        assert_eq!(again.payload(), [high, low, 9]);
    }

    #[test]
    fn history_is_bounded_and_plain_without_rtx() {
        let mut stream = stream(None);
        let first = stream.packet(vec![0], 0, false, STAMP);
        let first = RtpPacket::parse(&first).unwrap().header().sequence_number;
        assert!(stream.retransmission(first, STAMP).is_some());
        for _ in 0..HISTORY {
            stream.packet(vec![1], 0, false, STAMP);
        }
        assert_eq!(stream.retransmission(first, STAMP), None);
        assert_eq!(stream.retransmission(first.plus(600), STAMP), None);
        let again = stream.retransmission(first.plus(1), STAMP).unwrap();
        let again = RtpPacket::parse(&again).unwrap();
        assert_eq!((again.ssrc(), again.payload()), (Ssrc(7), &[1][..]));
    }
}
