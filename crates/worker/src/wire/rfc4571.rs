//! Datagrams on a TCP connection: each comes after its length in two bytes (RFC 4571 §2).

use std::ops::Range;

use crate::output::MAX_DATAGRAM;

/// Cuts a byte stream into frames, in one fixed buffer of its own.
///
/// Read from the connection into [`FrameDecoder::space`], call [`FrameDecoder::advance`] with the
/// number of bytes, then take frames until [`FrameDecoder::next_frame`] has no more. Then there is
/// space again, because the buffer is larger than the largest frame.
#[derive(Debug)]
pub(crate) struct FrameDecoder {
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
}

/// A frame announced a length above [`MAX_DATAGRAM`]. The stream cannot be followed any further, so
/// the connection must be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
#[error("frame of {len} bytes is longer than a datagram may be")]
pub(crate) struct FrameTooLong {
    /// The length announced, in bytes.
    pub len: usize,
}

impl FrameDecoder {
    /// A decoder with a buffer of `capacity` bytes, or of the largest frame if that is more.
    #[must_use]
    pub(crate) fn new(capacity: usize) -> Self {
        let capacity = capacity.max(PREFIX_LEN + MAX_DATAGRAM);
        Self {
            buffer: vec![0; capacity].into_boxed_slice(),
            start: 0,
            end: 0,
        }
    }

    /// Where to read into from the connection. It is not empty if all frames have been taken.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        &mut self.buffer[self.end..]
    }

    /// Notes that the first `len` bytes of [`FrameDecoder::space`] have been read from the
    /// connection. More than the space held is ignored.
    pub(crate) fn advance(&mut self, len: usize) {
        self.end = self.end.saturating_add(len).min(self.buffer.len());
    }

    /// The next whole frame, without its length; `None` when more must be read first. Empty frames
    /// are skipped.
    ///
    /// # Errors
    ///
    /// A frame that is longer than a datagram may be; every later call says the same.
    pub(crate) fn next_frame(&mut self) -> Result<Option<&mut [u8]>, FrameTooLong> {
        while let Some(frame) = self.peek()? {
            self.start = frame.end;
            // RFC 4571 §2: "Zero is a valid value for LENGTH, and it codes the null packet."
            if !frame.is_empty() {
                return Ok(Some(&mut self.buffer[frame]));
            }
        }
        Ok(None)
    }

    /// Where the next frame lies, if all of it has been read.
    fn peek(&self) -> Result<Option<Range<usize>>, FrameTooLong> {
        let received = &self.buffer[self.start..self.end];
        let Some((prefix, rest)) = received.split_first_chunk::<PREFIX_LEN>() else {
            return Ok(None);
        };
        let len = usize::from(u16::from_be_bytes(*prefix));
        if len > MAX_DATAGRAM {
            return Err(FrameTooLong { len });
        }
        let start = self.start + PREFIX_LEN;
        Ok((len <= rest.len()).then_some(start..start + len))
    }
}

/// The two bytes before a datagram of `len` bytes; `None` above 65,535.
#[must_use]
pub(crate) fn prefix(len: usize) -> Option<[u8; PREFIX_LEN]> {
    u16::try_from(len).ok().map(u16::to_be_bytes)
}

/// Length of the prefix, in bytes.
pub(crate) const PREFIX_LEN: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    fn framed(datagrams: &[Vec<u8>]) -> Vec<u8> {
        let mut stream = Vec::new();
        for datagram in datagrams {
            stream.extend(prefix(datagram.len()).unwrap());
            stream.extend(datagram);
        }
        stream
    }

    /// Feeds `stream` in pieces of the sizes that `next_size` gives.
    fn decoded(stream: &[u8], mut next_size: impl FnMut() -> usize) -> Vec<Vec<u8>> {
        let mut decoder = FrameDecoder::new(0);
        let mut frames = Vec::new();
        let mut rest = stream;
        while !rest.is_empty() {
            let space = decoder.space();
            let len = next_size().min(space.len()).min(rest.len());
            assert!(len > 0, "there is space once every frame has been taken");
            space[..len].copy_from_slice(&rest[..len]);
            decoder.advance(len);
            rest = &rest[len..];
            while let Some(frame) = decoder.next_frame().unwrap() {
                frames.push(frame.to_vec());
            }
        }
        frames
    }

    fn datagrams() -> Vec<Vec<u8>> {
        [1, 2, 100, MAX_DATAGRAM, 3, MAX_DATAGRAM, 1200, 1200]
            .iter()
            .enumerate()
            .map(|(index, len)| vec![u8::try_from(index).unwrap(); *len])
            .collect()
    }

    #[test]
    fn any_pieces_give_the_same_frames() {
        let stream = framed(&datagrams());
        assert_eq!(decoded(&stream, || 1), datagrams());
        assert_eq!(decoded(&stream, || usize::MAX), datagrams());
        let mut rng = Rng::new([4; 32]);
        for _ in 0..50 {
            let frames = decoded(&stream, || 1 + rng.below(3000) as usize);
            assert_eq!(frames, datagrams());
        }
    }

    #[test]
    fn empty_frames_are_skipped() {
        let stream = framed(&[vec![], vec![1], vec![], vec![], vec![2]]);
        assert_eq!(decoded(&stream, || 1), [[1], [2]]);
    }

    #[test]
    fn a_frame_that_is_too_long_is_an_error_for_good() {
        let mut decoder = FrameDecoder::new(0);
        let prefix = prefix(MAX_DATAGRAM + 1).unwrap();
        for byte in prefix {
            assert_eq!(decoder.next_frame(), Ok(None));
            decoder.space()[0] = byte;
            decoder.advance(1);
        }
        let error = FrameTooLong {
            len: MAX_DATAGRAM + 1,
        };
        assert_eq!(decoder.next_frame(), Err(error));
        decoder.advance(usize::MAX);
        assert_eq!(decoder.next_frame(), Err(error));
    }
}
