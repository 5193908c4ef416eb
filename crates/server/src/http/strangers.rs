//! Connections that have not said who they are. Their number is bounded, for each network and in
//! all, and the oldest gives way. So a silent crowd keeps nobody out (docs/security.md rule 16).

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::net::{IpAddr, Ipv6Addr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::sync::oneshot;

/// Everyone who is connected and not yet online.
#[derive(Debug)]
pub(crate) struct Strangers {
    most: usize,
    most_of_network: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    /// In the order in which they came.
    waiting: BTreeMap<u64, Waiting>,
    /// How many of them a network has.
    by_network: BTreeMap<IpAddr, usize>,
}

#[derive(Debug)]
struct Waiting {
    /// None if it stands for people who have nothing in common.
    network: Option<IpAddr>,
    evict: oneshot::Sender<()>,
}

/// A place among them, until it is dropped.
#[derive(Debug)]
pub(crate) struct Stranger {
    id: u64,
    strangers: Arc<Strangers>,
    evicted: oneshot::Receiver<()>,
}

impl Strangers {
    /// Room for so many: in all, and from one network.
    pub(crate) fn new(most: usize, most_of_network: usize) -> Self {
        Self {
            most,
            most_of_network,
            inner: Mutex::default(),
        }
    }

    /// Lets one in, whose network is known if it says something. If there are too many, the oldest
    /// of the network or of all must go.
    pub(crate) fn admit(self: &Arc<Self>, network: Option<IpAddr>) -> Stranger {
        let mut inner = self.lock();
        let count = network.and_then(|network| inner.by_network.get(&network));
        if count.is_some_and(|count| *count >= self.most_of_network) {
            inner.evict(|one| one.network == network);
        } else if inner.waiting.len() >= self.most {
            inner.evict(|_| true);
        }
        let id = inner.next;
        inner.next += 1;
        let (evict, evicted) = oneshot::channel();
        inner.waiting.insert(id, Waiting { network, evict });
        if let Some(network) = network {
            *inner.by_network.entry(network).or_default() += 1;
        }
        Stranger {
            id,
            strangers: Arc::clone(self),
            evicted,
        }
    }

    /// Sends the oldest away. Returns whether there was one.
    pub(super) fn evict_oldest(&self) -> bool {
        self.lock().evict(|_| true)
    }

    /// This one is no stranger any more, and stays.
    pub(super) fn is_known(&self, id: u64) {
        self.lock().remove(id);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Sends away the oldest that `is_meant`. Returns whether there was one.
    fn evict(&mut self, is_meant: impl Fn(&Waiting) -> bool) -> bool {
        let mut all = self.waiting.iter();
        let oldest = all.find(|(_, one)| is_meant(one)).map(|(id, _)| *id);
        let gone = oldest.and_then(|id| self.remove(id));
        // One that is just leaving needs no word.
        gone.map(|one| one.evict.send(())).is_some()
    }

    fn remove(&mut self, id: u64) -> Option<Waiting> {
        let one = self.waiting.remove(&id)?;
        if let Some(network) = one.network
            && let Some(count) = self.by_network.get_mut(&network)
        {
            *count -= 1;
            if *count == 0 {
                self.by_network.remove(&network);
            }
        }
        Some(one)
    }
}

impl Stranger {
    /// Its number among the strangers.
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// Waits until this one must go. Dropping the future loses nothing.
    pub(crate) async fn evicted(&mut self) {
        poll_fn(|cx| self.poll_evicted(cx)).await;
    }

    /// Ready when this one must go.
    pub(super) fn poll_evicted(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.evicted.is_terminated() {
            return Poll::Pending;
        }
        match Pin::new(&mut self.evicted).poll(cx) {
            Poll::Ready(Ok(())) => Poll::Ready(()),
            // It is known by now, and nobody will send it away.
            Poll::Ready(Err(_)) | Poll::Pending => Poll::Pending,
        }
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.strangers.lock().remove(self.id);
    }
}

/// The addresses of one customer of a network: an IPv4 address, or a range of IPv6 addresses (RFC
/// 6177 §2: a site gets more than one /64).
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(
            address.to_bits() & !u128::from(u64::MAX),
        )),
    }
}

/// The network of a client, if it tells people apart. A proxy on this machine stands for people who
/// have nothing in common.
pub(crate) fn known_network(address: IpAddr) -> Option<IpAddr> {
    (!address.is_loopback()).then(|| network(address))
}

/// No household or office opens so many at the same moment, because a page says hello at once.
pub(crate) const MOST_PER_ADDRESS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn admit(strangers: &Arc<Strangers>, text: &str) -> Stranger {
        strangers.admit(Some(network(address(text))))
    }

    fn is_evicted(one: &mut Stranger) -> bool {
        one.evicted.try_recv().is_ok()
    }

    #[test]
    fn the_oldest_of_an_address_gives_way() {
        let strangers = Arc::new(Strangers::new(1000, 64));
        let mut other = admit(&strangers, "192.0.2.9");
        let mut crowd: Vec<_> = (0..64).map(|_| admit(&strangers, "192.0.2.1")).collect();
        assert!(!crowd.iter_mut().any(is_evicted));
        let mut newcomer = admit(&strangers, "::ffff:192.0.2.1");
        assert!(is_evicted(&mut crowd[0]) && !is_evicted(&mut crowd[1]));
        assert!(!is_evicted(&mut newcomer) && !is_evicted(&mut other));
        // One who has said who it is makes room.
        crowd.truncate(10);
        let mut more: Vec<_> = (0..50).map(|_| admit(&strangers, "192.0.2.1")).collect();
        assert!(!more.iter_mut().any(is_evicted) && !is_evicted(&mut crowd[1]));
    }

    #[test]
    fn the_oldest_of_all_gives_way_and_nothing_is_left_behind() {
        let strangers = Arc::new(Strangers::new(3, 64));
        let mut few: Vec<_> = (0..4)
            .map(|host| admit(&strangers, &format!("192.0.2.{host}")))
            .collect();
        assert!(is_evicted(&mut few[0]) && !few[1..].iter_mut().any(is_evicted));
        drop(few);
        let inner = strangers.lock();
        assert!(inner.waiting.is_empty() && inner.by_network.is_empty());
    }

    #[test]
    fn one_that_is_known_is_not_sent_away_and_one_of_no_network_has_no_neighbours() {
        let strangers = Arc::new(Strangers::new(3, 1));
        let mut known = admit(&strangers, "192.0.2.1");
        strangers.is_known(known.id());
        let mut of_proxy: Vec<_> = (0..3).map(|_| strangers.admit(None)).collect();
        assert!(!of_proxy.iter_mut().any(is_evicted));
        assert!(strangers.evict_oldest() && is_evicted(&mut of_proxy[0]));
        drop(of_proxy);
        assert!(!strangers.evict_oldest() && !is_evicted(&mut known));
        let nobody = std::task::Waker::noop();
        let mut cx = Context::from_waker(nobody);
        for _ in 0..2 {
            assert!(known.poll_evicted(&mut cx).is_pending());
        }
    }

    #[test]
    fn the_addresses_of_a_network_count_as_one() {
        assert_eq!(
            network(address("2001:db8::1")),
            network(address("2001:db8::ffff:2"))
        );
        assert_ne!(
            network(address("2001:db8::1")),
            network(address("2001:db8:0:1::1"))
        );
        assert_ne!(network(address("192.0.2.1")), network(address("192.0.2.2")));
    }
}
