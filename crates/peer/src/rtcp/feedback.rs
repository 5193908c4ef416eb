//! Feedback about media: NACK, PLI, FIR and REMB.

use super::compound::{PSFB, RTPFB, Reader, write_packet};
use crate::rtp::{SequenceNumber, Ssrc};

/// Generic NACK (RFC 4585 §6.2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nack {
    /// The SSRC of who asks.
    pub sender: Ssrc,
    /// The stream.
    pub media: Ssrc,
    /// What is missing, in rising order.
    pub lost: Vec<SequenceNumber>,
}

/// Picture loss indication (RFC 4585 §6.3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PictureLossIndication {
    /// The SSRC of who asks.
    pub sender: Ssrc,
    /// The stream.
    pub media: Ssrc,
}

/// Full intra request (RFC 5104 §4.3.1) with one entry; further entries are not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullIntraRequest {
    /// The SSRC of who asks.
    pub sender: Ssrc,
    /// The stream of the first entry.
    pub media: Ssrc,
    /// Rises with each new request, not with its repetitions.
    pub sequence_number: u8,
}

/// Receiver estimated maximum bitrate (draft-alvestrand-rmcat-remb-03).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remb {
    /// The SSRC of who estimates.
    pub sender: Ssrc,
    /// Bits per second; 18 significant bits survive.
    pub bitrate: u64,
    /// The streams that share it, at most 255.
    pub ssrcs: Vec<Ssrc>,
}

impl Nack {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (sender, media) = read_ssrcs(reader)?;
        let mut lost = Vec::new();
        while !reader.0.is_empty() {
            let first = SequenceNumber(reader.u16()?);
            let following = reader.u16()?;
            lost.push(first);
            let set = (0..16).filter(|bit| following & (1 << bit) != 0);
            lost.extend(set.map(|bit| first.plus(bit + 1)));
        }
        Some(Self {
            sender,
            media,
            lost,
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        write_packet(out, RTPFB, 1, |out| {
            write_ssrcs(out, self.sender, self.media);
            let mut lost = self.lost.iter().copied().peekable();
            while let Some(first) = lost.next() {
                let mut following = 0_u16;
                while let Some(next) = lost.next_if(|next| (1..=16).contains(&next.distance(first)))
                {
                    following |= 1 << (next.distance(first) - 1);
                }
                out.extend_from_slice(&first.0.to_be_bytes());
                out.extend_from_slice(&following.to_be_bytes());
            }
        });
    }
}

impl PictureLossIndication {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (sender, media) = read_ssrcs(reader)?;
        Some(Self { sender, media })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        write_packet(out, PSFB, 1, |out| {
            write_ssrcs(out, self.sender, self.media)
        });
    }
}

impl FullIntraRequest {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (sender, _) = read_ssrcs(reader)?;
        Some(Self {
            sender,
            media: Ssrc(reader.u32()?),
            sequence_number: reader.u8()?,
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        write_packet(out, PSFB, 4, |out| {
            // "The SSRC of media source … is not used and SHALL be set to 0" (RFC 5104 §4.3.1.2).
            write_ssrcs(out, self.sender, Ssrc(0));
            out.extend_from_slice(&self.media.0.to_be_bytes());
            out.extend_from_slice(&[self.sequence_number, 0, 0, 0]);
        });
    }
}

impl Remb {
    /// `Some(None)` is an application layer feedback that is not REMB.
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Option<Self>> {
        let (sender, _) = read_ssrcs(reader)?;
        if reader.array::<4>() != Some(REMB) {
            return Some(None);
        }
        let word = reader.u32()?;
        let [count, ..] = word.to_be_bytes();
        let exponent = word >> 18 & 0x3f;
        let mantissa = u64::from(word & MAX_MANTISSA);
        let ssrcs = (0..count)
            .map(|_| reader.u32().map(Ssrc))
            .collect::<Option<_>>()?;
        Some(Some(Self {
            sender,
            bitrate: u64::try_from(u128::from(mantissa) << exponent).unwrap_or(u64::MAX),
            ssrcs,
        }))
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        write_packet(out, PSFB, 15, |out| {
            write_ssrcs(out, self.sender, Ssrc(0));
            out.extend_from_slice(&REMB);
            let mut exponent = 0_u32;
            while self.bitrate >> exponent > u64::from(MAX_MANTISSA) {
                exponent += 1;
            }
            let mantissa = u32::try_from(self.bitrate >> exponent).unwrap_or(MAX_MANTISSA);
            let count = u8::try_from(self.ssrcs.len()).unwrap_or(u8::MAX);
            let word = u32::from(count) << 24 | exponent << 18 | mantissa;
            out.extend_from_slice(&word.to_be_bytes());
            for ssrc in self.ssrcs.iter().take(usize::from(count)) {
                out.extend_from_slice(&ssrc.0.to_be_bytes());
            }
        });
    }
}

pub(super) fn read_ssrcs(reader: &mut Reader<'_>) -> Option<(Ssrc, Ssrc)> {
    Some((Ssrc(reader.u32()?), Ssrc(reader.u32()?)))
}

pub(super) fn write_ssrcs(out: &mut Vec<u8>, sender: Ssrc, media: Ssrc) {
    out.extend_from_slice(&sender.0.to_be_bytes());
    out.extend_from_slice(&media.0.to_be_bytes());
}

const REMB: [u8; 4] = *b"REMB";
const MAX_MANTISSA: u32 = 0x3_ffff;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nack_packs_seventeen_into_one_word() {
        let nack = Nack {
            sender: Ssrc(1),
            media: Ssrc(2),
            lost: (65530..=65535).chain(0..12).map(SequenceNumber).collect(),
        };
        let mut out = Vec::new();
        nack.write(&mut out);
        let expected = [
            0x81, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xfa, 0xff, 0xff, 0, 11, 0, 0,
        ];
        assert_eq!(out, expected);
    }

    #[test]
    fn remb_keeps_eighteen_bits() {
        let mut out = Vec::new();
        let remb = |bitrate| Remb {
            sender: Ssrc(1),
            bitrate,
            ssrcs: Vec::new(),
        };
        remb(0x4_0001).write(&mut out);
        assert_eq!(out[16..], [0, 0b0000_0110, 0, 0]);
        let read = Remb::read(&mut Reader(&out[4..])).unwrap();
        assert_eq!(read, Some(remb(0x4_0000)));
    }
}
