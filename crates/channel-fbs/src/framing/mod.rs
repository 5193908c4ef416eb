//! Frames: limits, cutting a stream into them, reading and writing them.

mod builder;
mod error;
mod fuzz;
mod message;
mod reader;

pub use builder::{ErrorClass, FrameBuilder, Payload};
pub use error::FrameError;
pub use fuzz::fuzz_frames;
pub use message::read_message;
pub use reader::FrameReader;

/// Bytes of the length prefix: a `u32`, little-endian, that does not count itself.
pub const PREFIX_LEN: usize = 4;

/// Largest frame in bytes, prefix included: 8 MiB. It is the size of the receive buffer of
/// mediasoup's own worker, and what the npm package refuses to exceed.
///
/// The npm package also throws away everything it has received once 8 388 604 bytes wait for
/// the rest of a frame, so a worker does well to stay far below.
pub const MAX_FRAME: usize = 8 * 1024 * 1024;

/// Largest payload in bytes, without the prefix: 8 388 604.
pub const MAX_PAYLOAD: usize = MAX_FRAME - PREFIX_LEN;
