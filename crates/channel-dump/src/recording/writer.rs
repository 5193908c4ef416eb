//! Writing a recording.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tureen_channel_fbs::MAX_FRAME;

use super::format::{RecordKind, first_bytes, record_head};
use super::{Direction, Header, RecordingError};
use crate::time::Utc;

/// Writes a recording, record after record, at the end of a file.
///
/// Records wait in a buffer of 64 KiB until [`flush`](Self::flush).
#[derive(Debug)]
pub struct RecordingWriter<W: Write> {
    stream: BufWriter<W>,
}

impl RecordingWriter<File> {
    /// Creates a file in `directory` for the owner alone (0600), and the directory (0700) if it
    /// is not there. Yields the path of the file, which holds the time and the process id:
    /// `20260102T030405Z-1234.channel`.
    ///
    /// A file or symbolic link that is there already is never opened.
    ///
    /// # Errors
    ///
    /// [`RecordingError::Create`], and [`RecordingError::Write`] when not even the header can
    /// be written.
    pub fn create(directory: &Path, header: &Header) -> Result<(Self, PathBuf), RecordingError> {
        let made = DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory);
        made.map_err(|source| RecordingError::Create {
            path: directory.to_owned(),
            source,
        })?;
        let stem = format!("{}-{}", Utc::from(header.start).compact(), header.pid);
        for attempt in 1..=MAX_ATTEMPTS {
            let name = match attempt {
                1 => format!("{stem}.channel"),
                _ => format!("{stem}.{attempt}.channel"),
            };
            let path = directory.join(name);
            // Together with O_CREAT, O_EXCL also refuses a symbolic link.
            let opened = OpenOptions::new()
                .append(true)
                .create_new(true)
                .mode(0o600)
                .open(&path);
            match opened {
                Ok(file) => return Ok((Self::new(file, header)?, path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(RecordingError::Create { path, source }),
            }
        }
        Err(RecordingError::Create {
            path: directory.join(stem),
            source: io::ErrorKind::AlreadyExists.into(),
        })
    }
}

impl<W: Write> RecordingWriter<W> {
    /// Begins a recording with its header.
    ///
    /// # Errors
    ///
    /// [`RecordingError::Write`].
    pub fn new(stream: W, header: &Header) -> Result<Self, RecordingError> {
        let mut writer = Self {
            stream: BufWriter::with_capacity(BUFFER, stream),
        };
        let header = header.encode();
        writer
            .stream
            .write_all(&header)
            .map_err(RecordingError::Write)?;
        writer.flush()?;
        Ok(writer)
    }

    /// Writes a frame, prefix included, that passed `at` after the start. A frame of more than
    /// 8 MiB, which no channel carries, becomes a note.
    ///
    /// # Errors
    ///
    /// [`RecordingError::Write`], after which the recording is over.
    pub fn frame(
        &mut self,
        at: Duration,
        direction: Direction,
        frame: &[u8],
    ) -> Result<(), RecordingError> {
        if frame.len() > MAX_FRAME {
            return self.note(at, &format!("a frame of {} bytes", frame.len()));
        }
        self.record(at, direction.into(), frame)
    }

    /// Writes something that is worth knowing when the recording is read; at most 4 KiB of it.
    ///
    /// # Errors
    ///
    /// [`RecordingError::Write`].
    pub fn note(&mut self, at: Duration, text: &str) -> Result<(), RecordingError> {
        let text = first_bytes(text, MAX_NOTE);
        self.record(at, RecordKind::Note, text.as_bytes())
    }

    /// Writes that the channel was closed, and everything that waits in the buffer.
    ///
    /// # Errors
    ///
    /// [`RecordingError::Write`].
    pub fn end(mut self, at: Duration) -> Result<(), RecordingError> {
        self.record(at, RecordKind::End, &[])?;
        self.flush()
    }

    /// Writes what waits in the buffer.
    ///
    /// # Errors
    ///
    /// [`RecordingError::Write`].
    pub fn flush(&mut self) -> Result<(), RecordingError> {
        self.stream.flush().map_err(RecordingError::Write)
    }

    fn record(
        &mut self,
        at: Duration,
        kind: RecordKind,
        content: &[u8],
    ) -> Result<(), RecordingError> {
        let head = record_head(at, kind, content.len());
        let written = self.stream.write_all(&head);
        written
            .and_then(|()| self.stream.write_all(content))
            .map_err(RecordingError::Write)
    }
}

/// Bytes that wait to be written together.
const BUFFER: usize = 64 * 1024;

/// Bytes of a note that are kept.
const MAX_NOTE: usize = 4096;

/// How many recordings may begin in the same second for the same process id.
const MAX_ATTEMPTS: u32 = 100;
