//! Reading the VP8 frames of an IVF file.

use std::time::Duration;

use super::MediaError;

/// The frames of an IVF file, and how long each is shown.
pub(super) struct Ivf<'a> {
    pub(super) frame_interval: Duration,
    pub(super) frames: Vec<&'a [u8]>,
}

/// Reads an IVF file of VP8 at a constant rate: a header of 32 octets, then frames, each behind a
/// header of 12 octets with its size and time; all little-endian.
pub(super) fn read(file: &[u8]) -> Result<Ivf<'_>, MediaError> {
    let header = file
        .first_chunk::<FILE_HEADER>()
        .ok_or(MediaError::Ivf("header"))?;
    if header[..4] != *b"DKIF" {
        return Err(MediaError::Ivf("signature"));
    }
    if header[8..12] != *b"VP80" {
        return Err(MediaError::Ivf("codec"));
    }
    let header_length = usize::from(u16::from_le_bytes([header[6], header[7]]));
    let rate = u32::from_le_bytes([header[16], header[17], header[18], header[19]]);
    let scale = u32::from_le_bytes([header[20], header[21], header[22], header[23]]);
    if rate == 0 || scale == 0 || rate / scale > MAX_FRAME_RATE {
        return Err(MediaError::Ivf("frame rate"));
    }

    let mut rest = file
        .get(header_length..)
        .ok_or(MediaError::Ivf("header length"))?;
    let mut frames = Vec::new();
    while let Some((head, after)) = rest.split_first_chunk::<FRAME_HEADER>() {
        let size = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
        let size = usize::try_from(size).map_err(|_| MediaError::Ivf("frame size"))?;
        let (frame, after) = after
            .split_at_checked(size)
            .ok_or(MediaError::Ivf("frame size"))?;
        frames.push(frame);
        rest = after;
    }
    if !rest.is_empty() {
        return Err(MediaError::Ivf("frame header"));
    }
    Ok(Ivf {
        frame_interval: Duration::from_secs(1) * scale / rate,
        frames,
    })
}

const FILE_HEADER: usize = 32;
const FRAME_HEADER: usize = 12;
const MAX_FRAME_RATE: u32 = 120;

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> Vec<u8> {
        let mut file = b"DKIF\0\0\x20\0VP80\x80\x02\x68\x01".to_vec();
        file.extend_from_slice(&[30, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
        file.extend_from_slice(&[3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 8, 9]);
        file.extend_from_slice(&[1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 5]);
        file
    }

    #[test]
    fn frames_and_rate_are_found() {
        let file = file();
        let ivf = read(&file).unwrap();
        assert_eq!(ivf.frames, [&[7, 8, 9][..], &[5]]);
        assert_eq!(ivf.frame_interval, Duration::from_secs(1) / 15);
    }

    #[test]
    fn damage_names_the_field() {
        let damaged = |index: usize, value| {
            let mut file = file();
            file[index] = value;
            read(&file).err()
        };
        assert_eq!(damaged(0, 0), Some(MediaError::Ivf("signature")));
        assert_eq!(damaged(11, b'9'), Some(MediaError::Ivf("codec")));
        assert_eq!(damaged(20, 0), Some(MediaError::Ivf("frame rate")));
        assert_eq!(damaged(6, 200), Some(MediaError::Ivf("header length")));
        assert_eq!(damaged(32, 200), Some(MediaError::Ivf("frame size")));
        let file = file();
        assert_eq!(read(&file[..20]).err(), Some(MediaError::Ivf("header")));
        assert_eq!(
            read(&file[..50]).err(),
            Some(MediaError::Ivf("frame header"))
        );
    }
}
