//! The pairs of name and secret that applications sign tokens with.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use thiserror::Error;

/// An API key: a name that tokens carry in the open, and the secret that signs them.
///
/// Written as `NAME:SECRET`. The name is 1 to 128 letters, digits and `-_.`; the secret is
/// printable ASCII without blanks and commas. Neither `Debug` nor an error ever shows the secret.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct ApiKey {
    name: String,
    secret: String,
}

impl ApiKey {
    /// Which key it is: the issuer (`iss`) of its tokens.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the secret is as long as what it makes.
    ///
    /// RFC 7518 §3.2: "A key of the same size as the hash output (for instance, 256 bits
    /// for "HS256") or larger MUST be used with this algorithm." A shorter one is accepted, because
    /// people try applications out with such pairs, but the server warns about it.
    pub fn is_long_enough(&self) -> bool {
        self.secret.len() >= HASH_SIZE
    }

    pub(super) fn secret(&self) -> &[u8] {
        self.secret.as_bytes()
    }
}

impl FromStr for ApiKey {
    type Err = ApiKeyError;

    fn from_str(text: &str) -> Result<Self, ApiKeyError> {
        let (name, secret) = text.split_once(':').ok_or(ApiKeyError::NoSecret)?;
        let secret = secret.trim_start();
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(is_name) {
            return Err(ApiKeyError::Name);
        }
        let is_secret = |byte: u8| byte.is_ascii_graphic() && byte != b',';
        if secret.is_empty() || !secret.bytes().all(is_secret) {
            return Err(ApiKeyError::Secret);
        }
        Ok(Self {
            name: name.to_owned(),
            secret: secret.to_owned(),
        })
    }
}

impl TryFrom<String> for ApiKey {
    type Error = ApiKeyError;

    fn try_from(text: String) -> Result<Self, ApiKeyError> {
        text.parse()
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({}:…)", self.name)
    }
}

/// Why a text is no API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ApiKeyError {
    /// There is no colon in it.
    #[error("a key is written NAME:SECRET")]
    NoSecret,
    /// The part before the colon cannot be a name.
    #[error("the name of a key has 1 to 128 letters, digits, hyphens, underscores and dots")]
    Name,
    /// The part behind the colon cannot be a secret.
    #[error("the secret of a key is printable ASCII without blanks and commas, and not empty")]
    Secret,
}

const MAX_NAME: usize = 128;
/// Bytes that SHA-256 makes.
const HASH_SIZE: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_a_name_and_a_secret_that_is_not_shown() {
        let key: ApiKey = "devkey:some:secret".parse().unwrap();
        assert_eq!(
            (key.name(), key.secret()),
            ("devkey", b"some:secret".as_slice())
        );
        assert!(!key.is_long_enough());
        // As it stands in YAML, where applications of this kind keep their keys.
        let spaced: ApiKey = "devkey: a-secret-of-thirty-two-characters".parse().unwrap();
        assert!(spaced.is_long_enough());
        assert!(!format!("{spaced:?}").contains("thirty"));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for (text, error) in [
            ("devkey", ApiKeyError::NoSecret),
            (":secret", ApiKeyError::Name),
            ("dev key:secret", ApiKeyError::Name),
            ("devkey:", ApiKeyError::Secret),
            ("devkey:a b", ApiKeyError::Secret),
            ("devkey:ü", ApiKeyError::Secret),
        ] {
            assert_eq!(text.parse::<ApiKey>().err(), Some(error), "{text}");
        }
    }
}
