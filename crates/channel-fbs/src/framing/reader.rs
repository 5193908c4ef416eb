//! Cutting a byte stream into frames.

use super::message::payload_len;
use super::{FrameError, MAX_PAYLOAD, PREFIX_LEN};

/// Cuts a byte stream into frames.
///
/// Inputs are [`space`](Self::space) with [`advance`](Self::advance), for a read system call, or
/// [`extend`](Self::extend). After each input, call [`next_frame`](Self::next_frame) until it
/// yields `Ok(None)`.
///
/// Memory follows what was received, not what a prefix announces, and is given back after a
/// large frame. The cost is linear in the bytes received, however they are split.
#[derive(Debug, Default)]
pub struct FrameReader {
    /// Initialised bytes: those of earlier frames, then those not yet handed out, then free ones.
    buffer: Vec<u8>,
    /// Where the bytes not yet handed out begin.
    start: usize,
    /// Where the free bytes begin.
    end: usize,
}

impl FrameReader {
    /// A reader at the beginning of a stream. It holds no memory before the first input.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Free bytes to read into, at least 16 KiB of them. Their contents are arbitrary.
    pub fn space(&mut self) -> &mut [u8] {
        if self.pending() == 0 {
            self.start = 0;
            self.end = 0;
        }
        if self.buffer.len() - self.end < MIN_SPACE || self.is_bloated() {
            self.make_room();
        }
        &mut self.buffer[self.end..]
    }

    /// Takes the first `len` bytes of the last [`space`](Self::space) as received.
    ///
    /// # Panics
    ///
    /// If `len` is larger than that space.
    pub fn advance(&mut self, len: usize) {
        assert!(
            len <= self.buffer.len() - self.end,
            "more bytes received than there was space for"
        );
        self.end += len;
    }

    /// Takes a copy of `bytes` as received.
    pub fn extend(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let space = self.space();
            let len = bytes.len().min(space.len());
            let (now, later) = bytes.split_at(len);
            space[..len].copy_from_slice(now);
            self.advance(len);
            bytes = later;
        }
    }

    /// The next whole frame, prefix included; `None` until more bytes are received.
    ///
    /// # Errors
    ///
    /// [`FrameError::Empty`] for a frame without a payload, which is then behind us.
    /// [`FrameError::Oversized`] when a prefix announces more than [`MAX_PAYLOAD`]: the stream
    /// cannot be read any further, and every later call says the same.
    pub fn next_frame(&mut self) -> Result<Option<&[u8]>, FrameError> {
        let received = &self.buffer[self.start..self.end];
        let frame_len = match payload_len(received) {
            None => return Ok(None),
            Some(0) => {
                self.start += PREFIX_LEN;
                return Err(FrameError::Empty);
            }
            Some(len) if len > MAX_PAYLOAD => return Err(FrameError::Oversized { len }),
            Some(len) => PREFIX_LEN + len,
        };
        if received.len() < frame_len {
            return Ok(None);
        }
        self.start += frame_len;
        Ok(Some(&received[..frame_len]))
    }

    /// Bytes received and not yet handed out. Not zero at the end of the stream means that the
    /// last frame was cut off.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.end - self.start
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.buffer.capacity()
    }

    /// Moves the pending bytes to the front of a buffer of the right size.
    ///
    /// The free bytes are then no fewer than the moved ones, so that a byte is moved twice on
    /// average before it is handed out. Only the last growth for a frame may yield fewer, and
    /// there is one of those per frame.
    fn make_room(&mut self) {
        let pending = self.pending();
        let wanted = self.wanted();
        if self.is_bloated() || self.buffer.len() < wanted {
            let mut buffer = vec![0; wanted];
            buffer[..pending].copy_from_slice(&self.buffer[self.start..self.end]);
            self.buffer = buffer;
        } else {
            self.buffer.copy_within(self.start..self.end, 0);
        }
        self.start = 0;
        self.end = pending;
    }

    /// Whether a large frame left more memory behind than is worth keeping.
    fn is_bloated(&self) -> bool {
        self.buffer.len() > RETAINED && self.wanted() <= RETAINED
    }

    /// The size of buffer that the pending bytes ask for.
    fn wanted(&self) -> usize {
        let received = &self.buffer[self.start..self.end];
        let doubled = 2 * received.len();
        let whole = payload_len(received).unwrap_or(0).min(MAX_PAYLOAD) + PREFIX_LEN;
        doubled.min(whole).max(received.len()) + 2 * MIN_SPACE
    }
}

/// Least free bytes that a read is offered. The frames of an ordinary call are below 2 KiB.
const MIN_SPACE: usize = 16 * 1024;

/// A buffer up to this size is kept when less would do.
const RETAINED: usize = 256 * 1024;
