//! Taking packets in: describe, account, store.

use super::stream::Arrival;
use super::{NotTaken, Producer};
use crate::codecs::{self, PayloadDigest};
use crate::ids::PayloadType;
use crate::params::{HeaderExtensionUri as Uri, MediaKind};
use crate::streams::{Accepted, IncomingPacket, Insertion, StoredPacket, rtx};
use crate::time::Instant;
use crate::wire::ext::{AbsCaptureTime, PacketId};
use crate::wire::rtp::RtpPacket;

/// What is known of a packet once it was looked at.
struct Found<'a> {
    /// The stream that it belongs to.
    index: usize,
    /// When the kernel received it.
    at: Instant,
    /// The media in it, without what a retransmission adds.
    payload: &'a [u8],
    /// The payload type in the router.
    mapped: PayloadType,
    digest: PayloadDigest,
}

impl Producer {
    /// Takes a packet of the media stream `index`. The returned arrival waits for fan-out.
    pub(super) fn take_media(
        &mut self,
        now: Instant,
        at: Instant,
        index: usize,
        packet: &RtpPacket<'_>,
        is_first: bool,
    ) -> Result<Option<Arrival>, NotTaken> {
        let payload_type = packet.payload_type();
        let mapped = self
            .mapped_payload_type(payload_type)
            .ok_or(NotTaken::PayloadType)?;
        let payload = packet.payload();
        let digest = self.describe(index, packet, payload);
        let stream = &mut self.streams[index];
        let incoming = incoming(at, packet, payload, &digest);
        let accepted = stream
            .receive
            .handle_rtp(now, &incoming)
            .map_err(|_| NotTaken::Discarded)?;
        if digest.key_frame {
            stream.handle_key_frame();
        } else if self.kind == MediaKind::Video && (is_first || accepted.key_frame_needed) {
            stream.force_key_frame(now);
        }
        let found = Found {
            index,
            at,
            payload,
            mapped,
            digest,
        };
        Ok(self.keep(now, packet, &found, accepted))
    }

    /// Takes a packet of the RTX stream of `index` (RFC 4588 §4).
    pub(super) fn take_rtx(
        &mut self,
        now: Instant,
        at: Instant,
        index: usize,
        packet: &RtpPacket<'_>,
    ) -> Result<Option<Arrival>, NotTaken> {
        let media = self.streams[index].payload_type();
        let mapped = self
            .mapped_payload_type(media)
            .ok_or(NotTaken::PayloadType)?;
        if packet.payload().is_empty() {
            let incoming = incoming(at, packet, &[], &self.describe(index, packet, &[]));
            let padding = self.streams[index].receive.handle_rtx_padding(&incoming);
            return padding.map(|()| None).map_err(|_| NotTaken::Discarded);
        }
        let (osn, payload) = rtx::decapsulate(packet.payload()).ok_or(NotTaken::Malformed)?;
        let digest = self.describe(index, packet, payload);
        let stream = &mut self.streams[index];
        let incoming = incoming(at, packet, payload, &digest);
        let accepted = stream
            .receive
            .handle_rtx(now, &incoming, osn)
            .map_err(|_| NotTaken::Discarded)?;
        if digest.key_frame {
            stream.handle_key_frame();
        }
        let found = Found {
            index,
            at,
            payload,
            mapped,
            digest,
        };
        Ok(self.keep(now, packet, &found, accepted))
    }

    fn describe(&self, index: usize, packet: &RtpPacket<'_>, payload: &[u8]) -> PayloadDigest {
        let descriptor = self.pass_through.dependency_descriptor();
        let descriptor = descriptor.and_then(|id| packet.extension(id));
        codecs::describe(self.streams[index].codec.codec, payload, descriptor).digest
    }

    /// Puts an accepted packet into the store, unless the producer is paused.
    fn keep(
        &mut self,
        now: Instant,
        packet: &RtpPacket<'_>,
        found: &Found<'_>,
        accepted: Accepted,
    ) -> Option<Arrival> {
        if self.paused {
            return None;
        }
        self.compose_extensions(found.index, packet);
        let stored = StoredPacket {
            seq: accepted.seq,
            timestamp: packet.timestamp(),
            marker: packet.marker(),
            payload_type: found.mapped.0,
            received: found.at,
            digest: found.digest,
            extensions: &self.scratch,
            payload: found.payload,
        };
        match self.streams[found.index].store.insert(now, &stored) {
            Insertion::Stored => Some(Arrival {
                stream: u8::try_from(found.index).unwrap_or(u8::MAX),
                seq: accepted.seq,
                restarted: accepted.restarted,
                reactivated: accepted.reactivated,
            }),
            Insertion::Duplicate | Insertion::TooOld | Insertion::TooLarge => None,
        }
    }

    /// Writes the extensions that are passed on into the scratch buffer, in the two-byte form and
    /// with router ids (RFC 8285 §4.3).
    fn compose_extensions(&mut self, index: usize, packet: &RtpPacket<'_>) {
        self.scratch.clear();
        if let Some(id) = &mut self.next_packet_id {
            push(&mut self.scratch, Uri::PacketId.router_id(), &id.to_bytes());
            *id = PacketId(id.0.wrapping_add(1));
        }
        for extension in packet.extensions() {
            let Some(router_id) = self.pass_through.router_id(extension.id) else {
                continue;
            };
            if router_id == Uri::AbsCaptureTime.router_id() {
                let clock = self.streams[index].receive.clock();
                if let Some(time) = AbsCaptureTime::parse(extension.value) {
                    let time = time.sent_by_us(clock.offset());
                    push(&mut self.scratch, router_id, &time.to_bytes()[..time.len()]);
                }
            } else if router_id != Uri::PacketId.router_id() || self.next_packet_id.is_none() {
                push(&mut self.scratch, router_id, extension.value);
            }
        }
    }
}

fn push(extensions: &mut Vec<u8>, id: u8, value: &[u8]) {
    if let Ok(len) = u8::try_from(value.len()) {
        extensions.extend_from_slice(&[id, len]);
        extensions.extend_from_slice(value);
    }
}

fn incoming(
    at: Instant,
    packet: &RtpPacket<'_>,
    payload: &[u8],
    digest: &PayloadDigest,
) -> IncomingPacket {
    IncomingPacket {
        seq: packet.sequence_number(),
        timestamp: packet.timestamp(),
        received: at,
        size: packet.bytes().len(),
        key_frame: digest.key_frame,
        has_payload: !payload.is_empty(),
    }
}
