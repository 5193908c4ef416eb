//! The one way in: a datagram of a validated tuple becomes an authenticated packet, or it is
//! dropped and counted.

use crate::ids::Ssrc;
use crate::srtp::{SrtpError, SrtpReceive};
use crate::time::Instant;

use super::egress::Traffic;
use super::protection::Protection;

/// Authenticates, decrypts and counts what a transport receives.
pub(crate) struct Ingress {
    protection: Protection<SrtpReceive>,
    pub(crate) received: ReceivedCounters,
}

/// What a transport received, by kind, and what it dropped, by reason.
#[derive(Debug, Default)]
pub(crate) struct ReceivedCounters {
    /// Everything, ICE and DTLS included.
    pub(crate) all: Traffic,
    /// RTP without retransmissions.
    pub(crate) rtp: Traffic,
    /// Retransmissions.
    pub(crate) rtx: Traffic,
    /// RTP packets that receiver reports say are missing.
    pub(crate) lost: u64,
    /// Media before DTLS is connected.
    pub(crate) dropped_not_connected: u64,
    /// Packets whose tag failed, that were replayed, or that are too short.
    pub(crate) dropped_unauthenticated: u64,
    /// Packets of a new SSRC while the table of SSRCs is full.
    pub(crate) dropped_too_many_ssrcs: u64,
    /// Packets under a key that has served for as many as it may.
    pub(crate) dropped_key_exhausted: u64,
    /// Packets of an SSRC that was found by its MID or RID and for which the listener has no room.
    pub(crate) ssrcs_not_learned: u64,
    /// Packets that NACKs asked for while as many as may wait already did.
    pub(crate) dropped_nacked: u64,
    /// RTP on the port for RTCP, and RTCP on the port for RTP.
    pub(crate) dropped_wrong_port: u64,
    /// Authenticated packets that are malformed inside.
    pub(crate) dropped_malformed: u64,
    /// RTP whose SSRC, MID and RID lead to no producer.
    pub(crate) dropped_no_producer: u64,
    /// RTP that its producer did not take.
    pub(crate) dropped_by_producer: u64,
}

/// What kind of protected packet a datagram is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Incoming {
    /// RTP.
    Rtp,
    /// RTCP.
    Rtcp,
}

impl Ingress {
    pub(super) fn new(protection: Protection<SrtpReceive>) -> Self {
        Self {
            protection,
            received: ReceivedCounters::default(),
        }
    }

    /// Sets how packets are protected.
    pub(super) fn set_protection(&mut self, protection: Protection<SrtpReceive>) {
        self.protection = protection;
    }

    /// These SSRCs are not received any more.
    pub(super) fn retire(&mut self, ssrcs: impl Iterator<Item = Ssrc>) {
        if let Some(srtp) = self.protection.session_mut() {
            ssrcs.for_each(|ssrc| srtp.retire(ssrc));
        }
    }

    /// This SSRC is received, perhaps again.
    pub(super) fn resume(&mut self, ssrc: Ssrc) {
        if let Some(srtp) = self.protection.session_mut() {
            srtp.resume(ssrc);
        }
    }

    /// Counts a datagram, whatever it is.
    pub(super) fn count(&mut self, now: Instant, len: usize) {
        self.received.all.add(now, len);
    }

    /// Decrypts a datagram in place and returns the packet in it; `None` if it does not
    /// authenticate. That is counted and never fatal (docs/security.md rule 4).
    pub(super) fn unprotect<'a>(
        &mut self,
        kind: Incoming,
        datagram: &'a mut [u8],
    ) -> Option<&'a [u8]> {
        let srtp = match &mut self.protection {
            Protection::Keyed(srtp) => srtp,
            Protection::Clear => return Some(datagram),
            Protection::Waiting => {
                self.received.dropped_not_connected += 1;
                return None;
            }
        };
        let unprotected = match kind {
            Incoming::Rtp => srtp.unprotect_rtp(datagram),
            Incoming::Rtcp => srtp.unprotect_rtcp(datagram),
        };
        match unprotected {
            Ok(len) => datagram.get(..len),
            Err(error) => {
                tracing::trace!(target: "tureen::srtp", ?kind, %error, "packet dropped");
                *match error {
                    SrtpError::TooManyStreams => &mut self.received.dropped_too_many_ssrcs,
                    SrtpError::KeyExhausted => &mut self.received.dropped_key_exhausted,
                    _ => &mut self.received.dropped_unauthenticated,
                } += 1;
                None
            }
        }
    }
}
