//! RTCP that a transport sends: feedback to its publisher, reports to both.

use super::Worker;
use crate::ids::{ProducerKey, Ssrc, TransportKey};
use crate::output::Output;
use crate::producer::{KeyFrameRequest, ProducerStream};
use crate::time::Instant;
use crate::wire::rtcp::{
    CompoundWriter, DlrrItem, Fir, FirEntry, Nack, Pli, ReceiverReport, Remb, Sdes, SenderReport,
    TransportFeedback, TransportFeedbackHeader, Xr,
};

impl Worker {
    /// Asks the publisher for what its streams miss: packets and key frames.
    pub(super) fn look_after_streams(
        &mut self,
        now: Instant,
        key: TransportKey,
        output: &mut Output,
    ) -> bool {
        let mut index = 0;
        while let Some(producer) = self.entities.transports[key].producers.get(index).copied() {
            if !self.look_after_producer(now, key, producer, output) {
                return false;
            }
            index += 1;
        }
        true
    }

    fn look_after_producer(
        &mut self,
        now: Instant,
        key: TransportKey,
        producer_key: ProducerKey,
        output: &mut Output,
    ) -> bool {
        let transport = &mut self.entities.transports[key];
        let producer = &mut self.entities.producers[producer_key];
        let mut score_changed = false;
        for stream in producer.streams_mut() {
            score_changed |= stream.handle_timeout(now);
            if !transport.egress.is_connected() {
                // Nobody can be asked, and what is missing now will be too old by then.
                stream.receive.forget_losses();
                continue;
            }
            if !output.has_room() {
                return false;
            }
            let sender = transport.rtcp.ssrc;
            transport.egress.send_rtcp(now, output, |buffer| {
                write_requests(now, sender, stream, buffer)
            });
        }
        if score_changed {
            self.tell_scores(producer_key);
        }
        true
    }

    /// Tells the publisher when its packets came, or what it may send.
    pub(super) fn send_feedback(
        &mut self,
        now: Instant,
        key: TransportKey,
        output: &mut Output,
    ) -> bool {
        let transport = &mut self.entities.transports[key];
        let sender_ssrc = transport.rtcp.ssrc;
        let media_ssrc = transport.feedback.media_ssrc.unwrap_or(sender_ssrc);
        if let Some(log) = &mut transport.feedback.arrivals {
            let mut arrivals = [None; MAX_ARRIVALS];
            while let Some(batch) = log.take_batch(now, &mut arrivals) {
                if !output.has_room() {
                    return false;
                }
                let header = TransportFeedbackHeader {
                    sender_ssrc,
                    media_ssrc,
                    base_sequence_number: batch.base_sequence_number,
                    feedback_count: batch.feedback_count,
                };
                let mut covered = batch.len;
                transport.egress.send_rtcp(now, output, |buffer| {
                    let mut out = CompoundWriter::new(buffer);
                    covered = TransportFeedback::write(&mut out, &header, &arrivals[..batch.len])?;
                    Some(out.len())
                });
                log.note_sent(covered);
            }
        }
        if let Some(bitrate) = transport
            .feedback
            .estimator
            .as_mut()
            .and_then(|e| e.poll(now))
        {
            self.send_remb(now, key, bitrate, output);
        }
        true
    }

    /// The output has room.
    fn send_remb(&mut self, now: Instant, key: TransportKey, bitrate: u64, output: &mut Output) {
        let transport = &mut self.entities.transports[key];
        let mut ssrcs = [Ssrc(0); MAX_REMB_SSRCS];
        let mut count = 0;
        let streams = transport
            .producers
            .iter()
            .flat_map(|producer| self.entities.producers[*producer].streams());
        for (slot, stream) in ssrcs.iter_mut().zip(streams) {
            *slot = stream.receive.params().ssrc;
            count += 1;
        }
        tracing::debug!(target: "tureen::bwe", transport = %transport.id, bitrate, "the publisher is told its limit");
        let sender = transport.rtcp.ssrc;
        transport.egress.send_rtcp(now, output, |buffer| {
            let mut out = CompoundWriter::new(buffer);
            Remb::write(&mut out, sender, bitrate, &ssrcs[..count])?;
            Some(out.len())
        });
    }

    /// Sends the reports of the interval that has ended: sender reports for what the transport's
    /// consumers send, receiver reports for what its producers receive.
    pub(super) fn send_reports(
        &mut self,
        now: Instant,
        key: TransportKey,
        output: &mut Output,
    ) -> bool {
        if !self.entities.transports[key].rtcp.is_due(now) {
            return true;
        }
        while let Some(next) = self.entities.transports[key].next_to_report() {
            if !output.has_room() {
                return false;
            }
            let reported = self.send_sender_reports(now, key, next, output);
            self.entities.transports[key].rtcp.advance(reported);
        }
        if !output.has_room() {
            return false;
        }
        self.send_receiver_reports(now, key, output);
        let transport = &mut self.entities.transports[key];
        transport.rtcp.reschedule(now);
        // With transport-wide feedback the publisher estimates by itself; a limit that was set is
        // told as REMB, which senders obey as well.
        if let (Some(_), Some(max)) = (
            &transport.feedback.arrivals,
            transport.limits.max_incoming(),
        ) && output.has_room()
        {
            self.send_remb(now, key, max, output);
        }
        true
    }

    /// Sender reports of as many consumers as one datagram takes, from index `first` on; says how
    /// many consumers that were.
    fn send_sender_reports(
        &mut self,
        now: Instant,
        key: TransportKey,
        first: usize,
        output: &mut Output,
    ) -> usize {
        let ntp = self.settings.clock.to_ntp(now);
        let (consumers, producers) = (&self.entities.consumers, &self.entities.producers);
        let transport = &mut self.entities.transports[key];
        let mut reported = 0;
        let keys = &transport.consumers[first..];
        transport.egress.send_rtcp(now, output, |buffer| {
            let mut out = CompoundWriter::new(buffer);
            for consumer in keys.iter().map(|key| &consumers[*key]) {
                if out.room() < MAX_SENDER_REPORT + consumer.cname().len() {
                    break;
                }
                reported += 1;
                let source = producers[consumer.producer].stream_of(consumer.mapped_ssrc);
                let capture = source.and_then(|s| s.receive.clock().timestamp_at_local(ntp));
                let Some(info) = consumer.stream.sender_info(now, ntp, capture) else {
                    continue;
                };
                let ssrc = consumer.stream.params().ssrc;
                SenderReport::write(&mut out, ssrc, &info, &[])?;
                Sdes::write(&mut out, &[(ssrc, consumer.cname())])?;
                if let Some(reply) = consumer.stream.reference_time_reply(now) {
                    let item = DlrrItem {
                        ssrc: reply.ssrc,
                        last_rr: reply.last_rr,
                        delay_since_last_rr: reply.delay_since_last_rr,
                    };
                    Xr::write_dlrr(&mut out, ssrc, &[item])?;
                }
            }
            Some(out.len())
        });
        // A transport that is not connected reports nothing and must not be asked again at once.
        reported.max(1)
    }

    /// Receiver reports over all streams of the transport's producers, the first with our reference
    /// time. What finds no room in the output is reported the next time.
    fn send_receiver_reports(&mut self, now: Instant, key: TransportKey, output: &mut Output) {
        let ntp = self.settings.clock.to_ntp(now);
        let transport = &mut self.entities.transports[key];
        let mut blocks = std::mem::take(&mut self.report_blocks);
        let mut changed = Vec::new();
        for producer_key in &transport.producers {
            let mut score_changed = false;
            for stream in self.entities.producers[*producer_key].streams_mut() {
                let (block, changed) = stream.receive.report(now);
                score_changed |= changed;
                let rtx = stream.receive.rtx_report(now);
                blocks.push(block);
                blocks.extend(rtx);
            }
            if score_changed {
                changed.push(*producer_key);
            }
        }
        let sender = transport.rtcp.ssrc;
        for (index, blocks) in blocks.chunks(MAX_BLOCKS).enumerate() {
            if !output.has_room() {
                break;
            }
            transport.egress.send_rtcp(now, output, |buffer| {
                let mut out = CompoundWriter::new(buffer);
                ReceiverReport::write(&mut out, sender, blocks)?;
                if index == 0 {
                    Xr::write_reference_time(&mut out, sender, ntp)?;
                }
                Some(out.len())
            });
        }
        blocks.clear();
        self.report_blocks = blocks;
        for producer in changed {
            self.tell_scores(producer);
        }
    }
}

/// What a stream asks of its publisher now; `None` when it asks for nothing.
fn write_requests(
    now: Instant,
    sender_ssrc: Ssrc,
    stream: &mut ProducerStream,
    buffer: &mut [u8],
) -> Option<usize> {
    let media_ssrc = stream.receive.params().ssrc;
    let mut out = CompoundWriter::new(buffer);
    match stream.take_key_frame_request() {
        Some(KeyFrameRequest::Pli) => Pli {
            sender_ssrc,
            media_ssrc,
        }
        .write(&mut out)?,
        Some(KeyFrameRequest::Fir(sequence_number)) => {
            let entry = FirEntry {
                ssrc: media_ssrc,
                sequence_number,
            };
            Fir::write(&mut out, sender_ssrc, &[entry])?;
        }
        None => {}
    }
    let mut lost = [0; MAX_NACKED];
    let count = stream.receive.take_due_nacks(now, &mut lost);
    if count > 0 {
        Nack::write(&mut out, sender_ssrc, media_ssrc, &lost[..count])?;
    }
    Some(out.len())
}

/// Arrivals in one feedback packet.
const MAX_ARRIVALS: usize = 512;
/// Report blocks in one receiver report (RFC 3550 §6.4.2: the count has 5 bits).
const MAX_BLOCKS: usize = 31;
const MAX_REMB_SSRCS: usize = 32;
/// Sequence numbers in one NACK: even when no two share a pair they fit one datagram.
const MAX_NACKED: usize = 256;
/// SR without report blocks, SDES without its text, and DLRR.
const MAX_SENDER_REPORT: usize = 28 + 16 + 24;
