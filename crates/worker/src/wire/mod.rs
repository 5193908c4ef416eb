//! The bytes on the network: views, which cannot panic once they are checked, and writers into a
//! caller's buffer. Nothing here keeps state between packets, knows the time or allocates per
//! packet.
//!
//! - [`demux`]: what kind of datagram this is (RFC 7983).
//! - [`rtp`], [`rtp_ext`], [`ext`]: RTP packets, their header extensions and the values in these.
//! - [`extension_ids`]: which id an extension has on which leg.
//! - [`send_extensions`]: the header extensions of a consumer's packets.
//! - [`rtcp`]: RTCP compound packets, one module per packet type.
//! - [`stun`]: STUN messages of ICE.
//! - [`rfc4571`]: frames on a TCP connection.
//! - [`buffer`]: the cursors that all of them read and write with.

pub(crate) mod buffer;
pub(crate) mod demux;
pub(crate) mod ext;
pub(crate) mod extension_ids;
pub(crate) mod rfc4571;
pub(crate) mod rtcp;
pub(crate) mod rtp;
pub(crate) mod rtp_ext;
pub(crate) mod send_extensions;
pub(crate) mod stun;
