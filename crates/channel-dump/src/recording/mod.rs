//! Recordings: every frame of one worker's channel, with time and direction, in one file.
//!
//! All numbers are little-endian. A recording begins with
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `tureenCR` |
//! | 4 | version of the format, 1 |
//! | 4 | process id of the worker |
//! | 8 | start: nanoseconds since 1970-01-01 UTC |
//! | 2 | bytes of the worker's name |
//! | that many | the name, UTF-8 |
//!
//! and goes on with records:
//!
//! | bytes | what |
//! |---|---|
//! | 8 | nanoseconds since the start, by a clock that only goes forward |
//! | 1 | 0 frame to the worker, 1 frame from the worker, 2 note, 3 end |
//! | 3 | zero |
//! | 4 | bytes that follow: at most 8 MiB |
//! | that many | the frame with its prefix, or the note as UTF-8, or nothing |
//!
//! An end record says that the channel was closed. A recording without one was cut off, or it still
//! grows.

mod follow;
mod format;
mod reader;
mod recorder;
mod writer;

pub use follow::Growth;
pub use format::{Content, Direction, Header, Record};
pub use reader::RecordingReader;
pub use recorder::Recorder;
pub use writer::RecordingWriter;

use std::io;
use std::path::PathBuf;

/// Why a recording cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The file cannot be created.
    #[error("no recording in {}: {source}", path.display())]
    Create {
        /// The directory, or the file in it.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Writing to the file failed. What was written before can be read.
    #[error("the recording ends here: {0}")]
    Write(io::Error),
    /// The file cannot be read.
    #[error("{0}")]
    Read(io::Error),
    /// It does not begin like a recording.
    #[error("not a recording of a channel")]
    NotARecording,
    /// Its format is newer than this version.
    #[error("recording of format version {0}, this is version {VERSION}")]
    Version(u32),
    /// Some bytes are not a record. Nothing after them can be read.
    #[error("no sound record at byte {offset}")]
    Corrupt {
        /// Where it is in the file.
        offset: u64,
    },
}

/// Version of the format.
const VERSION: u32 = 1;
