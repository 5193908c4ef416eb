//! A datagram's way in: whose it is, what it is, and whom it concerns.

use super::{SocketOwner, Worker};
use crate::ids::{ProducerKey, TransportKey};
use crate::messages::Event;
use crate::output::Path;
use crate::params::MediaKind;
use crate::producer::Taken;
use crate::streams::round_trip;
use crate::time::Instant;
use crate::transport::Incoming;
use crate::wire::demux::DatagramKind;
use crate::wire::rtcp::{RtcpPacket, RtcpPackets};
use crate::wire::rtp::RtpPacket;
use crate::wire::stun::StunMessage;

impl Worker {
    pub(super) fn handle_datagram(
        &mut self,
        now: Instant,
        path: Path,
        at: Instant,
        datagram: &mut [u8],
    ) {
        match DatagramKind::of(datagram) {
            DatagramKind::Stun => self.handle_stun(now, path, datagram),
            DatagramKind::Dtls => {
                if let Some(key) = self.transport_at(&path) {
                    let transport = &mut self.entities.transports[key];
                    transport.ingress.count(now, datagram.len());
                    transport.web_rtc.handle_dtls(now, datagram);
                    self.touch(key);
                }
            }
            DatagramKind::Rtp => self.handle_rtp(now, path, at, datagram),
            DatagramKind::Rtcp => self.handle_rtcp(now, path, datagram),
            DatagramKind::Zrtp | DatagramKind::ChannelData | DatagramKind::Unknown => {
                self.counters.unknown_protocol += 1;
            }
        }
    }

    /// The transport that a datagram of `path` is for (docs/security.md rule 2).
    fn transport_at(&mut self, path: &Path) -> Option<TransportKey> {
        let key = self.transport_of(path);
        match key {
            Some(_) => self.current = key,
            None => self.counters.unknown_tuple += 1,
        }
        key
    }

    /// The transport that has validated `path`.
    fn transport_of(&self, path: &Path) -> Option<TransportKey> {
        match self.sockets.get(&path.socket)?.owner {
            SocketOwner::WebRtcServer(server) => {
                self.entities.web_rtc_servers[server].by_tuple(path)
            }
            SocketOwner::Transport(transport) => {
                let web_rtc = &self.entities.transports[transport].web_rtc;
                web_rtc.has_tuple(path).then_some(transport)
            }
        }
    }

    fn handle_stun(&mut self, now: Instant, path: Path, datagram: &[u8]) {
        let transport = StunMessage::new_checked(datagram).ok().and_then(|message| {
            let key = match self.sockets.get(&path.socket)?.owner {
                SocketOwner::WebRtcServer(server) => {
                    let fragment = std::str::from_utf8(message.local_username_fragment()?).ok()?;
                    self.entities.web_rtc_servers[server].by_username_fragment(fragment)?
                }
                SocketOwner::Transport(transport) => transport,
            };
            Some((key, message))
        });
        let Some((key, message)) = transport else {
            self.counters.stun_ignored += 1;
            return;
        };
        self.current = Some(key);
        let transport = &mut self.entities.transports[key];
        transport.ingress.count(now, datagram.len());
        match self.control.slot() {
            Some(answer) => {
                let len =
                    transport
                        .web_rtc
                        .handle_stun(now, path, &message, datagram.len(), answer);
                if len > 0 {
                    self.control.commit(path, len);
                    transport.egress.count_control(now, len);
                }
            }
            None => self.counters.stun_answers_dropped += 1,
        }
        self.take_events(now, key);
        self.touch(key);
    }

    pub(super) fn path_closed(&mut self, now: Instant, path: Path) {
        if let Some(key) = self.transport_of(&path) {
            self.current = Some(key);
            self.entities.transports[key].web_rtc.remove_path(now, path);
            self.take_events(now, key);
            self.touch(key);
        }
    }

    fn handle_rtp(&mut self, now: Instant, path: Path, at: Instant, datagram: &mut [u8]) {
        let Some(key) = self.transport_at(&path) else {
            return;
        };
        let transport = &mut self.entities.transports[key];
        transport.ingress.count(now, datagram.len());
        let Some(plain) = transport.ingress.unprotect(Incoming::Rtp, datagram) else {
            return;
        };
        transport.web_rtc.confirm_remote();
        let received = &mut transport.ingress.received;
        let Ok(packet) = RtpPacket::new_checked(plain) else {
            received.dropped_malformed += 1;
            return;
        };
        let names = transport
            .feedback
            .note(now, at, transport.recv_ids, &packet);
        let known = transport.listener.find(packet.ssrc());
        let producer = known.or_else(|| {
            transport
                .listener
                .find_by_name(names.mid, names.rid.or(names.repaired_rid))
        });
        let Some(producer) = producer else {
            received.dropped_no_producer += 1;
            return;
        };
        match self.entities.producers[producer].handle_rtp(now, at, &packet, names) {
            Ok(taken) => {
                let traffic = if taken.is_rtx {
                    &mut received.rtx
                } else {
                    &mut received.rtp
                };
                traffic.add(now, packet.bytes().len());
                if known.is_none() {
                    transport.learn_ssrc(packet.ssrc(), producer);
                }
                self.packet_taken(producer, &taken);
            }
            Err(reason) => {
                tracing::trace!(target: "tureen::rtp", ?reason, "packet not taken");
                received.dropped_by_producer += 1;
            }
        }
        self.touch(key);
    }

    fn packet_taken(&mut self, key: ProducerKey, taken: &Taken) {
        if taken.is_forwarded {
            self.fan_out.add(key);
        }
        if taken.score_changed {
            self.tell_scores(key);
        }
        if let Some(orientation) = taken.orientation {
            let event = Event::ProducerVideoOrientationChange {
                camera: orientation.camera,
                flip: orientation.flip,
                rotation: orientation.rotation.degrees(),
            };
            self.outbox.notify(&self.entities.producers[key].id, event);
        }
    }

    fn handle_rtcp(&mut self, now: Instant, path: Path, datagram: &mut [u8]) {
        let Some(key) = self.transport_at(&path) else {
            return;
        };
        let transport = &mut self.entities.transports[key];
        transport.ingress.count(now, datagram.len());
        let Some(plain) = transport.ingress.unprotect(Incoming::Rtcp, datagram) else {
            return;
        };
        transport.web_rtc.confirm_remote();
        let mut packets = RtcpPackets::new(plain);
        for packet in packets.by_ref() {
            self.handle_rtcp_packet(now, key, &packet);
        }
        if packets.error().is_some() {
            self.entities.transports[key]
                .ingress
                .received
                .dropped_malformed += 1;
        }
        self.touch(key);
    }

    /// What a transport's peer reports, and asks for.
    fn handle_rtcp_packet(&mut self, now: Instant, key: TransportKey, packet: &RtcpPacket<'_>) {
        match packet {
            RtcpPacket::SenderReport(report) => {
                let local = self.settings.clock.to_ntp(now);
                if let Some(producer) = self.entities.transports[key].listener.find(report.ssrc) {
                    self.entities.producers[producer].handle_sender_report(
                        now,
                        local,
                        report.ssrc,
                        report.info.ntp,
                        report.info.rtp_timestamp,
                    );
                }
                self.handle_report_blocks(now, key, report.reports.clone());
            }
            RtcpPacket::ReceiverReport(report) => {
                self.handle_report_blocks(now, key, report.reports.clone());
            }
            RtcpPacket::Nack(nack) => {
                let Some(entry) = self.entities.transports[key].consumer_of(nack.media_ssrc) else {
                    return;
                };
                let consumer = &mut self.entities.consumers[entry.consumer];
                if !entry.is_rtx && consumer.handle_nack(nack.lost()) {
                    self.entities.transports[key].resend_for(entry.consumer);
                }
            }
            RtcpPacket::Pli(pli) => {
                if let Some(entry) = self.entities.transports[key].consumer_of(pli.media_ssrc) {
                    self.entities.consumers[entry.consumer].stream.count_pli();
                    self.picture_lost_at(now, entry.consumer);
                }
            }
            RtcpPacket::Fir(fir) => {
                for request in fir.entries() {
                    if let Some(entry) = self.entities.transports[key].consumer_of(request.ssrc) {
                        self.entities.consumers[entry.consumer].stream.count_fir();
                        self.picture_lost_at(now, entry.consumer);
                    }
                }
            }
            RtcpPacket::Xr(report) => self.handle_extended_report(now, key, report),
            // Estimation towards subscribers does not use them yet; SDES and BYE tell nothing that
            // signalling does not.
            RtcpPacket::TransportFeedback(_)
            | RtcpPacket::Remb(_)
            | RtcpPacket::Sdes(_)
            | RtcpPacket::Bye(_)
            | RtcpPacket::Other { .. } => {}
        }
    }

    fn handle_report_blocks(
        &mut self,
        now: Instant,
        key: TransportKey,
        reports: crate::wire::rtcp::ReportBlocks<'_>,
    ) {
        let ntp = self.settings.clock.to_ntp(now);
        for block in reports {
            let Some(entry) = self.entities.transports[key].consumer_of(block.ssrc) else {
                continue;
            };
            let consumer = &mut self.entities.consumers[entry.consumer];
            if !entry.is_rtx && consumer.stream.handle_report_block(ntp, &block) {
                self.tell_consumer_score(entry.consumer);
            }
        }
    }

    fn handle_extended_report(
        &mut self,
        now: Instant,
        key: TransportKey,
        report: &crate::wire::rtcp::Xr<'_>,
    ) {
        use crate::wire::rtcp::XrBlock;
        let ntp = self.settings.clock.to_ntp(now);
        for block in report.blocks() {
            match block {
                XrBlock::ReceiverReferenceTime(reference) => {
                    let consumers = &self.entities.transports[key].consumers;
                    for consumer in consumers {
                        let stream = &mut self.entities.consumers[*consumer].stream;
                        stream.handle_reference_time(now, report.ssrc, reference);
                    }
                }
                XrBlock::Dlrr(items) => {
                    for item in items {
                        self.handle_reference_time_reply(key, ntp, &item);
                    }
                }
                XrBlock::Other(_) => {}
            }
        }
    }

    /// The publisher answers our receiver reference time (RFC 3611 §4.5).
    fn handle_reference_time_reply(
        &mut self,
        key: TransportKey,
        ntp: crate::time::NtpTime,
        item: &crate::wire::rtcp::DlrrItem,
    ) {
        let transport = &mut self.entities.transports[key];
        if item.ssrc != transport.rtcp.ssrc {
            return;
        }
        let Some(rtt) = round_trip(ntp, item.last_rr, item.delay_since_last_rr) else {
            return;
        };
        transport.feedback.set_rtt(rtt);
        for producer in &transport.producers {
            for stream in self.entities.producers[*producer].streams_mut() {
                stream.receive.set_rtt(rtt);
            }
        }
    }

    /// Asks the publisher for a key frame, if the consumer can use one now.
    pub(super) fn request_key_frame_for(&mut self, now: Instant, key: crate::ids::ConsumerKey) {
        if self.can_use_key_frame(key) {
            let consumer = &self.entities.consumers[key];
            let producer = &mut self.entities.producers[consumer.producer];
            debug_assert_eq!(producer.kind(), MediaKind::Video);
            producer.need_key_frame(now, consumer.mapped_ssrc);
            let publisher = producer.transport;
            self.touch(publisher);
        }
    }

    /// The same on a subscriber's word, which is taken once a second.
    fn picture_lost_at(&mut self, now: Instant, key: crate::ids::ConsumerKey) {
        if self.can_use_key_frame(key) {
            let consumer = &self.entities.consumers[key];
            let producer = &mut self.entities.producers[consumer.producer];
            producer.picture_lost(now, consumer.mapped_ssrc);
            let publisher = producer.transport;
            self.touch(publisher);
        }
    }

    fn can_use_key_frame(&self, key: crate::ids::ConsumerKey) -> bool {
        let consumer = &self.entities.consumers[key];
        let transport = &self.entities.transports[consumer.transport];
        consumer.is_active() && consumer.needs_key_frames() && transport.egress.is_connected()
    }
}
