//! Reading a FlatBuffer by position, without generated code and without trust: every access is
//! checked, so hostile bytes are an error and never a panic.

/// A place in a FlatBuffer leads out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OutOfBounds;

/// A table somewhere in `bytes`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TableView<'a> {
    bytes: &'a [u8],
    position: usize,
    vtable: usize,
    /// Bytes of the vtable, its two head fields included.
    vtable_len: usize,
}

/// The elements of a vector.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VectorView<'a> {
    bytes: &'a [u8],
    /// Where the first element is.
    start: usize,
    len: usize,
}

impl<'a> TableView<'a> {
    /// The table that the offset at `position` leads to.
    pub(crate) fn at_offset(bytes: &'a [u8], position: usize) -> Result<Self, OutOfBounds> {
        let position = follow(bytes, position)?;
        let back = i64::from(i32::from_le_bytes(array(bytes, position)?));
        let vtable = i64::try_from(position).map_err(|_| OutOfBounds)? - back;
        let vtable = usize::try_from(vtable).map_err(|_| OutOfBounds)?;
        let vtable_len = usize::from(u16::from_le_bytes(array(bytes, vtable)?));
        Ok(Self {
            bytes,
            position,
            vtable,
            vtable_len,
        })
    }

    /// Where the value of a slot is, `None` when it is left at its default.
    pub(crate) fn slot(&self, slot: u16) -> Result<Option<usize>, OutOfBounds> {
        let entry = VTABLE_HEAD + 2 * usize::from(slot);
        if entry + 2 > self.vtable_len {
            return Ok(None);
        }
        match u16::from_le_bytes(array(self.bytes, self.vtable + entry)?) {
            0 => Ok(None),
            offset => Ok(Some(self.position + usize::from(offset))),
        }
    }

    /// The bytes of a number in a slot.
    pub(crate) fn number<const N: usize>(&self, slot: u16) -> Result<Option<[u8; N]>, OutOfBounds> {
        let at = self.slot(slot)?;
        at.map(|at| array(self.bytes, at)).transpose()
    }

    /// The string in a slot.
    pub(crate) fn text(&self, slot: u16) -> Result<Option<&'a str>, OutOfBounds> {
        let at = self.slot(slot)?;
        at.map(|at| text_at(self.bytes, at)).transpose()
    }

    /// The table in a slot.
    pub(crate) fn table(&self, slot: u16) -> Result<Option<Self>, OutOfBounds> {
        let at = self.slot(slot)?;
        at.map(|at| Self::at_offset(self.bytes, at)).transpose()
    }

    /// The vector in a slot, its elements `size` bytes apart.
    pub(crate) fn vector(
        &self,
        slot: u16,
        size: usize,
    ) -> Result<Option<VectorView<'a>>, OutOfBounds> {
        let at = self.slot(slot)?;
        at.map(|at| VectorView::at_offset(self.bytes, at, size))
            .transpose()
    }
}

impl<'a> VectorView<'a> {
    fn at_offset(bytes: &'a [u8], position: usize, size: usize) -> Result<Self, OutOfBounds> {
        let head = follow(bytes, position)?;
        let len = length(bytes, head)?;
        let start = head + OFFSET_LEN;
        let end = len
            .checked_mul(size)
            .and_then(|size| size.checked_add(start));
        match end {
            Some(end) if end <= bytes.len() => Ok(Self { bytes, start, len }),
            _ => Err(OutOfBounds),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The elements as bytes; for elements of one byte.
    pub(crate) fn bytes(&self) -> Result<&'a [u8], OutOfBounds> {
        slice(self.bytes, self.start, self.len)
    }

    /// The bytes of the number at `index`.
    pub(crate) fn number<const N: usize>(&self, index: usize) -> Result<[u8; N], OutOfBounds> {
        array(self.bytes, self.start + N * index)
    }

    /// The string at `index`.
    pub(crate) fn text(&self, index: usize) -> Result<&'a str, OutOfBounds> {
        text_at(self.bytes, self.start + OFFSET_LEN * index)
    }

    /// The table at `index`.
    pub(crate) fn table(&self, index: usize) -> Result<TableView<'a>, OutOfBounds> {
        TableView::at_offset(self.bytes, self.start + OFFSET_LEN * index)
    }
}

fn text_at(bytes: &[u8], position: usize) -> Result<&str, OutOfBounds> {
    let head = follow(bytes, position)?;
    let text = slice(bytes, head + OFFSET_LEN, length(bytes, head)?)?;
    std::str::from_utf8(text).map_err(|_| OutOfBounds)
}

/// Where the offset at `position` leads.
fn follow(bytes: &[u8], position: usize) -> Result<usize, OutOfBounds> {
    position
        .checked_add(length(bytes, position)?)
        .filter(|target| *target < bytes.len())
        .ok_or(OutOfBounds)
}

fn length(bytes: &[u8], position: usize) -> Result<usize, OutOfBounds> {
    let length = u32::from_le_bytes(array(bytes, position)?);
    usize::try_from(length).map_err(|_| OutOfBounds)
}

fn array<const N: usize>(bytes: &[u8], position: usize) -> Result<[u8; N], OutOfBounds> {
    let rest = bytes.get(position..).ok_or(OutOfBounds)?;
    rest.first_chunk().copied().ok_or(OutOfBounds)
}

fn slice(bytes: &[u8], start: usize, len: usize) -> Result<&[u8], OutOfBounds> {
    let end = start.checked_add(len).ok_or(OutOfBounds)?;
    bytes.get(start..end).ok_or(OutOfBounds)
}

/// Bytes of an offset, and of the length of a vector or string.
pub(crate) const OFFSET_LEN: usize = 4;

/// A vtable begins with its own size and that of the table.
const VTABLE_HEAD: usize = 4;
