//! What a transport does with incoming packets before they concern anybody else.

use super::Transport;
use super::ingress::Incoming;
use crate::ids::{ProducerKey, Ssrc};
use crate::output::Path;
use crate::producer::{PacketNames, Taken};
use crate::time::Instant;
use crate::wire::rtcp::RtcpPackets;
use crate::wire::rtp::RtpPacket;
use crate::wire::stun::{Class, StunMessage};

/// An authenticated packet, and the producer that it is for.
pub(crate) struct ReceivedRtp<'a> {
    pub(crate) packet: RtpPacket<'a>,
    pub(crate) names: PacketNames,
    pub(crate) producer: ProducerKey,
    /// Whether the SSRC was known before.
    pub(crate) is_known: bool,
}

impl Transport {
    /// Whether what comes on `path` may be taken.
    pub(crate) fn owns(&self, path: &Path) -> bool {
        self.kind.owns(path)
    }

    /// Whether authenticated traffic came on `path` a moment ago and `path` is the selected one.
    pub(crate) fn is_in_use(&self, now: Instant, path: &Path) -> bool {
        self.kind.is_in_use(now, path)
    }

    /// Whether the last datagram has proven to be the remote's own. Asking again says no.
    pub(crate) fn take_proof(&mut self) -> bool {
        std::mem::take(&mut self.is_proven)
    }

    /// Whether it speaks ICE and DTLS.
    pub(crate) fn speaks_ice(&self) -> bool {
        self.kind.speaks_ice()
    }

    /// Takes a STUN message of `len` bytes and writes the answer to the front of `answer`. Returns
    /// the answer's length; 0 means no answer.
    pub(crate) fn handle_stun(
        &mut self,
        now: Instant,
        path: Path,
        message: &StunMessage<'_>,
        len: usize,
        answer: &mut [u8],
    ) -> usize {
        self.ingress.count(now, len);
        let answered = self.kind.handle_stun(now, path, message, len, answer);
        let answer = StunMessage::new_checked(&answer[..answered]);
        if answer.is_ok_and(|answer| answer.class() == Class::SuccessResponse) {
            self.is_proven = true;
        }
        if answered > 0 {
            self.egress.count_control(now, answered);
        }
        answered
    }

    /// Takes a DTLS datagram of a path that is its own.
    pub(crate) fn handle_dtls(&mut self, now: Instant, path: Path, datagram: &[u8]) {
        self.ingress.count(now, datagram.len());
        self.kind.handle_dtls(now, path, datagram);
    }

    /// A TCP connection ended.
    pub(crate) fn remove_path(&mut self, now: Instant, path: Path) {
        self.kind.remove_path(now, path);
    }

    /// Takes an RTP packet from one of its paths, or from the application, and finds its producer;
    /// `None` if it was dropped and counted. `at` is when the kernel received it.
    pub(crate) fn receive_rtp<'a>(
        &mut self,
        now: Instant,
        at: Instant,
        path: Option<Path>,
        datagram: &'a mut [u8],
    ) -> Option<ReceivedRtp<'a>> {
        self.ingress.count(now, datagram.len());
        if !self.is_on_its_port(Incoming::Rtp, path) {
            return None;
        }
        let plain = self.ingress.unprotect(Incoming::Rtp, datagram)?;
        self.is_proven = true;
        let Ok(packet) = RtpPacket::new_checked(plain) else {
            self.ingress.received.dropped_malformed += 1;
            return None;
        };
        if let Some(path) = path {
            self.kind.confirm_remote(now, path);
        }
        let names = self.feedback.note(now, at, self.recv_ids, &packet);
        let known = self.listener.find(packet.ssrc());
        let producer = known.or_else(|| {
            let rid = names.rid.or(names.repaired_rid);
            self.listener.find_by_name(names.mid, rid)
        });
        let Some(producer) = producer else {
            self.ingress.received.dropped_no_producer += 1;
            return None;
        };
        Some(ReceivedRtp {
            packet,
            names,
            producer,
            is_known: known.is_some(),
        })
    }

    /// The producer has accepted the packet. It is counted, and a new SSRC is learned.
    pub(crate) fn rtp_taken(&mut self, now: Instant, received: &ReceivedRtp<'_>, taken: &Taken) {
        let counters = &mut self.ingress.received;
        let traffic = if taken.is_rtx {
            &mut counters.rtx
        } else {
            &mut counters.rtp
        };
        traffic.add(now, received.packet.bytes().len());
        for ssrc in taken.replaced.into_iter().flatten() {
            self.listener.forget(ssrc);
            self.ingress.retire(std::iter::once(ssrc));
        }
        if !received.is_known {
            self.learn_ssrc(received.packet.ssrc(), received.producer);
        }
    }

    /// The producer has not taken the packet.
    pub(crate) fn rtp_refused(&mut self) {
        self.ingress.received.dropped_by_producer += 1;
    }

    /// Takes an RTCP datagram from one of its paths, or from the application, and returns the
    /// compound packet in it; `None` if it was dropped and counted.
    pub(crate) fn receive_rtcp<'a>(
        &mut self,
        now: Instant,
        path: Option<Path>,
        datagram: &'a mut [u8],
    ) -> Option<&'a [u8]> {
        self.ingress.count(now, datagram.len());
        if !self.is_on_its_port(Incoming::Rtcp, path) {
            return None;
        }
        let plain = self.ingress.unprotect(Incoming::Rtcp, datagram)?;
        self.is_proven = true;
        if RtcpPackets::new(plain).next().is_none() {
            self.ingress.received.dropped_malformed += 1;
            return None;
        }
        if let Some(path) = path {
            self.kind.confirm_remote(now, path);
        }
        Some(plain)
    }

    /// Whether a packet came to the port that is for its kind. If not, it is counted.
    fn is_on_its_port(&mut self, kind: Incoming, path: Option<Path>) -> bool {
        let carries = path.is_none_or(|path| self.kind.carries(kind, &path));
        self.ingress.received.dropped_wrong_port += u64::from(!carries);
        carries
    }

    /// A part of the compound packet was malformed.
    pub(crate) fn rtcp_malformed(&mut self) {
        self.ingress.received.dropped_malformed += 1;
    }

    /// NACKs asked for so many packets more than may wait to be sent again.
    pub(crate) fn nacks_refused(&mut self, packets: usize) {
        self.ingress.received.dropped_nacked += packets as u64;
    }

    fn learn_ssrc(&mut self, ssrc: Ssrc, producer: ProducerKey) {
        if self.listener.learn(ssrc, producer) {
            self.ingress.resume(ssrc);
        } else {
            self.ingress.received.ssrcs_not_learned += 1;
        }
    }
}
