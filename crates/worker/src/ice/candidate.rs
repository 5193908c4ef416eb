//! Host candidates and their priorities.

use std::net::SocketAddr;

use crate::output::Protocol;
use crate::params::{IceCandidate, ListenInfo};

/// Which of a `WebRtcServer`'s addresses a transport offers, and which it prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CandidatePolicy {
    /// UDP addresses are offered.
    pub enable_udp: bool,
    /// TCP addresses are offered.
    pub enable_tcp: bool,
    /// UDP candidates get a higher priority.
    pub prefer_udp: bool,
    /// TCP candidates get a higher priority.
    pub prefer_tcp: bool,
}

impl CandidatePolicy {
    /// For transports with sockets of their own: all addresses, in their order.
    pub(crate) const EVERYTHING: Self = Self {
        enable_udp: true,
        enable_tcp: true,
        prefer_udp: false,
        prefer_tcp: false,
    };

    const fn enables(self, protocol: Protocol) -> bool {
        match protocol {
            Protocol::Udp => self.enable_udp,
            Protocol::Tcp => self.enable_tcp,
        }
    }

    const fn prefers(self, protocol: Protocol) -> bool {
        match protocol {
            Protocol::Udp => self.prefer_udp,
            Protocol::Tcp => self.prefer_tcp,
        }
    }
}

/// The candidates of listening addresses, in their order. Each address comes with the socket's
/// bound address. An announced address takes the place of the local IP; if the local IP is exposed,
/// it follows as a candidate of its own.
pub(crate) fn host_candidates<'a>(
    addresses: impl IntoIterator<Item = (&'a ListenInfo, SocketAddr)>,
    policy: CandidatePolicy,
) -> Vec<IceCandidate> {
    let mut candidates = Vec::new();
    for (index, (listen, local)) in addresses.into_iter().enumerate() {
        if !policy.enables(listen.protocol) {
            continue;
        }
        let priority = priority(index, policy.prefers(listen.protocol));
        let candidate = |address: String, priority: u32| IceCandidate {
            foundation: match listen.protocol {
                Protocol::Udp => "udpcandidate".to_owned(),
                Protocol::Tcp => "tcpcandidate".to_owned(),
            },
            priority,
            address,
            protocol: listen.protocol,
            port: local.port(),
        };
        let local_ip = local.ip().to_string();
        match &listen.announced_address {
            None => candidates.push(candidate(local_ip, priority)),
            Some(announced) => {
                candidates.push(candidate(announced.clone(), priority));
                if listen.expose_internal_ip {
                    candidates.push(candidate(local_ip, priority - INTERNAL_IP_DECREMENT));
                }
            }
        }
    }
    candidates
}

/// RFC 8445 §5.1.2.1: `2^24 * type preference + 2^8 * local preference + (256 - component ID)`.
fn priority(index: usize, preferred: bool) -> u32 {
    let decrement = u32::try_from(index)
        .unwrap_or(u32::MAX)
        .saturating_mul(LOCAL_PREFERENCE_STEP);
    let mut local_preference = LOCAL_PREFERENCE.saturating_sub(decrement);
    if preferred {
        local_preference += PREFERRED_BONUS;
    }
    (TYPE_PREFERENCE << 24) + (local_preference << 8) + (256 - COMPONENT)
}

/// RFC 8445 §5.1.2.2 recommends 126 for host candidates. This is lower, so that the remote's own
/// come first; the channel's contract sets it (docs/channel.md §7).
const TYPE_PREFERENCE: u32 = 64;
const LOCAL_PREFERENCE: u32 = 10_000;
/// How much less each further address is preferred.
const LOCAL_PREFERENCE_STEP: u32 = 100;
const PREFERRED_BONUS: u32 = 1_000;
const INTERNAL_IP_DECREMENT: u32 = 1_000;
/// RTP and RTCP share the one component.
const COMPONENT: u32 = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::{PortRange, SocketFlags};

    fn listen(protocol: Protocol, announced: Option<&str>, expose_internal_ip: bool) -> ListenInfo {
        ListenInfo {
            protocol,
            ip: "0:0:0:0:0:0:0:1".to_owned(),
            announced_address: announced.map(str::to_owned),
            expose_internal_ip,
            port: 0,
            port_range: PortRange::default(),
            flags: SocketFlags::default(),
            send_buffer_size: 0,
            recv_buffer_size: 0,
        }
    }

    fn lines(addresses: &[ListenInfo], policy: CandidatePolicy) -> Vec<String> {
        let bound = |port| SocketAddr::new("::1".parse().unwrap(), port);
        let addresses = addresses.iter().zip((40_000..).map(bound));
        host_candidates(addresses, policy)
            .into_iter()
            .map(|c| format!("{} {} {}:{}", c.foundation, c.priority, c.address, c.port))
            .collect()
    }

    #[test]
    fn candidates_follow_their_addresses_in_order_and_priority() {
        let addresses = [
            listen(Protocol::Udp, None, true),
            listen(Protocol::Udp, Some("sfu.example.org"), true),
            listen(Protocol::Tcp, Some("192.0.2.1"), false),
        ];
        let base = (64 << 24) + (10_000 << 8) + 255;
        assert_eq!(base, 1_076_302_079);
        assert_eq!(
            lines(&addresses, CandidatePolicy::EVERYTHING),
            [
                format!("udpcandidate {base} ::1:40000"),
                format!("udpcandidate {} sfu.example.org:40001", base - 25_600),
                format!("udpcandidate {} ::1:40001", base - 25_600 - 1000),
                format!("tcpcandidate {} 192.0.2.1:40002", base - 51_200),
            ]
        );
    }

    #[test]
    fn a_policy_filters_and_prefers_without_moving_the_others() {
        let addresses = [
            listen(Protocol::Udp, None, false),
            listen(Protocol::Tcp, None, false),
        ];
        let base = (64 << 24) + (10_000 << 8) + 255;
        let tcp_alone = CandidatePolicy {
            enable_udp: false,
            ..CandidatePolicy::EVERYTHING
        };
        assert_eq!(
            lines(&addresses, tcp_alone),
            [format!("tcpcandidate {} ::1:40001", base - 25_600)]
        );
        let prefer_tcp = CandidatePolicy {
            prefer_tcp: true,
            ..CandidatePolicy::EVERYTHING
        };
        assert_eq!(
            lines(&addresses, prefer_tcp),
            [
                format!("udpcandidate {base} ::1:40000"),
                format!("tcpcandidate {} ::1:40001", base - 25_600 + 256_000),
            ]
        );
    }

    #[test]
    fn any_number_of_addresses_has_priorities() {
        assert_eq!(priority(usize::MAX, false), (64 << 24) + 255);
        assert_eq!(priority(100, true), (64 << 24) + (1000 << 8) + 255);
    }
}
