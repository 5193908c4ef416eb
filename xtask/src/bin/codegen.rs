//! Runs the FlatBuffers compiler over `schemas/`: see `cargo xtask codegen`.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs, process};

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let outcome = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => write(),
        ["--check"] => check(),
        _ => Err("usage: cargo xtask codegen [--check]".to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

fn write() -> Result<(), String> {
    let target = root().join(GENERATED);
    fs::create_dir_all(&target).map_err(|error| format!("{}: {error}", target.display()))?;
    compile(&target)
}

/// Compiles into a directory of its own and compares it with what is committed.
fn check() -> Result<(), String> {
    let fresh = env::temp_dir().join(format!("tureen-codegen-{}", process::id()));
    fs::create_dir_all(&fresh).map_err(|error| format!("{}: {error}", fresh.display()))?;
    let outcome = compile(&fresh).and_then(|()| compare(&fresh, &root().join(GENERATED)));
    // What is left behind in the temporary directory is no reason to fail.
    let _ = fs::remove_dir_all(&fresh);
    outcome
}

fn compile(target: &Path) -> Result<(), String> {
    flatc(target, &["--rust", "--gen-all"])?;
    flatc(target, &["--binary", "--schema"])?;
    let path = target.join(RUST);
    let text = amend(&read_text(&path)?)?;
    fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
}

fn flatc(target: &Path, options: &[&str]) -> Result<(), String> {
    let mut flatc = Command::new(flatc_fork::flatc());
    flatc.args(options).arg("-o").arg(target);
    flatc.arg(root().join("schemas/channel.fbs"));
    match flatc.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{flatc:?}: {status}")),
        Err(error) => Err(format!("{flatc:?}: {error}")),
    }
}

/// Makes the verifiers of unions check that the offset of an unknown member lies in the buffer.
///
/// The compiler's text accepts an unknown tag without looking at the value, but the accessor of
/// the value is safe to call and reads that offset.
fn amend(text: &str) -> Result<String, String> {
    let unions = text.matches("verify_union_variant").count();
    let places = text.matches(UNCHECKED).count();
    if places == 0 || places > unions {
        return Err(format!(
            "{RUST}: {places} union verifiers with an unchecked arm: the compiler's text changed"
        ));
    }
    Ok(text.replace(UNCHECKED, CHECKED))
}

fn compare(fresh: &Path, committed: &Path) -> Result<(), String> {
    for name in [RUST, SCHEMA] {
        let path = committed.join(name);
        let committed = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let fresh = fs::read(fresh.join(name)).map_err(|error| format!("{name}: {error}"))?;
        if fresh != committed {
            return Err(format!(
                "{} differs from what schemas/ yields: run `cargo xtask codegen`",
                path.display()
            ));
        }
    }
    Ok(())
}

fn read_text(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// The root of the workspace.
fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_path_buf()
}

const GENERATED: &str = "crates/channel-fbs/src/generated";
const RUST: &str = "channel_generated.rs";
const SCHEMA: &str = "channel.bfbs";

const UNCHECKED: &str = "          _ => Ok(()),\n";
const CHECKED: &str = "          _ => v.in_buffer::<::flatbuffers::UOffsetT>(pos),\n";
