//! The two pipes of the channel: frames in from the controller, frames out to it. Both are
//! non-blocking; whether they are FIFOs or stream sockets makes no difference.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use mio::unix::SourceFd;
use mio::{Interest, Registry};
use nix::errno::Errno;
use nix::unistd::{read, write};
use tureen_channel_fbs::{FrameError, FrameReader};

use super::token::Source;

/// The pipe from the controller.
pub(super) struct ChannelReader {
    fd: OwnedFd,
    frames: FrameReader,
    is_readable: bool,
    has_frames: bool,
    end: Option<ChannelEnd>,
}

/// Why nothing more comes from the controller.
#[derive(Debug, thiserror::Error)]
pub(super) enum ChannelEnd {
    /// It closed its end, or died.
    #[error("the controller closed the channel")]
    Closed,
    /// The pipe broke.
    #[error("reading from the channel: {0}")]
    Failed(#[source] Errno),
    /// It sent what no frame can be.
    #[error("the channel cannot be read any further: {0}")]
    Desynchronised(#[source] FrameError),
}

/// What [`ChannelReader::next_frame`] finds.
#[derive(Debug)]
pub(super) enum Incoming<'a> {
    /// A whole frame, its length first.
    Frame(&'a [u8]),
    /// A frame that says nothing; the next is sound.
    Unsound(FrameError),
}

impl ChannelReader {
    /// Reads frames from `fd`, polled through `registry`.
    pub(super) fn new(fd: OwnedFd, registry: &Registry) -> io::Result<Self> {
        let raw = fd.as_raw_fd();
        let token = Source::ChannelIn.token();
        registry.register(&mut SourceFd(&raw), token, Interest::READABLE)?;
        Ok(Self {
            fd,
            frames: FrameReader::new(),
            is_readable: false,
            has_frames: false,
            end: None,
        })
    }

    /// The poll says that there is something.
    pub(super) fn handle_readable(&mut self) {
        self.is_readable = true;
    }

    /// Whether there may be a frame, or the end, without polling.
    pub(super) fn has_work(&self) -> bool {
        self.has_frames || self.is_readable || self.end.is_some()
    }

    /// Reads once; `false` if there is nothing to read. Then the poll says when that changes.
    pub(super) fn fill(&mut self) -> bool {
        if !self.is_readable || self.end.is_some() {
            return self.end.is_some();
        }
        match read(self.fd.as_fd(), self.frames.space()) {
            Ok(0) => self.end = Some(ChannelEnd::Closed),
            Ok(len) => {
                self.frames.advance(len);
                self.has_frames = true;
            }
            Err(Errno::EAGAIN) => self.is_readable = false,
            Err(Errno::EINTR) => {}
            Err(errno) => self.end = Some(ChannelEnd::Failed(errno)),
        }
        self.is_readable || self.end.is_some()
    }

    /// The next of the frames that [`ChannelReader::fill`] has read; `None` when it must read on.
    pub(super) fn next_frame(&mut self) -> Option<Incoming<'_>> {
        match self.frames.next_frame() {
            Ok(Some(frame)) => Some(Incoming::Frame(frame)),
            Ok(None) => {
                self.has_frames = false;
                None
            }
            Err(error) if error.is_fatal() => {
                self.has_frames = false;
                self.end = Some(ChannelEnd::Desynchronised(error));
                None
            }
            Err(error) => Some(Incoming::Unsound(error)),
        }
    }

    /// Why there will be no more frames than those already read; `None` while there may be.
    pub(super) fn end(&self) -> Option<&ChannelEnd> {
        self.end.as_ref()
    }
}

/// The pipe to the controller.
pub(super) struct ChannelWriter {
    /// `None` once the controller has stopped reading.
    fd: Option<OwnedFd>,
    buffer: Vec<u8>,
    written: usize,
}

impl ChannelWriter {
    /// Writes frames to `fd`, polled through `registry`.
    pub(super) fn new(fd: OwnedFd, registry: &Registry) -> io::Result<Self> {
        let raw = fd.as_raw_fd();
        let token = Source::ChannelOut.token();
        registry.register(&mut SourceFd(&raw), token, Interest::WRITABLE)?;
        Ok(Self {
            fd: Some(fd),
            buffer: Vec::new(),
            written: 0,
        })
    }

    /// Whether so much waits here that the core should keep its messages.
    pub(super) fn is_full(&self) -> bool {
        self.pending() >= FULL
    }

    /// How many bytes wait.
    pub(super) fn pending(&self) -> usize {
        self.buffer.len() - self.written
    }

    /// Whether the controller still reads. If it does not, frames are dropped.
    #[cfg(test)]
    pub(super) fn is_open(&self) -> bool {
        self.fd.is_some()
    }

    /// Queues a whole frame, its length first.
    pub(super) fn queue(&mut self, frame: &[u8]) {
        if self.fd.is_some() {
            self.buffer.extend_from_slice(frame);
        }
    }

    /// Writes as much as the pipe takes. A broken pipe is closed, and what waits is dropped. The
    /// worker goes on, because only the other pipe says that the controller is gone.
    pub(super) fn flush(&mut self) {
        while self.pending() > 0 {
            let Some(fd) = &self.fd else {
                break;
            };
            match write(fd, &self.buffer[self.written..]) {
                Ok(len) => self.written += len,
                Err(Errno::EINTR) => {}
                // Without memory there is no room either; the next turn tries again.
                Err(Errno::EAGAIN | Errno::ENOBUFS | Errno::ENOMEM) => {
                    self.buffer.drain(..self.written);
                    self.written = 0;
                    return;
                }
                Err(_) => self.fd = None,
            }
        }
        self.buffer.clear();
        self.buffer.shrink_to(RETAINED);
        self.written = 0;
    }
}

/// When so many bytes wait, the core keeps its messages.
const FULL: usize = 64 * 1024;

/// How much of an empty buffer's memory is kept, in bytes.
const RETAINED: usize = 256 * 1024;

#[cfg(test)]
mod tests;
