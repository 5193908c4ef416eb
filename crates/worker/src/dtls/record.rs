//! The plaintext header of a record (RFC 6347 §4.1). It is enough to see what a datagram holds.

/// One record of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) content: Content,
    pub(super) epoch: u16,
    /// Number among those of the epoch, of 48 bits.
    pub(super) number: u64,
    /// Length with the header, in bytes.
    pub(super) len: usize,
}

/// What a record carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    ChangeCipherSpec,
    Alert,
    Handshake,
    ApplicationData,
}

impl Content {
    /// The number in a record's header (RFC 5246 §6.2.1).
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::ChangeCipherSpec => 20,
            Self::Alert => 21,
            Self::Handshake => 22,
            Self::ApplicationData => 23,
        }
    }
}

impl Record {
    /// The record that `bytes` start with; `None` when it is cut short, of an unknown type or not
    /// DTLS at all.
    pub(super) fn first(bytes: &[u8]) -> Option<Self> {
        let [kind, 0xfe, _, e0, e1, n0, n1, n2, n3, n4, n5, l0, l1] =
            *bytes.first_chunk::<HEADER_LEN>()?
        else {
            return None;
        };
        let content = match kind {
            20 => Content::ChangeCipherSpec,
            21 => Content::Alert,
            22 => Content::Handshake,
            23 => Content::ApplicationData,
            _ => return None,
        };
        let len = HEADER_LEN + usize::from(u16::from_be_bytes([l0, l1]));
        (len <= bytes.len()).then_some(Self {
            content,
            epoch: u16::from_be_bytes([e0, e1]),
            number: u64::from_be_bytes([0, 0, n0, n1, n2, n3, n4, n5]),
            len,
        })
    }

    /// What follows the header in the `bytes` of this record.
    pub(super) fn payload<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(HEADER_LEN..self.len).unwrap_or_default()
    }
}

const HEADER_LEN: usize = 13;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_ends_where_its_length_says() {
        let mut bytes = vec![22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 1, 9, 0, 2, 7, 7, 99];
        let record = Record::first(&bytes).unwrap();
        assert_eq!(
            (record.content, record.epoch, record.number, record.len),
            (Content::Handshake, 1, 265, 15)
        );
        for len in 0..15 {
            assert_eq!(Record::first(&bytes[..len]), None, "{len}");
        }
        bytes[0] = 24;
        assert_eq!(Record::first(&bytes), None);
        bytes[0] = 22;
        bytes[1] = 3;
        assert_eq!(Record::first(&bytes), None);
    }
}
