//! RTP packets (RFC 3550 §5.1): a view that is checked once, and a writer of the fixed header.

use std::ops::Range;

use crate::ids::{PayloadType, Ssrc};

use super::buffer::{Reader, stamp};
use super::rtp_ext::{ExtensionProfile, Extensions};

/// A view of an RTP packet. [`RtpPacket::new_checked`] checks every length in the packet; after
/// that no accessor can fail or panic. The view borrows the bytes, so they cannot change while it
/// lives.
#[derive(Clone, Copy, Debug)]
pub struct RtpPacket<'a> {
    bytes: &'a [u8],
    header: RtpHeader,
    csrc_count: usize,
    extensions: Extensions<'a>,
    header_len: usize,
    padding_len: usize,
}

impl<'a> RtpPacket<'a> {
    /// Checks version, CSRC list, header extension and padding of a whole, decrypted packet.
    ///
    /// # Errors
    ///
    /// The first field that does not fit the packet.
    pub fn new_checked(bytes: &'a [u8]) -> Result<Self, RtpError> {
        let prefix = Prefix::read(bytes)?;
        let header = RtpHeader::read(bytes).ok_or(RtpError::TooShort)?;
        let payload_and_padding = bytes.get(prefix.header_len..).unwrap_or_default();
        let padding_len = match payload_and_padding.last() {
            _ if bytes[0] & PADDING_BIT == 0 => 0,
            // RFC 3550 §5.1: "The last octet of the padding contains a count of how many padding
            // octets should be ignored, including itself."
            Some(&count) if count != 0 && usize::from(count) <= payload_and_padding.len() => {
                usize::from(count)
            }
            _ => return Err(RtpError::Padding),
        };
        Ok(Self {
            bytes,
            header,
            csrc_count: prefix.csrc_count,
            extensions: prefix.extensions,
            header_len: prefix.header_len,
            padding_len,
        })
    }

    /// The whole packet.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The fixed fields, as [`RtpHeader::write`] takes them.
    #[must_use]
    pub const fn header(&self) -> RtpHeader {
        self.header
    }

    /// The marker bit; its meaning is the payload format's.
    #[must_use]
    pub const fn marker(&self) -> bool {
        self.header.marker
    }

    /// The payload type.
    #[must_use]
    pub const fn payload_type(&self) -> PayloadType {
        self.header.payload_type
    }

    /// The sequence number.
    #[must_use]
    pub const fn sequence_number(&self) -> u16 {
        self.header.sequence_number
    }

    /// The timestamp, in units of the codec's clock.
    #[must_use]
    pub const fn timestamp(&self) -> u32 {
        self.header.timestamp
    }

    /// The synchronization source.
    #[must_use]
    pub const fn ssrc(&self) -> Ssrc {
        self.header.ssrc
    }

    /// How many contributing sources are listed, 0–15.
    #[must_use]
    pub const fn csrc_count(&self) -> usize {
        self.csrc_count
    }

    /// The contributing sources.
    pub fn csrcs(&self) -> impl Iterator<Item = Ssrc> + use<'a> {
        let mut list = Reader::new(&self.bytes[FIXED_HEADER_LEN..][..self.csrc_count * 4]);
        std::iter::from_fn(move || list.u32().map(Ssrc))
    }

    /// The first 16 bits of the header extension; `None` without one.
    #[must_use]
    pub const fn extension_profile(&self) -> Option<ExtensionProfile> {
        self.extensions.profile()
    }

    /// The elements of the header extension; empty without one.
    #[must_use]
    pub const fn extensions(&self) -> Extensions<'a> {
        self.extensions
    }

    /// The value of the first extension element with this id.
    #[must_use]
    pub fn extension(&self, id: u8) -> Option<&'a [u8]> {
        self.extensions.find(id)
    }

    /// Length of fixed header, CSRC list and header extension, in bytes.
    #[must_use]
    pub const fn header_len(&self) -> usize {
        self.header_len
    }

    /// Where the payload lies in the packet, without padding.
    #[must_use]
    pub const fn payload_range(&self) -> Range<usize> {
        self.header_len..self.bytes.len() - self.padding_len
    }

    /// The payload, without padding.
    #[must_use]
    pub fn payload(&self) -> &'a [u8] {
        &self.bytes[self.payload_range()]
    }

    /// The number of padding bytes after the payload, including their count byte; 0 without
    /// padding.
    #[must_use]
    pub const fn padding_len(&self) -> usize {
        self.padding_len
    }

    /// Whether it carries only padding; bandwidth probes do.
    #[must_use]
    pub const fn is_padding_only(&self) -> bool {
        self.padding_len > 0 && self.header_len + self.padding_len == self.bytes.len()
    }
}

/// The fixed fields, and the length of fixed header, CSRC list and header extension, of a packet that
/// may not be authenticated or decrypted yet: what SRTP leaves in the clear. `None` when the header
/// does not fit the packet.
#[must_use]
pub(crate) fn clear_header(packet: &[u8]) -> Option<(RtpHeader, usize)> {
    let prefix = Prefix::read(packet).ok()?;
    Some((RtpHeader::read(packet)?, prefix.header_len))
}

/// Why bytes are no RTP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum RtpError {
    /// Fewer bytes than the fixed header has.
    #[error("shorter than the fixed RTP header")]
    TooShort,
    /// The version is not 2.
    #[error("RTP version is not 2")]
    Version,
    /// The CSRC list reaches past the end.
    #[error("CSRC list is longer than the packet")]
    Csrcs,
    /// The header extension reaches past the end.
    #[error("header extension is longer than the packet")]
    Extension,
    /// The padding bit is set, but the count is 0 or larger than the rest of the packet.
    #[error("padding count does not fit the payload")]
    Padding,
}

/// The fields of the fixed header that a sender chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpHeader {
    /// The marker bit.
    pub marker: bool,
    /// The payload type, 0–127.
    pub payload_type: PayloadType,
    /// The sequence number.
    pub sequence_number: u16,
    /// The timestamp, in units of the codec's clock.
    pub timestamp: u32,
    /// The synchronization source.
    pub ssrc: Ssrc,
}

impl RtpHeader {
    /// Writes the fixed header without CSRCs, extension and padding to the front of `packet` and
    /// returns its length. If it does not fit, nothing changes and the answer is `None`.
    ///
    /// [`super::rtp_ext::ExtensionWriter`] adds the extension after it and sets its bit.
    pub fn write(&self, packet: &mut [u8]) -> Option<usize> {
        let sequence_number = self.sequence_number.to_be_bytes();
        let timestamp = self.timestamp.to_be_bytes();
        let ssrc = self.ssrc.0.to_be_bytes();
        let mut fixed = [0; FIXED_HEADER_LEN];
        fixed[0] = VERSION << 6;
        fixed[1] = u8::from(self.marker) << 7 | self.payload_type.0 & 0x7f;
        fixed[2..4].copy_from_slice(&sequence_number);
        fixed[4..8].copy_from_slice(&timestamp);
        fixed[8..12].copy_from_slice(&ssrc);
        stamp(packet, 0, &fixed)?;
        Some(FIXED_HEADER_LEN)
    }

    /// Reads the fixed header of a packet that may not be authenticated yet. It only checks that
    /// the header is complete.
    #[must_use]
    pub fn read(packet: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(packet.get(1..)?);
        let second = reader.u8()?;
        Some(Self {
            marker: second & 0x80 != 0,
            payload_type: PayloadType(second & 0x7f),
            sequence_number: reader.u16()?,
            timestamp: reader.u32()?,
            ssrc: Ssrc(reader.u32()?),
        })
    }
}

/// The part before the payload: all that can be read before a packet is authenticated.
struct Prefix<'a> {
    csrc_count: usize,
    extensions: Extensions<'a>,
    header_len: usize,
}

impl<'a> Prefix<'a> {
    fn read(packet: &'a [u8]) -> Result<Self, RtpError> {
        let (fixed, behind) = packet
            .split_first_chunk::<FIXED_HEADER_LEN>()
            .ok_or(RtpError::TooShort)?;
        if fixed[0] >> 6 != VERSION {
            return Err(RtpError::Version);
        }
        let csrc_count = usize::from(fixed[0] & 0x0f);
        let mut reader = Reader::new(behind);
        reader.bytes(csrc_count * 4).ok_or(RtpError::Csrcs)?;
        let extensions = if fixed[0] & EXTENSION_BIT == 0 {
            Extensions::none()
        } else {
            let profile = reader.u16().ok_or(RtpError::Extension)?;
            let words = reader.u16().ok_or(RtpError::Extension)?;
            let elements = reader.bytes(usize::from(words) * 4);
            Extensions::new(profile, elements.ok_or(RtpError::Extension)?)
        };
        Ok(Self {
            csrc_count,
            extensions,
            header_len: packet.len() - reader.rest().len(),
        })
    }
}

/// Length of the fixed header, in bytes.
pub(crate) const FIXED_HEADER_LEN: usize = 12;
/// The X bit of the first byte.
pub(super) const EXTENSION_BIT: u8 = 0x10;
const PADDING_BIT: u8 = 0x20;
const VERSION: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: RtpHeader = RtpHeader {
        marker: true,
        payload_type: PayloadType(96),
        sequence_number: 0xfffe,
        timestamp: 0xdead_beef,
        ssrc: Ssrc(0x0102_0304),
    };

    fn packet(first: u8, behind: &[u8]) -> Vec<u8> {
        let mut packet = vec![0; FIXED_HEADER_LEN];
        HEADER.write(&mut packet).unwrap();
        packet[0] = first;
        packet.extend_from_slice(behind);
        packet
    }

    fn error(first: u8, behind: &[u8]) -> RtpError {
        RtpPacket::new_checked(&packet(first, behind)).unwrap_err()
    }

    #[test]
    fn a_written_header_reads_back() {
        let bytes = packet(0x80, b"media");
        let view = RtpPacket::new_checked(&bytes).unwrap();
        assert_eq!(view.header(), HEADER);
        assert_eq!(view.payload(), b"media");
        assert_eq!(view.header_len(), 12);
        assert_eq!(view.extension_profile(), None);
        assert!(!view.is_padding_only());
        assert_eq!(HEADER.write(&mut [0; 11]), None);
    }

    #[test]
    fn csrcs_extension_and_padding_are_set_apart_from_the_payload() {
        let bytes = packet(
            0xb2,
            &[
                0, 0, 0, 1, 0, 0, 0, 2, // CSRCs
                0xbe, 0xde, 0, 1, 0x31, 7, 8, 0, // one element of two bytes
                b'x', b'y', 0, 0, 3,
            ],
        );
        let view = RtpPacket::new_checked(&bytes).unwrap();
        assert_eq!(view.csrc_count(), 2);
        assert_eq!(view.csrcs().collect::<Vec<_>>(), [Ssrc(1), Ssrc(2)]);
        assert_eq!(view.extension_profile(), Some(ExtensionProfile::OneByte));
        assert_eq!(view.extension(3), Some(&[7, 8][..]));
        assert_eq!(view.extension(4), None);
        assert_eq!(view.payload(), b"xy");
        assert_eq!(view.payload_range(), 28..30);
        assert_eq!(view.padding_len(), 3);
        assert_eq!(clear_header(&bytes), Some((view.header(), 28)));
    }

    #[test]
    fn each_bad_length_has_a_name() {
        assert_eq!(
            RtpPacket::new_checked(&[0x80; 11]).unwrap_err(),
            RtpError::TooShort
        );
        assert_eq!(error(0x40, b""), RtpError::Version);
        assert_eq!(error(0x82, &[0; 7]), RtpError::Csrcs);
        assert_eq!(error(0x90, &[0xbe, 0xde, 0]), RtpError::Extension);
        assert_eq!(
            error(0x90, &[0xbe, 0xde, 0, 1, 0, 0, 0]),
            RtpError::Extension
        );
        assert_eq!(error(0xa0, b""), RtpError::Padding);
        assert_eq!(error(0xa0, &[1, 0]), RtpError::Padding);
        assert_eq!(error(0xa0, &[1, 3]), RtpError::Padding);
        assert_eq!(clear_header(&packet(0x90, &[0xbe, 0xde, 0, 1])), None);
    }

    #[test]
    fn padding_may_be_all_there_is() {
        let mut bytes = packet(0xa0, &[0; 20]);
        *bytes.last_mut().unwrap() = 20;
        let view = RtpPacket::new_checked(&bytes).unwrap();
        assert!(view.is_padding_only());
        assert!(view.payload().is_empty());
        assert_eq!(view.payload_range(), 12..12);
    }

    #[test]
    fn the_clear_header_is_checked_against_the_packet() {
        let len = |packet: &[u8]| clear_header(packet).map(|(_, len)| len);
        let fixed = packet(0x80, &[]);
        assert_eq!(len(&fixed), Some(12));
        assert_eq!(len(&fixed[..11]), None);
        assert_eq!(len(&[]), None);
        let csrcs = packet(0x8f, &[0; 60]);
        assert_eq!(len(&csrcs), Some(72));
        assert_eq!(len(&csrcs[..71]), None);
        let extended = packet(0x90, &[0xbe, 0xde, 0, 1, 0x10, 0, 0, 0]);
        assert_eq!(len(&extended), Some(20));
        for cut in 0..20 {
            assert_eq!(len(&extended[..cut]), None, "{cut}");
        }
        let huge = packet(0x90, &[0xbe, 0xde, 0xff, 0xff, 0x10, 0, 0, 0]);
        assert_eq!(len(&huge), None);
        assert_eq!(len(&packet(0x40, &[])), None);
    }
}
