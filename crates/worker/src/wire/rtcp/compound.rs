//! The common header, reading a compound packet and writing one (RFC 3550 §6.1, §6.4).

use crate::wire::buffer::{Reader, Writer};

use super::{Bye, Fir, Nack, Pli, ReceiverReport, Remb, Sdes, SenderReport, TransportFeedback, Xr};

/// Iterates over the packets of a decrypted compound packet, in order.
///
/// A packet whose body or padding is malformed is passed over, because its length still leads to the
/// next one. A wrong version or length ends the iteration, because nothing after it can be trusted.
/// [`RtcpPackets::error`] then says why. Every step takes at least four bytes, so the length of the
/// datagram bounds the work.
#[derive(Clone, Debug)]
pub struct RtcpPackets<'a> {
    rest: &'a [u8],
    error: Option<RtcpError>,
}

/// One packet of a compound packet.
#[derive(Clone, Debug)]
pub enum RtcpPacket<'a> {
    /// SR, type 200.
    SenderReport(SenderReport<'a>),
    /// RR, type 201.
    ReceiverReport(ReceiverReport<'a>),
    /// SDES, type 202.
    Sdes(Sdes<'a>),
    /// BYE, type 203.
    Bye(Bye<'a>),
    /// Generic NACK: RTPFB, format 1.
    Nack(Nack<'a>),
    /// Transport-wide congestion control feedback: RTPFB, format 15.
    TransportFeedback(TransportFeedback<'a>),
    /// Picture loss indication: PSFB, format 1.
    Pli(Pli),
    /// Full intra request: PSFB, format 4.
    Fir(Fir<'a>),
    /// Receiver estimated maximum bitrate: PSFB, format 15 with the name "REMB".
    Remb(Remb<'a>),
    /// Extended reports, type 207.
    Xr(Xr<'a>),
    /// A packet of an unknown type; its common header is well-formed.
    Other {
        /// The packet type.
        packet_type: u8,
        /// The five bits that are a count or a format.
        count: u8,
    },
}

/// Why a packet of a compound packet, or all the rest of it, is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum RtcpError {
    /// Fewer than four bytes are left.
    #[error("shorter than the RTCP header")]
    TooShort,
    /// The version is not 2.
    #[error("RTCP version is not 2")]
    Version,
    /// The length field reaches past the end.
    #[error("RTCP length is longer than the datagram")]
    Length,
    /// The padding bit is set, and the count does not fit the packet.
    #[error("RTCP padding count does not fit the packet")]
    Padding,
    /// The packet is too short for its type or its counts.
    #[error("RTCP packet of type {packet_type} is malformed")]
    Body {
        /// The packet type.
        packet_type: u8,
    },
}

impl<'a> RtcpPackets<'a> {
    /// Iterates over `compound`, a datagram without its SRTCP trailer.
    #[must_use]
    pub const fn new(compound: &'a [u8]) -> Self {
        Self {
            rest: compound,
            error: None,
        }
    }

    /// What was wrong first; `None` while nothing was.
    #[must_use]
    pub const fn error(&self) -> Option<RtcpError> {
        self.error
    }

    fn read(&mut self) -> Result<RtcpPacket<'a>, RtcpError> {
        let (header, body) = self
            .rest
            .split_first_chunk::<HEADER_LEN>()
            .ok_or(RtcpError::TooShort)?;
        if header[0] >> 6 != VERSION {
            return Err(RtcpError::Version);
        }
        let words = u16::from_be_bytes([header[2], header[3]]);
        let (body, rest) = body
            .split_at_checked(usize::from(words) * 4)
            .ok_or(RtcpError::Length)?;
        self.rest = rest;
        let body = if header[0] & PADDING_BIT == 0 {
            body
        } else {
            without_padding(body).ok_or(RtcpError::Padding)?
        };
        let (packet_type, count) = (header[1], header[0] & MAX_COUNT);
        parse(packet_type, count, body).ok_or(RtcpError::Body { packet_type })
    }
}

impl<'a> Iterator for RtcpPackets<'a> {
    type Item = RtcpPacket<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            match self.read() {
                Ok(packet) => return Some(packet),
                Err(error) => {
                    self.error.get_or_insert(error);
                    if !matches!(error, RtcpError::Padding | RtcpError::Body { .. }) {
                        self.rest = &[];
                    }
                }
            }
        }
        None
    }
}

fn without_padding(body: &[u8]) -> Option<&[u8]> {
    // RFC 3550 §6.4.1 adds that the count "will be a multiple of four"; libwebrtc pads its
    // transport feedback by 1 to 3 bytes, so we do not require that.
    let count = usize::from(*body.last()?);
    if count == 0 {
        return None;
    }
    body.get(..body.len().checked_sub(count)?)
}

fn parse(packet_type: u8, count: u8, body: &[u8]) -> Option<RtcpPacket<'_>> {
    Some(match (packet_type, count) {
        (SENDER_REPORT, _) => RtcpPacket::SenderReport(SenderReport::parse(count, body)?),
        (RECEIVER_REPORT, _) => RtcpPacket::ReceiverReport(ReceiverReport::parse(count, body)?),
        (SDES, _) => RtcpPacket::Sdes(Sdes::parse(count, body)?),
        (BYE, _) => RtcpPacket::Bye(Bye::parse(count, body)?),
        (RTPFB, NACK) => RtcpPacket::Nack(Nack::parse(body)?),
        (RTPFB, TRANSPORT_FEEDBACK) => {
            RtcpPacket::TransportFeedback(TransportFeedback::parse(body)?)
        }
        (PSFB, PLI) => RtcpPacket::Pli(Pli::parse(body)?),
        (PSFB, FIR) => RtcpPacket::Fir(Fir::parse(body)?),
        (PSFB, APPLICATION) if Remb::is_named(body) => RtcpPacket::Remb(Remb::parse(body)?),
        (XR, _) => RtcpPacket::Xr(Xr::parse(body)?),
        _ => RtcpPacket::Other { packet_type, count },
    })
}

/// Writes RTCP packets one after the other into a caller's buffer.
#[derive(Debug)]
pub struct CompoundWriter<'a>(Writer<'a>);

impl<'a> CompoundWriter<'a> {
    /// A writer that fills `buffer` from its front.
    #[must_use]
    pub const fn new(buffer: &'a mut [u8]) -> Self {
        Self(Writer::new(buffer))
    }

    /// How many bytes have been written: the length of the compound packet.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.position()
    }

    /// Whether no packet has been written.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.position() == 0
    }

    /// How many more bytes fit.
    #[must_use]
    pub const fn room(&self) -> usize {
        self.0.room()
    }

    /// What has been written.
    #[must_use]
    pub fn written(&self) -> &[u8] {
        self.0.written()
    }

    /// Writes one packet: the common header, then what `body` writes, padded with zeros to 32 bits.
    /// If `body` gives up or the packet does not fit, nothing changes and the answer is `None`.
    pub(super) fn packet<T>(
        &mut self,
        packet_type: u8,
        count: u8,
        body: impl FnOnce(&mut Writer<'a>) -> Option<T>,
    ) -> Option<T> {
        let start = self.0.position();
        let written = self.try_packet(start, packet_type, count, body);
        if written.is_none() {
            self.0.rewind(start);
        }
        written
    }

    fn try_packet<T>(
        &mut self,
        start: usize,
        packet_type: u8,
        count: u8,
        body: impl FnOnce(&mut Writer<'a>) -> Option<T>,
    ) -> Option<T> {
        if count > MAX_COUNT {
            return None;
        }
        self.0.u8(VERSION << 6 | count)?;
        self.0.u8(packet_type)?;
        self.0.u16(0)?;
        let written = body(&mut self.0)?;
        self.0.align(start)?;
        let words = (self.0.position() - start) / 4 - 1;
        self.0
            .patch(start + 2, &u16::try_from(words).ok()?.to_be_bytes())?;
        Some(written)
    }
}

/// `items` as the five-bit count of the common header; `None` above 31.
pub(super) fn count_of<T>(items: &[T]) -> Option<u8> {
    u8::try_from(items.len())
        .ok()
        .filter(|count| *count <= MAX_COUNT)
}

/// The two SSRCs at the start of every feedback packet (RFC 4585 §6.1): its sender, and the stream
/// that it is about.
pub(super) fn feedback_sources(reader: &mut Reader<'_>) -> Option<(u32, u32)> {
    Some((reader.u32()?, reader.u32()?))
}

pub(super) const SENDER_REPORT: u8 = 200;
pub(super) const RECEIVER_REPORT: u8 = 201;
pub(super) const SDES: u8 = 202;
pub(super) const BYE: u8 = 203;
pub(super) const RTPFB: u8 = 205;
pub(super) const PSFB: u8 = 206;
pub(super) const XR: u8 = 207;
pub(super) const NACK: u8 = 1;
pub(super) const TRANSPORT_FEEDBACK: u8 = 15;
pub(super) const PLI: u8 = 1;
pub(super) const FIR: u8 = 4;
/// Application layer feedback, of which REMB is one.
pub(super) const APPLICATION: u8 = 15;
const HEADER_LEN: usize = 4;
const VERSION: u8 = 2;
const PADDING_BIT: u8 = 0x20;
const MAX_COUNT: u8 = 31;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Ssrc;

    fn read(compound: &[u8]) -> (usize, Option<RtcpError>) {
        let mut packets = RtcpPackets::new(compound);
        let count = packets.by_ref().count();
        (count, packets.error())
    }

    #[test]
    fn packets_before_a_bad_one_are_read() {
        let mut buffer = [0; 100];
        let mut out = CompoundWriter::new(&mut buffer);
        let pli = Pli {
            sender_ssrc: Ssrc(1),
            media_ssrc: Ssrc(2),
        };
        pli.write(&mut out).unwrap();
        pli.write(&mut out).unwrap();
        let good = out.written().to_vec();
        assert_eq!(read(&good), (2, None));

        let mut bad = good.clone();
        bad.extend([0x80, 200]);
        assert_eq!(read(&bad), (2, Some(RtcpError::TooShort)));
        let mut bad = good.clone();
        bad[12] = 0x40;
        assert_eq!(read(&bad), (1, Some(RtcpError::Version)));
        let mut bad = good;
        bad[15] = 3;
        assert_eq!(read(&bad), (1, Some(RtcpError::Length)));
    }

    #[test]
    fn a_packet_with_a_bad_body_does_not_hide_the_next() {
        let short_pli = [0x81, PSFB, 0, 1, 0, 0, 0, 1];
        let bad_padding = [0xa0, RECEIVER_REPORT, 0, 1, 0, 0, 0, 9];
        let pli = [0x81, PSFB, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2];
        let compound = [&short_pli[..], &pli].concat();
        let body = RtcpError::Body { packet_type: PSFB };
        assert_eq!(read(&compound), (1, Some(body)));
        let compound = [&bad_padding[..], &short_pli, &pli].concat();
        assert_eq!(read(&compound), (1, Some(RtcpError::Padding)));
    }

    #[test]
    fn padding_is_taken_off_before_the_body_is_read() {
        let padded = [0xa0, 201, 0, 2, 0, 0, 0, 7, 0, 0, 0, 4];
        let Some(RtcpPacket::ReceiverReport(report)) = RtcpPackets::new(&padded).next() else {
            panic!("not a receiver report");
        };
        assert_eq!(report.ssrc, Ssrc(7));
        for count in [0, 9, 255] {
            let mut bad = padded;
            bad[11] = count;
            assert_eq!(read(&bad), (0, Some(RtcpError::Padding)), "count {count}");
        }
    }

    #[test]
    fn what_is_not_understood_is_passed_over() {
        assert_eq!(read(&[0x80, 204, 0, 0, 0x82, 205, 0, 0]), (2, None));
        assert_eq!(
            read(&[
                0x8f, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, b'R', b'E', b'M', b'X'
            ]),
            (1, None)
        );
        assert_eq!(read(&[]), (0, None));
    }

    #[test]
    fn a_packet_that_does_not_fit_leaves_the_writer_as_it_was() {
        let mut buffer = [0; 20];
        let mut out = CompoundWriter::new(&mut buffer);
        let pli = Pli {
            sender_ssrc: Ssrc(1),
            media_ssrc: Ssrc(2),
        };
        assert_eq!(pli.write(&mut out), Some(()));
        assert_eq!(pli.write(&mut out), None);
        assert_eq!((out.len(), out.room()), (12, 8));
        assert_eq!(read(out.written()), (1, None));
    }
}
