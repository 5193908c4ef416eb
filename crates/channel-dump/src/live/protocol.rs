//! What a client and a running process say to each other.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::recording::Direction;

/// What a client wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// The tree of what lives in the process.
    State,
    /// Every frame from now on.
    Follow,
}

/// What the process says.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// The answer to [`Ask::State`].
    State(Value),
    /// A frame that passed.
    Frame(LiveFrame),
    /// So many frames were left out, because the client reads too slowly.
    Lost(u64),
    /// Why there is no answer.
    Error(String),
}

/// A frame that passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveFrame {
    /// Process id of the worker.
    pub pid: u32,
    /// Nanoseconds since the client attached.
    pub time_ns: u64,
    /// Which way it went.
    pub direction: Direction,
    /// The frame, prefix included.
    pub frame: Vec<u8>,
}

impl Ask {
    /// The line without its line feed: `{"ask":"state"}`.
    pub fn encode(self) -> String {
        let name = match self {
            Self::State => "state",
            Self::Follow => "follow",
        };
        json!({ "ask": name }).to_string()
    }

    /// What a line asks for, `None` for something that this version does not know.
    pub fn decode(line: &[u8]) -> Option<Self> {
        let line: Value = serde_json::from_slice(line).ok()?;
        match line.get("ask")?.as_str()? {
            "state" => Some(Self::State),
            "follow" => Some(Self::Follow),
            _ => None,
        }
    }
}

impl Line {
    /// The line without its line feed.
    pub fn encode(&self) -> String {
        let line = match self {
            Self::State(state) => json!({ "state": state }),
            Self::Frame(frame) => json!({ "frame": {
                "pid": frame.pid,
                "time_ns": frame.time_ns,
                "direction": frame.direction.as_str(),
                "base64": BASE64_STANDARD.encode(&frame.frame),
            } }),
            Self::Lost(frames) => json!({ "lost": frames }),
            Self::Error(why) => json!({ "error": why }),
        };
        line.to_string()
    }

    /// What a line says, `None` for something that this version does not know.
    pub fn decode(line: &[u8]) -> Option<Self> {
        let mut line: Value = serde_json::from_slice(line).ok()?;
        if let Some(state) = line.get_mut("state") {
            return Some(Self::State(state.take()));
        }
        if let Some(frame) = line.get("frame") {
            return Some(Self::Frame(LiveFrame {
                pid: u32::try_from(frame.get("pid")?.as_u64()?).ok()?,
                time_ns: frame.get("time_ns")?.as_u64()?,
                direction: Direction::from_name(frame.get("direction")?.as_str()?)?,
                frame: BASE64_STANDARD
                    .decode(frame.get("base64")?.as_str()?)
                    .ok()?,
            }));
        }
        if let Some(frames) = line.get("lost") {
            return Some(Self::Lost(frames.as_u64()?));
        }
        Some(Self::Error(line.get("error")?.as_str()?.to_owned()))
    }
}

/// Bytes that the line of a client may have.
pub const MAX_ASK: usize = 4096;

/// How many bytes a line of the process may have: enough for the largest frame in base64, or for a
/// large tree.
pub const MAX_LINE: usize = 64 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_understood() {
        for ask in [Ask::State, Ask::Follow] {
            assert_eq!(Ask::decode(ask.encode().as_bytes()), Some(ask));
        }
        let frame = LiveFrame {
            pid: 7,
            time_ns: u64::MAX,
            direction: Direction::FromWorker,
            frame: vec![0, 255, 1],
        };
        let lines = [
            Line::State(json!({"workers": []})),
            Line::Frame(frame),
            Line::Lost(3),
            Line::Error("no".to_owned()),
        ];
        for line in lines {
            assert_eq!(Line::decode(line.encode().as_bytes()), Some(line));
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for line in [
            "",
            "{}",
            "[]",
            "{\"ask\":\"all\"}",
            "{\"frame\":{}}",
            "{\"lost\":-1}",
        ] {
            assert_eq!(Ask::decode(line.as_bytes()), None, "{line}");
            assert_eq!(Line::decode(line.as_bytes()), None, "{line}");
        }
    }
}
