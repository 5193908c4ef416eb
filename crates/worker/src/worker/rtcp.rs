//! RTCP from peers: reports go to their streams, and requests go to the publisher.

use super::Worker;
use crate::ids::{ConsumerKey, TransportKey};
use crate::output::Path;
use crate::params::MediaKind;
use crate::streams::round_trip;
use crate::time::{Instant, NtpTime};
use crate::transport::Work;
use crate::wire::rtcp::{DlrrItem, ReportBlocks, RtcpPacket, RtcpPackets, Xr, XrBlock};

impl Worker {
    pub(super) fn handle_rtcp(&mut self, now: Instant, path: Path, datagram: &mut [u8]) {
        if let Some(key) = self.transport_of_packet(now, &path) {
            self.take_rtcp(now, key, Some(path), datagram);
        }
    }

    /// Takes an RTCP packet that came on `path`, or from the application.
    pub(super) fn take_rtcp(
        &mut self,
        now: Instant,
        key: TransportKey,
        path: Option<Path>,
        datagram: &mut [u8],
    ) {
        let work = Work::rtcp(datagram.len());
        let transport = &mut self.entities.transports[key];
        let plain = transport.receive_rtcp(now, path, datagram);
        if let Some(path) = &path {
            self.enter_work(now, key, path, work);
        }
        let Some(plain) = plain else {
            return;
        };
        let mut packets = RtcpPackets::new(plain);
        for packet in packets.by_ref() {
            self.handle_rtcp_packet(now, key, path, &packet);
        }
        if packets.error().is_some() {
            self.entities.transports[key].rtcp_malformed();
        }
        self.touch(key);
    }

    /// What a transport's peer reports, and asks for.
    fn handle_rtcp_packet(
        &mut self,
        now: Instant,
        key: TransportKey,
        path: Option<Path>,
        packet: &RtcpPacket<'_>,
    ) {
        match packet {
            RtcpPacket::SenderReport(report) => {
                let local = self.settings.clock.to_ntp(now);
                if let Some(producer) = self.entities.transports[key].listener().find(report.ssrc) {
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
                if entry.is_rtx {
                    return;
                }
                self.totals.received.nacks += 1;
                self.totals.received.nacked_packets += nack.lost().count() as u64;
                let consumer = &mut self.entities.consumers[entry.consumer];
                let nacked = consumer.handle_nack(entry.outgoing, nack.lost());
                let transport = &mut self.entities.transports[key];
                transport.nacks_refused(nacked.refused);
                if nacked.taken > 0 {
                    transport.resend_for(entry.consumer);
                }
                if let (true, Some(path)) = (self.is_pressed, path) {
                    let work = Work::nack(nacked.taken + nacked.refused, nacked.taken);
                    let own = &mut transport.share;
                    self.shares.enter(now, own, path.network(), work);
                }
            }
            RtcpPacket::Pli(pli) => {
                if let Some(entry) = self.entities.transports[key].consumer_of(pli.media_ssrc) {
                    let consumer = &mut self.entities.consumers[entry.consumer];
                    consumer.outgoing[entry.outgoing].stream.count_pli();
                    self.totals.received.plis += 1;
                    self.picture_lost_at(now, entry.consumer);
                }
            }
            RtcpPacket::Fir(fir) => {
                for request in fir.entries() {
                    if let Some(entry) = self.entities.transports[key].consumer_of(request.ssrc) {
                        let consumer = &mut self.entities.consumers[entry.consumer];
                        consumer.outgoing[entry.outgoing].stream.count_fir();
                        self.totals.received.firs += 1;
                        self.picture_lost_at(now, entry.consumer);
                    }
                }
            }
            RtcpPacket::Xr(report) => self.handle_extended_report(now, key, report),
            // Nothing estimates the bandwidth towards subscribers yet. SDES and BYE say nothing
            // that signalling does not say.
            RtcpPacket::TransportFeedback(_)
            | RtcpPacket::Remb(_)
            | RtcpPacket::Sdes(_)
            | RtcpPacket::Bye(_)
            | RtcpPacket::Other { .. } => {}
        }
    }

    fn handle_report_blocks(&mut self, now: Instant, key: TransportKey, reports: ReportBlocks<'_>) {
        let ntp = self.settings.clock.to_ntp(now);
        for block in reports {
            let Some(entry) = self.entities.transports[key].consumer_of(block.ssrc) else {
                continue;
            };
            let consumer = &mut self.entities.consumers[entry.consumer];
            let stream = &mut consumer.outgoing[entry.outgoing].stream;
            if entry.is_rtx {
                continue;
            }
            let score_changed = stream.handle_report_block(ntp, &block);
            self.totals.sent.rtp_packets_lost += stream.newly_lost();
            if score_changed {
                self.tell_consumer_score(entry.consumer);
            }
        }
    }

    fn handle_extended_report(&mut self, now: Instant, key: TransportKey, report: &Xr<'_>) {
        let ntp = self.settings.clock.to_ntp(now);
        for block in report.blocks() {
            match block {
                XrBlock::ReceiverReferenceTime(reference) => {
                    let transport = &mut self.entities.transports[key];
                    transport.handle_reference_time(now, report.ssrc, reference);
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
    fn handle_reference_time_reply(&mut self, key: TransportKey, ntp: NtpTime, item: &DlrrItem) {
        let transport = &mut self.entities.transports[key];
        if item.ssrc != transport.rtcp_ssrc() {
            return;
        }
        let Some(rtt) = round_trip(ntp, item.last_rr, item.delay_since_last_rr) else {
            return;
        };
        transport.set_rtt(rtt);
        for producer in &transport.producers {
            for stream in self.entities.producers[*producer].streams_mut() {
                stream.receive.set_rtt(rtt);
            }
        }
    }

    /// Asks the publisher for a key frame, if the consumer can use one now.
    pub(super) fn request_key_frame_for(&mut self, now: Instant, key: ConsumerKey) {
        if self.can_use_key_frame(key) {
            let consumer = &mut self.entities.consumers[key];
            if !consumer.begin(now) {
                return self.picture_lost_at(now, key);
            }
            let producer = &mut self.entities.producers[consumer.producer];
            debug_assert_eq!(producer.kind(), MediaKind::Video);
            for outgoing in &consumer.outgoing {
                producer.need_key_frame(now, outgoing.mapped_ssrc);
            }
            let producer = consumer.producer;
            self.touch_producer(producer);
        }
    }

    /// The same when a subscriber asks, at most once a second.
    fn picture_lost_at(&mut self, now: Instant, key: ConsumerKey) {
        if self.can_use_key_frame(key) {
            let consumer = &self.entities.consumers[key];
            let producer = &mut self.entities.producers[consumer.producer];
            for outgoing in &consumer.outgoing {
                producer.picture_lost(now, outgoing.mapped_ssrc);
            }
            let producer = consumer.producer;
            self.touch_producer(producer);
        }
    }

    fn can_use_key_frame(&self, key: ConsumerKey) -> bool {
        let consumer = &self.entities.consumers[key];
        consumer.is_active() && consumer.needs_key_frames()
    }
}
