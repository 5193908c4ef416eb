//! Values that are more than a number or a path. Each is parsed once, when it is read, so that a
//! bad one is refused under the name of its key.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use clap::builder::RangedU64ValueParser;
use ipnet::IpNet;
use serde::{Deserialize, Deserializer};
use thiserror::Error;

/// A host name: labels of 1 to 63 letters, digits, hyphens and underscores with dots between,
/// 253 characters at most, in lower case (RFC 1123 §2.1).
///
/// Underscores are not in the RFC, but resolvers and browsers take them, and private networks use
/// them. Names in other scripts are given as they are in the DNS, in Punycode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName(String);

impl HostName {
    /// Whether it is this name, whatever the case of its letters.
    pub fn is(&self, name: &str) -> bool {
        self.0.eq_ignore_ascii_case(name)
    }
}

impl FromStr for HostName {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        // A dot at the end stands for the root of the DNS. It changes nothing, and few programs
        // expect it.
        let name = text.strip_suffix('.').unwrap_or(text);
        let last = name.rsplit('.').next().unwrap_or_default();
        // RFC 1123 §2.1: "the highest-level component label will be alphabetic", which
        // tells a name from an address; one such as 10.0.0.256 is neither.
        let is_number = last.bytes().all(|byte| byte.is_ascii_digit());
        if name.len() > MAX_NAME || is_number || !name.split('.').all(is_label) {
            return Err(ValueError::HostName);
        }
        Ok(Self(name.to_ascii_lowercase()))
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where browsers send media to: an address, or a host name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnnouncedAddress {
    /// Neither unspecified nor multicast nor broadcast.
    Ip(IpAddr),
    /// Resolved by the browsers, each for itself.
    Name(HostName),
}

impl FromStr for AnnouncedAddress {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let Ok(address) = text.parse::<IpAddr>() else {
            let name = text.parse().map_err(|_| ValueError::Announced)?;
            return Ok(Self::Name(name));
        };
        let address = address.to_canonical();
        if address.is_unspecified() {
            Err(ValueError::Unspecified)
        } else if address.is_multicast() || address == IpAddr::V4(Ipv4Addr::BROADCAST) {
            Err(ValueError::Multicast)
        } else {
            Ok(Self::Ip(address))
        }
    }
}

impl fmt::Display for AnnouncedAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

/// The origin of a site's pages, as browsers send it (RFC 6454 §6.2): scheme, host, and a
/// port that is not the scheme's own; in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// Whether it is this `Origin` header.
    pub fn is(&self, header: &str) -> bool {
        self.0.eq_ignore_ascii_case(header)
    }
}

impl FromStr for Origin {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let origin = text.to_ascii_lowercase();
        let (scheme, authority) = origin.split_once("://").ok_or(ValueError::Origin)?;
        // As it stands in an address bar.
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        let (host, port) = split_port(authority).ok_or(ValueError::Origin)?;
        let is_host = match host.strip_prefix('[') {
            Some(rest) => rest
                .strip_suffix(']')
                .is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()),
            None => host.parse::<Ipv4Addr>().is_ok() || host.parse::<HostName>().is_ok(),
        };
        if !is_scheme(scheme) || !is_host {
            return Err(ValueError::Origin);
        }
        // RFC 6454 §6.2: the port is left out when it is the default one of the scheme.
        let port = match (scheme, port) {
            ("http", Some(80)) | ("https", Some(443)) | (_, None) => String::new(),
            (_, Some(port)) => format!(":{port}"),
        };
        Ok(Self(format!("{scheme}://{host}{port}")))
    }
}

/// One address, or all of a network such as `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

impl Network {
    /// Whether the address is in it.
    pub fn holds(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for Network {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let address = text.parse::<IpAddr>().map(IpNet::from);
        let network = address.or_else(|_| text.parse());
        network.map(Self).map_err(|_| ValueError::Network)
    }
}

/// Reads an address to listen on.
///
/// # Errors
///
/// A sentence with what was most likely meant.
pub(super) fn listen_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        let port = text.rsplit(':').next().unwrap_or_default();
        let port: u16 = port.parse().unwrap_or(8080);
        format!(
            "it must be an IP address and a port, such as 127.0.0.1:{port} for this machine alone or \
             0.0.0.0:{port} for every network"
        )
    })
}

/// A whole number from `LOW` to `HIGH`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "i64")]
pub(super) struct Within<const LOW: u64, const HIGH: u64>(u64);

impl<const LOW: u64, const HIGH: u64> Within<LOW, HIGH> {
    /// What parses it on the command line, into the type that has room for it.
    pub(super) fn parser<T: TryFrom<u64> + Clone + Send + Sync>() -> RangedU64ValueParser<T>
    where
        <T as TryFrom<u64>>::Error: Send + Sync + std::error::Error + 'static,
    {
        RangedU64ValueParser::new().range(LOW..=HIGH)
    }
}

impl<const LOW: u64, const HIGH: u64> TryFrom<i64> for Within<LOW, HIGH> {
    type Error = String;

    fn try_from(number: i64) -> Result<Self, String> {
        match u64::try_from(number) {
            Ok(size) if (LOW..=HIGH).contains(&size) => Ok(Self(size)),
            _ => Err(format!("{number} is not in {LOW}..={HIGH}")),
        }
    }
}

macro_rules! numbers {
    ($($number:ty),+) => {$(
        impl<const LOW: u64, const HIGH: u64> From<Within<LOW, HIGH>> for $number {
            fn from(number: Within<LOW, HIGH>) -> Self {
                // The ranges are constants that fit into the field they are for.
                Self::try_from(number.0).unwrap_or(Self::MAX)
            }
        }
    )+};
}

numbers!(u16, u32, u64, usize);

/// In the file, a text is parsed as on the command line.
macro_rules! texts {
    ($($value:ty),+) => {$(
        impl<'de> Deserialize<'de> for $value {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

texts!(HostName, AnnouncedAddress, Origin, Network);

/// Why a value cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ValueError {
    /// No host name.
    #[error("it must be a host name such as calls.example.org, without a scheme and a port")]
    HostName,
    /// Neither an address nor a name.
    #[error(
        "it must be an IP address or a host name such as media.example.org, without a scheme and a \
         port"
    )]
    Announced,
    /// 0.0.0.0 or ::, to which nothing can be sent.
    #[error(
        "it stands for all addresses of a machine and reaches none: give the address at which \
         browsers reach this machine, or leave it out"
    )]
    Unspecified,
    /// An address of many machines.
    #[error("it is a multicast or broadcast address: give that of one machine")]
    Multicast,
    /// Neither an address nor a network.
    #[error("it must be an IP address or a network such as 10.0.0.0/8")]
    Network,
    /// No STUN or TURN server.
    #[error(
        "it must be stun:HOST, turn:HOST or turns:HOST, with :PORT behind it if that is not the usual \
         one, and for TURN with ?transport=udp or ?transport=tcp if it matters"
    )]
    IceServer,
    /// No origin.
    #[error("it must be an origin, SCHEME://HOST or SCHEME://HOST:PORT, without a path")]
    Origin,
}

fn is_label(label: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=MAX_LABEL).contains(&label.len())
        && label.bytes().all(is_inner)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// RFC 3986 §3.1.
fn is_scheme(scheme: &str) -> bool {
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// Host and port of an authority; none if the port is no number of a port.
pub(super) fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    match authority.rsplit_once(':') {
        // The colon of an IPv6 address in brackets.
        Some((_, rest)) if rest.ends_with(']') => Some((authority, None)),
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some((host, Some(port.parse().ok().filter(|port| *port > 0)?)))
        }
        Some(_) => None,
        None => Some((authority, None)),
    }
}

const MAX_LABEL: usize = 63;
const MAX_NAME: usize = 253;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn announced_addresses_that_can_be_sent_to_are_taken() {
        for (text, shown) in [
            ("203.0.113.9", "203.0.113.9"),
            ("127.0.0.1", "127.0.0.1"),
            ("2001:DB8::9", "2001:db8::9"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            ("Media.Example.org", "media.example.org"),
            ("media.example.org.", "media.example.org"),
            ("my_host", "my_host"),
            ("3com.example", "3com.example"),
            ("a-1.xn--p1ai", "a-1.xn--p1ai"),
        ] {
            let address: AnnouncedAddress = text.parse().unwrap();
            assert_eq!(address.to_string(), shown, "{text}");
        }
    }

    #[test]
    fn announced_addresses_that_reach_nobody_are_refused() {
        let long_label = "a".repeat(64);
        let long_name = ["abcdefg"; 32].join(".");
        for (text, error) in [
            ("0.0.0.0", ValueError::Unspecified),
            ("::", ValueError::Unspecified),
            ("::ffff:0.0.0.0", ValueError::Unspecified),
            ("224.0.0.1", ValueError::Multicast),
            ("ff02::1", ValueError::Multicast),
            ("255.255.255.255", ValueError::Multicast),
            ("", ValueError::Announced),
            (".", ValueError::Announced),
            ("not a host", ValueError::Announced),
            ("203.0.113.256", ValueError::Announced),
            ("203.0.113", ValueError::Announced),
            ("203.0.113.9:40000", ValueError::Announced),
            ("[2001:db8::9]", ValueError::Announced),
            ("fe80::1%eth0", ValueError::Announced),
            ("https://example.org", ValueError::Announced),
            ("example.org/", ValueError::Announced),
            ("-a.example", ValueError::Announced),
            ("a-.example", ValueError::Announced),
            ("a..example", ValueError::Announced),
            ("bücher.example", ValueError::Announced),
            (&long_label, ValueError::Announced),
            (&long_name, ValueError::Announced),
        ] {
            assert_eq!(text.parse::<AnnouncedAddress>(), Err(error), "{text}");
        }
    }

    #[test]
    fn networks_hold_their_addresses() {
        let holds = |network: &str, address: &str| {
            let network: Network = network.parse().unwrap();
            network.holds(address.parse().unwrap())
        };
        assert!(holds("127.0.0.1", "127.0.0.1") && holds("127.0.0.1", "::ffff:127.0.0.1"));
        assert!(holds("10.0.0.0/8", "10.9.9.9") && !holds("10.0.0.0/8", "11.0.0.1"));
        assert!(holds("2001:db8::/32", "2001:db8::1") && !holds("::1", "127.0.0.1"));
        for text in ["", "10.0.0.0/33", "proxy.example", "10.0.0"] {
            assert_eq!(text.parse::<Network>(), Err(ValueError::Network), "{text}");
        }
    }

    #[test]
    fn origins_are_as_browsers_send_them() {
        for (text, header) in [
            ("https://example.org", "https://example.org"),
            ("HTTPS://Example.org/", "https://example.org"),
            ("https://example.org:443", "https://example.org"),
            ("http://example.org:80", "http://example.org"),
            ("http://example.org:443", "http://example.org:443"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("http://[::1]", "http://[::1]"),
            (
                "chrome-extension://abcdefghijklmnop",
                "chrome-extension://abcdefghijklmnop",
            ),
        ] {
            let origin: Origin = text.parse().unwrap();
            assert!(origin.is(header), "{text}: {origin:?}");
        }
        let origin: Origin = "https://example.org".parse().unwrap();
        assert!(!origin.is("https://example.org.evil.example"));
        assert!(!origin.is("http://example.org"));
    }

    #[test]
    fn what_no_browser_sends_is_no_origin() {
        for text in [
            "",
            "foo",
            "*",
            "null",
            "example.org",
            "example.org:443",
            "//example.org",
            "://example.org",
            "https://",
            "https:///",
            "https://*",
            "https://example.org/path",
            "https://example.org?x",
            "https://user@example.org",
            "https://example.org:",
            "https://example.org:0",
            "https://example.org:65536",
            "https://example.org:port",
            "https://[::1",
            "https://[example.org]",
            "https://::1",
            "ht tp://example.org",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(ValueError::Origin), "{text}");
        }
    }
}
