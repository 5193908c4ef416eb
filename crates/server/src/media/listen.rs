//! Where media listens, and what is announced to browsers.

use std::net::IpAddr;

use tureen_controller::ListenInfo;

use super::Surroundings;
use crate::config::{AnnouncedAddress, MediaConfig};

/// The addresses of one worker's media, and what is wrong with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListenPlan {
    /// Local addresses, the one towards the network first.
    addresses: Vec<IpAddr>,
    /// Announced in place of the first.
    announced: Option<AnnouncedAddress>,
    /// What will not work, to be told at the start.
    pub(crate) warnings: Vec<Warning>,
}

/// Something about the addresses that will keep browsers from connecting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Warning {
    /// Only this machine can reach the media.
    LoopbackOnly,
    /// There is no address but loopback ones, and Firefox sends nothing there.
    NoInterface,
    /// In a container, whose address nobody outside can reach.
    Container(IpAddr),
    /// A private address, which only its own network can reach.
    Private(IpAddr),
    /// The announced address leads every browser to the machine that it runs on.
    AnnouncedLoopback(AnnouncedAddress),
    /// The announced name is not known here.
    AnnouncedUnknown(AnnouncedAddress),
}

impl Warning {
    /// What is wrong, and the fix.
    pub(crate) fn text(&self, port: u16) -> String {
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
            Self::AnnouncedLoopback(address) => format!(
                "announced-address is {address}, which leads every browser to its own machine, and \
                 to which Firefox sends no media at all: set it to the address at which browsers \
                 reach this machine, or leave it out"
            ),
            Self::AnnouncedUnknown(name) => format!(
                "announced-address is {name}, which does not resolve on this machine, and browsers \
                 that cannot resolve it get no media: correct the name, add it to the DNS, or \
                 announce the IP address"
            ),
        }
    }
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
                            info.with_announced_address(announced.to_string())
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

    /// What browsers are told in place of [`addresses`](Self::addresses), in the same order.
    pub(crate) fn announced(&self) -> Vec<String> {
        let mut announced: Vec<_> = self.addresses.iter().map(ToString::to_string).collect();
        if let (Some(first), Some(instead)) = (announced.first_mut(), &self.announced) {
            *first = instead.to_string();
        }
        announced
    }
}

/// Chooses the addresses.
///
/// If the pages are for this machine only, media listens on loopback and on the address towards the
/// network, because Firefox sends nothing to 127.0.0.1. If the pages listen everywhere, media
/// listens on every interface under its own address, because nobody can announce 0.0.0.0.
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
    // The announced address stands for the address towards the network.
    if announced.is_some() {
        addresses.sort_by_key(|address| (Some(*address) != outward, address.is_loopback()));
    }
    let warnings = warnings(&addresses, announced.as_ref(), pages, here);
    ListenPlan {
        addresses,
        announced,
        warnings,
    }
}

fn warnings(
    addresses: &[IpAddr],
    announced: Option<&AnnouncedAddress>,
    pages: IpAddr,
    here: &Surroundings,
) -> Vec<Warning> {
    let about_announced = announced.and_then(|announced| {
        if here.announced.is_empty() {
            Some(Warning::AnnouncedUnknown(announced.clone()))
        } else if here.announced.iter().all(IpAddr::is_loopback) {
            Some(Warning::AnnouncedLoopback(announced.clone()))
        } else {
            None
        }
    });
    let reachable = addresses
        .iter()
        .copied()
        .find(|address| !address.is_loopback());
    let about_sockets = match reachable {
        None if pages.is_loopback() => Some(Warning::NoInterface),
        None => Some(Warning::LoopbackOnly),
        Some(_) if announced.is_some() || pages.is_loopback() => None,
        Some(address) if here.container => Some(Warning::Container(address)),
        Some(address) if is_private(address) => Some(Warning::Private(address)),
        Some(_) => None,
    };
    about_announced.into_iter().chain(about_sockets).collect()
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
            announced: Vec::new(),
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
            announced_address: announced.map(|text| text.parse().unwrap()),
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
        let home = here(&["127.0.0.1", "192.168.1.7"], false);
        let (_, warnings) = planned(&config(&[], None), "0.0.0.0", &home);
        assert_eq!(warnings, [Warning::Private("192.168.1.7".parse().unwrap())]);
        let (_, warnings) = planned(&config(&["127.0.0.1"], None), "0.0.0.0", &home);
        assert_eq!(warnings, [Warning::LoopbackOnly]);
    }

    /// The warnings of a container whose announced address is known by these addresses.
    fn announcing(announced: &str, known: &[&str], pages: &str) -> Vec<Warning> {
        let container = Surroundings {
            announced: known.iter().map(|text| text.parse().unwrap()).collect(),
            ..here(&["127.0.0.1", "172.17.0.2"], true)
        };
        planned(&config(&[], Some(announced)), pages, &container).1
    }

    #[test]
    fn an_announced_address_that_leads_nowhere_is_told_with_the_fix() {
        for pages in ["0.0.0.0", "127.0.0.1"] {
            for (announced, known) in [
                ("203.0.113.9", &["203.0.113.9"][..]),
                ("10.0.0.9", &["10.0.0.9"]),
                ("media.example.org", &["127.0.1.1", "203.0.113.9"]),
            ] {
                assert_eq!(announcing(announced, known, pages), [], "{announced}");
            }
            for (announced, known) in [
                ("127.0.0.1", &["127.0.0.1"][..]),
                ("::1", &["::1"]),
                ("localhost", &["::1", "127.0.0.1"]),
            ] {
                let expected = Warning::AnnouncedLoopback(announced.parse().unwrap());
                assert!(expected.text(40_000).contains("announced-address"));
                assert!(expected.text(40_000).contains(announced));
                assert_eq!(announcing(announced, known, pages), [expected]);
            }
            let expected = Warning::AnnouncedUnknown("nowhere.example".parse().unwrap());
            assert!(expected.text(40_000).contains("nowhere.example"));
            assert_eq!(announcing("nowhere.example", &[], pages), [expected]);
        }
    }

    #[test]
    fn the_announced_address_stands_for_the_one_towards_the_network() {
        let machine = here(&["127.0.0.1", "172.17.0.2"], true);
        let config = config(&[], Some("media.example.org"));
        let plan = plan(&config, "127.0.0.1".parse().unwrap(), &machine);
        assert_eq!(plan.announced(), ["media.example.org", "127.0.0.1"]);
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
