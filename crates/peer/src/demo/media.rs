//! The picture and the tone that the demo sends, embedded in the program.

use std::time::Duration;

use super::{ivf, ogg};
use crate::rtp::is_vp8_key_frame;

/// A picture loop and a tone loop, ready to be sent.
#[derive(Debug, Clone)]
pub struct DemoMedia {
    pub(super) picture: Vec<Vec<u8>>,
    pub(super) frame_interval: Duration,
    pub(super) tone: Vec<Vec<u8>>,
}

/// Why a file cannot be used; names the part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MediaError {
    /// The picture is not an IVF file of VP8.
    #[error("IVF: {0}")]
    Ivf(&'static str),
    /// The tone is not an Ogg file of Opus.
    #[error("Ogg: {0}")]
    Ogg(&'static str),
    /// The picture does not begin with a key frame.
    #[error("picture does not begin with a key frame")]
    NoKeyFrame,
    /// The tone is empty, or one of its packets is not a single frame of 20 ms.
    #[error("tone is not made of single Opus frames of 20 ms")]
    ToneFrames,
}

impl DemoMedia {
    /// The files that come with this crate (`media/`): 640x360 at 15 frames per second, and a mono
    /// tone.
    ///
    /// # Errors
    /// None with the committed files; a test reads them.
    pub fn embedded() -> Result<Self, MediaError> {
        Self::new(PICTURE, TONE)
    }

    /// Reads `picture`, an IVF file of VP8, and `tone`, an Ogg file of Opus in frames of 20 ms.
    ///
    /// # Errors
    /// [`MediaError`] names what cannot be used.
    pub fn new(picture: &[u8], tone: &[u8]) -> Result<Self, MediaError> {
        let ivf = ivf::read(picture)?;
        if !ivf
            .frames
            .first()
            .is_some_and(|frame| is_vp8_key_frame(frame))
        {
            return Err(MediaError::NoKeyFrame);
        }
        let tone = ogg::read_opus(tone)?;
        if tone.is_empty() || !tone.iter().all(|packet| is_one_frame_of_20_ms(packet)) {
            return Err(MediaError::ToneFrames);
        }
        Ok(Self {
            picture: ivf.frames.into_iter().map(<[u8]>::to_vec).collect(),
            frame_interval: ivf.frame_interval,
            tone,
        })
    }

    /// Pictures in the loop; the first is a key frame.
    pub fn pictures(&self) -> usize {
        self.picture.len()
    }

    /// A picture of the loop as VP8 frame, by its place.
    pub fn picture(&self, index: usize) -> Option<&[u8]> {
        self.picture.get(index).map(Vec::as_slice)
    }

    /// The frames of the tone, 20 ms of Opus each, in order.
    pub fn tone(&self) -> impl Iterator<Item = &[u8]> {
        self.tone.iter().map(Vec::as_slice)
    }
}

/// Reads the table-of-contents octet of an Opus packet (RFC 6716 §3.1).
fn is_one_frame_of_20_ms(packet: &[u8]) -> bool {
    let Some(toc) = packet.first() else {
        return false;
    };
    let twenty_ms = match toc >> 3 {
        silk @ 0..=11 => silk % 4 == 1,
        hybrid @ 12..=15 => hybrid % 2 == 1,
        celt => celt % 4 == 3,
    };
    twenty_ms && toc & 0x03 == 0
}

const PICTURE: &[u8] = include_bytes!("../../media/picture.ivf");
const TONE: &[u8] = include_bytes!("../../media/tone.ogg");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embedded_files_are_what_the_readme_says() {
        let media = DemoMedia::embedded().unwrap();
        assert_eq!(media.pictures(), 60);
        assert_eq!(media.frame_interval, Duration::from_secs(1) / 15);
        let key_frames = media.picture.iter().filter(|frame| is_vp8_key_frame(frame));
        assert_eq!(key_frames.count(), 1);
        // Width and height follow the start code of the key frame (RFC 6386 §9.1).
        assert_eq!(
            media.picture[0][3..10],
            [0x9d, 0x01, 0x2a, 0x80, 2, 0x68, 1]
        );
        // Four seconds, and one packet for the decoder's look-ahead.
        assert_eq!(media.tone.len(), 201);
    }

    #[test]
    fn media_that_cannot_be_looped_is_refused() {
        let mut picture = PICTURE.to_vec();
        picture[44] |= 1;
        assert_eq!(
            DemoMedia::new(&picture, TONE).err(),
            Some(MediaError::NoKeyFrame)
        );
        let silk_20_ms = 0b0000_1000;
        let celt_10_ms = 0b1111_0000;
        assert!(is_one_frame_of_20_ms(&[silk_20_ms]));
        assert!(!is_one_frame_of_20_ms(&[silk_20_ms | 1]));
        assert!(!is_one_frame_of_20_ms(&[celt_10_ms]));
        assert!(!is_one_frame_of_20_ms(&[]));
    }
}
