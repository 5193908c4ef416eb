//! What a transport sends to its publisher: requests for lost packets and key frames, and feedback
//! about the path.

use super::egress::{Asked, Sent};
use super::{Streams, Transport};
use crate::ids::{ConsumerKey, ProducerKey, Ssrc};
use crate::output::Output;
use crate::producer::{KeyFrameRequest, ProducerStream};
use crate::time::Instant;
use crate::wire::rtcp::{
    CompoundWriter, Fir, FirEntry, Nack, Pli, Remb, TransportFeedback, TransportFeedbackHeader,
};

impl Transport {
    /// Asks for the packets and key frames that the transport's streams need; `false` when the
    /// output is full.
    pub(crate) fn look_after_streams(
        &mut self,
        now: Instant,
        streams: &mut Streams<'_>,
        output: &mut Output,
    ) -> bool {
        self.due.begin(now, &self.producers);
        while let Some(key) = self.due.next() {
            if !self.look_after_producer(now, key, streams, output) {
                return false;
            }
            self.due.looked_after(&mut streams.producers[key]);
        }
        true
    }

    fn look_after_producer(
        &mut self,
        now: Instant,
        key: ProducerKey,
        streams: &mut Streams<'_>,
        output: &mut Output,
    ) -> bool {
        let can_ask = self.egress.takes_rtcp();
        let (producer, consumers) = (&mut streams.producers[key], &*streams.consumers);
        let (own, audience) = producer.streams_and_consumers();
        for stream in own {
            if !output.has_room() {
                return false;
            }
            let mapped_ssrc = stream.mapped_ssrc;
            let waits = |key: &ConsumerKey| consumers[*key].waits_for_key_frame(mapped_ssrc);
            if stream.handle_timeout(now, || audience.iter().any(waits)) {
                self.note_changed_score(key);
            }
            if !can_ask {
                // Nobody can be asked now, and later the missing packets will be too old.
                stream.receive.forget_losses();
                continue;
            }
            if !stream.has_requests(now) {
                continue;
            }
            let sender = self.rtcp.ssrc;
            let mut asked = Asked::default();
            let sent = self.egress.send_rtcp(now, output, |buffer| {
                write_requests(now, sender, stream, &mut asked, buffer)
            });
            if sent != Sent::Dropped {
                self.egress.sent.asked += asked;
            }
        }
        true
    }

    /// A score changed. The controller hears of it when the transport is done.
    pub(super) fn note_changed_score(&mut self, producer: ProducerKey) {
        if !self.changed_scores.contains(&producer) {
            self.changed_scores.push(producer);
        }
    }

    /// Tells the publisher when its packets came, or how much it may send; `false` when the output
    /// is full.
    pub(crate) fn send_feedback(
        &mut self,
        now: Instant,
        streams: &Streams<'_>,
        output: &mut Output,
    ) -> bool {
        if !self.send_arrivals(now, output) {
            return false;
        }
        let estimator = self.feedback.estimator.as_mut();
        if let Some(bitrate) = estimator.and_then(|estimator| estimator.poll(now)) {
            self.send_remb(now, bitrate, streams, output);
        }
        true
    }

    fn send_arrivals(&mut self, now: Instant, output: &mut Output) -> bool {
        let sender_ssrc = self.rtcp.ssrc;
        let media_ssrc = self.feedback.media_ssrc.unwrap_or(sender_ssrc);
        let Some(log) = &mut self.feedback.arrivals else {
            return true;
        };
        if log.next_deadline().is_none_or(|deadline| deadline > now) {
            return true;
        }
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
            self.egress.send_rtcp(now, output, |buffer| {
                let mut out = CompoundWriter::new(buffer);
                covered = TransportFeedback::write(&mut out, &header, &arrivals[..batch.len])?;
                Some(out.len())
            });
            log.note_sent(covered);
        }
        true
    }

    /// The output has room.
    pub(super) fn send_remb(
        &mut self,
        now: Instant,
        bitrate: u64,
        streams: &Streams<'_>,
        output: &mut Output,
    ) {
        let mut ssrcs = [Ssrc(0); MAX_REMB_SSRCS];
        let mut count = 0;
        let own = self
            .producers
            .iter()
            .flat_map(|producer| streams.producers[*producer].streams());
        for (slot, stream) in ssrcs.iter_mut().zip(own) {
            *slot = stream.receive.params().ssrc;
            count += 1;
        }
        tracing::debug!(target: "tureen::bwe", transport = %self.id, bitrate, "the publisher is told its limit");
        let sender = self.rtcp.ssrc;
        self.egress.send_rtcp(now, output, |buffer| {
            let mut out = CompoundWriter::new(buffer);
            Remb::write(&mut out, sender, bitrate, &ssrcs[..count])?;
            Some(out.len())
        });
    }
}

/// Writes a stream's requests to its publisher; `None` if it has none.
fn write_requests(
    now: Instant,
    sender_ssrc: Ssrc,
    stream: &mut ProducerStream,
    asked: &mut Asked,
    buffer: &mut [u8],
) -> Option<usize> {
    let media_ssrc = stream.receive.params().ssrc;
    let mut out = CompoundWriter::new(buffer);
    match stream.take_key_frame_request() {
        Some(KeyFrameRequest::Pli) => {
            let pli = Pli {
                sender_ssrc,
                media_ssrc,
            };
            pli.write(&mut out)?;
            asked.plis += 1;
        }
        Some(KeyFrameRequest::Fir(sequence_number)) => {
            let entry = FirEntry {
                ssrc: media_ssrc,
                sequence_number,
            };
            Fir::write(&mut out, sender_ssrc, &[entry])?;
            asked.firs += 1;
        }
        None => {}
    }
    let mut lost = [0; MAX_NACKED];
    let count = stream.receive.take_due_nacks(now, &mut lost);
    if count > 0 {
        Nack::write(&mut out, sender_ssrc, media_ssrc, &lost[..count])?;
        asked.nacks += 1;
        asked.nacked_packets += count as u64;
    }
    Some(out.len())
}

/// Arrivals in one feedback packet.
const MAX_ARRIVALS: usize = 512;
const MAX_REMB_SSRCS: usize = 32;
/// How many sequence numbers one NACK may have. They fit one datagram even if no two share a pair.
const MAX_NACKED: usize = 256;
