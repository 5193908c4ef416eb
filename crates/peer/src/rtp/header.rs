//! Writing RTP headers.

use super::{PayloadType, RtpTimestamp, SequenceNumber, Ssrc, packet::ONE_BYTE_PROFILE};

/// The header of a packet to write, without CSRCs.
#[derive(Debug, Clone)]
pub struct RtpHeader {
    /// For video, the last packet of a frame; for audio, the first after silence.
    pub marker: bool,
    /// Payload type, 0 to 127.
    pub payload_type: PayloadType,
    /// Sequence number.
    pub sequence_number: SequenceNumber,
    /// Timestamp.
    pub timestamp: RtpTimestamp,
    /// Synchronization source.
    pub ssrc: Ssrc,
    /// Header extensions in one-byte form: identifiers 1 to 14, data of 1 to 16 octets. Others are
    /// left out.
    pub extensions: Vec<(u8, Vec<u8>)>,
}

impl RtpHeader {
    /// The packet with this header and `payload`.
    pub fn write(&self, payload: &[u8]) -> Vec<u8> {
        let extensions = self.write_extensions();
        let mut packet = Vec::with_capacity(16 + extensions.len() + payload.len());
        packet.push(if extensions.is_empty() { 0x80 } else { 0x90 });
        packet.push(u8::from(self.marker) << 7 | self.payload_type.0 & 0x7f);
        packet.extend_from_slice(&self.sequence_number.0.to_be_bytes());
        packet.extend_from_slice(&self.timestamp.0.to_be_bytes());
        packet.extend_from_slice(&self.ssrc.0.to_be_bytes());
        packet.extend_from_slice(&extensions);
        packet.extend_from_slice(payload);
        packet
    }

    fn write_extensions(&self) -> Vec<u8> {
        let mut elements = Vec::new();
        for (id, data) in &self.extensions {
            // The length field of four bits holds the length minus one (RFC 8285 §4.2).
            let Some(length) = (1..=16_u8).find(|length| usize::from(*length) == data.len()) else {
                continue;
            };
            if (1..=14).contains(id) {
                elements.push(id << 4 | (length - 1));
                elements.extend_from_slice(data);
            }
        }
        if elements.is_empty() {
            return elements;
        }
        elements.resize(elements.len().next_multiple_of(4), 0);
        // At most 14 elements of 17 octets: 60 words.
        let words = u16::try_from(elements.len() / 4).unwrap_or(u16::MAX);
        let mut block = ONE_BYTE_PROFILE.to_be_bytes().to_vec();
        block.extend_from_slice(&words.to_be_bytes());
        block.extend_from_slice(&elements);
        block
    }
}

#[cfg(test)]
mod tests {
    use webrtc_util::marshal::{Marshal, Unmarshal};

    use super::*;

    fn header() -> RtpHeader {
        RtpHeader {
            marker: true,
            payload_type: PayloadType(96),
            sequence_number: SequenceNumber(0xfffe),
            timestamp: RtpTimestamp(0x0102_0304),
            ssrc: Ssrc(0x1122_3344),
            extensions: vec![(1, b"0".to_vec()), (4, vec![1, 2, 3])],
        }
    }

    #[test]
    fn known_octets() {
        let packet = header().write(&[0xee]);
        let expected = [
            0x90, 0xe0, 0xff, 0xfe, 1, 2, 3, 4, 0x11, 0x22, 0x33, 0x44, 0xbe, 0xde, 0, 2, 0x10,
            0x30, 0x42, 1, 2, 3, 0, 0, 0xee,
        ];
        assert_eq!(packet, expected);
    }

    #[test]
    fn an_independent_crate_reads_the_same() {
        let packet = header().write(&[0xee, 0xff]);
        let read = webrtc_rtp::packet::Packet::unmarshal(&mut &packet[..]).unwrap();
        assert_eq!(read.header.sequence_number, 0xfffe);
        assert_eq!(read.header.get_extension(1).unwrap()[..], *b"0");
        assert_eq!(read.header.get_extension(4).unwrap()[..], [1, 2, 3]);
        assert_eq!(read.payload[..], [0xee, 0xff]);
        assert_eq!(read.marshal().unwrap()[..], packet);
    }

    #[test]
    fn extensions_that_do_not_fit_are_left_out() {
        let mut header = header();
        header.extensions = vec![(15, vec![1]), (0, vec![1]), (2, vec![]), (3, vec![0; 17])];
        assert_eq!(header.write(&[]).len(), 12);
    }
}
