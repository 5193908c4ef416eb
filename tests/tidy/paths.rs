//! The paths of a source that begin with `crate`, `self` or `super`, inside `use` and elsewhere.

use crate::source::{Source, block_end, is_word};

/// A path as written, without the modules around it.
pub(crate) struct Written {
    pub(crate) offset: usize,
    segments: Vec<String>,
}

impl Written {
    /// The segments from the crate's root on. `module` is the module path of the source.
    pub(crate) fn resolve(&self, source: &Source, module: &[String]) -> Vec<String> {
        let mut resolved = module.to_vec();
        resolved.extend(inline_modules(source, self.offset));
        for segment in &self.segments {
            match segment.as_str() {
                "crate" => resolved.clear(),
                "self" => {}
                "super" => drop(resolved.pop()),
                name => resolved.push(name.to_owned()),
            }
        }
        resolved
    }
}

/// All such paths of a source; a `use` with braces yields one path for each leaf.
pub(crate) fn written(source: &Source) -> Vec<Written> {
    let mut found = Vec::new();
    let mut scanner = Scanner {
        code: source.code.as_bytes(),
        at: 0,
        found: &mut found,
    };
    while scanner.at < scanner.code.len() {
        if scanner.begins_path() {
            scanner.tree(&[]);
        } else {
            scanner.at += 1;
        }
    }
    found
}

struct Scanner<'a> {
    code: &'a [u8],
    at: usize,
    found: &'a mut Vec<Written>,
}

impl Scanner<'_> {
    fn begins_path(&self) -> bool {
        let rest = &self.code[self.at..];
        let before = &self.code[..self.at];
        let starts = |word: &str| rest.starts_with(word.as_bytes());
        ["crate::", "super::", "self::"]
            .iter()
            .any(|word| starts(word))
            && !before.last().is_some_and(|&byte| is_word(byte))
            && !before.ends_with(b"::")
    }

    /// Reads `a::b`, `a::{b, c::d}`, `a::*`, and stops behind it.
    fn tree(&mut self, prefix: &[String]) {
        let mut segments = prefix.to_vec();
        let start = self.at;
        loop {
            self.skip_space();
            match self.code.get(self.at) {
                Some(b'{') => return self.group(&segments),
                Some(b'*') => self.at += 1,
                Some(&byte) if is_word(byte) => segments.push(self.word()),
                _ => {}
            }
            if !self.code[self.at..].starts_with(b"::") {
                break;
            }
            self.at += 2;
            // What follows a turbofish belongs to the type.
            if self.code.get(self.at) == Some(&b'<') {
                break;
            }
        }
        self.found.push(Written {
            offset: start,
            segments,
        });
    }

    fn group(&mut self, prefix: &[String]) {
        loop {
            // Past the opening brace or the comma.
            self.at += 1;
            self.skip_space();
            if !matches!(self.code.get(self.at), None | Some(b'}')) {
                self.tree(prefix);
            }
            // An `as name` may stand before the comma.
            while !matches!(self.code.get(self.at), None | Some(b',' | b'}')) {
                self.at += 1;
            }
            if self.code.get(self.at) != Some(&b',') {
                self.at += 1;
                return;
            }
        }
    }

    fn word(&mut self) -> String {
        let rest = &self.code[self.at..];
        let len = rest.iter().take_while(|&&byte| is_word(byte)).count();
        self.at += len;
        String::from_utf8_lossy(&rest[..len]).into_owned()
    }

    fn skip_space(&mut self) {
        while self.code.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }
}

/// The names of the `mod name { .. }` blocks around an offset, outermost first.
fn inline_modules(source: &Source, offset: usize) -> Vec<String> {
    let mut names = Vec::new();
    for at in source.words("mod").take_while(|&at| at < offset) {
        let rest = &source.code[at + 3..];
        let Some(end) = rest.find(['{', ';']) else {
            continue;
        };
        if rest.as_bytes()[end] == b'{' && block_end(&source.code, at + 3 + end) > offset {
            names.push(rest[..end].trim().to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(text: &str) -> Vec<String> {
        let source = Source::new("sample.rs", text);
        let module = ["a".to_owned(), "b".to_owned()];
        let paths = written(&source);
        let resolve = |path: &Written| path.resolve(&source, &module).join("::");
        paths.iter().map(resolve).collect()
    }

    #[test]
    fn paths_in_use_trees() {
        assert_eq!(resolved("use crate::x;"), ["x"]);
        assert_eq!(
            resolved("pub(crate) use crate::{x::y as z, w::{self, V}, u};"),
            ["x::y", "w", "w::V", "u"]
        );
        assert_eq!(resolved("use super::{c, super::d, *};"), ["a::c", "d", "a"]);
        assert_eq!(
            resolved("use {\n    crate::x,\n    super::super::y,\n};"),
            ["x", "y"]
        );
        assert_eq!(
            resolved("use std::x; use tokio::self_::y;"),
            Vec::<String>::new()
        );
    }

    #[test]
    fn paths_elsewhere() {
        assert_eq!(
            resolved("fn f(a: crate::x::Y<u8>) -> crate::z::W { crate::v::<u8>() }"),
            ["x::Y", "z::W", "v"]
        );
        assert_eq!(resolved("pub(in crate::x) fn f() {}"), ["x"]);
        assert_eq!(
            resolved("macro_rules! m { () => { $crate::x::Y } }"),
            ["x::Y"]
        );
    }

    #[test]
    fn an_inline_module_counts() {
        assert_eq!(
            resolved("mod tests { use super::*; use super::super::c; } use super::d;"),
            ["a::b", "a::c", "a::d"]
        );
    }
}
