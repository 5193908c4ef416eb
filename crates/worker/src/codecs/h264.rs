//! The H.264 payload format (RFC 6184), as far as needed to find key frames.

use crate::wire::buffer::Reader;

/// What an H.264 payload holds that matters to a forwarder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct H264Payload {
    /// A sequence parameter set, or its first fragment; encoders send it before a key frame.
    pub sequence_parameter_set: bool,
    /// The first slice of an IDR picture, or the first fragment of it.
    pub idr_start: bool,
}

impl H264Payload {
    /// Looks into a single NAL unit, a STAP-A or an FU-A (RFC 6184 §5.4, non-interleaved mode).
    /// `None` when lengths do not fit or the packet has another structure.
    #[must_use]
    pub(crate) fn parse(payload: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(payload);
        let mut this = Self::default();
        match reader.u8()? & TYPE_MASK {
            1..=23 => this.look_at(payload),
            STAP_A => {
                while !reader.is_empty() {
                    let len = reader.u16()?;
                    let unit = reader.bytes(usize::from(len))?;
                    if unit.is_empty() {
                        return None;
                    }
                    this.look_at(unit);
                }
            }
            FU_A => {
                let header = reader.u8()?;
                if header & FRAGMENT_START != 0 {
                    this.note(header & TYPE_MASK, reader.rest().first());
                }
            }
            _ => return None,
        }
        Some(this)
    }

    fn look_at(&mut self, unit: &[u8]) {
        if let [header, rest @ ..] = unit {
            self.note(header & TYPE_MASK, rest.first());
        }
    }

    fn note(&mut self, unit_type: u8, first_byte: Option<&u8>) {
        match unit_type {
            SEQUENCE_PARAMETER_SET => self.sequence_parameter_set = true,
            // A slice header begins with first_mb_in_slice as an Exp-Golomb number, whose code for
            // 0 is a single bit of 1 (H.264 §7.3.3, §9.1): other slices of the picture have none.
            IDR_SLICE => self.idr_start |= first_byte.is_some_and(|byte| byte & 0x80 != 0),
            _ => {}
        }
    }
}

const TYPE_MASK: u8 = 0x1f;
const IDR_SLICE: u8 = 5;
const SEQUENCE_PARAMETER_SET: u8 = 7;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;
const FRAGMENT_START: u8 = 0x80;

#[cfg(test)]
mod tests {
    use super::*;

    fn found(payload: &[u8]) -> Option<(bool, bool)> {
        H264Payload::parse(payload).map(|h264| (h264.sequence_parameter_set, h264.idr_start))
    }

    #[test]
    fn single_units_are_told_apart() {
        assert_eq!(found(&[0x67, 0x42]), Some((true, false)));
        assert_eq!(found(&[0x65, 0x88]), Some((false, true)));
        assert_eq!(found(&[0x65, 0x40]), Some((false, false)), "second slice");
        assert_eq!(found(&[0x41, 0x9a]), Some((false, false)));
        assert_eq!(found(&[0x65]), Some((false, false)));
    }

    #[test]
    fn an_aggregation_is_walked() {
        let sps_pps_idr = [0x78, 0, 2, 0x67, 1, 0, 1, 0x68, 0, 2, 0x65, 0x80];
        assert_eq!(found(&sps_pps_idr), Some((true, true)));
        for len in [2, 4, 6, 7, 9, 10, 11] {
            assert_eq!(found(&sps_pps_idr[..len]), None, "{len} bytes");
        }
        assert_eq!(found(&[0x78, 0, 0]), None);
        assert_eq!(found(&[0x78, 0xff, 0xff, 0x67]), None);
    }

    #[test]
    fn only_the_first_fragment_counts() {
        assert_eq!(found(&[0x7c, 0x85, 0x88]), Some((false, true)));
        assert_eq!(found(&[0x7c, 0x87, 0x42]), Some((true, false)));
        assert_eq!(found(&[0x7c, 0x05, 0x88]), Some((false, false)));
        assert_eq!(found(&[0x7c, 0x45, 0x88]), Some((false, false)));
        assert_eq!(found(&[0x7c]), None);
    }

    #[test]
    fn interleaved_and_reserved_structures_are_refused() {
        for unit_type in [0, 25, 26, 27, 29, 30, 31] {
            assert_eq!(found(&[unit_type, 0, 1, 0x67]), None);
        }
        assert_eq!(found(&[]), None);
    }
}
