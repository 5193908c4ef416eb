//! Two fixed buffers for datagrams, one for those that come in and one for those that leave. The
//! shell owns both; the core reads one and fills the other. A [`Path`] says where a datagram comes
//! from or goes to. Nothing here knows what a datagram means.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::ops::Range;

use crate::time::Instant;

/// The largest datagram taken in or sent out, in bytes: what fits an Ethernet frame. Longer ones
/// are counted and dropped at ingress.
pub const MAX_DATAGRAM: usize = 1500;

/// Names a socket that the shell bound for the core: a UDP socket or a TCP listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketKey(pub u32);

/// How datagrams travel on a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// One datagram each.
    Udp,
    /// Frames of RFC 4571 on a connection that the remote opened.
    Tcp,
}

/// The exact path to one remote: the protocol, our socket and the remote's address. For TCP it
/// names one accepted connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path {
    /// UDP or TCP.
    pub protocol: Protocol,
    /// The socket, or the listener that accepted the connection.
    pub socket: SocketKey,
    /// The remote's address and port.
    pub remote: SocketAddr,
}

impl Path {
    /// What counts as one remote when there is a limit for each: an IPv4 address, or an IPv6 network
    /// of 64 bits, because an IPv6 host may choose the rest.
    pub(crate) fn network(&self) -> IpAddr {
        match self.remote.ip().to_canonical() {
            IpAddr::V6(ip) => {
                let prefix = ip.to_bits() & !u128::from(u64::MAX);
                IpAddr::V6(Ipv6Addr::from_bits(prefix))
            }
            ip => ip,
        }
    }
}

/// A batch of received datagrams: one buffer, and where in it each datagram lies.
pub struct Batch {
    bytes: Box<[u8]>,
    used: usize,
    datagrams: Vec<Received>,
    /// The first datagram that the core has not taken.
    next: usize,
    is_pressed: bool,
}

/// One datagram of a [`Batch`].
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// Where it came from.
    pub path: Path,
    /// When the kernel received it.
    pub at: Instant,
    /// Where its bytes lie in the batch.
    pub range: Range<usize>,
}

impl Batch {
    /// An empty batch over a buffer of `capacity` bytes, for at most `datagrams` datagrams without
    /// growing.
    #[must_use]
    pub fn new(capacity: usize, datagrams: usize) -> Self {
        Self {
            bytes: vec![0; capacity].into_boxed_slice(),
            used: 0,
            datagrams: Vec::with_capacity(datagrams),
            next: 0,
            is_pressed: false,
        }
    }

    /// The whole buffer, so that the shell can receive straight into it. [`Batch::place`] then says
    /// where each datagram lies.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// Records that a datagram lies at `range` of the buffer. Ranges outside it are refused with
    /// `false`.
    pub fn place(&mut self, path: Path, at: Instant, range: Range<usize>) -> bool {
        if range.start > range.end || range.end > self.bytes.len() {
            return false;
        }
        self.used = self.used.max(range.end);
        self.datagrams.push(Received { path, at, range });
        true
    }

    /// Copies a datagram in; `false` when the buffer has no room for it.
    pub fn push(&mut self, path: Path, at: Instant, datagram: &[u8]) -> bool {
        let range = self.used..self.used + datagram.len();
        let Some(space) = self.bytes.get_mut(range.clone()) else {
            return false;
        };
        space.copy_from_slice(datagram);
        self.place(path, at, range)
    }

    /// How many datagrams it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.datagrams.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.datagrams.is_empty()
    }

    /// Notes that more datagrams wait than the batch could take. Then nobody gets more than a
    /// share.
    pub fn press(&mut self) {
        self.is_pressed = true;
    }

    /// Whether more datagrams wait than it could take.
    #[must_use]
    pub fn is_pressed(&self) -> bool {
        self.is_pressed
    }

    /// Takes the next datagram, to be decrypted in place; `None` when all were taken.
    pub(crate) fn take_next(&mut self) -> Option<(Path, Instant, &mut [u8])> {
        let Received { path, at, range } = self.datagrams.get(self.next)?.clone();
        self.next += 1;
        Some((path, at, &mut self.bytes[range]))
    }

    /// Whether the core has taken all datagrams.
    pub(crate) fn is_taken(&self) -> bool {
        self.next == self.datagrams.len()
    }

    /// Forgets all datagrams; keeps the memory.
    pub fn clear(&mut self) {
        self.used = 0;
        self.datagrams.clear();
        self.next = 0;
        self.is_pressed = false;
    }
}

/// What the shell must send: datagrams side by side in one fixed buffer. A run of datagrams of
/// equal size on one UDP path is a [`Train`]. The kernel can take a train in one piece (GSO).
pub struct Output {
    bytes: Box<[u8]>,
    used: usize,
    trains: Vec<Train>,
    validated_paths: Vec<Path>,
    closed_paths: Vec<Path>,
    closed_sockets: Vec<SocketKey>,
}

/// One or more datagrams on one path. Each is `segment_size` bytes long; only the last may be
/// shorter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Train {
    /// Where to.
    pub path: Path,
    /// Length of every datagram but the last, in bytes.
    pub segment_size: usize,
    /// How many datagrams.
    pub segments: usize,
    start: usize,
    end: usize,
}

/// A point in the output to which [`Output::roll_back`] returns.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    used: usize,
    trains: usize,
    last: Option<(usize, usize)>,
    validated_paths: usize,
    closed_paths: usize,
    closed_sockets: usize,
}

impl Output {
    /// An empty output of `capacity` bytes (256–512 KiB in the worker; never less than one
    /// datagram).
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let capacity = capacity.max(MAX_DATAGRAM);
        Self {
            bytes: vec![0; capacity].into_boxed_slice(),
            used: 0,
            // More trains than this would need datagrams of less than 64 bytes.
            trains: Vec::with_capacity(capacity / 64),
            validated_paths: Vec::new(),
            closed_paths: Vec::new(),
            closed_sockets: Vec::new(),
        }
    }

    /// Room for one datagram of [`MAX_DATAGRAM`] bytes. Write it, then commit it. `None` when the
    /// buffer is full and must be sent first.
    pub fn slot(&mut self) -> Option<&mut [u8]> {
        self.bytes.get_mut(self.used..self.used + MAX_DATAGRAM)
    }

    /// Whether [`Output::slot`] has room.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.has_room_for(1)
    }

    /// Whether it has room for so many datagrams, whatever their lengths.
    pub(crate) fn has_room_for(&self, datagrams: usize) -> bool {
        self.used + datagrams * MAX_DATAGRAM <= self.bytes.len()
    }

    /// Queues the first `len` bytes of the slot as a datagram on `path`. It joins the last train if
    /// that has the same path and the lengths allow it.
    pub fn commit(&mut self, path: Path, len: usize) {
        debug_assert!(len <= MAX_DATAGRAM, "a datagram fits its slot");
        let start = self.used;
        self.used += len;
        match self.trains.last_mut() {
            Some(train) if train.takes(path, len) => {
                train.segments += 1;
                train.end = self.used;
            }
            _ => self.trains.push(Train {
                path,
                segment_size: len,
                segments: 1,
                start,
                end: self.used,
            }),
        }
    }

    /// Queues everything from `other` after what is queued here. If there is no room for all of it,
    /// nothing changes and the answer is `false`.
    pub fn append(&mut self, other: &Self) -> bool {
        if self.used + other.used > self.bytes.len() {
            return false;
        }
        for (train, bytes) in other.trains() {
            for datagram in train.split(bytes) {
                self.bytes[self.used..self.used + datagram.len()].copy_from_slice(datagram);
                self.commit(train.path, datagram.len());
            }
        }
        self.validated_paths
            .extend_from_slice(&other.validated_paths);
        self.closed_paths.extend_from_slice(&other.closed_paths);
        self.closed_sockets.extend_from_slice(&other.closed_sockets);
        true
    }

    /// Tells the shell that ICE has validated a TCP connection: it may stay open.
    pub fn validate_path(&mut self, path: Path) {
        self.validated_paths.push(path);
    }

    /// Tells the shell to close a TCP connection once what is queued on it has left.
    pub fn close_path(&mut self, path: Path) {
        self.closed_paths.push(path);
    }

    /// Tells the shell to close a socket, and a listener's connections, once everything has left.
    pub fn close_socket(&mut self, socket: SocketKey) {
        self.closed_sockets.push(socket);
    }

    /// The trains in sending order, each with its bytes.
    pub fn trains(&self) -> impl Iterator<Item = (&Train, &[u8])> {
        self.trains
            .iter()
            .map(|train| (train, &self.bytes[train.start..train.end]))
    }

    /// The connections that may stay open.
    #[must_use]
    pub fn validated_paths(&self) -> &[Path] {
        &self.validated_paths
    }

    /// The connections to close after the trains.
    #[must_use]
    pub fn closed_paths(&self) -> &[Path] {
        &self.closed_paths
    }

    /// The sockets to close after the connections.
    #[must_use]
    pub fn closed_sockets(&self) -> &[SocketKey] {
        &self.closed_sockets
    }

    /// Whether there is nothing to send and nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.trains.is_empty()
            && self.validated_paths.is_empty()
            && self.closed_paths.is_empty()
            && self.closed_sockets.is_empty()
    }

    /// Forgets everything; keeps the memory.
    pub fn clear(&mut self) {
        self.used = 0;
        self.trains.clear();
        self.validated_paths.clear();
        self.closed_paths.clear();
        self.closed_sockets.clear();
    }

    /// Remembers this point.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark {
            used: self.used,
            trains: self.trains.len(),
            last: self.trains.last().map(|train| (train.segments, train.end)),
            validated_paths: self.validated_paths.len(),
            closed_paths: self.closed_paths.len(),
            closed_sockets: self.closed_sockets.len(),
        }
    }

    /// Forgets all that was queued since `mark` was taken.
    pub fn roll_back(&mut self, mark: Mark) {
        self.used = mark.used;
        self.trains.truncate(mark.trains);
        self.validated_paths.truncate(mark.validated_paths);
        self.closed_paths.truncate(mark.closed_paths);
        self.closed_sockets.truncate(mark.closed_sockets);
        if let (Some(train), Some((segments, end))) = (self.trains.last_mut(), mark.last) {
            train.segments = segments;
            train.end = end;
        }
    }
}

impl Train {
    fn takes(&self, path: Path, len: usize) -> bool {
        let size = self.end - self.start;
        self.path == path
            && path.protocol == Protocol::Udp
            && len <= self.segment_size
            && size == self.segments * self.segment_size
            && self.segments < MAX_SEGMENTS
            && size + len <= MAX_TRAIN
    }

    /// The datagrams of `bytes`, which must be this train's own.
    pub fn split<'a>(&self, bytes: &'a [u8]) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        bytes.chunks(self.segment_size.max(1))
    }
}

/// What the kernel takes in one GSO send (`UDP_MAX_SEGMENTS`).
const MAX_SEGMENTS: usize = 64;
/// The largest UDP payload over IPv4, in bytes. A whole GSO send has this limit, too.
const MAX_TRAIN: usize = 65_507;

#[cfg(test)]
mod tests {
    use super::*;

    fn path(port: u16) -> Path {
        Path {
            protocol: Protocol::Udp,
            socket: SocketKey(0),
            remote: SocketAddr::from(([127, 0, 0, 1], port)),
        }
    }

    fn put(output: &mut Output, path: Path, len: usize) {
        let fill = u8::try_from(len % 251).unwrap();
        output.slot().unwrap()[..len].fill(fill);
        output.commit(path, len);
    }

    fn shape(output: &Output) -> Vec<(u16, usize, usize, usize)> {
        output
            .trains()
            .map(|(t, bytes)| {
                (
                    t.path.remote.port(),
                    t.segment_size,
                    t.segments,
                    bytes.len(),
                )
            })
            .collect()
    }

    #[test]
    fn equal_runs_become_one_train_and_the_last_may_be_shorter() {
        let mut output = Output::new(64 * 1024);
        for len in [1000, 1000, 400, 1000, 1001] {
            put(&mut output, path(1), len);
        }
        put(&mut output, path(2), 1001);
        assert_eq!(
            shape(&output),
            [
                (1, 1000, 3, 2400),
                (1, 1000, 1, 1000),
                (1, 1001, 1, 1001),
                (2, 1001, 1, 1001)
            ]
        );
        let (train, bytes) = output.trains().next().unwrap();
        assert_eq!(
            train.split(bytes).map(<[u8]>::len).collect::<Vec<_>>(),
            [1000, 1000, 400]
        );
    }

    #[test]
    fn a_train_stays_within_what_the_kernel_takes() {
        let mut output = Output::new(512 * 1024);
        for _ in 0..65 {
            put(&mut output, path(1), 100);
        }
        for _ in 0..60 {
            put(&mut output, path(2), 1400);
        }
        assert_eq!(
            shape(&output),
            [
                (1, 100, 64, 6400),
                (1, 100, 1, 100),
                (2, 1400, 46, 64_400),
                (2, 1400, 14, 19_600)
            ]
        );
    }

    #[test]
    fn rolling_back_restores_a_train_that_had_grown() {
        let mut output = Output::new(64 * 1024);
        put(&mut output, path(1), 100);
        let mark = output.mark();
        put(&mut output, path(1), 100);
        put(&mut output, path(2), 50);
        output.validate_path(path(2));
        output.close_path(path(3));
        output.close_socket(SocketKey(3));
        output.roll_back(mark);
        assert_eq!(shape(&output), [(1, 100, 1, 100)]);
        assert!(output.validated_paths().is_empty());
        assert!(output.closed_paths().is_empty() && output.closed_sockets().is_empty());
    }

    #[test]
    fn appending_takes_all_or_nothing() {
        let (mut output, mut other) = (Output::new(2000), Output::new(4000));
        put(&mut output, path(1), 500);
        put(&mut other, path(1), 500);
        put(&mut other, path(2), 500);
        other.validate_path(path(2));
        other.close_path(path(2));
        assert!(output.append(&other));
        assert_eq!(shape(&output), [(1, 500, 2, 1000), (2, 500, 1, 500)]);
        assert_eq!(output.validated_paths(), [path(2)]);
        assert_eq!(output.closed_paths(), [path(2)]);
        assert!(!output.append(&other));
        assert_eq!(shape(&output), [(1, 500, 2, 1000), (2, 500, 1, 500)]);
    }

    #[test]
    fn a_full_output_has_no_slot() {
        let mut output = Output::new(MAX_DATAGRAM + 10);
        put(&mut output, path(1), 11);
        assert!(!output.has_room());
        assert!(output.slot().is_none());
        output.clear();
        assert!(output.has_room());
    }

    #[test]
    fn a_batch_refuses_what_does_not_fit() {
        let mut batch = Batch::new(8, 2);
        assert!(batch.push(path(1), Instant::default(), b"12345"));
        assert!(!batch.push(path(1), Instant::default(), b"6789"));
        assert!(!batch.place(path(1), Instant::default(), 4..9));
        assert_eq!(batch.take_next().unwrap().2, b"12345");
        assert!(batch.take_next().is_none());
    }
}
