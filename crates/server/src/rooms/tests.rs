//! Rooms in scenes: what each person hears of what the others do.

use std::time::{Duration, Instant};

use super::*;

/// A set of rooms, and what each person has heard.
struct Scene {
    rooms: Rooms,
    now: Instant,
    heard: Vec<(PersonId, Event)>,
}

impl Scene {
    fn new() -> Self {
        Self {
            rooms: Rooms::new(Limits {
                rooms: 3,
                people: 5,
                room_people: 3,
                tracks: 2,
                name_length: 10,
                chat_length: 20,
                empty_room: Duration::from_secs(60),
                ring: Duration::from_secs(30),
            }),
            now: Instant::now(),
            heard: Vec::new(),
        }
    }

    fn act<T>(&mut self, act: impl FnOnce(&mut Rooms, Instant, &mut Outbox) -> T) -> T {
        let mut out = Outbox::new();
        let result = act(&mut self.rooms, self.now, &mut out);
        self.heard.extend(out);
        result
    }

    fn person(&mut self, name: &str) -> PersonId {
        self.rooms.enter(name).unwrap()
    }

    /// Joins without a secret.
    fn join(&mut self, person: PersonId, room: &RoomId) -> Result<Joined, RoomError> {
        self.join_with(person, room, options())
    }

    fn join_with(
        &mut self,
        person: PersonId,
        room: &RoomId,
        options: JoinOptions,
    ) -> Result<Joined, RoomError> {
        self.act(|rooms, now, out| rooms.join(person, room, options, now, out))
    }

    fn publish(&mut self, owner: PersonId, id: &str) -> Result<(), RoomError> {
        self.act(|rooms, _, out| rooms.publish(camera(owner, id), out))
    }

    /// What a person has heard since the last time, in short.
    fn heard(&mut self, person: PersonId) -> Vec<String> {
        self.heard
            .extract_if(.., |(to, _)| *to == person)
            .map(|(_, event)| short(&event))
            .collect()
    }

    /// A room that `owner` has created and joined.
    fn room_of(&mut self, owner: PersonId, new: NewRoom) -> RoomId {
        let (id, secret) = self
            .act(|rooms, now, _| rooms.create(owner, new, now))
            .unwrap();
        let options = JoinOptions {
            secret: Some(secret.reveal().to_owned()),
            ..options()
        };
        self.join_with(owner, &id, options).unwrap();
        id
    }
}

fn options() -> JoinOptions {
    JoinOptions {
        viewer: false,
        consumes: true,
        enters_call: true,
        secret: None,
        open: None,
    }
}

fn meeting(started: bool) -> NewRoom {
    NewRoom {
        name: "Soup".to_owned(),
        kind: RoomKind::Meeting,
        listed: true,
        encrypted: false,
        started,
    }
}

fn camera(owner: PersonId, id: &str) -> Track {
    Track {
        id: TrackId(id.to_owned()),
        owner,
        kind: TrackKind::Video,
        source: TrackSource::Camera,
        label: String::new(),
        muted: false,
    }
}

fn short(event: &Event) -> String {
    match event {
        Event::Lobby(lobby) => format!("lobby {}/{}", lobby.rooms.len(), lobby.people.len()),
        Event::Ring { from, .. } => format!("ring {}", from.name),
        Event::RingAccepted { .. } => "accepted".to_owned(),
        Event::RingDeclined { .. } => "declined".to_owned(),
        Event::RingCancelled { .. } => "cancelled".to_owned(),
        Event::ParticipantJoined(info) => format!("+{}", info.name),
        Event::ParticipantLeft(person) => format!("-{person}"),
        Event::PresenceChanged {
            participant,
            presence,
        } => format!("{participant} {presence:?}"),
        Event::CallRinging { .. } => "ringing".to_owned(),
        Event::CallStarted => "started".to_owned(),
        Event::RoomEnded => "ended".to_owned(),
        Event::TrackPublished(track) => format!("track {}", track.id),
        Event::TrackClosed(track) => format!("closed {track}"),
        Event::TrackMuted { track, muted } => format!("muted {track} {muted}"),
        Event::Stage { track, .. } => format!("stage {track:?}"),
        Event::Chat(message) => format!("{}: {}", message.name, message.text),
        Event::Subscribed(track) => format!("get {track}"),
        Event::Unsubscribed(track) => format!("drop {track}"),
    }
}

#[test]
fn people_in_a_room_hear_of_each_other_and_of_tracks() {
    let mut scene = Scene::new();
    let (ann, bob) = (scene.person("Ann"), scene.person("Bob"));
    let room = scene.room_of(ann, meeting(true));
    scene.publish(ann, "a").unwrap();
    let joined = scene.join(bob, &room).unwrap();
    assert_eq!(joined.participants.len(), 2);
    assert_eq!(joined.call.tracks, [camera(ann, "a")]);
    assert_eq!(scene.heard(bob), ["get a"]);
    assert_eq!(scene.heard(ann), ["+Bob"]);

    scene.publish(bob, "b").unwrap();
    assert_eq!(scene.heard(ann), ["track b", "get b"]);
    scene
        .act(|rooms, _, out| rooms.mute(bob, &TrackId("b".into()), true, out))
        .unwrap();
    assert_eq!(scene.heard(ann), ["muted b true"]);
    scene
        .act(|rooms, _, out| rooms.set_stage(ann, Some(TrackId("b".into())), out))
        .unwrap();
    scene.heard(ann);
    scene.heard(bob);

    scene.act(|rooms, now, out| rooms.vanish(bob, now, out));
    assert_eq!(
        scene.heard(ann),
        ["drop b", "closed b", "stage None", "-p2"]
    );
    assert_eq!(scene.rooms.people(), 1);
}

#[test]
fn an_owner_starts_the_call_and_everyone_is_rung() {
    let mut scene = Scene::new();
    let (ann, bob, cid) = (
        scene.person("Ann"),
        scene.person("Bob"),
        scene.person("Cid"),
    );
    let room = scene.room_of(ann, meeting(false));
    scene.join(bob, &room).unwrap();
    scene.join(cid, &room).unwrap();
    assert_eq!(scene.publish(bob, "b"), Err(RoomError::NotInCall));
    assert_eq!(
        scene.act(|rooms, _, out| rooms.start_call(bob, out)),
        Err(RoomError::NotOwner)
    );
    scene.heard(bob);

    scene
        .act(|rooms, _, out| rooms.start_call(ann, out))
        .unwrap();
    assert_eq!(scene.heard(bob), ["started", "p1 InCall", "ringing"]);
    scene.publish(ann, "a").unwrap();
    assert_eq!(
        scene.heard(bob),
        ["track a"],
        "no media before the call is answered"
    );
    scene
        .act(|rooms, _, out| rooms.answer_call(bob, true, out))
        .unwrap();
    assert_eq!(scene.heard(bob), ["p2 InCall", "get a"]);
    scene
        .act(|rooms, _, out| rooms.answer_call(cid, false, out))
        .unwrap();
    scene.heard(cid);
    scene
        .act(|rooms, _, out| rooms.ring_room(ann, out))
        .unwrap();
    assert_eq!(scene.heard(cid), ["ringing"]);
    assert!(!scene.heard(bob).contains(&"ringing".to_owned()));

    // One who comes back without having answered is not put into the call.
    let dan = scene.person("Dan");
    scene.act(|rooms, now, out| rooms.vanish(cid, now, out));
    let back = JoinOptions {
        enters_call: false,
        ..options()
    };
    let joined = scene.join_with(dan, &room, back).unwrap();
    assert_eq!(joined.participants[2].presence, Presence::Waiting);
    assert!(scene.heard(dan).is_empty(), "no media before the answer");

    scene.act(|rooms, _, out| rooms.end(ann, out)).unwrap();
    assert_eq!(scene.heard(dan), ["ended"]);
    assert_eq!(scene.join(dan, &room).unwrap_err(), RoomError::RoomEnded);
    assert_eq!(scene.rooms.take_closed(), [room]);
    assert_eq!(scene.rooms.take_closed(), []);
}

#[test]
fn only_the_secret_makes_an_owner() {
    let mut scene = Scene::new();
    let (ann, bob) = (scene.person("Ann"), scene.person("Bob"));
    let room = scene.room_of(ann, meeting(true));
    let guess = JoinOptions {
        secret: Some("0123456789abcdef0123456789abcdef".to_owned()),
        ..options()
    };
    assert_eq!(
        scene.join_with(bob, &room, guess).unwrap_err(),
        RoomError::WrongSecret
    );
    scene.join(bob, &room).unwrap();
    assert_eq!(
        scene.act(|rooms, _, out| rooms.end(bob, out)),
        Err(RoomError::NotOwner)
    );
}

#[test]
fn in_a_presentation_only_the_owner_publishes() {
    let mut scene = Scene::new();
    let (ann, bob) = (scene.person("Ann"), scene.person("Bob"));
    let new = NewRoom {
        kind: RoomKind::Presentation,
        ..meeting(true)
    };
    let room = scene.room_of(ann, new);
    scene.join(bob, &room).unwrap();
    scene.publish(ann, "a").unwrap();
    assert_eq!(scene.publish(bob, "b"), Err(RoomError::ViewerOnly));
    let stage = scene.act(|rooms, _, out| rooms.set_stage(bob, None, out));
    assert_eq!(stage, Err(RoomError::NotOwner));
}

#[test]
fn viewers_receive_and_never_publish() {
    let mut scene = Scene::new();
    let (ann, bob) = (scene.person("Ann"), scene.person("Bob"));
    let room = scene.room_of(ann, meeting(true));
    let viewer = JoinOptions {
        viewer: true,
        ..options()
    };
    scene.join_with(bob, &room, viewer).unwrap();
    assert_eq!(scene.publish(bob, "b"), Err(RoomError::ViewerOnly));
    scene.publish(ann, "a").unwrap();
    assert_eq!(scene.heard(bob), ["track a", "get a"]);
}

#[test]
fn tracks_are_dropped_and_taken_one_by_one() {
    let mut scene = Scene::new();
    let (ann, bob) = (scene.person("Ann"), scene.person("Bob"));
    let room = scene.room_of(ann, meeting(true));
    let silent = JoinOptions {
        consumes: false,
        ..options()
    };
    scene.join_with(bob, &room, silent).unwrap();
    scene.publish(ann, "a").unwrap();
    assert_eq!(scene.heard(bob), ["track a"]);
    let a = TrackId("a".into());
    for wanted in [true, true] {
        scene
            .act(|rooms, _, out| rooms.subscribe(bob, &a, wanted, out))
            .unwrap();
    }
    assert_eq!(scene.heard(bob), ["get a"]);
    assert_eq!(scene.rooms.subscriptions(bob), std::slice::from_ref(&a));
    scene
        .act(|rooms, _, out| rooms.subscribe(bob, &a, false, out))
        .unwrap();
    assert_eq!(scene.heard(bob), ["drop a"]);
    let own = scene.act(|rooms, _, out| rooms.subscribe(ann, &a, true, out));
    assert_eq!(own, Err(RoomError::NoSuchTrack));
}

#[test]
fn one_rings_another() {
    let mut scene = Scene::new();
    let (ann, bob, cid) = (
        scene.person("Ann"),
        scene.person("Bob"),
        scene.person("Cid"),
    );
    let ring = scene
        .act(|rooms, now, out| rooms.ring(ann, bob, now, out))
        .unwrap();
    assert_eq!(scene.heard(bob), ["ring Ann"]);
    let busy = scene.act(|rooms, now, out| rooms.ring(cid, bob, now, out));
    assert_eq!(busy, Err(RoomError::Busy));
    let foreign = scene.act(|rooms, now, out| rooms.answer_ring(cid, ring, true, now, out));
    assert_eq!(foreign, Err(RoomError::NoSuchRing));
    scene
        .act(|rooms, now, out| rooms.answer_ring(bob, ring, true, now, out))
        .unwrap();
    assert_eq!(scene.heard(ann), ["accepted"]);
    assert_eq!(scene.heard(bob), ["accepted"]);
    assert_eq!(scene.rooms.rooms(), 1);

    let ring = scene
        .act(|rooms, now, out| rooms.ring(ann, cid, now, out))
        .unwrap();
    scene
        .act(|rooms, now, out| rooms.answer_ring(cid, ring, false, now, out))
        .unwrap();
    assert_eq!(scene.heard(ann), ["declined"]);
    scene.heard(cid);

    scene
        .act(|rooms, now, out| rooms.ring(ann, cid, now, out))
        .unwrap();
    scene.now += Duration::from_secs(31);
    scene.act(|rooms, now, out| rooms.tick(now, out));
    assert_eq!(scene.heard(ann), ["cancelled"]);
    assert_eq!(scene.heard(cid), ["ring Ann", "cancelled"]);

    scene
        .act(|rooms, now, out| rooms.ring(ann, cid, now, out))
        .unwrap();
    scene.act(|rooms, now, out| rooms.vanish(ann, now, out));
    assert_eq!(scene.heard(cid), ["ring Ann", "cancelled"]);
}

#[test]
fn a_room_for_two_lets_in_the_two() {
    let mut scene = Scene::new();
    let (ann, bob, cid) = (
        scene.person("Ann"),
        scene.person("Bob"),
        scene.person("Cid"),
    );
    let ring = scene
        .act(|rooms, now, out| rooms.ring(ann, bob, now, out))
        .unwrap();
    let busy = scene.act(|rooms, now, out| rooms.ring(bob, cid, now, out));
    assert_eq!(busy, Err(RoomError::Busy), "who is rung rings nobody");
    scene
        .act(|rooms, now, out| rooms.answer_ring(bob, ring, true, now, out))
        .unwrap();
    let accepted = |scene: &Scene, person| {
        let mut theirs = scene.heard.iter().filter(|(to, _)| *to == person);
        theirs.find_map(|(_, event)| match event {
            Event::RingAccepted { room, secret, .. } => {
                Some((room.clone(), secret.reveal().to_owned()))
            }
            _ => None,
        })
    };
    let (room, anns) = accepted(&scene, ann).unwrap();
    let (_, bobs) = accepted(&scene, bob).unwrap();
    let with = |secret: &str| JoinOptions {
        secret: Some(secret.to_owned()),
        ..options()
    };
    assert_eq!(
        scene.join(cid, &room).unwrap_err(),
        RoomError::NotInvited,
        "by the link alone"
    );
    let guess = scene.join_with(cid, &room, with("0123456789abcdef0123456789abcdef"));
    assert_eq!(guess.unwrap_err(), RoomError::WrongSecret);
    let joined = scene.join_with(ann, &room, with(&anns)).unwrap();
    assert!(joined.participants[0].owner);
    let joined = scene.join_with(bob, &room, with(&bobs)).unwrap();
    assert!(!joined.participants[1].owner);
}

#[test]
fn a_room_is_described_to_who_has_its_id() {
    let mut scene = Scene::new();
    let ann = scene.person("Ann");
    let room = scene.room_of(ann, meeting(false));
    let described = scene.rooms.describe(&room).unwrap();
    assert_eq!(described.info.state, RoomState::Waiting);
    assert_eq!(described.people, 1);
    scene.act(|rooms, _, out| rooms.end(ann, out)).unwrap();
    assert_eq!(
        scene.rooms.describe(&room).unwrap_err(),
        RoomError::RoomEnded
    );
    let other = RoomId::parse("other").unwrap();
    assert_eq!(
        scene.rooms.describe(&other).unwrap_err(),
        RoomError::NoSuchRoom
    );
}

#[test]
fn rooms_without_people_go_away() {
    let mut scene = Scene::new();
    let ann = scene.person("Ann");
    let room = scene.room_of(ann, meeting(true));
    scene
        .act(|rooms, now, out| rooms.leave(ann, now, out))
        .unwrap();
    scene.now += Duration::from_secs(59);
    scene.act(|rooms, now, out| rooms.tick(now, out));
    assert_eq!(scene.rooms.rooms(), 1);
    scene.now += Duration::from_secs(1);
    scene.act(|rooms, now, out| rooms.tick(now, out));
    assert_eq!(scene.rooms.rooms(), 0);
    assert_eq!(scene.join(ann, &room).unwrap_err(), RoomError::NoSuchRoom);
    let open = JoinOptions {
        open: Some(meeting(true)),
        secret: Some("of the room before".to_owned()),
        ..options()
    };
    assert!(scene.join_with(ann, &room, open).unwrap().secret.is_some());
}

#[test]
fn the_lobby_is_told_once_per_tick() {
    let mut scene = Scene::new();
    let ann = scene.person("Ann");
    scene
        .act(|rooms, _, out| rooms.watch_lobby(ann, true, out))
        .unwrap();
    assert_eq!(scene.heard(ann), ["lobby 0/1"]);
    let bob = scene.person("Bob");
    scene.room_of(bob, meeting(true));
    scene.act(|rooms, now, out| rooms.tick(now, out));
    scene.act(|rooms, now, out| rooms.tick(now, out));
    assert_eq!(scene.heard(ann), ["lobby 1/2"]);
}

#[test]
fn everything_has_a_limit() {
    let mut scene = Scene::new();
    let people: Vec<_> = (0..5)
        .map(|index| scene.person(&format!("P{index}")))
        .collect();
    assert_eq!(scene.rooms.enter("P5"), Err(RoomError::TooManyPeople));
    let room = scene.room_of(people[0], meeting(true));
    scene.join(people[1], &room).unwrap();
    scene.join(people[2], &room).unwrap();
    assert_eq!(
        scene.join(people[3], &room).unwrap_err(),
        RoomError::RoomFull
    );
    for id in ["a", "b"] {
        scene.publish(people[0], id).unwrap();
    }
    assert_eq!(scene.publish(people[0], "c"), Err(RoomError::TooManyTracks));
    for _ in 0..2 {
        scene
            .act(|rooms, now, _| rooms.create(people[3], meeting(true), now))
            .unwrap();
    }
    let more = scene.act(|rooms, now, _| rooms.create(people[3], meeting(true), now));
    assert_eq!(more.unwrap_err(), RoomError::TooManyRooms);
    let long = scene.act(|rooms, _, out| rooms.chat(people[0], &"x".repeat(21), 0, out));
    assert_eq!(long, Err(RoomError::BadChat { max: 20 }));
}

#[test]
fn names_are_printable() {
    let mut rooms = Scene::new().rooms;
    for name in ["", "  ", "a\nb", "\u{202e}evil", "12345678901"] {
        assert_eq!(
            rooms.enter(name),
            Err(RoomError::BadName { max: 10 }),
            "{name:?}"
        );
    }
    rooms.enter(" Zoë 🥣 ").unwrap();
    assert!(RoomId::parse("a/b").is_err());
    assert!(RoomId::parse(&RoomId::random().to_string()).is_ok());
}

#[test]
fn one_who_comes_late_reads_the_chat() {
    let mut scene = Scene::new();
    let (ann, bob) = (scene.person("Ann"), scene.person("Bob"));
    let room = scene.room_of(ann, meeting(false));
    scene
        .act(|rooms, _, out| rooms.chat(ann, " <b>hello</b> ", 5, out))
        .unwrap();
    assert_eq!(scene.heard(ann), ["Ann: <b>hello</b>"]);
    assert_eq!(scene.join(bob, &room).unwrap().call.chat[0].time, 5);
}
