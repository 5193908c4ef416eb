//! The layers of the server: `dialects` over `http` over `participant` over `rooms` and `media`, and
//! `sdp` and `auth` beside them. What is below knows nothing of the forms in which clients speak.

use crate::paths;
use crate::source::Source;

/// A module of the server and what it may use.
struct Layer {
    module: &'static str,
    /// Other modules of the crate.
    uses: &'static [&'static str],
    /// Crates that it must not name.
    never: &'static [&'static str],
}

/// From the lowest on: a layer uses only those before it, so there is no circle.
const LAYERS: [Layer; 7] = [
    Layer {
        module: "auth",
        uses: &[],
        never: &["axum", "tokio", "tureen_controller"],
    },
    Layer {
        module: "rooms",
        uses: &[],
        never: &["axum", "serde", "serde_json", "tokio", "tureen_controller"],
    },
    Layer {
        module: "media",
        uses: &["config", "rooms"],
        never: &["axum", "serde", "serde_json"],
    },
    Layer {
        module: "participant",
        uses: &["auth", "media", "rooms"],
        never: &["axum", "serde", "serde_json"],
    },
    Layer {
        module: "sdp",
        uses: &["media"],
        never: &["axum", "serde", "serde_json", "tokio"],
    },
    // It knows no dialect: `serve` puts the routes of all together.
    Layer {
        module: "http",
        uses: &["auth", "config", "media", "participant", "rooms", "sdp"],
        never: &[],
    },
    Layer {
        module: "dialects",
        uses: &["auth", "http", "media", "participant", "rooms", "sdp"],
        never: &[],
    },
];

/// Uses of what a layer may not know. Tests may use anything.
pub(crate) fn broken(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let module = module(source);
        let layer = LAYERS
            .iter()
            .find(|one| module.first().is_some_and(|name| name == one.module));
        let Some(layer) = layer else { continue };
        if module.iter().any(|name| name == "tests") {
            continue;
        }
        for path in paths::written(source) {
            let resolved = path.resolve(source, &module);
            let used = resolved.first().map_or("", String::as_str);
            let is_own = used == layer.module || layer.uses.contains(&used);
            if !is_own && !source.is_test(path.offset) {
                found.push(format!(
                    "{}: `{}` uses `{used}`",
                    source.at(path.offset),
                    layer.module
                ));
            }
        }
        for name in layer.never {
            for at in source.words(name).filter(|at| !source.is_test(*at)) {
                found.push(format!(
                    "{}: `{}` names {name}",
                    source.at(at),
                    layer.module
                ));
            }
        }
    }
    found
}

/// Where a source hangs in its crate.
fn module(source: &Source) -> Vec<String> {
    let path = source.path.split("/src/").last().unwrap_or_default();
    let path = path.strip_suffix(".rs").unwrap_or(path);
    let segments = path.split('/').filter(|segment| *segment != "mod");
    segments.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_layer_uses_one_that_uses_it() {
        for (at, layer) in LAYERS.iter().enumerate() {
            let place = |used: &&str| LAYERS.iter().position(|one| one.module == *used);
            let later = layer.uses.iter().find(|used| place(used) >= Some(at));
            assert_eq!(later, None, "{}", layer.module);
        }
    }

    #[test]
    fn a_use_of_what_stands_above_is_found() {
        let source =
            |path: &str, text: &str| Source::new(&format!("crates/server/src/{path}"), text);
        let found = broken(&[
            source(
                "rooms/room/mod.rs",
                "use super::super::participant::Hall;\nuse serde_json::Value;",
            ),
            source(
                "participant/person.rs",
                "use crate::rooms::Room;\nuse crate::sdp::Offer;",
            ),
            source("rooms/tests.rs", "use crate::cli::Cli;"),
            source("dialects/page/mod.rs", "use crate::sdp::Offer;"),
            source("http/mod.rs", "use crate::dialects::whip;"),
        ]);
        assert_eq!(
            found,
            [
                "crates/server/src/rooms/room/mod.rs:1: `rooms` uses `participant`",
                "crates/server/src/rooms/room/mod.rs:2: `rooms` names serde_json",
                "crates/server/src/participant/person.rs:2: `participant` uses `sdp`",
                "crates/server/src/http/mod.rs:1: `http` uses `dialects`",
            ]
        );
    }
}
