//! The edge to the controller: frames of the channel become the plain messages of
//! [`messages`](crate::messages), and those become frames. Nothing else in the worker knows
//! FlatBuffers.

mod decode;
mod encode;

pub use decode::decode;
pub(crate) use encode::Encoder;
