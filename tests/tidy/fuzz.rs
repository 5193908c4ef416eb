//! Every function for fuzzing is a target of cargo-fuzz.

use crate::source::Source;

/// Functions of the worker's `fuzz` module without a target that calls them, or whose target the
/// manifest does not name.
pub(crate) fn without_target(functions: &Source, fuzz: &[Source]) -> Vec<String> {
    let names = functions.code.lines().filter_map(|line| {
        let rest = line.strip_prefix("pub fn ")?;
        Some(&rest[..rest.find('(')?])
    });
    let text = |path: &str| {
        let source = fuzz.iter().find(|source| source.path == path);
        source.map_or("", |source| &source.text)
    };
    let manifest = text("fuzz/Cargo.toml");
    let is_target = |name: &str| {
        let path = format!("fuzz_targets/{name}.rs");
        manifest.contains(&format!("\"{path}\""))
            && text(&format!("fuzz/{path}")).contains(&format!("::fuzz::{name}(data)"))
    };
    names
        .filter(|name| !is_target(name))
        .map(|name| format!("{}: `{name}` is no fuzz target", functions.path))
        .collect()
}

#[test]
fn a_function_without_its_target_is_found() {
    let functions = Source::new(
        "fuzz.rs",
        "pub fn a(data: &[u8]) {}\npub fn b(data: &[u8]) {}\n",
    );
    let manifest = Source::new("fuzz/Cargo.toml", "path = \"fuzz_targets/a.rs\"");
    let target = Source::new(
        "fuzz/fuzz_targets/a.rs",
        "fuzz_target!(worker::fuzz::a(data));",
    );
    let found = without_target(&functions, &[manifest, target]);
    assert_eq!(found, ["fuzz.rs: `b` is no fuzz target"]);
}
