//! Rooms made, entered, left and ended, their calls, and their chat.

use std::collections::BTreeSet;
use std::time::Instant;

use super::room::Participant;
use super::{
    CallState, ChatMessage, Event, NewRoom, Outbox, OwnerSecret, ParticipantInfo, PersonId,
    Presence, RoomError, RoomId, RoomInfo, RoomKind, RoomState, Rooms,
};

/// How a person comes into a room.
#[derive(Clone, Debug)]
pub(crate) struct JoinOptions {
    /// Without devices: never publishes.
    pub viewer: bool,
    /// Whether tracks are received without being asked for.
    pub consumes: bool,
    /// Whether they enter a call that runs, or only come into its room.
    pub enters_call: bool,
    /// Proof of ownership, from the room's creation.
    pub secret: Option<String>,
    /// What to make the room if there is none.
    pub open: Option<NewRoom>,
}

/// What a person finds in a room.
#[derive(Clone, Debug)]
pub(crate) struct Joined {
    /// The room.
    pub room: RoomInfo,
    /// Everyone in it, oneself included.
    pub participants: Vec<ParticipantInfo>,
    /// Tracks, stage and chat.
    pub call: CallState,
    /// For the one who has just made the room by joining it.
    pub secret: Option<OwnerSecret>,
}

impl Rooms {
    /// Makes a room; whoever has the secret owns it.
    ///
    /// # Errors
    ///
    /// [`RoomError::TooManyRooms`], [`RoomError::BadName`]
    pub(crate) fn create(
        &mut self,
        person: PersonId,
        mut new: NewRoom,
        now: Instant,
    ) -> Result<(RoomId, OwnerSecret), RoomError> {
        self.person(person)?;
        new.name = self.limits.name(&new.name)?;
        if self.rooms.len() >= self.limits.rooms {
            return Err(RoomError::TooManyRooms);
        }
        Ok(self.add_room(RoomId::random(), new, now))
    }

    /// Brings a person into a room.
    ///
    /// # Errors
    ///
    /// [`RoomError::AlreadyInRoom`], [`RoomError::RoomEnded`], [`RoomError::NoSuchRoom`],
    /// [`RoomError::RoomFull`], [`RoomError::WrongSecret`], [`RoomError::NotInvited`],
    /// [`RoomError::TooManyRooms`]
    pub(crate) fn join(
        &mut self,
        person: PersonId,
        id: &RoomId,
        options: JoinOptions,
        now: Instant,
        out: &mut Outbox,
    ) -> Result<Joined, RoomError> {
        let one = self.person(person)?;
        if one.room.is_some() {
            return Err(RoomError::AlreadyInRoom);
        }
        let name = one.name.clone();
        let secret = self.find_or_open(id, options.open, now)?;
        let limit = self.limits.room_people;
        let room = self.rooms.get_mut(id).ok_or(RoomError::NoSuchRoom)?;
        // A secret from an older room of this id does not matter to the one who opens it anew.
        let owner = secret.is_some() || room.admit(options.secret.as_deref())?;
        if room.participants.len() >= limit && !owner {
            return Err(RoomError::RoomFull);
        }
        let presence = match room.info.state {
            RoomState::InCall if options.enters_call => Presence::InCall,
            RoomState::InCall | RoomState::Waiting | RoomState::Ended => Presence::Waiting,
        };
        let info = ParticipantInfo {
            id: person,
            name,
            viewer: options.viewer,
            owner,
            presence,
        };
        let participant = Participant {
            info,
            consumes: options.consumes,
            subscriptions: BTreeSet::new(),
        };
        room.join(participant, out);
        let joined = Joined {
            room: room.info.clone(),
            participants: room
                .participants
                .values()
                .map(|one| one.info.clone())
                .collect(),
            call: room.call_state(),
            secret,
        };
        if let Some(one) = self.people.get_mut(&person) {
            one.room = Some(id.clone());
        }
        self.lobby_changed = true;
        Ok(joined)
    }

    /// A person leaves the room they are in.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotInRoom`]
    pub(crate) fn leave(
        &mut self,
        person: PersonId,
        now: Instant,
        out: &mut Outbox,
    ) -> Result<(), RoomError> {
        let id = self.room_of(person)?.clone();
        if let Some(one) = self.people.get_mut(&person) {
            one.room = None;
        }
        if let Some(room) = self.rooms.get_mut(&id) {
            room.leave(person, now, out);
            // Nobody else has the link to a room that was made for two.
            if room.info.kind == RoomKind::Direct && room.participants.is_empty() {
                self.remove_room(&id);
            }
        }
        self.lobby_changed = true;
        Ok(())
    }

    /// The owner begins the call and rings everyone in the room.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotInRoom`], [`RoomError::NotOwner`], [`RoomError::AlreadyInCall`]
    pub(crate) fn start_call(
        &mut self,
        person: PersonId,
        out: &mut Outbox,
    ) -> Result<(), RoomError> {
        self.room_mut(person)?.start(person, out)?;
        self.lobby_changed = true;
        Ok(())
    }

    /// The owner rings those who are in the room but not in the call.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotInRoom`], [`RoomError::NotOwner`], [`RoomError::NotInCall`]
    pub(crate) fn ring_room(
        &mut self,
        person: PersonId,
        out: &mut Outbox,
    ) -> Result<(), RoomError> {
        self.room_mut(person)?.ring(person, out)
    }

    /// A participant enters the call, or declines to.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotInRoom`], [`RoomError::NotInCall`], [`RoomError::AlreadyInCall`]
    pub(crate) fn answer_call(
        &mut self,
        person: PersonId,
        accept: bool,
        out: &mut Outbox,
    ) -> Result<(), RoomError> {
        self.room_mut(person)?.answer(person, accept, out)
    }

    /// The owner ends the room for everyone.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotInRoom`], [`RoomError::NotOwner`]
    pub(crate) fn end(&mut self, person: PersonId, out: &mut Outbox) -> Result<(), RoomError> {
        let room = self.room_mut(person)?;
        room.require_owner(person)?;
        room.info.state = RoomState::Ended;
        room.tell_all(&Event::RoomEnded, out);
        let id = room.info.id.clone();
        let members: Vec<_> = room.participants.keys().copied().collect();
        for member in members {
            if let Some(one) = self.people.get_mut(&member) {
                one.room = None;
            }
        }
        if self.ended.len() == ENDED_REMEMBERED {
            self.ended.pop_front();
        }
        self.ended.push_back(id.clone());
        self.remove_room(&id);
        Ok(())
    }

    /// Says something to everyone in the room. `time` is in milliseconds since 1970.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotInRoom`], [`RoomError::BadChat`]
    pub(crate) fn chat(
        &mut self,
        person: PersonId,
        text: &str,
        time: u64,
        out: &mut Outbox,
    ) -> Result<(), RoomError> {
        let text = self.limits.chat(text)?;
        let name = self.person(person)?.name.clone();
        let message = ChatMessage {
            from: person,
            name,
            text,
            time,
        };
        self.room_mut(person)?.chat(message, out);
        Ok(())
    }

    fn find_or_open(
        &mut self,
        id: &RoomId,
        open: Option<NewRoom>,
        now: Instant,
    ) -> Result<Option<OwnerSecret>, RoomError> {
        if self.rooms.contains_key(id) {
            return Ok(None);
        }
        if self.ended.contains(id) {
            return Err(RoomError::RoomEnded);
        }
        let mut new = open.ok_or(RoomError::NoSuchRoom)?;
        new.name = self.limits.name(&new.name)?;
        if self.rooms.len() >= self.limits.rooms {
            return Err(RoomError::TooManyRooms);
        }
        let (_, secret) = self.add_room(id.clone(), new, now);
        Ok(Some(secret))
    }
}

/// Ended rooms whose links still say that they have ended.
const ENDED_REMEMBERED: usize = 1000;
