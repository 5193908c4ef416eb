//! Everything the core has dropped, by reason, for the log. The counts of a closed transport stay
//! here.

use std::fmt;
use std::ops::AddAssign;

use super::Worker;
use crate::transport::Transport;

/// What was dropped since the worker started, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drops([u64; NAMES.len()]);

impl Worker {
    /// What was dropped so far. Looks at every transport.
    #[must_use]
    pub fn drops(&self) -> Drops {
        let counters = &self.counters;
        let mut drops = Drops::default();
        drops.0[..OWN].copy_from_slice(&[
            counters.unknown_protocol,
            counters.stun_ignored,
            counters.unknown_tuple,
            counters.over_share,
            counters.stun_over_share,
            counters.path_in_use,
            counters.stun_answers_dropped,
            counters.panics,
            self.outbox.merged(),
            self.outbox.undelivered(),
        ]);
        drops += self.totals.dropped;
        for (_, transport) in self.entities.transports.iter() {
            drops += Drops::of(transport);
        }
        drops
    }
}

impl Drops {
    /// Whether what was dropped since `earlier` belongs to ordinary use: tracks that are muted or not
    /// announced yet, connections that are being opened, packets that come after a goodbye. All else
    /// is worth an operator's attention.
    #[must_use]
    pub fn is_ordinary_since(&self, earlier: &Self) -> bool {
        let counts = self.0.iter().zip(earlier.0);
        let mut grown = NAMES
            .iter()
            .zip(counts)
            .filter(|(_, (now, then))| *now != then);
        grown.all(|(name, _)| ORDINARY.contains(name))
    }

    /// The names and counts of dropped packets and datagrams. Panics and merged notifications are
    /// in the log as well, but they are no packets.
    pub(super) fn of_packets(self) -> impl Iterator<Item = (&'static str, u64)> {
        let named = NAMES.into_iter().zip(self.0);
        named.filter(|(name, _)| !["worker.panics", "worker.notifications_merged"].contains(name))
    }

    /// What one transport dropped.
    pub(super) fn of(transport: &Transport) -> Self {
        let (received, sent) = (transport.received(), transport.sent());
        let (ice, dtls) = transport
            .connectivity_counters()
            .map_or_else(Default::default, |(ice, dtls)| (*ice, *dtls));
        let mut drops = Self::default();
        drops.0[OWN..].copy_from_slice(&[
            ice.not_a_request,
            ice.unknown_username,
            ice.wrong_fingerprint,
            ice.bad_request,
            ice.unauthorized,
            ice.role_conflict,
            ice.would_amplify,
            dtls.before_start,
            dtls.after_end,
            dtls.oversized,
            dtls.malformed,
            dtls.plaintext,
            dtls.plaintext_after_handshake,
            dtls.unverified_data,
            dtls.unsent_data,
            dtls.session.hellos,
            dtls.session.unproven,
            dtls.session.unneeded,
            received.dropped_not_connected,
            received.dropped_unauthenticated,
            received.dropped_too_many_ssrcs,
            received.dropped_key_exhausted,
            received.dropped_wrong_port,
            received.dropped_malformed,
            received.dropped_no_producer,
            received.dropped_by_producer,
            received.ssrcs_not_learned,
            received.dropped_nacked,
            sent.dropped_not_connected,
            sent.dropped_too_long,
            sent.dropped_unprotected,
            sent.extensions_left_out,
        ]);
        drops
    }
}

impl Default for Drops {
    fn default() -> Self {
        Self([0; NAMES.len()])
    }
}

impl AddAssign for Drops {
    fn add_assign(&mut self, other: Self) {
        for (sum, count) in self.0.iter_mut().zip(other.0) {
            *sum = sum.wrapping_add(count);
        }
    }
}

impl fmt::Display for Drops {
    /// The counters that are not zero, as `name=count`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = NAMES.iter().zip(self.0).filter(|(_, count)| *count > 0);
        for (index, (name, count)) in counted.enumerate() {
            let gap = if index == 0 { "" } else { " " };
            write!(f, "{gap}{name}={count}")?;
        }
        Ok(())
    }
}

/// How many of the names are the worker's own; the others are those of its transports.
const OWN: usize = 10;

/// What is dropped in every call, without harm.
const ORDINARY: [&str; 10] = [
    "worker.stun_ignored",
    "worker.unknown_tuple",
    "worker.notifications_merged",
    "ice.unknown_username",
    "dtls.before_start",
    "dtls.after_end",
    "received.not_connected",
    "received.no_producer",
    "received.by_producer",
    "sent.not_connected",
];

const NAMES: [&str; 42] = [
    "worker.unknown_protocol",
    "worker.stun_ignored",
    "worker.unknown_tuple",
    "worker.over_share",
    "worker.stun_over_share",
    "worker.path_in_use",
    "worker.stun_answers_dropped",
    "worker.panics",
    "worker.notifications_merged",
    "worker.undelivered",
    "ice.not_a_request",
    "ice.unknown_username",
    "ice.wrong_fingerprint",
    "ice.bad_request",
    "ice.unauthorized",
    "ice.role_conflict",
    "ice.would_amplify",
    "dtls.before_start",
    "dtls.after_end",
    "dtls.oversized",
    "dtls.malformed",
    "dtls.plaintext",
    "dtls.plaintext_after_handshake",
    "dtls.unverified_data",
    "dtls.unsent_data",
    "dtls.hellos",
    "dtls.unproven",
    "dtls.unneeded",
    "received.not_connected",
    "received.unauthenticated",
    "received.too_many_ssrcs",
    "received.key_exhausted",
    "received.wrong_port",
    "received.malformed",
    "received.no_producer",
    "received.by_producer",
    "received.ssrcs_not_learned",
    "received.nacked",
    "sent.not_connected",
    "sent.too_long",
    "sent.unprotected",
    "sent.extensions_left_out",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn drops(name: &str, count: u64) -> Drops {
        let mut drops = Drops::default();
        drops.0[NAMES.iter().position(|one| *one == name).unwrap()] = count;
        drops
    }

    #[test]
    fn what_is_ordinary_is_a_drop_by_name() {
        assert!(ORDINARY.iter().all(|name| NAMES.contains(name)));
    }

    #[test]
    fn muted_tracks_and_connections_that_open_are_ordinary() {
        let none = Drops::default();
        let mut muted = drops("received.by_producer", 86);
        muted += drops("sent.not_connected", 2);
        assert!(muted.is_ordinary_since(&none) && none.is_ordinary_since(&none));
        let mut forged = muted;
        forged += drops("received.unauthenticated", 1);
        assert!(!forged.is_ordinary_since(&muted));
        // Earlier lines do not change the weight of the next one.
        let mut later = forged;
        later += drops("received.by_producer", 1);
        assert!(later.is_ordinary_since(&forged));
    }
}
