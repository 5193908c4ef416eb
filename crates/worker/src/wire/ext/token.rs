//! MID, RID and repaired RID: short identifiers (RFC 8843 §15, RFC 8852 §3).

use crate::ids::Token;

/// The identifier in a MID, RID or repaired-RID element. `None` when it is empty or longer than
/// [`Token::MAX_LEN`].
///
/// Some senders keep the element's length and fill the end with zeros. These do not belong to the
/// identifier.
#[must_use]
pub(crate) fn token(value: &[u8]) -> Option<Token> {
    let len = value.iter().rposition(|byte| *byte != 0)? + 1;
    Token::new(value.get(..len)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_at_the_end_are_no_part_of_it() {
        assert_eq!(token(b"hi\0\0"), Token::new(b"hi"));
        assert_eq!(token(b"0"), Token::new(b"0"));
        assert_eq!(token(b"\0"), None);
        assert_eq!(token(b""), None);
        assert_eq!(token(&[b'x'; 17]), None);
    }
}
