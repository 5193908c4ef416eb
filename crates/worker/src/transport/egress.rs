//! The one way out: everything that leaves a transport is stamped, protected and queued here.

use std::ops::AddAssign;

use crate::ids::Ssrc;
use crate::output::Output;
use crate::srtp::{MAX_PROTECTION_OVERHEAD, SrtpError, SrtpSend, StreamIndex};
use crate::streams::{ProtectedLog, RateMeter};
use crate::time::Instant;
use crate::wire::ext::{AbsSendTime, TransportWideSequenceNumber};
use crate::wire::rtp::RtpHeader;
use crate::wire::send_extensions::{SendExtensions, Stamps};

use super::destination::{Destination, Way};
use super::protection::Protection;

/// Stamps, protects and queues what a transport sends.
pub(crate) struct Egress {
    protection: Protection<SrtpSend>,
    destination: Destination,
    for_application: ForApplication,
    /// The transport-wide sequence number of the next packet that has the extension.
    wide_sequence_number: u16,
    pub(crate) sent: SentCounters,
}

/// What a transport sent, by kind.
#[derive(Debug, Default)]
pub(crate) struct SentCounters {
    /// Everything, ICE and DTLS included.
    pub(crate) all: Traffic,
    /// RTP without retransmissions.
    pub(crate) rtp: Traffic,
    /// Retransmissions.
    pub(crate) rtx: Traffic,
    /// What publishers were asked for.
    pub(crate) asked: Asked,
    /// Packets that were not sent because the transport is not connected.
    pub(crate) dropped_not_connected: u64,
    /// Packets that were not sent because they exceed a datagram.
    pub(crate) dropped_too_long: u64,
    /// Packets that SRTP refused to protect.
    pub(crate) dropped_unprotected: u64,
    /// Header extensions that packets went without, because the one-byte form cannot hold them.
    pub(crate) extensions_left_out: u64,
}

/// Messages that ask a publisher for packets and key frames.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) nacks: u64,
    /// Packets that these asked for.
    pub(crate) nacked_packets: u64,
    pub(crate) plis: u64,
    pub(crate) firs: u64,
}

impl AddAssign for Asked {
    fn add_assign(&mut self, other: Self) {
        self.nacks += other.nacks;
        self.nacked_packets += other.nacked_packets;
        self.plis += other.plis;
        self.firs += other.firs;
    }
}

/// Packets, bytes, and bits per second.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    pub(crate) rate: RateMeter,
}

impl Traffic {
    pub(crate) fn add(&mut self, now: Instant, bytes: usize) {
        self.packets += 1;
        self.bytes += bytes as u64;
        self.rate.add(now, bytes);
    }
}

/// The packets of one drain that are for the application.
#[derive(Debug, Default)]
pub(crate) struct ForApplication {
    pub(crate) packets: Vec<Vec<u8>>,
    bytes: usize,
    /// How many there were no room for.
    pub(crate) lost: u64,
}

impl ForApplication {
    fn push(&mut self, packet: &[u8]) {
        self.bytes += packet.len();
        self.packets.push(packet.to_vec());
    }

    fn is_full(&self) -> bool {
        self.bytes >= MAX_FOR_APPLICATION
    }
}

/// How many bytes a transport keeps for the application until the end of a drain.
const MAX_FOR_APPLICATION: usize = 256 * 1024;

/// A packet to send, in numbers of the receiver.
pub(crate) struct RtpToSend<'a> {
    pub(crate) header: RtpHeader,
    pub(crate) extensions: &'a SendExtensions,
    /// Passed through as ingress composed them.
    pub(crate) stored_extensions: &'a [u8],
    /// For a retransmission: the original sequence number (RFC 4588 §4).
    pub(crate) original_sequence_number: Option<u16>,
    pub(crate) payload: &'a [u8],
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// It is in the output. This is its size in bytes before protection.
    Queued(usize),
    /// It was dropped and counted.
    Dropped,
}

impl Egress {
    pub(super) fn new(protection: Protection<SrtpSend>, destination: Destination) -> Self {
        Self {
            protection,
            destination,
            for_application: ForApplication::default(),
            wide_sequence_number: 1,
            sent: SentCounters::default(),
        }
    }

    /// Sets where to send.
    pub(super) fn set_destination(&mut self, destination: Destination) {
        self.destination = destination;
    }

    /// Sets how packets are protected.
    pub(super) fn set_protection(&mut self, protection: Protection<SrtpSend>) {
        self.protection = protection;
    }

    /// Whether media can leave.
    pub(super) fn is_connected(&self) -> bool {
        self.protection.is_ready() && self.destination.rtp().is_some()
    }

    /// Whether RTCP can leave. A remote's port for RTCP may be learned later than that for RTP.
    pub(super) fn takes_rtcp(&self) -> bool {
        self.protection.is_ready() && self.destination.rtcp().is_some()
    }

    /// Whether a new SSRC can be sent.
    ///
    /// # Errors
    ///
    /// See [`SrtpSend::check_new`].
    pub(super) fn check_new(&self, ssrc: Ssrc) -> Result<(), SrtpError> {
        let session = self.protection.session();
        session.map_or(Ok(()), |srtp| srtp.check_new(ssrc))
    }

    /// Forgets the cryptographic state of an SSRC that is not used again.
    pub(super) fn release(&mut self, ssrc: Ssrc) {
        if let Some(srtp) = self.protection.session_mut() {
            srtp.release(ssrc);
        }
    }

    /// Sends one RTP packet; this is the only copy of its payload on the way out. If there is a
    /// `log`, it keeps the protected packet. The caller has checked that the output has room.
    pub(super) fn send_rtp(
        &mut self,
        now: Instant,
        packet: &RtpToSend<'_>,
        stream: &mut StreamIndex,
        log: Option<&mut ProtectedLog>,
        output: &mut Output,
    ) -> Sent {
        let way = self.destination.rtp();
        let stamps = Stamps {
            sent: AbsSendTime::from_instant(now),
            number: TransportWideSequenceNumber(self.wide_sequence_number),
        };
        let mut left_out = 0;
        let sent = self.queue(now, way, output, |protection, slot| {
            let room = slot.len() - MAX_PROTECTION_OVERHEAD;
            let written = packet.write(stamps, &mut slot[..room]);
            let (plain, not_written) = written.ok_or(Refused::TooLong)?;
            left_out = not_written;
            let protected = match protection {
                Protection::Keyed(srtp) => srtp.protect_rtp_at(stream, slot, plain).ok(),
                Protection::Clear => Some(plain),
                Protection::Waiting => None,
            };
            let protected = protected.ok_or(Refused::Unprotected)?;
            if let Some(log) = log {
                log.push(packet.header.sequence_number, &slot[..protected]);
            }
            Ok(Lengths { plain, protected })
        });
        self.sent.extensions_left_out += left_out;
        if let Sent::Queued(len) = sent {
            if packet.extensions.are_numbered() {
                self.wide_sequence_number = self.wide_sequence_number.wrapping_add(1);
            }
            let of_kind = match packet.original_sequence_number {
                Some(_) => &mut self.sent.rtx,
                None => &mut self.sent.rtp,
            };
            of_kind.add(now, len);
        }
        sent
    }

    /// Sends a protected packet again, byte for byte. The caller has checked that the output has
    /// room.
    pub(super) fn resend_protected(
        &mut self,
        now: Instant,
        packet: &[u8],
        output: &mut Output,
    ) -> Sent {
        let way = self.destination.rtp();
        let sent = self.queue(now, way, output, |protection, slot| {
            let overhead = match protection {
                Protection::Keyed(srtp) => srtp.suite().rtp_overhead(),
                Protection::Clear | Protection::Waiting => 0,
            };
            let slot = slot.get_mut(..packet.len()).ok_or(Refused::TooLong)?;
            slot.copy_from_slice(packet);
            Ok(Lengths {
                plain: packet.len().saturating_sub(overhead),
                protected: packet.len(),
            })
        });
        if let Sent::Queued(len) = sent {
            self.sent.rtx.add(now, len);
        }
        sent
    }

    /// Sends the RTCP compound packet that `write` puts into its buffer, or nothing if it writes
    /// nothing. The caller has checked that the output has room.
    pub(super) fn send_rtcp(
        &mut self,
        now: Instant,
        output: &mut Output,
        write: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) -> Sent {
        let way = self.destination.rtcp();
        self.queue(now, way, output, |protection, slot| {
            let room = slot.len() - MAX_PROTECTION_OVERHEAD;
            let plain = write(&mut slot[..room]).filter(|len| *len > 0);
            let plain = plain.ok_or(Refused::Empty)?;
            let protected = match protection {
                Protection::Keyed(srtp) => srtp.protect_rtcp(slot, plain).ok(),
                Protection::Clear => Some(plain),
                Protection::Waiting => None,
            };
            let protected = protected.ok_or(Refused::Unprotected)?;
            Ok(Lengths { plain, protected })
        })
    }

    /// Queues the packet that `fill` puts into the output's next slot, and counts it; or counts
    /// why it cannot be sent.
    fn queue(
        &mut self,
        now: Instant,
        way: Option<Way>,
        output: &mut Output,
        fill: impl FnOnce(&mut Protection<SrtpSend>, &mut [u8]) -> Result<Lengths, Refused>,
    ) -> Sent {
        let (true, Some(way)) = (self.protection.is_ready(), way) else {
            self.sent.dropped_not_connected += 1;
            return Sent::Dropped;
        };
        if way == Way::Channel && self.for_application.is_full() {
            self.for_application.lost += 1;
            return Sent::Dropped;
        }
        let Some(slot) = output.slot() else {
            return Sent::Dropped;
        };
        match fill(&mut self.protection, slot) {
            Ok(Lengths { plain, protected }) => {
                match way {
                    Way::Path(path) => output.commit(path, protected),
                    Way::Channel => self.for_application.push(&slot[..protected]),
                }
                self.sent.all.add(now, protected);
                return Sent::Queued(plain);
            }
            Err(Refused::Empty) => {}
            Err(Refused::TooLong) => self.sent.dropped_too_long += 1,
            Err(Refused::Unprotected) => self.sent.dropped_unprotected += 1,
        }
        Sent::Dropped
    }

    /// Takes the packets that are for the application.
    pub(super) fn take_for_application(&mut self) -> ForApplication {
        std::mem::take(&mut self.for_application)
    }

    /// Accounts for a datagram of ICE or DTLS.
    pub(super) fn count_control(&mut self, now: Instant, len: usize) {
        self.sent.all.add(now, len);
    }
}

/// How long a packet is in a slot, in bytes.
struct Lengths {
    plain: usize,
    protected: usize,
}

/// Why a slot was not filled.
enum Refused {
    /// There is nothing to send.
    Empty,
    TooLong,
    /// SRTP refused the packet.
    Unprotected,
}

impl RtpToSend<'_> {
    /// Writes the packet before protection. Returns its length, and how many header extensions it
    /// goes without; `None` when it does not fit.
    fn write(&self, stamps: Stamps, buffer: &mut [u8]) -> Option<(usize, u64)> {
        self.header.write(buffer)?;
        let (mut len, left_out) = self
            .extensions
            .write(self.stored_extensions, stamps, buffer)?;
        if let Some(osn) = self.original_sequence_number {
            buffer
                .get_mut(len..len + 2)?
                .copy_from_slice(&osn.to_be_bytes());
            len += 2;
        }
        let end = len + self.payload.len();
        buffer.get_mut(len..end)?.copy_from_slice(self.payload);
        Some((end, left_out))
    }
}
