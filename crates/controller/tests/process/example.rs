//! The example program, run as its user would run it.

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use tokio::process::Command;

#[path = "../../examples/two_peers/main.rs"]
mod two_peers;

/// Runs the example as its user would. It finds the real worker, which is in this binary.
pub(crate) async fn two_peers_and_one_track() {
    let exe = env::current_exe().unwrap();
    let mut example = Command::new(&exe);
    example.arg(EXAMPLE).env("TUREEN_WORKER_BIN", &exe);
    let output = example.kill_on_drop(true).output().await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{errors}");
    assert!(said.starts_with("Bob received 50 packets"), "{said}");
    assert!(said.trim_end().ends_with("was closed"), "{said}");
}

/// What this process should be instead of running the tests, if anything.
pub(crate) fn main(arguments: &[String]) -> Option<ExitCode> {
    if arguments == [EXAMPLE] {
        return Some(match two_peers::main() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        });
    }
    // Set by those who spawn workers.
    env::var_os("TUREEN_WORKER")?;
    let program = OsString::from("tureen-worker");
    let arguments = arguments.iter().map(OsString::from);
    let code = tureen_worker::run([program].into_iter().chain(arguments));
    Some(ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)))
}

const EXAMPLE: &str = "--two-peers";
