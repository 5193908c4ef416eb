//! Verifying a frame before it is read.

use flatbuffers::{VerifierOptions, size_prefixed_root_with_opts};

use super::{FrameError, MAX_FRAME, PREFIX_LEN};
use crate::fbs::message::Message;

/// Verifies one frame, prefix included, and yields its message.
///
/// The prefix belongs to the slice because builders align 8-byte numbers relative to the start
/// of the prefix: without it, every `u64` and `f64` would seem to be out of alignment. The
/// address of the slice does not matter.
///
/// # Errors
///
/// [`FrameError::WrongLength`] when the slice is not exactly one frame, [`FrameError::Empty`]
/// for one without a payload, [`FrameError::Oversized`] beyond the limit, and
/// [`FrameError::Malformed`] when verification fails: an offset outside of the frame, a required
/// field missing, text that is not UTF-8, or nesting and sharing beyond what any message needs.
pub fn read_message(frame: &[u8]) -> Result<Message<'_>, FrameError> {
    let actual = frame.len().saturating_sub(PREFIX_LEN);
    let announced = payload_len(frame).unwrap_or(0);
    if announced != actual || frame.len() < PREFIX_LEN {
        return Err(FrameError::WrongLength { announced, actual });
    }
    match actual {
        0 => Err(FrameError::Empty),
        _ if frame.len() > MAX_FRAME => Err(FrameError::Oversized { len: actual }),
        _ => Ok(size_prefixed_root_with_opts::<Message<'_>>(
            &VERIFIER, frame,
        )?),
    }
}

/// The payload length that a prefix announces, `None` before all of the prefix is there.
pub(super) fn payload_len(received: &[u8]) -> Option<usize> {
    let prefix = received.first_chunk::<PREFIX_LEN>()?;
    // A length beyond the address space is beyond every limit too.
    Some(usize::try_from(u32::from_le_bytes(*prefix)).unwrap_or(usize::MAX))
}

/// Bounds on what verifying, and then reading, one frame can cost. Offsets may share their
/// target, so a small frame can unfold into a large message.
const VERIFIER: VerifierOptions = VerifierOptions {
    // The deepest message, stream statistics, has 7 levels.
    max_depth: 16,
    // A frame of the largest size holds fewer tables than this unless it shares them.
    max_tables: 1 << 19,
    max_apparent_size: 4 * MAX_FRAME,
    ignore_missing_null_terminator: false,
};
