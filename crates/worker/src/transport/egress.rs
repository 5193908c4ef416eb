//! The one way out: everything that leaves a transport is stamped, protected and queued here.

use std::ops::AddAssign;

use crate::ids::{Mid, Ssrc};
use crate::output::Output;
use crate::srtp::{MAX_PROTECTION_OVERHEAD, SrtpSend, StreamIndex};
use crate::streams::{ProtectedLog, RateMeter};
use crate::time::Instant;
use crate::wire::ext::{AbsSendTime, TransportWideSequenceNumber};
use crate::wire::extension_ids::{STORED_PROFILE, SendExtensionIds};
use crate::wire::rtp::RtpHeader;
use crate::wire::rtp_ext::{ExtensionForm, ExtensionWriter, Extensions};

use super::destination::Destination;
use super::protection::Protection;

/// Stamps, protects and queues what a transport sends.
pub(crate) struct Egress {
    protection: Protection<SrtpSend>,
    destination: Destination,
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

/// A packet to send, in numbers of the receiver.
pub(crate) struct RtpToSend<'a> {
    pub(crate) header: RtpHeader,
    pub(crate) extension_ids: SendExtensionIds,
    /// Written when the extension is negotiated.
    pub(crate) mid: Option<Mid>,
    /// Passed through as ingress composed them.
    pub(crate) extensions: &'a [u8],
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
    pub(super) fn new() -> Self {
        Self {
            protection: Protection::Waiting,
            destination: Destination::None,
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
        self.protection.is_ready() && self.destination != Destination::None
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
        let path = self.destination.rtp();
        let (true, Some(path)) = (self.protection.is_ready(), path) else {
            self.sent.dropped_not_connected += 1;
            return Sent::Dropped;
        };
        let Some(slot) = output.slot() else {
            return Sent::Dropped;
        };
        let room = slot.len() - MAX_PROTECTION_OVERHEAD;
        let Some(len) = packet.write(now, self.wide_sequence_number, &mut slot[..room]) else {
            self.sent.dropped_too_long += 1;
            return Sent::Dropped;
        };
        let protected = match &mut self.protection {
            Protection::Keyed(srtp) => srtp.protect_rtp_at(stream, slot, len).ok(),
            Protection::Clear => Some(len),
            Protection::Waiting => None,
        };
        let Some(protected) = protected else {
            self.sent.dropped_unprotected += 1;
            return Sent::Dropped;
        };
        if let Some(log) = log {
            log.push(packet.header.sequence_number, &slot[..protected]);
        }
        output.commit(path, protected);
        if packet.extension_ids.transport_wide_cc != 0 {
            self.wide_sequence_number = self.wide_sequence_number.wrapping_add(1);
        }
        self.sent.all.add(now, protected);
        let of_kind = match packet.original_sequence_number {
            Some(_) => &mut self.sent.rtx,
            None => &mut self.sent.rtp,
        };
        of_kind.add(now, len);
        Sent::Queued(len)
    }

    /// Sends a protected packet again, byte for byte. The caller has checked that the output has
    /// room.
    pub(super) fn resend_protected(
        &mut self,
        now: Instant,
        packet: &[u8],
        output: &mut Output,
    ) -> Sent {
        let (true, Some(path)) = (self.protection.is_ready(), self.destination.rtp()) else {
            self.sent.dropped_not_connected += 1;
            return Sent::Dropped;
        };
        let slot = output.slot().and_then(|slot| slot.get_mut(..packet.len()));
        let Some(slot) = slot else {
            return Sent::Dropped;
        };
        slot.copy_from_slice(packet);
        output.commit(path, packet.len());
        self.sent.all.add(now, packet.len());
        self.sent.rtx.add(now, packet.len());
        Sent::Queued(packet.len())
    }

    /// Sends the RTCP compound packet that `write` puts into its buffer, or nothing if it writes
    /// nothing. The caller has checked that the output has room.
    pub(super) fn send_rtcp(
        &mut self,
        now: Instant,
        output: &mut Output,
        write: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) -> Sent {
        let path = self.destination.rtcp();
        let (true, Some(path)) = (self.protection.is_ready(), path) else {
            self.sent.dropped_not_connected += 1;
            return Sent::Dropped;
        };
        let Some(slot) = output.slot() else {
            return Sent::Dropped;
        };
        let room = slot.len() - MAX_PROTECTION_OVERHEAD;
        let Some(len) = write(&mut slot[..room]).filter(|len| *len > 0) else {
            return Sent::Dropped;
        };
        let protected = match &mut self.protection {
            Protection::Keyed(srtp) => srtp.protect_rtcp(slot, len).ok(),
            Protection::Clear => Some(len),
            Protection::Waiting => None,
        };
        let Some(protected) = protected else {
            self.sent.dropped_unprotected += 1;
            return Sent::Dropped;
        };
        output.commit(path, protected);
        self.sent.all.add(now, protected);
        Sent::Queued(len)
    }

    /// Accounts for a datagram of ICE or DTLS.
    pub(super) fn count_control(&mut self, now: Instant, len: usize) {
        self.sent.all.add(now, len);
    }
}

impl RtpToSend<'_> {
    /// Writes the packet before protection; `None` when it does not fit.
    fn write(&self, now: Instant, wide_sequence_number: u16, buffer: &mut [u8]) -> Option<usize> {
        let form = if self.extension_ids.needs_two_byte_form {
            ExtensionForm::TwoByte
        } else {
            ExtensionForm::OneByte
        };
        let (len, is_complete) = self.write_as(form, now, wide_sequence_number, buffer)?;
        if is_complete || form == ExtensionForm::TwoByte {
            return Some(len);
        }
        // RFC 8285 §4.2: the one-byte form holds values of 1 to 16 bytes. What is longer or empty
        // takes the two-byte form, for this packet alone.
        let (len, _) = self.write_as(ExtensionForm::TwoByte, now, wide_sequence_number, buffer)?;
        Some(len)
    }

    /// Writes the packet with its extensions in this form, and says whether all of them went in.
    fn write_as(
        &self,
        form: ExtensionForm,
        now: Instant,
        wide_sequence_number: u16,
        buffer: &mut [u8],
    ) -> Option<(usize, bool)> {
        let ids = &self.extension_ids;
        let mut is_complete = true;
        let mut len = self.header.write(buffer)?;
        let mut writer = ExtensionWriter::new(buffer, len, form);
        if let (Some(mid), true) = (&self.mid, ids.mid != 0) {
            writer.push(ids.mid, mid.as_bytes())?;
        }
        if ids.abs_send_time != 0 {
            writer.push(
                ids.abs_send_time,
                &AbsSendTime::from_instant(now).to_bytes(),
            )?;
        }
        if ids.transport_wide_cc != 0 {
            let number = TransportWideSequenceNumber(wide_sequence_number);
            writer.push(ids.transport_wide_cc, &number.to_bytes())?;
        }
        for extension in Extensions::new(STORED_PROFILE, self.extensions) {
            let id = ids.of_router_id(extension.id);
            if id != 0 {
                // The packet goes on without an element that the form cannot hold.
                is_complete &= writer.push(id, extension.value).is_some();
            }
        }
        len = writer.finish();
        if let Some(osn) = self.original_sequence_number {
            buffer
                .get_mut(len..len + 2)?
                .copy_from_slice(&osn.to_be_bytes());
            len += 2;
        }
        let end = len + self.payload.len();
        buffer.get_mut(len..end)?.copy_from_slice(self.payload);
        Some((end, is_complete))
    }
}
