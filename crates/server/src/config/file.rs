//! The configuration file, merged under the command line.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{ArgMatches, Command};
use thiserror::Error;
use toml::{Table, Value};

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
    /// The file is not TOML.
    #[error("config: {path}: {source}")]
    Syntax {
        /// Of the file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// A key that does not exist.
    #[error("config: {path}: there is no key {key:?}")]
    UnknownKey {
        /// Of the file.
        path: PathBuf,
        /// As written.
        key: String,
    },
    /// A value of a type that no key has.
    #[error("config: {path}: {key} cannot be a {found}")]
    Type {
        /// Of the file.
        path: PathBuf,
        /// Which key.
        key: String,
        /// TOML's word for what it is.
        found: &'static str,
    },
    /// The command line has a bad value; the text names the flag. `--help` and `--version` end up
    /// here, too.
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
    /// The file has a bad value.
    #[error("config: {path}: {reason}")]
    Value {
        /// Of the file.
        path: PathBuf,
        /// Which key, and what is wrong with its value.
        reason: String,
    },
}

/// Parses a command line, and the file that its subcommand `serve` may name. The keys of the file
/// stand in for flags that neither the command line nor the environment gives.
pub(crate) fn load(command: &Command, arguments: Vec<OsString>) -> Result<ArgMatches, ConfigError> {
    let matches = command
        .clone()
        .try_get_matches_from(&arguments)
        .map_err(|error| blame(command, &arguments, error))?;
    let Some(("serve", serve)) = matches.subcommand() else {
        return Ok(matches);
    };
    let Some(path) = serve.get_one::<PathBuf>("config").cloned() else {
        return Ok(matches);
    };
    let flags = flags(command, serve, &path)?;
    let head = arguments
        .iter()
        .take(1)
        .cloned()
        .chain([OsString::from("serve")]);
    let refused = |error: clap::Error| ConfigError::Value {
        path: path.clone(),
        reason: match refused_key(&error) {
            Some(key) => format!("{key}: {}", reason(&error)),
            None => reason(&error),
        },
    };
    command
        .clone()
        .try_get_matches_from(head.clone().chain(flags.clone()))
        .map_err(refused)?;
    // The position of the subcommand is known: it has been parsed, and no flag stands before it.
    let rest = arguments.iter().skip(2).cloned();
    command
        .clone()
        .try_get_matches_from(head.chain(flags).chain(rest))
        .map_err(|error| blame(command, &arguments, error))
}

/// Adds the place of a refused value. clap only names the flag of its key.
fn blame(command: &Command, arguments: &[OsString], error: clap::Error) -> ConfigError {
    let variable = refused_key(&error)
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

/// The keys of the file as flags, without those that are given elsewhere.
fn flags(command: &Command, given: &ArgMatches, path: &Path) -> Result<Vec<OsString>, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
        path: path.to_owned(),
        source,
    })?;
    let table: Table = text.parse().map_err(|source| ConfigError::Syntax {
        path: path.to_owned(),
        source: Box::new(source),
    })?;
    let serve = command.find_subcommand("serve");
    let mut flags = Vec::new();
    for (key, value) in &table {
        let argument = serve
            .into_iter()
            .flat_map(Command::get_arguments)
            .find(|argument| argument.get_long() == Some(key) && argument.get_id() != "config")
            .ok_or_else(|| ConfigError::UnknownKey {
                path: path.to_owned(),
                key: key.clone(),
            })?;
        let text = flag_value(value).ok_or_else(|| ConfigError::Type {
            path: path.to_owned(),
            key: key.clone(),
            found: value.type_str(),
        })?;
        let elsewhere = matches!(
            given.value_source(argument.get_id().as_str()),
            Some(ValueSource::CommandLine | ValueSource::EnvVariable)
        );
        // An empty list is the absence of the flag.
        if !elsewhere && !matches!(value, Value::Array(list) if list.is_empty()) {
            flags.push(format!("--{key}={text}").into());
        }
    }
    Ok(flags)
}

fn flag_value(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(truth) => Some(truth.to_string()),
        Value::Array(list) => {
            let list: Option<Vec<_>> = list.iter().map(flag_value).collect();
            Some(list?.join(","))
        }
        Value::Float(_) | Value::Datetime(_) | Value::Table(_) => None,
    }
}
