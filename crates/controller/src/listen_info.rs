//! Where and how sockets listen.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// Network protocol of a socket or candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// UDP
    Udp,
    /// TCP
    Tcp,
}

/// Where and how a WebRtcServer or transport listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListenInfo {
    /// UDP or TCP.
    pub protocol: Protocol,
    /// Local address to bind.
    pub ip: IpAddr,
    /// IP address or host name that candidates announce in place of `ip`; for a server behind a
    /// NAT.
    #[serde(default)]
    pub announced_address: Option<String>,
    /// Whether candidates announce `ip` as well when there is an `announced_address`.
    #[serde(default)]
    pub expose_internal_ip: bool,
    /// Port to bind; 0 takes one of `port_range`.
    #[serde(default)]
    pub port: u16,
    /// Ports to choose from. This counts before `port`; without either, the worker's range counts.
    #[serde(default)]
    pub port_range: Option<PortRange>,
    /// Socket options.
    #[serde(default)]
    pub flags: SocketFlags,
    /// Size of the kernel's send buffer in bytes; 0 leaves it as it is. The kernel caps it at
    /// `net.core.wmem_max`.
    #[serde(default)]
    pub send_buffer_size: u32,
    /// Size of the kernel's receive buffer in bytes; 0 leaves it as it is. The kernel caps it at
    /// `net.core.rmem_max`.
    #[serde(default)]
    pub recv_buffer_size: u32,
}

impl ListenInfo {
    /// UDP on any port, with socket buffers for a few hundred streams.
    pub fn udp(ip: IpAddr) -> Self {
        Self {
            send_buffer_size: UDP_BUFFER_SIZE,
            recv_buffer_size: UDP_BUFFER_SIZE,
            ..Self::new(Protocol::Udp, ip)
        }
    }

    /// TCP on any port. The kernel adapts the buffers to each connection as long as nobody sets
    /// their sizes, so we set none.
    pub fn tcp(ip: IpAddr) -> Self {
        Self::new(Protocol::Tcp, ip)
    }

    /// The same with this port.
    #[must_use]
    pub fn with_port(self, port: u16) -> Self {
        Self { port, ..self }
    }

    /// The same with this address or host name announced.
    #[must_use]
    pub fn with_announced_address(self, address: impl Into<String>) -> Self {
        Self {
            announced_address: Some(address.into()),
            ..self
        }
    }

    fn new(protocol: Protocol, ip: IpAddr) -> Self {
        Self {
            protocol,
            ip,
            announced_address: None,
            expose_internal_ip: false,
            port: 0,
            port_range: None,
            flags: SocketFlags::default(),
            send_buffer_size: 0,
            recv_buffer_size: 0,
        }
    }
}

/// Ports from `min` to `max`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortRange {
    /// Lowest port.
    pub min: u16,
    /// Highest port.
    pub max: u16,
}

/// Options of a listening socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SocketFlags {
    /// Whether an IPv6 socket refuses IPv4.
    pub ipv6_only: bool,
    /// Whether several UDP sockets may bind the same address and port.
    pub udp_reuse_port: bool,
}

/// A burst of a hundred key frames: 100 × 30 packets of 1.3 KB.
const UDP_BUFFER_SIZE: u32 = 4 * 1024 * 1024;
