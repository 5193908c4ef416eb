//! The AV1 payload format (AV1 RTP specification §4.4): the aggregation header, and the layers of
//! the first OBU.

use crate::wire::buffer::Reader;

/// What an AV1 payload says before its first OBU's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Av1Payload {
    /// N: the first packet of a coded video sequence, which begins with a key frame.
    pub new_coded_video_sequence: bool,
    /// Whether a sequence header OBU begins in the packet.
    pub sequence_header: bool,
    /// Z: the first OBU element continues one of the packet before.
    pub continues: bool,
    /// Y: the last OBU element goes on in the next packet.
    pub continued: bool,
    /// The temporal layer of the first OBU that tells it, 0–7.
    pub temporal_layer: Option<u8>,
    /// The spatial layer of the first OBU that tells it, 0–3.
    pub spatial_layer: Option<u8>,
}

impl Av1Payload {
    /// Reads the aggregation header and walks the OBU elements behind it. `None` when their lengths
    /// do not fit, or when the header contradicts itself.
    #[must_use]
    pub(crate) fn parse(payload: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(payload);
        let header = reader.u8()?;
        let mut this = Self {
            new_coded_video_sequence: header & 0x08 != 0,
            sequence_header: false,
            continues: header & 0x80 != 0,
            continued: header & 0x40 != 0,
            temporal_layer: None,
            spatial_layer: None,
        };
        // AV1 RTP §4.4: N is for the first packet of a coded video sequence, which continues
        // nothing: "If N equals 1 then Z must equal 0."
        if this.new_coded_video_sequence && this.continues {
            return None;
        }
        let count = (header >> 4) & 0x03;
        let mut index = 0u8;
        while !reader.is_empty() {
            index = index.saturating_add(1);
            // With W not 0 there are W elements, of which the last has no length.
            let element = if index == count {
                reader.bytes(reader.rest().len())?
            } else {
                let len = read_leb128(&mut reader)?;
                reader.bytes(len)?
            };
            if index > 1 || !this.continues {
                this.look_at(element);
            }
        }
        (index >= count.max(1)).then_some(this)
    }

    fn look_at(&mut self, element: &[u8]) {
        let mut reader = Reader::new(element);
        let Some(header) = reader.u8() else { return };
        self.sequence_header |= (header >> 3) & 0x0f == SEQUENCE_HEADER;
        let has_extension = header & 0x04 != 0;
        if let (true, None, Some(extension)) = (has_extension, self.temporal_layer, reader.u8()) {
            self.temporal_layer = Some(extension >> 5);
            self.spatial_layer = Some((extension >> 3) & 0x03);
        }
    }
}

/// A length of up to 28 bits in groups of seven, the lowest first (AV1 §4.10.5). Longer ones cannot
/// fit a packet.
fn read_leb128(reader: &mut Reader<'_>) -> Option<usize> {
    let mut value = 0;
    for shift in [0, 7, 14, 21] {
        let byte = reader.u8()?;
        value |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

const SEQUENCE_HEADER: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_sequence_begins_with_its_header() {
        // W=2, N: a sequence header of two bytes, then a frame with layers 1 and 2.
        let payload = [0x28, 2, 0x08, 0, 0x34, 0x30, 0xaa];
        let av1 = Av1Payload::parse(&payload).unwrap();
        assert!(av1.new_coded_video_sequence && av1.sequence_header);
        assert_eq!((av1.temporal_layer, av1.spatial_layer), (Some(1), Some(2)));
        assert!(!av1.continues && !av1.continued);
    }

    #[test]
    fn a_continued_element_has_no_header_to_read() {
        // Z, W=1: what looks like a sequence header is the middle of another OBU.
        let av1 = Av1Payload::parse(&[0x90, 0x08, 0]).unwrap();
        assert!(av1.continues && !av1.sequence_header);
        // Z, W=0: the second element is its own.
        let av1 = Av1Payload::parse(&[0x80, 1, 0xff, 1, 0x08]).unwrap();
        assert!(av1.sequence_header);
    }

    #[test]
    fn lengths_that_do_not_fit_are_malformed() {
        for payload in [
            &[][..],
            &[0x10],                               // no element
            &[0x00, 2, 0x30],                      // an element past the end
            &[0x20, 1, 0x30],                      // one element of two
            &[0x30, 1, 0x30, 1, 0x30],             // two of three
            &[0x00, 0x80],                         // half a length
            &[0x00, 0xff, 0xff, 0xff, 0xff, 0x01], // a length of 35 bits
            &[0x98, 0x08, 0],                      // N and Z
        ] {
            assert_eq!(Av1Payload::parse(payload), None, "{payload:02x?}");
        }
    }

    #[test]
    fn lengths_of_two_groups_are_read() {
        let mut payload = vec![0x00, 0xc8, 0x01];
        payload.extend([0x30; 200]);
        payload.extend([1, 0x08]);
        assert!(Av1Payload::parse(&payload).unwrap().sequence_header);
    }
}
