//! Source descriptions and goodbyes.

use super::compound::{BYE, MAX_COUNT, Reader, SDES, count_field, write_packet};
use crate::rtp::Ssrc;

/// The CNAME of one source (RFC 3550 §6.5); other items and further chunks are not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceDescription {
    /// The described source; 0 when the packet described none.
    pub ssrc: Ssrc,
    /// At most 255 octets are written; empty when there was none.
    pub cname: String,
}

/// Sources that have ended (RFC 3550 §6.6); the reason is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goodbye {
    /// At most 31 are written.
    pub ssrcs: Vec<Ssrc>,
}

impl SourceDescription {
    pub(super) fn read(reader: &mut Reader<'_>, count: u8) -> Option<Self> {
        let mut description = Self {
            ssrc: Ssrc(0),
            cname: String::new(),
        };
        if count == 0 {
            return Some(description);
        }
        description.ssrc = Ssrc(reader.u32()?);
        loop {
            let item = reader.u8()?;
            if item == 0 {
                return Some(description);
            }
            let length = usize::from(reader.u8()?);
            let text = reader.slice(length)?;
            if item == CNAME {
                description.cname = String::from_utf8_lossy(text).into_owned();
            }
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        write_packet(out, SDES, 1, |out| {
            out.extend_from_slice(&self.ssrc.0.to_be_bytes());
            let text = self.cname.as_bytes();
            let length = u8::try_from(text.len()).unwrap_or(u8::MAX);
            out.extend_from_slice(&[CNAME, length]);
            out.extend_from_slice(&text[..usize::from(length)]);
            // "The list of items in each chunk MUST be terminated by one or more null octets" (RFC
            // 3550 §6.5).
            out.push(0);
        });
    }
}

impl Goodbye {
    pub(super) fn read(reader: &mut Reader<'_>, count: u8) -> Option<Self> {
        let ssrcs = (0..count)
            .map(|_| reader.u32().map(Ssrc))
            .collect::<Option<_>>()?;
        Some(Self { ssrcs })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        write_packet(out, BYE, count_field(self.ssrcs.len()), |out| {
            for ssrc in self.ssrcs.iter().take(MAX_COUNT) {
                out.extend_from_slice(&ssrc.0.to_be_bytes());
            }
        });
    }
}

const CNAME: u8 = 1;
