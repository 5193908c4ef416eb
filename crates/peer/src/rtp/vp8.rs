//! The VP8 payload format: cutting frames into packets, and reading their descriptors.

use std::fmt;

/// A picture identifier of 15 bits, which wraps (RFC 7741 §4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureId(u16);

impl PictureId {
    /// Takes the lower 15 bits.
    pub fn new(id: u16) -> Self {
        Self(id & 0x7fff)
    }

    /// The identifier of the next picture.
    pub fn next(self) -> Self {
        Self::new(self.0.wrapping_add(1))
    }

    /// The number, 0 to 32767.
    pub fn get(self) -> u16 {
        self.0
    }
}

/// Cuts a VP8 frame into RTP payloads of about equal size, none longer than `max_payload`.
///
/// Each payload begins with a descriptor that carries the picture identifier in its 15-bit form. A
/// `max_payload` below 5 counts as 5, which is the descriptor and one octet.
pub fn packetize_vp8(frame: &[u8], picture_id: PictureId, max_payload: usize) -> Vec<Vec<u8>> {
    let room = max_payload.saturating_sub(DESCRIPTOR.len()).max(1);
    let packets = frame.len().div_ceil(room).max(1);
    let part = frame.len().div_ceil(packets).max(1);
    let mut payloads = Vec::with_capacity(packets);
    for (index, part) in frame.chunks(part).enumerate() {
        let mut descriptor = DESCRIPTOR;
        // S: "Start of VP8 partition. SHOULD be set to 1 when the first payload octet of the RTP
        // packet is the beginning of a new VP8 partition" (RFC 7741 §4.2); the frame is cut without
        // regard to partitions.
        if index == 0 {
            descriptor[0] |= 0x10;
        }
        let [high, low] = picture_id.0.to_be_bytes();
        descriptor[2] = 0x80 | high;
        descriptor[3] = low;
        payloads.push([&descriptor[..], part].concat());
    }
    payloads
}

/// X set, then I set, then a picture identifier with M set.
const DESCRIPTOR: [u8; 4] = [0x80, 0x80, 0, 0];

/// Whether an assembled VP8 frame is a key frame: then its first bit is 0 (RFC 7741 §4.3).
pub fn is_vp8_key_frame(frame: &[u8]) -> bool {
    frame.first().is_some_and(|first| first & 0x01 == 0)
}

/// The payload descriptor of one VP8 packet (RFC 7741 §4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vp8Descriptor {
    /// Octets of the descriptor; the VP8 payload follows.
    pub length: usize,
    /// N: no other frame depends on this one.
    pub non_reference: bool,
    /// S and PID 0: the packet begins the frame.
    pub starts_frame: bool,
    /// The picture identifier, of 7 or 15 bits.
    pub picture_id: Option<u16>,
    /// TL0PICIDX
    pub tl0_pic_idx: Option<u8>,
    /// TID, 0 to 3.
    pub temporal_layer: Option<u8>,
}

/// The payload ends within its descriptor, or right after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vp8DescriptorError;

impl fmt::Display for Vp8DescriptorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VP8 payload ends within its descriptor")
    }
}

impl std::error::Error for Vp8DescriptorError {}

impl Vp8Descriptor {
    /// Reads the descriptor in front of a VP8 payload of at least one octet.
    ///
    /// # Errors
    /// The payload is too short.
    pub fn parse(payload: &[u8]) -> Result<Self, Vp8DescriptorError> {
        let mut octets = payload.iter().copied();
        let mut next = || octets.next().ok_or(Vp8DescriptorError);
        let first = next()?;
        let extended = if first & 0x80 != 0 { next()? } else { 0 };
        let mut picture_id = None;
        if extended & 0x80 != 0 {
            let id = next()?;
            picture_id = Some(if id & 0x80 != 0 {
                u16::from_be_bytes([id & 0x7f, next()?])
            } else {
                u16::from(id)
            });
        }
        let tl0_pic_idx = (extended & 0x40 != 0).then(&mut next).transpose()?;
        let tid_and_key = (extended & 0x30 != 0).then(&mut next).transpose()?;
        let remaining = octets.len();
        if remaining == 0 {
            return Err(Vp8DescriptorError);
        }
        Ok(Self {
            length: payload.len() - remaining,
            non_reference: first & 0x20 != 0,
            starts_frame: first & 0x17 == 0x10,
            picture_id,
            tl0_pic_idx,
            temporal_layer: tid_and_key
                .filter(|_| extended & 0x20 != 0)
                .map(|octet| octet >> 6),
        })
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use webrtc_rtp::{codecs::vp8::Vp8Packet, packetizer::Depacketizer};

    use super::*;

    #[test]
    fn known_octets() {
        let frame: Vec<u8> = (0..10).collect();
        let payloads = packetize_vp8(&frame, PictureId::new(0x1234), 8);
        assert_eq!(
            payloads,
            [
                vec![0x90, 0x80, 0x92, 0x34, 0, 1, 2, 3],
                vec![0x80, 0x80, 0x92, 0x34, 4, 5, 6, 7],
                vec![0x80, 0x80, 0x92, 0x34, 8, 9],
            ]
        );
    }

    #[test]
    fn packets_are_of_about_equal_size() {
        let sizes = |length, max| -> Vec<usize> {
            let frame = vec![1; length];
            let payloads = packetize_vp8(&frame, PictureId::new(1), max);
            payloads.iter().map(Vec::len).collect()
        };
        assert_eq!(sizes(1200, 1200), [604, 604]);
        assert_eq!(sizes(1196, 1200), [1200]);
        assert_eq!(sizes(3, 0), [5, 5, 5]);
    }

    #[test]
    fn an_independent_crate_reads_the_same() {
        let frame: Vec<u8> = (0..100).collect();
        let mut assembled = Vec::new();
        for (index, payload) in packetize_vp8(&frame, PictureId::new(0x7fff), 40)
            .into_iter()
            .enumerate()
        {
            let mut read = Vp8Packet::default();
            assembled.extend_from_slice(&read.depacketize(&Bytes::from(payload.clone())).unwrap());
            assert_eq!(read.picture_id, 0x7fff);
            assert_eq!(read.s, u8::from(index == 0));
            let ours = Vp8Descriptor::parse(&payload).unwrap();
            assert_eq!(ours.picture_id, Some(0x7fff));
            assert_eq!(ours.starts_frame, index == 0);
        }
        assert_eq!(assembled, frame);
        assert_eq!(PictureId::new(0x7fff).next().get(), 0);
    }

    #[test]
    fn full_descriptor_and_its_truncations() {
        // X, S; I, L, T, K; picture identifier 0x0305; TL0PICIDX 9; TID 2.
        let payload = [0x90, 0xf0, 0x83, 0x05, 9, 0x80, 0xaa];
        let descriptor = Vp8Descriptor::parse(&payload).unwrap();
        assert_eq!(descriptor.length, 6);
        assert_eq!(descriptor.picture_id, Some(0x0305));
        assert_eq!(descriptor.tl0_pic_idx, Some(9));
        assert_eq!(descriptor.temporal_layer, Some(2));
        for length in 0..payload.len() {
            assert_eq!(
                Vp8Descriptor::parse(&payload[..length]),
                Err(Vp8DescriptorError)
            );
        }
    }

    #[test]
    fn first_bit_tells_a_key_frame() {
        assert!(is_vp8_key_frame(&[0x50, 0, 0]));
        assert!(!is_vp8_key_frame(&[0x51, 0, 0]));
        assert!(!is_vp8_key_frame(&[]));
    }
}
