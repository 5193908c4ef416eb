//! Statistics of RTP streams.

use std::collections::BTreeMap;

use serde::Serialize;
use tureen_channel_fbs::fbs::{rtp_stream as fbs, rtx_stream};
use tureen_channel_fbs::flatbuffers::{ForwardsUOffset, Vector};

use crate::encoding::read_media_kind;
use crate::rtp::{MediaKind, MimeType, PayloadType, Ssrc};

/// Statistics of one RTP stream. Counters never go down while the stream lives.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RtpStreamStats {
    /// Whether the worker receives or sends it.
    #[serde(rename = "type")]
    pub direction: RtpStreamDirection,
    /// When they were taken: milliseconds of the worker's monotonic clock.
    pub timestamp: u64,
    /// SSRC of the media.
    pub ssrc: Ssrc,
    /// SSRC of the retransmissions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtx_ssrc: Option<Ssrc>,
    /// RID, for simulcast.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rid: Option<String>,
    /// Audio or video.
    pub kind: MediaKind,
    /// Media type of the codec.
    pub mime_type: MimeType,
    /// Packets lost, counted as RFC 3550 says: many duplicates make it negative.
    pub packets_lost: i32,
    /// Share of packets lost lately, in 1/256.
    pub fraction_lost: u8,
    /// Interarrival jitter in RTP clock ticks (RFC 3550 §6.4.1).
    pub jitter: u32,
    /// Packets thrown away.
    pub packets_discarded: u64,
    /// Packets sent again.
    pub packets_retransmitted: u64,
    /// Packets that a retransmission brought.
    pub packets_repaired: u64,
    /// NACK messages.
    pub nack_count: u64,
    /// Packets that NACK messages asked for.
    pub nack_packet_count: u64,
    /// PLI messages.
    pub pli_count: u64,
    /// FIR messages.
    pub fir_count: u64,
    /// Retransmissions thrown away.
    pub rtx_packets_discarded: u64,
    /// Round trip time in milliseconds; 0 before it is known.
    pub round_trip_time: f32,
    /// Quality of the transmission, 0 (none) to 10.
    pub score: u8,
    /// Packets.
    pub packet_count: u64,
    /// Bytes.
    pub byte_count: u64,
    /// Bitrate of the last second, in bit/s.
    pub bitrate: u64,
    /// Bitrate by `spatial.temporal` layer, of streams the worker receives.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub bitrate_by_layer: BTreeMap<String, u64>,
}

/// Which way an RTP stream goes, seen from the worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum RtpStreamDirection {
    /// From an endpoint.
    #[serde(rename = "inbound-rtp")]
    Inbound,
    /// To an endpoint.
    #[serde(rename = "outbound-rtp")]
    Outbound,
}

/// An RTP stream as the worker holds it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RtpStreamDump {
    /// Position of its encoding.
    pub encoding_idx: u32,
    /// SSRC of the media.
    pub ssrc: Ssrc,
    /// Payload type.
    pub payload_type: PayloadType,
    /// Media type of the codec.
    pub mime_type: MimeType,
    /// Clock rate in Hz.
    pub clock_rate: u32,
    /// RID, for simulcast.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rid: Option<String>,
    /// Canonical name.
    pub cname: String,
    /// SSRC of the retransmissions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtx_ssrc: Option<Ssrc>,
    /// Payload type of the retransmissions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtx_payload_type: Option<PayloadType>,
    /// Whether NACK is in use.
    pub use_nack: bool,
    /// Whether PLI is in use.
    pub use_pli: bool,
    /// Whether FIR is in use.
    pub use_fir: bool,
    /// Whether Opus carries in-band forward error correction.
    pub use_in_band_fec: bool,
    /// Whether transmission may stop in silence.
    pub use_dtx: bool,
    /// Number of spatial layers.
    pub spatial_layers: u8,
    /// Number of temporal layers.
    pub temporal_layers: u8,
    /// Quality of the transmission, 0 (none) to 10.
    pub score: u8,
    /// The retransmission stream, once there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtx_stream: Option<RtxStreamDump>,
}

/// A retransmission stream as the worker holds it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RtxStreamDump {
    /// SSRC.
    pub ssrc: Ssrc,
    /// Payload type.
    pub payload_type: PayloadType,
    /// Media type.
    pub mime_type: MimeType,
    /// Clock rate in Hz.
    pub clock_rate: u32,
    /// RID of the repaired stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rrid: Option<String>,
    /// Canonical name.
    pub cname: String,
}

pub(crate) fn read_rtp_stream_stats(
    stats: Vector<'_, ForwardsUOffset<fbs::Stats<'_>>>,
) -> Option<Vec<RtpStreamStats>> {
    stats.iter().map(rtp_stream_stats).collect()
}

pub(crate) fn read_rtp_streams(
    streams: Vector<'_, ForwardsUOffset<fbs::Dump<'_>>>,
) -> Option<Vec<RtpStreamDump>> {
    streams.iter().map(rtp_stream_dump).collect()
}

fn rtp_stream_stats(stats: fbs::Stats<'_>) -> Option<RtpStreamStats> {
    if let Some(received) = stats.data_as_recv_stats() {
        let by_layer = received.bitrate_by_layer().iter();
        return Some(RtpStreamStats {
            packet_count: received.packet_count(),
            byte_count: received.byte_count(),
            bitrate: received.bitrate(),
            bitrate_by_layer: by_layer
                .map(|entry| (entry.layer().to_owned(), entry.bitrate()))
                .collect(),
            ..base_stats(received.base(), RtpStreamDirection::Inbound)?
        });
    }
    let sent = stats.data_as_send_stats()?;
    Some(RtpStreamStats {
        packet_count: sent.packet_count(),
        byte_count: sent.byte_count(),
        bitrate: sent.bitrate(),
        ..base_stats(sent.base(), RtpStreamDirection::Outbound)?
    })
}

fn base_stats(stats: fbs::Stats<'_>, direction: RtpStreamDirection) -> Option<RtpStreamStats> {
    let base = stats.data_as_base_stats()?;
    Some(RtpStreamStats {
        direction,
        timestamp: base.timestamp(),
        ssrc: Ssrc(base.ssrc()),
        rtx_ssrc: base.rtx_ssrc().map(Ssrc),
        rid: base.rid().map(str::to_owned),
        kind: read_media_kind(base.kind())?,
        mime_type: MimeType::parse(base.mime_type()).ok()?,
        packets_lost: base.packets_lost(),
        fraction_lost: base.fraction_lost(),
        jitter: base.jitter(),
        packets_discarded: base.packets_discarded(),
        packets_retransmitted: base.packets_retransmitted(),
        packets_repaired: base.packets_repaired(),
        nack_count: base.nack_count(),
        nack_packet_count: base.nack_packet_count(),
        pli_count: base.pli_count(),
        fir_count: base.fir_count(),
        rtx_packets_discarded: base.rtx_packets_discarded(),
        round_trip_time: base.round_trip_time(),
        score: base.score(),
        packet_count: 0,
        byte_count: 0,
        bitrate: 0,
        bitrate_by_layer: BTreeMap::new(),
    })
}

fn rtp_stream_dump(dump: fbs::Dump<'_>) -> Option<RtpStreamDump> {
    let params = dump.params();
    let rtx_payload_type = params.rtx_payload_type().map(PayloadType::try_from);
    let rtx_stream = dump.rtx_stream().map(rtx_stream_dump);
    Some(RtpStreamDump {
        encoding_idx: params.encoding_idx(),
        ssrc: Ssrc(params.ssrc()),
        payload_type: params.payload_type().try_into().ok()?,
        mime_type: MimeType::parse(params.mime_type()).ok()?,
        clock_rate: params.clock_rate(),
        rid: params.rid().map(str::to_owned),
        cname: params.cname().to_owned(),
        rtx_ssrc: params.rtx_ssrc().map(Ssrc),
        rtx_payload_type: rtx_payload_type.transpose().ok()?,
        use_nack: params.use_nack(),
        use_pli: params.use_pli(),
        use_fir: params.use_fir(),
        use_in_band_fec: params.use_in_band_fec(),
        use_dtx: params.use_dtx(),
        spatial_layers: params.spatial_layers(),
        temporal_layers: params.temporal_layers(),
        score: dump.score(),
        rtx_stream: match rtx_stream {
            None => None,
            Some(read) => Some(read?),
        },
    })
}

fn rtx_stream_dump(dump: rtx_stream::RtxDump<'_>) -> Option<RtxStreamDump> {
    let params = dump.params();
    Some(RtxStreamDump {
        ssrc: Ssrc(params.ssrc()),
        payload_type: params.payload_type().try_into().ok()?,
        mime_type: MimeType::parse(params.mime_type()).ok()?,
        clock_rate: params.clock_rate(),
        rrid: params.rrid().map(str::to_owned),
        cname: params.cname().to_owned(),
    })
}
