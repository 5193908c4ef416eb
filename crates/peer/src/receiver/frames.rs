//! Putting the packets of VP8 frames together.

use std::collections::BTreeMap;

use crate::rtp::{RtpPacket, RtpTimestamp, Vp8Descriptor, is_vp8_key_frame};

/// A VP8 frame of which every packet has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vp8Frame {
    /// Timestamp of its packets.
    pub timestamp: RtpTimestamp,
    /// Picture identifier, of 7 or 15 bits.
    pub picture_id: Option<u16>,
    /// Whether it is a key frame.
    pub key_frame: bool,
    /// The frame as a decoder takes it.
    pub data: Vec<u8>,
}

/// Puts packets together, in whatever order they come.
#[derive(Debug, Default)]
pub(super) struct FrameAssembler {
    parts: BTreeMap<u64, Part>,
    last_broken: Option<RtpTimestamp>,
    pub(super) malformed: u64,
    pub(super) broken: u64,
}

#[derive(Debug)]
struct Part {
    timestamp: RtpTimestamp,
    starts_frame: bool,
    ends_frame: bool,
    picture_id: Option<u16>,
    data: Vec<u8>,
}

impl FrameAssembler {
    /// Takes a packet by its extended sequence number and returns the frame that it completes.
    pub(super) fn insert(&mut self, sequence: u64, packet: &RtpPacket<'_>) -> Option<Vp8Frame> {
        let Ok(descriptor) = Vp8Descriptor::parse(packet.payload()) else {
            self.malformed += 1;
            return None;
        };
        let header = packet.header();
        let part = Part {
            timestamp: header.timestamp,
            starts_frame: descriptor.starts_frame,
            ends_frame: header.marker,
            picture_id: descriptor.picture_id,
            data: packet.payload()[descriptor.length..].to_vec(),
        };
        self.parts.insert(sequence, part);
        let frame = self.complete(sequence);
        self.forget_before(sequence.saturating_sub(WINDOW));
        frame
    }

    fn complete(&mut self, sequence: u64) -> Option<Vp8Frame> {
        let timestamp = self.parts.get(&sequence)?.timestamp;
        let part = |sequence: u64| {
            let part = self.parts.get(&sequence)?;
            (part.timestamp == timestamp).then_some(part)
        };
        let mut first = sequence;
        while !part(first)?.starts_frame {
            first = first.checked_sub(1)?;
        }
        let mut last = sequence;
        while !part(last)?.ends_frame {
            last += 1;
        }

        let picture_id = part(first)?.picture_id;
        let mut data = Vec::new();
        for sequence in first..=last {
            data.extend(self.parts.remove(&sequence)?.data);
        }
        Some(Vp8Frame {
            timestamp,
            picture_id,
            key_frame: is_vp8_key_frame(&data),
            data,
        })
    }

    /// Drops packets below `oldest`: their frames will never be complete.
    fn forget_before(&mut self, oldest: u64) {
        while let Some(entry) = self.parts.first_entry() {
            if *entry.key() >= oldest {
                return;
            }
            let timestamp = entry.remove().timestamp;
            if self.last_broken != Some(timestamp) {
                self.last_broken = Some(timestamp);
                self.broken += 1;
            }
        }
    }
}

/// How many sequence numbers an incomplete frame may lie behind before it is dropped.
const WINDOW: u64 = 1000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::{PayloadType, PictureId, RtpHeader, SequenceNumber, Ssrc, packetize_vp8};

    fn packets(frame: &[u8], first: u16, timestamp: u32) -> Vec<Vec<u8>> {
        let payloads = packetize_vp8(frame, PictureId::new(first), 8);
        let last = payloads.len() - 1;
        let packets = (first..).zip(payloads).enumerate();
        packets
            .map(|(index, (sequence_number, payload))| {
                RtpHeader {
                    marker: index == last,
                    payload_type: PayloadType(96),
                    sequence_number: SequenceNumber(sequence_number),
                    timestamp: RtpTimestamp(timestamp),
                    ssrc: Ssrc(1),
                    extensions: Vec::new(),
                }
                .write(&payload)
            })
            .collect()
    }

    fn insert(assembler: &mut FrameAssembler, packet: &[u8]) -> Option<Vp8Frame> {
        let packet = RtpPacket::parse(packet).unwrap();
        let sequence = u64::from(packet.header().sequence_number.0);
        assembler.insert(sequence, &packet)
    }

    #[test]
    fn frames_are_complete_in_any_order_of_packets() {
        let key = [0x10, 1, 2, 3, 4, 5, 6, 7, 8, 9];
        let inter = [0x11, 1];
        let first = packets(&key, 10, 100);
        let second = packets(&inter, 13, 200);
        let mut assembler = FrameAssembler::default();
        assert_eq!(insert(&mut assembler, &first[2]), None);
        assert_eq!(insert(&mut assembler, &first[0]), None);
        let frame = insert(&mut assembler, &second[0]).unwrap();
        assert_eq!((frame.key_frame, &frame.data[..]), (false, &inter[..]));
        let frame = insert(&mut assembler, &first[1]).unwrap();
        assert_eq!((frame.key_frame, &frame.data[..]), (true, &key[..]));
        assert_eq!(frame.picture_id, Some(10));
    }

    #[test]
    fn frame_with_a_hole_is_counted_once_and_forgotten() {
        let mut assembler = FrameAssembler::default();
        let hurt = packets(&[0x10; 16], 10, 100);
        for index in [0, 1, 3] {
            assert_eq!(insert(&mut assembler, &hurt[index]), None);
        }
        for number in 0..600 {
            let whole = packets(&[0x11; 8], 14 + 2 * number, 200 + u32::from(number));
            assert_eq!(insert(&mut assembler, &whole[0]), None);
            assert!(insert(&mut assembler, &whole[1]).is_some());
        }
        assert_eq!((assembler.broken, assembler.parts.len()), (1, 0));
    }

    #[test]
    fn payload_without_a_whole_descriptor_is_malformed() {
        let mut packet = packets(&[0x10], 1, 1).remove(0);
        packet.truncate(14);
        let mut assembler = FrameAssembler::default();
        assert_eq!(insert(&mut assembler, &packet), None);
        assert_eq!(assembler.malformed, 1);
    }
}
