//! RTCP packets that a peer sends and reads: reports and descriptions (RFC 3550 §6), feedback (RFC
//! 4585, RFC 5104), REMB (draft-alvestrand-rmcat-remb-03) and transport-wide feedback
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01).

mod compound;
mod description;
mod feedback;
mod report;
mod transport_feedback;

pub use compound::{RtcpError, RtcpPacket, parse_compound, write_compound};
pub use description::{Goodbye, SourceDescription};
pub use feedback::{FullIntraRequest, Nack, PictureLossIndication, Remb};
pub use report::{ReceiverReport, ReportBlock, SenderReport};
pub use transport_feedback::TransportFeedback;
