//! Why bytes are no frame, or a message does not fit into one.

use flatbuffers::InvalidFlatbuffer;

use super::MAX_PAYLOAD;

/// Why bytes are not a message, or a message not a frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A frame is larger than [`MAX_PAYLOAD`]. When reading, the stream cannot be used any
    /// further: the next frame begins after bytes that nobody wants to hold.
    #[error("frame of {len} payload bytes, the limit is {MAX_PAYLOAD}")]
    Oversized {
        /// Payload bytes, as the prefix announces or as they were built.
        len: usize,
    },
    /// A frame has a prefix of zero and no payload. The next frame is sound.
    #[error("frame without a payload")]
    Empty,
    /// A slice is not one frame: its prefix disagrees with its length.
    #[error("frame prefix announces {announced} payload bytes, there are {actual}")]
    WrongLength {
        /// Payload bytes that the prefix announces; 0 when there is no room for a prefix.
        announced: usize,
        /// Payload bytes that there are.
        actual: usize,
    },
    /// The payload is not a sound FlatBuffer of the schema. The next frame is sound.
    #[error("malformed frame: {}", one_line(.0))]
    Malformed(#[from] InvalidFlatbuffer),
}

impl FrameError {
    /// Whether the stream cannot be read any further.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::Oversized { .. })
    }
}

/// The reason and its trace, which are several lines, as one.
fn one_line(error: &InvalidFlatbuffer) -> String {
    let text = error.to_string();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
