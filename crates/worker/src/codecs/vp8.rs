//! The VP8 payload descriptor (RFC 7741 §4.2): reading it, and rewriting its two counters, which
//! must be continuous for a consumer.

use crate::wire::buffer::{Reader, stamp};

/// What a VP8 payload says before its compressed data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Vp8Descriptor {
    /// N: no other frame refers to this one.
    pub non_reference: bool,
    /// S: the packet starts a partition.
    pub partition_start: bool,
    /// PID: which partition, 0–7.
    pub partition: u8,
    /// PictureID, 7 or 15 bits.
    pub picture_id: Option<u16>,
    /// How wide PictureID is in this packet.
    pub picture_id_width: PictureIdWidth,
    /// TL0PICIDX: counts the frames of the lowest temporal layer.
    pub tl0_picture_index: Option<u8>,
    /// TID: the temporal layer, 0–3.
    pub temporal_layer: Option<u8>,
    /// Y: the frame refers to the lowest layer alone, so its own layer may begin here.
    pub layer_sync: bool,
    /// KEYIDX: counts the key frames, 0–31.
    pub key_index: Option<u8>,
    /// Whether the packet begins a key frame, by the first byte of the compressed data.
    pub key_frame: bool,
    /// Length of the descriptor, in bytes: 1–6.
    pub len: u8,
    picture_id_at: u8,
    tl0_picture_index_at: u8,
}

/// How wide PictureID is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum PictureIdWidth {
    /// 7 bits.
    Seven,
    /// 15 bits.
    Fifteen,
}

impl Vp8Descriptor {
    /// Reads the descriptor at the front of `payload`; `None` when it does not fit, or when nothing
    /// follows it.
    #[must_use]
    pub(crate) fn parse(payload: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(payload);
        let first = reader.u8()?;
        let mut this = Self {
            non_reference: first & 0x20 != 0,
            partition_start: first & 0x10 != 0,
            partition: first & 0x07,
            picture_id: None,
            picture_id_width: PictureIdWidth::Seven,
            tl0_picture_index: None,
            temporal_layer: None,
            layer_sync: false,
            key_index: None,
            key_frame: false,
            len: 0,
            picture_id_at: 0,
            tl0_picture_index_at: 0,
        };
        if first & EXTENDED != 0 {
            this.read_extension(&mut reader, payload.len())?;
        }
        this.len = u8::try_from(payload.len() - reader.rest().len()).ok()?;
        let header = reader.u8()?;
        // RFC 7741 §4.3: the inverse key frame flag is in the header of the first partition.
        this.key_frame = this.is_frame_start() && header & 0x01 == 0;
        Some(this)
    }

    fn read_extension(&mut self, reader: &mut Reader<'_>, len: usize) -> Option<()> {
        let present = reader.u8()?;
        let at = |reader: &Reader<'_>| u8::try_from(len - reader.rest().len()).ok();
        if present & PICTURE_ID != 0 {
            self.picture_id_at = at(reader)?;
            let high = reader.u8()?;
            self.picture_id = if high & LONG_PICTURE_ID == 0 {
                Some(u16::from(high))
            } else {
                self.picture_id_width = PictureIdWidth::Fifteen;
                Some(u16::from_be_bytes([high & 0x7f, reader.u8()?]))
            };
        }
        if present & TL0_PICTURE_INDEX != 0 {
            self.tl0_picture_index_at = at(reader)?;
            self.tl0_picture_index = Some(reader.u8()?);
        }
        if present & (TEMPORAL_LAYER | KEY_INDEX) != 0 {
            let byte = reader.u8()?;
            if present & TEMPORAL_LAYER != 0 {
                self.temporal_layer = Some(byte >> 6);
                self.layer_sync = byte & 0x20 != 0;
            }
            if present & KEY_INDEX != 0 {
                self.key_index = Some(byte & 0x1f);
            }
        }
        Some(())
    }

    /// Whether the packet begins a frame.
    #[must_use]
    pub(crate) const fn is_frame_start(&self) -> bool {
        self.partition_start && self.partition == 0
    }

    /// Writes new counters into `payload`, which must be a copy of the payload that this descriptor
    /// was read from. Only counters that are present are written, in their own width: a PictureID
    /// gets its lower 7 or 15 bits. If the payload is too short, nothing changes and the answer is
    /// `None`.
    pub(crate) fn rewrite(
        &self,
        payload: &mut [u8],
        picture_id: u16,
        tl0_picture_index: u8,
    ) -> Option<()> {
        if payload.len() < usize::from(self.len) {
            return None;
        }
        if self.picture_id.is_some() {
            let [high, low] = picture_id.to_be_bytes();
            let at = usize::from(self.picture_id_at);
            match self.picture_id_width {
                PictureIdWidth::Seven => stamp(payload, at, &[low & 0x7f])?,
                PictureIdWidth::Fifteen => stamp(payload, at, &[high | LONG_PICTURE_ID, low])?,
            }
        }
        if self.tl0_picture_index.is_some() {
            stamp(
                payload,
                usize::from(self.tl0_picture_index_at),
                &[tl0_picture_index],
            )?;
        }
        Some(())
    }
}

/// X, of the first byte.
const EXTENDED: u8 = 0x80;
/// I, L, T and K, of the second byte.
const PICTURE_ID: u8 = 0x80;
const TL0_PICTURE_INDEX: u8 = 0x40;
const TEMPORAL_LAYER: u8 = 0x20;
const KEY_INDEX: u8 = 0x10;
/// M, of PictureID.
const LONG_PICTURE_ID: u8 = 0x80;

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: [u8; 8] = [0x90, 0xf0, 0xd6, 0x7c, 0x11, 0xb3, 0x00, 0x9d];

    #[test]
    fn a_full_descriptor_is_read() {
        let vp8 = Vp8Descriptor::parse(&FULL).unwrap();
        assert_eq!(vp8.picture_id, Some(0x567c));
        assert_eq!(vp8.picture_id_width, PictureIdWidth::Fifteen);
        assert_eq!(vp8.tl0_picture_index, Some(0x11));
        assert_eq!(vp8.temporal_layer, Some(2));
        assert!(vp8.layer_sync && vp8.key_frame && vp8.is_frame_start());
        assert_eq!(vp8.key_index, Some(0x13));
        assert_eq!(vp8.len, 6);
        assert!(!vp8.non_reference);
    }

    #[test]
    fn a_key_frame_needs_the_start_of_the_first_partition() {
        let key_frame = |payload: &[u8]| Vp8Descriptor::parse(payload).unwrap().key_frame;
        assert!(key_frame(&[0x10, 0x00]));
        assert!(!key_frame(&[0x10, 0x01]));
        assert!(!key_frame(&[0x00, 0x00]));
        assert!(!key_frame(&[0x11, 0x00]));
    }

    #[test]
    fn a_descriptor_cut_anywhere_is_malformed() {
        for len in 0..7 {
            assert_eq!(Vp8Descriptor::parse(&FULL[..len]), None, "{len} bytes");
        }
    }

    #[test]
    fn counters_are_rewritten_in_place_and_in_their_width() {
        let vp8 = Vp8Descriptor::parse(&FULL).unwrap();
        let mut payload = FULL;
        vp8.rewrite(&mut payload, 0xffff, 0x22).unwrap();
        assert_eq!(payload, [0x90, 0xf0, 0xff, 0xff, 0x22, 0xb3, 0x00, 0x9d]);
        assert_eq!(vp8.rewrite(&mut payload[..5], 0, 0), None);
        assert_eq!(payload[2], 0xff);

        let mut short = [0x80, 0xc0, 0x12, 0x34, 0x01];
        let vp8 = Vp8Descriptor::parse(&short).unwrap();
        assert_eq!(vp8.picture_id, Some(0x12));
        vp8.rewrite(&mut short, 0x1ff, 7).unwrap();
        assert_eq!(short, [0x80, 0xc0, 0x7f, 7, 0x01]);

        let mut without = [0x10, 0x00];
        let vp8 = Vp8Descriptor::parse(&without).unwrap();
        vp8.rewrite(&mut without, 1, 2).unwrap();
        assert_eq!(without, [0x10, 0x00]);
    }
}
