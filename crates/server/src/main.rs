//! The `tureen` command.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::CommandFactory;
use tureen_server::{Cli, Command, ConfigError, ServeConfig};

fn main() -> ExitCode {
    let cli = match Cli::load(std::env::args_os()) {
        Ok(cli) => cli,
        Err(ConfigError::Arguments(error)) => error.exit(),
        Err(error) => {
            eprintln!("tureen: {error}");
            return ExitCode::from(EXIT_USAGE);
        }
    };
    match cli.command {
        Command::Serve(config) => exit_code(tureen_server::serve(*config, Box::new(again))),
        Command::Join(config) => exit_code(tureen_server::join(config)),
        Command::Dump(args) => exit_code(tureen_server::dump(&args)),
        Command::Token(args) => exit_code(tureen_server::token(&args)),
        Command::Config => {
            print!("{}", tureen_server::default_file(&Cli::command()));
            ExitCode::SUCCESS
        }
        Command::Worker { arguments } => worker(arguments),
    }
}

/// The configuration as the same command line gives it now.
fn again() -> Result<ServeConfig, ConfigError> {
    match Cli::load(std::env::args_os())?.command {
        Command::Serve(config) => Ok(*config),
        other => unreachable!("the same command line was serve, and is {other:?}"),
    }
}

/// What the process exits with; an error is said first.
fn exit_code(result: Result<(), impl std::fmt::Display>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tureen: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs in a separate process, which `serve` has started for this.
fn worker(arguments: Vec<OsString>) -> ExitCode {
    let program = OsString::from("tureen-worker");
    let code = tureen_worker::run([program].into_iter().chain(arguments));
    ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
}

/// What clap exits with as well.
const EXIT_USAGE: u8 = 2;
