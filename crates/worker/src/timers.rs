//! The queue of deadlines. Each owner has at most one entry, and the entry is refreshed only when
//! the owner was touched. So idle owners cost nothing.

use crate::arena::Key;
use crate::time::Instant;

/// A binary min-heap of deadlines. It knows the position of every owner's entry, so moving or
/// removing a deadline is O(log n). Equal deadlines come out in the order of their owners, so every
/// run is the same.
#[derive(Debug)]
pub(crate) struct Deadlines<K> {
    heap: Vec<(Instant, K)>,
    /// By slot of the owner: where its entry is in `heap`.
    positions: Vec<Option<u32>>,
}

impl<K: Key> Deadlines<K> {
    /// No deadlines.
    #[must_use]
    pub(crate) const fn new() -> Self {
        Self {
            heap: Vec::new(),
            positions: Vec::new(),
        }
    }

    /// Replaces the deadline of `owner`; `None` removes it.
    pub(crate) fn set(&mut self, owner: K, deadline: Option<Instant>) {
        let position = self.position(owner);
        match (position, deadline) {
            (Some(at), Some(deadline)) => {
                self.heap[at] = (deadline, owner);
                let at = self.sift_up(at);
                self.sift_down(at);
            }
            (Some(at), None) => self.remove_at(at),
            (None, Some(deadline)) => {
                self.heap.push((deadline, owner));
                let at = self.heap.len() - 1;
                self.note_position(at);
                self.sift_up(at);
            }
            (None, None) => {}
        }
    }

    /// The earliest deadline and whose it is.
    #[must_use]
    pub(crate) fn next(&self) -> Option<(Instant, K)> {
        self.heap.first().copied()
    }

    /// Takes out one owner whose deadline is `now` or earlier, earliest first.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<K> {
        let (deadline, owner) = self.next()?;
        if deadline > now {
            return None;
        }
        self.remove_at(0);
        Some(owner)
    }

    fn position(&self, owner: K) -> Option<usize> {
        self.positions
            .get(owner.slot() as usize)
            .copied()
            .flatten()
            .map(|at| at as usize)
    }

    fn note_position(&mut self, at: usize) {
        let slot = self.heap[at].1.slot() as usize;
        if self.positions.len() <= slot {
            self.positions.resize(slot + 1, None);
        }
        self.positions[slot] = u32::try_from(at).ok();
    }

    fn remove_at(&mut self, at: usize) {
        let (_, owner) = self.heap.swap_remove(at);
        self.positions[owner.slot() as usize] = None;
        if at < self.heap.len() {
            self.note_position(at);
            let at = self.sift_up(at);
            self.sift_down(at);
        }
    }

    fn sift_up(&mut self, mut at: usize) -> usize {
        while at > 0 {
            let parent = (at - 1) / 2;
            if self.heap[parent] <= self.heap[at] {
                break;
            }
            self.swap(at, parent);
            at = parent;
        }
        at
    }

    fn sift_down(&mut self, mut at: usize) {
        loop {
            let mut least = at;
            for child in [2 * at + 1, 2 * at + 2] {
                if child < self.heap.len() && self.heap[child] < self.heap[least] {
                    least = child;
                }
            }
            if least == at {
                return;
            }
            self.swap(at, least);
            at = least;
        }
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.heap.swap(a, b);
        self.note_position(a);
        self.note_position(b);
    }
}

impl<K: Key> Default for Deadlines<K> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::TransportKey;

    #[test]
    fn behaves_like_a_sorted_list_under_random_changes() {
        let mut deadlines = Deadlines::new();
        let mut model: Vec<(Instant, TransportKey)> = Vec::new();
        let mut state = 0x9e37_79b9_u64;
        for _ in 0..20_000 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let owner = TransportKey::new(u32::try_from(state % 50).unwrap(), 0);
            let at = Instant::from_millis((state >> 8) % 1000);
            model.retain(|(_, other)| *other != owner);
            if state.is_multiple_of(3) {
                deadlines.set(owner, None);
            } else {
                deadlines.set(owner, Some(at));
                model.push((at, owner));
            }
            model.sort_unstable();
            assert_eq!(deadlines.next(), model.first().copied());
        }
        let now = Instant::from_millis(500);
        let due = std::iter::from_fn(|| deadlines.pop_due(now)).collect::<Vec<_>>();
        let expected: Vec<_> = model
            .iter()
            .filter(|(at, _)| *at <= now)
            .map(|(_, owner)| *owner)
            .collect();
        assert_eq!(due, expected);
        assert!(deadlines.next().is_none_or(|(at, _)| at > now));
    }
}
