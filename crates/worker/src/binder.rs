//! Opening and closing sockets. Here alone the core calls the shell and waits, because the answer
//! to a request carries the port.

use std::net::SocketAddr;

use crate::output::SocketKey;

/// Opens and closes sockets for the core. The shell implements it with the system's sockets, tests
/// with a table of ports.
pub trait Binder {
    /// Binds a UDP socket to `local`; port 0 lets the system choose.
    ///
    /// # Errors
    ///
    /// [`BindError`] says whether another port may work.
    fn bind_udp(&mut self, local: SocketAddr, options: &BindOptions) -> Result<Bound, BindError>;

    /// Binds a TCP listener to `local`; port 0 lets the system choose.
    ///
    /// # Errors
    ///
    /// [`BindError`] says whether another port may work.
    fn bind_tcp(&mut self, local: SocketAddr, options: &BindOptions) -> Result<Bound, BindError>;

    /// Closes a socket; closing a listener also closes the connections that it accepted. The key is
    /// not used again.
    fn close(&mut self, socket: SocketKey);
}

/// How a socket is opened; see [`ListenInfo`](crate::params::ListenInfo) for the meaning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BindOptions {
    /// `IPV6_V6ONLY`; ignored on IPv4.
    pub ipv6_only: bool,
    /// `SO_REUSEADDR`; ignored for TCP.
    pub udp_reuse_port: bool,
    /// `SO_SNDBUF` in bytes; 0 leaves the system's default.
    pub send_buffer_size: u32,
    /// `SO_RCVBUF` in bytes; 0 leaves the system's default.
    pub recv_buffer_size: u32,
}

/// An open socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Names the socket from now on.
    pub socket: SocketKey,
    /// Where it is bound, with the port that was chosen.
    pub local: SocketAddr,
}

/// Why a socket could not be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BindError {
    /// Someone else has the port: another one of the range may do.
    #[error("address already in use: {0}")]
    InUse(SocketAddr),
    /// The address is not one of this machine's.
    #[error("address not available: {0}")]
    NotAvailable(SocketAddr),
    /// Anything else, in the system's words.
    #[error("cannot bind {local}: {reason}")]
    System {
        /// What was asked for.
        local: SocketAddr,
        /// The system's error.
        reason: String,
    },
}
