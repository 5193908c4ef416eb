//! Connections that have not said who they are. Their number is bounded, for each address and in
//! all, and the oldest gives way. So a silent crowd keeps nobody out (docs/security.md rule 16).

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Everyone who is connected and not yet online.
#[derive(Debug)]
pub(crate) struct Strangers {
    most: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    /// In the order in which they came.
    waiting: BTreeMap<u64, Waiting>,
    /// How many of them an address has.
    by_address: BTreeMap<IpAddr, usize>,
}

#[derive(Debug)]
struct Waiting {
    address: IpAddr,
    evict: oneshot::Sender<()>,
}

/// A place among them, until it is dropped.
#[derive(Debug)]
pub(super) struct Stranger {
    id: u64,
    strangers: Arc<Strangers>,
    evicted: oneshot::Receiver<()>,
}

impl Strangers {
    /// Room for so many, from however many addresses.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            inner: Mutex::default(),
        }
    }

    /// Lets one in. If there are too many, the oldest of its address or of all must go.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Stranger {
        let address = network(address);
        let mut inner = self.lock();
        if inner.by_address.get(&address).copied().unwrap_or(0) >= MOST_PER_ADDRESS {
            let oldest = inner
                .waiting
                .iter()
                .find(|(_, one)| one.address == address)
                .map(|(id, _)| *id);
            inner.evict(oldest);
        } else if inner.waiting.len() >= self.most {
            let oldest = inner.waiting.keys().next().copied();
            inner.evict(oldest);
        }
        let id = inner.next;
        inner.next += 1;
        let (evict, evicted) = oneshot::channel();
        inner.waiting.insert(id, Waiting { address, evict });
        *inner.by_address.entry(address).or_default() += 1;
        Stranger {
            id,
            strangers: Arc::clone(self),
            evicted,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn evict(&mut self, id: Option<u64>) {
        if let Some(one) = id.and_then(|id| self.remove(id)) {
            // One that is just leaving needs no word.
            let _ = one.evict.send(());
        }
    }

    fn remove(&mut self, id: u64) -> Option<Waiting> {
        let one = self.waiting.remove(&id)?;
        if let Some(count) = self.by_address.get_mut(&one.address) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&one.address);
            }
        }
        Some(one)
    }
}

impl Stranger {
    /// Waits until this one must go. Dropping the future loses nothing.
    pub(super) async fn evicted(&mut self) {
        let _ = (&mut self.evicted).await;
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.strangers.lock().remove(self.id);
    }
}

/// The addresses of one customer of a network: an IPv4 address, or a range of IPv6 addresses (RFC
/// 6177 §2: a site gets more than one /64).
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(
            address.to_bits() & !u128::from(u64::MAX),
        )),
    }
}

/// No household or office opens so many at the same moment, because a page says hello at once.
pub(super) const MOST_PER_ADDRESS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn is_evicted(one: &mut Stranger) -> bool {
        one.evicted.try_recv().is_ok()
    }

    #[test]
    fn the_oldest_of_an_address_gives_way() {
        let strangers = Arc::new(Strangers::new(1000));
        let mut other = strangers.admit(address("192.0.2.9"));
        let mut crowd: Vec<_> = (0..MOST_PER_ADDRESS)
            .map(|_| strangers.admit(address("192.0.2.1")))
            .collect();
        assert!(!crowd.iter_mut().any(is_evicted));
        let mut newcomer = strangers.admit(address("::ffff:192.0.2.1"));
        assert!(is_evicted(&mut crowd[0]) && !is_evicted(&mut crowd[1]));
        assert!(!is_evicted(&mut newcomer) && !is_evicted(&mut other));
        // One who has said who it is makes room.
        crowd.truncate(10);
        let mut more: Vec<_> = (0..50)
            .map(|_| strangers.admit(address("192.0.2.1")))
            .collect();
        assert!(!more.iter_mut().any(is_evicted) && !is_evicted(&mut crowd[1]));
    }

    #[test]
    fn the_oldest_of_all_gives_way_and_nothing_is_left_behind() {
        let strangers = Arc::new(Strangers::new(3));
        let mut few: Vec<_> = (0..4)
            .map(|host| strangers.admit(IpAddr::from([192, 0, 2, host])))
            .collect();
        assert!(is_evicted(&mut few[0]) && !few[1..].iter_mut().any(is_evicted));
        drop(few);
        let inner = strangers.lock();
        assert!(inner.waiting.is_empty() && inner.by_address.is_empty());
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
