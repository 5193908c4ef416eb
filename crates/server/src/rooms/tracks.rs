//! Tracks published, muted, put on the stage and subscribed to.

use super::{Event, Outbox, PersonId, RoomError, Rooms, Track, TrackId};

impl Rooms {
    /// Whether the person may publish one more track now.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotInRoom`], [`RoomError::NotInCall`], [`RoomError::ViewerOnly`],
    /// [`RoomError::TooManyTracks`]
    pub(crate) fn may_publish(&self, person: PersonId) -> Result<(), RoomError> {
        self.room(person)?.may_publish(person, self.limits.tracks)
    }

    /// Publishes a track: others hear of it, and receive it unless they chose not to.
    ///
    /// # Errors
    ///
    /// Those of [`may_publish`](Self::may_publish), [`RoomError::BadName`] for the label.
    pub(crate) fn publish(&mut self, mut track: Track, out: &mut Outbox) -> Result<(), RoomError> {
        self.may_publish(track.owner)?;
        if !track.label.trim().is_empty() {
            // A window's title may be long: what does not fit is no reason to refuse the window.
            let short: String = track.label.chars().take(self.limits.name_length).collect();
            track.label = self.limits.name(&short).unwrap_or_default();
        }
        self.room_mut(track.owner)?.publish(track, out);
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
        let room = self.room_mut(person)?;
        room.own_track(person, track)?;
        room.close_track(track, out);
        Ok(())
    }

    /// Holds a track back, or lets it go on.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotInRoom`], [`RoomError::NoSuchTrack`], [`RoomError::NotYourTrack`]
    pub(crate) fn mute(
        &mut self,
        person: PersonId,
        track: &TrackId,
        muted: bool,
        out: &mut Outbox,
    ) -> Result<(), RoomError> {
        let room = self.room_mut(person)?;
        room.own_track(person, track)?.muted = muted;
        let event = Event::TrackMuted {
            track: track.clone(),
            muted,
        };
        room.tell_all(&event, out);
        Ok(())
    }

    /// Receives a track, or drops it.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotInRoom`], [`RoomError::NoSuchTrack`], [`RoomError::NotInCall`]
    pub(crate) fn subscribe(
        &mut self,
        person: PersonId,
        track: &TrackId,
        wanted: bool,
        out: &mut Outbox,
    ) -> Result<(), RoomError> {
        let room = self.room_mut(person)?;
        if wanted {
            room.subscribe(person, track, out)
        } else {
            room.unsubscribe(person, track, out)
        }
    }

    /// Puts a track on the stage for everyone, or clears the stage.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotInRoom`], [`RoomError::NotInCall`], [`RoomError::NoSuchTrack`], and
    /// [`RoomError::NotOwner`] in a presentation
    pub(crate) fn set_stage(
        &mut self,
        person: PersonId,
        track: Option<TrackId>,
        out: &mut Outbox,
    ) -> Result<(), RoomError> {
        self.room_mut(person)?.set_stage(person, track, out)
    }

    /// The tracks that a person is to receive now.
    pub(crate) fn subscriptions(&self, person: PersonId) -> Vec<TrackId> {
        let participant = self.room(person).and_then(|room| room.participant(person));
        participant.map_or_else(
            |_| Vec::new(),
            |participant| participant.subscriptions.iter().cloned().collect(),
        )
    }
}
