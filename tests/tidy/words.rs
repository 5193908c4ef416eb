//! Words that do not belong where they stand.

use crate::layers::top_module;
use crate::source::Source;

/// Words for clocks, sockets, random order, shared mutable state and unsafe code in the worker's
/// core. Test code may make a clock anchor; there clippy watches it.
pub(crate) fn outside_the_shell(sources: &[Source]) -> Vec<String> {
    in_core(sources, &["io"], &OUTSIDE_THE_SHELL)
}

/// The generated code of the channel outside `channel`; the shell cuts the byte stream into frames.
pub(crate) fn outside_the_edge(sources: &[Source]) -> Vec<String> {
    in_core(
        sources,
        &["channel", "io"],
        &["tureen_channel_fbs", "flatbuffers"],
    )
}

/// Unsafe blocks and implementations without a `// SAFETY:` comment above their statement.
pub(crate) fn without_safety<'a>(sources: impl Iterator<Item = &'a Source>) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        for at in source.words("unsafe") {
            let rest = source.code[at + "unsafe".len()..].trim_start();
            let claims = rest.starts_with('{') || rest.starts_with("impl");
            if claims && !says_why(source, source.line(at)) {
                found.push(format!(
                    "{}: unsafe without a SAFETY comment",
                    source.at(at)
                ));
            }
        }
    }
    found
}

/// Tests that do not run and lints that are switched off for good.
pub(crate) fn attributes<'a>(sources: impl Iterator<Item = &'a Source>) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        for (attribute, instead) in ATTRIBUTES {
            let places = source.code.match_indices(attribute);
            found.extend(places.map(|(at, _)| format!("{}: {instead}", source.at(at))));
        }
    }
    found
}

/// Marks of work that was put off, in comments too.
pub(crate) fn unfinished<'a>(sources: impl Iterator<Item = &'a Source>) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        for mark in MARKS {
            let places = crate::source::words(&source.text, mark);
            found.extend(places.map(|at| format!("{}: {mark}", source.at(at))));
        }
    }
    found
}

/// Macros for work in progress, and reading a buffer without a check.
pub(crate) fn macros<'a>(sources: impl Iterator<Item = &'a Source>) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        for name in MACROS {
            let places = source.code.match_indices(name);
            found.extend(places.map(|(at, _)| format!("{}: {name}", source.at(at))));
        }
    }
    found
}

/// Types whose name says nothing. Use the noun of the protocol.
pub(crate) fn empty_names<'a>(sources: impl Iterator<Item = &'a Source>) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        for keyword in ["struct", "enum", "trait", "type", "mod"] {
            for at in source.words(keyword) {
                let rest = source.code[at + keyword.len()..].trim_start();
                let name = rest
                    .split(|letter: char| !letter.is_alphanumeric() && letter != '_')
                    .next();
                let name = name.unwrap_or_default();
                let bare = name.to_lowercase();
                if EMPTY_NAMES.iter().any(|empty| bare.ends_with(empty)) {
                    found.push(format!("{}: `{name}`", source.at(at)));
                }
            }
        }
    }
    found
}

/// Places of the words in code that is neither a test nor in one of the modules.
fn in_core(sources: &[Source], except: &[&str], words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let module = top_module(source);
        let is_program = source.path.ends_with("/src/main.rs");
        if is_program || module.is_some_and(|module| except.contains(&module.as_str())) {
            continue;
        }
        for word in words {
            let places = source.words(word).filter(|&at| !source.is_test(at));
            found.extend(places.map(|at| format!("{}: {word}", source.at(at))));
        }
    }
    found
}

/// Whether the comment above the statement that holds the line gives a reason.
fn says_why(source: &Source, line: usize) -> bool {
    let above: Vec<&str> = source.text.lines().take(line - 1).collect();
    let mut above = above.iter().rev().map(|line| line.trim()).peekable();
    // A statement may begin some lines earlier.
    let ends = |line: &str| line.is_empty() || line.ends_with([';', '{', '}']);
    while above
        .next_if(|line| !line.starts_with("//") && !ends(line))
        .is_some()
    {}
    above
        .take_while(|line| line.starts_with("//"))
        .any(|line| line.starts_with("// SAFETY:"))
}

const OUTSIDE_THE_SHELL: [&str; 21] = [
    "tokio",
    "mio",
    "nix",
    "libc",
    "async",
    "await",
    "UdpSocket",
    "TcpListener",
    "TcpStream",
    "UnixStream",
    "Instant::now",
    "SystemTime",
    "Rc",
    "RefCell",
    "HashMap",
    "HashSet",
    "RandomState",
    "thread_local",
    "thread_rng",
    "static mut",
    "unsafe",
];

const ATTRIBUTES: [(&str, &str); 4] = [
    ("#[ignore", "an ignored test proves nothing"),
    (
        "[allow(",
        "`#[expect(.., reason = \"..\")]` says why, and goes when the reason does",
    ),
    (
        ", allow(",
        "`expect` with a reason says why, and goes when the reason does",
    ),
    (
        "#[should_panic]",
        "name the panic: `#[should_panic(expected = \"..\")]`",
    ),
];

const MARKS: [&str; 3] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
];

const MACROS: [&str; 4] = ["dbg!", "todo!", "unimplemented!", "root_unchecked"];

const EMPTY_NAMES: [&str; 5] = ["manager", "helper", "helpers", "util", "utils"];

#[cfg(test)]
mod tests {
    use super::*;

    fn worker(path: &str, text: &str) -> Source {
        Source::new(&format!("crates/worker/src/{path}"), text)
    }

    #[test]
    fn the_clock_in_the_core_is_found() {
        let text = "// Instant::now\nlet now = std::time::Instant::now();\n\
                    let shared: Rc<u8>;\n#[cfg(test)]\nmod tests { fn f() { Instant::now(); } }";
        let sources = ["ice/mod.rs", "io/run.rs", "main.rs"].map(|path| worker(path, text));
        assert_eq!(
            outside_the_shell(&sources),
            [
                "crates/worker/src/ice/mod.rs:2: Instant::now",
                "crates/worker/src/ice/mod.rs:3: Rc"
            ]
        );
    }

    #[test]
    fn every_forbidden_word_is_found() {
        for word in OUTSIDE_THE_SHELL {
            let source = worker("router/mod.rs", &format!("use {word};"));
            assert_eq!(outside_the_shell(&[source]).len(), 1, "{word}");
        }
    }

    #[test]
    fn the_channel_in_the_core_is_found() {
        let text = "use tureen_channel_fbs::fbs;";
        let sources = ["channel/mod.rs", "io.rs", "worker/mod.rs"].map(|path| worker(path, text));
        assert_eq!(
            outside_the_edge(&sources),
            ["crates/worker/src/worker/mod.rs:1: tureen_channel_fbs"]
        );
    }

    #[test]
    fn unsafe_without_a_reason_is_found() {
        let good = "// SAFETY: because\n// of that.\nlet a =\n    unsafe { b };\n\
                    // SAFETY: so.\nunsafe impl Send for A {}\nunsafe fn c();";
        let bad = "// It works.\nlet a = unsafe { b };\n// SAFETY: of another.\nlet b = 1;\nunsafe impl C for A {}";
        let sources = [good, bad].map(|text| Source::new("sample.rs", text));
        let found = without_safety(sources.iter());
        let lines = [2, 5].map(|line| format!("sample.rs:{line}: unsafe without a SAFETY comment"));
        assert_eq!(found, lines);
    }

    #[test]
    fn attributes_are_found() {
        for bad in [
            "#[ignore]",
            "#[ignore = \"slow\"]",
            "#[allow(dead_code)]",
            "#![allow(dead_code)]",
            "#[cfg_attr(test, allow(a))]",
            "#[should_panic]",
        ] {
            assert_eq!(
                attributes([&Source::new("sample.rs", bad)].into_iter()).len(),
                1,
                "{bad}"
            );
        }
        let good = "#[expect(dead_code, reason = \"#[allow(x)]\")] fn f() { g.allow(1); }";
        assert!(attributes([&Source::new("sample.rs", good)].into_iter()).is_empty());
    }

    #[test]
    fn unfinished_work_is_found() {
        for mark in MARKS {
            let source = Source::new("sample.rs", &format!("// {mark}: later"));
            assert_eq!(unfinished([&source].into_iter()).len(), 1, "{mark}");
        }
        for name in MACROS {
            let source = Source::new("sample.rs", &format!("a::{name}(b)"));
            assert_eq!(macros([&source].into_iter()).len(), 1, "{name}");
        }
    }

    #[test]
    fn a_name_that_says_nothing_is_found() {
        let text = "struct PortManager;\npub mod utils;\nenum Utility {}\nstruct Helper<T>(T);";
        let found = empty_names([&Source::new("sample.rs", text)].into_iter());
        assert_eq!(
            found,
            [
                "sample.rs:1: `PortManager`",
                "sample.rs:4: `Helper`",
                "sample.rs:2: `utils`"
            ]
        );
    }
}
