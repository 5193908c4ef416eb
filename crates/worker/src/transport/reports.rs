//! Sender and receiver reports of a transport (RFC 3550 §6.4).

use super::{Streams, Transport};
use crate::arena::Arena;
use crate::consumer::Consumer;
use crate::ids::{ConsumerKey, ProducerKey};
use crate::output::Output;
use crate::time::{Instant, NtpTime, compact_ntp_duration};
use crate::wire::rtcp::{CompoundWriter, DlrrItem, ReceiverReport, Sdes, SenderReport, Xr};

impl Transport {
    /// Sends the reports of the interval that has ended: sender reports for what the transport's
    /// consumers send, receiver reports for what its producers receive. `ntp` is `now` on the wall
    /// clock. `false` when the output is full.
    pub(crate) fn send_reports(
        &mut self,
        now: Instant,
        ntp: NtpTime,
        streams: &mut Streams<'_>,
        output: &mut Output,
    ) -> bool {
        if !self.rtcp.is_due(now) {
            return true;
        }
        if !self.has_to_report(streams.consumers) {
            // The report stays due, so that it leaves with the first packet.
            return true;
        }
        if !self.egress.takes_rtcp() {
            self.rtcp.reschedule(now);
            return true;
        }
        while self.rtcp.reported() < self.consumers.len() {
            if !output.has_room() {
                return false;
            }
            let reported = self.send_sender_reports(now, ntp, streams, output);
            self.rtcp.advance(reported);
        }
        let count = |key: &ProducerKey| streams.producers[*key].streams().len();
        let incoming: usize = self.producers.iter().map(count).sum();
        while self.rtcp.streams_reported() < incoming {
            if !output.has_room() {
                return false;
            }
            let reported = self.send_receiver_report(now, ntp, streams, output);
            self.rtcp.advance_streams(reported);
        }
        self.rtcp.reschedule(now);
        self.due.reported();
        // With transport-wide feedback the publisher estimates by itself. If there is a limit, it
        // is sent as REMB, because senders obey that, too.
        if let (Some(_), Some(max)) = (&self.feedback.arrivals, self.limits.max_incoming())
            && output.has_room()
        {
            self.send_remb(now, max, streams, output);
        }
        true
    }

    /// Whether something flows: a consumer forwards, or a stream has received since its last report.
    pub(super) fn has_to_report(&self, consumers: &Arena<ConsumerKey, Consumer>) -> bool {
        self.due.has_to_report() || self.consumers.iter().any(|key| consumers[*key].is_active())
    }

    /// Sends the sender reports of as many consumers as fit into one datagram, beginning with the
    /// first that has not reported in this interval. Returns their number.
    fn send_sender_reports(
        &mut self,
        now: Instant,
        ntp: NtpTime,
        streams: &Streams<'_>,
        output: &mut Output,
    ) -> usize {
        let mut reported = 0;
        let keys = &self.consumers[self.rtcp.reported()..];
        let reference_time = self.reference_time;
        self.egress.send_rtcp(now, output, |buffer| {
            let mut out = CompoundWriter::new(buffer);
            for consumer in keys.iter().map(|key| &streams.consumers[*key]) {
                let room = (MAX_SENDER_REPORT + consumer.cname().len()) * consumer.outgoing.len();
                if out.room() < room {
                    break;
                }
                reported += 1;
                if !consumer.is_active() {
                    continue;
                }
                let producer = &streams.producers[consumer.producer];
                for outgoing in &consumer.outgoing {
                    let source = producer.stream_of(outgoing.mapped_ssrc);
                    let capture = source.and_then(|s| s.receive.clock().timestamp_at_local(ntp));
                    let Some(info) = outgoing.stream.sender_info(now, ntp, capture) else {
                        continue;
                    };
                    let ssrc = outgoing.stream.params().ssrc;
                    SenderReport::write(&mut out, ssrc, &info, &[])?;
                    Sdes::write(&mut out, &[(ssrc, consumer.cname())])?;
                    if let Some((receiver, time, at)) = reference_time {
                        let item = DlrrItem {
                            ssrc: receiver,
                            last_rr: time.compact(),
                            delay_since_last_rr: compact_ntp_duration(now.since(at)),
                        };
                        Xr::write_dlrr(&mut out, ssrc, &[item])?;
                    }
                }
            }
            Some(out.len())
        });
        // One that no datagram has room for is passed over.
        reported.max(1)
    }

    /// Sends a receiver report for as many streams of the transport's producers as fit into it,
    /// beginning with the first that was not reported about in this interval. Returns their number.
    /// The first report carries our reference time. The output has room, because the interval of
    /// each stream ends with its block.
    fn send_receiver_report(
        &mut self,
        now: Instant,
        ntp: NtpTime,
        streams: &mut Streams<'_>,
        output: &mut Output,
    ) -> usize {
        let blocks = &mut *streams.report_blocks;
        blocks.clear();
        let before = self.rtcp.streams_reported();
        let mut reached = 0;
        for index in 0..self.producers.len() {
            let key = self.producers[index];
            for stream in streams.producers[key].streams_mut() {
                if blocks.len() + BLOCKS_OF_STREAM > MAX_BLOCKS {
                    break;
                }
                reached += 1;
                if reached <= before {
                    continue;
                }
                let (block, changed) = stream.receive.report(now);
                self.ingress.received.lost += stream.receive.newly_lost();
                if changed {
                    self.note_changed_score(key);
                }
                blocks.push(block);
                blocks.extend(stream.receive.rtx_report(now));
            }
        }
        let sender = self.rtcp.ssrc;
        self.egress.send_rtcp(now, output, |buffer| {
            let mut out = CompoundWriter::new(buffer);
            ReceiverReport::write(&mut out, sender, blocks)?;
            if before == 0 {
                Xr::write_reference_time(&mut out, sender, ntp)?;
            }
            Some(out.len())
        });
        reached - before
    }
}

/// Report blocks in one receiver report (RFC 3550 §6.4.2: the count has 5 bits).
const MAX_BLOCKS: usize = 31;
/// One for the media and one for its retransmissions.
const BLOCKS_OF_STREAM: usize = 2;
/// SR without report blocks, SDES without its text, and DLRR.
const MAX_SENDER_REPORT: usize = 28 + 16 + 24;
