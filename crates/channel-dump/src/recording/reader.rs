//! Reading a recording.

use std::io::Read;
use std::time::Duration;

use super::format::decode_record;
use super::{Header, Record, RecordingError};

/// Reads a recording that may still grow.
///
/// [`next_record`](Self::next_record) yields `None` when the stream holds no further whole record.
/// Once more is written, it goes on where it stopped.
#[derive(Debug)]
pub struct RecordingReader<R: Read> {
    stream: R,
    header: Header,
    /// Bytes that were read and not yet decoded, from `start` on.
    buffer: Vec<u8>,
    start: usize,
    /// Where `start` is in the file.
    offset: u64,
    /// When the last record was.
    last: Duration,
}

impl<R: Read> RecordingReader<R> {
    /// Reads the header.
    ///
    /// # Errors
    ///
    /// [`RecordingError::NotARecording`], also for one that ends before its header does;
    /// [`RecordingError::Version`]; [`RecordingError::Read`].
    pub fn new(mut stream: R) -> Result<Self, RecordingError> {
        let mut buffer = Vec::new();
        loop {
            if let Some((header, len)) = Header::decode(&buffer)? {
                return Ok(Self {
                    stream,
                    header,
                    buffer,
                    start: len,
                    offset: u64::try_from(len).unwrap_or(u64::MAX),
                    last: Duration::ZERO,
                });
            }
            if fill(&mut stream, &mut buffer)? == 0 {
                return Err(RecordingError::NotARecording);
            }
        }
    }

    /// What the recording says of itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The next record, or `None` when there is no whole one at present.
    ///
    /// # Errors
    ///
    /// [`RecordingError::Corrupt`], which every later call repeats, and
    /// [`RecordingError::Read`].
    pub fn next_record(&mut self) -> Result<Option<Record>, RecordingError> {
        loop {
            let decoded = decode_record(&self.buffer[self.start..]);
            let decoded = decoded.map_err(|_| RecordingError::Corrupt {
                offset: self.offset,
            })?;
            if let Some((record, len)) = decoded {
                self.start += len;
                self.offset += u64::try_from(len).unwrap_or_default();
                self.last = record.at;
                return Ok(Some(record));
            }
            self.buffer.drain(..self.start);
            self.start = 0;
            if fill(&mut self.stream, &mut self.buffer)? == 0 {
                return Ok(None);
            }
        }
    }

    /// When the last record was, since the start.
    pub fn last_time(&self) -> Duration {
        self.last
    }

    /// How many bytes of an incomplete record there are. If the recording does not grow any more,
    /// it was cut off there.
    pub fn pending(&self) -> usize {
        self.buffer.len() - self.start
    }
}

/// Reads on, and yields how many bytes there were.
fn fill(stream: &mut impl Read, buffer: &mut Vec<u8>) -> Result<u64, RecordingError> {
    let mut stream = stream.take(STEP);
    let read = stream.read_to_end(buffer).map_err(RecordingError::Read)?;
    Ok(u64::try_from(read).unwrap_or(u64::MAX))
}

/// Bytes that are read at once.
const STEP: u64 = 256 * 1024;
