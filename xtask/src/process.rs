//! Running other programs, and where things lie.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, str};

/// The cargo that started this program, at the root of the workspace.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    cargo
}

/// Runs a command to its end.
pub(crate) fn succeed(command: &mut Command) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{}: {status}", shown(command))),
        Err(error) => Err(format!("{}: {error}", shown(command))),
    }
}

/// Runs a command to its end; its standard output passes through and is read line by line.
pub(crate) fn succeed_reading(
    command: &mut Command,
    mut on_line: impl FnMut(&str),
) -> Result<(), String> {
    let failed = |command: &Command, error: io::Error| format!("{}: {error}", shown(command));
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| failed(command, error))?;
    if let Some(stdout) = child.stdout.take() {
        copy_lines(stdout, &mut on_line).map_err(|error| failed(command, error))?;
    }
    match child.wait() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{}: {status}", shown(command))),
        Err(error) => Err(failed(command, error)),
    }
}

/// What a command prints on its standard output, or nothing when it cannot be run.
pub(crate) fn output(program: &Path, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).output().ok()?;
    let text = str::from_utf8(&output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// Where a program lies, looked up as a shell does.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_else(|| OsString::from("/usr/bin:/bin"));
    env::split_paths(&path)
        .map(|directory| directory.join(program))
        .find(|candidate| candidate.is_file())
}

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_path_buf()
}

/// Where cargo works for this workspace.
pub(crate) fn target_directory() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(target) => root().join(target),
        None => root().join("target"),
    }
}

/// Where cargo leaves the binaries of the dev profile. This program is one of cargo's outputs
/// itself, which saves asking for the target directory.
pub(crate) fn debug_directory() -> Result<PathBuf, String> {
    let own = env::current_exe().map_err(|error| format!("own path: {error}"))?;
    let profiles = own.parent().and_then(Path::parent);
    Ok(profiles
        .ok_or_else(|| format!("{}: not in a target directory", own.display()))?
        .join("debug"))
}

fn copy_lines(from: impl io::Read, on_line: &mut impl FnMut(&str)) -> io::Result<()> {
    let mut reader = BufReader::new(from);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        let mut stdout = io::stdout().lock();
        stdout.write_all(&line)?;
        stdout.flush()?;
        on_line(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
    Ok(())
}

/// The command as one would type it.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_stem();
    let words = program.into_iter().chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}
