//! `urn:3gpp:video-orientation` (3GPP TS 26.114 §7.4.5, "CVO").

/// How a picture must be turned to stand upright.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct VideoOrientation {
    /// Taken by the camera at the back.
    pub camera: bool,
    /// Mirrored.
    pub flip: bool,
    /// The turn it was sent with.
    pub rotation: Rotation,
}

/// A turn by quarters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) enum Rotation {
    /// None.
    #[default]
    Deg0,
    /// A quarter.
    Deg90,
    /// Upside down.
    Deg180,
    /// Three quarters.
    Deg270,
}

impl Rotation {
    /// Degrees: 0, 90, 180 or 270.
    #[must_use]
    pub(crate) const fn degrees(self) -> u16 {
        match self {
            Self::Deg0 => 0,
            Self::Deg90 => 90,
            Self::Deg180 => 180,
            Self::Deg270 => 270,
        }
    }
}

impl VideoOrientation {
    /// Reads an element's value: `0 0 0 0 C F R1 R0`.
    #[must_use]
    pub(crate) fn parse(value: &[u8]) -> Option<Self> {
        let byte = value.first()?;
        Some(Self {
            camera: byte & 0x08 != 0,
            flip: byte & 0x04 != 0,
            rotation: match byte & 0x03 {
                0 => Rotation::Deg0,
                1 => Rotation::Deg90,
                2 => Rotation::Deg180,
                _ => Rotation::Deg270,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lower_four_bits_are_read() {
        let turned = VideoOrientation::parse(&[0b1011]).unwrap();
        assert!(turned.camera && !turned.flip);
        assert_eq!(turned.rotation.degrees(), 270);
        let flipped = VideoOrientation::parse(&[0b0110]).unwrap();
        assert!(flipped.flip && !flipped.camera);
        assert_eq!(flipped.rotation.degrees(), 180);
        assert_eq!(VideoOrientation::parse(&[0]).unwrap().rotation.degrees(), 0);
        assert_eq!(
            VideoOrientation::parse(&[1]).unwrap().rotation.degrees(),
            90
        );
        assert_eq!(VideoOrientation::parse(&[]), None);
    }
}
