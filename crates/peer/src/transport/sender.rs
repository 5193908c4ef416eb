//! The sending half of a connected transport.

use std::sync::{Arc, Mutex, PoisonError};

use super::{
    ice::IceConn,
    srtp::{ProtectError, SrtpOutbound},
};

/// Sends RTP and RTCP on a connected transport; clones send on the same one.
///
/// It does not keep the transport alive: after a close every call ends with [`SendError::Closed`].
#[derive(Clone)]
pub struct PeerSender(Arc<Mutex<Option<Outbound>>>);

struct Outbound {
    srtp: SrtpOutbound,
    conn: IceConn,
}

/// Why a packet was not sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The transport is closed.
    #[error("the transport is closed")]
    Closed,
    /// The packet is not well-formed RTP or RTCP.
    #[error("malformed packet: {0}")]
    Malformed(String),
    /// The SRTP context refused the packet.
    #[error("SRTP: {0}")]
    Srtp(webrtc_srtp::Error),
    /// The socket refused the datagram.
    #[error("socket: {0}")]
    Socket(#[from] webrtc_util::Error),
}

impl From<ProtectError> for SendError {
    fn from(error: ProtectError) -> Self {
        match error {
            ProtectError::Malformed(error) => Self::Malformed(error.to_string()),
            ProtectError::Srtp(error) => Self::Srtp(error),
        }
    }
}

impl PeerSender {
    pub(super) fn new(srtp: SrtpOutbound, conn: IceConn) -> Self {
        Self(Arc::new(Mutex::new(Some(Outbound { srtp, conn }))))
    }

    /// Protects and sends one RTP packet. Sequence numbers of an SSRC must rise from call to call,
    /// as the rollover counter follows them (RFC 3711 §3.3.1).
    ///
    /// # Errors
    /// [`SendError`] says whether the packet, the transport or the socket was at fault.
    pub async fn send_rtp(&self, packet: &[u8]) -> Result<(), SendError> {
        self.send(|srtp| srtp.protect_rtp(packet)).await
    }

    /// Protects and sends one compound or reduced-size RTCP packet of at least 8 octets.
    ///
    /// # Errors
    /// As [`Self::send_rtp`].
    pub async fn send_rtcp(&self, packet: &[u8]) -> Result<(), SendError> {
        self.send(|srtp| srtp.protect_rtcp(packet)).await
    }

    /// Releases the socket and the keys.
    pub(super) fn close(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The path under SRTP, to send datagrams that no honest peer sends.
    #[cfg(test)]
    pub(super) fn path(&self) -> Option<IceConn> {
        let outbound = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        outbound.as_ref().map(|outbound| Arc::clone(&outbound.conn))
    }

    async fn send(
        &self,
        protect: impl FnOnce(&mut SrtpOutbound) -> Result<bytes::Bytes, ProtectError>,
    ) -> Result<(), SendError> {
        let (datagram, conn) = {
            let mut outbound = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let outbound = outbound.as_mut().ok_or(SendError::Closed)?;
            (protect(&mut outbound.srtp)?, Arc::clone(&outbound.conn))
        };
        conn.send(&datagram).await?;
        Ok(())
    }
}
