//! Who made a request: the peer itself, or the client of a proxy that we trust.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

use crate::config::Network;

/// The address of the client. We believe only the part of the header that trusted proxies have
/// written. So the list is read from its end, and the first address that is not theirs counts.
pub(crate) fn client(peer: SocketAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|one| one.holds(address));
    let mut client = peer.ip().to_canonical();
    let mut passed_on = hops(headers);
    while is_trusted(client) {
        let Some(Some(before)) = passed_on.pop() else {
            break;
        };
        client = before;
    }
    client
}

/// The addresses from the proxies, the last proxy's last; `None` for a word that is no address.
fn hops(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let list = |name: &str| {
        let lines = headers.get_all(name).iter();
        lines
            .flat_map(|line| line.to_str().unwrap_or("?").split(','))
            .map(str::trim)
            .collect::<Vec<_>>()
    };
    let forwarded_for = list("x-forwarded-for");
    if !forwarded_for.is_empty() {
        return forwarded_for.into_iter().map(address).collect();
    }
    // RFC 7239 §4: `for` names "the node making the request to the proxy".
    let node = |hop: &str| {
        let pair = hop.split(';').find_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            name.eq_ignore_ascii_case("for").then_some(value)
        });
        address(pair?.trim_matches('"'))
    };
    list("forwarded").into_iter().map(node).collect()
}

/// An address with or without a port, and with or without brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let address = match text.parse::<SocketAddr>() {
        Ok(address) => address.ip(),
        Err(_) => bare.unwrap_or(text).parse().ok()?,
    };
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    fn of(peer: &str, headers: &[(&'static str, &str)]) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        let trusted = ["127.0.0.1".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
        client(peer.parse().unwrap(), &map, &trusted).to_string()
    }

    #[test]
    fn a_trusted_proxy_says_whose_request_it_is() {
        let forwarded = "x-forwarded-for";
        for (peer, headers, client) in [
            ("127.0.0.1:5", vec![], "127.0.0.1"),
            ("127.0.0.1:5", vec![(forwarded, "192.0.2.1")], "192.0.2.1"),
            (
                "[::ffff:10.1.2.3]:5",
                vec![(forwarded, "192.0.2.1:99")],
                "192.0.2.1",
            ),
            (
                "127.0.0.1:5",
                vec![(forwarded, "192.0.2.1, 10.0.0.7")],
                "192.0.2.1",
            ),
            (
                "127.0.0.1:5",
                vec![(forwarded, "192.0.2.1"), (forwarded, "10.0.0.7")],
                "192.0.2.1",
            ),
            // The client itself may have invented everything before its address.
            (
                "127.0.0.1:5",
                vec![(forwarded, "1.2.3.4, 192.0.2.1")],
                "192.0.2.1",
            ),
            (
                "127.0.0.1:5",
                vec![(forwarded, "192.0.2.1, nonsense")],
                "127.0.0.1",
            ),
            (
                "127.0.0.1:5",
                vec![(
                    "forwarded",
                    "for=192.0.2.1;proto=https, For=\"10.0.0.7:80\"",
                )],
                "192.0.2.1",
            ),
            (
                "127.0.0.1:5",
                vec![("forwarded", "for=\"[2001:db8::1]:99\"")],
                "2001:db8::1",
            ),
            (
                "127.0.0.1:5",
                vec![("forwarded", "for=_hidden")],
                "127.0.0.1",
            ),
        ] {
            assert_eq!(of(peer, &headers), client, "{peer} {headers:?}");
        }
    }

    #[test]
    fn nobody_else_is_believed() {
        assert_eq!(
            of("192.0.2.9:5", &[("x-forwarded-for", "192.0.2.1")]),
            "192.0.2.9"
        );
    }
}
