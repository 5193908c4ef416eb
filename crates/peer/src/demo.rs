//! Sends a test picture and a tone as RTP. The media is prepared, so no encoder runs.
//!
//! [`DemoSource`] has no clock and no socket: it says when it wants to be called next and what to
//! send. [`DemoPublisher`] runs one on tokio over a [`PeerSender`](crate::PeerSender).

mod ivf;
mod media;
mod ogg;
mod publisher;
mod source;
mod stream;

pub use media::{DemoMedia, MediaError};
pub use publisher::DemoPublisher;
pub use source::{DemoConfig, DemoSource, DemoStats, Outgoing};
pub use stream::{ExtensionIds, RtxStream, StreamConfig};
