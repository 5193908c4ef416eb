//! What a room is, and what others may know about it and its people.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

use super::{Event, Outbox, OwnerSecret, PersonId, RoomError, RoomId, Track, TrackId};

/// What a room is to be.
#[derive(Clone, Debug)]
pub(crate) struct NewRoom {
    /// Shown in the lobby and in the room.
    pub name: String,
    /// Who publishes.
    pub kind: RoomKind,
    /// Whether the lobby lists it.
    pub listed: bool,
    /// Whether its people encrypt end to end; the server only tells newcomers.
    pub encrypted: bool,
    /// Whether the call begins at once.
    pub started: bool,
}

/// What everyone may know of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoomInfo {
    /// As in its link.
    pub id: RoomId,
    /// What it is called.
    pub name: String,
    /// Who publishes.
    pub kind: RoomKind,
    /// Whether the lobby lists it.
    pub listed: bool,
    /// Whether its people encrypt end to end.
    pub encrypted: bool,
    /// Waiting or in call.
    pub state: RoomState,
}

/// Who publishes in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RoomKind {
    /// Two people, one of whom rang the other.
    Direct,
    /// Everyone may.
    Meeting,
    /// The owner does, the rest watch.
    Presentation,
}

/// How far a room's call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RoomState {
    /// People gather; nothing is published yet.
    Waiting,
    /// The call runs.
    InCall,
    /// It is over for good.
    Ended,
}

/// Whether a participant is in the room's call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// In the room, not (yet) in its call.
    Waiting,
    /// In the call.
    InCall,
    /// Rung, and declined.
    Declined,
}

/// A participant as others see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ParticipantInfo {
    /// Who.
    pub id: PersonId,
    /// What they call themselves.
    pub name: String,
    /// Whether they came without devices.
    pub viewer: bool,
    /// Whether they own the room.
    pub owner: bool,
    /// Whether they are in the call.
    pub presence: Presence,
}

/// One line of a room's chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChatMessage {
    /// Who wrote it; may have left.
    pub from: PersonId,
    /// What they called themselves.
    pub name: String,
    /// Plain text, never markup.
    pub text: String,
    /// When the server got it, in milliseconds since 1970.
    pub time: u64,
}

/// The state of a room's call, for one who comes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CallState {
    /// All tracks.
    pub tracks: Vec<Track>,
    /// What is on the stage.
    pub stage: Option<TrackId>,
    /// The last messages.
    pub chat: Vec<ChatMessage>,
}

#[derive(Debug)]
pub(super) struct Room {
    pub(super) info: RoomInfo,
    pub(super) secret: OwnerSecret,
    /// Of the one who was rung, in a room for two: nobody comes in there without a secret.
    pub(super) guest_secret: OwnerSecret,
    pub(super) participants: BTreeMap<PersonId, Participant>,
    pub(super) tracks: Vec<Track>,
    stage: Option<TrackId>,
    chat: VecDeque<ChatMessage>,
    /// Since when nobody has been here.
    pub(super) empty_since: Option<Instant>,
}

#[derive(Debug)]
pub(super) struct Participant {
    pub(super) info: ParticipantInfo,
    /// Whether tracks are received without being asked for.
    pub(super) consumes: bool,
    /// The tracks that this participant receives.
    pub(super) subscriptions: BTreeSet<TrackId>,
}

impl Room {
    pub(super) fn new(id: RoomId, new: NewRoom, now: Instant) -> Self {
        let state = if new.started {
            RoomState::InCall
        } else {
            RoomState::Waiting
        };
        Self {
            info: RoomInfo {
                id,
                name: new.name,
                kind: new.kind,
                listed: new.listed,
                encrypted: new.encrypted,
                state,
            },
            secret: OwnerSecret::random(),
            guest_secret: OwnerSecret::random(),
            participants: BTreeMap::new(),
            tracks: Vec::new(),
            stage: None,
            chat: VecDeque::new(),
            empty_since: Some(now),
        }
    }

    /// Whether someone who shows this secret, or none, comes in as the owner.
    ///
    /// # Errors
    ///
    /// [`RoomError::WrongSecret`], [`RoomError::NotInvited`]
    pub(super) fn admit(&self, secret: Option<&str>) -> Result<bool, RoomError> {
        let is_for_two = self.info.kind == RoomKind::Direct;
        match secret {
            Some(text) if self.secret.is(text) => Ok(true),
            Some(text) if is_for_two && self.guest_secret.is(text) => Ok(false),
            Some(_) => Err(RoomError::WrongSecret),
            None if is_for_two => Err(RoomError::NotInvited),
            None => Ok(false),
        }
    }

    pub(super) fn call_state(&self) -> CallState {
        CallState {
            tracks: self.tracks.clone(),
            stage: self.stage.clone(),
            chat: self.chat.iter().cloned().collect(),
        }
    }

    pub(super) fn participant(&self, person: PersonId) -> Result<&Participant, RoomError> {
        self.participants.get(&person).ok_or(RoomError::NotInRoom)
    }

    pub(super) fn require_owner(&self, person: PersonId) -> Result<(), RoomError> {
        if self.participant(person)?.info.owner {
            Ok(())
        } else {
            Err(RoomError::NotOwner)
        }
    }

    /// Tells everyone but `except`.
    pub(super) fn tell_others(&self, except: PersonId, event: &Event, out: &mut Outbox) {
        let others = self.participants.keys().copied();
        out.push_all(others.filter(|person| *person != except), event);
    }

    pub(super) fn tell_all(&self, event: &Event, out: &mut Outbox) {
        out.push_all(self.participants.keys().copied(), event);
    }

    pub(super) fn join(&mut self, participant: Participant, out: &mut Outbox) {
        let info = participant.info.clone();
        self.participants.insert(info.id, participant);
        self.empty_since = None;
        self.tell_others(info.id, &Event::ParticipantJoined(info.clone()), out);
        if info.presence == Presence::InCall {
            self.subscribe_to_all(info.id, out);
        }
    }

    pub(super) fn leave(&mut self, person: PersonId, now: Instant, out: &mut Outbox) {
        let theirs = self.tracks.iter().filter(|track| track.owner == person);
        let theirs: Vec<_> = theirs.map(|track| track.id.clone()).collect();
        self.participants.remove(&person);
        for track in theirs {
            self.close_track(&track, out);
        }
        self.tell_all(&Event::ParticipantLeft(person), out);
        if self.participants.is_empty() {
            self.empty_since = Some(now);
        }
    }

    /// The call begins: the owner is in it, everyone else is rung.
    pub(super) fn start(&mut self, by: PersonId, out: &mut Outbox) -> Result<(), RoomError> {
        self.require_owner(by)?;
        if self.info.state == RoomState::InCall {
            return Err(RoomError::AlreadyInCall);
        }
        self.info.state = RoomState::InCall;
        self.tell_all(&Event::CallStarted, out);
        self.set_presence(by, Presence::InCall, out);
        self.ring(by, out)
    }

    /// Rings everyone who is here but not in the call.
    pub(super) fn ring(&mut self, by: PersonId, out: &mut Outbox) -> Result<(), RoomError> {
        self.require_owner(by)?;
        if self.info.state != RoomState::InCall {
            return Err(RoomError::NotInCall);
        }
        let absent = self
            .participants
            .values()
            .filter(|participant| participant.info.presence != Presence::InCall);
        out.push_all(absent.map(|one| one.info.id), &Event::CallRinging { by });
        Ok(())
    }

    pub(super) fn answer(
        &mut self,
        person: PersonId,
        accept: bool,
        out: &mut Outbox,
    ) -> Result<(), RoomError> {
        let presence = self.participant(person)?.info.presence;
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
        self.set_presence(person, presence, out);
        Ok(())
    }

    fn set_presence(&mut self, person: PersonId, presence: Presence, out: &mut Outbox) {
        let Some(participant) = self.participants.get_mut(&person) else {
            return;
        };
        participant.info.presence = presence;
        let event = Event::PresenceChanged {
            participant: person,
            presence,
        };
        self.tell_all(&event, out);
        if presence == Presence::InCall {
            self.subscribe_to_all(person, out);
        }
    }

    /// Whether this participant may publish now.
    pub(super) fn may_publish(&self, person: PersonId, limit: usize) -> Result<(), RoomError> {
        let info = &self.participant(person)?.info;
        if info.presence != Presence::InCall {
            return Err(RoomError::NotInCall);
        }
        if info.viewer || (self.info.kind == RoomKind::Presentation && !info.owner) {
            return Err(RoomError::ViewerOnly);
        }
        if self
            .tracks
            .iter()
            .filter(|track| track.owner == person)
            .count()
            >= limit
        {
            return Err(RoomError::TooManyTracks);
        }
        Ok(())
    }

    /// Adds a track of a participant who may publish.
    pub(super) fn publish(&mut self, track: Track, out: &mut Outbox) {
        self.tell_others(track.owner, &Event::TrackPublished(track.clone()), out);
        for (person, participant) in &mut self.participants {
            let receives = participant.consumes && participant.info.presence == Presence::InCall;
            if *person != track.owner && receives {
                participant.subscriptions.insert(track.id.clone());
                out.push(*person, Event::Subscribed(track.id.clone()));
            }
        }
        self.tracks.push(track);
    }

    /// The track, if it is this person's.
    pub(super) fn own_track(
        &mut self,
        person: PersonId,
        track: &TrackId,
    ) -> Result<&mut Track, RoomError> {
        let track = self
            .tracks
            .iter_mut()
            .find(|candidate| candidate.id == *track)
            .ok_or(RoomError::NoSuchTrack)?;
        if track.owner == person {
            Ok(track)
        } else {
            Err(RoomError::NotYourTrack)
        }
    }

    pub(super) fn close_track(&mut self, track: &TrackId, out: &mut Outbox) {
        let Some(index) = self.tracks.iter().position(|one| one.id == *track) else {
            return;
        };
        let owner = self.tracks.remove(index).owner;
        for (person, participant) in &mut self.participants {
            if participant.subscriptions.remove(track) {
                out.push(*person, Event::Unsubscribed(track.clone()));
            }
        }
        self.tell_all(&Event::TrackClosed(track.clone()), out);
        if self.stage.as_ref() == Some(track) {
            self.stage = None;
            self.tell_all(
                &Event::Stage {
                    track: None,
                    by: owner,
                },
                out,
            );
        }
    }

    pub(super) fn subscribe(
        &mut self,
        person: PersonId,
        track: &TrackId,
        out: &mut Outbox,
    ) -> Result<(), RoomError> {
        let foreign = |one: &Track| one.id == *track && one.owner != person;
        if !self.tracks.iter().any(foreign) {
            return Err(RoomError::NoSuchTrack);
        }
        let participant = self
            .participants
            .get_mut(&person)
            .ok_or(RoomError::NotInRoom)?;
        if participant.info.presence != Presence::InCall {
            return Err(RoomError::NotInCall);
        }
        if participant.subscriptions.insert(track.clone()) {
            out.push(person, Event::Subscribed(track.clone()));
        }
        Ok(())
    }

    pub(super) fn unsubscribe(
        &mut self,
        person: PersonId,
        track: &TrackId,
        out: &mut Outbox,
    ) -> Result<(), RoomError> {
        let participant = self
            .participants
            .get_mut(&person)
            .ok_or(RoomError::NotInRoom)?;
        if participant.subscriptions.remove(track) {
            out.push(person, Event::Unsubscribed(track.clone()));
        }
        Ok(())
    }

    fn subscribe_to_all(&mut self, person: PersonId, out: &mut Outbox) {
        let Some(participant) = self.participants.get_mut(&person) else {
            return;
        };
        if !participant.consumes {
            return;
        }
        for track in self.tracks.iter().filter(|track| track.owner != person) {
            if participant.subscriptions.insert(track.id.clone()) {
                out.push(person, Event::Subscribed(track.id.clone()));
            }
        }
    }

    pub(super) fn set_stage(
        &mut self,
        by: PersonId,
        track: Option<TrackId>,
        out: &mut Outbox,
    ) -> Result<(), RoomError> {
        if self.info.kind == RoomKind::Presentation {
            self.require_owner(by)?;
        }
        if self.participant(by)?.info.presence != Presence::InCall {
            return Err(RoomError::NotInCall);
        }
        if let Some(track) = &track
            && !self.tracks.iter().any(|candidate| candidate.id == *track)
        {
            return Err(RoomError::NoSuchTrack);
        }
        self.stage = track.clone();
        self.tell_all(&Event::Stage { track, by }, out);
        Ok(())
    }

    pub(super) fn chat(&mut self, message: ChatMessage, out: &mut Outbox) {
        if self.chat.len() == CHAT_HISTORY {
            self.chat.pop_front();
        }
        self.tell_all(&Event::Chat(message.clone()), out);
        self.chat.push_back(message);
    }
}

/// Messages that one who comes late gets to see.
const CHAT_HISTORY: usize = 100;
