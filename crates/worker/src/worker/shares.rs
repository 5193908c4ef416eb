//! Who may have how much of the worker's time while datagrams queue up: transports, the networks
//! that they are in, and strangers (docs/security.md rule 16).

use std::net::IpAddr;
use std::time::Duration;

use crate::rng::{KeyedState, Table};
use crate::time::Instant;
use crate::transport::{Rate, Share, Work};

/// The shares that are not a transport's own.
///
/// A transport has a share of its own, which is enough for a person. What goes beyond it comes from
/// the share of its network, which all transports there have in common. So one who floods from many
/// transports gets little more than with one of them, and neighbours who flood nothing notice
/// nothing: people behind one NAT or one relay are one network.
pub(super) struct Shares {
    /// Networks that have work to pay.
    networks: Table<IpAddr, Share>,
    /// Those who have proven nothing have one share together. A source address can be forged, so
    /// no network pays for what seems to come from it.
    strangers: Share,
}

impl Shares {
    pub(super) fn new(state: KeyedState) -> Self {
        Self {
            networks: Table::with_hasher(state),
            strangers: Share::default(),
        }
    }

    /// Forgets networks that have paid.
    pub(super) fn settle(&mut self, now: Instant) {
        self.networks.retain(|_, share| !share.is_paid(now));
    }

    /// Whether a datagram may be looked at that seems to come from a transport with this share, in
    /// this network. [`Shares::enter`] follows if it proves authentic.
    pub(super) fn have_room(&self, now: Instant, own: &Share, network: IpAddr) -> bool {
        let network = || self.networks.get(&network);
        own.has_room(now, OWN) || network().is_none_or(|share| share.has_room(now, NETWORK))
    }

    /// Enters work that a transport has caused.
    pub(super) fn enter(&mut self, now: Instant, own: &mut Share, network: IpAddr, work: Work) {
        if !own.take(now, work, OWN) {
            let share = self.networks.entry(network).or_default();
            share.enter(now, work, NETWORK);
        }
    }

    /// Whether a datagram of DTLS may be looked at. What is forged there shows only later, so every
    /// one counts, and media must not suffer from it.
    pub(super) fn take_for_dtls(now: Instant, own: &mut Share) -> bool {
        own.take(now, Work::DTLS, NETWORK)
    }

    /// Whether a stranger may have work done.
    pub(super) fn take_for_stranger(&mut self, now: Instant, work: Work) -> bool {
        self.strangers.take(now, work, STRANGERS)
    }
}

/// 8 million instructions a second: 600 full packets, or 1,500 of audio.
const OWN: Rate = Rate {
    nanos: 125,
    burst: Duration::from_millis(250),
};
/// 31 million instructions a second, so that with its own share one person may send 29 Mbit/s, which
/// is more than any browser does. The bursts of both are 450 full packets, a very large key frame.
const NETWORK: Rate = Rate {
    nanos: 32,
    burst: Duration::from_millis(125),
};
/// 50 million instructions a second: 3,100 checks, and half as many at once when a whole room comes
/// back.
const STRANGERS: Rate = Rate {
    nanos: 20,
    burst: Duration::from_millis(500),
};
