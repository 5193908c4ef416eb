//! The one way in: a datagram of a validated tuple becomes an authenticated packet, or a count.

use crate::ids::Ssrc;
use crate::srtp::SrtpReceive;
use crate::time::Instant;

use super::egress::Traffic;

/// Authenticates, decrypts and counts what a transport receives.
#[derive(Default)]
pub(crate) struct Ingress {
    srtp: Option<SrtpReceive>,
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
    /// Media before DTLS is connected.
    pub(crate) dropped_not_connected: u64,
    /// Packets whose tag failed, that were replayed, or that are too short.
    pub(crate) dropped_unauthenticated: u64,
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
    /// Sets the keys, or takes them away.
    pub(crate) fn set_srtp(&mut self, srtp: Option<SrtpReceive>) {
        self.srtp = srtp;
    }

    /// These SSRCs are not received any more.
    pub(crate) fn retire(&mut self, ssrcs: impl Iterator<Item = Ssrc>) {
        if let Some(srtp) = &mut self.srtp {
            ssrcs.for_each(|ssrc| srtp.retire(ssrc));
        }
    }

    /// This SSRC is received, perhaps again.
    pub(crate) fn resume(&mut self, ssrc: Ssrc) {
        if let Some(srtp) = &mut self.srtp {
            srtp.resume(ssrc);
        }
    }

    /// Counts a datagram, whatever it is.
    pub(crate) fn count(&mut self, now: Instant, len: usize) {
        self.received.all.add(now, len);
    }

    /// Decrypts a datagram in place and returns the packet in it; `None` when it does not
    /// authenticate, which is counted and never fatal (docs/security.md rule 4).
    pub(crate) fn unprotect<'a>(
        &mut self,
        kind: Incoming,
        datagram: &'a mut [u8],
    ) -> Option<&'a [u8]> {
        let Some(srtp) = &mut self.srtp else {
            self.received.dropped_not_connected += 1;
            return None;
        };
        let unprotected = match kind {
            Incoming::Rtp => srtp.unprotect_rtp(datagram),
            Incoming::Rtcp => srtp.unprotect_rtcp(datagram),
        };
        match unprotected {
            Ok(len) => datagram.get(..len),
            Err(error) => {
                tracing::trace!(target: "tureen::srtp", ?kind, %error, "packet dropped");
                self.received.dropped_unauthenticated += 1;
                None
            }
        }
    }
}
