//! Tracks published, muted and closed.

use super::{Demand, Room, RoomKind};
use crate::rooms::{
    Event, Outbox, PersonId, Presence, RoomError, Track, TrackId, TrackKind, TrackSource, limits,
};

impl Room {
    /// Whether the person may publish one more track now.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotInRoom`], [`RoomError::NotInCall`], [`RoomError::ViewerOnly`],
    /// [`RoomError::NotPermitted`], [`RoomError::TooManyTracks`]
    pub(crate) fn may_publish(&self, person: PersonId) -> Result<(), RoomError> {
        let info = &self.member(person)?.info;
        if info.presence != Presence::InCall {
            return Err(RoomError::NotInCall);
        }
        if info.viewer || (self.info.kind == RoomKind::Presentation && !info.owner) {
            return Err(RoomError::ViewerOnly);
        }
        if info.permissions.hidden {
            return Err(RoomError::NotPermitted("publish unseen"));
        }
        let theirs = self.tracks.iter().filter(|track| track.owner == person);
        if theirs.count() >= self.limits.tracks {
            return Err(RoomError::TooManyTracks);
        }
        Ok(())
    }

    /// Whether the person may publish one more track of this kind and source.
    ///
    /// # Errors
    ///
    /// Those of [`may_publish`](Self::may_publish), [`RoomError::NotPermitted`],
    /// [`RoomError::TooLarge`] for the name of the source.
    pub(crate) fn may_publish_source(
        &self,
        person: PersonId,
        kind: TrackKind,
        source: &TrackSource,
    ) -> Result<(), RoomError> {
        self.may_publish(person)?;
        let permissions = &self.member(person)?.info.permissions;
        permissions.may_publish(kind, source)?;
        if let TrackSource::Other(name) = source {
            limits::size("bytes of source", name.len(), MAX_SOURCE)?;
        }
        Ok(())
    }

    /// Publishes a track: others hear of it, and receive it unless they chose not to.
    ///
    /// # Errors
    ///
    /// Those of [`may_publish_source`](Self::may_publish_source)
    pub(crate) fn publish(&mut self, mut track: Track, out: &mut Outbox) -> Result<(), RoomError> {
        self.may_publish_source(track.owner, track.kind, &track.source)?;
        // A window's title may be long. It is cut, because that is no reason to refuse the window.
        let short: String = track.label.chars().take(self.limits.name_length).collect();
        track.label = self.limits.name(&short).unwrap_or_default();
        let owner = self.member(track.owner)?.info.clone();
        self.tell_others(&owner, &Event::TrackPublished(track.clone()), out);
        let (id, by) = (track.id.clone(), track.owner);
        self.tracks.push(track);
        self.demands.insert(id.clone(), Demand::Best);
        for (person, member) in &mut self.members {
            let receives = member.consumes && member.info.presence == Presence::InCall;
            if *person != by && receives && member.subscriptions.add(&id) {
                out.push(*person, Event::Subscribed(id.clone()));
            }
        }
        Ok(())
    }

    /// Takes back a track.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotInRoom`], [`RoomError::NoSuchTrack`], [`RoomError::NotYourTrack`]
    pub(crate) fn unpublish(
        &mut self,
        person: PersonId,
        track: &TrackId,
        out: &mut Outbox,
    ) -> Result<(), RoomError> {
        self.member(person)?;
        if self.track(track)?.owner != person {
            return Err(RoomError::NotYourTrack);
        }
        self.close_track(track, out);
        Ok(())
    }

    /// Mutes a track or opens it again. A host may mute anybody's track, but nobody may open
    /// another person's microphone or camera.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotInRoom`], [`RoomError::NoSuchTrack`], [`RoomError::NotYourTrack`]
    pub(crate) fn mute(
        &mut self,
        by: PersonId,
        track: &TrackId,
        muted: bool,
        out: &mut Outbox,
    ) -> Result<(), RoomError> {
        let is_host = self.member(by)?.info.is_host();
        let found = self.tracks.iter_mut().find(|one| one.id == *track);
        let found = found.ok_or(RoomError::NoSuchTrack)?;
        if found.owner != by && !(is_host && muted) {
            return Err(RoomError::NotYourTrack);
        }
        found.muted = muted;
        let event = Event::TrackMuted {
            track: track.clone(),
            muted,
            by: self.shown(by),
        };
        self.tell_all(&event, out);
        Ok(())
    }

    /// Whether a track is held back.
    pub(crate) fn is_muted(&self, track: &TrackId) -> bool {
        self.track(track).is_ok_and(|track| track.muted)
    }

    pub(super) fn track(&self, track: &TrackId) -> Result<&Track, RoomError> {
        let found = self.tracks.iter().find(|one| one.id == *track);
        found.ok_or(RoomError::NoSuchTrack)
    }

    pub(super) fn close_track(&mut self, track: &TrackId, out: &mut Outbox) {
        let Some(index) = self.tracks.iter().position(|one| one.id == *track) else {
            return;
        };
        let owner = self.tracks.remove(index).owner;
        self.demands.remove(track);
        for (person, member) in &mut self.members {
            if member.subscriptions.forget(track) {
                out.push(*person, Event::Unsubscribed(track.clone()));
            }
        }
        self.tell_all(&Event::TrackClosed(track.clone()), out);
        if self.stage.as_ref() == Some(track) {
            self.stage = None;
            let (track, by) = (None, self.shown(owner));
            self.tell_all(&Event::Stage { track, by }, out);
        }
    }
}

const MAX_SOURCE: usize = 64;
