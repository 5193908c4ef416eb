//! What the packages may depend on, read from their manifests.

use toml::{Table, Value};

use crate::source::Source;

/// Our own packages that each package may use, outside its tests.
const ALLOWED: [(&str, &[&str]); 8] = [
    ("tureen-channel-fbs", &[]),
    ("tureen-worker", &["tureen-channel-fbs"]),
    ("tureen-channel-dump", &["tureen-channel-fbs"]),
    (
        "tureen-controller",
        &["tureen-channel-dump", "tureen-channel-fbs"],
    ),
    ("tureen-peer", &[]),
    (
        "tureen",
        &[
            "tureen-channel-dump",
            "tureen-channel-fbs",
            "tureen-controller",
            "tureen-peer",
            "tureen-worker",
        ],
    ),
    ("tureen-tests", &["tureen-worker"]),
    ("xtask", &[]),
];

/// Packages that bring an asynchronous runtime, which the worker does without.
const ASYNCHRONOUS: [&str; 5] = ["tokio", "futures", "futures-util", "async-std", "smol"];

/// Dependencies against the direction, tests not counted.
pub(crate) fn direction(manifests: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in manifests {
        let manifest: Table = source.text.parse().unwrap();
        let package = name(&manifest);
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == package) else {
            found.push(format!(
                "{}: `{package}` has no place among the crates",
                source.path
            ));
            continue;
        };
        for dependency in dependencies(&manifest) {
            let ours = dependency.starts_with("tureen") || dependency == "xtask";
            let asynchronous = ASYNCHRONOUS.contains(&dependency.as_str());
            if (ours && !allowed.contains(&dependency.as_str()))
                || (asynchronous && package == "tureen-worker")
            {
                found.push(format!("{}: depends on `{dependency}`", source.path));
            }
        }
    }
    found
}

/// Packages without the lint table of the workspace.
pub(crate) fn lints(manifests: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in manifests {
        let manifest: Table = source.text.parse().unwrap();
        let inherited = manifest
            .get("lints")
            .and_then(|lints| lints.get("workspace"));
        if inherited != Some(&Value::Boolean(true)) {
            found.push(format!(
                "{}: without `[lints] workspace = true`",
                source.path
            ));
        }
    }
    found
}

fn name(manifest: &Table) -> &str {
    let package = manifest
        .get("package")
        .and_then(|package| package.get("name"));
    package.and_then(Value::as_str).unwrap_or_default()
}

/// The packages that a manifest names, for any target; those of its tests are left out.
fn dependencies(manifest: &Table) -> Vec<String> {
    let targets = manifest.get("target").and_then(Value::as_table);
    let targets = targets.into_iter().flat_map(|targets| targets.values());
    let mut tables: Vec<&Table> = targets.filter_map(Value::as_table).collect();
    tables.push(manifest);
    let mut names = Vec::new();
    for table in tables {
        for kind in ["dependencies", "build-dependencies"] {
            let entries = table.get(kind).and_then(Value::as_table);
            for (key, entry) in entries.into_iter().flatten() {
                let renamed = entry.get("package").and_then(Value::as_str);
                names.push(renamed.unwrap_or(key).to_owned());
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(name: &str, rest: &str) -> [Source; 1] {
        let text = format!("[package]\nname = \"{name}\"\n{rest}");
        [Source::new("Cargo.toml", &text)]
    }

    #[test]
    fn a_dependency_against_the_direction_is_found() {
        let good = "[dependencies]\nmio = \"1\"\ntureen-channel-fbs.workspace = true\n\
                    [dev-dependencies]\ntokio.workspace = true\ntureen-peer.workspace = true";
        assert!(direction(&manifest("tureen-worker", good)).is_empty());
        for (name, bad) in [
            (
                "tureen-worker",
                "[dependencies]\ntureen-controller.workspace = true",
            ),
            ("tureen-worker", "[dependencies]\ntokio.workspace = true"),
            (
                "tureen-worker",
                "[dependencies.w]\npackage = \"tureen-controller\"\npath = \"../c\"",
            ),
            (
                "tureen-controller",
                "[build-dependencies]\ntureen-worker.workspace = true",
            ),
            (
                "tureen-peer",
                "[target.'cfg(unix)'.dependencies]\ntureen-channel-fbs.workspace = true",
            ),
            (
                "tureen-channel-fbs",
                "[dependencies]\ntureen.workspace = true",
            ),
            ("tureen-new", ""),
        ] {
            assert_eq!(direction(&manifest(name, bad)).len(), 1, "{name}: {bad}");
        }
    }

    #[test]
    fn a_package_without_lints_is_found() {
        assert!(lints(&manifest("a", "[lints]\nworkspace = true")).is_empty());
        assert_eq!(lints(&manifest("a", "")).len(), 1);
        assert_eq!(
            lints(&manifest("a", "[lints.clippy]\nall = \"warn\"")).len(),
            1
        );
    }
}
