//! What is fuzzed: every field of every message in any bytes.

use std::fmt::{self, Write};

use super::{FrameError, FrameReader, read_message};

/// Reads `data` as a stream of frames, in two different splits, and every field of every message
/// in it. The fuzz target and a test over mutated frames call it.
///
/// # Panics
///
/// If the two splits disagree, which is what the caller looks for.
pub fn fuzz_frames(data: &[u8]) {
    let (&step, stream) = data.split_first().unwrap_or((&0, &[]));
    let mut at_once = FrameReader::new();
    at_once.extend(stream);
    let expected = read_all(&mut at_once);

    let mut in_steps = FrameReader::new();
    let mut outcomes = Vec::new();
    for chunk in stream.chunks(usize::from(step).max(1)) {
        in_steps.extend(chunk);
        outcomes.extend(read_all(&mut in_steps));
        if outcomes.last().is_some_and(Outcome::is_end) {
            break;
        }
    }
    assert_eq!(outcomes, expected, "frames depend on how bytes are split");
}

/// What became of one frame.
#[derive(Debug, PartialEq)]
enum Outcome {
    /// Bytes of text that all fields together format to.
    Read(usize),
    Failed(FrameError),
}

impl Outcome {
    fn is_end(&self) -> bool {
        matches!(self, Self::Failed(error) if error.is_fatal())
    }
}

fn read_all(reader: &mut FrameReader) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    loop {
        let outcome = match reader.next_frame() {
            Ok(None) => return outcomes,
            Ok(Some(frame)) => read_message(frame).map(|message| {
                let mut text = TextLen(0);
                // Formatting goes through every accessor of every table.
                write!(text, "{message:?}").expect("a counter takes any text");
                text.0
            }),
            Err(error) => Err(error),
        };
        outcomes.push(outcome.map_or_else(Outcome::Failed, Outcome::Read));
        if outcomes.last().is_some_and(Outcome::is_end) {
            return outcomes;
        }
    }
}

/// Counts the bytes of formatted text.
struct TextLen(usize);

impl Write for TextLen {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 += text.len();
        Ok(())
    }
}
