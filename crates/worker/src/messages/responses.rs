//! Responses: dumps and statistics as plain data.

use super::metrics::WorkerMetrics;
use super::notifications::ConsumerScore;
use super::requests::ResourceUsage;
use crate::error::RequestError;
use crate::ids::Ssrc;
use crate::params::{
    ConsumerLayers, DtlsParameters, DtlsRole, DtlsState, IceCandidate, IceParameters, IceState,
    MediaKind, RtpEncodingParameters, RtpMapping, RtpParameters, RtpType, SrtpParameters, Tuple,
};

/// The answer to the request with the same id.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// The request's id.
    pub id: u32,
    /// What it asked for, or why not.
    pub result: Result<ResponseBody, RequestError>,
}

/// What a request is answered with.
#[derive(Clone, Debug, PartialEq)]
pub enum ResponseBody {
    /// Done; nothing more to say.
    None,
    /// To `WORKER_DUMP`.
    WorkerDump(WorkerDump),
    /// To `WORKER_GET_RESOURCE_USAGE`: what mediasoup tells, and what only we do.
    ResourceUsage(ResourceUsage, Box<WorkerMetrics>),
    /// To `WEBRTCSERVER_DUMP`.
    WebRtcServerDump(WebRtcServerDump),
    /// To `ROUTER_DUMP`.
    RouterDump(RouterDump),
    /// To `TRANSPORT_DUMP` and to the creation of a WebRTC transport.
    WebRtcTransportDump(Box<WebRtcTransportDump>),
    /// To `TRANSPORT_GET_STATS`.
    WebRtcTransportStats(Box<WebRtcTransportStats>),
    /// To `TRANSPORT_DUMP` and to the creation of a plain transport.
    PlainTransportDump(Box<PlainTransportDump>),
    /// To `TRANSPORT_GET_STATS`.
    PlainTransportStats(Box<PlainTransportStats>),
    /// To `TRANSPORT_DUMP` and to the creation of a direct transport.
    DirectTransportDump(Box<TransportDump>),
    /// To `TRANSPORT_GET_STATS`.
    DirectTransportStats(Box<TransportStats>),
    /// To `PLAINTRANSPORT_CONNECT`.
    PlainTransportConnect(Box<PlainConnected>),
    /// To `TRANSPORT_RESTART_ICE`.
    RestartIce(IceParameters),
    /// To `WEBRTCTRANSPORT_CONNECT`: the local role.
    WebRtcTransportConnect(DtlsRole),
    /// To `TRANSPORT_PRODUCE`.
    Produce(RtpType),
    /// To `TRANSPORT_CONSUME`.
    Consume(ConsumeResponse),
    /// To `PRODUCER_DUMP`.
    ProducerDump(Box<ProducerDump>),
    /// To `PRODUCER_GET_STATS`.
    ProducerStats(Vec<StreamStats>),
    /// To `CONSUMER_DUMP`.
    ConsumerDump(Box<ConsumerDump>),
    /// To `CONSUMER_GET_STATS`.
    ConsumerStats(Vec<StreamStats>),
    /// To `CONSUMER_SET_PREFERRED_LAYERS`.
    ConsumerSetPreferredLayers(Option<ConsumerLayers>),
    /// To `CONSUMER_SET_PRIORITY`.
    ConsumerSetPriority(u8),
}

/// The worker's own state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkerDump {
    /// The process.
    pub pid: u32,
    /// Its WebRTC servers.
    pub web_rtc_server_ids: Vec<String>,
    /// Its routers.
    pub router_ids: Vec<String>,
    /// Every entity that takes requests.
    pub request_handlers: Vec<String>,
    /// Every entity that takes notifications.
    pub notification_handlers: Vec<String>,
}

/// A WebRTC server's state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebRtcServerDump {
    /// Its id.
    pub id: String,
    /// Local IP and port of every UDP socket.
    pub udp_sockets: Vec<(String, u16)>,
    /// Local IP and port of every TCP listener.
    pub tcp_servers: Vec<(String, u16)>,
    /// Its transports.
    pub web_rtc_transport_ids: Vec<String>,
    /// Local username fragments and the transports they lead to.
    pub local_ice_username_fragments: Vec<(String, String)>,
}

/// A router's state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouterDump {
    /// Its id.
    pub id: String,
    /// Its transports.
    pub transport_ids: Vec<String>,
    /// Producers and their consumers.
    pub producer_consumers: Vec<(String, Vec<String>)>,
    /// Consumers and their producers.
    pub consumer_producers: Vec<(String, String)>,
}

/// What every transport shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransportDump {
    /// Its id.
    pub id: String,
    /// Whether it is a direct transport.
    pub direct: bool,
    /// Its producers.
    pub producer_ids: Vec<String>,
    /// Its consumers.
    pub consumer_ids: Vec<String>,
    /// Consumers by media SSRC.
    pub ssrc_consumers: Vec<(Ssrc, String)>,
    /// Consumers by RTX SSRC.
    pub rtx_ssrc_consumers: Vec<(Ssrc, String)>,
    /// Header extension ids on received packets: mid, rid, rrid, abs-send-time, transport-wide-cc.
    pub recv_mid: Option<u8>,
    /// See [`TransportDump::recv_mid`].
    pub recv_rid: Option<u8>,
    /// See [`TransportDump::recv_mid`].
    pub recv_rrid: Option<u8>,
    /// See [`TransportDump::recv_mid`].
    pub recv_abs_send_time: Option<u8>,
    /// See [`TransportDump::recv_mid`].
    pub recv_transport_wide_cc: Option<u8>,
    /// How incoming packets find their producer.
    pub rtp_listener: RtpListenerDump,
    /// Bytes.
    pub max_send_message_size: u32,
    /// Bytes.
    pub max_receive_message_size: u32,
}

/// How incoming packets find their producer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RtpListenerDump {
    /// By SSRC.
    pub ssrcs: Vec<(Ssrc, String)>,
    /// By MID.
    pub mids: Vec<(String, String)>,
    /// By RID, for producers without MID.
    pub rids: Vec<(String, String)>,
}

/// A WebRTC transport's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebRtcTransportDump {
    /// What every transport shows.
    pub base: TransportDump,
    /// Local credentials.
    pub ice_parameters: IceParameters,
    /// Local candidates.
    pub ice_candidates: Vec<IceCandidate>,
    /// ICE state.
    pub ice_state: IceState,
    /// The selected tuple.
    pub ice_selected_tuple: Option<Tuple>,
    /// Local fingerprints and role.
    pub dtls_parameters: DtlsParameters,
    /// DTLS state.
    pub dtls_state: DtlsState,
}

/// What every transport counts. Bit rates in bits per second.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TransportStats {
    /// Its id.
    pub transport_id: String,
    /// Monotonic milliseconds.
    pub timestamp: u64,
    /// All bytes received, ICE and DTLS included.
    pub bytes_received: u64,
    /// All bits received per second.
    pub recv_bitrate: u64,
    /// All bytes sent.
    pub bytes_sent: u64,
    /// All bits sent per second.
    pub send_bitrate: u64,
    /// RTP without retransmissions.
    pub rtp_bytes_received: u64,
    /// RTP without retransmissions.
    pub rtp_recv_bitrate: u64,
    /// RTP without retransmissions.
    pub rtp_bytes_sent: u64,
    /// RTP without retransmissions.
    pub rtp_send_bitrate: u64,
    /// Retransmissions.
    pub rtx_bytes_received: u64,
    /// Retransmissions.
    pub rtx_recv_bitrate: u64,
    /// Retransmissions.
    pub rtx_bytes_sent: u64,
    /// Retransmissions.
    pub rtx_send_bitrate: u64,
    /// What the publisher was last told it may send.
    pub available_incoming_bitrate: Option<u64>,
    /// The limit that was set.
    pub max_incoming_bitrate: Option<u64>,
    /// Fraction of packets lost towards us, 0–1.
    pub rtp_packet_loss_received: Option<f64>,
    /// Fraction of packets lost from us, 0–1.
    pub rtp_packet_loss_sent: Option<f64>,
}

/// A WebRTC transport's statistics.
#[derive(Clone, Debug, PartialEq)]
pub struct WebRtcTransportStats {
    /// What every transport counts.
    pub base: TransportStats,
    /// ICE state.
    pub ice_state: IceState,
    /// The selected tuple.
    pub ice_selected_tuple: Option<Tuple>,
    /// DTLS state.
    pub dtls_state: DtlsState,
}

/// A plain transport's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainTransportDump {
    /// What every transport shows.
    pub base: TransportDump,
    /// Whether RTP and RTCP share one port.
    pub rtcp_mux: bool,
    /// Whether the remote's address is learned.
    pub comedia: bool,
    /// The addresses of RTP; the remote's is missing until it is known.
    pub tuple: Tuple,
    /// The same of RTCP; `None` if they share a port.
    pub rtcp_tuple: Option<Tuple>,
    /// Our suite and key; `None` without SRTP.
    pub srtp_parameters: Option<SrtpParameters>,
}

/// A plain transport's statistics.
#[derive(Clone, Debug, PartialEq)]
pub struct PlainTransportStats {
    /// What every transport counts.
    pub base: TransportStats,
    /// Whether RTP and RTCP share one port.
    pub rtcp_mux: bool,
    /// Whether the remote's address is learned.
    pub comedia: bool,
    /// The addresses of RTP; the remote's is missing until it is known.
    pub tuple: Tuple,
    /// The same of RTCP; `None` if they share a port.
    pub rtcp_tuple: Option<Tuple>,
}

/// The answer to `PLAINTRANSPORT_CONNECT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainConnected {
    /// The addresses of RTP, once the remote's is known.
    pub tuple: Option<Tuple>,
    /// The same of RTCP, unless they share a port.
    pub rtcp_tuple: Option<Tuple>,
    /// Our suite and key; `None` without SRTP. The key is new if the suite has changed.
    pub srtp_parameters: Option<SrtpParameters>,
}

/// The answer to `TRANSPORT_CONSUME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumeResponse {
    /// Whether the consumer is paused.
    pub paused: bool,
    /// Whether its producer is.
    pub producer_paused: bool,
    /// Where the scores start.
    pub score: ConsumerScore,
    /// Layers in force, for consumers that have layers.
    pub preferred_layers: Option<ConsumerLayers>,
}

/// A producer's state.
#[derive(Clone, Debug, PartialEq)]
pub struct ProducerDump {
    /// Its id.
    pub id: String,
    /// Audio or video.
    pub kind: MediaKind,
    /// Simple, simulcast or SVC.
    pub rtp_type: RtpType,
    /// What is received.
    pub rtp_parameters: RtpParameters,
    /// How it appears to consumers.
    pub rtp_mapping: RtpMapping,
    /// Streams seen so far.
    pub rtp_streams: Vec<RtpStreamDump>,
    /// Whether it is paused.
    pub paused: bool,
}

/// A consumer's state.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsumerDump {
    /// Its id.
    pub id: String,
    /// Simple, simulcast, SVC or pipe.
    pub rtp_type: RtpType,
    /// Whom it consumes.
    pub producer_id: String,
    /// Audio or video.
    pub kind: MediaKind,
    /// What is sent.
    pub rtp_parameters: RtpParameters,
    /// The producer's encodings.
    pub consumable_rtp_encodings: Vec<RtpEncodingParameters>,
    /// Payload types that are forwarded.
    pub supported_codec_payload_types: Vec<u8>,
    /// Whether it is paused.
    pub paused: bool,
    /// Whether its producer is.
    pub producer_paused: bool,
    /// 1–255.
    pub priority: u8,
    /// Streams sent.
    pub rtp_streams: Vec<RtpStreamDump>,
}

/// One stream of a producer or a consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtpStreamDump {
    /// Which encoding.
    pub encoding_index: u32,
    /// The media SSRC.
    pub ssrc: Ssrc,
    /// The payload type.
    pub payload_type: u8,
    /// The codec.
    pub mime_type: String,
    /// Hz.
    pub clock_rate: u32,
    /// The RTP stream id.
    pub rid: Option<String>,
    /// The canonical name.
    pub cname: String,
    /// The RTX stream, if one is negotiated.
    pub rtx: Option<RtxStreamDump>,
    /// Whether NACK is negotiated.
    pub use_nack: bool,
    /// Whether PLI is negotiated.
    pub use_pli: bool,
    /// Whether FIR is negotiated.
    pub use_fir: bool,
    /// Whether Opus in-band FEC is negotiated.
    pub use_in_band_fec: bool,
    /// Whether DTX is negotiated.
    pub use_dtx: bool,
    /// Spatial layers of the stream.
    pub spatial_layers: u8,
    /// Temporal layers of the stream.
    pub temporal_layers: u8,
    /// 0–10.
    pub score: u8,
}

/// The RTX stream of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtxStreamDump {
    /// Its SSRC.
    pub ssrc: Ssrc,
    /// Its payload type.
    pub payload_type: u8,
    /// Its codec, such as `video/rtx`.
    pub mime_type: String,
    /// Hz.
    pub clock_rate: u32,
}

/// Statistics of one stream.
#[derive(Clone, Debug, PartialEq)]
pub enum StreamStats {
    /// Received from a publisher.
    Recv(RecvStreamStats),
    /// Sent to a subscriber.
    Send(SendStreamStats),
}

/// What both directions count.
#[derive(Clone, Debug, PartialEq)]
pub struct BaseStreamStats {
    /// Monotonic milliseconds.
    pub timestamp: u64,
    /// The media SSRC.
    pub ssrc: Ssrc,
    /// Audio or video.
    pub kind: MediaKind,
    /// The codec.
    pub mime_type: String,
    /// Cumulative loss (RFC 3550 §6.4.1).
    pub packets_lost: i32,
    /// Loss of the last interval in 256ths.
    pub fraction_lost: u8,
    /// RTP clock units.
    pub jitter: u32,
    /// Packets that could not be used.
    pub packets_discarded: u64,
    /// Retransmitted packets, sent or received.
    pub packets_retransmitted: u64,
    /// Lost packets that a retransmission brought.
    pub packets_repaired: u64,
    /// NACK messages.
    pub nack_count: u64,
    /// Packets that they named.
    pub nack_packet_count: u64,
    /// PLI messages.
    pub pli_count: u64,
    /// FIR messages.
    pub fir_count: u64,
    /// The RTP stream id.
    pub rid: Option<String>,
    /// The RTX SSRC.
    pub rtx_ssrc: Option<Ssrc>,
    /// Retransmissions that could not be used.
    pub rtx_packets_discarded: u64,
    /// Milliseconds; 0 until known.
    pub round_trip_time: f32,
    /// 0–10.
    pub score: u8,
}

/// Statistics of a received stream.
#[derive(Clone, Debug, PartialEq)]
pub struct RecvStreamStats {
    /// What both directions count.
    pub base: BaseStreamStats,
    /// Packets received.
    pub packet_count: u64,
    /// Bytes received.
    pub byte_count: u64,
    /// Bits per second.
    pub bitrate: u64,
}

/// Statistics of a sent stream.
#[derive(Clone, Debug, PartialEq)]
pub struct SendStreamStats {
    /// What both directions count.
    pub base: BaseStreamStats,
    /// Packets sent.
    pub packet_count: u64,
    /// Bytes sent.
    pub byte_count: u64,
    /// Bits per second.
    pub bitrate: u64,
}
