//! Reading single bits, the most significant first.

/// Reads numbers of any width from the front of a slice; `None` when it holds no more.
#[derive(Clone, Copy, Debug)]
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> BitReader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// One bit.
    pub(super) fn flag(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    /// The next `width` bits, at most 32: f(n) of the specification.
    pub(super) fn bits(&mut self, width: u32) -> Option<u32> {
        let mut value = 0u32;
        for _ in 0..width.min(u32::BITS) {
            value = value << 1 | u32::from(self.flag()?);
        }
        Some(value)
    }

    /// The next `width` bits, at most 8.
    pub(super) fn small(&mut self, width: u32) -> Option<u8> {
        u8::try_from(self.bits(width.min(u8::BITS))?).ok()
    }

    /// A number below `bound`; a small one takes one bit less: ns(n) of the specification. If
    /// `bound` is 0 or 1, the number is 0 and takes no bits.
    pub(super) fn below(&mut self, bound: u32) -> Option<u32> {
        let width = u32::BITS - bound.leading_zeros();
        if width <= 1 {
            return Some(0);
        }
        // A bound of 5 needs three bits for 3 and 4, two for the three numbers below.
        let short_codes = (1u64 << width) - u64::from(bound);
        let value = self.bits(width - 1)?;
        if u64::from(value) < short_codes {
            return Some(value);
        }
        let doubled = u64::from(value) << 1 | u64::from(self.flag()?);
        u32::try_from(doubled - short_codes).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_come_from_the_top_and_end_with_the_bytes() {
        let mut reader = BitReader::new(&[0b1010_0000, 0xff, 0x01]);
        assert_eq!(reader.bits(3), Some(0b101));
        assert_eq!(reader.bits(13), Some(0xff));
        assert_eq!(reader.bits(8), Some(1));
        assert_eq!(reader.bits(0), Some(0));
        assert_eq!(reader.bits(1), None);
    }

    #[test]
    fn numbers_below_a_bound_take_as_few_bits_as_the_specification_says() {
        // The codes of 0–4 below 5: 00, 01, 10, 110, 111.
        let mut reader = BitReader::new(&[0b0001_1011, 0b0111_0000]);
        let values: Vec<_> = (0..5).map(|_| reader.below(5).unwrap()).collect();
        assert_eq!(values, [0, 1, 2, 3, 4]);
        assert_eq!(BitReader::new(&[]).below(1), Some(0));
        assert_eq!(BitReader::new(&[]).below(0), Some(0));
        assert_eq!(BitReader::new(&[]).below(2), None);
        assert_eq!(
            BitReader::new(&[0xff; 5]).below(u32::MAX),
            Some(u32::MAX - 1)
        );
    }
}
