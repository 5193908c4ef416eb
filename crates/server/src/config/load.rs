//! From a command line, the environment and a file to one configuration.

use std::ffi::OsString;

use clap::{Command, FromArgMatches};

use super::error::blame;
use super::{ConfigError, IceServer, ServeConfig, file};
use crate::cli::{self, Cli};

/// Parses a command line, and the file that its subcommand `serve` may name.
pub(crate) fn load(command: &Command, arguments: &[OsString]) -> Result<Cli, ConfigError> {
    let matches = command
        .clone()
        .try_get_matches_from(arguments)
        .map_err(|error| blame(command, arguments, error))?;
    let mut cli = Cli::from_arg_matches(&matches)?;
    if let (cli::Command::Serve(config), Some((_, given))) =
        (&mut cli.command, matches.subcommand())
    {
        if let Some(path) = config.config.clone() {
            file::merge(command, &path, given, config)?;
        }
        check_pair(config)?;
        check_turn(config)?;
    }
    Ok(cli)
}

fn check_pair(config: &ServeConfig) -> Result<(), ConfigError> {
    let missing = match (&config.http.tls_cert, &config.http.tls_key) {
        (Some(_), None) => "tls-key",
        (None, Some(_)) => "tls-cert",
        (Some(_), Some(_)) | (None, None) => return Ok(()),
    };
    Err(ConfigError::TlsPair { missing })
}

/// Credentials belong together, and no TURN server is of use without them.
fn check_turn(config: &ServeConfig) -> Result<(), ConfigError> {
    let http = &config.http;
    let has_turn = http.ice_servers.iter().any(IceServer::is_turn);
    let (username, credential) = (&http.turn_username, &http.turn_credential);
    match (username, credential, &http.turn_secret) {
        (Some(_), Some(_), None) | (None, None, Some(_)) => Ok(()),
        (None, None, None) if !has_turn => Ok(()),
        _ => Err(ConfigError::TurnLogin),
    }
}
