//! Tests of the crate through its public surface.

/// Files as they are printed.
mod dump;
/// What a recorded session looks like as text and as JSON.
mod golden;
/// Bytes that can only be an error.
mod hostile;
/// Files: how they are written, read, cut off and followed, and who can open them.
mod recording;
/// A call on the channel, frame by frame.
mod session;

use std::path::{Path, PathBuf};

/// A path below `tests/data`.
fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

/// An empty directory of this name, for the test alone.
fn directory(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).expect("a directory for the test");
    path
}

/// The golden frames of the channel crate: some from the npm package, some from us.
fn golden_frames() -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../channel-fbs/tests/data");
    let mut paths = Vec::new();
    for directory in ["frames", "frames/written"] {
        let entries = std::fs::read_dir(root.join(directory)).expect("the golden frames");
        paths.extend(entries.map(|entry| entry.expect("an entry").path()));
    }
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "bin"));
    paths.sort();
    let frames = paths.into_iter().map(|path| {
        let name = path.file_stem().expect("a name").to_string_lossy();
        (name.into_owned(), std::fs::read(&path).expect("a frame"))
    });
    let frames: Vec<_> = frames.collect();
    assert!(frames.len() >= 20);
    frames
}
