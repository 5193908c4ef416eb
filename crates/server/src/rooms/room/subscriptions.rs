//! Which tracks a person receives, and how.

use std::collections::{BTreeMap, BTreeSet};

use super::Room;
use crate::rooms::{Event, Outbox, PersonId, Presence, RoomError, Track, TrackId};

/// How a person wants to receive a track.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Preferences {
    /// Not now; the subscription stays.
    pub paused: bool,
    /// No better than this; without, as good as it comes.
    pub quality: Option<Quality>,
}

/// A size and a rate of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quality {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// In pictures per second.
    pub rate: u32,
}

/// The most that anyone wants of a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Demand {
    /// All who receive it have paused it.
    Nothing,
    /// Nobody wants more than this.
    UpTo(Quality),
    /// Somebody wants the best quality, or nobody has set a preference.
    Best,
}

impl Demand {
    fn of(preferences: Preferences) -> Self {
        match preferences {
            Preferences { paused: true, .. } => Self::Nothing,
            Preferences {
                quality: Some(quality),
                ..
            } => Self::UpTo(quality),
            Preferences { quality: None, .. } => Self::Best,
        }
    }

    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Best, _) | (_, Self::Best) => Self::Best,
            (Self::Nothing, other) | (other, Self::Nothing) => other,
            (Self::UpTo(one), Self::UpTo(two)) => Self::UpTo(Quality {
                width: one.width.max(two.width),
                height: one.height.max(two.height),
                rate: one.rate.max(two.rate),
            }),
        }
    }
}

/// The tracks that one member receives, and what they want of tracks.
#[derive(Clone, Debug, Default)]
pub(super) struct Subscriptions {
    received: BTreeSet<TrackId>,
    /// They may be set before a track is received, and they stay until the track closes.
    preferences: BTreeMap<TrackId, Preferences>,
}

impl Subscriptions {
    /// Returns whether it is new.
    pub(super) fn add(&mut self, track: &TrackId) -> bool {
        self.received.insert(track.clone())
    }

    /// Returns whether it was there.
    fn remove(&mut self, track: &TrackId) -> bool {
        self.received.remove(track)
    }

    /// The track is no more. Returns whether it was received.
    pub(super) fn forget(&mut self, track: &TrackId) -> bool {
        self.preferences.remove(track);
        self.remove(track)
    }

    pub(super) fn tracks(&self) -> impl Iterator<Item = &TrackId> {
        self.received.iter()
    }

    fn preferences(&self, track: &TrackId) -> Preferences {
        self.preferences.get(track).copied().unwrap_or_default()
    }

    fn demand(&self, track: &TrackId) -> Option<Demand> {
        let is_received = self.received.contains(track);
        is_received.then(|| Demand::of(self.preferences(track)))
    }
}

impl Room {
    /// The tracks that a person is to receive now.
    pub(crate) fn subscriptions(&self, person: PersonId) -> Vec<TrackId> {
        let member = self.member(person);
        member.map_or_else(
            |_| Vec::new(),
            |member| member.subscriptions.tracks().cloned().collect(),
        )
    }

    /// How a person wants to receive a track.
    pub(crate) fn preferences(&self, person: PersonId, track: &TrackId) -> Preferences {
        let member = self.member(person);
        member.map_or_else(
            |_| Preferences::default(),
            |one| one.subscriptions.preferences(track),
        )
    }

    /// Receives a track, or drops it.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotInRoom`], [`RoomError::NoSuchTrack`], [`RoomError::NotInCall`],
    /// [`RoomError::NotPermitted`]
    pub(crate) fn subscribe(
        &mut self,
        person: PersonId,
        track: &TrackId,
        wanted: bool,
        out: &mut Outbox,
    ) -> Result<(), RoomError> {
        self.member(person)?;
        if wanted {
            self.foreign_track(person, track)?;
            let member = self.member_mut(person)?;
            if member.info.presence != Presence::InCall {
                return Err(RoomError::NotInCall);
            }
            if !member.info.permissions.subscribe {
                return Err(RoomError::NotPermitted("receive"));
            }
            if member.subscriptions.add(track) {
                out.push(person, Event::Subscribed(track.clone()));
            }
        } else if self.member_mut(person)?.subscriptions.remove(track) {
            out.push(person, Event::Unsubscribed(track.clone()));
        }
        self.tell_demand(track, out);
        Ok(())
    }

    /// Sets how a person wants to receive a track, now or later.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotInRoom`], [`RoomError::NoSuchTrack`]
    pub(crate) fn prefer(
        &mut self,
        person: PersonId,
        track: &TrackId,
        preferences: Preferences,
        out: &mut Outbox,
    ) -> Result<(), RoomError> {
        self.member(person)?;
        self.foreign_track(person, track)?;
        let member = self.member_mut(person)?;
        member
            .subscriptions
            .preferences
            .insert(track.clone(), preferences);
        self.tell_demand(track, out);
        Ok(())
    }

    pub(super) fn subscribe_to_all(&mut self, person: PersonId, out: &mut Outbox) {
        let Some(member) = self.members.get_mut(&person) else {
            return;
        };
        if !member.consumes {
            return;
        }
        let mut added = Vec::new();
        for track in self.tracks.iter().filter(|track| track.owner != person) {
            if member.subscriptions.add(&track.id) {
                out.push(person, Event::Subscribed(track.id.clone()));
                added.push(track.id.clone());
            }
        }
        for track in &added {
            self.tell_demand(track, out);
        }
    }

    fn foreign_track(&self, person: PersonId, track: &TrackId) -> Result<&Track, RoomError> {
        let track = self.track(track)?;
        if track.owner == person {
            return Err(RoomError::NoSuchTrack);
        }
        Ok(track)
    }

    /// Tells the owner of a track what is wanted of it, if that has changed.
    pub(super) fn tell_demand(&mut self, id: &TrackId, out: &mut Outbox) {
        let Some(told) = self.demands.get_mut(id) else {
            return;
        };
        let each = self
            .members
            .values()
            .filter_map(|one| one.subscriptions.demand(id));
        let demand = each.reduce(Demand::or).unwrap_or(Demand::Best);
        if *told == demand {
            return;
        }
        *told = demand;
        if let Some(track) = self.tracks.iter().find(|one| one.id == *id) {
            let event = Event::TrackWanted {
                track: id.clone(),
                demand,
            };
            out.push(track.owner, event);
        }
    }
}
