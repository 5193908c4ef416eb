//! Transport-wide feedback: which packets arrived, and when.

use super::{
    compound::{RTPFB, Reader, write_packet},
    feedback::{read_ssrcs, write_ssrcs},
};
use crate::rtp::{SequenceNumber, Ssrc};

/// Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1): when each
/// packet, by its transport-wide sequence number, arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportFeedback {
    /// The SSRC of the receiver.
    pub sender: Ssrc,
    /// Any stream of the sender.
    pub media: Ssrc,
    /// The transport-wide sequence number of the first of `packets`.
    pub base: SequenceNumber,
    /// The time that the first delta counts from: 24 bits in units of 64 ms, wrapping.
    pub reference_time: u32,
    /// Rises by one with each feedback, wrapping.
    pub feedback_count: u8,
    /// One entry per sequence number, at most 65535: `None` for a packet not received, else the
    /// time since the last received one in units of 250 µs.
    pub packets: Vec<Option<i16>>,
}

impl TransportFeedback {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (sender, media) = read_ssrcs(reader)?;
        let base = SequenceNumber(reader.u16()?);
        let count = usize::from(reader.u16()?);
        let time_and_count = reader.u32()?;
        let [.., feedback_count] = time_and_count.to_be_bytes();

        let mut symbols = Vec::new();
        while symbols.len() < count {
            read_chunk(reader.u16()?, &mut symbols);
        }
        symbols.truncate(count);
        let packets = symbols
            .into_iter()
            .map(|symbol| match symbol {
                SMALL => reader.u8().map(|delta| Some(i16::from(delta))),
                LARGE => reader.u16().map(|delta| Some(delta.cast_signed())),
                _ => Some(None),
            })
            .collect::<Option<_>>()?;
        Some(Self {
            sender,
            media,
            base,
            reference_time: time_and_count >> 8,
            feedback_count,
            packets,
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        write_packet(out, RTPFB, 15, |out| {
            let count = u16::try_from(self.packets.len()).unwrap_or(u16::MAX);
            let packets = &self.packets[..usize::from(count)];
            write_ssrcs(out, self.sender, self.media);
            out.extend_from_slice(&self.base.0.to_be_bytes());
            out.extend_from_slice(&count.to_be_bytes());
            let time_and_count = self.reference_time << 8 | u32::from(self.feedback_count);
            out.extend_from_slice(&time_and_count.to_be_bytes());

            let symbols: Vec<u16> = packets.iter().map(|delta| symbol(*delta)).collect();
            write_chunks(out, &symbols);
            for delta in packets.iter().flatten() {
                match u8::try_from(*delta) {
                    Ok(small) => out.push(small),
                    Err(_) => out.extend_from_slice(&delta.to_be_bytes()),
                }
            }
        });
    }
}

fn symbol(delta: Option<i16>) -> u16 {
    match delta {
        None => NOT_RECEIVED,
        Some(0..=255) => SMALL,
        Some(_) => LARGE,
    }
}

/// Sections 3.1.3 (run length) and 3.1.4 (status vector, of 14 one-bit or 7 two-bit symbols).
fn read_chunk(chunk: u16, symbols: &mut Vec<u16>) {
    if chunk & 0x8000 == 0 {
        let length = usize::from(chunk & MAX_RUN);
        symbols.extend(std::iter::repeat_n(chunk >> 13 & 3, length));
    } else if chunk & 0x4000 == 0 {
        symbols.extend((0..14).rev().map(|bit| chunk >> bit & 1));
    } else {
        symbols.extend((0..7).rev().map(|pair| chunk >> (2 * pair) & 3));
    }
}

fn write_chunks(out: &mut Vec<u8>, mut symbols: &[u16]) {
    while let Some(&first) = symbols.first() {
        let run = symbols
            .iter()
            .take_while(|symbol| **symbol == first)
            .count();
        let run = u16::try_from(run).map_or(MAX_RUN, |run| run.min(MAX_RUN));
        let (chunk, covered) = if usize::from(run) >= VECTOR {
            (first << 13 | run, usize::from(run))
        } else {
            let vector = symbols.iter().take(VECTOR).enumerate();
            let bits = vector.fold(0, |bits, (index, symbol)| bits | symbol << (12 - 2 * index));
            (0xc000 | bits, VECTOR.min(symbols.len()))
        };
        out.extend_from_slice(&chunk.to_be_bytes());
        symbols = &symbols[covered..];
    }
}

const NOT_RECEIVED: u16 = 0;
const SMALL: u16 = 1;
const LARGE: u16 = 2;
const MAX_RUN: u16 = 0x1fff;
/// Symbols of a two-bit status vector.
const VECTOR: usize = 7;

#[cfg(test)]
mod tests {
    use ::rtcp::transport_feedbacks::transport_layer_cc::TransportLayerCc;
    use webrtc_util::marshal::Unmarshal;

    use super::*;

    fn feedback(packets: Vec<Option<i16>>) -> TransportFeedback {
        TransportFeedback {
            sender: Ssrc(1),
            media: Ssrc(2),
            base: SequenceNumber(65534),
            reference_time: 0x01_0203,
            feedback_count: 7,
            packets,
        }
    }

    fn mixed() -> TransportFeedback {
        let mut packets = vec![Some(0), None, Some(255), Some(256), Some(-4)];
        packets.extend([Some(4); 20]);
        packets.extend([None; 9]);
        packets.push(Some(1));
        feedback(packets)
    }

    #[test]
    fn known_octets() {
        let mut out = Vec::new();
        feedback(vec![Some(4), None, Some(-1)]).write(&mut out);
        let expected = [
            0x8f, 205, 0, 6, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xfe, 0, 3, 1, 2, 3, 7, 0xd2, 0x00, 4,
            0xff, 0xff, 0, 0, 0,
        ];
        assert_eq!(out, expected);
    }

    #[test]
    fn what_is_written_is_read_back_by_us_and_by_an_independent_crate() {
        let mut out = Vec::new();
        mixed().write(&mut out);
        assert_eq!(
            TransportFeedback::read(&mut Reader(&out[4..])),
            Some(mixed())
        );

        let read = TransportLayerCc::unmarshal(&mut &out[..]).unwrap();
        assert_eq!(read.packet_status_count, 35);
        assert_eq!(read.reference_time, 0x01_0203);
        let deltas: Vec<i64> = read
            .recv_deltas
            .iter()
            .map(|delta| delta.delta / 250)
            .collect();
        let expected: Vec<i64> = mixed()
            .packets
            .into_iter()
            .flatten()
            .map(i64::from)
            .collect();
        assert_eq!(deltas, expected);
    }

    #[test]
    fn one_bit_vectors_are_read() {
        let body = [
            0,
            0,
            0,
            1,
            0,
            0,
            0,
            2,
            0,
            5,
            0,
            3,
            0,
            0,
            1,
            0,
            0b1010_1000,
            0,
            9,
            8,
        ];
        let read = TransportFeedback::read(&mut Reader(&body)).unwrap();
        assert_eq!(read.packets, [Some(9), None, Some(8)]);
        assert_eq!(TransportFeedback::read(&mut Reader(&body[..19])), None);
    }
}
