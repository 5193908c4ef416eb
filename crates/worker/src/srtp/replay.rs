//! Packet indices: which index a sequence number stands for, and which indices were seen already.

/// A sliding window over packet indices (RFC 3711 §3.3.2) of `WORDS` × 64 bits, of which at least
/// (`WORDS` − 1) × 64 + 1 are in use. The bits form a ring, and a whole word is cleared at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReplayWindow<const WORDS: usize> {
    highest: u64,
    seen: [u64; WORDS],
}

/// What the window knows of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Not,
    Already,
    TooOld,
}

impl<const WORDS: usize> ReplayWindow<WORDS> {
    /// This many indices up to the highest are always known.
    pub(super) const GUARANTEED: u64 = (WORDS as u64 - 1) * 64 + 1;

    /// The window of a stream whose first packet has this index.
    pub(super) fn starting_at(index: u64) -> Self {
        let mut window = Self {
            highest: index,
            seen: [0; WORDS],
        };
        window.mark(index);
        window
    }

    /// The highest index seen.
    pub(super) const fn highest(&self) -> u64 {
        self.highest
    }

    /// Whether `index` was seen.
    pub(super) fn check(&self, index: u64) -> Seen {
        if index > self.highest {
            return Seen::Not;
        }
        if (self.highest >> 6) - (index >> 6) >= WORDS as u64 {
            return Seen::TooOld;
        }
        if self.seen[Self::word(index)] & bit(index) != 0 {
            Seen::Already
        } else {
            Seen::Not
        }
    }

    /// Records `index`, which [`ReplayWindow::check`] has found not to be too old.
    pub(super) fn accept(&mut self, index: u64) {
        if index > self.highest {
            let advanced = ((index >> 6) - (self.highest >> 6)).min(WORDS as u64);
            for step in 0..advanced {
                self.seen[Self::word(index - (step << 6))] = 0;
            }
            self.highest = index;
        }
        self.mark(index);
    }

    fn mark(&mut self, index: u64) {
        self.seen[Self::word(index)] |= bit(index);
    }

    fn word(index: u64) -> usize {
        // The remainder is below WORDS, so nothing is cut off.
        usize::try_from((index >> 6) % WORDS as u64).unwrap_or(0)
    }
}

const fn bit(index: u64) -> u64 {
    1 << (index & 63)
}

/// The 48-bit index that `sequence` most likely stands for, given the highest one so far (RFC 3711
/// §3.3.1 and appendix A). `None` when the rollover counter would overflow: the key is exhausted.
pub(super) fn estimate_index(highest: u64, sequence: u16) -> Option<u64> {
    let last = i32::from(low_16(highest));
    let rollover = highest >> 16;
    let distance = i32::from(sequence) - last;
    let rollover = if distance < -HALF {
        rollover + 1
    } else if distance > HALF {
        // Before the first rollover there is nothing to go back to. So this can only be a leap
        // ahead; authentication decides.
        rollover.saturating_sub(1)
    } else {
        rollover
    };
    (rollover <= u64::from(u32::MAX)).then_some((rollover << 16) | u64::from(sequence))
}

/// The rollover counter of an index.
pub(super) const fn rollover(index: u64) -> [u8; 4] {
    let [_, _, a, b, c, d, _, _] = index.to_be_bytes();
    [a, b, c, d]
}

const fn low_16(index: u64) -> u16 {
    let [.., high, low] = index.to_be_bytes();
    u16::from_be_bytes([high, low])
}

const HALF: i32 = 1 << 15;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    type Window = ReplayWindow<3>;

    #[test]
    fn indices_are_seen_once() {
        let mut window = Window::starting_at(1000);
        assert_eq!(window.check(1000), Seen::Already);
        for index in [1001, 999, 1003, 1128] {
            assert_eq!(window.check(index), Seen::Not, "{index}");
            window.accept(index);
            assert_eq!(window.check(index), Seen::Already, "{index}");
        }
        assert_eq!(window.check(1002), Seen::Not);
        // At least 128 indices back are known.
        assert_eq!(window.check(1128 - 128), Seen::Already);
        assert_eq!(window.check(1128 - 192), Seen::TooOld);
    }

    #[test]
    fn a_leap_forgets_everything_before_it() {
        let mut window = Window::starting_at(5);
        window.accept(1 << 40);
        assert_eq!(window.check(5), Seen::TooOld);
        assert_eq!(window.check((1 << 40) - 1), Seen::Not);
        assert_eq!(window.check((1 << 40) - 64), Seen::Not);
    }

    #[test]
    fn the_window_agrees_with_a_set_of_indices() {
        let mut rng = Rng::new([3; 32]);
        let mut index = 50_000_u64;
        let mut window = Window::starting_at(index);
        let mut model = std::collections::BTreeSet::from([index]);
        for _ in 0..20_000 {
            let next = match rng.below(20) {
                0 => index + u64::from(rng.below(400)),
                1..10 => index + 1,
                _ => index - u64::from(rng.below(250)),
            };
            let expected = if (index >> 6) - (next.min(index) >> 6) >= 3 {
                Seen::TooOld
            } else if model.contains(&next) {
                Seen::Already
            } else {
                Seen::Not
            };
            assert_eq!(window.check(next), expected);
            if expected == Seen::Not {
                window.accept(next);
                model.insert(next);
            }
            index = index.max(next);
            assert_eq!(window.highest(), index);
        }
    }

    #[test]
    fn the_nearest_rollover_is_taken() {
        let roc = |index: u64| index >> 16;
        for (highest, sequence, expected) in [
            (65_535, 0, 1),
            (65_535, 65_534, 0),
            (0x1_0000, 65_535, 0),
            (0x1_0000, 1, 1),
            (0x5_7fff, 0xffff, 5),
            (0x5_7ffe, 0xffff, 4),
            (0x5_8001, 0, 6),
            (0x5_8000, 0, 5),
            // Nothing lies before index 0.
            (0, 65_535, 0),
        ] {
            let index = estimate_index(highest, sequence).unwrap();
            assert_eq!(roc(index), expected, "{highest:#x} {sequence:#x}");
        }
        assert_eq!(estimate_index(0xffff_ffff_ffff, 0), None);
    }
}
