//! Goodbye (RFC 3550 §6.6).

use crate::ids::Ssrc;
use crate::wire::buffer::Reader;

use super::compound::{BYE, CompoundWriter, count_of};
use super::report_block::Ssrcs;

/// A received goodbye.
#[derive(Clone, Debug)]
pub struct Bye<'a> {
    /// The sources that leave.
    pub ssrcs: Ssrcs<'a>,
    /// Why: 0–255 bytes of text that has not been checked.
    pub reason: Option<&'a [u8]>,
}

impl<'a> Bye<'a> {
    pub(super) fn parse(count: u8, body: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(body);
        let ssrcs = Ssrcs::read(count, &mut reader)?;
        let reason = match reader.u8() {
            None => None,
            Some(len) => Some(reader.bytes(usize::from(len))?),
        };
        Some(Self { ssrcs, reason })
    }

    /// Writes a goodbye of up to 31 sources, without a reason.
    pub fn write(out: &mut CompoundWriter<'_>, ssrcs: &[Ssrc]) -> Option<()> {
        out.packet(BYE, count_of(ssrcs)?, |out| {
            ssrcs.iter().try_for_each(|ssrc| out.u32(ssrc.0))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{RtcpPacket, RtcpPackets};
    use super::*;

    fn read(compound: &[u8]) -> Option<(Vec<Ssrc>, Option<&[u8]>)> {
        match RtcpPackets::new(compound).next()? {
            RtcpPacket::Bye(bye) => Some((bye.ssrcs.collect(), bye.reason)),
            _ => None,
        }
    }

    #[test]
    fn sources_read_back() {
        let mut buffer = [0; 12];
        let mut out = CompoundWriter::new(&mut buffer);
        Bye::write(&mut out, &[Ssrc(1), Ssrc(2)]).unwrap();
        assert_eq!(read(out.written()), Some((vec![Ssrc(1), Ssrc(2)], None)));
    }

    #[test]
    fn a_reason_may_follow_and_must_fit() {
        let mut packet = [0x81, 203, 0, 2, 0, 0, 0, 1, 3, b'b', b'y', b'e'];
        assert_eq!(read(&packet), Some((vec![Ssrc(1)], Some(&b"bye"[..]))));
        packet[8] = 4;
        assert_eq!(read(&packet), None);
        assert_eq!(read(&[0x82, 203, 0, 1, 0, 0, 0, 1]), None);
    }
}
