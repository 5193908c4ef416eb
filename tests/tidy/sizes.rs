//! How long files, functions and lines of the page may be, tests included; and how much code an
//! adapter may have.

use crate::source::{Source, block_end};

/// Files that are long, but may stay.
pub(crate) fn long_files<'a>(sources: impl Iterator<Item = &'a Source>) -> Vec<String> {
    measured(sources, LONG_FILE)
}

/// Files that are too long: split them by meaning.
pub(crate) fn refused_files<'a>(sources: impl Iterator<Item = &'a Source>) -> Vec<String> {
    measured(sources, REFUSED_FILE)
}

/// Functions that are too long, from the line of `fn` to the closing brace.
pub(crate) fn long_functions<'a>(sources: impl Iterator<Item = &'a Source>) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        for start in source.words("fn") {
            let Some(open) = body(&source.code[start..]) else {
                continue;
            };
            let end = block_end(&source.code, start + open);
            let lines = source.line(end) - source.line(start) + 1;
            if lines > REFUSED_FUNCTION {
                let name = source.code[start + 2..]
                    .split(['(', '<'])
                    .next()
                    .unwrap_or_default();
                found.push(format!(
                    "{}: `{}` has {lines} lines",
                    source.at(start),
                    name.trim()
                ));
            }
        }
    }
    found
}

/// Adapters that have more code than a translation needs. A line counts if it is neither empty nor a
/// comment, and is not compiled for tests alone.
///
/// What grows in an adapter is what the next dialect writes again. So before a limit is raised, what
/// every dialect over HTTP needs moves to `http`, and what every dialect needs to `participant` or
/// `sdp`.
pub(crate) fn thick_adapters(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for (directory, most) in ADAPTERS {
        let own = sources
            .iter()
            .filter(|source| source.path.starts_with(directory));
        let lines: usize = own.map(lines_of_code).sum();
        if lines == 0 {
            found.push(format!("{directory}: nothing is there"));
        }
        if lines >= most {
            found.push(format!(
                "{directory}: {lines} lines of code, and fewer than {most} are wanted: move what other \
                 dialects need to http, participant or sdp"
            ));
        }
    }
    found
}

/// Lines of the page's code that a reader has to scroll for. Rust is formatted by rustfmt.
pub(crate) fn long_lines<'a>(sources: impl Iterator<Item = &'a Source>) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources.filter(|source| source.path.starts_with(PAGE)) {
        let lines = source.text.lines().map(|line| line.chars().count());
        let long = lines.enumerate().filter(|(_, length)| *length > LONG_LINE);
        found.extend(
            long.map(|(index, length)| {
                format!("{}:{}: {length} characters", source.path, index + 1)
            }),
        );
    }
    found
}

fn lines_of_code(source: &Source) -> usize {
    let mut start = 0;
    let mut count = 0;
    for line in source.text.split_inclusive('\n') {
        let content = line.trim();
        let is_code = !content.is_empty() && !content.starts_with("//");
        if is_code && !source.is_test(start) {
            count += 1;
        }
        start += line.len();
    }
    count
}

fn measured<'a>(sources: impl Iterator<Item = &'a Source>, limit: usize) -> Vec<String> {
    let lines = |source: &Source| source.text.lines().count();
    sources
        .filter(|source| lines(source) >= limit)
        .map(|source| format!("{}: {} lines", source.path, lines(source)))
        .collect()
}

/// Where the body opens behind an `fn`; none for a declaration and for a function pointer.
fn body(code: &str) -> Option<usize> {
    let mut depth = 0_i32;
    for (at, byte) in code.bytes().enumerate() {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b'{' if depth == 0 => return Some(at),
            b';' | b',' | b'=' if depth == 0 && !in_generics(&code[..at]) => return None,
            _ => {}
        }
        // The list that a function pointer stands in has ended.
        if depth < 0 {
            return None;
        }
    }
    None
}

/// Whether angle brackets are open, the arrow of a return type not counted.
fn in_generics(code: &str) -> bool {
    let code = code.replace("->", "").replace("=>", "");
    let where_clause = crate::source::words(&code, "where").next().is_some();
    where_clause || code.matches('<').count() > code.matches('>').count()
}

/// Directories, and how many lines of code are too many there.
const ADAPTERS: [(&str, usize); 1] = [("crates/server/src/dialects/whip/", 600)];
const PAGE: &str = "crates/server/web/js/";
const LONG_LINE: usize = 140;
const LONG_FILE: usize = 600;
const REFUSED_FILE: usize = 800;
const REFUSED_FUNCTION: usize = 150;

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(count: usize) -> String {
        "a;\n".repeat(count)
    }

    #[test]
    fn a_long_file_is_found() {
        let sources = [799, 800].map(|count| Source::new("sample.rs", &lines(count)));
        assert_eq!(refused_files(sources.iter()), ["sample.rs: 800 lines"]);
        assert_eq!(long_files(sources.iter()).len(), 2);
    }

    #[test]
    fn a_long_line_of_the_page_is_found() {
        let text = |length| format!("a;\n{}\n", "x".repeat(length));
        let sample = |path: &str, length| Source::new(path, &text(length));
        let sources = [
            sample("crates/server/web/js/a.js", 140),
            sample("crates/server/web/js/b.js", 141),
            sample("crates/server/src/lib.rs", 141),
        ];
        let found = long_lines(sources.iter());
        assert_eq!(found, ["crates/server/web/js/b.js:2: 141 characters"]);
    }

    #[test]
    fn a_long_function_is_found() {
        let head = "fn short() {}\nfn declared(a: u8);\nimpl A {\nfn long<T, U>(a: [u8; 4], b: fn(u8) -> T) -> T\nwhere\n    T: B<C = D>,\n{\n";
        let sample = |count| Source::new("sample.rs", &format!("{head}{}}}\n}}\n", lines(count)));
        assert_eq!(
            long_functions([&sample(145)].into_iter()),
            Vec::<String>::new()
        );
        assert_eq!(
            long_functions([&sample(146)].into_iter()),
            ["sample.rs:4: `long` has 151 lines"]
        );
    }

    #[test]
    fn an_adapter_that_grows_is_found() {
        let sample = |name: &str, text: &str| {
            let path = format!("crates/server/src/dialects/whip/{name}");
            Source::new(&path, text)
        };
        let not_counted = "//! head\n\n    // a comment\n#[cfg(test)]\nmod tests {\n    a;\n}\n";
        let sources = |count| {
            [
                sample("mod.rs", &lines(count)),
                sample("session.rs", &format!("\"// a text\"\n{not_counted}")),
                sample("tests.rs", &lines(99)),
            ]
        };
        assert!(thick_adapters(&sources(598)).is_empty());
        let found = thick_adapters(&sources(599));
        assert!(found[0].starts_with("crates/server/src/dialects/whip/: 600 lines"));
        assert_eq!(thick_adapters(&[]).len(), 1);
    }
}
