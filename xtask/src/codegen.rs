//! Starts the program that carries the FlatBuffers compiler. Only here is that compiler built.

use crate::install::{self, CMAKE, CXX};
use crate::process;

/// Runs `cargo xtask codegen` with its arguments.
pub(crate) fn run(args: &[String]) -> Result<(), String> {
    install::ensure(&[CMAKE, CXX])?;
    let mut cargo = process::cargo();
    cargo.args(["run", "--package", "xtask", "--features", "codegen"]);
    cargo.args(["--bin", "codegen", "--"]).args(args);
    let settings = process::root().join("xtask/src/flatc.cmake");
    process::succeed(cargo.env("CMAKE_TOOLCHAIN_FILE", settings))
}
