//! Who is online, which rooms there are, and who may make another.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::limits::Allowance;
use super::ring::Rings;
use super::{
    Event, Identity, Limits, LobbySnapshot, NewPerson, NewRoom, Outbox, Permissions, PersonId,
    PersonSummary, Profile, ProfileChange, RoomError, RoomId, RoomSummary, UnixTime, limits,
};

/// Everyone who is online, and the rooms as seen from outside. What happens inside a room belongs
/// to [`Room`](super::Room).
///
/// A method that fails pushes nothing and changes nothing. Call [`tick`](Self::tick) a few times a
/// second: it ends what has timed out and tells the lobby what has changed.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(super) limits: Arc<Limits>,
    pub(super) people: BTreeMap<PersonId, Person>,
    /// How many have come so far.
    entered: u64,
    pub(super) rooms: BTreeMap<RoomId, Listing>,
    /// How many rooms have been made so far.
    made: u64,
    pub(super) rings: Rings,
    /// Ids of rooms that were ended a short while ago, so that their links say so.
    ended: VecDeque<(RoomId, UnixTime)>,
    pub(super) lobby_watchers: BTreeSet<PersonId>,
    pub(super) lobby_changed: bool,
    /// As it was last told.
    pub(super) lobby_told: Option<Arc<LobbySnapshot>>,
}

#[derive(Debug)]
pub(super) struct Person {
    pub(super) profile: Profile,
    pub(super) permissions: Permissions,
    address: Option<IpAddr>,
    /// Of changes of the profile. Each may cost everyone in the room 32 KiB.
    changes: Allowance,
    /// Whether they are in a room.
    pub(super) busy: bool,
    /// Orders people as they came.
    pub(super) seat: u64,
}

/// What the directory knows of a room.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) summary: RoomSummary,
    /// Orders rooms as they were made.
    pub(super) seat: u64,
    maker: PersonId,
    address: Option<IpAddr>,
    /// Whether anybody has ever been in it.
    visited: bool,
    /// Since when nobody has been in it.
    empty_since: Option<UnixTime>,
    /// When its maker left, if nobody has ever been in it.
    orphaned_since: Option<UnixTime>,
}

impl Directory {
    /// No rooms, nobody online.
    pub(crate) fn new(limits: Arc<Limits>) -> Self {
        Self {
            limits,
            people: BTreeMap::new(),
            entered: 0,
            rooms: BTreeMap::new(),
            made: 0,
            rings: Rings::default(),
            ended: VecDeque::new(),
            lobby_watchers: BTreeSet::new(),
            lobby_changed: false,
            lobby_told: None,
        }
    }

    /// How many people are online.
    pub(crate) fn people(&self) -> usize {
        self.people.len()
    }

    /// A person comes online.
    ///
    /// # Errors
    ///
    /// [`RoomError::TooManyPeople`], [`RoomError::BadName`], [`RoomError::TooLarge`]
    pub(crate) fn enter(&mut self, new: NewPerson) -> Result<PersonId, RoomError> {
        let name = self.limits.name(&new.name)?;
        limits::metadata(&new.metadata)?;
        limits::attributes(&new.attributes)?;
        if self.people.len() >= self.limits.people {
            return Err(RoomError::TooManyPeople);
        }
        let is_neighbour = |one: &&Person| new.address.is_some() && one.address == new.address;
        let max = self.limits.network_people;
        if self.people.values().filter(is_neighbour).count() >= max {
            return Err(RoomError::TooManyPeopleOfNetwork { max });
        }
        let id = PersonId::random();
        self.entered += 1;
        let person = Person {
            profile: Profile {
                id,
                identity: new.identity.unwrap_or_else(|| Identity::of(id)),
                name,
                metadata: new.metadata,
                attributes: new.attributes,
            },
            permissions: new.permissions,
            address: new.address,
            changes: Allowance::default(),
            busy: false,
            seat: self.entered,
        };
        self.people.insert(id, person);
        self.lobby_changed = true;
        Ok(id)
    }

    /// A person goes offline or vanishes. Their rings are cancelled. Rooms that they have made and
    /// nobody has visited close soon.
    pub(crate) fn vanish(&mut self, person: PersonId, now: UnixTime, out: &mut Outbox) {
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
        for room in self.rooms.values_mut() {
            if room.maker == person && !room.visited {
                room.orphaned_since = Some(now);
            }
        }
    }

    /// Changes what others know of a person.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotOnline`], [`RoomError::BadName`], [`RoomError::TooLarge`],
    /// [`RoomError::TooManyChanges`]; [`RoomError::NotPermitted`] names the field.
    pub(crate) fn change_profile(
        &mut self,
        person: PersonId,
        change: ProfileChange,
        now: UnixTime,
    ) -> Result<Profile, RoomError> {
        let known = self.person(person)?;
        if !known.permissions.profile {
            let what = match &change {
                ProfileChange { name: Some(_), .. } => "change your name",
                ProfileChange {
                    metadata: Some(_), ..
                } => "change your metadata",
                ProfileChange { .. } => "change your attributes",
            };
            return Err(RoomError::NotPermitted(what));
        }
        let mut profile = known.profile.clone();
        if let Some(name) = change.name {
            profile.name = self.limits.name(&name)?;
        }
        if let Some(metadata) = change.metadata {
            limits::metadata(&metadata)?;
            profile.metadata = metadata;
        }
        profile.attributes.extend(change.attributes);
        profile.attributes.retain(|_, value| !value.is_empty());
        limits::attributes(&profile.attributes)?;
        if let Some(one) = self.people.get_mut(&person) {
            if !one.changes.take(now, CHANGES_AT_ONCE, CHANGE_INTERVAL) {
                return Err(RoomError::TooManyChanges);
            }
            one.profile = profile.clone();
        }
        self.lobby_changed = true;
        Ok(profile)
    }

    /// Who a person is and what they may do in this room.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotOnline`]
    pub(crate) fn introduce(
        &self,
        person: PersonId,
        room: &RoomId,
    ) -> Result<(Profile, Permissions), RoomError> {
        let person = self.person(person)?;
        Ok((person.profile.clone(), person.permissions.in_room(room)))
    }

    /// Whether a person may bring others into this room without its owner's secret.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotOnline`]
    pub(crate) fn may_bring_into(
        &self,
        person: PersonId,
        room: &RoomId,
    ) -> Result<bool, RoomError> {
        Ok(self.person(person)?.permissions.may_bring_into(room))
    }

    /// A person has come into a room, or is out of theirs.
    pub(crate) fn set_busy(&mut self, person: PersonId, busy: bool) {
        if let Some(one) = self.people.get_mut(&person) {
            one.busy = busy;
            self.lobby_changed = true;
        }
    }

    /// Checks that a person may make a room now. If another room must give way, it is returned;
    /// close it.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotOnline`], [`RoomError::BadName`], [`RoomError::TooLarge`],
    /// [`RoomError::TooManyUnusedRooms`], [`RoomError::TooManyUnusedRoomsOfNetwork`],
    /// [`RoomError::TooManyRoomsOfNetwork`], [`RoomError::TooManyRooms`]
    pub(crate) fn may_make(
        &self,
        maker: PersonId,
        new: &mut NewRoom,
    ) -> Result<Option<RoomId>, RoomError> {
        let address = self.person(maker)?.address;
        new.name = self.limits.name(&new.name)?;
        limits::metadata(&new.metadata)?;
        let unused = || {
            self.rooms
                .values()
                .filter(|room| room.empty_since.is_some())
        };
        let own = unused().filter(|room| room.maker == maker).count();
        if own >= UNUSED_OF_PERSON {
            return Err(RoomError::TooManyUnusedRooms {
                max: UNUSED_OF_PERSON,
            });
        }
        let neighbours = unused().filter(|room| address.is_some() && room.address == address);
        if neighbours.count() >= UNUSED_OF_ADDRESS {
            return Err(RoomError::TooManyUnusedRoomsOfNetwork {
                max: UNUSED_OF_ADDRESS,
            });
        }
        let is_neighbours = |room: &&Listing| address.is_some() && room.address == address;
        let max = self.limits.network_rooms;
        if self.rooms.values().filter(is_neighbours).count() >= max {
            return Err(RoomError::TooManyRoomsOfNetwork { max });
        }
        if self.rooms.len() < self.limits.rooms {
            return Ok(None);
        }
        let unused = self
            .rooms
            .iter()
            .filter(|(_, room)| room.empty_since.is_some());
        let oldest = unused.min_by_key(|(_, room)| (room.empty_since, room.seat));
        oldest
            .map(|(id, _)| Some(id.clone()))
            .ok_or(RoomError::TooManyRooms)
    }

    /// A room has been made.
    pub(crate) fn add_room(&mut self, maker: PersonId, summary: RoomSummary, now: UnixTime) {
        self.made += 1;
        let listing = Listing {
            seat: self.made,
            maker,
            address: self.people.get(&maker).and_then(|one| one.address),
            visited: false,
            empty_since: Some(now),
            orphaned_since: None,
            summary,
        };
        let id = listing.summary.info.id.clone();
        self.ended.retain(|(ended, _)| *ended != id);
        self.rooms.insert(id, listing);
        self.lobby_changed = true;
    }

    /// A room has changed; `is_empty` says whether nobody at all is in it.
    pub(crate) fn update_room(&mut self, summary: RoomSummary, is_empty: bool, now: UnixTime) {
        let Some(listing) = self.rooms.get_mut(&summary.info.id) else {
            return;
        };
        if !is_empty {
            listing.visited = true;
            listing.orphaned_since = None;
        }
        listing.empty_since = is_empty.then(|| listing.empty_since.unwrap_or(now));
        listing.summary = summary;
        self.lobby_changed = true;
    }

    /// A room has closed. If its owner ended it, people who follow its link are told so for a
    /// while; whoever opens a room of this name is not refused for that.
    pub(crate) fn remove_room(&mut self, id: &RoomId, ended: Option<UnixTime>) {
        if self.rooms.remove(id).is_some()
            && let Some(time) = ended
        {
            if self.ended.len() == ENDED_REMEMBERED {
                self.ended.pop_front();
            }
            self.ended.push_back((id.clone(), time));
        }
        self.lobby_changed = true;
    }

    /// Describes a room to a person who has its id and is not in it.
    ///
    /// # Errors
    ///
    /// [`RoomError::NoSuchRoom`], [`RoomError::RoomEnded`]
    pub(crate) fn describe(&self, id: &RoomId) -> Result<RoomSummary, RoomError> {
        let room = self.rooms.get(id);
        room.map(|room| room.summary.clone())
            .ok_or_else(|| self.why_none(id))
    }

    /// Why there is no such room: it was ended just now, or nothing is known of it.
    pub(crate) fn why_none(&self, id: &RoomId) -> RoomError {
        if self.ended.iter().any(|(ended, _)| ended == id) {
            RoomError::RoomEnded
        } else {
            RoomError::NoSuchRoom
        }
    }

    /// Ends rings that have timed out, and tells the lobby what has changed since the last time.
    /// Returns the rooms that have been empty for too long, and unvisited ones whose maker is gone;
    /// close these.
    pub(crate) fn tick(&mut self, now: UnixTime, out: &mut Outbox) -> Vec<RoomId> {
        for (ring, parties) in self.rings.take_expired(now, self.limits.ring) {
            for party in [parties.from, parties.to] {
                out.push(party, Event::RingCancelled { ring });
            }
        }
        if std::mem::take(&mut self.lobby_changed) {
            self.lobby_told = None;
            if !self.lobby_watchers.is_empty() {
                let event = Event::Lobby(self.told_lobby());
                out.push_all(self.lobby_watchers.iter().copied(), &event);
            }
        }
        self.ended
            .retain(|(_, time)| now.since(*time) < ENDED_REMEMBERED_FOR);
        let limit = self.limits.empty_room;
        let is_over = |room: &Listing| {
            let since =
                |start: Option<UnixTime>, limit| start.is_some_and(|one| now.since(one) >= limit);
            since(room.empty_since, limit) || since(room.orphaned_since, ORPHANED)
        };
        let over = self.rooms.iter().filter(|(_, room)| is_over(room));
        over.map(|(id, _)| id.clone()).collect()
    }

    pub(super) fn person(&self, person: PersonId) -> Result<&Person, RoomError> {
        self.people.get(&person).ok_or(RoomError::NotOnline)
    }
}

impl Person {
    pub(super) fn summary(&self) -> PersonSummary {
        PersonSummary {
            id: self.profile.id,
            name: self.profile.name.clone(),
            busy: self.busy,
        }
    }
}

/// Changes of a profile that a person may make at once, and how soon there may be another.
const CHANGES_AT_ONCE: u64 = 20;
const CHANGE_INTERVAL: Duration = Duration::from_millis(500);

/// Rooms without people that one person may have made.
const UNUSED_OF_PERSON: usize = 3;

/// The limit of rooms without people, for all makers at one address. Many people may share an
/// address.
const UNUSED_OF_ADDRESS: usize = 30;

/// How long an unvisited room stays after its maker has left. A client may go from the lobby to the
/// room over another connection.
const ORPHANED: Duration = Duration::from_secs(10);

/// How many ended rooms are remembered, so that their links can say so.
const ENDED_REMEMBERED: usize = 1000;

/// For how long they are.
const ENDED_REMEMBERED_FOR: Duration = Duration::from_secs(60);
