//! Secrets are compared in constant time (docs/security.md rule 8). A comparison by `==` ends at the
//! first byte that differs, so its time shows how much of a guess is right.

use crate::source::{Source, is_word};

/// Comparisons, outside of tests, of something whose name says that it is a secret or a tag.
pub(crate) fn compared<'a>(sources: impl Iterator<Item = &'a Source>) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        for (at, len) in comparisons(&source.code) {
            if source.is_test(at) {
                continue;
            }
            let (left, right) = (before(&source.code[..at]), after(&source.code[at + len..]));
            for operand in [left, right] {
                if let Some(word) = secret_in(&source.path, operand) {
                    found.push(format!(
                        "{}: `{word}` is compared, and not in constant time",
                        source.at(at)
                    ));
                }
            }
        }
    }
    found
}

/// Types that hold a secret and that may be compared as a whole; and those that are gone.
pub(crate) fn comparable(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for name in HOLDERS {
        let head = format!("struct {name}");
        let declared = |source: &&Source| source.words(&head).next().is_some();
        let Some(source) = sources.iter().find(declared) else {
            found.push(format!("{name} is gone: see tests/tidy/secrets.rs"));
            continue;
        };
        for at in source.words(&head) {
            let attributes = source.code[..at].rsplit(['}', ';']).next();
            if attributes.is_some_and(|text| text.contains("PartialEq")) {
                found.push(format!("{}: {name} derives PartialEq", source.at(at)));
            }
        }
        let by_hand = format!("PartialEq for {name}");
        let places = sources
            .iter()
            .filter(|source| source.code.contains(&by_hand));
        found.extend(places.map(|source| format!("{}: {by_hand}", source.path)));
    }
    found
}

/// Offsets and lengths of what compares two values.
fn comparisons(code: &str) -> impl Iterator<Item = (usize, usize)> + '_ {
    OPERATORS
        .iter()
        .flat_map(|operator| code.match_indices(operator))
        .map(|(at, operator)| (at, operator.len()))
        .filter(|(at, len)| !code[at + len..].starts_with('='))
}

/// The operand that ends here.
fn before(code: &str) -> &str {
    let code = code.trim_end();
    let start = code.rfind(|letter: char| !is_operand(letter));
    start.map_or(code, |at| &code[at + 1..])
}

/// The operand that begins here.
fn after(code: &str) -> &str {
    let code = code.trim_start();
    let end = code.find(|letter: char| !is_operand(letter));
    end.map_or(code, |at| &code[..at])
}

fn is_operand(letter: char) -> bool {
    letter.is_alphanumeric() || "_.()[]:&*?".contains(letter)
}

/// The word in an operand that says it is a secret.
fn secret_in<'a>(path: &str, operand: &'a str) -> Option<&'a str> {
    // How long it is, or that it is there, is none.
    if PLAIN.iter().any(|end| operand.ends_with(end)) {
        return None;
    }
    let words = operand.split(|letter: char| !letter.is_ascii() || !is_word(letter as u8));
    let is_secret = |word: &&str| {
        let lists = SECRETS.iter().filter(|(under, _)| path.starts_with(under));
        let mut names = lists.flat_map(|(_, names)| names.iter());
        names.any(|name| word.rsplit('_').next() == Some(name))
    };
    words.into_iter().find(is_secret)
}

const OPERATORS: [&str; 5] = ["==", "!=", ".eq(", ".ne(", ".starts_with("];

const PLAIN: [&str; 6] = [
    ".len()",
    "_len",
    ".is_some()",
    ".is_none()",
    ".is_empty()",
    "_LEN",
];

/// Last parts of names that are secret, and where.
const SECRETS: [(&str, &[&str]); 6] = [
    (
        "crates/",
        &["secret", "password", "reveal", "credential", "passphrase"],
    ),
    ("crates/server/src/", &["token", "pwd"]),
    ("crates/worker/src/srtp/", &["tag", "mac", "key", "salt"]),
    ("crates/worker/src/wire/stun/", &["tag", "mac", "integrity"]),
    (
        "crates/worker/src/ice/",
        &["tag", "mac", "key", "integrity"],
    ),
    ("crates/worker/src/dtls/", &["mac", "key", "keys", "cookie"]),
];

/// Types that hold a secret.
const HOLDERS: [&str; 6] = [
    "MasterKey",
    "SrtpKeys",
    "DtlsKeys",
    "IntegrityKey",
    "Secret",
    "ApiKey",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> usize {
        compared([Source::new(path, text)].iter()).len()
    }

    #[test]
    fn a_secret_that_is_compared_byte_by_byte_is_found() {
        for bad in [
            "if session.secret == given {}",
            "if given != *self.owner_secret {}",
            "shown.as_bytes() == room.secret.as_bytes()",
            "if text == self.secret.reveal() {}",
            "given.eq(&password)",
            "self.password.as_str() == \"x\"",
        ] {
            assert_eq!(found("crates/server/src/rooms/a.rs", bad), 1, "{bad}");
        }
        let tag = "tag == expected.as_ref()";
        assert_eq!(found("crates/worker/src/srtp/cipher.rs", tag), 1);
        assert_eq!(found("crates/worker/src/wire/stun/integrity.rs", tag), 1);
        // There, it is the name of a version.
        assert_eq!(found("crates/server/src/http/pages.rs", tag), 0);
    }

    #[test]
    fn lengths_tests_and_other_names_are_left_alone() {
        for good in [
            "secret.len() == 32",
            "self.secrets == Secrets::Hidden",
            "// secret == given\nlet a = b == c;",
            "secret <= other",
            "#[cfg(test)] mod tests { fn f() { secret == given; } }",
        ] {
            assert_eq!(found("crates/server/src/rooms/a.rs", good), 0, "{good}");
        }
    }

    #[test]
    fn a_type_that_holds_a_secret_and_can_be_compared_is_found() {
        let rest = "struct SrtpKeys; struct DtlsKeys; struct IntegrityKey(K); struct Secret(S); struct ApiKey;";
        for (key, count) in [
            ("#[derive(Clone)]\npub struct MasterKey {}", 0),
            ("#[derive(Clone, PartialEq)]\npub struct MasterKey {}", 1),
            ("struct MasterKey {} impl PartialEq for MasterKey {}", 1),
            ("#[derive(PartialEq)] struct A; struct MasterKey {}", 0),
            ("struct OtherKey;", 1),
        ] {
            let source = Source::new("a.rs", &format!("{key} {rest}"));
            assert_eq!(comparable(&[source]).len(), count, "{key}");
        }
    }
}
