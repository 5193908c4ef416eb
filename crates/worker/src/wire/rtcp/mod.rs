//! RTCP (RFC 3550 §6, RFC 4585, RFC 5104, RFC 3611): one module per packet type, each with its
//! parser, its writer and its tests.
//!
//! [`RtcpPackets`] iterates over a decrypted compound packet and gives views whose lengths have
//! been checked. [`CompoundWriter`] puts packets side by side into a caller's buffer. If a packet
//! does not fit, its `write` returns `None` and the buffer stays as it was.

mod bye;
mod compound;
mod fir;
mod nack;
mod pli;
mod receiver_report;
mod remb;
mod report_block;
mod sdes;
mod sender_report;
mod transport_feedback;
mod xr;

#[cfg(test)]
mod oracle_tests;

pub use bye::Bye;
pub use compound::{CompoundWriter, RtcpError, RtcpPacket, RtcpPackets};
pub use fir::{Fir, FirEntries, FirEntry};
pub use nack::{LostPackets, Nack};
pub use pli::Pli;
pub use receiver_report::ReceiverReport;
pub use remb::Remb;
pub use report_block::{ReportBlock, ReportBlocks, Ssrcs};
pub use sdes::{Sdes, SdesChunk, SdesChunks};
pub use sender_report::{SenderInfo, SenderReport};
pub use transport_feedback::{
    PacketStatus, PacketStatuses, TransportFeedback, TransportFeedbackHeader,
};
pub use xr::{DlrrItem, DlrrItems, Xr, XrBlock, XrBlocks};
