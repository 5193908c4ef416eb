//! The receive batch while the shell fills it: a [`Batch`] and how far it is filled.

use crate::output::{Batch, Path};
use crate::time::Instant;

/// A batch that is filled from all sockets with data, UDP and TCP alike.
pub(super) struct Intake {
    batch: Batch,
    /// Where free space begins.
    filled: usize,
}

impl Intake {
    /// An empty batch over `capacity` bytes.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            batch: Batch::new(capacity, EXPECTED_DATAGRAMS),
            filled: 0,
        }
    }

    /// The free space. Filling it does not yet take it: see [`Intake::place`].
    pub(super) fn space(&mut self) -> &mut [u8] {
        let filled = self.filled;
        &mut self.batch.bytes_mut()[filled..]
    }

    /// How many bytes are free.
    pub(super) fn room(&mut self) -> usize {
        self.space().len()
    }

    /// Records that a datagram lies `offset` bytes into the free space.
    pub(super) fn place(&mut self, path: Path, at: Instant, offset: usize, len: usize) {
        let start = self.filled + offset;
        let placed = self.batch.place(path, at, start..start + len);
        debug_assert!(placed, "the datagram was received into the batch");
    }

    /// Takes the first `len` bytes of the free space, and up to the next cache line.
    pub(super) fn advance(&mut self, len: usize) {
        let room = self.room();
        self.filled += len.next_multiple_of(CACHE_LINE).min(room);
    }

    /// Copies a datagram in, right after the last one; `false` if there is no room.
    pub(super) fn push(&mut self, path: Path, at: Instant, datagram: &[u8]) -> bool {
        let Some(space) = self.space().get_mut(..datagram.len()) else {
            return false;
        };
        space.copy_from_slice(datagram);
        self.place(path, at, 0, datagram.len());
        self.filled += datagram.len();
        true
    }

    /// How many datagrams it holds.
    pub(super) fn len(&self) -> usize {
        self.batch.len()
    }

    /// Whether it holds so much that the core should see it first.
    pub(super) fn is_full(&mut self) -> bool {
        self.len() >= EXPECTED_DATAGRAMS || self.room() < LEAST_ROOM
    }

    /// The batch for the core.
    pub(super) fn batch_mut(&mut self) -> &mut Batch {
        &mut self.batch
    }

    /// Forgets everything; keeps the memory.
    pub(super) fn clear(&mut self) {
        self.batch.clear();
        self.filled = 0;
    }
}

/// How many datagrams the list holds without growing. Filling stops there.
const EXPECTED_DATAGRAMS: usize = 2048;

/// The room that one more receive call needs: a coalesced message and the start of the next.
const LEAST_ROOM: usize = 68 * 1024;

/// Datagrams start on cache lines of their own, so that decrypting one does not touch the line of
/// another.
const CACHE_LINE: usize = 64;
