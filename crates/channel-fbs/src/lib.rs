//! The channel between a controller and its media worker: message types and framing.
//!
//! [`fbs`] holds the accessors and builders that the FlatBuffers compiler makes from `schemas/`;
//! `cargo xtask codegen` writes them and the compiled schema beside them. Everything else here
//! cuts a byte stream into frames and turns frames into messages:
//!
//! - [`FrameReader`] takes bytes in any split and yields whole frames, prefix included;
//! - [`read_message`] verifies one frame and yields its [`Message`](fbs::message::Message);
//! - [`FrameBuilder`] writes requests, responses, notifications and log lines as frames.
//!
//! A frame is a `u32` in little-endian byte order, then that many bytes: a FlatBuffer of type
//! `FBS.Message.Message` without a file identifier.
//!
//! ```
//! use tureen_channel_fbs::fbs::request::Method;
//! use tureen_channel_fbs::{FrameBuilder, FrameReader, read_message};
//!
//! # let mut frames = FrameBuilder::new();
//! # let received = frames.request(1, Method::ROUTER_DUMP, "my router", None)?;
//! let mut reader = FrameReader::new();
//! reader.extend(received);
//! while let Some(frame) = reader.next_frame()? {
//!     let message = read_message(frame)?;
//!     if let Some(request) = message.data_as_request() {
//!         match request.method() {
//!             Method::ROUTER_DUMP => assert_eq!(request.handler_id(), "my router"),
//!             unknown => eprintln!("unknown method {}", unknown.0),
//!         }
//!     }
//! }
//! # Ok::<(), tureen_channel_fbs::FrameError>(())
//! ```
//!
//! # Numbers that this version does not know
//!
//! An enum is a newtype over its number (`Method(200)` is a value), and verifying accepts any
//! number, so an unknown method, event or state reads like a known one. A `match` therefore has
//! a last arm; what it does is the reader's choice: an unknown method is answered with an error,
//! an unknown event is logged and ignored.
//!
//! The same holds for a union tag (`body_type()`). The value of an unknown tag is not verified
//! and cannot be read: use the accessors named after a member (`body_as_..`), which yield `None`
//! when the tag is another one. The accessor without a name (`body()`, `data()`) yields an
//! untyped table that only unsafe code can read.

mod framing;
#[rustfmt::skip]
#[path = "generated/channel_generated.rs"]
#[expect(
    clippy::all,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::undocumented_unsafe_blocks,
    clippy::use_self,
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    missing_docs,
    unsafe_code,
    unused_extern_crates,
    reason = "written by the FlatBuffers compiler; what it says comes from the schemas"
)]
mod generated;

pub use flatbuffers;
#[doc(hidden)]
pub use framing::fuzz_frames;
pub use framing::{
    ErrorClass, FrameBuilder, FrameError, FrameReader, MAX_FRAME, MAX_PAYLOAD, PREFIX_LEN, Payload,
    read_message,
};
pub use generated::fbs;

/// The compiled schema of the channel: a FlatBuffer of the compiler's own schema for schemas
/// (`reflection.fbs`). Names, slots and tags of every table can be looked up in it at run time.
pub static COMPILED_SCHEMA: &[u8] = include_bytes!("generated/channel.bfbs");
