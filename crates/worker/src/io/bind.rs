//! Opening sockets as a request asks for them.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrStorage, bind, listen, setsockopt, socket,
    sockopt,
};

use crate::binder::{BindError, BindOptions};

/// Opens a UDP socket bound to `local`, and says where it is bound.
pub(super) fn open_udp(
    local: SocketAddr,
    options: &BindOptions,
) -> Result<(mio::net::UdpSocket, SocketAddr), BindError> {
    let refuse = |errno| refusal(local, errno);
    let fd = open(local, SockType::Datagram, options).map_err(refuse)?;
    let reuse = options.udp_reuse_port;
    setsockopt(&fd, sockopt::ReuseAddr, &reuse).map_err(refuse)?;
    bind(fd.as_raw_fd(), &SockaddrStorage::from(local)).map_err(refuse)?;
    let socket = UdpSocket::from(fd);
    let bound = bound_address(local, socket.local_addr())?;
    Ok((mio::net::UdpSocket::from_std(socket), bound))
}

/// Opens a TCP listener bound to `local`, and says where it is bound. Accepted connections inherit
/// its buffer sizes.
pub(super) fn open_tcp(
    local: SocketAddr,
    options: &BindOptions,
) -> Result<(mio::net::TcpListener, SocketAddr), BindError> {
    let refuse = |errno| refusal(local, errno);
    let fd = open(local, SockType::Stream, options).map_err(refuse)?;
    // For a listener this only means that old connections in TIME_WAIT do not block the port.
    setsockopt(&fd, sockopt::ReuseAddr, &true).map_err(refuse)?;
    bind(fd.as_raw_fd(), &SockaddrStorage::from(local)).map_err(refuse)?;
    let backlog = Backlog::new(BACKLOG).map_err(refuse)?;
    listen(&fd, backlog).map_err(refuse)?;
    let listener = TcpListener::from(fd);
    let bound = bound_address(local, listener.local_addr())?;
    Ok((mio::net::TcpListener::from_std(listener), bound))
}

fn open(local: SocketAddr, kind: SockType, options: &BindOptions) -> Result<OwnedFd, Errno> {
    let family = match local {
        SocketAddr::V4(_) => AddressFamily::Inet,
        SocketAddr::V6(_) => AddressFamily::Inet6,
    };
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let fd = socket(family, kind, flags, None)?;
    if local.is_ipv6() {
        setsockopt(&fd, sockopt::Ipv6V6Only, &options.ipv6_only)?;
    }
    if options.send_buffer_size > 0 {
        setsockopt(&fd, sockopt::SndBuf, &(options.send_buffer_size as usize))?;
    }
    set_receive_buffer(&fd, kind, options.recv_buffer_size as usize)?;
    Ok(fd)
}

/// Sets the size of the receive buffer. For UDP it goes beyond the system's limit if the process
/// may do that: many remotes share one queue, and a burst of one must not cost the others their
/// packets.
fn set_receive_buffer(fd: &OwnedFd, kind: SockType, size: usize) -> Result<(), Errno> {
    let size = match (kind, size) {
        (SockType::Datagram, 0) => UDP_RECEIVE_BUFFER,
        (_, 0) => return Ok(()),
        (_, size) => size,
    };
    if kind == SockType::Datagram && setsockopt(fd, sockopt::RcvBufForce, &size).is_ok() {
        return Ok(());
    }
    setsockopt(fd, sockopt::RcvBuf, &size)
}

fn bound_address(
    local: SocketAddr,
    bound: std::io::Result<SocketAddr>,
) -> Result<SocketAddr, BindError> {
    bound.map_err(|error| BindError::System {
        local,
        reason: error.to_string(),
    })
}

fn refusal(local: SocketAddr, errno: Errno) -> BindError {
    match errno {
        Errno::EADDRINUSE => BindError::InUse(local),
        Errno::EADDRNOTAVAIL => BindError::NotAvailable(local),
        errno => BindError::System {
            local,
            reason: errno.to_string(),
        },
    }
}

/// The receive buffer of a UDP socket whose request names none, in bytes: the kernel counts some
/// 800 of them for a small datagram, so this is some 25 ms of 200,000 in a second.
const UDP_RECEIVE_BUFFER: usize = 4 * 1024 * 1024;

/// How many connections the kernel holds until they are accepted.
const BACKLOG: i32 = 256;

#[cfg(test)]
mod tests {
    use nix::sys::socket::getsockopt;

    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_system_chooses_a_port_and_refuses_to_give_it_twice() {
        let options = BindOptions::default();
        let (_udp, at) = open_udp(address("127.0.0.1:0"), &options).unwrap();
        assert_ne!(at.port(), 0);
        assert_eq!(open_udp(at, &options).err(), Some(BindError::InUse(at)));
        let (_tcp, at) = open_tcp(address("[::1]:0"), &options).unwrap();
        assert_ne!(at.port(), 0);
        assert_eq!(open_tcp(at, &options).err(), Some(BindError::InUse(at)));
    }

    #[test]
    fn udp_ports_are_shared_only_by_those_who_ask() {
        let options = BindOptions {
            udp_reuse_port: true,
            ..BindOptions::default()
        };
        let (_first, at) = open_udp(address("127.0.0.1:0"), &options).unwrap();
        assert!(open_udp(at, &options).is_ok());
        let (_first, at) = open_tcp(address("127.0.0.1:0"), &options).unwrap();
        assert!(open_tcp(at, &options).is_err());
    }

    #[test]
    fn an_address_of_another_machine_is_not_available() {
        let elsewhere = address("198.51.100.7:0");
        let options = BindOptions::default();
        for error in [
            open_udp(elsewhere, &options).err(),
            open_tcp(elsewhere, &options).err(),
        ] {
            assert_eq!(error, Some(BindError::NotAvailable(elsewhere)));
        }
    }

    #[test]
    fn other_refusals_come_in_the_systems_words() {
        // A link-local address without its interface, with a port below 1024.
        let local = address("[fe80::1]:1");
        let error = open_udp(local, &BindOptions::default()).err().unwrap();
        assert!(matches!(error, BindError::System { .. }), "{error}");
        assert!(error.to_string().contains("[fe80::1]:1"), "{error}");
    }

    #[test]
    fn options_reach_the_socket() {
        let options = BindOptions {
            ipv6_only: true,
            udp_reuse_port: false,
            send_buffer_size: 50_000,
            recv_buffer_size: 60_000,
        };
        let (socket, _) = open_udp(address("[::1]:0"), &options).unwrap();
        assert!(getsockopt(&socket, sockopt::Ipv6V6Only).unwrap());
        // The kernel doubles the requested size for its own bookkeeping.
        assert_eq!(getsockopt(&socket, sockopt::SndBuf).unwrap(), 100_000);
        assert_eq!(getsockopt(&socket, sockopt::RcvBuf).unwrap(), 120_000);
        let (socket, _) = open_udp(address("[::]:0"), &BindOptions::default()).unwrap();
        assert!(!getsockopt(&socket, sockopt::Ipv6V6Only).unwrap());
    }
}
