//! Which fields hold secrets. They are hidden unless [`Secrets::Shown`] was asked for.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::value::REDACTED;

/// Whether keys, passwords and payloads are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Secrets {
    /// Keys and passwords are replaced by [`REDACTED`], payloads by their length.
    #[default]
    Hidden,
    /// Everything is shown; a payload is cut to its first 64 bytes.
    Shown,
}

/// Whether a field of this name holds a key or a password. ICE user name fragments and
/// certificates are not secret: they travel in the clear.
///
/// It looks at the words of the name, in the schema's `key_base64` and in JSON's `keyBase64` alike.
/// So a secret field of a later version is hidden, too.
pub fn is_secret(field: &str) -> bool {
    let name: String = field.chars().filter(|letter| *letter != '_').collect();
    let name = name.to_ascii_lowercase();
    // In a dump, the key of a key-value pair is an SSRC or an id, and a key frame is a picture.
    let is_key = name.contains("key") && name != "key" && !name.contains("keyframe");
    is_key || SECRET_WORDS.iter().any(|word| name.contains(word))
}

/// Hides the secrets in JSON of unknown shape, by the names of its fields.
pub fn redact(json: &mut serde_json::Value) {
    match json {
        serde_json::Value::Array(elements) => elements.iter_mut().for_each(redact),
        serde_json::Value::Object(fields) => {
            for (name, value) in fields {
                if is_secret(name) && !value.is_null() {
                    *value = REDACTED.into();
                } else {
                    redact(value);
                }
            }
        }
        _ => {}
    }
}

/// The secrets that have passed, to find them again in log lines and in reasons of errors.
#[derive(Debug, Default)]
pub(crate) struct KnownSecrets {
    /// The longest comes first, because a shorter one may be a part of it.
    texts: BTreeSet<(Reverse<usize>, String)>,
}

impl KnownSecrets {
    pub(crate) fn remember(&mut self, secret: &str) {
        if secret.len() >= SHORTEST && self.texts.len() < MOST {
            let len = Reverse(secret.len());
            self.texts.insert((len, secret.to_owned()));
        }
    }

    /// The text without the secrets that are known.
    pub(crate) fn scrub(&self, mut text: String) -> String {
        for (_, secret) in &self.texts {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), REDACTED);
            }
        }
        text
    }
}

const SECRET_WORDS: [&str; 4] = ["password", "secret", "passphrase", "credential"];

/// Only secrets of at least so many bytes are looked for. ICE passwords have at least 22 (RFC 8445
/// §5.3), SRTP keys 40. A shorter text may well be a word of an innocent line.
const SHORTEST: usize = 16;

/// A recording holds about one secret per transport.
const MOST: usize = 4096;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::{FieldKind, Schema};

    /// Every text field whose name has such a word is in one of the two lists. A new field makes
    /// this test fail until somebody has thought about it.
    #[test]
    fn secrets_of_the_schema() {
        let mut secret = Vec::new();
        for table in &Schema::of_the_channel().tables {
            for field in &table.fields {
                if is_secret(field.name) {
                    assert!(matches!(field.kind, FieldKind::Text), "{}", field.name);
                    secret.push(format!("{} {}", table.name, field.name));
                }
            }
        }
        secret.sort();
        assert_eq!(
            secret,
            [
                "FBS.SrtpParameters.SrtpParameters key_base64",
                "FBS.Transport.RestartIceResponse password",
                "FBS.WebRtcTransport.IceParameters password",
            ]
        );
    }

    #[test]
    fn a_secret_within_another_does_not_uncover_it() {
        let mut known = KnownSecrets::default();
        let (long, short) = ("0123456789abcdef0123456789abcdef", "456789abcdef0123");
        known.remember(short);
        known.remember(long);
        known.remember("password");
        let line = format!("password {long} {short}");
        assert_eq!(known.scrub(line), format!("password {REDACTED} {REDACTED}"));
    }

    #[test]
    fn json_is_redacted_by_names() {
        let mut tree = json!({
            "iceParameters": {"usernameFragment": "fragment", "password": "s3cret"},
            "srtp": [{"keyBase64": "s3cret", "cryptoSuite": 0}, {"key_base64": ["s3cret"]}],
            "map": {"key": 5, "value": "id"},
            "password": null,
        });
        redact(&mut tree);
        assert_eq!(
            tree,
            json!({
                "iceParameters": {"usernameFragment": "fragment", "password": REDACTED},
                "srtp": [{"keyBase64": REDACTED, "cryptoSuite": 0}, {"key_base64": REDACTED}],
                "map": {"key": 5, "value": "id"},
                "password": null,
            })
        );
    }
}
