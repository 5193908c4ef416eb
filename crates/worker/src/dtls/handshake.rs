//! Fragments of handshake messages in plaintext (RFC 6347 §4.2.2). They are read here only to see
//! what a remote says before an engine has taken it.

use super::record::{Content, Record};

/// A fragment of a handshake message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fragment<'a> {
    /// The type of the message.
    pub(super) kind: u8,
    /// Length of the whole message without its header, in bytes.
    pub(super) message_len: usize,
    /// Number of the message among those of its sender.
    pub(super) sequence: u16,
    /// Where `body` lies in the message.
    pub(super) offset: usize,
    pub(super) body: &'a [u8],
}

impl<'a> Fragment<'a> {
    /// The fragment that `bytes` start with, and what follows it; `None` when it is cut short, lies
    /// outside of its message, or carries nothing of a message that is not empty.
    pub(super) fn split_first(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (header, rest) = bytes.split_first_chunk::<HEADER_LEN>()?;
        let [kind, m0, m1, m2, s0, s1, o0, o1, o2, l0, l1, l2] = *header;
        let number = |bytes: [u8; 3]| {
            bytes
                .iter()
                .fold(0, |sum, byte| (sum << 8) | usize::from(*byte))
        };
        let (body, rest) = rest.split_at_checked(number([l0, l1, l2]))?;
        let fragment = Self {
            kind,
            message_len: number([m0, m1, m2]),
            sequence: u16::from_be_bytes([s0, s1]),
            offset: number([o0, o1, o2]),
            body,
        };
        let lies_inside = fragment.offset + body.len() <= fragment.message_len;
        let says_something = !body.is_empty() || fragment.message_len == 0;
        (lies_inside && says_something).then_some((fragment, rest))
    }
}

/// The fragments of a record's payload; `None` if there are none or one is not sound.
pub(super) fn fragments(mut payload: &[u8]) -> Option<Vec<Fragment<'_>>> {
    let mut fragments = Vec::new();
    while !payload.is_empty() {
        let (fragment, rest) = Fragment::split_first(payload)?;
        fragments.push(fragment);
        payload = rest;
    }
    (!fragments.is_empty()).then_some(fragments)
}

/// The records of a datagram with their bytes, up to the first that is not sound.
pub(super) fn records(mut datagram: &[u8]) -> impl Iterator<Item = (Record, &[u8])> {
    std::iter::from_fn(move || {
        let record = Record::first(datagram)?;
        let (bytes, rest) = datagram.split_at(record.len);
        datagram = rest;
        Some((record, bytes))
    })
}

/// The fragments that a datagram holds in plaintext.
pub(super) fn plaintext_fragments(datagram: &[u8]) -> impl Iterator<Item = Fragment<'_>> {
    records(datagram)
        .filter(|(record, _)| record.epoch == 0 && record.content == Content::Handshake)
        .filter_map(|(record, bytes)| fragments(record.payload(bytes)))
        .flatten()
}

/// A whole message with its header, as it counts for the transcript (RFC 6347 §4.2.6).
pub(super) fn message(kind: u8, sequence: u16, body: &[u8]) -> Vec<u8> {
    let [_, m0, m1, m2] = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes();
    let [s0, s1] = sequence.to_be_bytes();
    let header = [kind, m0, m1, m2, s0, s1, 0, 0, 0, m0, m1, m2];
    [&header[..], body].concat()
}

/// A record in plaintext, of at most 2^14 bytes (RFC 6347 §4.1).
pub(super) fn plaintext_record(content: Content, number: u8, payload: &[u8]) -> Vec<u8> {
    let [l0, l1] = u16::try_from(payload.len())
        .unwrap_or(u16::MAX)
        .to_be_bytes();
    let kind = content.number();
    let header = [kind, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, number, l0, l1];
    [&header[..], payload].concat()
}

pub(super) const CLIENT_HELLO: u8 = 1;
pub(super) const HELLO_VERIFY_REQUEST: u8 = 3;
pub(super) const CERTIFICATE: u8 = 11;
pub(super) const SERVER_HELLO_DONE: u8 = 14;
pub(super) const CERTIFICATE_VERIFY: u8 = 15;
pub(super) const CLIENT_KEY_EXCHANGE: u8 = 16;
const HEADER_LEN: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    fn fragment(message_len: u8, offset: u8, body: &[u8]) -> Vec<u8> {
        let len = u8::try_from(body.len()).unwrap();
        let header = [1, 0, 0, message_len, 0, 3, 0, 0, offset, 0, 0, len];
        [&header[..], body].concat()
    }

    #[test]
    fn a_fragment_lies_inside_its_message() {
        for (message_len, offset, body, sound) in [
            (4, 0, &b"abcd"[..], true),
            (4, 2, b"cd", true),
            (4, 3, b"de", false),
            (4, 4, b"", false),
            (4, 0, b"", false),
            (0, 0, b"", true),
        ] {
            let bytes = fragment(message_len, offset, body);
            let read = Fragment::split_first(&bytes);
            assert_eq!(read.is_some(), sound, "{message_len} {offset} {body:?}");
            if let Some((read, rest)) = read {
                assert_eq!((read.kind, read.sequence, read.body), (1, 3, body));
                assert!(rest.is_empty());
            }
            for len in 0..bytes.len() {
                assert_eq!(Fragment::split_first(&bytes[..len]), None);
            }
        }
    }

    #[test]
    fn a_message_that_is_written_can_be_read() {
        let record = plaintext_record(Content::Handshake, 3, &message(11, 2, b"abc"));
        let read: Vec<_> = plaintext_fragments(&record).collect();
        let expected = Fragment {
            kind: 11,
            message_len: 3,
            sequence: 2,
            offset: 0,
            body: b"abc",
        };
        assert_eq!(read, [expected]);
    }

    #[test]
    fn one_bad_fragment_spoils_its_record() {
        let two = [fragment(2, 0, b"ab"), fragment(9, 7, b"hi")].concat();
        assert_eq!(fragments(&two).unwrap().len(), 2);
        assert_eq!(fragments(&two[..two.len() - 1]), None);
        assert_eq!(fragments(&[]), None);
    }
}
