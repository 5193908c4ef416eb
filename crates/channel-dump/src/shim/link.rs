//! One descriptor of the channel, with the shim in its middle.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::PollFlags;
use nix::sys::socket::{Shutdown, shutdown};
use tureen_channel_dump::{Direction, Recorder};

use crate::tap::Tap;

/// One descriptor of the channel, cut into two pieces: what arrives at one leaves by the other.
///
/// Each piece is a pipe or a socket. For a socket we pass on both directions, although a channel
/// uses only one. When one side closes its end, for writing or altogether, we do the same to the
/// other piece.
pub(crate) struct Link {
    /// Towards the controller, and towards the worker.
    ends: [End; 2],
    /// What goes from each end to the other.
    flows: [Flow; 2],
    tap: Tap,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Controller = 0,
    Worker = 1,
}

struct End {
    file: Option<File>,
    access: OFlag,
    /// Whether the other side has closed altogether.
    is_gone: bool,
}

#[derive(Default)]
struct Flow {
    /// Read and not yet written, from `start` on.
    buffer: Vec<u8>,
    start: usize,
    /// Whether nothing more is read.
    is_ended: bool,
    /// Whether nothing more is written.
    is_done: bool,
}

impl Link {
    /// `tap` sees what goes in its direction.
    pub(crate) fn new(controller: OwnedFd, worker: OwnedFd, tap: Tap) -> io::Result<Self> {
        Ok(Self {
            ends: [End::new(controller)?, End::new(worker)?],
            flows: Default::default(),
            tap,
        })
    }

    /// Whether nothing can pass any more.
    pub(crate) fn is_done(&self) -> bool {
        self.flows.iter().all(|flow| flow.is_done)
    }

    /// What to wait for on one side, `None` when there is nothing.
    pub(crate) fn interest(&self, side: Side) -> Option<(BorrowedFd<'_>, PollFlags)> {
        let end = &self.ends[side as usize];
        let mut events = PollFlags::empty();
        events.set(PollFlags::POLLIN, self.flows[side as usize].is_hungry());
        events.set(
            PollFlags::POLLOUT,
            self.flows[side.other() as usize].has_bytes(),
        );
        // A side that is gone reports so without end, so we ask it only when it matters.
        if self.is_done() || (end.is_gone && events.is_empty()) {
            return None;
        }
        Some((end.file.as_ref()?.as_fd(), events))
    }

    /// Does what is possible on one side.
    pub(crate) fn handle(&mut self, side: Side, events: PollFlags, recorder: Option<&Recorder>) {
        let gone = PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL;
        if events.intersects(gone) && !self.ends[side as usize].is_gone {
            self.ends[side as usize].is_gone = true;
            self.abandon(side.other(), recorder);
        }
        if events.contains(PollFlags::POLLOUT) {
            self.write_to(side, recorder);
        }
        if events.intersects(PollFlags::POLLIN | gone) && self.flows[side as usize].is_hungry() {
            self.read_from(side, recorder);
        }
    }

    fn read_from(&mut self, side: Side, recorder: Option<&Recorder>) {
        let (end, flow) = (&self.ends[side as usize], &mut self.flows[side as usize]);
        let Some(mut file) = end.file.as_ref() else {
            return;
        };
        flow.buffer.resize(BUFFER, 0);
        flow.start = 0;
        let read = file.read(&mut flow.buffer);
        flow.buffer.truncate(*read.as_ref().unwrap_or(&0));
        match read {
            Ok(1..) => {}
            Err(error) if is_passing(&error) => return,
            // A connection that was reset has ended, too.
            Ok(0) | Err(_) => flow.is_ended = true,
        }
        if let Some(recorder) = recorder.filter(|_| side.direction() == self.tap.direction()) {
            match flow.is_ended {
                true => self.tap.end(recorder),
                false => self.tap.pass(&flow.buffer, recorder),
            }
        }
        self.write_to(side.other(), recorder);
    }

    /// Writes to a side what waits for it. After the last byte it closes the side for writing.
    fn write_to(&mut self, side: Side, recorder: Option<&Recorder>) {
        let from = side.other();
        let (end, flow) = (
            &mut self.ends[side as usize],
            &mut self.flows[from as usize],
        );
        while flow.has_bytes() {
            let Some(mut file) = end.file.as_ref() else {
                break;
            };
            match file.write(&flow.buffer[flow.start..]) {
                Ok(len) => flow.start += len,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => return self.abandon(from, recorder),
            }
        }
        if flow.is_ended && !flow.is_done {
            flow.is_done = true;
            end.close(Shutdown::Write);
        }
    }

    /// Stops reading from a side because nobody takes its bytes any more. Its writer gets an error.
    fn abandon(&mut self, side: Side, recorder: Option<&Recorder>) {
        let flow = &mut self.flows[side as usize];
        if !flow.is_done {
            if let Some(recorder) = recorder.filter(|_| !flow.is_ended)
                && side.direction() == self.tap.direction()
            {
                self.tap.end(recorder);
            }
            *flow = Flow {
                is_ended: true,
                is_done: true,
                ..Flow::default()
            };
            self.ends[side as usize].close(Shutdown::Read);
        }
    }
}

impl End {
    fn new(fd: OwnedFd) -> io::Result<Self> {
        let flags = OFlag::from_bits_retain(fcntl(&fd, FcntlArg::F_GETFL)?);
        fcntl(&fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
        Ok(Self {
            file: Some(File::from(fd)),
            access: flags & OFlag::O_ACCMODE,
            is_gone: false,
        })
    }

    fn close(&mut self, how: Shutdown) {
        let Some(file) = &self.file else {
            return;
        };
        let is_pipe = shutdown(file.as_raw_fd(), how) == Err(Errno::ENOTSOCK);
        let way = match how {
            Shutdown::Read => OFlag::O_RDONLY,
            _ => OFlag::O_WRONLY,
        };
        // A pipe has one direction; closing the other one means nothing.
        if is_pipe && self.access == way {
            self.file = None;
        }
    }
}

impl Flow {
    fn has_bytes(&self) -> bool {
        self.start < self.buffer.len()
    }

    fn is_hungry(&self) -> bool {
        !self.is_ended && !self.has_bytes()
    }
}

impl Side {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Controller => Self::Worker,
            Self::Worker => Self::Controller,
        }
    }

    /// Where what comes from this side goes.
    fn direction(self) -> Direction {
        match self {
            Self::Controller => Direction::ToWorker,
            Self::Worker => Direction::FromWorker,
        }
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock
    )
}

/// How many bytes one direction holds when the other side is slow. The sockets hold some more.
const BUFFER: usize = 64 * 1024;
