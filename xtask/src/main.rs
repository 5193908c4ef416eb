//! The developer commands: `cargo xtask <command>`.

mod bench;
mod codegen;
mod install;
mod process;
mod soak;
mod test;

use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let outcome = match args.split_first() {
        Some((command, rest)) if command == "bench" => bench::run(rest),
        Some((command, rest)) if command == "codegen" => codegen::run(rest),
        Some((command, rest)) if command == "soak" => soak::run(rest),
        Some((command, rest)) if command == "test" => test::run(rest),
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

const USAGE: &str = "\
usage: cargo xtask <command>

  bench [SCENE]…       what forwarding costs: time, allocations, instructions (valgrind)
  codegen              write crates/channel-fbs/src/generated from schemas/
  codegen --check      fail, naming the file, when that would change anything
  soak                 the tests against floods and strangers, for long
  test                 every check of the project, in order; installs what it needs
  test --only NAME     these steps alone, e.g. --only clippy --only interop/ortc
  test --no-install    the same, and says what is missing instead of installing it
  test --list          the names of the steps and of the interop suites";
