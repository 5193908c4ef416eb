//! Source descriptions (RFC 3550 §6.5), of which only CNAME is read and written.

use crate::ids::Ssrc;
use crate::wire::buffer::{Reader, padding_to_word};

use super::compound::{CompoundWriter, SDES, count_of};

/// A received source description.
#[derive(Clone, Debug)]
pub struct Sdes<'a> {
    chunks: SdesChunks<'a>,
}

/// What is said of one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SdesChunk<'a> {
    /// The source.
    pub ssrc: Ssrc,
    /// Its canonical name: 0–255 bytes, which nobody has checked to be UTF-8.
    pub cname: Option<&'a [u8]>,
}

impl<'a> Sdes<'a> {
    pub(super) fn parse(count: u8, body: &'a [u8]) -> Option<Self> {
        let chunks = SdesChunks {
            left: count,
            reader: Reader::new(body),
        };
        let well_formed = chunks.clone().count() == usize::from(count);
        well_formed.then_some(Self { chunks })
    }

    /// The chunks, one per source.
    #[must_use]
    pub fn chunks(&self) -> SdesChunks<'a> {
        self.chunks.clone()
    }

    /// Writes up to 31 chunks of a CNAME each, which may be up to 255 bytes long.
    pub fn write(out: &mut CompoundWriter<'_>, chunks: &[(Ssrc, &str)]) -> Option<()> {
        out.packet(SDES, count_of(chunks)?, |out| {
            chunks.iter().try_for_each(|(ssrc, cname)| {
                let start = out.position();
                out.u32(ssrc.0)?;
                out.u8(CNAME)?;
                out.u8(u8::try_from(cname.len()).ok()?)?;
                out.bytes(cname.as_bytes())?;
                // RFC 3550 §6.5: the list "MUST be terminated by one or more null octets".
                out.u8(END)?;
                out.align(start)
            })
        })
    }
}

/// The chunks of a source description.
#[derive(Clone, Debug)]
pub struct SdesChunks<'a> {
    left: u8,
    reader: Reader<'a>,
}

impl<'a> SdesChunks<'a> {
    fn read(&mut self) -> Option<SdesChunk<'a>> {
        let ssrc = Ssrc(self.reader.u32()?);
        let mut cname = None;
        // Items count from a 32-bit boundary: the SSRC before them is one word.
        let items = self.reader.rest().len();
        loop {
            let kind = self.reader.u8()?;
            if kind == END {
                break;
            }
            let len = self.reader.u8()?;
            let text = self.reader.bytes(usize::from(len))?;
            if kind == CNAME {
                cname = Some(text);
            }
        }
        let read = items - self.reader.rest().len();
        self.reader.bytes(padding_to_word(read))?;
        Some(SdesChunk { ssrc, cname })
    }
}

impl<'a> Iterator for SdesChunks<'a> {
    type Item = SdesChunk<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let chunk = self.read();
        if chunk.is_none() {
            self.left = 0;
        }
        chunk
    }
}

const END: u8 = 0;
const CNAME: u8 = 1;

#[cfg(test)]
mod tests {
    use super::super::{RtcpPacket, RtcpPackets};
    use super::*;

    fn read(compound: &[u8]) -> Option<Vec<SdesChunk<'_>>> {
        match RtcpPackets::new(compound).next()? {
            RtcpPacket::Sdes(sdes) => Some(sdes.chunks().collect()),
            _ => None,
        }
    }

    #[test]
    fn names_of_every_length_modulo_four_read_back() {
        let names = [
            (Ssrc(1), ""),
            (Ssrc(2), "a"),
            (Ssrc(3), "ab"),
            (Ssrc(4), "abc"),
            (Ssrc(5), "abcd"),
        ];
        let mut buffer = [0xff; 200];
        let mut out = CompoundWriter::new(&mut buffer);
        Sdes::write(&mut out, &names).unwrap();
        assert_eq!(out.len() % 4, 0);
        let chunks = read(out.written()).unwrap();
        let expected = names.map(|(ssrc, name)| SdesChunk {
            ssrc,
            cname: Some(name.as_bytes()),
        });
        assert_eq!(chunks, expected);
    }

    #[test]
    fn other_items_are_passed_over() {
        // NAME "xy", CNAME "c", end, padding.
        let packet = [
            0x81, 202, 0, 4, 0, 0, 0, 9, 2, 2, b'x', b'y', 1, 1, b'c', 0, 0, 0, 0, 0,
        ];
        let chunks = read(&packet).unwrap();
        assert_eq!(
            chunks,
            [SdesChunk {
                ssrc: Ssrc(9),
                cname: Some(b"c")
            }]
        );
    }

    #[test]
    fn a_chunk_without_its_end_is_malformed() {
        let packet = [0x81, 202, 0, 2, 0, 0, 0, 9, 1, 2, b'x', b'y'];
        assert_eq!(read(&packet), None);
        let mut buffer = [0; 600];
        let mut out = CompoundWriter::new(&mut buffer);
        assert_eq!(Sdes::write(&mut out, &[(Ssrc(1), &"x".repeat(256))]), None);
        assert!(out.is_empty());
    }
}
