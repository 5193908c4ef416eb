//! A consumer's dump, scores and statistics.

use super::{Consumer, Outgoing};
use crate::messages::{
    BaseStreamStats, ConsumerDump, ConsumerScore, RtpStreamDump, RtxStreamDump, SendStreamStats,
};
use crate::params::{RtpType, is_media};
use crate::producer::{Feedback, Producer};
use crate::time::Instant;

impl Consumer {
    pub(crate) fn dump(&self, producer_id: String) -> ConsumerDump {
        ConsumerDump {
            id: self.id.clone(),
            rtp_type: RtpType::Simple,
            producer_id,
            kind: self.kind,
            rtp_parameters: self.parameters.clone(),
            consumable_rtp_encodings: self.consumable_encodings.clone(),
            supported_codec_payload_types: self.media_payload_types(),
            paused: self.paused,
            producer_paused: self.producer_paused,
            priority: self.priority,
            rtp_streams: self
                .outgoing
                .iter()
                .enumerate()
                .map(|(index, one)| self.dump_stream(index, one))
                .collect(),
        }
    }

    /// Of its own parameters, from the lowest.
    fn media_payload_types(&self) -> Vec<u8> {
        let media = self.parameters.codecs.iter().filter(|one| is_media(one));
        let mut payload_types: Vec<u8> = media.map(|codec| codec.payload_type).collect();
        payload_types.sort_unstable();
        payload_types
    }

    fn dump_stream(&self, index: usize, outgoing: &Outgoing) -> RtpStreamDump {
        let params = outgoing.stream.params();
        let codec = &self.parameters.codecs[self.codec];
        let feedback = Feedback::new(&self.parameters, self.codec, index);
        RtpStreamDump {
            encoding_index: u32::try_from(index).unwrap_or(u32::MAX),
            ssrc: params.ssrc,
            payload_type: codec.payload_type,
            mime_type: codec.mime_type.clone(),
            clock_rate: params.clock_rate,
            rid: None,
            cname: self.cname().to_owned(),
            rtx: params.rtx.map(|(ssrc, payload_type)| RtxStreamDump {
                ssrc,
                payload_type: payload_type.0,
                mime_type: format!("{}/rtx", self.kind.as_str()),
                clock_rate: params.clock_rate,
            }),
            use_nack: feedback.nack,
            use_pli: feedback.pli,
            use_fir: feedback.fir,
            use_in_band_fec: feedback.in_band_fec,
            use_dtx: feedback.dtx,
            spatial_layers: 1,
            temporal_layers: 1,
            score: outgoing.stream.score(),
        }
    }

    /// The statistics of every stream that it sends.
    pub(crate) fn stats(&self, now: Instant) -> impl Iterator<Item = SendStreamStats> {
        self.outgoing
            .iter()
            .map(move |one| self.stream_stats(now, one))
    }

    fn stream_stats(&self, now: Instant, outgoing: &Outgoing) -> SendStreamStats {
        let (params, stats) = (outgoing.stream.params(), outgoing.stream.stats(now));
        SendStreamStats {
            base: BaseStreamStats {
                timestamp: now.as_millis(),
                ssrc: params.ssrc,
                kind: self.kind,
                mime_type: self.parameters.codecs[self.codec].mime_type.clone(),
                packets_lost: stats.packets_lost,
                fraction_lost: stats.fraction_lost,
                jitter: stats.jitter,
                packets_discarded: 0,
                packets_retransmitted: stats.packets_retransmitted,
                packets_repaired: stats.packets_repaired,
                nack_count: stats.nack_count,
                nack_packet_count: stats.nack_packet_count,
                pli_count: stats.pli_count,
                fir_count: stats.fir_count,
                rid: None,
                rtx_ssrc: params.rtx.map(|(ssrc, _)| ssrc),
                rtx_packets_discarded: 0,
                round_trip_time: stats.round_trip_time_ms,
                score: stats.score,
            },
            packet_count: stats.packet_count,
            byte_count: stats.byte_count,
            bitrate: stats.bitrate,
        }
    }

    /// The peer's last reported losses in 256ths, one for each outgoing stream.
    pub(crate) fn fractions_lost(&self, now: Instant) -> impl Iterator<Item = u8> {
        self.outgoing
            .iter()
            .map(move |one| one.stream.stats(now).fraction_lost)
    }

    /// The score now. docs/channel.md §7: a simple consumer starts with {10, 0, [0 per producer
    /// encoding]}.
    pub(crate) fn score(&self, producer: &Producer) -> ConsumerScore {
        let scores = self.outgoing.iter().map(|one| one.stream.score());
        let producers = self
            .outgoing
            .iter()
            .map(|one| producer.score_of(one.mapped_ssrc));
        ConsumerScore {
            score: scores.max().unwrap_or(0),
            producer_score: producers.max().unwrap_or(0),
            producer_scores: producer.encoding_scores(),
        }
    }

    /// The score now, if it is not what was told last.
    pub(crate) fn take_changed_score(&mut self, producer: &Producer) -> Option<ConsumerScore> {
        let score = self.score(producer);
        if self.told_score.as_ref() == Some(&score) {
            return None;
        }
        self.told_score = Some(score.clone());
        Some(score)
    }
}
