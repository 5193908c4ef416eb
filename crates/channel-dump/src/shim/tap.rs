//! Cutting the bytes of one direction into frames for the recorder.

use tureen_channel_dump::{Direction, Recorder};
use tureen_channel_fbs::FrameReader;

/// Cuts what passes one way into frames, for the recorder.
pub(crate) struct Tap {
    direction: Direction,
    frames: FrameReader,
    is_broken: bool,
}

impl Tap {
    pub(crate) fn new(direction: Direction) -> Self {
        Self {
            direction,
            frames: FrameReader::new(),
            is_broken: false,
        }
    }

    pub(crate) fn direction(&self) -> Direction {
        self.direction
    }

    /// Records the frames that these bytes complete.
    pub(crate) fn pass(&mut self, bytes: &[u8], recorder: &Recorder) {
        if self.is_broken {
            return;
        }
        self.frames.extend(bytes);
        loop {
            match self.frames.next_frame() {
                Ok(None) => return,
                Ok(Some(frame)) => recorder.frame(self.direction, frame),
                Err(error) => {
                    self.note(&error.to_string(), recorder);
                    if error.is_fatal() {
                        self.is_broken = true;
                        return;
                    }
                }
            }
        }
    }

    /// Records that nothing passes any more.
    pub(crate) fn end(&mut self, recorder: &Recorder) {
        match self.frames.pending() {
            0 => self.note("closed", recorder),
            bytes => self.note(&format!("closed after {bytes} bytes of a frame"), recorder),
        }
    }

    fn note(&self, text: &str, recorder: &Recorder) {
        recorder.note(&format!("{}: {text}", self.direction.as_str()));
    }
}
