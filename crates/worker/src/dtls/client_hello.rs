//! What a client offers in its first message (RFC 6347 §4.2.1). It is read before an engine is
//! chosen, and decides nothing else: the engine reads it again.

use super::handshake::Fragment;
use crate::params::SrtpCryptoSuite;

/// What matters of a `ClientHello`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ClientHello {
    /// A new one for each handshake.
    pub(super) random: [u8; 32],
    /// Whether it names a session that is to be resumed.
    pub(super) resumes: bool,
    /// Whether it offers `ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256` (RFC 7905).
    pub(super) offers_chacha20: bool,
    /// Whether it offers DTLS 1.3 (RFC 9147 §5.3).
    pub(super) offers_dtls_1_3: bool,
    /// The best SRTP profile that it offers; `None` without a common one.
    pub(super) profile: Option<SrtpCryptoSuite>,
}

impl ClientHello {
    /// Reads the body of the message; `None` if it is not sound.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let mut rest = body;
        take(&mut rest, 2)?;
        let random = *take(&mut rest, 32)?.first_chunk()?;
        let session_id = vector::<1>(&mut rest)?;
        vector::<1>(&mut rest)?;
        let cipher_suites = vector::<2>(&mut rest)?;
        vector::<1>(&mut rest)?;
        let mut hello = Self {
            random,
            resumes: !session_id.is_empty(),
            offers_chacha20: contains(cipher_suites, CHACHA20),
            offers_dtls_1_3: false,
            profile: None,
        };
        let mut extensions = if rest.is_empty() {
            rest
        } else {
            vector::<2>(&mut rest)?
        };
        while !extensions.is_empty() {
            let kind = u16::from_be_bytes(*take(&mut extensions, 2)?.first_chunk()?);
            let mut data = vector::<2>(&mut extensions)?;
            match kind {
                SUPPORTED_VERSIONS => {
                    hello.offers_dtls_1_3 = contains(vector::<1>(&mut data)?, DTLS_1_3);
                }
                USE_SRTP => {
                    let offered = vector::<2>(&mut data)?;
                    hello.profile = PROFILES
                        .into_iter()
                        .find(|(_, number)| contains(offered, *number))
                        .map(|(suite, _)| suite);
                }
                _ => {}
            }
        }
        Some(hello)
    }
}

/// Puts the first message of a client together.
#[derive(Default)]
pub(super) struct HelloAssembly {
    message_len: usize,
    parts: Vec<(usize, Vec<u8>)>,
}

impl HelloAssembly {
    /// Takes a fragment. Returns the message when it is whole and sound, and begins anew.
    pub(super) fn push(&mut self, fragment: &Fragment<'_>) -> Option<ClientHello> {
        if !is_of_first_hello(fragment) || fragment.message_len > MAX_HELLO_LEN {
            return None;
        }
        if fragment.message_len != self.message_len || self.parts.len() == MAX_PARTS {
            self.parts.clear();
            self.message_len = fragment.message_len;
        }
        self.parts.retain(|(offset, _)| *offset != fragment.offset);
        self.parts.push((fragment.offset, fragment.body.to_vec()));
        self.parts.sort_by_key(|(offset, _)| *offset);
        let mut body = Vec::with_capacity(self.message_len);
        for (offset, part) in &self.parts {
            // A gap: the next part begins behind what is there.
            let known = body.len().checked_sub(*offset)?;
            body.extend_from_slice(part.get(known..).unwrap_or_default());
        }
        if body.len() < self.message_len {
            return None;
        }
        self.parts.clear();
        ClientHello::parse(&body)
    }
}

/// Whether a fragment belongs to the first message of a client.
pub(super) const fn is_of_first_hello(fragment: &Fragment<'_>) -> bool {
    fragment.kind == CLIENT_HELLO && fragment.sequence == 0
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(len)?;
    *rest = left;
    Some(taken)
}

/// A vector behind a length of `N` bytes (RFC 5246 §4.3).
fn vector<'a, const N: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = take(rest, N)?
        .iter()
        .fold(0, |sum, byte| (sum << 8) | usize::from(*byte));
    take(rest, len)
}

fn contains(list: &[u8], number: u16) -> bool {
    list.chunks_exact(2)
        .any(|pair| pair == number.to_be_bytes())
}

/// SRTP profiles in the order in which we choose, with their numbers (RFC 5764 §4.1.2, RFC 7714
/// §14.2).
const PROFILES: [(SrtpCryptoSuite, u16); 3] = [
    (SrtpCryptoSuite::AeadAes256Gcm, 8),
    (SrtpCryptoSuite::AeadAes128Gcm, 7),
    (SrtpCryptoSuite::AesCm128HmacSha1_80, 1),
];
const CLIENT_HELLO: u8 = 1;
const CHACHA20: u16 = 0xcca9;
const USE_SRTP: u16 = 14;
const SUPPORTED_VERSIONS: u16 = 43;
const DTLS_1_3: u16 = 0xfefc;
/// Those of browsers have 1500 bytes.
const MAX_HELLO_LEN: usize = 4096;
const MAX_PARTS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn body(session_id: &[u8], extensions: &[(u16, &[u8])]) -> Vec<u8> {
        let mut body = vec![0xfe, 0xfd];
        body.extend([7; 32]);
        body.push(u8::try_from(session_id.len()).unwrap());
        body.extend_from_slice(session_id);
        body.extend([0, 0, 4, 0xc0, 0x2b, 0xcc, 0xa9, 1, 0]);
        let mut all = Vec::new();
        for (kind, data) in extensions {
            all.extend(kind.to_be_bytes());
            all.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
            all.extend_from_slice(data);
        }
        body.extend(u16::try_from(all.len()).unwrap().to_be_bytes());
        body.extend(all);
        body
    }

    const SRTP: (u16, &[u8]) = (14, &[0, 4, 0, 1, 0, 7, 0]);
    const VERSIONS: (u16, &[u8]) = (43, &[4, 0xfe, 0xfc, 0xfe, 0xfd]);

    #[test]
    fn offers_are_read() {
        let hello = ClientHello::parse(&body(&[], &[SRTP, (10, &[0, 2, 0, 29])])).unwrap();
        let expected = ClientHello {
            random: [7; 32],
            resumes: false,
            offers_chacha20: true,
            offers_dtls_1_3: false,
            profile: Some(SrtpCryptoSuite::AeadAes128Gcm),
        };
        assert_eq!(hello, expected);
        let hello = ClientHello::parse(&body(&[1, 2], &[VERSIONS])).unwrap();
        assert!(hello.offers_dtls_1_3 && hello.resumes && hello.profile.is_none());
    }

    #[test]
    fn what_is_cut_short_is_no_hello() {
        let body = body(&[], &[SRTP, VERSIONS]);
        let without_extensions = 2 + 32 + 1 + 1 + 6 + 2;
        for len in 0..body.len() {
            let is_hello = ClientHello::parse(&body[..len]).is_some();
            assert_eq!(is_hello, len == without_extensions, "{len}");
        }
    }

    #[test]
    fn parts_may_come_in_any_order_and_twice() {
        let body = body(&[], &[SRTP]);
        let part = |from: usize, to: usize| Fragment {
            kind: CLIENT_HELLO,
            message_len: body.len(),
            sequence: 0,
            offset: from,
            body: &body[from..to],
        };
        let end = body.len();
        let whole = ClientHello::parse(&body);
        let mut assembly = HelloAssembly::default();
        for (from, to) in [(20, 40), (0, 10), (20, 40), (35, end)] {
            assert_eq!(assembly.push(&part(from, to)), None);
        }
        let later = Fragment {
            sequence: 1,
            ..part(0, end)
        };
        assert_eq!(assembly.push(&later), None);
        assert_eq!(assembly.push(&part(5, 25)), whole);
        assert_eq!(assembly.push(&part(0, end)), whole);
    }

    #[test]
    fn the_room_for_parts_is_limited() {
        let mut assembly = HelloAssembly::default();
        for offset in 1..2000 {
            let fragment = Fragment {
                kind: CLIENT_HELLO,
                message_len: MAX_HELLO_LEN + offset % 2,
                sequence: 0,
                offset,
                body: &[0; 1000],
            };
            assert_eq!(assembly.push(&fragment), None);
            assert!(assembly.parts.len() <= MAX_PARTS);
            assert!(assembly.message_len <= MAX_HELLO_LEN);
        }
    }
}
