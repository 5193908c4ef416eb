//! How a WebRTC transport is made.

use crate::listen_info::ListenInfo;
use crate::web_rtc_server::WebRtcServer;

/// How a [`WebRtcTransport`](super::WebRtcTransport) is made.
#[derive(Clone, Debug)]
pub struct WebRtcTransportOptions {
    /// Where it listens.
    pub listen: WebRtcTransportListen,
    /// Whether UDP candidates are offered, on a WebRtcServer. Default true.
    pub enable_udp: bool,
    /// Whether TCP candidates are offered, on a WebRtcServer. Default true.
    pub enable_tcp: bool,
    /// Whether UDP candidates get a higher priority, on a WebRtcServer. Default false.
    pub prefer_udp: bool,
    /// Whether TCP candidates get a higher priority, on a WebRtcServer. Default false.
    pub prefer_tcp: bool,
    /// Seconds without a consent check (RFC 7675) after which ICE counts as disconnected, 10 to
    /// 60; 0 for never. Default 30.
    pub ice_consent_timeout: u8,
    /// Where the estimate of the outgoing bitrate starts, in bit/s. Default 600,000.
    pub initial_available_outgoing_bitrate: u64,
}

/// Where a [`WebRtcTransport`](super::WebRtcTransport) listens.
#[derive(Clone, Debug)]
pub enum WebRtcTransportListen {
    /// On the ports of a WebRtcServer of the same worker.
    Server(WebRtcServer),
    /// On sockets of its own, in order of preference.
    Individual(Vec<ListenInfo>),
}

impl WebRtcTransportOptions {
    /// A transport on the ports of a WebRtcServer.
    pub fn with_server(server: WebRtcServer) -> Self {
        Self::new(WebRtcTransportListen::Server(server))
    }

    /// A transport on sockets of its own.
    pub fn with_listen_infos(listen_infos: Vec<ListenInfo>) -> Self {
        Self::new(WebRtcTransportListen::Individual(listen_infos))
    }

    fn new(listen: WebRtcTransportListen) -> Self {
        Self {
            listen,
            enable_udp: true,
            enable_tcp: true,
            prefer_udp: false,
            prefer_tcp: false,
            ice_consent_timeout: 30,
            initial_available_outgoing_bitrate: 600_000,
        }
    }
}
