//! The per-SSRC state of one session.

use std::collections::VecDeque;

use super::SrtpError;
use crate::ids::Ssrc;

/// A bounded table ordered by SSRC. The caller keeps a [`StreamIndex`] as a hint, so that the next
/// packet of the same stream needs no search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StreamTable<T> {
    entries: Vec<(Ssrc, T)>,
    /// Streams that have ended. When the table is full they give way, the oldest first.
    retired: VecDeque<Ssrc>,
    max: usize,
}

/// Where a stream's state was last found in its session. It is only a hint: if the table has
/// changed since, or the packet belongs to another stream, the right place is searched and the hint
/// is corrected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamIndex(usize);

impl<T> StreamTable<T> {
    /// An empty table for at most `max` streams.
    pub(super) const fn new(max: usize) -> Self {
        Self {
            entries: Vec::new(),
            retired: VecDeque::new(),
            max,
        }
    }

    /// The state of `ssrc`; corrects `hint`.
    pub(super) fn get_mut(&mut self, ssrc: Ssrc, hint: &mut StreamIndex) -> Option<&mut T> {
        if self.entries.get(hint.0).is_none_or(|(s, _)| *s != ssrc) {
            hint.0 = self.position(ssrc).ok()?;
        }
        self.entries.get_mut(hint.0).map(|(_, state)| state)
    }

    /// Whether another stream may be added.
    pub(super) fn check_room(&self) -> Result<(), SrtpError> {
        if self.entries.len() < self.max || !self.retired.is_empty() {
            Ok(())
        } else {
            Err(SrtpError::TooManyStreams)
        }
    }

    /// Adds the state of `ssrc`, or replaces it. In a full table the stream that retired first
    /// gives way.
    pub(super) fn insert(&mut self, ssrc: Ssrc, state: T) {
        if let Some(held) = self.get_mut(ssrc, &mut StreamIndex::default()) {
            *held = state;
            return;
        }
        if self.entries.len() >= self.max
            && let Some(oldest) = self.retired.pop_front()
        {
            self.remove(oldest);
        }
        let index = self.position(ssrc).unwrap_or_else(|index| index);
        self.entries.insert(index, (ssrc, state));
    }

    /// The stream has ended; its state stays for as long as there is room.
    pub(super) fn retire(&mut self, ssrc: Ssrc) {
        if self.position(ssrc).is_ok() && !self.retired.contains(&ssrc) {
            self.retired.push_back(ssrc);
        }
    }

    /// The stream goes on after all.
    pub(super) fn resume(&mut self, ssrc: Ssrc) {
        self.retired.retain(|other| *other != ssrc);
    }

    /// Forgets `ssrc`. Returns whether it was here.
    pub(super) fn remove(&mut self, ssrc: Ssrc) -> bool {
        let position = self.position(ssrc);
        position.map(|index| self.entries.remove(index)).is_ok()
    }

    /// How many streams it holds.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    fn position(&self, ssrc: Ssrc) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&ssrc, |(s, _)| *s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_hint_finds_its_stream_again() {
        let mut table = StreamTable::new(3);
        let mut hint = StreamIndex::default();
        table.insert(Ssrc(20), 'b');
        assert_eq!(table.get_mut(Ssrc(20), &mut hint), Some(&mut 'b'));
        table.insert(Ssrc(10), 'a');
        table.insert(Ssrc(30), 'c');
        assert_eq!(table.get_mut(Ssrc(20), &mut hint), Some(&mut 'b'));
        assert_eq!(hint, StreamIndex(1));
        assert_eq!(table.check_room(), Err(SrtpError::TooManyStreams));
        table.remove(Ssrc(10));
        assert_eq!(table.get_mut(Ssrc(20), &mut hint), Some(&mut 'b'));
        assert_eq!(table.get_mut(Ssrc(10), &mut hint), None);
        assert_eq!((table.len(), table.check_room()), (2, Ok(())));
    }
    #[test]
    fn the_stream_that_retired_first_gives_way() {
        let mut table = StreamTable::new(3);
        for ssrc in 1..=3 {
            table.insert(Ssrc(ssrc), ssrc);
        }
        for ssrc in [2, 3, 1, 2, 9] {
            table.retire(Ssrc(ssrc));
        }
        table.resume(Ssrc(2));
        assert_eq!(table.check_room(), Ok(()));
        table.insert(Ssrc(4), 4);
        table.insert(Ssrc(5), 5);
        let held: Vec<_> = table.entries.iter().map(|(_, state)| *state).collect();
        assert_eq!(held, [2, 4, 5]);
        assert_eq!(table.check_room(), Err(SrtpError::TooManyStreams));
    }
}
