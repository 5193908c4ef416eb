//! People coming, going and being removed, and changes of their profiles.

use std::sync::Arc;

use super::{
    CallState, ChatMessage, JoinOptions, Joined, Member, Room, RoomKind, RoomState, Subscriptions,
};
use crate::rooms::{
    Event, Outbox, ParticipantInfo, Permissions, PersonId, Presence, Profile, Removal, RoomError,
    UnixTime, limits,
};

impl Room {
    /// Brings a person in. If somebody with the same identity is here already, the person takes
    /// that place: the older one leaves, and what let that one in counts for the newer one.
    ///
    /// # Errors
    ///
    /// [`RoomError::NoSuchRoom`] when it was taken away, [`RoomError::RoomEnded`],
    /// [`RoomError::WrongSecret`], [`RoomError::NotInvited`], [`RoomError::RoomLocked`],
    /// [`RoomError::RoomFull`]
    pub(crate) fn join(
        &mut self,
        profile: Profile,
        permissions: Permissions,
        options: &JoinOptions,
        now: UnixTime,
        out: &mut Outbox,
    ) -> Result<Joined, RoomError> {
        if self.info.state == RoomState::Ended {
            return Err(RoomError::RoomEnded);
        }
        if self.is_closed {
            return Err(RoomError::NoSuchRoom);
        }
        let same = |one: &&Member| one.info.profile.identity == profile.identity;
        let older = self.members.values().find(same);
        let older = older.map(|one| (one.info.profile.id, one.info.owner));
        let owner = match (older, &options.secret) {
            (Some((_, owner)), None) => owner,
            (older, secret) => {
                let was_owner = older.is_some_and(|(_, owner)| owner);
                self.admit(secret.as_deref())? || was_owner
            }
        };
        if self.info.locked && !owner && !permissions.admin && older.is_none() {
            return Err(RoomError::RoomLocked);
        }
        let taken = self.members.len() - usize::from(older.is_some());
        if taken >= self.limits.room_people && !owner {
            return Err(RoomError::RoomFull);
        }
        if let Some((older, _)) = older {
            self.take_out(older, out);
            out.push(older, Event::Removed(Removal::SameIdentity));
        }
        let presence = match self.info.state {
            RoomState::InCall if options.enters_call => Presence::InCall,
            RoomState::InCall | RoomState::Waiting | RoomState::Ended => Presence::Waiting,
        };
        let consumes = options.consumes && permissions.subscribe;
        let info = ParticipantInfo {
            profile,
            permissions,
            viewer: options.viewer,
            owner,
            presence,
            joined: now,
        };
        let person = info.profile.id;
        self.seat(info, (consumes, options.moves), out);
        Ok(self.view_of(person))
    }

    /// Gives a person a place; others hear of it.
    pub(super) fn seat(
        &mut self,
        info: ParticipantInfo,
        (consumes, moves): (bool, bool),
        out: &mut Outbox,
    ) {
        let person = info.profile.id;
        self.seats += 1;
        let member = Member {
            info: info.clone(),
            seat: self.seats,
            consumes,
            moves,
            subscriptions: Subscriptions::default(),
        };
        self.members.insert(person, member);
        let presence = info.presence;
        let joined = Arc::new(info);
        self.tell_others(&joined, &Event::ParticipantJoined(Arc::clone(&joined)), out);
        self.note_recorders(out);
        if presence == Presence::InCall {
            self.subscribe_to_all(person, out);
        }
    }

    /// Whether a person with this secret, or without one, comes in as the owner.
    fn admit(&self, secret: Option<&str>) -> Result<bool, RoomError> {
        let is_for_two = self.info.kind == RoomKind::Direct;
        match secret {
            Some(text) if self.secret.is(text) => Ok(true),
            Some(text) if is_for_two && self.guest_secret.is(text) => Ok(false),
            Some(_) => Err(RoomError::WrongSecret),
            None if is_for_two => Err(RoomError::NotInvited),
            None => Ok(false),
        }
    }

    /// What a person finds here who comes in, or comes back.
    pub(crate) fn view_of(&self, person: PersonId) -> Joined {
        let is_shown =
            |one: &&Member| !one.info.permissions.hidden || one.info.profile.id == person;
        let mut members: Vec<_> = self.members.values().filter(is_shown).collect();
        members.sort_by_key(|one| one.seat);
        Joined {
            room: self.info.clone(),
            participants: members.into_iter().map(|one| one.info.clone()).collect(),
            call: CallState {
                tracks: self.tracks.clone(),
                stage: self.stage.clone(),
                chat: self
                    .chat
                    .iter()
                    .map(|one| ChatMessage::clone(one))
                    .collect(),
            },
            opened: false,
            secret: None,
        }
    }

    /// A person leaves.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotInRoom`]
    pub(crate) fn leave(&mut self, person: PersonId, out: &mut Outbox) -> Result<(), RoomError> {
        self.member(person)?;
        self.take_out(person, out);
        Ok(())
    }

    /// A host removes a person. The owner cannot be removed.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotInRoom`], [`RoomError::NotOwner`], [`RoomError::NoSuchPerson`]
    pub(crate) fn remove(
        &mut self,
        by: PersonId,
        person: PersonId,
        out: &mut Outbox,
    ) -> Result<(), RoomError> {
        self.removable(by, person)?;
        self.take_out(person, out);
        out.push(person, Event::Removed(Removal::By(self.shown(by))));
        Ok(())
    }

    /// The person whom a host may take out of the room.
    pub(super) fn removable(&self, by: PersonId, person: PersonId) -> Result<&Member, RoomError> {
        self.require_host(by)?;
        let removed = self.members.get(&person).filter(|_| person != by);
        let removed = removed.ok_or(RoomError::NoSuchPerson)?;
        if removed.info.owner {
            return Err(RoomError::NotOwner);
        }
        Ok(removed)
    }

    /// Takes a person out; others hear of it. Returns what the room knew of them.
    pub(super) fn take_out(&mut self, person: PersonId, out: &mut Outbox) -> Option<Member> {
        let theirs = self.tracks.iter().filter(|track| track.owner == person);
        let theirs: Vec<_> = theirs.map(|track| track.id.clone()).collect();
        let member = self.members.remove(&person)?;
        for track in theirs {
            self.close_track(&track, out);
        }
        for track in member.subscriptions.tracks() {
            self.tell_demand(track, out);
        }
        self.tell_others(&member.info, &Event::ParticipantLeft(person), out);
        self.note_recorders(out);
        Some(member)
    }

    /// A host locks the room or opens it again.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotInRoom`], [`RoomError::NotOwner`]
    pub(crate) fn lock(
        &mut self,
        by: PersonId,
        locked: bool,
        out: &mut Outbox,
    ) -> Result<(), RoomError> {
        self.require_host(by)?;
        self.info.locked = locked;
        self.tell_all(&Event::RoomChanged(Arc::new(self.info.clone())), out);
        Ok(())
    }

    /// A host sets the room's metadata for applications.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotInRoom`], [`RoomError::NotOwner`], [`RoomError::TooLarge`]
    pub(crate) fn set_metadata(
        &mut self,
        by: PersonId,
        metadata: String,
        out: &mut Outbox,
    ) -> Result<(), RoomError> {
        self.require_host(by)?;
        limits::metadata(&metadata)?;
        self.info.metadata = metadata;
        self.tell_all(&Event::RoomChanged(Arc::new(self.info.clone())), out);
        Ok(())
    }

    /// A person's profile has changed.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotInRoom`]
    pub(crate) fn set_profile(
        &mut self,
        profile: Profile,
        out: &mut Outbox,
    ) -> Result<(), RoomError> {
        let member = self.member_mut(profile.id)?;
        member.info.profile = profile;
        let info = member.info.clone();
        self.tell_of(
            &info,
            &Event::ParticipantChanged(Arc::new(info.clone())),
            out,
        );
        Ok(())
    }

    /// The owner ends the room for everyone: all are out.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotInRoom`], [`RoomError::NotOwner`]
    pub(crate) fn end(&mut self, by: PersonId, out: &mut Outbox) -> Result<(), RoomError> {
        self.require_owner(by)?;
        self.info.state = RoomState::Ended;
        self.close(out);
        Ok(())
    }
}
