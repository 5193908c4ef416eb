//! RTP packets (RFC 3550 §5.1) with header extensions (RFC 8285), and the VP8 payload format (RFC
//! 7741).

mod header;
mod numbers;
mod packet;
mod vp8;

pub use header::RtpHeader;
pub use numbers::{PayloadType, RtpTimestamp, SequenceNumber, Ssrc};
pub use packet::{FixedHeader, RtpError, RtpPacket};
pub use vp8::{PictureId, Vp8Descriptor, Vp8DescriptorError, is_vp8_key_frame, packetize_vp8};
