//! Names that do not exist, and those that were meant.

use clap::Command;

/// Every key of `serve` that a file may have.
pub(super) fn keys(command: &Command) -> Vec<String> {
    let serve = command.find_subcommand("serve");
    let arguments = serve.into_iter().flat_map(Command::get_arguments);
    arguments
        .filter_map(|argument| argument.get_long())
        .filter(|key| *key != "config" && *key != "help")
        .map(str::to_owned)
        .collect()
}

/// The name that was most likely meant, if one is near.
pub(super) fn nearest<'a>(name: &str, known: &'a [String]) -> Option<&'a str> {
    let plain = |text: &str| text.to_ascii_lowercase().replace('_', "-");
    let name = plain(name);
    let distance = |one: &&String| strsim::osa_distance(&plain(one), &name);
    let best = known.iter().min_by_key(distance)?;
    (distance(&best) <= MOST_TYPOS).then_some(best)
}

/// What to say of variables that look like ours and are not, such as `TUREEN_MAX_ROMS`. A variable
/// is not refused: containers are given some that begin with the name of a service.
pub(crate) fn unknown_variables(
    command: &Command,
    names: impl Iterator<Item = String>,
) -> Vec<String> {
    let commands = command.get_subcommands();
    let mut known: Vec<_> = commands
        .flat_map(Command::get_arguments)
        .filter_map(|argument| Some(argument.get_env()?.to_string_lossy().into_owned()))
        .collect();
    known.extend(OTHERS.map(str::to_owned));
    let unknown = names.filter(|name| name.starts_with("TUREEN_") && !known.contains(name));
    unknown
        .map(|name| match nearest(&name, &known) {
            Some(meant) => format!("{name} in the environment means nothing; {meant} does"),
            None => format!("{name} in the environment means nothing"),
        })
        .collect()
}

/// Variables of the shim, the controller and the tests.
const OTHERS: [&str; 8] = [
    "TUREEN_WORKER",
    "TUREEN_WORKER_BIN",
    "TUREEN_BIN",
    "TUREEN_EXAMPLES",
    "TUREEN_SHIM_WORKER",
    "TUREEN_SHIM_DIR",
    "TUREEN_SHIM_PID",
    "TUREEN_SHIM_STAGE",
];

/// Letters that may be wrong, missing or too many.
const MOST_TYPOS: usize = 2;

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn what_was_meant_is_found() {
        let known = keys(&Cli::command());
        for (name, meant) in [
            ("max_rooms", Some("max-rooms")),
            ("max-roms", Some("max-rooms")),
            ("MAX-ROOMS", Some("max-rooms")),
            ("tls-certificate", None),
            ("config", None),
        ] {
            assert_eq!(nearest(name, &known), meant, "{name}");
        }
    }

    #[test]
    fn misspelt_variables_are_found() {
        let names = ["TUREEN_MAX_ROMS", "TUREEN_MAX_ROOMS", "TUREEN_PORT", "HOME"];
        let said = unknown_variables(&Cli::command(), names.map(str::to_owned).into_iter());
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].contains("TUREEN_MAX_ROOMS does"), "{said:?}");
    }
}
