//! The values that header extensions carry, one module per extension. Each reads the value of an
//! element and makes the bytes to write; [`super::rtp_ext`] handles ids and forms.
//!
//! MID, RID and repaired RID are [`crate::ids::Token`]s. The dependency descriptor is opaque here;
//! `codecs` reads it.

mod abs_capture_time;
mod abs_send_time;
mod audio_level;
mod packet_id;
mod playout_delay;
mod time_offset;
mod token;
mod transport_wide_cc;
mod video_orientation;

pub use abs_capture_time::AbsCaptureTime;
pub use abs_send_time::AbsSendTime;
pub use audio_level::AudioLevel;
pub use packet_id::PacketId;
pub use playout_delay::PlayoutDelay;
pub use time_offset::TimeOffset;
pub use token::token;
pub use transport_wide_cc::TransportWideSequenceNumber;
pub use video_orientation::{Rotation, VideoOrientation};
