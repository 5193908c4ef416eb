//! What comes in: requests, and notifications beside them.

use super::incoming::IncomingNotification;
use super::metrics::ProcessUsage;
use crate::error::RequestError;
use crate::params::{
    ConsumerLayers, DtlsParameters, ListenInfo, MediaKind, RtpEncodingParameters, RtpMapping,
    RtpParameters, RtpType, SrtpCryptoSuite, SrtpParameters,
};

/// One message from the controller.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Answered by exactly one [`Response`](super::Response).
    Request(Request),
    /// Not answered.
    Notification(IncomingNotification),
}

/// A request (docs/channel.md §5).
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Chosen by the controller, echoed in the response.
    pub id: u32,
    /// The name of the method, for logs and errors.
    pub method: &'static str,
    /// The entity that is asked.
    pub handler_id: String,
    /// What is asked.
    pub body: RequestBody,
}

/// What a request asks, one variant per method.
#[derive(Clone, Debug, PartialEq)]
pub enum RequestBody {
    /// `WORKER_DUMP`.
    WorkerDump,
    /// `WORKER_GET_RESOURCE_USAGE`, with the figures that the shell read when it came in.
    WorkerGetResourceUsage(Box<ProcessUsage>),
    /// `WORKER_UPDATE_SETTINGS`.
    WorkerUpdateSettings {
        /// `debug`, `warn`, `error` or `none`.
        log_level: Option<String>,
        /// Replaces the enabled tags.
        log_tags: Option<Vec<String>>,
    },
    /// `WORKER_CREATE_WEBRTCSERVER`.
    WorkerCreateWebRtcServer {
        /// The new server's id.
        web_rtc_server_id: String,
        /// Where it listens.
        listen_infos: Vec<ListenInfo>,
    },
    /// `WORKER_CREATE_ROUTER`.
    WorkerCreateRouter {
        /// The new router's id.
        router_id: String,
    },
    /// `WORKER_WEBRTCSERVER_CLOSE`.
    WorkerCloseWebRtcServer {
        /// Which.
        web_rtc_server_id: String,
    },
    /// `WORKER_CLOSE_ROUTER`.
    WorkerCloseRouter {
        /// Which.
        router_id: String,
    },
    /// `WEBRTCSERVER_DUMP`.
    WebRtcServerDump,
    /// `ROUTER_DUMP`.
    RouterDump,
    /// `ROUTER_CREATE_WEBRTCTRANSPORT` and `ROUTER_CREATE_WEBRTCTRANSPORT_WITH_SERVER`.
    RouterCreateWebRtcTransport(Box<CreateWebRtcTransport>),
    /// `ROUTER_CREATE_PLAINTRANSPORT`.
    RouterCreatePlainTransport(Box<CreatePlainTransport>),
    /// `ROUTER_CREATE_DIRECTTRANSPORT`.
    RouterCreateDirectTransport(Box<CreateDirectTransport>),
    /// `ROUTER_CLOSE_TRANSPORT`.
    RouterCloseTransport {
        /// Which.
        transport_id: String,
    },
    /// `TRANSPORT_DUMP`.
    TransportDump,
    /// `TRANSPORT_GET_STATS`.
    TransportGetStats,
    /// `TRANSPORT_SET_MAX_INCOMING_BITRATE`, in bits per second.
    TransportSetMaxIncomingBitrate(u64),
    /// `TRANSPORT_RESTART_ICE`.
    TransportRestartIce,
    /// `WEBRTCTRANSPORT_CONNECT`.
    WebRtcTransportConnect(DtlsParameters),
    /// `PLAINTRANSPORT_CONNECT`.
    PlainTransportConnect(Box<PlainConnect>),
    /// `TRANSPORT_PRODUCE`.
    TransportProduce(Box<Produce>),
    /// `TRANSPORT_CONSUME`.
    TransportConsume(Box<Consume>),
    /// `TRANSPORT_CLOSE_PRODUCER`.
    TransportCloseProducer {
        /// Which.
        producer_id: String,
    },
    /// `TRANSPORT_CLOSE_CONSUMER`.
    TransportCloseConsumer {
        /// Which.
        consumer_id: String,
    },
    /// `PRODUCER_DUMP`.
    ProducerDump,
    /// `PRODUCER_GET_STATS`.
    ProducerGetStats,
    /// `PRODUCER_PAUSE`.
    ProducerPause,
    /// `PRODUCER_RESUME`.
    ProducerResume,
    /// `CONSUMER_DUMP`.
    ConsumerDump,
    /// `CONSUMER_GET_STATS`.
    ConsumerGetStats,
    /// `CONSUMER_PAUSE`.
    ConsumerPause,
    /// `CONSUMER_RESUME`.
    ConsumerResume,
    /// `CONSUMER_SET_PREFERRED_LAYERS`.
    ConsumerSetPreferredLayers(ConsumerLayers),
    /// `CONSUMER_SET_PRIORITY`, 1–255.
    ConsumerSetPriority(u8),
    /// `CONSUMER_REQUEST_KEY_FRAME`.
    ConsumerRequestKeyFrame,
    /// A method of the contract that this worker does not support.
    Unsupported,
    /// A method that is not in the contract, by its number.
    Unknown(u8),
    /// The body does not fit the method, or it breaks a rule that concerns no entity.
    Malformed(RequestError),
}

/// What `getrusage` says of the process; times in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields are those of getrusage(2), by their own names"
)]
pub struct ResourceUsage {
    pub utime: u64,
    pub stime: u64,
    pub maxrss: u64,
    pub ixrss: u64,
    pub idrss: u64,
    pub isrss: u64,
    pub minflt: u64,
    pub majflt: u64,
    pub nswap: u64,
    pub inblock: u64,
    pub oublock: u64,
    pub msgsnd: u64,
    pub msgrcv: u64,
    pub nsignals: u64,
    pub nvcsw: u64,
    pub nivcsw: u64,
}

/// The body of `ROUTER_CREATE_WEBRTCTRANSPORT` and its variant with a server.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateWebRtcTransport {
    /// The new transport's id.
    pub transport_id: String,
    /// What all transports have.
    pub base: TransportOptions,
    /// Where it listens.
    pub listen: Listen,
    /// Offer UDP candidates of the server.
    pub enable_udp: bool,
    /// Offer TCP candidates of the server.
    pub enable_tcp: bool,
    /// Prefer UDP candidates of the server.
    pub prefer_udp: bool,
    /// Prefer TCP candidates of the server.
    pub prefer_tcp: bool,
    /// Seconds; 0 is off, else 10–60.
    pub ice_consent_timeout: u8,
}

/// The body of `ROUTER_CREATE_PLAINTRANSPORT`.
#[derive(Clone, Debug, PartialEq)]
pub struct CreatePlainTransport {
    /// The new transport's id.
    pub transport_id: String,
    /// What all transports have.
    pub base: TransportOptions,
    /// Where it listens for RTP, and for RTCP if `rtcp_mux`.
    pub listen_info: ListenInfo,
    /// Where it listens for RTCP otherwise; `None` for a port of its own beside that of RTP.
    pub rtcp_listen_info: Option<ListenInfo>,
    /// Whether RTP and RTCP share one port (RFC 5761).
    pub rtcp_mux: bool,
    /// Whether the remote's address is learned from its first valid packet.
    pub comedia: bool,
    /// Our suite; `None` for packets without protection.
    pub srtp_crypto_suite: Option<SrtpCryptoSuite>,
}

/// The body of `ROUTER_CREATE_DIRECTTRANSPORT`.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateDirectTransport {
    /// The new transport's id.
    pub transport_id: String,
    /// What all transports have.
    pub base: TransportOptions,
}

/// The body of `PLAINTRANSPORT_CONNECT`: the remote's side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlainConnect {
    /// Its IP; without effect with comedia, as the ports are.
    pub ip: Option<String>,
    /// Its port for RTP.
    pub port: Option<u16>,
    /// Its port for RTCP.
    pub rtcp_port: Option<u16>,
    /// Its suite and key.
    pub srtp_parameters: Option<SrtpParameters>,
}

/// Whose sockets a WebRTC transport uses.
#[derive(Clone, Debug, PartialEq)]
pub enum Listen {
    /// Its own.
    Individual(Vec<ListenInfo>),
    /// Those of the `WebRtcServer` with this id.
    Server(String),
}

/// Options that every transport has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TransportOptions {
    /// Bits per second.
    pub initial_available_outgoing_bitrate: Option<u64>,
    /// Whether SCTP is asked for.
    pub enable_sctp: bool,
    /// Bytes.
    pub max_send_message_size: u32,
    /// Bytes.
    pub max_receive_message_size: u32,
}

/// The body of `TRANSPORT_PRODUCE`.
#[derive(Clone, Debug, PartialEq)]
pub struct Produce {
    /// The new producer's id.
    pub producer_id: String,
    /// Audio or video.
    pub kind: MediaKind,
    /// What will be received.
    pub rtp_parameters: RtpParameters,
    /// How it appears to consumers.
    pub rtp_mapping: RtpMapping,
    /// Whether it starts paused.
    pub paused: bool,
    /// Milliseconds during which requests for a key frame are collected; 0 is off.
    pub key_frame_request_delay: u32,
    /// Whether packets are numbered in an extension of mediasoup's.
    pub enable_packet_id: bool,
}

/// The body of `TRANSPORT_CONSUME`.
#[derive(Clone, Debug, PartialEq)]
pub struct Consume {
    /// The new consumer's id.
    pub consumer_id: String,
    /// Whom it consumes.
    pub producer_id: String,
    /// Audio or video.
    pub kind: MediaKind,
    /// What will be sent.
    pub rtp_parameters: RtpParameters,
    /// Only tells pipe consumers from others.
    pub rtp_type: RtpType,
    /// The producer's encodings as consumers see them, by mapped SSRC.
    pub consumable_rtp_encodings: Vec<RtpEncodingParameters>,
    /// Whether it starts paused.
    pub paused: bool,
    /// Wanted layers.
    pub preferred_layers: Option<ConsumerLayers>,
    /// Whether Opus DTX packets are left out.
    pub ignore_dtx: bool,
}
