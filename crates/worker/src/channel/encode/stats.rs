//! Statistics of transports and streams.

use tureen_channel_fbs::fbs::rtp_stream as fbs;
use tureen_channel_fbs::fbs::transport::{Stats, StatsArgs};
use tureen_channel_fbs::fbs::web_rtc_transport::{GetStatsResponse, GetStatsResponseArgs, IceRole};
use tureen_channel_fbs::flatbuffers::WIPOffset;

use super::rtp::media_kind;
use super::transport::{dtls_state, ice_state, tuple};
use super::{Builder, Offset, Tables};
use crate::messages::{BaseStreamStats, StreamStats, TransportStats, WebRtcTransportStats};

pub(super) fn transport(
    fbb: &mut Builder,
    stats: &WebRtcTransportStats,
) -> Offset<GetStatsResponse<'static>> {
    let args = GetStatsResponseArgs {
        base: Some(base(fbb, &stats.base)),
        ice_role: IceRole::CONTROLLED,
        ice_state: ice_state(stats.ice_state),
        ice_selected_tuple: stats.ice_selected_tuple.as_ref().map(|t| tuple(fbb, t)),
        dtls_state: dtls_state(stats.dtls_state),
    };
    GetStatsResponse::create(fbb, &args)
}

/// What transports of all kinds count.
pub(super) fn base(fbb: &mut Builder, stats: &TransportStats) -> Offset<Stats<'static>> {
    let args = StatsArgs {
        transport_id: Some(fbb.create_string(&stats.transport_id)),
        timestamp: stats.timestamp,
        sctp_state: None,
        bytes_received: stats.bytes_received,
        recv_bitrate: stats.recv_bitrate,
        bytes_sent: stats.bytes_sent,
        send_bitrate: stats.send_bitrate,
        rtp_bytes_received: stats.rtp_bytes_received,
        rtp_recv_bitrate: stats.rtp_recv_bitrate,
        rtp_bytes_sent: stats.rtp_bytes_sent,
        rtp_send_bitrate: stats.rtp_send_bitrate,
        rtx_bytes_received: stats.rtx_bytes_received,
        rtx_recv_bitrate: stats.rtx_recv_bitrate,
        rtx_bytes_sent: stats.rtx_bytes_sent,
        rtx_send_bitrate: stats.rtx_send_bitrate,
        probation_bytes_sent: 0,
        probation_send_bitrate: 0,
        available_outgoing_bitrate: None,
        available_incoming_bitrate: stats.available_incoming_bitrate,
        max_incoming_bitrate: stats.max_incoming_bitrate,
        max_outgoing_bitrate: None,
        min_outgoing_bitrate: None,
        rtp_packet_loss_received: stats.rtp_packet_loss_received,
        rtp_packet_loss_sent: stats.rtp_packet_loss_sent,
    };
    Stats::create(fbb, &args)
}

pub(super) fn streams(fbb: &mut Builder, streams: &[StreamStats]) -> Tables<fbs::Stats<'static>> {
    let streams: Vec<_> = streams.iter().map(|stats| stream(fbb, stats)).collect();
    fbb.create_vector(&streams)
}

fn stream(fbb: &mut Builder, stats: &StreamStats) -> Offset<fbs::Stats<'static>> {
    let (data_type, data) = match stats {
        StreamStats::Recv(stats) => {
            let args = fbs::RecvStatsArgs {
                base: Some(stream_base(fbb, &stats.base)),
                packet_count: stats.packet_count,
                byte_count: stats.byte_count,
                bitrate: stats.bitrate,
                bitrate_by_layer: Some(fbb.create_vector::<WIPOffset<_>>(&[])),
            };
            let table = fbs::RecvStats::create(fbb, &args);
            (fbs::StatsData::RecvStats, table.as_union_value())
        }
        StreamStats::Send(stats) => {
            let args = fbs::SendStatsArgs {
                base: Some(stream_base(fbb, &stats.base)),
                packet_count: stats.packet_count,
                byte_count: stats.byte_count,
                bitrate: stats.bitrate,
            };
            let table = fbs::SendStats::create(fbb, &args);
            (fbs::StatsData::SendStats, table.as_union_value())
        }
    };
    fbs::Stats::create(
        fbb,
        &fbs::StatsArgs {
            data_type,
            data: Some(data),
        },
    )
}

fn stream_base(fbb: &mut Builder, stats: &BaseStreamStats) -> Offset<fbs::Stats<'static>> {
    let args = fbs::BaseStatsArgs {
        timestamp: stats.timestamp,
        ssrc: stats.ssrc.0,
        kind: media_kind(stats.kind),
        mime_type: Some(fbb.create_string(&stats.mime_type)),
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
        rid: stats.rid.as_ref().map(|rid| fbb.create_string(rid)),
        rtx_ssrc: stats.rtx_ssrc.map(|ssrc| ssrc.0),
        rtx_packets_discarded: stats.rtx_packets_discarded,
        round_trip_time: stats.round_trip_time,
        score: stats.score,
    };
    let data = fbs::BaseStats::create(fbb, &args).as_union_value();
    let data_type = fbs::StatsData::BaseStats;
    fbs::Stats::create(
        fbb,
        &fbs::StatsArgs {
            data_type,
            data: Some(data),
        },
    )
}
