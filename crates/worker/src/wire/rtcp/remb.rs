//! Receiver estimated maximum bitrate (draft-alvestrand-rmcat-remb-03).

use crate::ids::Ssrc;
use crate::wire::buffer::Reader;

use super::compound::{APPLICATION, CompoundWriter, PSFB, feedback_sources};
use super::report_block::Ssrcs;

/// A received bitrate estimate.
#[derive(Clone, Debug)]
pub struct Remb<'a> {
    /// Who estimates.
    pub sender_ssrc: Ssrc,
    /// Bits per second, for all the streams together.
    pub bitrate: u64,
    /// The streams.
    pub ssrcs: Ssrcs<'a>,
}

impl<'a> Remb<'a> {
    /// Whether application layer feedback with this body calls itself "REMB".
    pub(super) fn is_named(body: &[u8]) -> bool {
        body.get(8..12) == Some(NAME)
    }

    pub(super) fn parse(body: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(body);
        let (sender, _) = feedback_sources(&mut reader)?;
        reader.bytes(NAME.len())?;
        let count = reader.u8()?;
        let bits = reader.u24()?;
        let (exponent, mantissa) = (bits >> MANTISSA_BITS, u64::from(bits & MAX_MANTISSA));
        let bitrate = mantissa << exponent;
        // An estimate of more than 64 bits is none.
        if bitrate >> exponent != mantissa {
            return None;
        }
        Some(Self {
            sender_ssrc: Ssrc(sender),
            bitrate,
            ssrcs: Ssrcs::read(count, &mut reader)?,
        })
    }

    /// Writes an estimate of `bitrate` bits per second, rounded down to 18 significant bits, for up
    /// to 255 streams.
    pub fn write(
        out: &mut CompoundWriter<'_>,
        sender_ssrc: Ssrc,
        bitrate: u64,
        ssrcs: &[Ssrc],
    ) -> Option<()> {
        let exponent = (u64::BITS - bitrate.leading_zeros()).saturating_sub(MANTISSA_BITS);
        let mantissa = u32::try_from(bitrate >> exponent).ok()?;
        out.packet(PSFB, APPLICATION, |out| {
            out.u32(sender_ssrc.0)?;
            // The draft's §2.2 says of the SSRC of the media source: "Always 0".
            out.u32(0)?;
            out.bytes(NAME)?;
            out.u8(u8::try_from(ssrcs.len()).ok()?)?;
            out.u24(exponent << MANTISSA_BITS | mantissa)?;
            ssrcs.iter().try_for_each(|ssrc| out.u32(ssrc.0))
        })
    }
}

const NAME: &[u8] = b"REMB";
const MANTISSA_BITS: u32 = 18;
const MAX_MANTISSA: u32 = (1 << MANTISSA_BITS) - 1;

#[cfg(test)]
mod tests {
    use super::super::{RtcpPacket, RtcpPackets};
    use super::*;

    fn round_trip(bitrate: u64) -> u64 {
        let mut buffer = [0; 28];
        let mut out = CompoundWriter::new(&mut buffer);
        Remb::write(&mut out, Ssrc(1), bitrate, &[Ssrc(2), Ssrc(3)]).unwrap();
        let Some(RtcpPacket::Remb(remb)) = RtcpPackets::new(&buffer).next() else {
            panic!("not an estimate");
        };
        assert_eq!(remb.ssrcs.collect::<Vec<_>>(), [Ssrc(2), Ssrc(3)]);
        remb.bitrate
    }

    #[test]
    fn eighteen_bits_survive_and_the_rest_is_rounded_down() {
        for exact in [0, 1, 262_143, 262_144, 600_000, 1 << 63] {
            assert_eq!(round_trip(exact), exact);
        }
        assert_eq!(round_trip(524_287), 524_286);
        assert_eq!(round_trip(u64::MAX), u64::from(MAX_MANTISSA) << 46);
    }

    #[test]
    fn an_exponent_that_overflows_is_malformed() {
        let mut packet = [0; 20];
        packet[..4].copy_from_slice(&[0x8f, 206, 0, 4]);
        packet[12..16].copy_from_slice(NAME);
        packet[17..].copy_from_slice(&[0xff, 0xff, 0xff]);
        let mut packets = RtcpPackets::new(&packet);
        assert!(packets.next().is_none());
        assert!(packets.error().is_some());
    }

    #[test]
    fn more_streams_than_bytes_are_malformed() {
        let mut packet = [0; 20];
        packet[..4].copy_from_slice(&[0x8f, 206, 0, 4]);
        packet[12..16].copy_from_slice(NAME);
        packet[16] = 1;
        assert!(RtcpPackets::new(&packet).next().is_none());
    }
}
