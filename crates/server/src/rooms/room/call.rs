//! The call of a room, its stage, its chat, and data between applications.

use std::sync::Arc;

use super::{ChatMessage, Room, RoomKind, RoomState};
use crate::rooms::{Data, Event, Outbox, PersonId, Presence, RoomError, TrackId, UnixTime, limits};

impl Room {
    /// The call begins: the owner is in it, everyone else is rung.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotInRoom`], [`RoomError::NotOwner`], [`RoomError::AlreadyInCall`]
    pub(crate) fn start_call(&mut self, by: PersonId, out: &mut Outbox) -> Result<(), RoomError> {
        self.require_owner(by)?;
        if self.info.state == RoomState::InCall {
            return Err(RoomError::AlreadyInCall);
        }
        self.info.state = RoomState::InCall;
        self.tell_all(&Event::CallStarted, out);
        self.set_presence(by, Presence::InCall, out)?;
        self.ring(by, out)
    }

    /// The owner rings everyone who is here but not in the call.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotInRoom`], [`RoomError::NotOwner`], [`RoomError::NotInCall`]
    pub(crate) fn ring(&mut self, by: PersonId, out: &mut Outbox) -> Result<(), RoomError> {
        self.require_owner(by)?;
        if self.info.state != RoomState::InCall {
            return Err(RoomError::NotInCall);
        }
        let absent = self
            .members
            .iter()
            .filter(|(_, member)| member.info.presence != Presence::InCall);
        out.push_all(
            absent.map(|(person, _)| *person),
            &Event::CallRinging { by: self.shown(by) },
        );
        Ok(())
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
        let presence = self.member(person)?.info.presence;
        if self.info.state != RoomState::InCall {
            return Err(RoomError::NotInCall);
        }
        if presence == Presence::InCall {
            return Err(RoomError::AlreadyInCall);
        }
        let presence = if accept {
            Presence::InCall
        } else {
            Presence::Declined
        };
        self.set_presence(person, presence, out)
    }

    fn set_presence(
        &mut self,
        person: PersonId,
        presence: Presence,
        out: &mut Outbox,
    ) -> Result<(), RoomError> {
        let member = self.member_mut(person)?;
        member.info.presence = presence;
        let info = member.info.clone();
        let event = Event::PresenceChanged {
            participant: person,
            presence,
        };
        self.tell_of(&info, &event, out);
        if presence == Presence::InCall {
            self.subscribe_to_all(person, out);
        }
        Ok(())
    }

    /// Puts a track on the stage for everyone, or clears the stage.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotInRoom`], [`RoomError::NotInCall`], [`RoomError::NoSuchTrack`], and
    /// [`RoomError::NotOwner`] in a presentation
    pub(crate) fn set_stage(
        &mut self,
        by: PersonId,
        track: Option<TrackId>,
        out: &mut Outbox,
    ) -> Result<(), RoomError> {
        if self.info.kind == RoomKind::Presentation {
            self.require_owner(by)?;
        }
        if self.member(by)?.info.presence != Presence::InCall {
            return Err(RoomError::NotInCall);
        }
        if let Some(track) = &track
            && !self.tracks.iter().any(|candidate| candidate.id == *track)
        {
            return Err(RoomError::NoSuchTrack);
        }
        self.stage = track.clone();
        let by = self.shown(by);
        self.tell_all(&Event::Stage { track, by }, out);
        Ok(())
    }

    /// Says something to everyone in the room.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotInRoom`], [`RoomError::NotPermitted`], [`RoomError::EmptyChat`],
    /// [`RoomError::LongChat`], [`RoomError::ControlInChat`]
    pub(crate) fn chat(
        &mut self,
        person: PersonId,
        text: &str,
        now: UnixTime,
        out: &mut Outbox,
    ) -> Result<(), RoomError> {
        let info = &self.member(person)?.info;
        if !info.permissions.data {
            return Err(RoomError::NotPermitted("write"));
        }
        // A message shows its writer.
        if info.permissions.hidden {
            return Err(RoomError::NotPermitted("write unseen"));
        }
        let message = Arc::new(ChatMessage {
            from: person,
            name: info.profile.name.clone(),
            text: self.limits.chat(text)?,
            time: now.0,
        });
        if self.chat.len() == CHAT_HISTORY {
            self.chat.pop_front();
        }
        self.tell_all(&Event::Chat(Arc::clone(&message)), out);
        self.chat.push_back(message);
        Ok(())
    }

    /// Sends data to some people, or to all others if none is named. A named person who is not here
    /// is skipped. If the sender is hidden, the data comes from nobody.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotInRoom`], [`RoomError::NotPermitted`], [`RoomError::TooLarge`]
    pub(crate) fn send_data(
        &mut self,
        from: PersonId,
        topic: String,
        payload: &[u8],
        to: &[PersonId],
        out: &mut Outbox,
    ) -> Result<(), RoomError> {
        let may = &self.member(from)?.info.permissions;
        if !may.data {
            return Err(RoomError::NotPermitted("send data"));
        }
        limits::size("bytes of topic", topic.len(), MAX_TOPIC)?;
        limits::size("bytes of data", payload.len(), MAX_DATA)?;
        let data = Data {
            from: self.shown(from),
            topic,
            payload: Arc::from(payload),
        };
        let others = self.members.keys().copied().filter(|one| *one != from);
        let wanted = others.filter(|one| to.is_empty() || to.contains(one));
        out.push_all(wanted, &Event::Data(data));
        Ok(())
    }
}

/// Messages that one who comes late gets to see.
const CHAT_HISTORY: usize = 100;

const MAX_TOPIC: usize = 128;

/// The size that browsers' data channels carry in one message.
const MAX_DATA: usize = 64_000;
