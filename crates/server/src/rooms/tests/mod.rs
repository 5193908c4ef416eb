//! Rooms and the directory as their users see them: what one person does, and what others hear.

mod calls;
mod directory;
mod hosts;
mod moving;
mod texts;
mod tracks;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::*;

fn limits() -> Arc<Limits> {
    Arc::new(Limits {
        rooms: 3,
        people: 5,
        network_rooms: 100,
        network_people: 100,
        room_people: 3,
        tracks: 2,
        name_length: 10,
        chat_length: 20,
        empty_room: Duration::from_secs(60),
        ring: Duration::from_secs(30),
    })
}

/// One room, and what each person has heard.
struct Scene {
    room: Room,
    names: BTreeMap<PersonId, String>,
    heard: Vec<(PersonId, Event)>,
}

impl Scene {
    fn new(new: NewRoom) -> Self {
        let id = RoomId::parse("soup").unwrap();
        Self {
            room: Room::new(id, new, limits()),
            names: BTreeMap::new(),
            heard: Vec::new(),
        }
    }

    fn act<T>(&mut self, act: impl FnOnce(&mut Room, &mut Outbox) -> T) -> T {
        let mut out = Outbox::new();
        let result = act(&mut self.room, &mut out);
        self.heard.extend(out);
        result
    }

    /// Someone with an identity of their own.
    fn profile(&mut self, name: &str) -> Profile {
        let id = PersonId::random();
        self.names.insert(id, name.to_owned());
        Profile {
            id,
            identity: Identity::of(id),
            name: name.to_owned(),
            metadata: String::new(),
            attributes: Attributes::new(),
        }
    }

    fn try_join(
        &mut self,
        name: &str,
        permissions: Permissions,
        options: &JoinOptions,
    ) -> Result<Joined, RoomError> {
        let profile = self.profile(name);
        self.act(|room, out| room.join(profile, permissions, options, UnixTime(7), out))
    }

    /// Comes in as a guest.
    fn join(&mut self, name: &str) -> PersonId {
        self.join_with(name, &options())
    }

    fn join_with(&mut self, name: &str, options: &JoinOptions) -> PersonId {
        let joined = self.try_join(name, Permissions::GUEST, options).unwrap();
        joined.participants.last().unwrap().profile.id
    }

    /// Comes in as one who may do other things than a guest.
    fn join_as(&mut self, name: &str, permissions: Permissions) -> PersonId {
        self.try_join(name, permissions, &options()).unwrap();
        *self.names.iter().find(|(_, one)| *one == name).unwrap().0
    }

    /// Comes in as the owner.
    fn owner(&mut self, name: &str) -> PersonId {
        let secret = self.room.secret().reveal().to_owned();
        let options = JoinOptions {
            secret: Some(secret),
            ..options()
        };
        self.join_with(name, &options)
    }

    fn publish(&mut self, owner: PersonId, id: &str) -> Result<(), RoomError> {
        self.act(|room, out| room.publish(camera(owner, id), out))
    }

    /// What a person has heard since the last time, in short.
    fn heard(&mut self, person: PersonId) -> Vec<String> {
        let names = &self.names;
        self.heard
            .extract_if(.., |(to, _)| *to == person)
            .map(|(_, event)| short(&event, names))
            .collect()
    }
}

fn options() -> JoinOptions {
    JoinOptions {
        viewer: false,
        consumes: true,
        enters_call: true,
        secret: None,
        open: None,
        moves: true,
    }
}

fn meeting(started: bool) -> NewRoom {
    NewRoom {
        name: "Soup".to_owned(),
        kind: RoomKind::Meeting,
        listed: true,
        encrypted: false,
        started,
        metadata: String::new(),
    }
}

fn track(id: &str) -> TrackId {
    TrackId(id.to_owned())
}

fn camera(owner: PersonId, id: &str) -> Track {
    Track {
        id: track(id),
        owner,
        kind: TrackKind::Video,
        source: TrackSource::Camera,
        group: "camera".to_owned(),
        label: String::new(),
        muted: false,
    }
}

fn short(event: &Event, names: &BTreeMap<PersonId, String>) -> String {
    let name = |person: &PersonId| names.get(person).cloned().unwrap_or_default();
    let someone = |person: &Option<PersonId>| person.as_ref().map_or_else(|| "nobody".into(), name);
    match event {
        Event::Lobby(lobby) => format!("lobby {}/{}", lobby.rooms.len(), lobby.people.len()),
        Event::Ring { from, .. } => format!("ring {}", from.name),
        Event::RingAccepted { .. } => "accepted".to_owned(),
        Event::RingDeclined { .. } => "declined".to_owned(),
        Event::RingCancelled { .. } => "cancelled".to_owned(),
        Event::ParticipantJoined(info) => format!("+{}", info.profile.name),
        Event::ParticipantChanged(info) => format!("~{}", info.profile.name),
        Event::ParticipantLeft(person) => format!("-{}", name(person)),
        Event::PresenceChanged {
            participant,
            presence,
        } => format!("{} {presence:?}", name(participant)),
        Event::CallRinging { .. } => "ringing".to_owned(),
        Event::CallStarted => "started".to_owned(),
        Event::RoomChanged(info) => format!("locked {} {}", info.locked, info.metadata),
        Event::RoomEnded => "ended".to_owned(),
        Event::Removed(Removal::By(person)) => format!("removed by {}", someone(person)),
        Event::Removed(Removal::SameIdentity) => "here twice".to_owned(),
        Event::Moved(moved) => format!(
            "moved to {} by {}",
            moved.joined.room.id,
            someone(&moved.by)
        ),
        Event::TrackPublished(track) => format!("track {}", track.id),
        Event::TrackClosed(track) => format!("closed {track}"),
        Event::TrackMuted { track, muted, by } => format!("muted {track} {muted} {}", someone(by)),
        Event::TrackWanted { track, demand } => format!("wanted {track} {demand:?}"),
        Event::Stage { track, .. } => format!("stage {track:?}"),
        Event::Chat(message) => format!("{}: {}", message.name, message.text),
        Event::Data(data) => format!("{} {:?}", data.topic, data.payload),
        Event::Subscribed(track) => format!("get {track}"),
        Event::Unsubscribed(track) => format!("drop {track}"),
    }
}
