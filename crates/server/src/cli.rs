//! The command line of `tureen` and its subcommands.

use std::ffi::OsString;

use clap::{CommandFactory, Parser, Subcommand};

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
    #[command(allow_negative_numbers = true)]
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
        let arguments: Vec<_> = arguments.into_iter().collect();
        config::load(&Self::command(), &arguments)
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
                "line 1: max-rooms: 0 is not in 1..=1000000",
            ),
            (
                "\n\nmax-rooms = \"7\"",
                "line 3: max-rooms: invalid type: string",
            ),
            (
                "rtc-port = 70000",
                "line 1: rtc-port: 70000 is not in 1..=65535",
            ),
            ("workers = -1", "line 1: workers: -1 is not in 0..=256"),
            ("listen = \"localhost:8190\"", "line 1: listen: it must be"),
            (
                "codecs = [\"vp7\"]",
                "line 1: codecs: unknown variant `vp7`, expected one of",
            ),
            (
                "metrics-remote = \"perhaps\"",
                "line 1: metrics-remote: invalid type",
            ),
            (
                "announced-address = \"0.0.0.0\"",
                "line 1: announced-address: it stands for all",
            ),
            (
                "# a\nmax-roms = 5",
                "line 2: there is no key \"max-roms\"; did you mean max-rooms?",
            ),
            (
                "max_rooms = 5",
                "no key \"max_rooms\"; did you mean max-rooms?",
            ),
            ("config = \"x\"", "no key \"config\""),
            ("max-rooms = 1.5", "max-rooms: invalid type: floating point"),
            (
                "\nice-servers = [\"stun:a.example\", \"http://b.example\"]",
                "line 2: ice-servers: it must be stun:HOST",
            ),
            ("turn-secret = 5", "line 1: turn-secret: a text is expected"),
            ("[max-rooms]", "max-rooms: invalid type: map"),
            ("max-rooms", "line 1: "),
            ("max-rooms = 1\nmax-rooms = 2", "line 2: duplicate key"),
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
            ("listen", "localhost:8190", "such as 127.0.0.1:8190"),
            ("listen", ":8190", "such as 127.0.0.1:8190 for this machine"),
            ("listen", "8190", "0.0.0.0:8190 for every"),
            ("listen", "localhost", "such as 127.0.0.1:8080"),
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
        let error = serve(&["--workers", "-1"]).unwrap_err().to_string();
        assert!(
            error.contains("invalid value '-1' for '--workers"),
            "{error}"
        );
        let error = serve(&["--keys=hidden"]).unwrap_err().to_string();
        assert_eq!(error, "keys: a key is written NAME:SECRET");
        let config = serve(&["--allowed-origins=https://a.example,http://b.example:8080"]);
        assert_eq!(config.unwrap().http.allowed_origins.len(), 2);
    }

    #[test]
    fn a_key_without_its_certificate_is_refused() {
        let error = serve(&["--tls-key=k.pem"]).unwrap_err().to_string();
        assert!(error.contains("set tls-cert as well"), "{error}");
        let error = serve_with_file("tls-cert = \"c.pem\"", &[]).unwrap_err();
        assert!(error.to_string().contains("set tls-key as well"), "{error}");
        // The two may come from two places.
        assert!(serve_with_file("tls-cert = \"c.pem\"", &["--tls-key=k.pem"]).is_ok());
    }

    #[test]
    fn a_turn_server_without_a_login_is_refused() {
        for flags in [
            &["--ice-servers=turn:a.example"][..],
            &["--ice-servers=turn:a.example", "--turn-username=ann"],
            &[
                "--turn-username=a",
                "--turn-credential=b",
                "--turn-secret=c",
            ],
        ] {
            let error = serve(flags).unwrap_err();
            assert!(matches!(error, ConfigError::TurnLogin), "{error:?}");
        }
        assert!(serve(&["--ice-servers=stun:a.example"]).is_ok());
        let file = "ice-servers = [\"turns:a.example\"]\nturn-secret = \"north\"\n";
        assert!(serve_with_file(file, &[]).is_ok());
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
