//! What texts of every kind may hold, and the files of the schema.

use crate::source::Source;

/// Paths that exist on one machine alone.
pub(crate) fn paths_of_a_machine(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        for path in MACHINE_PATHS {
            for (at, _) in source.text.match_indices(path) {
                // `a/work/b` is a relative path.
                let before = source.text[..at].chars().next_back();
                let absolute =
                    |letter: char| !letter.is_alphanumeric() && !"._-})".contains(letter);
                if before.is_none_or(absolute) {
                    found.push(format!("{}: {path}", source.at(at)));
                }
            }
        }
    }
    found
}

/// Hosts of package registries: each machine's own settings name them.
pub(crate) fn registry_hosts(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        for host in REGISTRY_HOSTS {
            let places = source.text.match_indices(host);
            found.extend(places.map(|(at, _)| format!("{}: {host}", source.at(at))));
        }
    }
    found
}

/// Schema files that hold more than one namespace, or another one than their name says. The root
/// file declares nothing.
pub(crate) fn schemas(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        let Some(name) = source
            .path
            .rsplit('/')
            .next()
            .and_then(|name| name.strip_suffix(".fbs"))
        else {
            found.push(format!("{}: not a schema", source.path));
            continue;
        };
        let statements = source.text.lines().map(str::trim);
        let namespaces: Vec<String> = statements
            .filter_map(|line| line.strip_prefix("namespace ")?.strip_suffix(';'))
            .map(|namespace| namespace.rsplit('.').next().unwrap_or_default())
            .map(snake_case)
            .collect();
        let expected: &[&str] = if name == ROOT_SCHEMA { &[] } else { &[name] };
        if namespaces != expected {
            found.push(format!("{}: namespaces {namespaces:?}", source.path));
        }
    }
    found
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

const MACHINE_PATHS: [&str; 4] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
];

const REGISTRY_HOSTS: [&str; 6] = [
    concat!("registry.npm", "js.org"),
    concat!("registry.yarn", "pkg.com"),
    concat!("static.cra", "tes.io"),
    concat!("index.cra", "tes.io"),
    concat!("files.python", "hosted.org"),
    concat!("deb.deb", "ian.org"),
];

const ROOT_SCHEMA: &str = "channel";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_a_machine_is_found() {
        for path in MACHINE_PATHS {
            let text = format!("good: a{path}b, ..{path}c\nbad: \"{path}d\"");
            let found = paths_of_a_machine(&[Source::new("sample.md", &text)]);
            assert_eq!(found, [format!("sample.md:2: {path}")]);
        }
    }

    #[test]
    fn a_registry_host_is_found() {
        for host in REGISTRY_HOSTS {
            let source = Source::new("lock.json", &format!("\"resolved\": \"https://{host}/x\""));
            assert_eq!(registry_hosts(&[source]), [format!("lock.json:1: {host}")]);
        }
    }

    #[test]
    fn a_schema_in_the_wrong_file_is_found() {
        let good = Source::new(
            "schemas/web_rtc_server.fbs",
            "namespace FBS.WebRtcServer;\n",
        );
        let root = Source::new("schemas/channel.fbs", "root_type FBS.Message.Message;\n");
        assert!(schemas(&[good.clone(), root]).is_empty());
        let two = format!("{}namespace FBS.Router;\n", good.text);
        for (path, text) in [
            ("schemas/web_rtc_server.fbs", two.as_str()),
            ("schemas/server.fbs", &good.text),
            ("schemas/channel.fbs", &good.text),
            ("schemas/router.fbs", ""),
            ("schemas/notes.md", ""),
        ] {
            assert_eq!(
                schemas(&[Source::new(path, text)]).len(),
                1,
                "{path}: {text}"
            );
        }
    }
}
