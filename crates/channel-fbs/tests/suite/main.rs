//! Tests of the channel crate through its public surface.

/// The schema and the generated code against the contract, fact by fact.
mod contract;
/// Frames that the npm package wrote.
mod golden;
/// Frames with bytes changed, cut and repeated.
mod mutated;
/// Cutting a stream into frames.
mod stream;
/// Frames of ours, which the npm package reads.
mod written;

use std::path::{Path, PathBuf};

/// A path below `tests/data`.
fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

/// The golden frame of this name.
fn golden_frame(name: &str) -> Vec<u8> {
    let path = data("frames").join(format!("{name}.bin"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
