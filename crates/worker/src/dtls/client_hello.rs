//! What a client offers in its first message (RFC 6347 §4.2.1). It is read before an engine is
//! chosen, and decides nothing else: the engine reads it again.

use super::cookie::COOKIE_LEN;
use crate::params::SrtpCryptoSuite;

/// What matters of a `ClientHello`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ClientHello {
    /// What it echoes of a `HelloVerifyRequest`; `None` also when that cannot be a cookie of ours.
    pub(super) cookie: Option<[u8; COOKIE_LEN]>,
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
        take(&mut rest, VERSION_AND_RANDOM)?;
        let session_id = vector::<1>(&mut rest)?;
        let cookie = vector::<1>(&mut rest)?;
        let cipher_suites = vector::<2>(&mut rest)?;
        vector::<1>(&mut rest)?;
        let mut hello = Self {
            cookie: cookie.try_into().ok(),
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

/// The body of a hello as it was before it got a cookie. RFC 6347 §4.2.1: "the client MUST use the
/// same parameter values (version, random, session_id, cipher_suites, compression_method) as it did
/// in the original ClientHello".
pub(super) fn without_cookie(body: &[u8]) -> Option<Vec<u8>> {
    let mut rest = body;
    take(&mut rest, VERSION_AND_RANDOM)?;
    vector::<1>(&mut rest)?;
    let before = &body[..body.len() - rest.len()];
    vector::<1>(&mut rest)?;
    Some([before, &[0], rest].concat())
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
const VERSION_AND_RANDOM: usize = 2 + 32;
const CHACHA20: u16 = 0xcca9;
const USE_SRTP: u16 = 14;
const SUPPORTED_VERSIONS: u16 = 43;
const DTLS_1_3: u16 = 0xfefc;

#[cfg(test)]
mod tests {
    use super::*;

    fn body(session_id: &[u8], extensions: &[(u16, &[u8])]) -> Vec<u8> {
        body_with(session_id, &[], extensions)
    }

    fn body_with(session_id: &[u8], cookie: &[u8], extensions: &[(u16, &[u8])]) -> Vec<u8> {
        let mut body = vec![0xfe, 0xfd];
        body.extend([7; 32]);
        body.push(u8::try_from(session_id.len()).unwrap());
        body.extend_from_slice(session_id);
        body.push(u8::try_from(cookie.len()).unwrap());
        body.extend_from_slice(cookie);
        body.extend([0, 4, 0xc0, 0x2b, 0xcc, 0xa9, 1, 0]);
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
            cookie: None,
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
    fn a_cookie_is_read_and_taken_out() {
        for len in [19, 20, 21] {
            let with = body_with(&[1, 2], &vec![9; len], &[SRTP]);
            let hello = ClientHello::parse(&with).unwrap();
            assert_eq!(hello.cookie.is_some(), len == 20, "{len}");
            assert_eq!(without_cookie(&with), Some(body(&[1, 2], &[SRTP])));
            assert_eq!(without_cookie(&with[..40]), None);
        }
    }
}
