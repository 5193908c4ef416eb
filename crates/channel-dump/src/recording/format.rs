//! The layout of a recording: its header and its records.

use std::time::{Duration, SystemTime};

use tureen_channel_fbs::MAX_FRAME;

use super::{RecordingError, VERSION};

/// What a recording says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Process id of the worker.
    pub pid: u32,
    /// What the worker is called, at most 255 bytes; may be empty.
    pub name: String,
    /// When the recording began, to the nanosecond.
    pub start: SystemTime,
}

/// Which way a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the controller.
    ToWorker,
    /// To the controller.
    FromWorker,
}

/// Something that happened on the channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Since the start of the recording.
    pub at: Duration,
    /// What happened.
    pub content: Content,
}

/// What a record holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A frame, prefix included.
    Frame(Direction, Vec<u8>),
    /// Something that the recorder has to say.
    Note(String),
    /// The channel was closed.
    End,
}

impl Direction {
    /// `to-worker` or `from-worker`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ToWorker => "to-worker",
            Self::FromWorker => "from-worker",
        }
    }

    /// The direction that [`as_str`](Self::as_str) names.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::ToWorker, Self::FromWorker]
            .into_iter()
            .find(|direction| direction.as_str() == name)
    }
}

impl Header {
    pub(super) fn encode(&self) -> Vec<u8> {
        let name = first_bytes(&self.name, MAX_NAME);
        let since = self.start.duration_since(SystemTime::UNIX_EPOCH);
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(self.pid.to_le_bytes());
        bytes.extend(nanoseconds(since.unwrap_or_default()).to_le_bytes());
        bytes.extend(u16::try_from(name.len()).unwrap_or_default().to_le_bytes());
        bytes.extend(name.as_bytes());
        bytes
    }

    /// The header at the front of `bytes` and how long it is, `None` until all of it is there.
    pub(super) fn decode(bytes: &[u8]) -> Result<Option<(Self, usize)>, RecordingError> {
        let magic = &bytes[..bytes.len().min(MAGIC.len())];
        if !MAGIC.starts_with(magic) {
            return Err(RecordingError::NotARecording);
        }
        let (Some(version), Some(pid)) = (array(bytes, 8), array(bytes, 12)) else {
            return Ok(None);
        };
        match u32::from_le_bytes(version) {
            VERSION => {}
            newer => return Err(RecordingError::Version(newer)),
        }
        let (Some(start), Some(len)) = (array(bytes, 16), array(bytes, 24)) else {
            return Ok(None);
        };
        let end = HEADER_LEN + usize::from(u16::from_le_bytes(len));
        let Some(name) = bytes.get(HEADER_LEN..end) else {
            return Ok(None);
        };
        let header = Self {
            pid: u32::from_le_bytes(pid),
            name: String::from_utf8_lossy(name).into_owned(),
            start: SystemTime::UNIX_EPOCH + Duration::from_nanos(u64::from_le_bytes(start)),
        };
        Ok(Some((header, end)))
    }
}

/// The head of a record whose content is `len` bytes.
pub(super) fn record_head(at: Duration, kind: RecordKind, len: usize) -> [u8; RECORD_HEAD] {
    let mut head = [0; RECORD_HEAD];
    head[..8].copy_from_slice(&nanoseconds(at).to_le_bytes());
    head[8] = kind as u8;
    let len = u32::try_from(len).expect("the content of a record is at most 8 MiB");
    head[12..].copy_from_slice(&len.to_le_bytes());
    head
}

/// The record at the front of `bytes` and how long it is: `Ok(None)` until all of it is there,
/// `Err` when it cannot be one.
pub(super) fn decode_record(bytes: &[u8]) -> Result<Option<(Record, usize)>, Unsound> {
    let Some(head) = bytes.first_chunk::<RECORD_HEAD>() else {
        return Ok(None);
    };
    let at = array(head, 0).map_or(0, u64::from_le_bytes);
    let len = array(head, 12).map_or(0, u32::from_le_bytes);
    let len = usize::try_from(len).map_err(|_| Unsound)?;
    let kind = RecordKind::from_number(head[8]).ok_or(Unsound)?;
    if len > MAX_FRAME || head[9..12] != [0; 3] {
        return Err(Unsound);
    }
    let end = RECORD_HEAD + len;
    let Some(content) = bytes.get(RECORD_HEAD..end) else {
        return Ok(None);
    };
    let content = match kind {
        RecordKind::ToWorker => Content::Frame(Direction::ToWorker, content.to_vec()),
        RecordKind::FromWorker => Content::Frame(Direction::FromWorker, content.to_vec()),
        RecordKind::Note => Content::Note(String::from_utf8_lossy(content).into_owned()),
        RecordKind::End => Content::End,
    };
    let at = Duration::from_nanos(at);
    Ok(Some((Record { at, content }, end)))
}

/// Bytes that are no record.
#[derive(Debug)]
pub(super) struct Unsound;

/// The number in a record's head.
#[derive(Clone, Copy, Debug)]
pub(super) enum RecordKind {
    ToWorker = 0,
    FromWorker = 1,
    Note = 2,
    End = 3,
}

impl RecordKind {
    fn from_number(number: u8) -> Option<Self> {
        [Self::ToWorker, Self::FromWorker, Self::Note, Self::End]
            .into_iter()
            .find(|kind| *kind as u8 == number)
    }
}

impl From<Direction> for RecordKind {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::ToWorker => Self::ToWorker,
            Direction::FromWorker => Self::FromWorker,
        }
    }
}

/// As much of the front of `text` as fits, at a character's boundary.
pub(super) fn first_bytes(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// Nanoseconds in 64 bits reach for 584 years.
fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn array<const N: usize>(bytes: &[u8], position: usize) -> Option<[u8; N]> {
    bytes.get(position..)?.first_chunk().copied()
}

const MAGIC: &[u8; 8] = b"tureenCR";

/// Bytes of a header without its name.
const HEADER_LEN: usize = 26;

/// Bytes of a worker's name that are kept.
const MAX_NAME: usize = 255;

/// Bytes before the content of a record.
pub(super) const RECORD_HEAD: usize = 16;
