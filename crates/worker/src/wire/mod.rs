//! The bytes on the network: views, which cannot panic once they are checked, and writers into a
//! caller's buffer. Nothing here keeps state between packets, knows the time or allocates per
//! packet.
//!
//! - [`demux`]: what kind of datagram this is (RFC 7983).
//! - [`rtp`], [`rtp_ext`], [`ext`]: RTP packets, their header extensions and the values in these.
//! - [`extension_ids`]: which id an extension has on which leg.
//! - [`rtcp`]: RTCP compound packets, one module per packet type.
//! - [`stun`]: STUN messages of ICE.
//! - [`rfc4571`]: frames on a TCP connection.
//! - [`buffer`]: the cursors that all of them read and write with.

pub mod buffer;
pub mod demux;
pub mod ext;
pub mod extension_ids;
pub mod rfc4571;
pub mod rtcp;
pub mod rtp;
pub mod rtp_ext;
pub mod stun;
