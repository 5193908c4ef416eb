//! Facts about the machine that decide where media can go.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::time::Duration;

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use tokio::net::lookup_host;
use tokio::time::timeout;

use crate::config::{AnnouncedAddress, MediaConfig};

/// What the machine is like.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    /// Addresses of all interfaces that are up.
    pub(crate) interfaces: Vec<IpAddr>,
    /// The address that packets to the network leave from.
    pub(crate) outward: Option<IpAddr>,
    /// Whether this is a container.
    pub(crate) container: bool,
    /// The addresses of the announced address as seen from here. Empty if there is none, or if its
    /// name is unknown.
    pub(crate) announced: Vec<IpAddr>,
}

/// Asks the system. Nothing is sent, except to resolve an announced name.
pub(crate) async fn surroundings(config: &MediaConfig) -> Surroundings {
    let announced = match &config.announced_address {
        Some(announced) => known_by(announced).await,
        None => Vec::new(),
    };
    let container = ["/.dockerenv", "/run/.containerenv"]
        .iter()
        .any(|path| Path::new(path).exists());
    Surroundings {
        interfaces: interfaces(),
        outward: outward(Ipv4Addr::UNSPECIFIED.into(), OUTSIDE_V4.into())
            .or_else(|| outward(Ipv6Addr::UNSPECIFIED.into(), OUTSIDE_V6.into())),
        container,
        announced,
    }
}

/// The addresses of an announced address: its own, or those of its name.
async fn known_by(announced: &AnnouncedAddress) -> Vec<IpAddr> {
    match announced {
        AnnouncedAddress::Ip(address) => vec![*address],
        AnnouncedAddress::Name(name) => {
            let found = timeout(RESOLVING, lookup_host((name.to_string(), 0))).await;
            match found {
                Ok(Ok(addresses)) => addresses.map(|address| address.ip()).collect(),
                Ok(Err(_)) | Err(_) => Vec::new(),
            }
        }
    }
}

fn interfaces() -> Vec<IpAddr> {
    let Ok(interfaces) = getifaddrs() else {
        return Vec::new();
    };
    interfaces
        .filter(|interface| interface.flags.contains(InterfaceFlags::IFF_UP))
        .filter_map(|interface| {
            let address = interface.address?;
            let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
            v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
        })
        .filter(|address| !is_link_local(*address))
        .collect()
}

/// The address that a packet to `outside` would leave from. Connecting a UDP socket asks the
/// routing table and sends nothing.
fn outward(any: IpAddr, outside: IpAddr) -> Option<IpAddr> {
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).ok()?;
    socket.connect(SocketAddr::new(outside, 9)).ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_unspecified() && !address.is_loopback()).then_some(address)
}

/// Link-local addresses need a zone, which a candidate cannot carry.
fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

/// Addresses for documentation (RFC 5737 and RFC 3849). They belong to nobody, and every default
/// route covers them.
const OUTSIDE_V4: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
const OUTSIDE_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

/// How long the start may wait for the DNS.
const RESOLVING: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_announced_address_is_looked_up() {
        let known = known_by(&"203.0.113.9".parse().unwrap()).await;
        assert_eq!(known, ["203.0.113.9".parse::<IpAddr>().unwrap()]);
        let known = known_by(&"localhost".parse().unwrap()).await;
        assert!(!known.is_empty() && known.iter().all(IpAddr::is_loopback));
    }
}
