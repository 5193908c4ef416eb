//! Packet status chunks (§3.1.2–3.1.4 of the draft): reading and writing them.

use crate::wire::buffer::Writer;

/// What two bits, or one, say of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Symbol {
    NotReceived,
    Small,
    Large,
}

impl Symbol {
    pub(super) fn of(delta: Option<i16>) -> Self {
        match delta {
            None => Self::NotReceived,
            Some(0..=255) => Self::Small,
            Some(_) => Self::Large,
        }
    }

    /// `None` for 3, which the draft keeps for later.
    fn from_bits(bits: u16) -> Option<Self> {
        match bits {
            0 => Some(Self::NotReceived),
            1 => Some(Self::Small),
            2 => Some(Self::Large),
            _ => None,
        }
    }

    pub(super) const fn delta_len(self) -> usize {
        self as usize
    }
}

/// A chunk that is being read: the symbols that are left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunk {
    /// A run's symbol, or a vector's symbols, the next at the top.
    bits: u16,
    /// How many bits at the top of `bits` a symbol has; 0 in a run.
    symbol_bits: u32,
    pub(super) left: u16,
}

impl Chunk {
    pub(super) const EMPTY: Self = Self {
        bits: 0,
        symbol_bits: 0,
        left: 0,
    };

    /// The chunk in these 16 bits, cut to `limit` symbols.
    pub(super) fn decode(word: u16, limit: u16) -> Self {
        let (bits, symbol_bits, left) = match word >> 14 {
            // Run length: one bit of type, two of symbol, 13 of length.
            0 | 1 => ((word >> 13) & 3, 0, word & MAX_RUN),
            // Status vector: one bit of type, one of symbol size, 14 of symbols.
            2 => (word << 2, 1, 14),
            _ => (word << 2, 2, 7),
        };
        Self {
            bits,
            symbol_bits,
            left: left.min(limit),
        }
    }

    /// The next symbol; `None` for the reserved one and at the end.
    pub(super) fn next(&mut self) -> Option<Symbol> {
        self.left = self.left.checked_sub(1)?;
        if self.symbol_bits == 0 {
            return Symbol::from_bits(self.bits);
        }
        let symbol = self.bits >> (u16::BITS - self.symbol_bits);
        self.bits <<= self.symbol_bits;
        Symbol::from_bits(symbol)
    }

    /// How many bytes of deltas belong to it. `None` if it has the reserved symbol, or no symbol at
    /// all; no sender needs that.
    pub(super) fn delta_len(&self) -> Option<usize> {
        if self.left == 0 {
            return None;
        }
        if self.symbol_bits == 0 {
            let symbol = Symbol::from_bits(self.bits)?;
            return Some(symbol.delta_len() * usize::from(self.left));
        }
        let mut chunk = *self;
        let mut len = 0;
        while chunk.left > 0 {
            len += chunk.next()?.delta_len();
        }
        Some(len)
    }
}

/// Gathers symbols and writes each chunk that is full.
pub(super) struct ChunkEncoder {
    symbols: [Symbol; VECTOR_OF_ONE_BIT],
    /// How many symbols are gathered. If they are all the same, these are more than `symbols`
    /// holds.
    len: usize,
    all_same: bool,
    any_large: bool,
}

impl ChunkEncoder {
    pub(super) const fn new() -> Self {
        Self {
            symbols: [Symbol::NotReceived; VECTOR_OF_ONE_BIT],
            len: 0,
            all_same: true,
            any_large: false,
        }
    }

    pub(super) fn push(&mut self, symbol: Symbol, out: &mut Writer<'_>) -> Option<()> {
        if !self.takes(symbol) {
            self.write_full(out)?;
        }
        self.add(symbol);
        Some(())
    }

    fn takes(&self, symbol: Symbol) -> bool {
        let as_run = self.all_same && self.symbols[0] == symbol && self.len < MAX_RUN.into();
        let as_bits = !self.any_large && symbol != Symbol::Large && self.len < VECTOR_OF_ONE_BIT;
        self.len < VECTOR_OF_TWO_BITS || as_run || as_bits
    }

    fn add(&mut self, symbol: Symbol) {
        if let Some(slot) = self.symbols.get_mut(self.len) {
            *slot = symbol;
        }
        self.all_same &= self.symbols[0] == symbol;
        self.any_large |= symbol == Symbol::Large;
        self.len += 1;
    }

    /// Writes a chunk that is full to the end, and keeps the symbols that it did not take.
    fn write_full(&mut self, out: &mut Writer<'_>) -> Option<()> {
        if self.all_same {
            self.write_run(out)?;
            *self = Self::new();
        } else if self.len == VECTOR_OF_ONE_BIT {
            self.write_vector_of_one_bit(out)?;
            *self = Self::new();
        } else {
            self.write_vector_of_two_bits(out)?;
            let (symbols, len) = (self.symbols, self.len);
            *self = Self::new();
            for symbol in symbols.iter().take(len).skip(VECTOR_OF_TWO_BITS) {
                self.add(*symbol);
            }
        }
        Some(())
    }

    /// Writes the last chunk, which may hold more places than there are packets.
    pub(super) fn finish(&self, out: &mut Writer<'_>) -> Option<()> {
        if self.len == 0 {
            Some(())
        } else if self.all_same {
            self.write_run(out)
        } else if self.any_large {
            self.write_vector_of_two_bits(out)
        } else {
            self.write_vector_of_one_bit(out)
        }
    }

    fn write_run(&self, out: &mut Writer<'_>) -> Option<()> {
        out.u16((self.symbols[0] as u16) << 13 | u16::try_from(self.len).ok()?)
    }

    fn write_vector_of_one_bit(&self, out: &mut Writer<'_>) -> Option<()> {
        out.u16(0b10 << 14 | self.vector(VECTOR_OF_ONE_BIT, 1))
    }

    fn write_vector_of_two_bits(&self, out: &mut Writer<'_>) -> Option<()> {
        out.u16(0b11 << 14 | self.vector(VECTOR_OF_TWO_BITS, 2))
    }

    /// The first `places` symbols side by side, followed by "not received".
    fn vector(&self, places: usize, symbol_bits: u32) -> u16 {
        (0..places).fold(0, |bits, place| {
            let symbol = match self.symbols.get(place) {
                Some(symbol) if place < self.len => *symbol as u16,
                _ => 0,
            };
            bits << symbol_bits | symbol
        })
    }
}

const MAX_RUN: u16 = (1 << 13) - 1;
const VECTOR_OF_ONE_BIT: usize = 14;
/// The least number of packets that a chunk covers; only the last may cover fewer.
pub(super) const VECTOR_OF_TWO_BITS: usize = 7;
