//! The receiving side, per SSRC: it counts packets, puts VP8 frames together, and writes feedback
//! for the sender.
//!
//! [`Receiver`] has no clock and no socket: times are durations since any fixed start, packets come
//! from [`PeerTransport::recv`](crate::PeerTransport::recv) and feedback goes to
//! [`PeerSender::send_rtcp`](crate::PeerSender::send_rtcp).

mod arrivals;
mod core;
mod frames;
mod stream;

pub use self::core::{Payload, PayloadKind, Receiver, ReceiverConfig, RtxSource};
pub use frames::Vp8Frame;
pub use stream::StreamStats;
