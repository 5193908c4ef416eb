//! One accepted connection: frames in, and a bounded queue of frames out.

use std::io::{self, Read, Write};

use mio::net::TcpStream;

use crate::output::Path;
use crate::wire::rfc4571::{FrameDecoder, PREFIX_LEN, prefix};

/// A connection that a remote opened.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) path: Path,
    /// Whether ICE has validated the path.
    pub(super) is_validated: bool,
    /// Whether it ends once everything queued has left.
    pub(super) is_closing: bool,
    decoder: FrameDecoder,
    /// How many bytes it has sent before it was validated.
    unproven: usize,
    outgoing: Vec<u8>,
    sent: usize,
}

/// What a read left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reception {
    /// There may be more.
    Some,
    /// Nothing is left for now.
    Drained,
    /// The remote is done, or the connection broke.
    Ended,
    /// A frame is longer than any datagram may be.
    TooLong,
}

/// How far writing came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flushed {
    /// Everything has left.
    All,
    /// The rest waits for the connection to become writable.
    Partly,
    /// The connection broke.
    Broken,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, path: Path) -> Self {
        Self {
            stream,
            path,
            is_validated: false,
            is_closing: false,
            decoder: FrameDecoder::new(READ_SIZE),
            unproven: 0,
            outgoing: Vec::new(),
            sent: 0,
        }
    }

    /// Whether it has sent more than anyone needs for a connectivity check that succeeds. What it
    /// sends on would cost a message authentication code for every hundred bytes.
    pub(super) fn has_said_too_much(&self) -> bool {
        !self.is_validated && self.unproven >= MAX_UNPROVEN
    }

    /// Reads once and hands every whole frame to `deliver`. A frame that is too long ends the
    /// connection, because the stream cannot be followed any further.
    pub(super) fn receive(&mut self, mut deliver: impl FnMut(&[u8])) -> Reception {
        let mut space = self.decoder.space();
        if !self.is_validated {
            let most = space.len().min(MAX_UNPROVEN - self.unproven);
            space = &mut space[..most];
        }
        match self.stream.read(space) {
            Ok(0) => return Reception::Ended,
            Ok(len) => {
                self.decoder.advance(len);
                if !self.is_validated {
                    self.unproven += len;
                }
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => return Reception::Drained,
                io::ErrorKind::Interrupted => return Reception::Some,
                _ => return Reception::Ended,
            },
        }
        loop {
            match self.decoder.next_frame() {
                Ok(Some(frame)) => deliver(frame),
                Ok(None) => return Reception::Some,
                Err(_) => return Reception::TooLong,
            }
        }
    }

    /// Queues a frame; `false` if the queue has no room for it, even after trying to write.
    pub(super) fn queue(&mut self, frame: &[u8]) -> bool {
        if !self.has_room_for(frame) {
            self.flush();
        }
        let Some(prefix) = prefix(frame.len()).filter(|_| self.has_room_for(frame)) else {
            return false;
        };
        self.outgoing.extend_from_slice(&prefix);
        self.outgoing.extend_from_slice(frame);
        true
    }

    fn has_room_for(&self, frame: &[u8]) -> bool {
        self.pending() + PREFIX_LEN + frame.len() <= MAX_QUEUED
    }

    fn pending(&self) -> usize {
        self.outgoing.len() - self.sent
    }

    /// Writes as much as the connection takes.
    pub(super) fn flush(&mut self) -> Flushed {
        while self.pending() > 0 {
            match self.stream.write(&self.outgoing[self.sent..]) {
                Ok(0) => return Flushed::Broken,
                Ok(len) => self.sent += len,
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => {
                        self.outgoing.drain(..self.sent);
                        self.sent = 0;
                        return Flushed::Partly;
                    }
                    io::ErrorKind::Interrupted => {}
                    _ => return Flushed::Broken,
                },
            }
        }
        self.outgoing.clear();
        self.outgoing.shrink_to(RETAINED);
        self.sent = 0;
        Flushed::All
    }
}

/// How many bytes may wait for a slow remote: half a second of video at 2 Mbit/s.
pub(super) const MAX_QUEUED: usize = 128 * 1024;

/// How many bytes a connection may send before ICE has validated it: a dozen connectivity checks,
/// of which one that succeeds is enough.
pub(super) const MAX_UNPROVEN: usize = 2 * 1024;

/// How many bytes are read from a connection at a time. Every connection costs this much memory.
const READ_SIZE: usize = 4 * 1024;

/// How much of an empty queue's memory is kept, in bytes.
const RETAINED: usize = 16 * 1024;
