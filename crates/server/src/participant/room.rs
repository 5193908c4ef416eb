//! What a person does with others: the lobby, rings, and everything in a room except media.

use super::Participant;
use crate::media::Way;
use crate::rooms::{
    JoinOptions, Joined, NewRoom, PersonId, Preferences, ProfileChange, RingId, RoomError, RoomId,
    Secret, TrackId,
};

type Result<T> = std::result::Result<T, RoomError>;

// Each method has the errors of the method of `Directory` or `Room` that it calls.
impl Participant {
    /// Whether they want to hear of the lobby; the first snapshot comes at once.
    pub(crate) fn watch_lobby(&self, watch: bool) -> Result<()> {
        self.hall
            .act(|directory, _, out| directory.watch_lobby(self.id, watch, out))
    }

    /// Makes a room; whoever joins with the secret owns it.
    pub(crate) fn create_room(&self, new: NewRoom) -> Result<(RoomId, Secret)> {
        self.hall.create(self.id, new)
    }

    /// Comes into a room. `way` says how media will flow there.
    ///
    /// # Errors
    ///
    /// [`RoomError::AlreadyInRoom`], and those of [`Room::join`](crate::rooms::Room::join) and of
    /// the making of a room
    pub(crate) fn join(&mut self, id: &RoomId, options: JoinOptions, way: Way) -> Result<Joined> {
        if self.room.is_some() {
            return Err(RoomError::AlreadyInRoom);
        }
        let (room, joined) = self.hall.join(self.id, id, options)?;
        self.entry.enters(room.id());
        self.room = Some(room);
        self.way = way;
        Ok(joined)
    }

    /// What they find in their room now.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotInRoom`]
    pub(crate) fn view(&self) -> Result<Joined> {
        let room = self.room()?;
        let view = room.ask(|room| room.holds(self.id).then(|| room.view_of(self.id)));
        view.ok_or(RoomError::NotInRoom)
    }

    /// Refuses one who is in no room.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotInRoom`]
    pub(crate) fn require_room(&self) -> Result<()> {
        self.room().map(|_| ())
    }

    /// Leaves the room; both connections close.
    pub(crate) fn leave(&mut self) -> Result<()> {
        self.close_media();
        let room = self.room.take().ok_or(RoomError::NotInRoom)?;
        let left = self.hall.leave(self.id, &room);
        self.entry.leaves(&left, "left");
        Ok(())
    }

    /// Leaves a room that they have opened in vain: it is as if they had never come.
    pub(crate) fn abandon(&mut self) {
        self.close_media();
        if let Some(room) = self.room.take() {
            self.hall.abandon(self.id, &room);
        }
    }

    /// As the owner, begins the call and rings everyone in the room.
    pub(crate) fn start_call(&self) -> Result<()> {
        let room = self.room()?;
        room.act(|room, out| room.start_call(self.id, out))?;
        self.hall.refresh(room);
        Ok(())
    }

    /// As the owner, rings those who are in the room but not in the call.
    pub(crate) fn ring_room(&self) -> Result<()> {
        self.room()?.act(|room, out| room.ring(self.id, out))
    }

    /// Enters the call, or declines to.
    pub(crate) fn answer_call(&self, accept: bool) -> Result<()> {
        let room = self.room()?;
        room.act(|room, out| room.answer_call(self.id, accept, out))
    }

    /// As the owner, ends the room for everyone.
    pub(crate) fn end_room(&mut self) -> Result<()> {
        self.hall.end(self.id, self.room()?)?;
        if let Some(room) = self.room.take() {
            self.entry.leaves(room.id(), "ended the room");
        }
        self.close_media();
        Ok(())
    }

    /// As one who looks after the room, locks or opens it.
    pub(crate) fn lock_room(&self, locked: bool) -> Result<()> {
        let room = self.room()?;
        room.act(|room, out| room.lock(self.id, locked, out))?;
        self.hall.refresh(room);
        Ok(())
    }

    /// As a host, sets the room's metadata for applications.
    pub(crate) fn set_room_metadata(&self, metadata: String) -> Result<()> {
        let room = self.room()?;
        room.act(|room, out| room.set_metadata(self.id, metadata, out))?;
        self.hall.refresh(room);
        Ok(())
    }

    /// As a host, removes a person from the room.
    pub(crate) fn remove(&self, person: PersonId) -> Result<()> {
        let room = self.room()?;
        room.act(|room, out| room.remove(self.id, person, out))?;
        self.hall.refresh(room);
        Ok(())
    }

    /// As a host, moves a person into another room: one whose owner's secret they have, or that
    /// their token names.
    ///
    /// # Errors
    ///
    /// Those of [`Room::move_to`](crate::rooms::Room::move_to), [`RoomError::AlreadyThere`],
    /// [`RoomError::BeingMoved`]; nothing has changed then.
    pub(crate) fn move_person(
        &self,
        person: PersonId,
        to: &RoomId,
        secret: Option<&str>,
    ) -> Result<()> {
        self.hall
            .move_person((self.id, self.room()?), person, to, secret)
    }

    /// Changes what others know of them.
    pub(crate) fn change_profile(&mut self, change: ProfileChange) -> Result<()> {
        let room = self.room.as_deref();
        let name = self.hall.change_profile(self.id, change, room)?;
        self.entry.name = name;
        Ok(())
    }

    /// Rings a person.
    pub(crate) fn ring(&self, person: PersonId) -> Result<RingId> {
        self.hall
            .act(|directory, now, out| directory.ring(self.id, person, now, out))
    }

    /// Gives up a ring.
    pub(crate) fn cancel_ring(&self, ring: RingId) -> Result<()> {
        self.hall
            .act(|directory, _, out| directory.cancel_ring(self.id, ring, out))
    }

    /// Accepts a ring, and then both hear of a room for them; or declines it.
    pub(crate) fn answer_ring(&self, ring: RingId, accept: bool) -> Result<()> {
        if accept {
            return self.hall.accept_ring(self.id, ring);
        }
        self.hall
            .act(|directory, _, out| directory.decline_ring(self.id, ring, out))
    }

    /// Says something to everyone in the room.
    pub(crate) fn chat(&self, text: &str) -> Result<()> {
        let now = self.hall.now();
        self.room()?
            .act(|room, out| room.chat(self.id, text, now, out))
    }

    /// Sends data to some people in the room, or to all others if none is named.
    pub(crate) fn send_data(&self, topic: String, payload: &[u8], to: &[PersonId]) -> Result<()> {
        self.room()?
            .act(|room, out| room.send_data(self.id, topic, payload, to, out))
    }

    /// Puts a track on the stage for everyone, or clears the stage.
    pub(crate) fn set_stage(&self, track: Option<TrackId>) -> Result<()> {
        self.room()?
            .act(|room, out| room.set_stage(self.id, track, out))
    }

    /// Receives a track from now on, or drops it: an event follows.
    pub(crate) fn subscribe(&self, track: &TrackId, wanted: bool) -> Result<()> {
        self.room()?
            .act(|room, out| room.subscribe(self.id, track, wanted, out))
    }

    pub(super) fn note_preferences(&self, track: &TrackId, wanted: Preferences) -> Result<()> {
        self.room()?
            .act(|room, out| room.prefer(self.id, track, wanted, out))
    }
}
