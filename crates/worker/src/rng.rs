//! Randomness from the seed in the settings: one generator, and the keyed hashing of the worker's
//! look-up tables.

use std::hash::BuildHasher;

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use siphasher::sip::SipHasher13;

/// The worker's only source of random numbers. It is good enough for passwords and keys if the seed
/// is.
pub struct Rng(ChaCha12Rng);

impl Rng {
    /// The generator that `seed` determines.
    #[must_use]
    pub fn new(seed: [u8; 32]) -> Self {
        Self(ChaCha12Rng::from_seed(seed))
    }

    /// 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Fills `bytes`.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill_bytes(bytes);
    }

    /// A number below `bound`, evenly distributed; 0 when `bound` is 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        // The upper half of a 64-bit product is even to within 2^-32.
        let product = u64::from(self.next_u32()) * u64::from(bound);
        u32::try_from(product >> 32).unwrap_or(0)
    }

    /// `len` characters drawn evenly from the lower-case letters and digits.
    pub fn alphanumeric(&mut self, len: usize) -> String {
        (0..len)
            .map(|_| char::from(ALPHABET[self.below(36) as usize]))
            .collect()
    }

    /// A generator of its own, determined by this one's state.
    pub fn fork(&mut self) -> Self {
        let mut seed = [0; 32];
        self.fill(&mut seed);
        Self::new(seed)
    }
}

/// A look-up table in order of insertion, never in order of hashes. Removal puts the last entry
/// into the hole, as the channel's dumps expect.
pub(crate) type Table<K, V> = indexmap::IndexMap<K, V, KeyedState>;

/// Hashing with a secret key, so that a peer cannot choose addresses or names that collide.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KeyedState(u64, u64);

impl KeyedState {
    /// A state with a key of its own.
    pub(crate) fn new(rng: &mut Rng) -> Self {
        Self(rng.next_u64(), rng.next_u64())
    }
}

impl BuildHasher for KeyedState {
    type Hasher = SipHasher13;

    fn build_hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_keys(self.0, self.1)
    }
}

impl std::fmt::Debug for Rng {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rng")
    }
}

const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_determines_everything() {
        let (mut a, mut b) = (Rng::new([7; 32]), Rng::new([7; 32]));
        assert_eq!(a.alphanumeric(32), b.alphanumeric(32));
        assert_ne!(a.fork().next_u64(), a.fork().next_u64());
    }

    #[test]
    fn below_stays_below() {
        let mut rng = Rng::new([1; 32]);
        assert!((0..10_000).all(|_| rng.below(7) < 7));
        assert_eq!(rng.below(0), 0);
    }
}
