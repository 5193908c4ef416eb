//! Why a configuration was refused, and where the bad value stands.

use std::error::Error as _;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::Command;
use clap::error::{ContextKind, ContextValue};
use thiserror::Error;

/// Why a configuration was refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("config: {path}: {source}")]
    Read {
        /// Of the file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is not TOML, or has a key or a value that is not known.
    #[error("config: {path}: line {line}: {reason}")]
    Value {
        /// Of the file.
        path: PathBuf,
        /// In the file, counted from 1.
        line: usize,
        /// Which key, and what is wrong with it.
        reason: String,
    },
    /// The command line has a bad value; the text names the flag. Also carries `--help` and
    /// `--version`.
    #[error(transparent)]
    Arguments(#[from] clap::Error),
    /// The environment has a bad value.
    #[error("environment variable {variable}: {reason}")]
    Environment {
        /// Its name.
        variable: String,
        /// What is wrong with the value.
        reason: String,
    },
    /// A key on the command line or in the environment is none. The value is not shown.
    #[error("keys: {reason}")]
    ApiKey {
        /// What is wrong.
        reason: String,
    },
    /// TURN servers, and nothing to log in with; or two ways to do it.
    #[error(
        "ice-servers: a TURN server wants turn-username and turn-credential, or turn-secret alone"
    )]
    TurnLogin,
    /// A certificate without its key, or a key without its certificate.
    #[error("tls-cert and tls-key belong together: set {missing} as well")]
    TlsPair {
        /// The key of the configuration that is not given.
        missing: &'static str,
    },
}

/// Says where a refused value stands. clap names the flag of the key wherever that is.
pub(super) fn blame(command: &Command, arguments: &[OsString], error: clap::Error) -> ConfigError {
    let key = refused_key(&error);
    if key == Some("keys") {
        let reason = error.source().map_or_else(String::new, ToString::to_string);
        return ConfigError::ApiKey { reason };
    }
    let variable = key
        .filter(|key| !is_flag_given(arguments, key))
        .and_then(|key| variable_of(command, key));
    match variable {
        Some(variable) => ConfigError::Environment {
            variable,
            reason: reason(&error),
        },
        None => ConfigError::Arguments(error),
    }
}

/// The key whose value is refused.
fn refused_key(error: &clap::Error) -> Option<&str> {
    match error.get(ContextKind::InvalidArg) {
        // Such as `--max-rooms <NUMBER>`.
        Some(ContextValue::String(usage)) => usage.split(' ').next()?.strip_prefix("--"),
        _ => None,
    }
}

/// What is wrong with a value, in one line and without the flag's name.
fn reason(error: &clap::Error) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let end = [
        text.find("\n\nUsage:"),
        text.find("\n\nFor more information"),
    ];
    let end = end.into_iter().flatten().min().unwrap_or(text.len());
    let flag = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(usage)) => format!(" for '{usage}'"),
        _ => String::new(),
    };
    let text = text[..end].replacen(&flag, "", 1);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether the command line gives the key, in which case the environment is not looked at.
fn is_flag_given(arguments: &[OsString], key: &str) -> bool {
    arguments
        .iter()
        .filter_map(|argument| argument.to_str()?.strip_prefix("--"))
        .any(|flag| flag.split('=').next() == Some(key))
}

fn variable_of(command: &Command, key: &str) -> Option<String> {
    let mut arguments = command.find_subcommand("serve")?.get_arguments();
    let argument = arguments.find(|argument| argument.get_long() == Some(key))?;
    Some(argument.get_env()?.to_string_lossy().into_owned())
}
