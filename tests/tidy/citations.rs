//! What a text points at exists: pages with their sections and rules, files, and the tests that
//! keep the rules of security.

use std::collections::BTreeSet;

use crate::source::Source;

/// Citations of a paper by its old name instead of a page of the repository.
pub(crate) fn papers(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        for (line, prose) in prose(source) {
            for (paper, page) in PAPERS {
                let cited = crate::source::words(&prose, paper).any(|at| {
                    let rest = &prose[at + paper.len()..];
                    rest.starts_with(" §") || rest.starts_with(" rule")
                });
                if cited {
                    found.push(format!("{}:{line}: {paper}; cite {page}", source.path));
                }
            }
        }
    }
    found
}

/// Sections of RFCs that are cited in another form than `RFC N §N`.
pub(crate) fn rfcs<'a>(sources: impl Iterator<Item = &'a Source>) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources.filter(|source| source.path.ends_with(".rs")) {
        for (line, prose) in prose(source) {
            let citations = prose.match_indices("RFC ").map(|(at, rfc)| at + rfc.len());
            let bad = citations.filter(|&at| {
                let number = prose[at..].trim_start_matches(|digit: char| digit.is_ascii_digit());
                let rest = number.trim_start_matches(',').trim_start();
                rest.starts_with("section") || rest.starts_with("Section")
            });
            found.extend(bad.map(|_| format!("{}:{line}: write RFC N §N", source.path)));
        }
    }
    found
}

/// Pages that are cited and do not exist, or lack the section or the rule.
pub(crate) fn pages(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        for (line, prose) in prose(source) {
            for (end, _) in prose.match_indices(".md") {
                let end = end + ".md".len();
                let cited = cited_page(&prose, end);
                let Some(page) = cited.and_then(|path| resolve(sources, source, path)) else {
                    if let Some(path) = cited {
                        found.push(format!("{}:{line}: no page {path}", source.path));
                    }
                    continue;
                };
                let missing = headings(&prose[end..])
                    .into_iter()
                    .filter(|heading| !has_heading(page, heading));
                found.extend(missing.map(|heading| {
                    format!("{}:{line}: {} has no {heading:?}", source.path, page.path)
                }));
            }
        }
    }
    found
}

/// Files that a page names between backticks, or links to, and that do not exist.
pub(crate) fn files(sources: &[Source]) -> Vec<String> {
    let paths: BTreeSet<&str> = sources.iter().map(|source| source.path.as_str()).collect();
    let mut found = Vec::new();
    for source in sources {
        if !source.path.ends_with(".md") {
            continue;
        }
        for (line, prose) in prose(source) {
            let ticked = prose.split('`').skip(1).step_by(2);
            let gone = ticked.filter(|name| is_file_name(name) && !is_there(&paths, name));
            found.extend(gone.map(|name| format!("{}:{line}: no file {name}", source.path)));
            let links = prose.match_indices("](").filter_map(|(at, open)| {
                let target = prose[at + open.len()..].split([')', '#']).next()?;
                let local = !target.is_empty() && !target.contains(':');
                local.then(|| beside(source, target))
            });
            // Pictures are no texts, so the tree does not hold them.
            let gone = links.filter(|path| !path.ends_with(".png") && !is_there(&paths, path));
            found.extend(gone.map(|path| format!("{}:{line}: no file {path}", source.path)));
        }
    }
    found
}

/// Tests on the page of the rules that do not exist, rules that name no test and do not say so, and
/// missing rule numbers.
pub(crate) fn tests_of_rules(page: &Source, sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    let rules = page.text.split("\n## Rule ").skip(1);
    for (index, rule) in rules.enumerate() {
        let rule = rule.split("\n## ").next().unwrap_or_default();
        let number = format!("{}:", index + 1);
        if !rule.starts_with(&number) {
            found.push(format!("{}: rule {number} is missing", page.path));
        }
        let keepers: Vec<&str> = rule
            .lines()
            .filter(|line| line.starts_with("- `"))
            .collect();
        if keepers.is_empty() && !rule.contains("No test yet.") {
            found.push(format!("{}: rule {number} names no test", page.path));
        }
        for keeper in keepers {
            let mut names = keeper.split('`').skip(1).step_by(2);
            let path = names.next().unwrap_or_default();
            let file = sources.iter().find(|source| source.path == path);
            let gone = names.filter(|name| !file.is_some_and(|file| has_test(file, name)));
            found.extend(gone.map(|name| format!("{}: no test {name} in {path}", page.path)));
        }
    }
    found
}

fn has_test(file: &Source, name: &str) -> bool {
    if file.path.ends_with(".rs") {
        let mut found = file.code.split(&format!("fn {name}(")).collect::<Vec<_>>();
        found.pop();
        // The attributes stand between the item and what is before it.
        let is_test = |before: &&str| {
            let item = before.rsplit(['}', ';', '{']).next();
            item.is_some_and(|attributes| {
                attributes.contains("test]") || attributes.contains("test(")
            })
        };
        found.iter().any(is_test)
    } else {
        file.text.contains(name)
    }
}

/// The prose of a text, in pieces with the number of their first line. In code these are runs of
/// comments without their marks; in a page, everything outside of fences.
fn prose(source: &Source) -> Vec<(usize, String)> {
    let is_page = source.path.ends_with(".md");
    let is_code = [".rs", ".fbs", ".js", ".mjs"]
        .iter()
        .any(|end| source.path.ends_with(end));
    let mut pieces: Vec<(usize, String)> = Vec::new();
    let mut is_open = false;
    let mut is_fenced = false;
    for (index, line) in source.text.lines().enumerate() {
        let line = line.trim();
        is_fenced ^= is_page && line.starts_with("```");
        let words = if is_page {
            (!is_fenced && !line.is_empty()).then_some(line)
        } else {
            let comment = line.strip_prefix("//").filter(|_| is_code);
            comment.map(|comment| comment.trim_start_matches(['/', '!']).trim())
        };
        match (words, pieces.last_mut()) {
            (Some(words), Some((_, piece))) if is_open => {
                piece.push(' ');
                piece.push_str(words);
            }
            (Some(words), _) => pieces.push((index + 1, words.to_owned())),
            (None, _) => {}
        }
        is_open = words.is_some();
    }
    pieces
}

/// The path that ends here; none for an address on the web, and none if there is only the ending.
fn cited_page(prose: &str, end: usize) -> Option<&str> {
    let part = |letter: char| letter.is_ascii_alphanumeric() || "_-./:".contains(letter);
    let start = prose[..end]
        .char_indices()
        .rev()
        .take_while(|&(_, letter)| part(letter))
        .last()?
        .0;
    let path = &prose[start..end];
    (path.len() > ".md".len() && !path.contains("://")).then_some(path)
}

/// The page of a path: written from the root, from the text's own directory, or by its end.
fn resolve<'a>(sources: &'a [Source], from: &Source, path: &str) -> Option<&'a Source> {
    let named = |path: &str| sources.iter().find(|source| source.path == path);
    let tail = format!("/{path}");
    named(path)
        .or_else(|| named(&beside(from, path)))
        .or_else(|| sources.iter().find(|source| source.path.ends_with(&tail)))
}

/// A path relative to a text, from the root.
fn beside(from: &Source, path: &str) -> String {
    let mut segments: Vec<&str> = from.path.split('/').collect();
    segments.pop();
    for segment in path.split('/') {
        match segment {
            ".." => {
                segments.pop();
            }
            "." | "" => {}
            name => segments.push(name),
        }
    }
    segments.join("/")
}

/// The beginnings of the headings that a citation needs, from the text after the name of the page.
fn headings(rest: &str) -> Vec<String> {
    let rest = rest.trim_start_matches(['`', ',']).trim_start();
    let number = |text: &str| -> Option<String> {
        let number = text.split(|letter: char| !letter.is_ascii_digit() && letter != '.');
        let number = number.into_iter().next()?.trim_end_matches('.');
        (!number.is_empty()).then(|| number.to_owned())
    };
    if let Some(section) = rest.strip_prefix('§') {
        return number(section)
            .map(|number| format!("{number}."))
            .into_iter()
            .collect();
    }
    let Some(list) = rest
        .strip_prefix("rules ")
        .or_else(|| rest.strip_prefix("rule "))
    else {
        return Vec::new();
    };
    let words = list.split([' ', ',']).filter(|word| !word.is_empty());
    words
        .take_while(|word| *word == "and" || word.starts_with(|first: char| first.is_ascii_digit()))
        .filter_map(number)
        .map(|number| format!("Rule {number}:"))
        .collect()
}

fn has_heading(page: &Source, heading: &str) -> bool {
    page.text.lines().any(|line| {
        let Some(title) = line.strip_prefix('#') else {
            return false;
        };
        let title = title.trim_start_matches('#').trim_start();
        // A part of a section has its number without a dot behind it: `7.2 Title`.
        title.starts_with(heading)
            || title.starts_with(&format!("{} ", heading.trim_end_matches('.')))
    })
}

fn is_file_name(name: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-./".contains(letter);
    let ending = [".rs", ".md", ".toml", ".mjs", ".fbs"];
    name.chars().all(plain)
        && !name.starts_with('.')
        && (ending.iter().any(|end| name.ends_with(end))
            || PLACES.iter().any(|place| name.starts_with(place)))
}

/// Whether a text or a directory has the name, or ends in it.
fn is_there(paths: &BTreeSet<&str>, name: &str) -> bool {
    let tail = format!("/{}", name.trim_end_matches('/'));
    let directory = format!("{}/", name.trim_end_matches('/'));
    paths
        .iter()
        .any(|path| *path == name || path.ends_with(&tail) || path.starts_with(&directory))
}

const PAPERS: [(&str, &str); 5] = [
    ("CHANNEL", "docs/channel.md §N"),
    ("SECURITY", "docs/security.md rule N"),
    ("DESIGN", "ARCHITECTURE.md"),
    ("STYLE", "CONTRIBUTING.md"),
    ("TARGETS", "docs/measuring.md"),
];

/// Directories whose files pages name from the root.
const PLACES: [&str; 8] = [
    "schemas/", "crates/", "tests/", "xtask/", "fuzz/", "config/", "docs/", ".cargo/",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(path: &str, text: &str) -> Vec<Source> {
        let rules = "# Rules\n\n## Rule 1: a\n\n- `a/b.rs`: `it_holds`\n\n## Rule 2: b\n\nNo test yet.\n\n## End\n";
        let channel = "# Channel\n\n## 4. Logs\n\n### 7.1 Ports\n";
        [
            ("docs/security.md", rules),
            ("docs/channel.md", channel),
            ("a/b.rs", "#[test]\nfn it_holds() {}"),
            (path, text),
        ]
        .map(|(path, text)| Source::new(path, text))
        .to_vec()
    }

    #[test]
    fn a_paper_that_nobody_can_open_is_found() {
        for bad in [
            "// CHANNEL §4",
            "/// By SECURITY\n/// rule 2.",
            "//! DESIGN §1",
        ] {
            assert_eq!(papers(&repository("x.rs", bad)).len(), 1, "{bad}");
        }
        let good = "// The CHANNEL\nlet a = \"SECURITY rule 1\";";
        assert!(papers(&repository("x.rs", good)).is_empty());
    }

    #[test]
    fn another_form_of_citing_an_rfc_is_found() {
        for bad in ["// RFC 3550, section 6", "/// RFC 3550\n/// Section 6.4"] {
            assert_eq!(rfcs([Source::new("x.rs", bad)].iter()).len(), 1, "{bad}");
        }
        let good = "// RFC 3550 §6, RFC 8285 and a section\nlet a = \"RFC 1, section 2\";";
        assert!(rfcs([Source::new("x.rs", good)].iter()).is_empty());
    }

    #[test]
    fn a_page_a_section_and_a_rule_that_are_missing_are_found() {
        for bad in [
            "// docs/gone.md",
            "// docs/channel.md §5",
            "/// docs/channel.md\n/// §14",
            "// docs/security.md rule 3",
            "// docs/security.md rules 1 and 4",
        ] {
            assert_eq!(pages(&repository("x/y.rs", bad)).len(), 1, "{bad}");
        }
        let good = "// docs/channel.md §4, docs/channel.md §7.1, docs/security.md rules 1 and 2: so.\
                    \n// https://example.org/x.md\nlet a = \"b.md\";";
        let found = pages(&repository("x/y.rs", good));
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn a_keeper_that_is_no_test_is_found() {
        let gone = |code: &str| {
            let mut all = repository("x/y.rs", "");
            all[2] = Source::new("a/b.rs", code);
            tests_of_rules(&all[0].clone(), &all).len()
        };
        for good in [
            "fn other() {}\n\n#[test]\nfn it_holds() {}",
            "#[tokio::test]\nasync fn it_holds() {}",
            "#[tokio::test(flavor = \"multi_thread\")]\nasync fn it_holds() {}",
        ] {
            assert_eq!(gone(good), 0, "{good}");
        }
        for bad in [
            "fn it_holds() {}",
            "#[test]\nfn other() {}\n\nfn it_holds() {}",
            "#[cfg(test)]\nfn it_holds() {}",
        ] {
            assert_eq!(gone(bad), 1, "{bad}");
        }
    }

    #[test]
    fn a_file_that_a_page_names_and_that_is_gone_is_found() {
        for bad in [
            "`a/c.rs`",
            "`docs/gone/`",
            "[a](../a/c.rs)",
            "[a](gone.md#there)",
        ] {
            assert_eq!(files(&repository("docs/page.md", bad)).len(), 1, "{bad}");
        }
        let good = "`a/b.rs` `b.rs` [a](../a/b.rs) [b](https://example.org) [c](#here) `docs/` `x.pem`\n\
                    ```\n`a/c.rs`\n```\n";
        let found = files(&repository("docs/page.md", good));
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn a_rule_without_its_test_is_found() {
        let sources = repository("x.rs", "");
        assert!(tests_of_rules(&sources[0], &sources).is_empty());
        for (good, bad) in [
            ("it_holds", "it_held"),
            ("a/b.rs", "a/c.rs"),
            ("No test yet.", ""),
            ("Rule 2", "Rule 3"),
        ] {
            let page = Source::new("docs/security.md", &sources[0].text.replace(good, bad));
            assert_eq!(tests_of_rules(&page, &sources).len(), 1, "{bad}");
        }
    }
}
