//! Owned entities side by side, addressed by typed generational keys.
//!
//! A key names one entity for ever. Once the entity is removed, the key finds nothing, even if
//! another entity takes its slot.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// The interface of a typed key; [`define_key!`](crate::define_key) makes them.
pub(crate) trait Key: Copy + Eq + Ord + Hash + fmt::Debug {
    /// The key of a slot and of the generation of its tenant.
    fn new(slot: u32, generation: u32) -> Self;
    /// The slot, dense from zero: an index for side tables.
    fn slot(self) -> u32;
    /// How many entities lived in the slot before this one.
    fn generation(self) -> u32;
}

/// Defines a key type for one kind of entity.
#[macro_export]
macro_rules! define_key {
    ($(#[$doc:meta])* $visibility:vis $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $visibility struct $name {
            slot: u32,
            generation: u32,
        }

        impl $crate::arena::Key for $name {
            fn new(slot: u32, generation: u32) -> Self {
                Self { slot, generation }
            }
            fn slot(self) -> u32 {
                self.slot
            }
            fn generation(self) -> u32 {
                self.generation
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({}.{})"), self.slot, self.generation)
            }
        }
    };
}

/// A slab of `V` under keys of type `K`. Iteration is in slot order, so it is the same in every
/// run.
pub(crate) struct Arena<K, V> {
    slots: Vec<Slot<V>>,
    free: Vec<u32>,
    key: PhantomData<K>,
}

struct Slot<V> {
    generation: u32,
    value: Option<V>,
}

impl<K: Key, V> Arena<K, V> {
    /// An empty arena; allocates nothing.
    #[must_use]
    pub(crate) const fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            key: PhantomData,
        }
    }

    /// Stores what `make` builds from its own future key.
    pub(crate) fn insert_with(&mut self, make: impl FnOnce(K) -> V) -> K {
        if let Some(slot) = self.free.pop() {
            let entry = &mut self.slots[slot as usize];
            let key = K::new(slot, entry.generation);
            entry.value = Some(make(key));
            return key;
        }
        let slot = u32::try_from(self.slots.len()).expect("fewer than 2^32 entities of one kind");
        let key = K::new(slot, 0);
        self.slots.push(Slot {
            generation: 0,
            value: Some(make(key)),
        });
        key
    }

    /// Stores `value`.
    pub(crate) fn insert(&mut self, value: V) -> K {
        self.insert_with(|_| value)
    }

    /// Takes the entity out; its key finds nothing from now on.
    pub(crate) fn remove(&mut self, key: K) -> Option<V> {
        let entry = self.slots.get_mut(key.slot() as usize)?;
        if entry.generation != key.generation() {
            return None;
        }
        let value = entry.value.take()?;
        // When the generations of a slot are used up, the slot is retired. Otherwise one key could
        // name two entities.
        if let Some(next) = entry.generation.checked_add(1) {
            entry.generation = next;
            self.free.push(key.slot());
        }
        Some(value)
    }

    /// The entity that `key` names, if it still lives.
    #[must_use]
    pub(crate) fn get(&self, key: K) -> Option<&V> {
        let entry = self.slots.get(key.slot() as usize)?;
        if entry.generation == key.generation() {
            entry.value.as_ref()
        } else {
            None
        }
    }

    /// Like [`Arena::get`], to change it.
    pub(crate) fn get_mut(&mut self, key: K) -> Option<&mut V> {
        let entry = self.slots.get_mut(key.slot() as usize)?;
        if entry.generation == key.generation() {
            entry.value.as_mut()
        } else {
            None
        }
    }

    /// All entities with their keys, in slot order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (K, &V)> {
        self.slots.iter().enumerate().filter_map(|(slot, entry)| {
            let slot = u32::try_from(slot).ok()?;
            entry
                .value
                .as_ref()
                .map(|value| (K::new(slot, entry.generation), value))
        })
    }
}

impl<K: Key, V> Default for Arena<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

/// For keys that the caller knows to be alive; a stale key is a bug and panics inside the fence.
impl<K: Key, V> Index<K> for Arena<K, V> {
    type Output = V;

    fn index(&self, key: K) -> &V {
        self.get(key).expect("the key names a living entity")
    }
}

impl<K: Key, V> IndexMut<K> for Arena<K, V> {
    fn index_mut(&mut self, key: K) -> &mut V {
        self.get_mut(key).expect("the key names a living entity")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    define_key!(
        /// A key of the tests.
        TestKey
    );

    #[test]
    fn a_stale_key_finds_nothing_after_its_slot_is_reused() {
        let mut arena: Arena<TestKey, &str> = Arena::new();
        let first = arena.insert("first");
        assert_eq!(arena.remove(first), Some("first"));
        let second = arena.insert("second");
        assert_eq!(second.slot(), first.slot());
        assert_eq!(arena.get(first), None);
        assert_eq!(arena.remove(first), None);
        assert_eq!(arena[second], "second");
    }

    #[test]
    fn iteration_follows_the_slots() {
        let mut arena: Arena<TestKey, u8> = Arena::new();
        let keys: Vec<_> = (0..4).map(|n| arena.insert(n)).collect();
        arena.remove(keys[1]);
        arena.insert(9);
        assert_eq!(
            arena.iter().map(|(_, n)| *n).collect::<Vec<_>>(),
            [0, 9, 2, 3]
        );
        assert_eq!(arena.iter().count(), 4);
    }
}
