//! The command line of `tureen` and its subcommands.

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::auth::TokenArgs;
use crate::config::{self, ConfigError, ServeConfig};
use crate::dump::DumpArgs;
use crate::join::JoinConfig;

/// The command line of `tureen`.
#[derive(Debug, Parser)]
#[command(
    name = "tureen",
    version,
    about = "A WebRTC conference server that starts with one command"
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What `tureen` can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serves rooms: pages, signaling and media
    Serve(Box<ServeConfig>),
    /// Enters a room as a bot, to publish a test picture and tone or to watch
    Join(JoinConfig),
    /// Prints what passes between the server and its workers: recorded, or live
    Dump(DumpArgs),
    /// Prints a token that lets its bearer into a server with keys
    Token(TokenArgs),
    /// Prints a configuration file with every key at its default
    Config,
    /// Runs one media worker; `serve` starts them
    #[command(hide = true, disable_help_flag = true)]
    Worker {
        /// Arguments of the worker.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

impl Cli {
    /// Parses the command line, the environment and the file that they may name.
    pub fn load(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, ConfigError> {
        let matches = config::load(&Self::command(), arguments.into_iter().collect())?;
        Ok(Self::from_arg_matches(&matches)?)
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::config::CodecName;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_committed_file_lists_every_key_at_its_default() {
        let committed = include_str!("../../../config/tureen.toml");
        assert_eq!(
            committed,
            config::default_file(&Cli::command()),
            "run: tureen config"
        );
        let (file, plain) = (
            serve_with_file(committed, &[]).unwrap(),
            serve(&[]).unwrap(),
        );
        let without_path = ServeConfig {
            config: None,
            ..file
        };
        assert_eq!(format!("{without_path:?}"), format!("{plain:?}"));
    }

    #[test]
    fn a_flag_wins_over_the_file() {
        let file = "max-rooms = 7\nmax-people = 8\ncodecs = [\"vp9\", \"opus\"]\n";
        let config = serve_with_file(file, &["--max-rooms=9"]).unwrap();
        assert_eq!((config.rooms.max_rooms, config.rooms.max_people), (9, 8));
        assert_eq!(config.media.codecs, [CodecName::Vp9, CodecName::Opus]);
    }

    #[test]
    fn what_is_wrong_in_the_file_is_named() {
        for (file, expected) in [
            (
                "max-rooms = 0",
                "test.toml: max-rooms: invalid value '0': 0 is not",
            ),
            ("rtc-port = 70000", "test.toml: rtc-port: "),
            ("listen = \"localhost\"", "test.toml: listen: "),
            (
                "codecs = [\"vp7\"]",
                "test.toml: codecs: invalid value 'vp7' [possible values: ",
            ),
            (
                "metrics-remote = \"perhaps\"",
                "test.toml: metrics-remote: ",
            ),
            (
                "announced-address = \"0.0.0.0\"",
                "test.toml: announced-address: invalid value '0.0.0.0': it stands for all",
            ),
            ("tls-key = \"k.pem\"", "--tls-cert"),
            ("max-roms = 5", "no key \"max-roms\""),
            ("max_rooms = 5", "no key \"max_rooms\""),
            ("config = \"x\"", "no key \"config\""),
            ("max-rooms = 1.5", "max-rooms cannot be a float"),
            ("[max-rooms]", "max-rooms cannot be a table"),
            ("max-rooms", "expected"),
        ] {
            let error = serve_with_file(file, &[]).unwrap_err().to_string();
            assert!(error.contains(expected), "{file}: {error}");
            assert!(error.contains("test.toml"), "{file}: {error}");
            assert!(!error.contains("For more information"), "{file}: {error}");
        }
    }

    #[test]
    fn a_flag_that_cannot_work_is_refused() {
        for (flag, value, expected) in [
            ("announced-address", "not a host", "a host name such as"),
            ("announced-address", "0.0.0.0", "the address at which"),
            ("allowed-origins", "foo", "SCHEME://HOST:PORT"),
            (
                "allowed-origins",
                "https://a.example,*",
                "SCHEME://HOST:PORT",
            ),
            ("allowed-hosts", "https://a.example", "without a scheme"),
        ] {
            let error = serve(&[&format!("--{flag}={value}")]).unwrap_err();
            assert!(matches!(error, ConfigError::Arguments(_)), "{error:?}");
            let error = error.to_string();
            assert!(error.contains(&format!("'--{flag} ")), "{error}");
            assert!(error.contains(expected), "{error}");
        }
        let config = serve(&["--allowed-origins=https://a.example,http://b.example:8080"]);
        assert_eq!(config.unwrap().http.allowed_origins.len(), 2);
    }

    #[test]
    fn a_key_without_its_certificate_is_refused() {
        let error = serve(&["--tls-key=k.pem"]).unwrap_err().to_string();
        assert!(error.contains("--tls-cert"), "{error}");
    }

    fn serve(flags: &[&str]) -> Result<ServeConfig, ConfigError> {
        let arguments = ["tureen", "serve"].into_iter().chain(flags.iter().copied());
        match Cli::load(arguments.map(OsString::from))?.command {
            Command::Serve(config) => Ok(*config),
            other => panic!("{other:?}"),
        }
    }

    fn serve_with_file(text: &str, flags: &[&str]) -> Result<ServeConfig, ConfigError> {
        let directory: PathBuf =
            std::env::temp_dir().join(format!("tureen-config-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&directory).unwrap();
        let path = directory.join("test.toml");
        std::fs::write(&path, text).unwrap();
        let config = format!("--config={}", path.display());
        let flags: Vec<_> = [config.as_str()]
            .into_iter()
            .chain(flags.iter().copied())
            .collect();
        let result = serve(&flags);
        std::fs::remove_dir_all(&directory).unwrap();
        result
    }
}
