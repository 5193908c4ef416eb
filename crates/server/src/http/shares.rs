//! What one network may take: requests for sessions, and sessions that have not connected. Each of
//! these costs a transport in a worker, whether anybody comes or not (docs/security.md rule 16).

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// The shares of all networks that take something now.
#[derive(Debug)]
pub(crate) struct Shares {
    /// Between two requests, on average.
    interval: Duration,
    most_connecting: usize,
    networks: BTreeMap<IpAddr, Share>,
}

#[derive(Debug)]
struct Share {
    /// When all requests that were made will be forgotten.
    full_at: Instant,
    /// Ids of sessions that have not connected, the oldest first.
    connecting: VecDeque<String>,
}

impl Shares {
    /// So many requests a second, and so many sessions that have not connected.
    pub(crate) fn new(rate: u32, most_connecting: usize) -> Self {
        Self {
            interval: Duration::from_secs(1) / rate.max(1),
            most_connecting,
            networks: BTreeMap::new(),
        }
    }

    /// Whether a network may ask for a session now.
    pub(crate) fn may_ask(&mut self, network: IpAddr, now: Instant) -> bool {
        self.networks
            .retain(|_, share| share.full_at > now || !share.connecting.is_empty());
        let interval = self.interval;
        let share = self.of(network, now);
        let full_at = share.full_at.max(now) + interval;
        let may = full_at.duration_since(now) <= BURST;
        if may {
            share.full_at = full_at;
        }
        may
    }

    /// A session waits for its client to connect. If there are too many of the network, returns the
    /// oldest, which must end.
    pub(crate) fn begin(&mut self, network: IpAddr, id: String, now: Instant) -> Option<String> {
        let most = self.most_connecting;
        // A request that took its time may be forgotten by now.
        let share = self.of(network, now);
        share.connecting.push_back(id);
        if share.connecting.len() > most {
            share.connecting.pop_front()
        } else {
            None
        }
    }

    fn of(&mut self, network: IpAddr, now: Instant) -> &mut Share {
        self.networks.entry(network).or_insert(Share {
            full_at: now,
            connecting: VecDeque::new(),
        })
    }

    /// A session has connected, or has ended.
    pub(crate) fn end(&mut self, network: IpAddr, id: &str) {
        if let Some(share) = self.networks.get_mut(&network) {
            share.connecting.retain(|one| one != id);
        }
    }
}

/// The requests of this time may come at once.
const BURST: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_asks_so_often_and_others_are_not_touched() {
        let mut shares = Shares::new(5, 16);
        let [one, other] = [1, 2].map(|host| IpAddr::from([192, 0, 2, host]));
        let now = Instant::now();
        for _ in 0..50 {
            assert!(shares.may_ask(one, now));
        }
        assert!(!shares.may_ask(one, now) && shares.may_ask(other, now));
        let later = now + Duration::from_millis(200);
        assert!(shares.may_ask(one, later) && !shares.may_ask(one, later));
        shares.may_ask(other, now + BURST * 3);
        assert_eq!(shares.networks.len(), 1, "what is forgotten takes no place");
    }

    #[test]
    fn the_oldest_that_has_not_connected_gives_way() {
        let mut shares = Shares::new(5, 2);
        let network = IpAddr::from([192, 0, 2, 1]);
        let now = Instant::now();
        let mut begin = |id: &str| shares.begin(network, id.to_owned(), now);
        assert_eq!((begin("a"), begin("b")), (None, None));
        assert_eq!(begin("c").as_deref(), Some("a"));
        // One that has connected is not among them any more.
        shares.end(network, "b");
        assert_eq!(shares.begin(network, "d".to_owned(), now), None);
        assert_eq!(
            shares.begin(network, "e".to_owned(), now).as_deref(),
            Some("c")
        );
    }
}
