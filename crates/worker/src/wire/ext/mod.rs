//! The values that header extensions carry, one module per extension. Each reads the value of an
//! element and makes the bytes to write, if we write it; [`super::rtp_ext`] handles ids and forms.
//!
//! [`token`] reads MID, RID and repaired RID. The dependency descriptor is opaque here;
//! `codecs` reads it.

mod abs_capture_time;
mod abs_send_time;
mod packet_id;
mod token;
mod transport_wide_cc;
mod video_orientation;

pub use abs_capture_time::AbsCaptureTime;
pub(crate) use abs_send_time::AbsSendTime;
pub use packet_id::PacketId;
pub(crate) use token::token;
pub(crate) use transport_wide_cc::TransportWideSequenceNumber;
pub(crate) use video_orientation::VideoOrientation;
