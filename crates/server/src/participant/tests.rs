//! People on a server without workers, and what each of them hears.

mod moving;
pub(crate) mod worker;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::Parser;

use super::clock::Clock;
use super::*;
use crate::cli::{Cli, Command};
use crate::media::{Media, Way};
use crate::rooms::{
    Event, JoinOptions, Limits, NewPerson, NewRoom, Removal, RoomError, RoomId, RoomKind,
    RoomState, Track, TrackId, TrackKind, TrackSource,
};

/// A hall without media, and a hand on its clock.
struct Scene {
    hall: Arc<Hall>,
    media: Arc<Media>,
    milliseconds: Arc<AtomicU64>,
}

impl Scene {
    fn new(rooms: usize) -> Self {
        let limits = Limits {
            rooms,
            people: 10,
            network_rooms: 100,
            network_people: 100,
            room_people: 5,
            tracks: 2,
            name_length: 10,
            chat_length: 20,
            empty_room: Duration::from_secs(60),
            ring: Duration::from_secs(30),
        };
        let clock = Clock::system();
        let milliseconds = Arc::clone(&clock.passed);
        let Command::Serve(config) = Cli::parse_from(["tureen", "serve"]).command else {
            panic!("serve");
        };
        Self {
            hall: Arc::new(Hall::with_clock(limits, clock)),
            media: Arc::new(Media::without_workers(&config.media)),
            milliseconds,
        }
    }

    fn person(&self, name: &str) -> Participant {
        self.enter(NewPerson::named(name))
    }

    fn enter(&self, new: NewPerson) -> Participant {
        let origin = Origin {
            dialect: "test",
            address: Ipv4Addr::LOCALHOST.into(),
        };
        Participant::enter(&self.hall, &self.media, new, origin).unwrap()
    }

    fn pass(&self, seconds: u64) -> Vec<RoomId> {
        self.milliseconds
            .fetch_add(seconds * 1000, Ordering::Relaxed);
        self.hall.tick()
    }
}

fn id(text: &str) -> RoomId {
    RoomId::parse(text).unwrap()
}

fn meeting() -> NewRoom {
    NewRoom {
        name: "Soup".to_owned(),
        kind: RoomKind::Meeting,
        listed: true,
        encrypted: false,
        started: true,
        metadata: String::new(),
    }
}

/// Opens the room of this id, or comes into it.
fn join(person: &mut Participant, room: &str) -> Result<bool, RoomError> {
    let options = JoinOptions {
        viewer: false,
        consumes: true,
        enters_call: true,
        secret: None,
        open: Some(meeting()),
        moves: true,
    };
    let joined = person.join(&id(room), options, Way::Any)?;
    Ok(joined.secret.is_some())
}

/// What a person has heard by now, in the words of `Debug`.
async fn heard(person: &mut Participant) -> Vec<Event> {
    let told = person.news().await;
    let events = told.into_iter().map(|told| match told {
        Told::Event(event) => event,
        Told::MediaLost => panic!("no media here"),
    });
    events.collect()
}

#[tokio::test]
async fn what_happens_in_one_room_is_not_heard_in_another() {
    let scene = Scene::new(5);
    let [mut ann, mut bob, mut cid] = ["Ann", "Bob", "Cid"].map(|name| scene.person(name));
    assert_eq!(join(&mut ann, "a"), Ok(true));
    assert_eq!(join(&mut bob, "a"), Ok(false));
    assert_eq!(join(&mut cid, "c"), Ok(true));
    heard(&mut bob).await;
    ann.chat("hello").unwrap();
    assert!(matches!(&heard(&mut bob).await[..], [Event::Chat(_)]));
    assert!(heard(&mut cid).await.is_empty());
    let counts = scene.hall.counts();
    assert_eq!((counts.people, counts.rooms), (3, 2));
}

#[tokio::test]
async fn one_who_is_removed_is_out_once_they_hear_of_it() {
    let scene = Scene::new(5);
    let [mut ann, mut bob] = ["Ann", "Bob"].map(|name| scene.person(name));
    join(&mut ann, "a").unwrap();
    join(&mut bob, "a").unwrap();
    ann.remove(bob.id()).unwrap();
    assert_eq!(bob.chat("still here"), Err(RoomError::NotInRoom));
    assert_eq!(join(&mut bob, "b"), Err(RoomError::AlreadyInRoom));
    let told = heard(&mut bob).await;
    let by_ann =
        |event: &Event| matches!(event, Event::Removed(Removal::By(by)) if *by == Some(ann.id()));
    assert!(told.iter().any(by_ann), "{told:?}");
    assert_eq!(join(&mut bob, "a"), Ok(false));
    ann.end_room().unwrap();
    assert_eq!(join(&mut ann, "b"), Ok(true));
    heard(&mut ann).await;
    ann.chat("the end of the room before does not end this one")
        .unwrap_err();
    ann.chat("here").unwrap();
}

#[tokio::test]
async fn a_name_is_free_again_once_its_room_has_ended() {
    let scene = Scene::new(5);
    let [mut ann, mut bob, mut cid] = ["Ann", "Bob", "Cid"].map(|name| scene.person(name));
    for room in ["a", "b"] {
        join(&mut ann, room).unwrap();
        ann.end_room().unwrap();
    }
    let knock = |one: &mut Participant| {
        let options = JoinOptions {
            viewer: false,
            consumes: true,
            enters_call: true,
            secret: None,
            open: None,
            moves: true,
        };
        one.join(&id("a"), options, Way::Any).map(drop)
    };
    assert_eq!(scene.hall.describe(&id("a")), Err(RoomError::RoomEnded));
    assert_eq!(knock(&mut cid), Err(RoomError::RoomEnded));
    assert_eq!(join(&mut bob, "a"), Ok(true), "whoever opens it may");
    assert_eq!(knock(&mut cid), Ok(()));
    drop((bob, cid));
    scene.pass(59);
    assert_eq!(scene.hall.describe(&id("b")), Err(RoomError::RoomEnded));
    scene.pass(2);
    assert_eq!(scene.hall.describe(&id("b")), Err(RoomError::NoSuchRoom));
}

#[tokio::test]
async fn rooms_close_when_nobody_needs_them() {
    let scene = Scene::new(5);
    let mut ann = scene.person("Ann");
    let (unvisited, _) = ann.create_room(meeting()).unwrap();
    join(&mut ann, "a").unwrap();
    assert!(scene.pass(100).contains(&unvisited), "empty for too long");
    let (unvisited, _) = ann.create_room(meeting()).unwrap();
    drop(ann);
    assert!(scene.hall.tick().is_empty(), "she may come by another way");
    assert_eq!(scene.pass(10), [unvisited], "its maker is gone");
    assert_eq!(scene.pass(50), [id("a")]);
    let described = scene.hall.describe(&id("a"));
    assert_eq!(described.unwrap_err(), RoomError::NoSuchRoom);
}

/// LiveKit's `IsDependent`: who is there only for the others' sake keeps no room open.
#[tokio::test]
async fn a_recorder_keeps_no_room_open() {
    let scene = Scene::new(5);
    let mut tape = NewPerson::named("Tape");
    (tape.permissions.hidden, tape.permissions.recorder) = (true, true);
    let mut tape = scene.enter(tape);
    let mut ann = scene.person("Ann");
    join(&mut ann, "a").unwrap();
    join(&mut tape, "a").unwrap();
    assert!(scene.pass(100).is_empty(), "Ann is there");
    ann.leave().unwrap();
    heard(&mut tape).await;
    assert!(scene.pass(59).is_empty(), "she may come back");
    assert_eq!(scene.pass(1), [id("a")]);
    let told = heard(&mut tape).await;
    assert!(matches!(told[..], [Event::RoomEnded]), "{told:?}");
    assert!(!tape.is_in_room());
    // One who is hidden and records nothing is a person like others.
    let mut eve = NewPerson::named("Eve");
    eve.permissions.hidden = true;
    let mut eve = scene.enter(eve);
    join(&mut eve, "b").unwrap();
    assert!(scene.pass(100).is_empty());
    // Another recorder may begin in a room that is made anew, and leave it.
    join(&mut tape, "a").unwrap();
    tape.leave().unwrap();
}

#[tokio::test]
async fn a_room_for_two_is_made_by_a_ring_and_goes_with_them() {
    let scene = Scene::new(5);
    let [ann, mut bob] = ["Ann", "Bob"].map(|name| scene.person(name));
    let ring = ann.ring(bob.id()).unwrap();
    heard(&mut bob).await;
    bob.answer_ring(ring, true).unwrap();
    let told = heard(&mut bob).await;
    let [Event::RingAccepted { room, secret, .. }] = &told[..] else {
        panic!("{told:?}");
    };
    let options = JoinOptions {
        viewer: false,
        consumes: true,
        enters_call: true,
        secret: Some(secret.reveal().to_owned()),
        open: None,
        moves: true,
    };
    bob.join(room, options, Way::Any).unwrap();
    bob.leave().unwrap();
    assert_eq!(scene.hall.tick(), std::slice::from_ref(room));
}

#[tokio::test]
async fn an_unused_room_gives_way_to_a_new_one() {
    let scene = Scene::new(2);
    let [mut ann, mut bob, mut cid] = ["Ann", "Bob", "Cid"].map(|name| scene.person(name));
    let (unused, _) = ann.create_room(meeting()).unwrap();
    join(&mut ann, "a").unwrap();
    join(&mut bob, "b").unwrap();
    assert_eq!(scene.hall.tick(), [unused]);
    assert_eq!(join(&mut cid, "c"), Err(RoomError::TooManyRooms));
    bob.leave().unwrap();
    assert_eq!(join(&mut cid, "c"), Ok(true));
    assert_eq!(scene.hall.tick(), [id("b")]);
}

#[tokio::test]
async fn one_who_does_not_read_is_taken_away() {
    let scene = Scene::new(5);
    let [mut ann, mut bob] = ["Ann", "Bob"].map(|name| scene.person(name));
    join(&mut ann, "a").unwrap();
    join(&mut bob, "a").unwrap();
    for _ in 0..1100 {
        ann.chat("x").unwrap();
        heard(&mut ann).await;
    }
    let read = heard(&mut bob).await.len();
    assert_eq!(read, 1024);
    ann.chat("after the gap").unwrap();
    let happening = bob.next().await;
    assert!(matches!(happening, Happening::TooSlow), "{happening:?}");
    assert!(matches!(bob.happened(happening).await, Err(TooSlow)));
}

#[tokio::test]
async fn a_ring_that_gets_no_room_is_over_for_both() {
    let scene = Scene::new(1);
    let [mut ann, mut bob, mut cid] = ["Ann", "Bob", "Cid"].map(|name| scene.person(name));
    join(&mut cid, "c").unwrap();
    let ring = ann.ring(bob.id()).unwrap();
    heard(&mut bob).await;
    assert_eq!(bob.answer_ring(ring, true), Err(RoomError::TooManyRooms));
    for one in [&mut ann, &mut bob] {
        let told = heard(one).await;
        assert!(
            matches!(told[..], [Event::RingCancelled { ring: over }] if over == ring),
            "{told:?}"
        );
    }
    cid.leave().unwrap();
    let ring = ann.ring(bob.id()).unwrap();
    bob.answer_ring(ring, true).unwrap();
}

/// A track of this person.
fn camera(owner: &Participant) -> Track {
    Track {
        id: TrackId("camera".to_owned()),
        owner: owner.id(),
        kind: TrackKind::Video,
        source: TrackSource::Camera,
        group: "camera".to_owned(),
        label: String::new(),
        muted: false,
    }
}

#[tokio::test]
async fn a_host_who_mutes_does_not_overtake_the_owner_of_the_track() {
    let scene = Scene::new(1);
    let [mut ann, mut bob] = ["Ann", "Bob"].map(|name| scene.person(name));
    join(&mut ann, "a").unwrap();
    join(&mut bob, "a").unwrap();
    let published = camera(&bob);
    let track = published.id.clone();
    let room = bob.room.clone().unwrap();
    room.act(|room, out| room.publish(published, out)).unwrap();
    ann.mute(&track, true).await.unwrap();
    assert!(bob.is_muted(&track));
    // Before Bob's task hears of it, Bob opens it again.
    bob.mute(&track, false).await.unwrap();
    assert!(!bob.is_muted(&track), "what the room says counts");
}

#[tokio::test]
async fn who_looks_finds_what_will_be_there_and_is_not_noticed() {
    let scene = Scene::new(1);
    let origin = Origin {
        dialect: "test",
        address: Ipv4Addr::LOCALHOST.into(),
    };
    let new = || NewPerson {
        identity: Some("ann".parse().unwrap()),
        ..NewPerson::named("Ann")
    };
    let mut ann = Participant::enter(&scene.hall, &scene.media, new(), origin).unwrap();
    join(&mut ann, "a").unwrap();
    let room = ann.room.clone().unwrap();
    let track = camera(&ann);
    room.act(|room, out| room.publish(track, out)).unwrap();
    heard(&mut ann).await;
    let counts = scene.hall.counts();

    let options = JoinOptions {
        viewer: true,
        consumes: false,
        enters_call: true,
        secret: None,
        open: None,
        moves: true,
    };
    let newcomer = Newcomer::new(&scene.hall, &scene.media, new(), origin);
    // The newcomer would take Ann's place, and then her track is gone.
    let preview = newcomer.look(&id("a"), &options).unwrap();
    let found = preview.joined().unwrap();
    assert!(found.call.tracks.is_empty() && found.holds(preview.id()) && !found.holds(ann.id()));
    let bob = Newcomer::new(&scene.hall, &scene.media, NewPerson::named("Bob"), origin);
    let preview = bob.look(&id("a"), &options).unwrap();
    assert_eq!(preview.joined().unwrap().call.tracks.len(), 1);
    let refused = newcomer.look(&id("b"), &options).map(|_| ());
    assert_eq!(refused, Err(RoomError::NoSuchRoom));
    assert!(heard(&mut ann).await.is_empty() && ann.is_in_room());
    assert_eq!(scene.hall.counts(), counts);
}

#[tokio::test]
async fn one_who_is_late_says_nothing_of_the_next_room_of_this_name() {
    let scene = Scene::new(5);
    let [mut ann, mut bob, mut cid] = ["Ann", "Bob", "Cid"].map(|name| scene.person(name));
    join(&mut ann, "a").unwrap();
    join(&mut bob, "a").unwrap();
    ann.end_room().unwrap();
    join(&mut cid, "a").unwrap();
    // Bob has not heard of the end, and vanishes.
    drop(bob);
    let described = scene.hall.describe(&id("a")).unwrap();
    assert_eq!(described.people, 1);
    assert_eq!(described.info.state, RoomState::InCall);
    // Nor is it empty.
    scene.pass(0);
    assert!(scene.pass(120).is_empty() && scene.hall.has_room(&id("a")));
}
