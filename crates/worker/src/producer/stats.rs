//! A producer's dump and statistics.

use super::{Producer, ProducerStream};
use crate::ids::Ssrc;
use crate::messages::{
    BaseStreamStats, ProducerDump, ProducerScore, RecvStreamStats, RtpStreamDump, RtxStreamDump,
    StreamStats,
};
use crate::time::Instant;

impl Producer {
    pub(crate) fn dump(&self) -> ProducerDump {
        ProducerDump {
            id: self.id.clone(),
            kind: self.kind,
            rtp_type: self.rtp_type(),
            rtp_parameters: self.parameters.clone(),
            rtp_mapping: self.mapping.clone(),
            rtp_streams: self
                .streams
                .iter()
                .map(|stream| self.dump_stream(stream))
                .collect(),
            paused: self.paused,
        }
    }

    fn dump_stream(&self, stream: &ProducerStream) -> RtpStreamDump {
        let params = stream.receive.params();
        let codec = &self.parameters.codecs[stream.codec.index];
        RtpStreamDump {
            encoding_index: u32::try_from(stream.encoding).unwrap_or(u32::MAX),
            ssrc: params.ssrc,
            payload_type: params.payload_type.0,
            mime_type: codec.mime_type.clone(),
            clock_rate: params.clock_rate,
            rid: self.parameters.encodings[stream.encoding].rid.clone(),
            cname: self.parameters.rtcp.cname.clone().unwrap_or_default(),
            rtx: params.rtx.map(|(ssrc, payload_type)| RtxStreamDump {
                ssrc,
                payload_type: payload_type.0,
                mime_type: format!("{}/rtx", self.kind.as_str()),
                clock_rate: params.clock_rate,
            }),
            use_nack: stream.feedback.nack,
            use_pli: stream.feedback.pli,
            use_fir: stream.feedback.fir,
            use_in_band_fec: stream.feedback.in_band_fec,
            use_dtx: stream.feedback.dtx,
            spatial_layers: 1,
            temporal_layers: 1,
            score: stream.receive.score(),
        }
    }

    /// One entry per stream seen.
    pub(crate) fn stats(&self, now: Instant) -> Vec<StreamStats> {
        self.streams
            .iter()
            .map(|stream| StreamStats::Recv(self.stream_stats(now, stream)))
            .collect()
    }

    fn stream_stats(&self, now: Instant, stream: &ProducerStream) -> RecvStreamStats {
        let (params, stats) = (stream.receive.params(), stream.receive.stats(now));
        RecvStreamStats {
            base: BaseStreamStats {
                timestamp: now.as_millis(),
                ssrc: params.ssrc,
                kind: self.kind,
                mime_type: self.parameters.codecs[stream.codec.index].mime_type.clone(),
                packets_lost: stats.packets_lost,
                fraction_lost: stats.fraction_lost,
                jitter: stats.jitter,
                packets_discarded: stats.packets_discarded,
                packets_retransmitted: stats.packets_retransmitted,
                packets_repaired: stats.packets_repaired,
                nack_count: stats.nack_count,
                nack_packet_count: stats.nack_packet_count,
                pli_count: stats.pli_count,
                fir_count: stats.fir_count,
                rid: self.parameters.encodings[stream.encoding].rid.clone(),
                rtx_ssrc: params.rtx.map(|(ssrc, _)| ssrc),
                rtx_packets_discarded: stats.rtx_packets_discarded,
                round_trip_time: stats.round_trip_time_ms,
                score: stats.score,
            },
            packet_count: stats.packet_count,
            byte_count: stats.byte_count,
            bitrate: stats.bitrate,
        }
    }

    /// The scores of the streams seen.
    pub(crate) fn scores(&self) -> Vec<ProducerScore> {
        self.streams
            .iter()
            .map(|stream| ProducerScore {
                encoding_index: u32::try_from(stream.encoding).unwrap_or(u32::MAX),
                ssrc: stream.receive.params().ssrc,
                rid: self.parameters.encodings[stream.encoding].rid.clone(),
                score: stream.receive.score(),
            })
            .collect()
    }

    /// By encoding: the score of its stream, 0 while there is none.
    pub(crate) fn encoding_scores(&self) -> Vec<u8> {
        (0..self.parameters.encodings.len())
            .map(|encoding| {
                let stream = self
                    .streams
                    .iter()
                    .find(|stream| stream.encoding == encoding);
                stream.map_or(0, |stream| stream.receive.score())
            })
            .collect()
    }

    /// The score of the stream with this mapped SSRC; 0 while there is none.
    pub(crate) fn score_of(&self, mapped_ssrc: Ssrc) -> u8 {
        self.stream_of(mapped_ssrc)
            .map_or(0, |stream| stream.receive.score())
    }

    /// The last reported loss of each stream, in 256ths.
    pub(crate) fn fractions_lost(&self, now: Instant) -> impl Iterator<Item = u8> {
        self.streams
            .iter()
            .map(move |stream| stream.receive.stats(now).fraction_lost)
    }
}
