//! The texts of the repository, and Rust text without what is not code.

use std::fs;
use std::ops::Range;
use std::path::Path;

/// One text of the repository.
#[derive(Clone)]
pub(crate) struct Source {
    /// Relative to the root, with forward slashes.
    pub(crate) path: String,
    pub(crate) text: String,
    /// The text with comments, strings and characters blanked out, byte for byte.
    pub(crate) code: String,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let code = if path.ends_with(".rs") {
            blank(text)
        } else {
            text.to_owned()
        };
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code,
        }
    }

    /// Where something was found, as compilers say it.
    pub(crate) fn at(&self, offset: usize) -> String {
        format!("{}:{}", self.path, self.line(offset))
    }

    /// The number of the line that holds the offset, from 1.
    pub(crate) fn line(&self, offset: usize) -> usize {
        self.text.as_bytes()[..offset]
            .iter()
            .filter(|&&byte| byte == b'\n')
            .count()
            + 1
    }

    /// Offsets in the code where the word stands, not as part of a longer one.
    pub(crate) fn words<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        words(&self.code, word)
    }

    /// Whether the code at the offset is compiled for tests alone.
    pub(crate) fn is_test(&self, offset: usize) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name == "tests.rs"
            || name.ends_with("_tests.rs")
            || self.path.contains("/tests/")
            || self.test_blocks().any(|block| block.contains(&offset))
    }

    fn test_blocks(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.code
            .match_indices("#[cfg(test)]")
            .filter_map(|(start, _)| {
                let rest = &self.code[start..];
                let open = rest
                    .find(['{', ';'])
                    .filter(|&at| rest.as_bytes()[at] == b'{')?;
                Some(start..block_end(&self.code, start + open))
            })
    }
}

/// All texts of the repository, without what the build makes.
pub(crate) struct Tree(Vec<Source>);

impl Tree {
    pub(crate) fn of_repository() -> Self {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut sources = Vec::new();
        read(tests.parent().unwrap(), "", &mut sources);
        Self(sources)
    }

    pub(crate) fn texts(&self) -> &[Source] {
        &self.0
    }

    /// Hand-written code in all languages, without generated code.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &Source> {
        let languages = [".rs", ".mjs", ".cjs", ".js", ".css", ".html", ".fbs"];
        self.0.iter().filter(move |source| {
            languages.iter().any(|end| source.path.ends_with(end))
                && !source.path.contains("/generated/")
        })
    }

    pub(crate) fn rust(&self) -> impl Iterator<Item = &Source> {
        self.sources().filter(|source| source.path.ends_with(".rs"))
    }

    pub(crate) fn under(self, directory: &str) -> Vec<Source> {
        let mut sources = self.0;
        sources.retain(|source| source.path.starts_with(directory));
        sources
    }

    pub(crate) fn named(self, name: &str) -> Vec<Source> {
        let mut sources = self.0;
        sources.retain(|source| source.path.rsplit('/').next() == Some(name));
        sources
    }
}

/// The end of the block that opens at the offset; of the text, when it does not close.
pub(crate) fn block_end(code: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    code.len()
}

/// Offsets of a word, or of several joined by `::`, that is not part of a longer one.
pub(crate) fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let part = |byte: Option<&u8>| byte.is_some_and(|&byte| is_word(byte));
    let bytes = code.as_bytes();
    code.match_indices(word)
        .map(|(at, _)| at)
        .filter(move |&at| {
            let before = at.checked_sub(1).and_then(|before| bytes.get(before));
            !part(before) && !part(bytes.get(at + word.len()))
        })
}

pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn read(directory: &Path, prefix: &str, sources: &mut Vec<Source>) {
    let entries = fs::read_dir(directory).unwrap().map(Result::unwrap);
    let mut names: Vec<_> = entries.map(|entry| entry.file_name()).collect();
    names.sort();
    for name in names {
        let path = directory.join(&name);
        let name = format!("{prefix}{}", name.to_string_lossy());
        if UNTRACKED.iter().any(|skipped| path.ends_with(skipped)) {
            continue;
        }
        if path.is_dir() {
            read(&path, &format!("{name}/"), sources);
        } else if let Ok(text) = String::from_utf8(fs::read(&path).unwrap()) {
            sources.push(Source::new(&name, &text));
        }
    }
}

/// Rust text with comments, strings and characters turned into spaces; lines stay where they are.
fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let len = not_code(bytes, at);
        for byte in &mut code[at..at + len] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at += len.max(1);
    }
    String::from_utf8(code).unwrap()
}

/// How many bytes from here on are a comment, a string or a character; 0 for code.
fn not_code(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    match rest {
        [b'/', b'/', ..] => rest
            .iter()
            .position(|&byte| byte == b'\n')
            .unwrap_or(rest.len()),
        [b'/', b'*', ..] => block_comment(rest),
        [b'"', ..] => quoted(rest, b'"'),
        [b'\'', b'\\', ..] => quoted(rest, b'\''),
        [b'\'', first, ..] => {
            let width = match first {
                0..0x80 => 1,
                0x80..0xe0 => 2,
                0xe0..0xf0 => 3,
                _ => 4,
            };
            // Otherwise it is a lifetime.
            if rest.get(1 + width) == Some(&b'\'') {
                width + 2
            } else {
                0
            }
        }
        [b'r', b'"' | b'#', ..] if is_literal(bytes, at) => raw_string(rest),
        _ => 0,
    }
}

/// Whether an `r` begins a raw string and is not the end of a word (`br` and `cr` may be).
fn is_literal(bytes: &[u8], at: usize) -> bool {
    let before = |back: usize| at.checked_sub(back).map(|index| bytes[index]);
    match before(1) {
        Some(b'b' | b'c') => !before(2).is_some_and(is_word),
        Some(byte) => !is_word(byte),
        None => true,
    }
}

fn block_comment(rest: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at + 1 < rest.len() {
        match &rest[at..at + 2] {
            b"/*" => depth += 1,
            b"*/" => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// A raw string; 0 for a raw identifier such as `r#type`.
fn raw_string(rest: &[u8]) -> usize {
    let hashes = rest[1..].iter().take_while(|&&byte| byte == b'#').count();
    if rest.get(1 + hashes) != Some(&b'"') {
        return 0;
    }
    let mut end = vec![b'"'];
    end.extend(vec![b'#'; hashes]);
    let body = &rest[hashes + 2..];
    let close = body.windows(end.len()).position(|window| window == end);
    close.map_or(rest.len(), |close| hashes + 2 + close + end.len())
}

/// What git and the build make.
const UNTRACKED: [&str; 5] = [
    ".git",
    "target",
    "node_modules",
    "fuzz/corpus",
    "fuzz/artifacts",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        Source::new("sample.rs", text)
            .code
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn comments_and_literals_are_not_code() {
        assert_eq!(code("a /* b /* c */ d */ e // f\ng"), "a e g");
        assert_eq!(
            code(r#"a("b \" // c", 'd', '\'', 'é', b"e")"#),
            "a( , , , , b )"
        );
        assert_eq!(
            code("a(r\"b\\\", br##\"c\"# d\"##, r#type)"),
            "a( , b , r#type)"
        );
        assert_eq!(
            code("fn a<'b>(c: &'b str, d: &'static str) {}"),
            "fn a<'b>(c: &'b str, d: &'static str) {}"
        );
    }

    #[test]
    fn lines_are_counted_from_one() {
        let source = Source::new("sample.rs", "a\n\"b\nc\"\nd");
        let at = source.words("d").next().unwrap();
        assert_eq!(source.at(at), "sample.rs:4");
    }

    #[test]
    fn a_word_is_not_part_of_a_longer_one() {
        let source = Source::new("sample.rs", "Rc<u8> Arc<u8> Rc_ std::rc::Rc");
        assert_eq!(source.words("Rc").count(), 2);
    }

    #[test]
    fn test_code_is_told_apart() {
        let source = Source::new("sample.rs", "a;\n#[cfg(test)]\nmod tests { b; }\nc;");
        let is_test = |word| source.is_test(source.words(word).next().unwrap());
        assert!(!is_test("a") && is_test("b") && !is_test("c"));
        assert!(Source::new("x/tests.rs", "a").is_test(0));
    }
}
