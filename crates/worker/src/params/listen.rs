//! Where a transport or a server listens.

use crate::output::Protocol;

/// One address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenInfo {
    /// UDP or TCP.
    pub protocol: Protocol,
    /// The local IP as text. It is parsed and normalised when it is bound.
    pub ip: String,
    /// An IP or a host name that candidates and tuples show instead of `ip`.
    pub announced_address: Option<String>,
    /// Whether the local IP is offered as a candidate besides the announced address.
    pub expose_internal_ip: bool,
    /// A fixed port; 0 takes one from `port_range` or from the worker's range.
    pub port: u16,
    /// The ports to choose from when both ends are non-zero.
    pub port_range: PortRange,
    /// Socket flags.
    pub flags: SocketFlags,
    /// `SO_SNDBUF` in bytes; 0 leaves the system's default.
    pub send_buffer_size: u32,
    /// `SO_RCVBUF` in bytes; 0 leaves the system's default.
    pub recv_buffer_size: u32,
}

/// A range of ports, both ends included; 0–0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PortRange {
    /// The lowest port.
    pub min: u16,
    /// The highest port.
    pub max: u16,
}

/// How a socket is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SocketFlags {
    /// `IPV6_V6ONLY`; ignored on IPv4.
    pub ipv6_only: bool,
    /// `SO_REUSEADDR`, so that several processes share a port; ignored for TCP.
    pub udp_reuse_port: bool,
}
