//! The developer commands: `cargo xtask <command>`.

use std::env;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let outcome = match args.split_first() {
        Some((command, rest)) if command == "codegen" => codegen(rest),
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the program that carries the FlatBuffers compiler. Only here is that compiler built.
fn codegen(args: &[String]) -> Result<(), String> {
    require("cmake", "--version")?;
    require("c++", "--version")?;
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["run", "--package", "xtask", "--features", "codegen"]);
    cargo.args(["--bin", "codegen", "--"]).args(args);
    succeed(&mut cargo)
}

/// Says what to install when a tool is missing.
fn require(tool: &str, version_flag: &str) -> Result<(), String> {
    match Command::new(tool).arg(version_flag).output() {
        Ok(_) => Ok(()),
        Err(error) => Err(format!(
            "cannot run {tool}: {error}\nOn Debian: apt-get install cmake g++"
        )),
    }
}

/// Runs a command to its end.
fn succeed(command: &mut Command) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?}: {status}")),
        Err(error) => Err(format!("{command:?}: {error}")),
    }
}

const USAGE: &str = "\
usage: cargo xtask <command>

  codegen           write crates/channel-fbs/src/generated from schemas/
  codegen --check   fail, naming the file, when that would change anything";
