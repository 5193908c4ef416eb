//! RTP streams: what the worker remembers, counts, requests and reports for each, whatever
//! transport and entity it belongs to. This part is sans-IO: time comes in, numbers come out.
//!
//! The way of a packet through the parts:
//!
//! 1. **Receive.** [`ReceiveStream`] takes the header of an authenticated packet. It gives it a
//!    number that never wraps ([`ExtendedSeq`]), drops duplicates and strays ([`Reception`]), keeps
//!    the list of what is missing ([`NackList`]), and counts. A retransmission (RFC 4588, [`rtx`])
//!    is accepted if its packet is missing, and from then on it is treated as that packet.
//! 2. **Store.** Ingress puts the accepted packet into the stream's [`PacketStore`], the one copy
//!    that all consumers share.
//! 3. **Decide and send.** Each consumer reads the packet by its number, decides, and sends a
//!    patched copy; its [`SendStream`] counts it and keeps a [`SentRecord`] of sixteen bytes in the
//!    [`SentLog`]: the outgoing sequence number, where the packet is stored, and what was patched.
//! 4. **Back.** A NACK from the subscriber leads to the record ([`SendStream::find_nacked`], which
//!    also limits how often). The record leads to the packet in the store, and the packet is made
//!    and sent again. If the packet has left the store, it is gone; the subscriber will ask for a
//!    key frame. Towards the publisher, [`ReceiveStream::take_due_nacks`] asks for what is missing
//!    and [`KeyFrameRequests`] merges all consumers' wishes for a key frame.
//! 5. **Report.** [`Reception::report_block`] makes receiver reports, [`SendStream::sender_info`]
//!    sender reports; [`RtpClock`] carries the publisher's capture clock from one to the other;
//!    [`Score`] makes one number of what got through; [`RateMeter`] measures bit rates.
//!
//! Nothing here allocates per packet, hashes, or searches everything to find one thing. Everything
//! that grows has a bound, which is written at its type. Deadlines are `Option<Instant>`: idle
//! streams have none.

mod key_frames;
mod nack;
mod packet_store;
mod protected_log;
mod rate;
mod receive;
mod reception;
mod rtp_clock;
pub(crate) mod rtx;
mod score;
mod send;
mod sent_log;
mod seq;

pub(crate) use key_frames::KeyFrameRequests;
pub(crate) use packet_store::{Insertion, PacketStore, StoreLimits, StoredPacket};
pub(crate) use protected_log::ProtectedLog;
pub(crate) use rate::{RateMeter, WindowedRate};
pub(crate) use receive::{Accepted, IncomingPacket, ReceiveStream, ReceiveStreamParams};
pub(crate) use reception::MAX_MISORDER;
pub(crate) use send::{SendStream, SendStreamParams, round_trip};
pub(crate) use sent_log::SentRecord;
pub(crate) use seq::{ExtendedSeq, SeqUnwrapper};

#[cfg(test)]
mod tests;
