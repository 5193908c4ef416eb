//! Sequence numbers wrap: here they are unwrapped into counters that do not.
//!
//! Everything that remembers packets counts with [`ExtendedSeq`]. The 16 bits of a packet are
//! extended once on the way in and cut off once on the way out.

/// A sequence number that does not wrap: the lower 16 bits are those of the packet, the upper ones
/// count cycles. The first packet of a stream is in cycle 2¹⁶, so that earlier packets have
/// numbers, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct ExtendedSeq(pub u64);

impl ExtendedSeq {
    /// What travels in the packet.
    #[must_use]
    pub(crate) const fn seq(self) -> u16 {
        (self.0 & 0xffff) as u16
    }

    /// The lower 32 bits. They are enough to find the number again among recent ones.
    #[must_use]
    pub(crate) const fn low32(self) -> u32 {
        (self.0 & 0xffff_ffff) as u32
    }

    /// The number with these lower 32 bits that is nearest to `near`.
    #[must_use]
    pub(crate) const fn from_low32(low: u32, near: Self) -> Self {
        Self(unwrap_near(near.0, low as u64, 32))
    }

    /// The number `count` packets later.
    #[must_use]
    pub(crate) const fn plus(self, count: u64) -> Self {
        Self(self.0.wrapping_add(count))
    }

    /// How many packets this number is after `earlier`; 0 when it is not after it.
    #[must_use]
    pub(crate) const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Unwraps the sequence numbers of one stream. Each becomes the number nearest to the highest one
/// seen, so reordering around a wrap is harmless, even right after the start.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SeqUnwrapper {
    highest: Option<ExtendedSeq>,
}

impl SeqUnwrapper {
    /// The extended number of `seq`, which becomes the highest if it is.
    pub(crate) fn unwrap(&mut self, seq: u16) -> ExtendedSeq {
        let extended = self.peek(seq);
        self.highest = self.highest.max(Some(extended));
        extended
    }

    /// The extended number of `seq`; changes nothing.
    #[must_use]
    pub(crate) fn peek(&self, seq: u16) -> ExtendedSeq {
        match self.highest {
            Some(highest) => ExtendedSeq(unwrap_near(highest.0, u64::from(seq), 16)),
            None => ExtendedSeq(FIRST_CYCLE | u64::from(seq)),
        }
    }

    /// Takes `seq` as the start of a new run of numbers. Its extended number is more than a whole
    /// cycle above all earlier ones, so old and new numbers are never mixed up.
    pub(crate) fn restart(&mut self, seq: u16) -> ExtendedSeq {
        let extended = match self.highest {
            Some(ExtendedSeq(highest)) => {
                ExtendedSeq(((highest | 0xffff).wrapping_add(0x1_0001)) | u64::from(seq))
            }
            None => self.peek(seq),
        };
        self.highest = Some(extended);
        extended
    }

    /// The highest number seen.
    #[must_use]
    pub(crate) const fn highest(&self) -> Option<ExtendedSeq> {
        self.highest
    }
}

/// The number with the lower `bits` bits of `low` that is nearest to `reference`; of two equally
/// near ones, the one with the same higher bits.
const fn unwrap_near(reference: u64, low: u64, bits: u32) -> u64 {
    let (circle, half) = (1_u64 << bits, 1_u64 << (bits - 1));
    let same_cycle = (reference & !(circle - 1)) | (low & (circle - 1));
    if same_cycle > reference && same_cycle - reference > half {
        same_cycle.wrapping_sub(circle)
    } else if same_cycle < reference && reference - same_cycle > half {
        same_cycle.wrapping_add(circle)
    } else {
        same_cycle
    }
}

/// Where unwrapping starts. Bit 32 is set, so that late packets have numbers below.
const FIRST_CYCLE: u64 = 1 << 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordered_stream_counts_on_through_many_wraps() {
        for first in [0_u16, 1, 0x7fff, 0x8000, 0xffff] {
            let mut unwrapper = SeqUnwrapper::default();
            let base = unwrapper.unwrap(first);
            assert_eq!(base.seq(), first);
            for count in 1..150_000_u64 {
                let seq = base.plus(count).seq();
                assert_eq!(unwrapper.unwrap(seq), base.plus(count));
            }
        }
    }

    #[test]
    fn steps_of_every_size_up_to_half_the_circle_are_followed() {
        for step in (1..=0x8000_u64).step_by(331).chain([0x7fff]) {
            let mut unwrapper = SeqUnwrapper::default();
            let base = unwrapper.unwrap(0xfff0);
            // Exactly half a circle is ambiguous and is not promised.
            for n in 1..20 {
                if step < 0x8000 {
                    assert_eq!(
                        unwrapper.unwrap(base.plus(n * step).seq()),
                        base.plus(n * step)
                    );
                }
            }
        }
    }

    #[test]
    fn reordering_around_a_wrap_and_before_the_first_packet_is_harmless() {
        let mut unwrapper = SeqUnwrapper::default();
        let first = unwrapper.unwrap(2);
        let order = [0xffff_u16, 1, 0xfffe, 5, 0, 3, 0x8006, 4];
        let offsets: Vec<i64> = order
            .iter()
            .map(|seq| (unwrapper.unwrap(*seq).0 as i64) - (first.0 as i64))
            .collect();
        assert_eq!(offsets, [-3, -1, -4, 3, -2, 1, -0x7ffc, 2]);
        assert_eq!(unwrapper.highest(), Some(first.plus(3)));
    }

    #[test]
    fn a_shuffled_stream_gives_what_a_wide_counter_would() {
        let mut state = 0x1234_5678_9abc_def1_u64;
        let mut unwrapper = SeqUnwrapper::default();
        let mut offset = None;
        let mut counter = 0_u64;
        for _ in 0..200_000 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            counter += state % 40;
            let late = (state >> 20) % 3000;
            let sent = (1 << 20) + counter - late;
            let got = unwrapper.unwrap((sent & 0xffff) as u16).0;
            let constant = *offset.get_or_insert_with(|| got.wrapping_sub(sent));
            assert_eq!(got, sent.wrapping_add(constant));
        }
    }

    #[test]
    fn peeking_changes_nothing() {
        let mut unwrapper = SeqUnwrapper::default();
        unwrapper.unwrap(10);
        let ahead = unwrapper.peek(0x7000);
        assert!(Some(ahead) > unwrapper.highest());
        assert_eq!(unwrapper.highest().map(ExtendedSeq::seq), Some(10));
    }

    #[test]
    fn a_restart_is_more_than_a_cycle_above_everything_before() {
        for (before, after) in [(0_u16, 0xffff_u16), (0xffff, 0), (5, 5), (0x8000, 0x7fff)] {
            let mut unwrapper = SeqUnwrapper::default();
            let old = unwrapper.unwrap(before);
            let new = unwrapper.restart(after);
            assert_eq!(new.seq(), after);
            assert!(new.since(old) > 0xffff, "{before} {after}");
            assert_eq!(unwrapper.unwrap(after.wrapping_add(1)), new.plus(1));
            assert_eq!(unwrapper.peek(after.wrapping_sub(1)).plus(1), new);
        }
    }

    #[test]
    fn low_bits_find_the_number_again_near_a_recent_one() {
        let near = ExtendedSeq(0x1_ffff_fff0);
        for distance in 0..100 {
            let later = near.plus(distance);
            assert_eq!(ExtendedSeq::from_low32(later.low32(), near), later);
            assert_eq!(ExtendedSeq::from_low32(near.low32(), later), near);
        }
    }

    #[test]
    fn nothing_panics_at_the_ends_of_the_counter() {
        assert_eq!(unwrap_near(0, 0xffff, 16), u64::MAX);
        assert_eq!(unwrap_near(u64::MAX, 0, 16), 0);
        assert_eq!(ExtendedSeq(u64::MAX).plus(2), ExtendedSeq(1));
    }
}
