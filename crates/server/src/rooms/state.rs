use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

use super::ring::Rings;
use super::room::{Participant, Room};
use super::{
    CallState, ChatMessage, Event, Limits, LobbySnapshot, NewRoom, Outbox, OwnerSecret,
    ParticipantInfo, PersonId, PersonSummary, Presence, RingId, RoomError, RoomId, RoomInfo,
    RoomKind, RoomState, RoomSummary, Track, TrackId,
};

/// All rooms of a server and everyone who is online.
///
/// Every method that takes an [`Outbox`] pushes what others must hear, in order; a method that
/// fails pushes nothing and changes nothing. [`tick`](Self::tick) is to be called a few times a
/// second: it ends what has timed out and tells the lobby what has changed.
#[derive(Debug)]
pub(crate) struct Rooms {
    limits: Limits,
    people: BTreeMap<PersonId, Person>,
    rooms: BTreeMap<RoomId, Room>,
    /// Of rooms, oldest first.
    order: Vec<RoomId>,
    rings: Rings,
    next_person: u64,
    /// Ids of the last rooms that were ended, so that their links say so.
    ended: VecDeque<RoomId>,
    /// Rooms that are no more, until [`take_closed`](Self::take_closed).
    closed: Vec<RoomId>,
    lobby_watchers: BTreeSet<PersonId>,
    lobby_changed: bool,
}

#[derive(Debug)]
struct Person {
    name: String,
    room: Option<RoomId>,
}

/// How a person comes into a room.
#[derive(Clone, Debug)]
pub(crate) struct JoinOptions {
    /// Without devices: never publishes.
    pub viewer: bool,
    /// Whether tracks are received without being asked for.
    pub consumes: bool,
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
    /// No rooms, nobody online.
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            people: BTreeMap::new(),
            rooms: BTreeMap::new(),
            order: Vec::new(),
            rings: Rings::default(),
            next_person: 0,
            ended: VecDeque::new(),
            closed: Vec::new(),
            lobby_watchers: BTreeSet::new(),
            lobby_changed: false,
        }
    }

    /// How many people are online.
    pub(crate) fn people(&self) -> usize {
        self.people.len()
    }

    /// How many rooms there are.
    pub(crate) fn rooms(&self) -> usize {
        self.rooms.len()
    }

    /// How many tracks are published.
    pub(crate) fn tracks(&self) -> usize {
        self.rooms.values().map(|room| room.tracks.len()).sum()
    }

    // ---- being online ----

    /// A person comes online.
    ///
    /// # Errors
    ///
    /// [`RoomError::TooManyPeople`], [`RoomError::BadName`]
    pub(crate) fn enter(&mut self, name: &str) -> Result<PersonId, RoomError> {
        let name = self.limits.name(name)?;
        if self.people.len() >= self.limits.people {
            return Err(RoomError::TooManyPeople);
        }
        self.next_person += 1;
        let person = PersonId(self.next_person);
        self.people.insert(person, Person { name, room: None });
        self.lobby_changed = true;
        Ok(person)
    }

    /// A person goes offline or vanishes: out of the room, rings cancelled.
    pub(crate) fn vanish(&mut self, person: PersonId, now: Instant, out: &mut Outbox) {
        let _ = self.leave(person, now, out);
        for (ring, parties) in self.rings.take_of(person) {
            for party in [parties.from, parties.to] {
                if party != person {
                    out.push(party, Event::RingCancelled { ring });
                }
            }
        }
        self.people.remove(&person);
        self.lobby_watchers.remove(&person);
        self.lobby_changed = true;
    }

    /// Whether a person wants to hear of the lobby; the first snapshot comes at once.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotOnline`]
    pub(crate) fn watch_lobby(
        &mut self,
        person: PersonId,
        watch: bool,
        out: &mut Outbox,
    ) -> Result<(), RoomError> {
        self.person(person)?;
        if watch {
            self.lobby_watchers.insert(person);
            out.push(person, Event::Lobby(self.lobby()));
        } else {
            self.lobby_watchers.remove(&person);
        }
        Ok(())
    }

    // ---- one to one ----

    /// Rings a person.
    ///
    /// # Errors
    ///
    /// [`RoomError::NoSuchPerson`]; [`RoomError::Busy`] when either is in a room or in a ring.
    pub(crate) fn ring(
        &mut self,
        from: PersonId,
        to: PersonId,
        now: Instant,
        out: &mut Outbox,
    ) -> Result<RingId, RoomError> {
        let caller = self.person(from)?;
        let callee = self.people.get(&to).ok_or(RoomError::NoSuchPerson)?;
        if caller.room.is_some() || callee.room.is_some() {
            return Err(RoomError::Busy);
        }
        let summary = summary(from, caller);
        let ring = self.rings.start(from, to, now)?;
        out.push(
            to,
            Event::Ring {
                ring,
                from: summary,
            },
        );
        Ok(ring)
    }

    /// The one who rang gives up.
    ///
    /// # Errors
    ///
    /// [`RoomError::NoSuchRing`]
    pub(crate) fn cancel_ring(
        &mut self,
        person: PersonId,
        ring: RingId,
        out: &mut Outbox,
    ) -> Result<(), RoomError> {
        let parties = self.rings.take(ring, |ring| ring.from == person)?;
        out.push(parties.to, Event::RingCancelled { ring });
        Ok(())
    }

    /// The one who is rung accepts, and both are told of a room for them, or declines.
    ///
    /// # Errors
    ///
    /// [`RoomError::NoSuchRing`], [`RoomError::TooManyRooms`]
    pub(crate) fn answer_ring(
        &mut self,
        person: PersonId,
        ring: RingId,
        accept: bool,
        now: Instant,
        out: &mut Outbox,
    ) -> Result<(), RoomError> {
        if accept && self.rooms.len() >= self.limits.rooms {
            return Err(RoomError::TooManyRooms);
        }
        let parties = self.rings.take(ring, |ring| ring.to == person)?;
        if !accept {
            out.push(parties.from, Event::RingDeclined { ring });
            return Ok(());
        }
        let caller = self.person(parties.from)?.name.clone();
        let new = NewRoom {
            name: caller,
            kind: RoomKind::Direct,
            listed: false,
            encrypted: false,
            started: true,
        };
        let (room, secret) = self.add_room(RoomId::random(), new, now);
        for (party, secret) in [(parties.from, Some(secret)), (parties.to, None)] {
            let room = room.clone();
            out.push(party, Event::RingAccepted { ring, room, secret });
        }
        Ok(())
    }

    // ---- rooms ----

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
    /// [`RoomError::RoomFull`], [`RoomError::WrongSecret`], [`RoomError::TooManyRooms`]
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
        let owner = match &options.secret {
            _ if secret.is_some() => true,
            Some(text) if !room.secret.is(text) => return Err(RoomError::WrongSecret),
            Some(_) => true,
            None => false,
        };
        if room.participants.len() >= limit && !owner {
            return Err(RoomError::RoomFull);
        }
        let presence = match room.info.state {
            RoomState::InCall => Presence::InCall,
            RoomState::Waiting | RoomState::Ended => Presence::Waiting,
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

    // ---- tracks ----

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

    // ---- time ----

    /// Ends what has timed out, and tells the lobby what has changed since the last time.
    pub(crate) fn tick(&mut self, now: Instant, out: &mut Outbox) {
        for (ring, parties) in self.rings.take_expired(now, self.limits.ring) {
            for party in [parties.from, parties.to] {
                out.push(party, Event::RingCancelled { ring });
            }
        }
        let limit = self.limits.empty_room;
        let is_over = |room: &Room| {
            room.empty_since
                .is_some_and(|since| now.duration_since(since) >= limit)
        };
        let over: Vec<_> = self
            .rooms
            .values()
            .filter(|room| is_over(room))
            .map(|room| room.info.id.clone())
            .collect();
        for id in over {
            self.remove_room(&id);
        }
        if std::mem::take(&mut self.lobby_changed) && !self.lobby_watchers.is_empty() {
            let event = Event::Lobby(self.lobby());
            out.push_all(self.lobby_watchers.iter().copied(), &event);
        }
    }

    /// The rooms that are no more since the last time this was asked, for those who hold what
    /// belongs to a room.
    pub(crate) fn take_closed(&mut self) -> Vec<RoomId> {
        std::mem::take(&mut self.closed)
    }

    // ---- inside ----

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

    fn add_room(&mut self, id: RoomId, new: NewRoom, now: Instant) -> (RoomId, OwnerSecret) {
        let room = Room::new(id.clone(), new, now);
        let secret = room.secret.clone();
        self.rooms.insert(id.clone(), room);
        self.order.push(id.clone());
        self.lobby_changed = true;
        (id, secret)
    }

    fn remove_room(&mut self, id: &RoomId) {
        self.rooms.remove(id);
        self.order.retain(|other| other != id);
        self.closed.push(id.clone());
        self.lobby_changed = true;
    }

    fn lobby(&self) -> LobbySnapshot {
        let rooms = self.order.iter().filter_map(|id| self.rooms.get(id));
        LobbySnapshot {
            rooms: rooms
                .filter(|room| room.listed)
                .map(|room| RoomSummary {
                    info: room.info.clone(),
                    people: room.participants.len(),
                })
                .collect(),
            people: self
                .people
                .iter()
                .map(|(id, one)| summary(*id, one))
                .collect(),
        }
    }

    fn person(&self, person: PersonId) -> Result<&Person, RoomError> {
        self.people.get(&person).ok_or(RoomError::NotOnline)
    }

    /// The room a person is in.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotOnline`], [`RoomError::NotInRoom`]
    pub(crate) fn room_of(&self, person: PersonId) -> Result<&RoomId, RoomError> {
        self.person(person)?
            .room
            .as_ref()
            .ok_or(RoomError::NotInRoom)
    }

    fn room(&self, person: PersonId) -> Result<&Room, RoomError> {
        self.rooms
            .get(self.room_of(person)?)
            .ok_or(RoomError::NotInRoom)
    }

    fn room_mut(&mut self, person: PersonId) -> Result<&mut Room, RoomError> {
        let id = self.room_of(person)?.clone();
        self.rooms.get_mut(&id).ok_or(RoomError::NotInRoom)
    }
}

fn summary(id: PersonId, person: &Person) -> PersonSummary {
    PersonSummary {
        id,
        name: person.name.clone(),
        busy: person.room.is_some(),
    }
}

/// Ended rooms whose links still say that they have ended.
const ENDED_REMEMBERED: usize = 1000;
