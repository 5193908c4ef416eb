//! Big-endian cursors over byte slices: one that reads and one that writes, neither of which can
//! pass the end.

/// Reads numbers in network byte order from the front of a slice; `None` when it holds no more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// A reader of `bytes`.
    #[must_use]
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// What has not been read.
    #[must_use]
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// Whether all has been read.
    #[must_use]
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    /// The next `len` bytes.
    pub(crate) fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(head)
    }

    /// The next byte.
    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// The next 16 bits.
    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    /// The next 24 bits.
    pub(crate) fn u24(&mut self) -> Option<u32> {
        self.array()
            .map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]))
    }

    /// The next 32 bits.
    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// The next 64 bits.
    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }
}

/// Writes numbers in network byte order into a caller's buffer. A write that does not fit returns
/// `None` and changes nothing.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    buffer: &'a mut [u8],
    at: usize,
}

impl<'a> Writer<'a> {
    /// A writer that starts at the front of `buffer`.
    #[must_use]
    pub(crate) const fn new(buffer: &'a mut [u8]) -> Self {
        Self { buffer, at: 0 }
    }

    /// How many bytes have been written: the position of the next one.
    #[must_use]
    pub(crate) const fn position(&self) -> usize {
        self.at
    }

    /// How many more bytes fit.
    #[must_use]
    pub(crate) const fn room(&self) -> usize {
        self.buffer.len() - self.at
    }

    /// What has been written.
    #[must_use]
    pub(crate) fn written(&self) -> &[u8] {
        &self.buffer[..self.at]
    }

    /// Forgets everything written at and after `position`. A position ahead changes nothing.
    pub(crate) fn rewind(&mut self, position: usize) {
        self.at = self.at.min(position);
    }

    /// Appends `bytes`.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Option<()> {
        let end = self.at.checked_add(bytes.len())?;
        self.buffer.get_mut(self.at..end)?.copy_from_slice(bytes);
        self.at = end;
        Some(())
    }

    /// Appends `len` bytes of zero.
    pub(crate) fn zeros(&mut self, len: usize) -> Option<()> {
        let end = self.at.checked_add(len)?;
        self.buffer.get_mut(self.at..end)?.fill(0);
        self.at = end;
        Some(())
    }

    /// Appends zeros until what was written since `start` is a multiple of four bytes long.
    pub(crate) fn align(&mut self, start: usize) -> Option<()> {
        self.zeros(padding_to_word(self.at.saturating_sub(start)))
    }

    /// Appends a byte.
    pub(crate) fn u8(&mut self, value: u8) -> Option<()> {
        self.bytes(&[value])
    }

    /// Appends 16 bits.
    pub(crate) fn u16(&mut self, value: u16) -> Option<()> {
        self.bytes(&value.to_be_bytes())
    }

    /// Appends the lower 24 bits of `value`.
    pub(crate) fn u24(&mut self, value: u32) -> Option<()> {
        self.bytes(&value.to_be_bytes()[1..])
    }

    /// Appends 32 bits.
    pub(crate) fn u32(&mut self, value: u32) -> Option<()> {
        self.bytes(&value.to_be_bytes())
    }

    /// Appends 64 bits.
    pub(crate) fn u64(&mut self, value: u64) -> Option<()> {
        self.bytes(&value.to_be_bytes())
    }

    /// Overwrites bytes at `position`; `None` if they reach past the end of what was written.
    pub(crate) fn patch(&mut self, position: usize, bytes: &[u8]) -> Option<()> {
        let end = position.checked_add(bytes.len())?;
        if end > self.at {
            return None;
        }
        stamp(self.buffer, position, bytes)
    }
}

/// Overwrites `value.len()` bytes of `packet` at `position`. If they do not lie within it, nothing
/// changes and the answer is `None`.
pub(crate) fn stamp(packet: &mut [u8], position: usize, value: &[u8]) -> Option<()> {
    let end = position.checked_add(value.len())?;
    packet.get_mut(position..end)?.copy_from_slice(value);
    Some(())
}

/// How many bytes are missing from `len` to a multiple of four.
#[must_use]
pub(crate) const fn padding_to_word(len: usize) -> usize {
    (4 - len % 4) % 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_stops_at_the_end_and_keeps_what_it_could_not_give() {
        let mut reader = Reader::new(&[1, 2, 3, 4, 5]);
        assert_eq!(reader.u24(), Some(0x01_02_03));
        assert_eq!(reader.u32(), None);
        assert_eq!(reader.u16(), Some(0x0405));
        assert!(reader.is_empty());
        assert_eq!(reader.u8(), None);
    }

    #[test]
    fn a_writer_that_is_full_changes_nothing() {
        let mut buffer = [0xff; 5];
        let mut writer = Writer::new(&mut buffer);
        assert_eq!(writer.u24(0x01_02_03), Some(()));
        assert_eq!(writer.u32(9), None);
        assert_eq!(writer.align(0), Some(()));
        assert_eq!(writer.patch(3, &[7, 7]), None);
        assert_eq!(writer.written(), [1, 2, 3, 0]);
        assert_eq!(buffer[4], 0xff);
    }
}
