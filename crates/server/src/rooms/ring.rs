//! Ringing: who calls whom.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{PersonId, RingId, RoomError, UnixTime};

/// Who rings whom; nobody is in two rings at once.
#[derive(Debug, Default)]
pub(super) struct Rings {
    rings: BTreeMap<RingId, Ring>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Ring {
    pub(super) from: PersonId,
    pub(super) to: PersonId,
    since: UnixTime,
}

impl Rings {
    pub(super) fn start(
        &mut self,
        from: PersonId,
        to: PersonId,
        now: UnixTime,
    ) -> Result<RingId, RoomError> {
        let is_busy = |ring: &Ring| {
            [ring.from, ring.to]
                .iter()
                .any(|one| [from, to].contains(one))
        };
        if from == to || self.rings.values().any(is_busy) {
            return Err(RoomError::Busy);
        }
        let id = RingId::random();
        let since = now;
        self.rings.insert(id, Ring { from, to, since });
        Ok(id)
    }

    /// Removes a ring, if `is_theirs` says that the person may do so.
    pub(super) fn take(
        &mut self,
        id: RingId,
        is_theirs: impl Fn(&Ring) -> bool,
    ) -> Result<Ring, RoomError> {
        match self.rings.get(&id).copied() {
            Some(ring) if is_theirs(&ring) => {
                self.rings.remove(&id);
                Ok(ring)
            }
            _ => Err(RoomError::NoSuchRing),
        }
    }

    /// Takes away all rings from and to a person.
    pub(super) fn take_of(&mut self, person: PersonId) -> Vec<(RingId, Ring)> {
        self.take_where(|ring| ring.from == person || ring.to == person)
    }

    pub(super) fn take_expired(&mut self, now: UnixTime, after: Duration) -> Vec<(RingId, Ring)> {
        self.take_where(|ring| now.since(ring.since) >= after)
    }

    fn take_where(&mut self, is_taken: impl Fn(&Ring) -> bool) -> Vec<(RingId, Ring)> {
        self.rings
            .extract_if(.., |_, ring| is_taken(ring))
            .collect()
    }
}
