//! Picture loss indication (RFC 4585 §6.3.1).

use crate::ids::Ssrc;
use crate::wire::buffer::Reader;

use super::compound::{CompoundWriter, PLI, PSFB, feedback_sources};

/// A receiver lost a picture and asks for a key frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pli {
    /// Who asks.
    pub sender_ssrc: Ssrc,
    /// The stream it asks of.
    pub media_ssrc: Ssrc,
}

impl Pli {
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let (sender, media) = feedback_sources(&mut Reader::new(body))?;
        Some(Self {
            sender_ssrc: Ssrc(sender),
            media_ssrc: Ssrc(media),
        })
    }

    /// Writes it.
    pub fn write(&self, out: &mut CompoundWriter<'_>) -> Option<()> {
        out.packet(PSFB, PLI, |out| {
            out.u32(self.sender_ssrc.0)?;
            out.u32(self.media_ssrc.0)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{RtcpPacket, RtcpPackets};
    use super::*;

    #[test]
    fn it_reads_back() {
        let pli = Pli {
            sender_ssrc: Ssrc(1),
            media_ssrc: Ssrc(0xffff_fffe),
        };
        let mut buffer = [0; 12];
        pli.write(&mut CompoundWriter::new(&mut buffer)).unwrap();
        assert_eq!(
            buffer,
            [0x81, 206, 0, 2, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xfe]
        );
        let Some(RtcpPacket::Pli(read)) = RtcpPackets::new(&buffer).next() else {
            panic!("not a picture loss indication");
        };
        assert_eq!(read, pli);
    }
}
