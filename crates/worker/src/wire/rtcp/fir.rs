//! Full intra request (RFC 5104 §4.3.1).

use crate::ids::Ssrc;
use crate::wire::buffer::Reader;

use super::compound::{CompoundWriter, FIR, PSFB, feedback_sources};

/// A received full intra request.
#[derive(Clone, Debug)]
pub struct Fir<'a> {
    /// Who asks.
    pub sender_ssrc: Ssrc,
    entries: FirEntries<'a>,
}

/// One stream that a key frame is asked of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirEntry {
    /// The stream.
    pub ssrc: Ssrc,
    /// Counts the commands to this stream. A repetition of the last command has the same number.
    pub sequence_number: u8,
}

impl<'a> Fir<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(body);
        let (sender, _) = feedback_sources(&mut reader)?;
        if reader.is_empty() || !reader.rest().len().is_multiple_of(ENTRY_LEN) {
            return None;
        }
        Some(Self {
            sender_ssrc: Ssrc(sender),
            entries: FirEntries(reader),
        })
    }

    /// The streams asked of.
    #[must_use]
    pub fn entries(&self) -> FirEntries<'a> {
        self.entries.clone()
    }

    /// Writes a request to the streams of `entries`.
    pub fn write(
        out: &mut CompoundWriter<'_>,
        sender_ssrc: Ssrc,
        entries: &[FirEntry],
    ) -> Option<()> {
        out.packet(PSFB, FIR, |out| {
            out.u32(sender_ssrc.0)?;
            // RFC 5104 §4.3.1.2: the SSRC of the media source "is not used and SHALL be set to 0".
            out.u32(0)?;
            entries.iter().try_for_each(|entry| {
                out.u32(entry.ssrc.0)?;
                out.u8(entry.sequence_number)?;
                out.u24(0)
            })
        })
    }
}

/// The entries of a full intra request.
#[derive(Clone, Debug)]
pub struct FirEntries<'a>(Reader<'a>);

impl Iterator for FirEntries<'_> {
    type Item = FirEntry;

    fn next(&mut self) -> Option<Self::Item> {
        let ssrc = Ssrc(self.0.u32()?);
        let [sequence_number, ..] = self.0.array::<4>()?;
        Some(FirEntry {
            ssrc,
            sequence_number,
        })
    }
}

const ENTRY_LEN: usize = 8;

#[cfg(test)]
mod tests {
    use super::super::{RtcpPacket, RtcpPackets};
    use super::*;

    #[test]
    fn entries_read_back() {
        let entries = [
            FirEntry {
                ssrc: Ssrc(5),
                sequence_number: 255,
            },
            FirEntry {
                ssrc: Ssrc(6),
                sequence_number: 0,
            },
        ];
        let mut buffer = [0xff; 28];
        let mut out = CompoundWriter::new(&mut buffer);
        Fir::write(&mut out, Ssrc(1), &entries).unwrap();
        let Some(RtcpPacket::Fir(fir)) = RtcpPackets::new(&buffer).next() else {
            panic!("not a full intra request");
        };
        assert_eq!(fir.sender_ssrc, Ssrc(1));
        assert_eq!(fir.entries().collect::<Vec<_>>(), entries);
    }

    #[test]
    fn half_an_entry_is_malformed() {
        let mut packet = [0; 16];
        packet[..4].copy_from_slice(&[0x84, 206, 0, 3]);
        let mut packets = RtcpPackets::new(&packet);
        assert!(packets.next().is_none());
        assert!(packets.error().is_some());
    }
}
