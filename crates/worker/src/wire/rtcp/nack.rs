//! Generic NACK (RFC 4585 §6.2.1): a list of packets that a receiver misses.

use crate::ids::Ssrc;
use crate::wire::buffer::Reader;

use super::compound::{CompoundWriter, NACK, RTPFB, feedback_sources};

/// A received generic NACK.
#[derive(Clone, Debug)]
pub struct Nack<'a> {
    /// Who asks.
    pub sender_ssrc: Ssrc,
    /// The stream whose packets are missing.
    pub media_ssrc: Ssrc,
    lost: LostPackets<'a>,
}

impl<'a> Nack<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(body);
        let (sender, media) = feedback_sources(&mut reader)?;
        if reader.is_empty() || !reader.rest().len().is_multiple_of(PAIR_LEN) {
            return None;
        }
        Some(Self {
            sender_ssrc: Ssrc(sender),
            media_ssrc: Ssrc(media),
            lost: LostPackets {
                pairs: reader,
                packet_id: 0,
                bitmask: 0,
            },
        })
    }

    /// The sequence numbers that it asks for, in the order of the packet. Each four bytes may hold
    /// 17 of them, and the same number may come twice.
    #[must_use]
    pub fn lost(&self) -> LostPackets<'a> {
        self.lost.clone()
    }

    /// Writes a NACK for `lost`, which must be in the order of the stream (65,535 comes before 0).
    /// Returns how many of them it asks for. If the buffer is full these are not all, and the rest
    /// needs another packet. `None` if `lost` is empty or not even one fits.
    pub fn write(
        out: &mut CompoundWriter<'_>,
        sender_ssrc: Ssrc,
        media_ssrc: Ssrc,
        lost: &[u16],
    ) -> Option<usize> {
        out.packet(RTPFB, NACK, |out| {
            out.u32(sender_ssrc.0)?;
            out.u32(media_ssrc.0)?;
            let mut rest = lost;
            while let Some((packet_id, followers)) = rest.split_first() {
                if out.room() < PAIR_LEN {
                    break;
                }
                let mut bitmask = 0;
                let mut covered = 0;
                for follower in followers {
                    // RFC 4585 §6.2.1: bit i of the BLP, counted from 1, stands for PID + i.
                    match follower.wrapping_sub(*packet_id) {
                        0 => {}
                        distance @ 1..=16 => bitmask |= 1 << (distance - 1),
                        _ => break,
                    }
                    covered += 1;
                }
                out.u16(*packet_id)?;
                out.u16(bitmask)?;
                rest = &followers[covered..];
            }
            Some(lost.len() - rest.len()).filter(|asked| *asked > 0)
        })
    }
}

/// The sequence numbers that a NACK asks for.
#[derive(Clone, Debug)]
pub struct LostPackets<'a> {
    pairs: Reader<'a>,
    packet_id: u16,
    bitmask: u16,
}

impl Iterator for LostPackets<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<Self::Item> {
        if self.bitmask != 0 {
            let bit = self.bitmask.trailing_zeros();
            self.bitmask &= self.bitmask - 1;
            let distance = u16::try_from(bit + 1).unwrap_or(0);
            return Some(self.packet_id.wrapping_add(distance));
        }
        self.packet_id = self.pairs.u16()?;
        self.bitmask = self.pairs.u16()?;
        Some(self.packet_id)
    }

    /// Looks at each pair once, however many numbers it holds.
    fn count(self) -> usize {
        let of_pair = |pair: &[u8; PAIR_LEN]| {
            let [_, _, high, low] = *pair;
            1 + high.count_ones() + low.count_ones()
        };
        let (pairs, _) = self.pairs.rest().as_chunks();
        let waiting: u32 = pairs.iter().map(of_pair).sum();
        (waiting + self.bitmask.count_ones()) as usize
    }
}

const PAIR_LEN: usize = 4;

#[cfg(test)]
mod tests {
    use super::super::{RtcpPacket, RtcpPackets};
    use super::*;

    fn read(compound: &[u8]) -> Option<Vec<u16>> {
        match RtcpPackets::new(compound).next()? {
            RtcpPacket::Nack(nack) => Some(nack.lost().collect()),
            _ => None,
        }
    }

    #[test]
    fn numbers_within_sixteen_share_a_pair_even_over_the_wrap() {
        let lost = [65_530, 65_535, 0, 10, 11, 27, 28, 40_000];
        let mut buffer = [0; 100];
        let mut out = CompoundWriter::new(&mut buffer);
        assert_eq!(Nack::write(&mut out, Ssrc(1), Ssrc(2), &lost), Some(8));
        // 65530 with 65535, 0 and 10; 11 with 27; 28; 40000.
        assert_eq!(out.len(), 12 + 4 * PAIR_LEN);
        assert_eq!(read(out.written()).unwrap(), lost);
    }

    #[test]
    fn counting_agrees_with_reading() {
        let lost: Vec<u16> = (0..200_u16).map(|n| n.wrapping_mul(n)).collect();
        let mut buffer = [0; 1200];
        let mut out = CompoundWriter::new(&mut buffer);
        Nack::write(&mut out, Ssrc(1), Ssrc(2), &lost).unwrap();
        let Some(RtcpPacket::Nack(nack)) = RtcpPackets::new(out.written()).next() else {
            panic!("a NACK was written");
        };
        let mut numbers = nack.lost();
        let mut left = nack.lost().collect::<Vec<_>>().len();
        while left > 0 {
            assert_eq!(numbers.clone().count(), left);
            numbers.next();
            left -= 1;
        }
        assert_eq!((numbers.clone().count(), numbers.next()), (0, None));
    }

    #[test]
    fn a_full_buffer_asks_for_what_fits() {
        let mut buffer = [0; 18];
        let mut out = CompoundWriter::new(&mut buffer);
        let lost = [5, 5, 6, 100, 101];
        assert_eq!(Nack::write(&mut out, Ssrc(1), Ssrc(2), &lost), Some(3));
        assert_eq!(read(out.written()).unwrap(), [5, 6]);
        assert_eq!(Nack::write(&mut out, Ssrc(1), Ssrc(2), &lost), None);
        assert_eq!(out.len(), 16);
        assert_eq!(
            Nack::write(
                &mut CompoundWriter::new(&mut [0; 50]),
                Ssrc(1),
                Ssrc(2),
                &[]
            ),
            None
        );
    }

    #[test]
    fn a_mask_with_every_bit_is_seventeen_packets() {
        let packet = [
            0x81, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xf0, 0xff, 0xff,
        ];
        let expected: Vec<u16> = (0..17).map(|i| 0xfff0u16.wrapping_add(i)).collect();
        assert_eq!(read(&packet).unwrap(), expected);
        assert_eq!(read(&[0x81, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]), None);
    }
}
