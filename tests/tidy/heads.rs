//! Every file of code says at its head what it is for.

use crate::source::Source;

/// Files that do not begin with a `//!` comment.
pub(crate) fn missing<'a>(sources: impl Iterator<Item = &'a Source>) -> Vec<String> {
    sources
        .filter(|source| !source.text.starts_with("//! "))
        .map(|source| format!("{}: no `//!` head says what it is for", source.path))
        .collect()
}

#[test]
fn a_file_without_a_head_is_found() {
    let sources =
        ["//! What it is.\n", "use a;\n", "//!\n", ""].map(|text| Source::new("a.rs", text));
    assert_eq!(missing(sources.iter()).len(), 3);
}
