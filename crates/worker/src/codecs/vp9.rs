//! The VP9 payload descriptor (RFC 9628 §4.2).

use crate::wire::buffer::Reader;

/// What a VP9 payload says before its compressed data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Vp9Descriptor {
    /// Picture ID, 7 or 15 bits; the same in all layers of a picture.
    pub picture_id: Option<u16>,
    /// P: the frame is predicted from an earlier picture.
    pub inter_predicted: bool,
    /// F: references are listed in the packet.
    pub flexible: bool,
    /// B: first packet of a layer's frame.
    pub frame_start: bool,
    /// E: last packet of a layer's frame.
    pub frame_end: bool,
    /// Z: no higher spatial layer of this picture refers to this frame.
    pub not_reference_for_upper_layers: bool,
    /// TID, 0–7; 0 without layer indices.
    pub temporal_layer: u8,
    /// U: higher temporal layers may begin after this frame.
    pub switching_up: bool,
    /// SID, 0–7; 0 without layer indices.
    pub spatial_layer: u8,
    /// D: the frame is predicted from the spatial layer below in the same picture.
    pub inter_layer_predicted: bool,
    /// TL0PICIDX, in the non-flexible mode with layer indices.
    pub tl0_picture_index: Option<u8>,
    /// The number of spatial layers in the scalability structure, 1–8; `None` without a structure.
    pub spatial_layers: Option<u8>,
    /// Length of the descriptor, in bytes.
    pub len: u16,
}

impl Vp9Descriptor {
    /// Reads the descriptor at the front of `payload`; `None` when it does not fit, or when nothing
    /// follows it.
    #[must_use]
    pub(crate) fn parse(payload: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(payload);
        let first = reader.u8()?;
        let mut this = Self {
            picture_id: None,
            inter_predicted: first & INTER_PREDICTED != 0,
            flexible: first & FLEXIBLE != 0,
            frame_start: first & 0x08 != 0,
            frame_end: first & 0x04 != 0,
            not_reference_for_upper_layers: first & 0x01 != 0,
            temporal_layer: 0,
            switching_up: false,
            spatial_layer: 0,
            inter_layer_predicted: false,
            tl0_picture_index: None,
            spatial_layers: None,
            len: 0,
        };
        if first & PICTURE_ID != 0 {
            let high = reader.u8()?;
            this.picture_id = Some(if high & 0x80 == 0 {
                u16::from(high)
            } else {
                u16::from_be_bytes([high & 0x7f, reader.u8()?])
            });
        }
        if first & LAYER_INDICES != 0 {
            this.read_layer_indices(&mut reader)?;
        }
        if this.flexible && this.inter_predicted {
            skip_references(&mut reader)?;
        }
        if first & SCALABILITY_STRUCTURE != 0 {
            this.spatial_layers = Some(read_structure(&mut reader)?);
        }
        this.len = u16::try_from(payload.len() - reader.rest().len()).ok()?;
        (!reader.is_empty()).then_some(this)
    }

    fn read_layer_indices(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let byte = reader.u8()?;
        self.temporal_layer = byte >> 5;
        self.switching_up = byte & 0x10 != 0;
        self.spatial_layer = (byte >> 1) & 0x07;
        self.inter_layer_predicted = byte & 0x01 != 0;
        if !self.flexible {
            self.tl0_picture_index = Some(reader.u8()?);
        }
        Some(())
    }

    /// Whether the packet begins a key picture: the start of a frame of the lowest spatial layer
    /// that refers to no earlier picture.
    #[must_use]
    pub(crate) const fn is_key_frame(&self) -> bool {
        self.frame_start && !self.inter_predicted && self.spatial_layer == 0
    }
}

/// RFC 9628 §4.2: up to three reference indices follow, each but the last with its lowest bit set.
fn skip_references(reader: &mut Reader<'_>) -> Option<()> {
    for _ in 0..3 {
        if reader.u8()? & 0x01 == 0 {
            return Some(());
        }
    }
    None
}

/// Reads past a scalability structure (RFC 9628 §4.2.1) and returns how many spatial layers it has.
fn read_structure(reader: &mut Reader<'_>) -> Option<u8> {
    let head = reader.u8()?;
    let layers = (head >> 5) + 1;
    if head & 0x10 != 0 {
        // Width and height of each layer, two bytes each.
        reader.bytes(usize::from(layers) * 4)?;
    }
    if head & 0x08 != 0 {
        for _ in 0..reader.u8()? {
            let references = (reader.u8()? >> 2) & 0x03;
            reader.bytes(usize::from(references))?;
        }
    }
    Some(layers)
}

/// I, P, L, F and V, of the first byte.
const PICTURE_ID: u8 = 0x80;
const INTER_PREDICTED: u8 = 0x40;
const LAYER_INDICES: u8 = 0x20;
const FLEXIBLE: u8 = 0x10;
const SCALABILITY_STRUCTURE: u8 = 0x02;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_non_flexible_mode_is_read() {
        // I, L, B, E, V; 15-bit picture id; TID 1, U, SID 2, D; TL0PICIDX; two layers with sizes
        // and a group of two pictures.
        let payload = [
            0xae, 0x92, 0x34, 0x35, 0x77, 0x38, 1, 64, 0, 180, 2, 128, 1, 104, 2, 0x00, 0x24, 1,
            0xff,
        ];
        let vp9 = Vp9Descriptor::parse(&payload).unwrap();
        assert_eq!(vp9.picture_id, Some(0x1234));
        assert!(!vp9.inter_predicted && !vp9.flexible);
        assert!(vp9.frame_start && vp9.frame_end);
        assert_eq!((vp9.temporal_layer, vp9.spatial_layer), (1, 2));
        assert!(vp9.switching_up && vp9.inter_layer_predicted);
        assert_eq!(vp9.tl0_picture_index, Some(0x77));
        assert_eq!(vp9.spatial_layers, Some(2));
        assert_eq!(vp9.len, 18);
        assert!(!vp9.is_key_frame(), "spatial layer 2 of a key picture");
        for len in 0..payload.len() {
            assert_eq!(Vp9Descriptor::parse(&payload[..len]), None, "{len} bytes");
        }
    }

    #[test]
    fn the_flexible_mode_has_references_and_no_tl0picidx() {
        // I, P, L, F, B; 7-bit picture id; layers; two references.
        let payload = [0xf8, 0x12, 0x20, 0x03, 0x04, 0xff];
        let vp9 = Vp9Descriptor::parse(&payload).unwrap();
        assert_eq!(vp9.picture_id, Some(0x12));
        assert_eq!(vp9.tl0_picture_index, None);
        assert_eq!(vp9.temporal_layer, 1);
        assert_eq!(vp9.len, 5);
        assert!(!vp9.is_key_frame());
        let four_references = [0xf8, 0x12, 0x20, 1, 1, 1, 0, 0xff];
        assert_eq!(Vp9Descriptor::parse(&four_references), None);
    }

    #[test]
    fn a_key_frame_starts_and_is_not_predicted() {
        let key_frame = |first: u8| Vp9Descriptor::parse(&[first, 0]).unwrap().is_key_frame();
        assert!(key_frame(0x08));
        assert!(!key_frame(0x48), "predicted");
        assert!(!key_frame(0x04), "not the start");
        // L and B with spatial layer 0, then 1.
        assert!(
            Vp9Descriptor::parse(&[0x28, 0x00, 9, 0])
                .unwrap()
                .is_key_frame()
        );
        assert!(
            !Vp9Descriptor::parse(&[0x28, 0x02, 9, 0])
                .unwrap()
                .is_key_frame()
        );
    }
}
