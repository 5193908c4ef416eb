//! What any kind of transport counts.

use serde::Serialize;
use tureen_channel_fbs::fbs::transport;

use crate::ids::TransportId;

/// Statistics that every kind of transport has. Bitrates are those of the last second, in bit/s.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TransportStats {
    /// The transport.
    pub transport_id: TransportId,
    /// When they were taken: milliseconds of the worker's monotonic clock.
    pub timestamp: u64,
    /// Bytes received, of everything.
    pub bytes_received: u64,
    /// Bitrate received, of everything.
    pub recv_bitrate: u64,
    /// Bytes sent, of everything.
    pub bytes_sent: u64,
    /// Bitrate sent, of everything.
    pub send_bitrate: u64,
    /// Bytes of media received.
    pub rtp_bytes_received: u64,
    /// Bitrate of media received.
    pub rtp_recv_bitrate: u64,
    /// Bytes of media sent.
    pub rtp_bytes_sent: u64,
    /// Bitrate of media sent.
    pub rtp_send_bitrate: u64,
    /// Bytes of retransmissions received.
    pub rtx_bytes_received: u64,
    /// Bitrate of retransmissions received.
    pub rtx_recv_bitrate: u64,
    /// Bytes of retransmissions sent.
    pub rtx_bytes_sent: u64,
    /// Bitrate of retransmissions sent.
    pub rtx_send_bitrate: u64,
    /// Bytes sent to probe the path.
    pub probation_bytes_sent: u64,
    /// Bitrate sent to probe the path.
    pub probation_send_bitrate: u64,
    /// Estimate of what the path to the endpoint carries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available_outgoing_bitrate: Option<u64>,
    /// Estimate of what the path from the endpoint carries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available_incoming_bitrate: Option<u64>,
    /// Limit set for what the endpoint sends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_incoming_bitrate: Option<u64>,
    /// Upper limit set for what is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_outgoing_bitrate: Option<u64>,
    /// Lower limit set for what is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_outgoing_bitrate: Option<u64>,
    /// Share of packets lost on the way here, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtp_packet_loss_received: Option<f64>,
    /// Share of packets lost on the way to the endpoint, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtp_packet_loss_sent: Option<f64>,
}

pub(crate) fn read_transport_stats(stats: transport::Stats<'_>) -> TransportStats {
    TransportStats {
        transport_id: stats.transport_id().into(),
        timestamp: stats.timestamp(),
        bytes_received: stats.bytes_received(),
        recv_bitrate: stats.recv_bitrate(),
        bytes_sent: stats.bytes_sent(),
        send_bitrate: stats.send_bitrate(),
        rtp_bytes_received: stats.rtp_bytes_received(),
        rtp_recv_bitrate: stats.rtp_recv_bitrate(),
        rtp_bytes_sent: stats.rtp_bytes_sent(),
        rtp_send_bitrate: stats.rtp_send_bitrate(),
        rtx_bytes_received: stats.rtx_bytes_received(),
        rtx_recv_bitrate: stats.rtx_recv_bitrate(),
        rtx_bytes_sent: stats.rtx_bytes_sent(),
        rtx_send_bitrate: stats.rtx_send_bitrate(),
        probation_bytes_sent: stats.probation_bytes_sent(),
        probation_send_bitrate: stats.probation_send_bitrate(),
        available_outgoing_bitrate: stats.available_outgoing_bitrate(),
        available_incoming_bitrate: stats.available_incoming_bitrate(),
        max_incoming_bitrate: stats.max_incoming_bitrate(),
        max_outgoing_bitrate: stats.max_outgoing_bitrate(),
        min_outgoing_bitrate: stats.min_outgoing_bitrate(),
        rtp_packet_loss_received: stats.rtp_packet_loss_received(),
        rtp_packet_loss_sent: stats.rtp_packet_loss_sent(),
    }
}
