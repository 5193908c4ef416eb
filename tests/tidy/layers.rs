//! The layers of the worker: a module uses its own layer and those above it in the list, never
//! those below.

use std::collections::BTreeMap;

use crate::paths;
use crate::source::Source;

/// From the lowest layer on. The earlier a layer comes, the more modules may use it.
const LAYERS: [(&str, &[&str]); 8] = [
    (
        "base",
        &[
            "arena", "binder", "error", "ids", "log", "messages", "output", "params", "rng",
            "settings", "time", "timers",
        ],
    ),
    ("bytes", &["wire", "codecs"]),
    ("parts", &["srtp", "dtls", "ice", "bwe", "streams"]),
    ("entities", &["producer", "consumer"]),
    ("transport", &["transport", "webrtc_server"]),
    ("graph", &["router", "worker"]),
    ("edge", &["channel", "fuzz"]),
    ("shell", &["io"]),
];

/// Uses of a module of a later layer, and uses of items at the root, which have no visible layer.
pub(crate) fn broken(sources: &[Source]) -> Vec<String> {
    let macros = macros(sources);
    let mut found = Vec::new();
    for source in sources {
        let module = module(source);
        let Some(own) = module.first().and_then(|name| layer(name)) else {
            continue;
        };
        for path in paths::written(source) {
            let resolved = path.resolve(source, &module);
            let Some(first) = resolved.first() else {
                continue;
            };
            let used = macros.get(first).unwrap_or(first);
            let at = source.at(path.offset);
            match layer(used) {
                None => found.push(format!(
                    "{at}: crate::{first} has no layer; name its module"
                )),
                Some(layer) if layer > own => found.push(format!(
                    "{at}: `{}` ({}) uses `{used}` ({})",
                    module[0], LAYERS[own].0, LAYERS[layer].0
                )),
                Some(_) => {}
            }
        }
    }
    found
}

/// Modules that the list above does not name.
pub(crate) fn unlisted(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        if let Some(name) = module(source).first()
            && layer(name).is_none()
        {
            found.push(format!("{}: `{name}` stands in no layer", source.path));
        }
    }
    found
}

/// The top module of a source of the worker.
pub(crate) fn top_module(source: &Source) -> Option<String> {
    module(source).into_iter().next()
}

fn layer(name: &str) -> Option<usize> {
    LAYERS
        .iter()
        .position(|(_, modules)| modules.contains(&name))
}

/// The module path of a source in its crate; empty for the roots `lib.rs` and `main.rs`.
fn module(source: &Source) -> Vec<String> {
    let path = source.path.split("/src/").last().unwrap_or_default();
    let path = path.strip_suffix(".rs").unwrap_or(path);
    let mut segments: Vec<String> = path.split('/').map(str::to_owned).collect();
    if matches!(
        segments.last().map(String::as_str),
        Some("mod" | "lib" | "main")
    ) {
        segments.pop();
    }
    segments
}

/// Macros live at the root, whatever module they are written in.
fn macros(sources: &[Source]) -> BTreeMap<String, String> {
    let mut macros = BTreeMap::new();
    for source in sources {
        for at in source.words("macro_rules") {
            let name = source.code[at..]
                .split(['!', '{'])
                .nth(1)
                .unwrap_or_default();
            macros.extend(top_module(source).map(|module| (name.trim().to_owned(), module)));
        }
    }
    macros
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(texts: &[(&str, &str)]) -> Vec<Source> {
        let source =
            |(path, text): &(&str, &str)| Source::new(&format!("crates/worker/src/{path}"), text);
        texts.iter().map(source).collect()
    }

    #[test]
    fn a_use_of_a_later_layer_is_found() {
        let found = broken(&sources(&[
            (
                "wire/rtp.rs",
                "use crate::ids::Ssrc;\nuse crate::{\n    params,\n    srtp::{Context},\n};",
            ),
            (
                "transport/mod.rs",
                "use super::consumer::Consumer;\nfn f() { crate::router::forward() }",
            ),
            (
                "ids.rs",
                "mod tests { use super::*; use super::super::io; }",
            ),
            ("lib.rs", "pub use io::run;"),
        ]));
        assert_eq!(
            found,
            [
                "crates/worker/src/wire/rtp.rs:4: `wire` (bytes) uses `srtp` (parts)",
                "crates/worker/src/transport/mod.rs:2: `transport` (transport) uses `router` (graph)",
                "crates/worker/src/ids.rs:1: `ids` (base) uses `io` (shell)",
            ]
        );
    }

    #[test]
    fn a_macro_belongs_to_its_module() {
        let text = "macro_rules! define_key { () => {} }";
        let found = broken(&sources(&[
            ("channel/keys.rs", text),
            ("ids.rs", "crate::define_key!();\ncrate::run();"),
        ]));
        assert_eq!(
            found,
            [
                "crates/worker/src/ids.rs:1: `ids` (base) uses `channel` (edge)",
                "crates/worker/src/ids.rs:2: crate::run has no layer; name its module",
            ]
        );
    }

    #[test]
    fn a_module_without_a_layer_is_found() {
        let found = unlisted(&sources(&[
            ("helpers/mod.rs", ""),
            ("main.rs", ""),
            ("rng.rs", ""),
        ]));
        assert_eq!(
            found,
            ["crates/worker/src/helpers/mod.rs: `helpers` stands in no layer"]
        );
    }
}
