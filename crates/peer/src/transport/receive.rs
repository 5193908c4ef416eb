//! The receiving half of a connected transport.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::mpsc;

use super::{
    counters::Counters,
    demux::{DatagramKind, classify},
    ice::IceConn,
    srtp::{Refusal, SrtpInbound},
};

/// A decrypted packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// One RTP packet (RFC 3550 §5), padding included.
    Rtp(Bytes),
    /// One compound or reduced-size RTCP packet (RFC 3550 §6, RFC 5506).
    Rtcp(Bytes),
}

/// Where the receive task hands datagrams to.
pub(super) struct Receiver {
    pub(super) dtls: mpsc::Sender<Bytes>,
    pub(super) incoming: mpsc::Sender<Incoming>,
    pub(super) srtp: Arc<InboundKeys>,
    pub(super) counters: Arc<Counters>,
}

/// The receiving SRTP context, absent until the handshake has completed.
#[derive(Default)]
pub(super) struct InboundKeys(Mutex<Option<SrtpInbound>>);

impl InboundKeys {
    pub(super) fn install(&self, srtp: SrtpInbound) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(srtp);
    }

    fn with<T>(&self, work: impl FnOnce(&mut SrtpInbound) -> T) -> Option<T> {
        let mut srtp = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        srtp.as_mut().map(work)
    }
}

impl Receiver {
    /// Reads the ICE path until it closes.
    pub(super) async fn run(self, conn: IceConn) {
        let mut buf = vec![0; MAX_DATAGRAM];
        while let Ok(length) = conn.recv(&mut buf).await {
            let datagram = &buf[..length];
            match classify(datagram) {
                DatagramKind::Dtls => {
                    // If the queue is full, the datagram is lost, as it may be in the network; the
                    // handshake repeats it.
                    if self
                        .dtls
                        .try_send(Bytes::copy_from_slice(datagram))
                        .is_err()
                    {
                        self.counters.queue_full.increment();
                    }
                }
                DatagramKind::Srtp => self.receive_srtp(datagram),
                DatagramKind::Srtcp => self.receive_srtcp(datagram),
                DatagramKind::Unknown => self.counters.ignored.increment(),
            }
        }
    }

    fn receive_srtp(&self, packet: &[u8]) {
        let unprotected = self.srtp.with(|srtp| srtp.unprotect_rtp(packet));
        if let Some(packet) = self.account(unprotected) {
            self.counters.rtp_received.increment();
            self.hand_out(Incoming::Rtp(packet));
        }
    }

    fn receive_srtcp(&self, packet: &[u8]) {
        let unprotected = self.srtp.with(|srtp| srtp.unprotect_rtcp(packet));
        if let Some(packet) = self.account(unprotected) {
            self.counters.rtcp_received.increment();
            self.hand_out(Incoming::Rtcp(packet));
        }
    }

    fn account(&self, unprotected: Option<Result<Bytes, Refusal>>) -> Option<Bytes> {
        let counter = match unprotected {
            Some(Ok(packet)) => return Some(packet),
            None => &self.counters.before_keys,
            Some(Err(Refusal::Malformed)) => &self.counters.malformed,
            Some(Err(Refusal::TooManySsrcs)) => &self.counters.too_many_ssrcs,
            Some(Err(Refusal::NotAuthentic)) => &self.counters.not_authentic,
        };
        counter.increment();
        None
    }

    fn hand_out(&self, packet: Incoming) {
        if self.incoming.try_send(packet).is_err() {
            self.counters.queue_full.increment();
        }
    }
}

/// The ICE agent's own receive buffer is this large.
const MAX_DATAGRAM: usize = 8192;
