//! Compound RTCP packets: reading all members of one, and writing one.

use super::{
    FullIntraRequest, Goodbye, Nack, PictureLossIndication, ReceiverReport, Remb, SenderReport,
    SourceDescription, TransportFeedback,
};

/// One packet of a compound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RtcpPacket {
    /// SR, packet type 200.
    SenderReport(SenderReport),
    /// RR, packet type 201.
    ReceiverReport(ReceiverReport),
    /// SDES, packet type 202.
    SourceDescription(SourceDescription),
    /// BYE, packet type 203.
    Goodbye(Goodbye),
    /// Generic NACK, packet type 205, format 1.
    Nack(Nack),
    /// Transport-wide congestion control feedback, packet type 205, format 15.
    TransportFeedback(TransportFeedback),
    /// PLI, packet type 206, format 1.
    PictureLossIndication(PictureLossIndication),
    /// FIR, packet type 206, format 4.
    FullIntraRequest(FullIntraRequest),
    /// REMB, packet type 206, format 15.
    Remb(Remb),
    /// Anything else.
    Other {
        /// Packet type, 192 to 223.
        packet_type: u8,
        /// Count or format, 0 to 31.
        format: u8,
    },
}

/// Why octets are not an RTCP compound; names the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RtcpError {
    /// A packet ends within its header or before its length says.
    #[error("length is more than what is left")]
    Length,
    /// The version of a packet is not 2.
    #[error("version is not 2")]
    Version,
    /// The padding of a packet does not fit.
    #[error("padding length does not fit the packet")]
    Padding,
    /// The body of a packet of this type is too short for its count.
    #[error("body of packet type {packet_type} is too short")]
    Body {
        /// Packet type of the header.
        packet_type: u8,
    },
}

/// Reads every packet of a compound, in order.
///
/// # Errors
/// [`RtcpError`] names what does not fit; nothing of the compound is returned then.
pub fn parse_compound(mut compound: &[u8]) -> Result<Vec<RtcpPacket>, RtcpError> {
    let mut packets = Vec::new();
    while !compound.is_empty() {
        let header = *compound.first_chunk::<4>().ok_or(RtcpError::Length)?;
        if header[0] >> 6 != 2 {
            return Err(RtcpError::Version);
        }
        let octets = 4 * usize::from(u16::from_be_bytes([header[2], header[3]]));
        let mut body = compound.get(4..4 + octets).ok_or(RtcpError::Length)?;
        compound = &compound[4 + octets..];
        if header[0] & 0x20 != 0 {
            let padding = usize::from(*body.last().ok_or(RtcpError::Padding)?);
            let kept = body.len().checked_sub(padding).filter(|_| padding > 0);
            body = &body[..kept.ok_or(RtcpError::Padding)?];
        }
        let (format, packet_type) = (header[0] & 0x1f, header[1]);
        packets.push(parse_body(packet_type, format, body).ok_or(RtcpError::Body { packet_type })?);
    }
    Ok(packets)
}

/// Writes packets one after the other. [`RtcpPacket::Other`] is left out, as its body is not kept.
pub fn write_compound(packets: &[RtcpPacket]) -> Vec<u8> {
    let mut compound = Vec::new();
    for packet in packets {
        match packet {
            RtcpPacket::SenderReport(packet) => packet.write(&mut compound),
            RtcpPacket::ReceiverReport(packet) => packet.write(&mut compound),
            RtcpPacket::SourceDescription(packet) => packet.write(&mut compound),
            RtcpPacket::Goodbye(packet) => packet.write(&mut compound),
            RtcpPacket::Nack(packet) => packet.write(&mut compound),
            RtcpPacket::TransportFeedback(packet) => packet.write(&mut compound),
            RtcpPacket::PictureLossIndication(packet) => packet.write(&mut compound),
            RtcpPacket::FullIntraRequest(packet) => packet.write(&mut compound),
            RtcpPacket::Remb(packet) => packet.write(&mut compound),
            RtcpPacket::Other { .. } => {}
        }
    }
    compound
}

fn parse_body(packet_type: u8, format: u8, body: &[u8]) -> Option<RtcpPacket> {
    let mut reader = Reader(body);
    let reader = &mut reader;
    Some(match (packet_type, format) {
        (SR, count) => RtcpPacket::SenderReport(SenderReport::read(reader, count)?),
        (RR, count) => RtcpPacket::ReceiverReport(ReceiverReport::read(reader, count)?),
        (SDES, count) => RtcpPacket::SourceDescription(SourceDescription::read(reader, count)?),
        (BYE, count) => RtcpPacket::Goodbye(Goodbye::read(reader, count)?),
        (RTPFB, 1) => RtcpPacket::Nack(Nack::read(reader)?),
        (RTPFB, 15) => RtcpPacket::TransportFeedback(TransportFeedback::read(reader)?),
        (PSFB, 1) => RtcpPacket::PictureLossIndication(PictureLossIndication::read(reader)?),
        (PSFB, 4) => RtcpPacket::FullIntraRequest(FullIntraRequest::read(reader)?),
        (PSFB, 15) => match Remb::read(reader)? {
            Some(remb) => RtcpPacket::Remb(remb),
            None => RtcpPacket::Other {
                packet_type,
                format,
            },
        },
        _ => RtcpPacket::Other {
            packet_type,
            format,
        },
    })
}

/// What is left of a body; every read is checked.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    pub(super) fn slice(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(head)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }
}

/// Appends a packet: header, then what `body` writes, with zeros up to a multiple of four octets.
pub(super) fn write_packet(
    out: &mut Vec<u8>,
    packet_type: u8,
    format: u8,
    body: impl FnOnce(&mut Vec<u8>),
) {
    let start = out.len();
    out.extend_from_slice(&[0x80 | format & 0x1f, packet_type, 0, 0]);
    body(out);
    let length = (out.len() - start).next_multiple_of(4);
    out.resize(start + length, 0);
    // "The length of this RTCP packet in 32-bit words minus one, including the header" (RFC 3550
    // §6.4.1).
    let words = u16::try_from(length / 4 - 1).unwrap_or(u16::MAX);
    out[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
}

/// The count field of five bits.
pub(super) fn count_field(items: usize) -> u8 {
    u8::try_from(items.min(MAX_COUNT)).unwrap_or(0)
}

pub(super) const MAX_COUNT: usize = 31;
pub(super) const SR: u8 = 200;
pub(super) const RR: u8 = 201;
pub(super) const SDES: u8 = 202;
pub(super) const BYE: u8 = 203;
pub(super) const RTPFB: u8 = 205;
pub(super) const PSFB: u8 = 206;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::{RtpTimestamp, SequenceNumber, Ssrc};

    fn one_of_each() -> Vec<RtcpPacket> {
        let report = crate::rtcp::ReportBlock {
            ssrc: Ssrc(7),
            fraction_lost: 12,
            cumulative_lost: -3,
            highest_sequence: 0x0001_fffe,
            jitter: 99,
            last_sr: 0x1234_5678,
            delay_since_last_sr: 65536,
        };
        let (sender, media) = (Ssrc(1), Ssrc(2));
        vec![
            RtcpPacket::SenderReport(SenderReport {
                ssrc: Ssrc(3),
                ntp: 0x0102_0304_0506_0708,
                timestamp: RtpTimestamp(5),
                packet_count: 6,
                octet_count: 7,
                reports: vec![report.clone()],
            }),
            RtcpPacket::ReceiverReport(ReceiverReport {
                ssrc: Ssrc(4),
                reports: vec![report.clone(), report],
            }),
            RtcpPacket::SourceDescription(SourceDescription {
                ssrc: Ssrc(3),
                cname: "tureen".to_owned(),
            }),
            RtcpPacket::Nack(Nack {
                sender,
                media,
                lost: [65530, 65535, 9, 11].map(SequenceNumber).to_vec(),
            }),
            RtcpPacket::PictureLossIndication(PictureLossIndication { sender, media }),
            RtcpPacket::FullIntraRequest(FullIntraRequest {
                sender,
                media,
                sequence_number: 4,
            }),
            RtcpPacket::Remb(Remb {
                sender,
                bitrate: 2_500_000,
                ssrcs: vec![media],
            }),
            RtcpPacket::Goodbye(Goodbye {
                ssrcs: vec![sender, media],
            }),
        ]
    }

    #[test]
    fn what_is_written_is_read_back() {
        let packets = one_of_each();
        assert_eq!(parse_compound(&write_compound(&packets)), Ok(packets));
    }

    #[test]
    fn an_independent_crate_reads_every_packet() {
        let ours = one_of_each();
        let read = ::rtcp::packet::unmarshal(&mut &write_compound(&ours)[..]).unwrap();
        assert_eq!(read.len(), ours.len());
        for (ours, read) in ours.iter().zip(&read) {
            // The crate pads these two in a way of its own.
            if !matches!(
                ours,
                RtcpPacket::SourceDescription(_) | RtcpPacket::Goodbye(_)
            ) {
                let ours = write_compound(std::slice::from_ref(ours));
                assert_eq!(read.marshal().unwrap()[..], ours);
            }
        }
        let description = read[2].as_any().downcast_ref();
        let description: &::rtcp::source_description::SourceDescription = description.unwrap();
        assert_eq!(description.chunks[0].items[0].text[..], *b"tureen");
        let goodbye = read[7].as_any().downcast_ref();
        let goodbye: &::rtcp::goodbye::Goodbye = goodbye.unwrap();
        assert_eq!(goodbye.sources, [1, 2]);
        let nack = read[3].as_any().downcast_ref();
        let nack: &::rtcp::transport_feedbacks::transport_layer_nack::TransportLayerNack =
            nack.unwrap();
        let lost: Vec<u16> = nack
            .nacks
            .iter()
            .flat_map(|pair| pair.packet_list())
            .collect();
        assert_eq!(lost, [65530, 65535, 9, 11]);
        let remb = read[6].as_any().downcast_ref();
        let remb: &::rtcp::payload_feedbacks::receiver_estimated_maximum_bitrate::ReceiverEstimatedMaximumBitrate =
            remb.unwrap();
        assert_eq!(remb.bitrate, 2_500_000.0);
    }

    #[test]
    fn truncated_and_mutated_compounds_never_panic() {
        let compound = write_compound(&one_of_each());
        for length in 0..compound.len() {
            // A compound that is cut between two packets is still valid; any other cut is an error.
            if let Ok(packets) = parse_compound(&compound[..length]) {
                assert_eq!(write_compound(&packets), compound[..length]);
            }
        }
        for index in 0..compound.len() {
            for value in [0, 1, 0x7f, 0x80, 0xa1, 0xff] {
                let mut mutated = compound.clone();
                mutated[index] = value;
                // The test only asks whether the call returns: most mutations of a value are still
                // valid.
                let _ = parse_compound(&mutated);
            }
        }
    }
}
