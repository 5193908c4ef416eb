//! Reading RTP packets.

use super::{PayloadType, RtpTimestamp, SequenceNumber, Ssrc};

/// A checked view of one RTP packet; its accessors cannot fail.
#[derive(Debug, Clone, Copy)]
pub struct RtpPacket<'a> {
    header: FixedHeader,
    extension_profile: u16,
    extensions: &'a [u8],
    payload: &'a [u8],
}

/// The fields of the fixed header, and how long the whole header is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FixedHeader {
    /// Octets of the header, CSRCs and extension included.
    pub length: usize,
    /// Whether the payload ends with padding.
    pub padding: bool,
    /// For video, the last packet of a frame.
    pub marker: bool,
    /// Payload type.
    pub payload_type: PayloadType,
    /// Sequence number.
    pub sequence_number: SequenceNumber,
    /// Timestamp.
    pub timestamp: RtpTimestamp,
    /// Synchronization source.
    pub ssrc: Ssrc,
}

/// Why octets are not an RTP packet; names the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RtpError {
    /// The version is not 2.
    #[error("version is not 2")]
    Version,
    /// The packet ends within the fixed header.
    #[error("packet ends within the fixed header")]
    FixedHeader,
    /// The packet ends within the list of contributing sources.
    #[error("packet ends within the CSRC list")]
    Csrcs,
    /// The packet ends within the header extension.
    #[error("packet ends within the header extension")]
    Extension,
    /// The padding length is 0 or more than the payload.
    #[error("padding length does not fit the payload")]
    Padding,
}

impl<'a> RtpPacket<'a> {
    /// Checks a whole, decrypted packet.
    ///
    /// # Errors
    /// [`RtpError`] names the field that does not fit.
    pub fn parse(packet: &'a [u8]) -> Result<Self, RtpError> {
        let (header, extension_profile, extensions) = split_header(packet)?;
        let mut payload = packet.get(header.length..).unwrap_or_default();
        if header.padding {
            let padding = usize::from(*payload.last().ok_or(RtpError::Padding)?);
            let kept = payload.len().checked_sub(padding).filter(|_| padding > 0);
            payload = &payload[..kept.ok_or(RtpError::Padding)?];
        }
        Ok(Self {
            header,
            extension_profile,
            extensions,
            payload,
        })
    }

    /// Checks the header alone, as is possible before decryption.
    ///
    /// # Errors
    /// [`RtpError`] names the field that does not fit.
    pub fn parse_header(packet: &[u8]) -> Result<FixedHeader, RtpError> {
        Ok(split_header(packet)?.0)
    }

    /// The fixed header.
    pub fn header(&self) -> &FixedHeader {
        &self.header
    }

    /// The synchronization source.
    pub fn ssrc(&self) -> Ssrc {
        self.header.ssrc
    }

    /// The payload without padding.
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// The data of a header extension by its negotiated identifier, in one-byte or two-byte form
    /// (RFC 8285).
    pub fn extension(&self, id: u8) -> Option<&'a [u8]> {
        let two_byte = match self.extension_profile {
            ONE_BYTE_PROFILE => false,
            profile if profile & 0xfff0 == TWO_BYTE_PROFILE => true,
            _ => return None,
        };
        let mut rest = self.extensions;
        loop {
            let (&first, after) = rest.split_first()?;
            // An octet of zero between elements is padding (RFC 8285 §4.1.2).
            if first == 0 {
                rest = after;
                continue;
            }
            let (element, length, data) = if two_byte {
                let (&length, data) = after.split_first()?;
                (first, usize::from(length), data)
            } else {
                (first >> 4, usize::from(first & 0x0f) + 1, after)
            };
            // "If the ID value 15 is used, its length field should be ignored, processing of the
            // entire extension should terminate" (RFC 8285 §4.2).
            if !two_byte && element == 15 {
                return None;
            }
            let (value, after) = data.split_at_checked(length)?;
            if element == id {
                return Some(value);
            }
            rest = after;
        }
    }
}

fn split_header(packet: &[u8]) -> Result<(FixedHeader, u16, &[u8]), RtpError> {
    let fixed = packet.first_chunk::<FIXED_HEADER>();
    let fixed = fixed.ok_or(RtpError::FixedHeader)?;
    if fixed[0] >> 6 != 2 {
        return Err(RtpError::Version);
    }
    let csrcs = 4 * usize::from(fixed[0] & 0x0f);
    let mut length = FIXED_HEADER + csrcs;
    let rest = packet.get(length..).ok_or(RtpError::Csrcs)?;
    let (mut profile, mut extensions) = (0, &[][..]);
    if fixed[0] & 0x10 != 0 {
        let head = rest.first_chunk::<4>().ok_or(RtpError::Extension)?;
        profile = u16::from_be_bytes([head[0], head[1]]);
        let octets = 4 * usize::from(u16::from_be_bytes([head[2], head[3]]));
        extensions = rest.get(4..4 + octets).ok_or(RtpError::Extension)?;
        length += 4 + octets;
    }
    let header = FixedHeader {
        length,
        padding: fixed[0] & 0x20 != 0,
        marker: fixed[1] & 0x80 != 0,
        payload_type: PayloadType(fixed[1] & 0x7f),
        sequence_number: SequenceNumber(u16::from_be_bytes([fixed[2], fixed[3]])),
        timestamp: RtpTimestamp(u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]])),
        ssrc: Ssrc(u32::from_be_bytes([
            fixed[8], fixed[9], fixed[10], fixed[11],
        ])),
    };
    Ok((header, profile, extensions))
}

pub(super) const ONE_BYTE_PROFILE: u16 = 0xbede;
pub(super) const TWO_BYTE_PROFILE: u16 = 0x1000;
const FIXED_HEADER: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    /// Two CSRCs, one-byte extensions 1 (two octets) and 3 (one octet) with padding between,
    /// payload of 2, padding of 3.
    const PACKET: [u8; 41] = [
        0xb2, 0xe0, 0x12, 0x34, 0, 0, 0, 9, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0, 2, 0xbe, 0xde, 0, 3,
        0x11, 0xaa, 0xbb, 0, 0x30, 0xcc, 0, 0, 0xf0, 0x40, 0x55, 0, 0x77, 0x88, 0, 0, 3,
    ];

    #[test]
    fn fields_extensions_and_payload_are_found() {
        let packet = RtpPacket::parse(&PACKET).unwrap();
        let header = packet.header();
        assert_eq!((header.length, header.marker), (36, true));
        assert_eq!(header.payload_type, PayloadType(96));
        assert_eq!(header.sequence_number, SequenceNumber(0x1234));
        assert_eq!(header.timestamp, RtpTimestamp(9));
        assert_eq!(packet.ssrc(), Ssrc(7));
        assert_eq!(packet.payload(), [0x77, 0x88]);
        assert_eq!(packet.extension(1), Some(&[0xaa, 0xbb][..]));
        assert_eq!(packet.extension(3), Some(&[0xcc][..]));
        // Identifier 4 stands after the stop element 15.
        assert_eq!(packet.extension(4), None);
    }

    #[test]
    fn two_byte_extensions_may_be_empty() {
        let mut packet = PACKET;
        packet[20..24].copy_from_slice(&[0x10, 0x05, 0, 3]);
        packet[24..36].copy_from_slice(&[1, 0, 0, 20, 2, 0xaa, 0xbb, 9, 200, 0, 0, 0]);
        let packet = RtpPacket::parse(&packet).unwrap();
        assert_eq!(packet.extension(1), Some(&[][..]));
        assert_eq!(packet.extension(20), Some(&[0xaa, 0xbb][..]));
        assert_eq!(packet.extension(9), None);
    }

    #[test]
    fn truncations_name_the_field() {
        let expected = |length| match length {
            0..12 => RtpError::FixedHeader,
            12..20 => RtpError::Csrcs,
            20..36 => RtpError::Extension,
            _ => RtpError::Padding,
        };
        for length in 0..PACKET.len() {
            match RtpPacket::parse(&PACKET[..length]) {
                Err(error) => assert_eq!(error, expected(length), "{length}"),
                // The payload octets and the zeros of the padding are not a valid padding length.
                Ok(_) => panic!("{length} octets were taken for a packet"),
            }
        }
        assert_eq!(
            RtpPacket::parse(&[0x40; 12]).unwrap_err(),
            RtpError::Version
        );
    }
}
