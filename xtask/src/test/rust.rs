//! The steps that need Rust and a C compiler alone, and those that need a C++ compiler too: the
//! comparison of the generated code, and the check of the fuzz targets.
//!
//! All use the dev profile and all packages at once: cargo then picks the same features for every
//! step and compiles a dependency once for checking and once for running.

use super::counts::Counts;
use crate::install::{self, CXX};
use crate::{codegen, process};

pub(super) fn format(_: &mut Counts) -> Result<(), String> {
    process::succeed(process::cargo().args(["fmt", "--all", "--check"]))
}

pub(super) fn clippy(_: &mut Counts) -> Result<(), String> {
    let mut clippy = process::cargo();
    clippy.args(["clippy", "--workspace", "--all-targets"]);
    process::succeed(clippy.args(["--", "-D", "warnings"]))
}

pub(super) fn doc(_: &mut Counts) -> Result<(), String> {
    let mut doc = process::cargo();
    doc.args(["doc", "--workspace", "--no-deps"]);
    process::succeed(doc.env("RUSTDOCFLAGS", "-D warnings"))
}

pub(super) fn test(counts: &mut Counts) -> Result<(), String> {
    let mut test = process::cargo();
    test.args(["test", "--workspace", "--no-fail-fast"]);
    process::succeed_reading(&mut test, |line| counts.read_cargo(line))?;
    match counts.is_empty() {
        true => Err("no test ran".to_owned()),
        false => Ok(()),
    }
}

/// The targets are a workspace of their own, for only a nightly compiler runs them. What they need
/// of this one is checked already when they share its directory.
pub(super) fn fuzz(_: &mut Counts) -> Result<(), String> {
    install::ensure(&[CXX])?;
    let mut check = process::cargo();
    check.current_dir(process::root().join("fuzz"));
    check.args(["check", "--target-dir"]);
    process::succeed(check.arg(process::target_directory()))
}

pub(super) fn codegen(_: &mut Counts) -> Result<(), String> {
    codegen::run(&["--check".to_owned()])
}
