//! UDP sockets. Batches come in with the kernel's coalescing (GRO) and receive times; trains go out
//! with its segmentation (GSO). If the kernel or the device lacks one of the two, it works without.
//! If a socket is full, datagrams wait for room, for a bounded time and in bounded memory.

mod backlog;

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;

use mio::net::UdpSocket;
use nix::sys::socket::{setsockopt, sockopt};

use self::backlog::Backlog;
use super::counters::{Losses, SendLosses};
use super::intake::Intake;
use super::sys_linux::{Clocks, Message, ReceiveArrays, Received, SendArrays, SlotSize};
use crate::output::{MAX_DATAGRAM, Path, Protocol, SocketKey, Train};
use crate::time::Instant;

/// A bound socket and what its kernel can do.
#[derive(Debug)]
pub(super) struct UdpEndpoint {
    pub(super) socket: UdpSocket,
    key: SocketKey,
    coalesces: bool,
    segmentation: Segmentation,
    overflow: u32,
    failures: u32,
    backlog: Backlog,
}

/// What is known about GSO on a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Segmentation {
    /// The kernel knows the option. No train has left yet, so the device may still refuse it.
    Untried,
    /// Trains have left.
    Works,
    /// Datagrams go one by one.
    Absent,
}

/// What a call to receive left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readiness {
    /// Nothing; the poll will tell when something comes.
    Drained,
    /// Perhaps more: call again.
    MayHaveMore,
    /// Data cannot be taken now, for lack of descriptors or memory. The poll will not report it
    /// again, so call again after a while.
    Starved,
}

impl UdpEndpoint {
    /// Switches on everything that the kernel can do on `socket`.
    pub(super) fn new(socket: UdpSocket, key: SocketKey) -> Self {
        // Every kernel with recvmmsg has receive times and drop counts. Without them we would use
        // the batch's own time and not see overflow.
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true).ok();
        setsockopt(&socket, sockopt::RxqOvfl, &1).ok();
        let coalesces = setsockopt(&socket, sockopt::UdpGroSegment, &true).is_ok();
        // Setting the socket-wide segment size to none changes nothing, but fails with ENOPROTOOPT
        // on a kernel that would send a train as one huge datagram.
        let segmentation = match setsockopt(&socket, sockopt::UdpGsoSegment, &0) {
            Ok(()) => Segmentation::Untried,
            Err(_) => Segmentation::Absent,
        };
        Self {
            socket,
            key,
            coalesces,
            segmentation,
            overflow: 0,
            failures: 0,
            backlog: Backlog::default(),
        }
    }

    /// Whether datagrams wait for room in the socket's send buffer.
    pub(super) fn is_blocked(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// How many datagrams wait.
    pub(super) fn waiting(&self) -> usize {
        self.backlog.datagrams()
    }

    /// Drops datagrams that have waited since `deadline` or longer.
    pub(super) fn expire(&mut self, deadline: Instant, losses: &mut SendLosses) {
        losses.waited_too_long += self.backlog.expire(deadline) as u64;
    }

    /// Receives datagrams into the free part of `intake` and splits them into single ones. Those
    /// longer than [`MAX_DATAGRAM`] are dropped and counted.
    pub(super) fn receive(
        &mut self,
        arrays: &mut ReceiveArrays,
        intake: &mut Intake,
        clocks: Clocks,
        losses: &mut Losses,
    ) -> Readiness {
        let slot = if self.coalesces {
            COALESCED_SLOT
        } else {
            PLAIN_SLOT
        };
        let filled_all = match arrays.receive(self.socket.as_fd(), intake.space(), slot) {
            Ok(filled_all) => filled_all,
            Err(error) => return self.after_failure(&error, losses),
        };
        self.failures = 0;
        let mut end = 0;
        for (index, message) in arrays.received().enumerate() {
            let start = index * slot.stride;
            end = start + message.len;
            self.take(&message, start, intake, clocks, losses);
        }
        intake.advance(end);
        if filled_all {
            // Datagrams that wait after a full batch delay everybody.
            intake.batch_mut().press();
            Readiness::MayHaveMore
        } else {
            Readiness::Drained
        }
    }

    fn after_failure(&mut self, error: &io::Error, losses: &mut Losses) -> Readiness {
        match error.kind() {
            io::ErrorKind::WouldBlock => return Readiness::Drained,
            io::ErrorKind::Interrupted => return Readiness::MayHaveMore,
            _ => {}
        }
        losses.receive.failed += 1;
        // Reading an error removes it, and datagrams may wait after it. But an error that stays
        // must not keep the worker busy.
        self.failures += 1;
        if self.failures < MAX_FAILURES {
            Readiness::MayHaveMore
        } else {
            self.failures = 0;
            Readiness::Starved
        }
    }

    /// Places the datagrams of one message that lies `start` bytes into the free space.
    fn take(
        &mut self,
        message: &Received,
        start: usize,
        intake: &mut Intake,
        clocks: Clocks,
        losses: &mut Losses,
    ) {
        if let Some(overflow) = message.overflow {
            let dropped = overflow.wrapping_sub(self.overflow);
            losses.receive.queue_overflow += u64::from(dropped);
            if dropped > 0 {
                intake.batch_mut().press();
            }
            self.overflow = overflow;
        }
        let Some(remote) = message.remote else {
            losses.receive.no_source += 1;
            return;
        };
        let path = Path {
            protocol: Protocol::Udp,
            socket: self.key,
            remote,
        };
        let at = match message.unix {
            Some(unix) => clocks.to_instant(unix),
            None => clocks.monotonic,
        };
        let size = message.segment_size.unwrap_or_else(|| message.len.max(1));
        if message.truncated || (size > MAX_DATAGRAM) {
            losses.receive.too_big += message.len.div_ceil(size).max(1) as u64;
            return;
        }
        if message.len == 0 {
            return;
        }
        for offset in (0..message.len).step_by(size) {
            let len = size.min(message.len - offset);
            intake.place(path, at, start + offset, len);
        }
    }

    /// Cuts no trains from now on.
    #[cfg(test)]
    pub(super) fn without_segmentation(mut self) -> Self {
        self.segmentation = Segmentation::Absent;
        self
    }

    /// Stops coalescing.
    #[cfg(test)]
    pub(super) fn without_coalescing(mut self) -> Self {
        setsockopt(&self.socket, sockopt::UdpGroSegment, &false).unwrap();
        self.coalesces = false;
        self
    }

    /// Sends `messages` in order. If the socket is full, a message waits after those that wait
    /// already. If the system refuses it for another reason, it is lost and counted.
    fn send(
        &mut self,
        arrays: &mut SendArrays,
        messages: &[Message<'_>],
        now: Instant,
        losses: &mut SendLosses,
    ) {
        let mut progress = Progress::default();
        if self.backlog.is_empty() {
            progress = self.hand_over(arrays, messages, losses);
        }
        for message in &messages[progress.messages..] {
            let rest = Message {
                bytes: &message.bytes[std::mem::take(&mut progress.bytes)..],
                ..*message
            };
            if !self.backlog.push(now, &rest) {
                losses.backlog_full += rest.datagrams() as u64;
            }
        }
    }

    /// Sends what waits, as far as the socket takes it.
    fn flush(&mut self, arrays: &mut SendArrays, losses: &mut SendLosses) {
        while !self.backlog.is_empty() {
            // The backlog lends its bytes while the rest of the endpoint works.
            let backlog = std::mem::take(&mut self.backlog);
            let mut messages = NO_MESSAGES;
            let filled = backlog.fill(&mut messages);
            let progress = self.hand_over(arrays, &messages[..filled], losses);
            self.backlog = backlog;
            self.backlog.forget(progress.messages, progress.bytes);
            if progress.messages < filled {
                return;
            }
        }
    }

    /// Hands `messages` to the kernel until there is no room. Then it stops, because each further
    /// try would be a useless system call.
    fn hand_over(
        &mut self,
        arrays: &mut SendArrays,
        messages: &[Message<'_>],
        losses: &mut SendLosses,
    ) -> Progress {
        let mut done = 0;
        while let Some(first) = messages.get(done) {
            match arrays.send(self.socket.as_fd(), &messages[done..]) {
                Ok(sent) => {
                    let end = done + sent.clamp(1, messages.len() - done);
                    let mut left = messages[done..end].iter();
                    if left.any(|message| message.segment_size.is_some()) {
                        self.segmentation = Segmentation::Works;
                    }
                    done = end;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if means_full(&error) => return Progress::up_to(done, 0),
                Err(error) => {
                    if first.segment_size.is_some() && self.is_for_segmentation(&error) {
                        let sent = self.send_one_by_one(first, losses);
                        if sent < first.bytes.len() {
                            return Progress::up_to(done, sent);
                        }
                    } else {
                        losses.count(&error, first.datagrams());
                    }
                    done += 1;
                }
            }
        }
        Progress::up_to(done, 0)
    }

    /// Whether `error` means that a train must go as single datagrams, and if so, whether all later
    /// trains must, too.
    fn is_for_segmentation(&mut self, error: &io::Error) -> bool {
        match error.raw_os_error() {
            // The device cannot compute checksums, or the option is not there after all.
            Some(libc::EIO | libc::ENOPROTOOPT | libc::EOPNOTSUPP) => {
                self.segmentation = Segmentation::Absent;
                true
            }
            // The kernel also says this for a segment that is too long for one path. If trains have
            // left before, this path must not slow down all others.
            Some(libc::EINVAL | libc::EMSGSIZE) => {
                if self.segmentation == Segmentation::Untried
                    && error.raw_os_error() == Some(libc::EINVAL)
                {
                    self.segmentation = Segmentation::Absent;
                }
                true
            }
            _ => false,
        }
    }

    /// Sends the datagrams of a train one by one. Returns how many of its bytes are sent or lost.
    fn send_one_by_one(&self, train: &Message<'_>, losses: &mut SendLosses) -> usize {
        let size = train.segment_size.map_or(train.bytes.len(), usize::from);
        let mut done = 0;
        for datagram in train.bytes.chunks(size.max(1)) {
            match self.socket.send_to(datagram, train.remote) {
                Err(error) if means_full(&error) => break,
                Err(error) => losses.count(&error, 1),
                Ok(_) => {}
            }
            done += datagram.len();
        }
        done
    }
}

/// How far sending has come.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    /// So many messages were sent or lost.
    messages: usize,
    /// And so many bytes of the next one.
    bytes: usize,
}

impl Progress {
    const fn up_to(messages: usize, bytes: usize) -> Self {
        Self { messages, bytes }
    }
}

/// Whether `error` means that there is no room now: in the socket's buffer, in the device's queue
/// or in memory.
fn means_full(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EAGAIN | libc::ENOBUFS | libc::ENOMEM)
    )
}

/// Collects the datagrams for one socket after another and hands them to the kernel in batches.
pub(super) struct UdpSender {
    arrays: SendArrays,
}

impl UdpSender {
    pub(super) fn new() -> Self {
        Self {
            arrays: SendArrays::new(),
        }
    }

    /// Sends the leading `trains` that go over `endpoint`'s socket, and leaves the others.
    pub(super) fn send_run<'a, T>(
        &mut self,
        endpoint: &mut UdpEndpoint,
        trains: &mut std::iter::Peekable<T>,
        now: Instant,
        losses: &mut SendLosses,
    ) where
        T: Iterator<Item = (&'a Train, &'a [u8])>,
    {
        let mut messages = NO_MESSAGES;
        let mut queued = 0;
        let mut queue = |endpoint: &mut UdpEndpoint, message| {
            messages[queued] = message;
            queued += 1;
            if queued == messages.len() {
                endpoint.send(&mut self.arrays, &messages, now, losses);
                queued = 0;
            }
        };
        while let Some((train, bytes)) = trains.next_if(|(train, _)| is_on(train, endpoint.key)) {
            let remote = train.path.remote;
            let segment_size = u16::try_from(train.segment_size).ok();
            if train.segments > 1 && endpoint.segmentation != Segmentation::Absent {
                queue(
                    endpoint,
                    Message {
                        remote,
                        bytes,
                        segment_size,
                    },
                );
                continue;
            }
            for bytes in train.split(bytes) {
                queue(
                    endpoint,
                    Message {
                        remote,
                        bytes,
                        segment_size: None,
                    },
                );
            }
        }
        endpoint.send(&mut self.arrays, &messages[..queued], now, losses);
    }

    /// Sends the datagrams that wait for `endpoint`'s socket, as many as it takes.
    pub(super) fn flush(&mut self, endpoint: &mut UdpEndpoint, losses: &mut SendLosses) {
        endpoint.flush(&mut self.arrays, losses);
    }
}

fn is_on(train: &Train, key: SocketKey) -> bool {
    train.path.protocol == Protocol::Udp && train.path.socket == key
}

/// How many receive calls in a row may fail before the socket is left alone for a while.
const MAX_FAILURES: u32 = 8;

/// Room for what one call sends, with nothing in it.
const NO_MESSAGES: [Message<'static>; SendArrays::CAPACITY] = [Message {
    remote: SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 0),
    bytes: &[],
    segment_size: None,
}; SendArrays::CAPACITY];

/// Where coalesced messages go. The stride is not a power of two; otherwise the first bytes of all
/// slots would fall into the same few cache sets.
const COALESCED_SLOT: SlotSize = SlotSize {
    len: 65_536,
    stride: 65_536 + 33 * 64,
};

/// Where single datagrams go. A slot is long enough to recognise a datagram that is too long.
const PLAIN_SLOT: SlotSize = SlotSize {
    len: 2048,
    stride: 2048,
};

#[cfg(test)]
mod tests;
