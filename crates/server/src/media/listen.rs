//! Where media listens, and what is announced to browsers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::Path;

use nix::ifaddrs::getifaddrs;
use tureen_controller::ListenInfo;

use crate::config::MediaConfig;

/// The addresses of one worker's media, and what is wrong with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListenPlan {
    /// Local addresses, the one towards the network first.
    addresses: Vec<IpAddr>,
    /// Announced in place of the first.
    announced: Option<String>,
    /// What will not work, to be told at the start.
    pub(crate) warnings: Vec<Warning>,
}

/// Something about the addresses that will keep browsers from connecting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Warning {
    /// Only this machine can reach the media.
    LoopbackOnly,
    /// There is no address but loopback ones, and Firefox sends nothing there.
    NoInterface,
    /// In a container, whose address nobody outside can reach.
    Container(IpAddr),
    /// A private address, which only its own network can reach.
    Private(IpAddr),
}

impl Warning {
    /// What is wrong, and the fix.
    pub(crate) fn text(self, port: u16) -> String {
        match self {
            Self::LoopbackOnly => "media listens on loopback addresses only, while pages are open \
                to other machines: set rtc-listen to an address of this machine"
                .to_owned(),
            Self::NoInterface => "this machine has no address but loopback ones, to which Firefox \
                sends no media: use Chromium, or connect to a network"
                .to_owned(),
            Self::Container(address) => format!(
                "this runs in a container, and browsers cannot reach {address}: publish the media \
                 ports from {port} on, UDP and TCP, under the same numbers, and set \
                 announced-address to the address of the machine around it"
            ),
            Self::Private(address) => format!(
                "browsers outside this network cannot reach {address}: if they are to, forward the \
                 media ports from {port} on, UDP and TCP, and set announced-address to the public \
                 address"
            ),
        }
    }
}

/// What the machine is like.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    /// Addresses of all interfaces that are up.
    pub(crate) interfaces: Vec<IpAddr>,
    /// The address that packets to the network leave from.
    pub(crate) outward: Option<IpAddr>,
    /// Whether this is a container.
    pub(crate) container: bool,
}

impl ListenPlan {
    /// The sockets of the worker of this index.
    pub(crate) fn listen_infos(&self, port: u16) -> Vec<ListenInfo> {
        let each = self
            .addresses
            .iter()
            .enumerate()
            .flat_map(|(index, &address)| {
                [ListenInfo::udp(address), ListenInfo::tcp(address)].map(|info| {
                    let info = info.with_port(port);
                    match &self.announced {
                        Some(announced) if index == 0 => {
                            info.with_announced_address(announced.clone())
                        }
                        _ => info,
                    }
                })
            });
        each.collect()
    }

    /// The addresses, for logs and the start message.
    pub(crate) fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }
}

/// Chooses the addresses.
///
/// Where pages are open to this machine only, media listens on loopback and on the address towards
/// the network, for Firefox sends nothing to 127.0.0.1. Where pages listen everywhere, media
/// listens on every interface by its own address, because 0.0.0.0 is no address to announce.
pub(crate) fn plan(config: &MediaConfig, pages: IpAddr, here: &Surroundings) -> ListenPlan {
    let outward = here
        .outward
        .filter(|address| here.interfaces.contains(address));
    let mut addresses = Vec::new();
    let mut add = |address: IpAddr| {
        if !addresses.contains(&address) && addresses.len() < MAX_ADDRESSES {
            addresses.push(address);
        }
    };
    let wanted = if config.rtc_listen.is_empty() {
        vec![pages]
    } else {
        config.rtc_listen.clone()
    };
    for address in wanted {
        if address.is_unspecified() {
            let same_family = |candidate: &&IpAddr| address.is_ipv6() || candidate.is_ipv4();
            outward.iter().for_each(|address| add(*address));
            here.interfaces
                .iter()
                .filter(same_family)
                .for_each(|address| add(*address));
        } else if address.is_loopback() && config.rtc_listen.is_empty() {
            add(address);
            outward.iter().for_each(|address| add(*address));
        } else {
            add(address);
        }
    }
    let announced = config.announced_address.clone();
    // What is announced stands for the address towards the network.
    if announced.is_some() {
        addresses.sort_by_key(|address| (Some(*address) != outward, address.is_loopback()));
    }
    let warnings = warnings(&addresses, announced.is_some(), pages, here);
    ListenPlan {
        addresses,
        announced,
        warnings,
    }
}

fn warnings(
    addresses: &[IpAddr],
    is_announced: bool,
    pages: IpAddr,
    here: &Surroundings,
) -> Vec<Warning> {
    let reachable = addresses
        .iter()
        .copied()
        .find(|address| !address.is_loopback());
    match reachable {
        None if pages.is_loopback() => vec![Warning::NoInterface],
        None => vec![Warning::LoopbackOnly],
        Some(_) if is_announced || pages.is_loopback() => Vec::new(),
        Some(address) if here.container => vec![Warning::Container(address)],
        Some(address) if is_private(address) => vec![Warning::Private(address)],
        Some(_) => Vec::new(),
    }
}

/// Asks the system. Nothing is sent.
pub(crate) fn local_addresses() -> Surroundings {
    let interfaces = getifaddrs().map_or_else(
        |_| Vec::new(),
        |interfaces| {
            interfaces
                .filter(|interface| {
                    interface
                        .flags
                        .contains(nix::net::if_::InterfaceFlags::IFF_UP)
                })
                .filter_map(|interface| {
                    let address = interface.address?;
                    let v4 = address
                        .as_sockaddr_in()
                        .map(|address| IpAddr::V4(address.ip()));
                    v4.or_else(|| {
                        address
                            .as_sockaddr_in6()
                            .map(|address| IpAddr::V6(address.ip()))
                    })
                })
                .filter(|address| !is_link_local(*address))
                .collect()
        },
    );
    let container = ["/.dockerenv", "/run/.containerenv"]
        .iter()
        .any(|path| Path::new(path).exists());
    Surroundings {
        interfaces,
        outward: outward(Ipv4Addr::UNSPECIFIED.into(), OUTSIDE_V4.into())
            .or_else(|| outward(Ipv6Addr::UNSPECIFIED.into(), OUTSIDE_V6.into())),
        container,
    }
}

/// The address that a packet to `outside` would leave from: connecting a UDP socket asks the
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

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            // 100.64.0.0/10 is shared by the customers of a provider (RFC 6598).
            let is_shared = address.octets()[0] == 100 && address.octets()[1] & 0xc0 == 64;
            address.is_private() || is_shared
        }
        IpAddr::V6(address) => address.is_unique_local(),
    }
}

/// Documentation addresses (RFC 5737 and RFC 3849): behind every default route, nobody's own.
const OUTSIDE_V4: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
const OUTSIDE_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

/// Each address is two candidates in every description.
const MAX_ADDRESSES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn here(interfaces: &[&str], container: bool) -> Surroundings {
        let interfaces: Vec<IpAddr> = interfaces
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
        let outward = interfaces
            .iter()
            .copied()
            .find(|address| !address.is_loopback());
        Surroundings {
            interfaces,
            outward,
            container,
        }
    }

    fn config(rtc_listen: &[&str], announced: Option<&str>) -> MediaConfig {
        MediaConfig {
            workers: 0,
            rtc_port: 40_000,
            rtc_listen: rtc_listen
                .iter()
                .map(|text| text.parse().unwrap())
                .collect(),
            announced_address: announced.map(str::to_owned),
            codecs: Vec::new(),
            initial_outgoing_bitrate: 1_000_000,
            worker_log: crate::config::WorkerLog::Warn,
            record_channel: None,
            dump_socket: false,
        }
    }

    fn planned(
        config: &MediaConfig,
        pages: &str,
        here: &Surroundings,
    ) -> (Vec<String>, Vec<Warning>) {
        let plan = plan(config, pages.parse().unwrap(), here);
        let addresses = plan.addresses().iter().map(ToString::to_string).collect();
        (addresses, plan.warnings)
    }

    #[test]
    fn a_loopback_server_offers_an_interface_as_well() {
        let machine = here(&["127.0.0.1", "203.0.113.5"], false);
        let (addresses, warnings) = planned(&config(&[], None), "127.0.0.1", &machine);
        assert_eq!(addresses, ["127.0.0.1", "203.0.113.5"]);
        assert_eq!(warnings, []);
        let lonely = here(&["127.0.0.1"], false);
        let (addresses, warnings) = planned(&config(&[], None), "127.0.0.1", &lonely);
        assert_eq!(addresses, ["127.0.0.1"]);
        assert_eq!(warnings, [Warning::NoInterface]);
    }

    #[test]
    fn everywhere_means_every_interface_by_its_address() {
        let machine = here(&["127.0.0.1", "203.0.113.5", "::1", "2001:db8::5"], false);
        let (addresses, warnings) = planned(&config(&[], None), "0.0.0.0", &machine);
        assert_eq!(addresses, ["203.0.113.5", "127.0.0.1"]);
        assert_eq!(warnings, []);
        let (addresses, _) = planned(&config(&[], None), "::", &machine);
        assert_eq!(
            addresses,
            ["203.0.113.5", "127.0.0.1", "::1", "2001:db8::5"]
        );
    }

    #[test]
    fn what_cannot_be_reached_is_told_with_the_fix() {
        let container = here(&["127.0.0.1", "172.17.0.2"], true);
        let (_, warnings) = planned(&config(&[], None), "0.0.0.0", &container);
        assert_eq!(
            warnings,
            [Warning::Container("172.17.0.2".parse().unwrap())]
        );
        assert!(warnings[0].text(40_000).contains("announced-address"));
        let (_, warnings) = planned(&config(&[], Some("203.0.113.9")), "0.0.0.0", &container);
        assert_eq!(warnings, []);
        let home = here(&["127.0.0.1", "192.168.1.7"], false);
        let (_, warnings) = planned(&config(&[], None), "0.0.0.0", &home);
        assert_eq!(warnings, [Warning::Private("192.168.1.7".parse().unwrap())]);
        let (_, warnings) = planned(&config(&["127.0.0.1"], None), "0.0.0.0", &home);
        assert_eq!(warnings, [Warning::LoopbackOnly]);
    }

    #[test]
    fn the_announced_address_stands_for_the_one_towards_the_network() {
        let machine = here(&["127.0.0.1", "172.17.0.2"], true);
        let config = config(&[], Some("media.example.org"));
        let plan = plan(&config, "127.0.0.1".parse().unwrap(), &machine);
        let infos = plan.listen_infos(40_002);
        let announced: Vec<_> = infos
            .iter()
            .map(|info| {
                (
                    info.ip.to_string(),
                    info.port,
                    info.announced_address.as_deref(),
                )
            })
            .collect();
        assert_eq!(
            announced,
            [
                ("172.17.0.2".to_owned(), 40_002, Some("media.example.org")),
                ("172.17.0.2".to_owned(), 40_002, Some("media.example.org")),
                ("127.0.0.1".to_owned(), 40_002, None),
                ("127.0.0.1".to_owned(), 40_002, None),
            ]
        );
    }
}
