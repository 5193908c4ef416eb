//! Entries as text for people and as JSON for programs.

mod json;
mod text;
mod tree;

pub use json::{write_json, write_json_header};
pub use text::{TextOptions, TextPrinter};
pub use tree::write_tree;

use std::borrow::Cow;
use std::fmt::Write;

/// Makes text from anybody fit for a terminal. Control characters could move the cursor or do
/// worse, so they become `\u001b` and the like. Line feeds stay if `lines` is set.
fn printable(text: &str, lines: bool) -> Cow<'_, str> {
    let is_harmful = |letter: char| {
        let turns = matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        turns || letter.is_control() && !(lines && letter == '\n')
    };
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match is_harmful(letter) {
            // All of them have at most four hexadecimal digits, so JSON reads them as the same
            // characters.
            true => write!(safe, "\\u{:04x}", u32::from(letter)).expect("a string takes any text"),
            false => safe.push(letter),
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_never_reach_a_terminal() {
        assert_eq!(printable("grüß dich\n", true), "grüß dich\n");
        assert_eq!(
            printable("a\n\u{1b}[2J\u{9b}", false),
            "a\\u000a\\u001b[2J\\u009b"
        );
        assert_eq!(
            printable("\u{202e}evil\u{2069}", true),
            "\\u202eevil\\u2069"
        );
    }
}
