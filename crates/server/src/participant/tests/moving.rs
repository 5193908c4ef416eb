//! People who are moved from room to room while they and others do other things.

use std::collections::BTreeSet;
use std::sync::{Weak, mpsc};
use std::thread;

use super::*;
use crate::participant::mailbox::mailbox;
use crate::rooms::{ChatMessage, Moved, PersonId, ProfileChange};

/// Two rooms: Ann owns `a`, in which Bob is, and has the secret of `b`, in which Cid is.
struct Two {
    scene: Scene,
    ann: Participant,
    bob: Participant,
    cid: Participant,
    secret: String,
}

impl Two {
    async fn new() -> Self {
        let scene = Scene::new(5);
        let [mut ann, mut bob, mut cid] = ["Ann", "Bob", "Cid"].map(|name| scene.person(name));
        join(&mut ann, "a").unwrap();
        join(&mut bob, "a").unwrap();
        let secret = open(&mut cid, "b");
        for one in [&mut ann, &mut bob, &mut cid] {
            heard(one).await;
        }
        Self {
            scene,
            ann,
            bob,
            cid,
            secret,
        }
    }

    fn move_bob(&self) -> Result<(), RoomError> {
        self.ann
            .move_person(self.bob.id(), &id("b"), Some(&self.secret))
    }
}

/// Opens a room. Returns its secret.
fn open(person: &mut Participant, room: &str) -> String {
    join(person, room).unwrap();
    let room = person.room.as_ref().unwrap();
    room.ask(|room| room.secret().reveal().to_owned())
}

fn names(person: &Participant) -> Vec<String> {
    let people = person.view().unwrap().participants.into_iter();
    people.map(|one| one.profile.name).collect()
}

#[tokio::test]
async fn one_who_is_moved_is_in_the_other_room_once_they_hear_of_it() {
    let mut two = Two::new().await;
    two.ann.chat("of a").unwrap();
    two.move_bob().unwrap();
    assert_eq!(names(&two.ann), ["Ann"]);
    assert_eq!(names(&two.cid), ["Cid", "Bob"]);
    // What he says before he hears of it is for nobody in the other room, nor are his streams.
    assert_eq!(two.bob.chat("to a"), Err(RoomError::NotInRoom));
    let sending = two.bob.open_sending().await;
    assert!(matches!(
        sending,
        Err(ParticipantError::Room(RoomError::NotInRoom))
    ));
    assert!(two.bob.has_place() && !two.bob.is_in_room() && two.bob.is_in("a"));
    two.cid.chat("of b").unwrap();
    let told = heard(&mut two.bob).await;
    assert!(
        matches!(&told[..], [Event::Chat(a), Event::Moved(moved), Event::Chat(b)]
            if a.text == "of a" && b.text == "of b" && moved.by == Some(two.ann.id())
                && moved.joined.room.id == id("b") && moved.joined.call.chat.is_empty()),
        "{told:?}"
    );
    assert!(two.bob.is_in_room() && two.bob.is_in("b"));
    two.ann.chat("not for him").unwrap();
    two.bob.chat("to b").unwrap();
    assert!(matches!(&heard(&mut two.bob).await[..], [Event::Chat(_)]));
    let told = heard(&mut two.cid).await;
    assert!(
        matches!(
            told[..],
            [Event::ParticipantJoined(_), Event::Chat(_), Event::Chat(_)]
        ),
        "{told:?}"
    );
    // His place is in the second room alone.
    two.bob.leave().unwrap();
    assert_eq!(join(&mut two.bob, "a"), Ok(false));
}

#[tokio::test]
async fn a_refused_move_changes_nothing() {
    let mut two = Two::new().await;
    let (bob, secret) = (two.bob.id(), Some(two.secret.as_str()));
    let nobody = PersonId::random();
    let mut ends = two.scene.person("Dan");
    let gone = open(&mut ends, "c");
    ends.end_room().unwrap();
    for (person, room, secret, refusal) in [
        (bob, "a", secret, RoomError::AlreadyThere),
        (bob, "b", None, RoomError::NotYourRoom),
        (bob, "b", Some("guess"), RoomError::WrongSecret),
        (bob, "none", secret, RoomError::NoSuchRoom),
        (bob, "c", Some(gone.as_str()), RoomError::RoomEnded),
        (nobody, "b", secret, RoomError::NoSuchPerson),
        (two.cid.id(), "b", secret, RoomError::NoSuchPerson),
        (two.ann.id(), "b", secret, RoomError::NoSuchPerson),
    ] {
        let refused = two.ann.move_person(person, &id(room), secret);
        assert_eq!(refused, Err(refusal), "{room}");
    }
    // A guest learns nothing of other rooms, and one who is in no room nothing at all.
    for room in ["a", "b", "none", "c"] {
        let refused = two.bob.move_person(two.ann.id(), &id(room), secret);
        assert_eq!(refused, Err(RoomError::NotOwner));
        let refused = ends.move_person(bob, &id(room), secret);
        assert_eq!(refused, Err(RoomError::NotInRoom));
    }
    two.cid.lock_room(true).unwrap();
    assert_eq!(two.move_bob(), Err(RoomError::RoomLocked));
    heard(&mut two.cid).await;
    assert_eq!(names(&two.ann), ["Ann", "Bob"]);
    assert_eq!(names(&two.cid), ["Cid"]);
    for one in [&mut two.ann, &mut two.bob, &mut two.cid] {
        let told = heard(one).await;
        assert!(told.is_empty(), "{told:?}");
    }
    two.bob.chat("still here").unwrap();
}

#[tokio::test]
async fn the_token_that_names_the_other_room_needs_no_secret() {
    let two = Two::new().await;
    let mut host = NewPerson::named("Host");
    host.permissions.admin = true;
    host.permissions.admin_of = Some("a".to_owned());
    host.permissions.destination = Some("b".to_owned());
    let mut hosts = [(); 2].map(|()| two.scene.enter(host.clone()));
    for one in &mut hosts {
        join(one, "a").unwrap();
    }
    let [host, other] = &mut hosts;
    let refused = host.move_person(two.bob.id(), &id("c"), None);
    assert_eq!(refused, Err(RoomError::NoSuchRoom));
    host.move_person(two.bob.id(), &id("b"), None).unwrap();
    // A host of the one room is a guest in the other, and comes through no locked door.
    two.cid.lock_room(true).unwrap();
    let refused = host.move_person(other.id(), &id("b"), None);
    assert_eq!(refused, Err(RoomError::RoomLocked));
    two.cid.lock_room(false).unwrap();
    host.move_person(other.id(), &id("b"), None).unwrap();
    heard(other).await;
    assert_eq!(other.remove(two.bob.id()), Err(RoomError::NotOwner));
    // Nor does the right to come into another room let anybody move people there.
    let mut all = NewPerson::named("All");
    all.permissions.admin = true;
    let mut all = two.scene.enter(all);
    join(&mut all, "a").unwrap();
    let refused = all.move_person(host.id(), &id("b"), None);
    assert_eq!(refused, Err(RoomError::NotYourRoom));
}

#[tokio::test]
async fn one_who_has_not_heard_of_it_is_moved_no_further_and_can_leave() {
    let mut two = Two::new().await;
    two.move_bob().unwrap();
    let dan = &mut two.scene.person("Dan");
    let other = open(dan, "d");
    let further = |two: &Two| {
        two.cid
            .move_person(two.bob.id(), &id("d"), Some(other.as_str()))
    };
    assert_eq!(further(&two), Err(RoomError::BeingMoved));
    heard(&mut two.bob).await;
    further(&two).unwrap();
    // He leaves the first room that he knows, and means whichever he is in.
    two.bob.leave().unwrap();
    assert_eq!(names(dan), ["Dan"]);
    assert!(!two.bob.has_place());
    let told = heard(&mut two.bob).await;
    let moved = |event: &Event| matches!(event, Event::Moved(_));
    assert!(!told.iter().any(moved), "he is out: {told:?}");
    assert_eq!(join(&mut two.bob, "a"), Ok(false));
}

#[tokio::test]
async fn one_who_is_out_without_having_heard_of_it_changes_their_profile() {
    let mut two = Two::new().await;
    two.ann.remove(two.bob.id()).unwrap();
    let change = ProfileChange {
        name: Some("Bobby".to_owned()),
        ..ProfileChange::default()
    };
    assert_eq!(two.bob.change_profile(change), Ok(()));
    heard(&mut two.bob).await;
    join(&mut two.bob, "a").unwrap();
    assert_eq!(names(&two.ann), ["Ann", "Bobby"]);
}

#[tokio::test]
async fn what_happens_before_they_hear_of_it_is_not_lost() {
    let mut two = Two::new().await;
    two.move_bob().unwrap();
    let change = ProfileChange {
        name: Some("Bobby".to_owned()),
        ..ProfileChange::default()
    };
    two.bob.change_profile(change).unwrap();
    assert_eq!(names(&two.cid), ["Cid", "Bobby"]);
    two.cid.end_room().unwrap();
    let told = heard(&mut two.bob).await;
    assert!(
        matches!(
            told[..],
            [
                Event::Moved(_),
                Event::ParticipantChanged(_),
                Event::RoomEnded
            ]
        ),
        "{told:?}"
    );
    assert_eq!(join(&mut two.bob, "a"), Ok(false), "he is in no room");
}

#[tokio::test]
async fn a_room_of_any_size_leaves_place_for_what_follows_it() {
    let two = Two::new().await;
    let mut joined = two.cid.view().unwrap();
    joined.call.chat.push(ChatMessage {
        from: two.cid.id(),
        name: "Cid".to_owned(),
        text: "x".repeat(3 << 20),
        time: 0,
    });
    let (mailbox, mut letters) = mailbox();
    let moved = Moved { by: None, joined };
    mailbox.deliver(two.bob.id(), Event::Moved(Box::new(moved)));
    let track = TrackId("camera".to_owned());
    mailbox.deliver(two.bob.id(), Event::Subscribed(track));
    assert!(matches!(letters.next().await, Some(Event::Moved(_))));
    assert!(matches!(letters.next().await, Some(Event::Subscribed(_))));
}

#[tokio::test]
async fn nothing_is_left_of_those_who_were_moved() {
    let two = Two::new().await;
    let rooms = [&two.ann, &two.cid].map(|one| Arc::downgrade(one.room.as_ref().unwrap()));
    two.move_bob().unwrap();
    // He goes before he has heard of it.
    let Two {
        scene,
        mut ann,
        bob,
        mut cid,
        ..
    } = two;
    drop(bob);
    assert_eq!(names(&cid), ["Cid"]);
    ann.end_room().unwrap();
    cid.end_room().unwrap();
    let counts = scene.hall.counts();
    assert_eq!((counts.people, counts.rooms, counts.tracks), (2, 0, 0));
    assert_eq!(scene.hall.tick().len(), 2);
    assert_eq!(rooms.map(|room| Weak::strong_count(&room)), [0, 0]);
}

#[test]
fn moves_in_opposite_directions_do_not_wait_for_each_other() {
    let (done, is_done) = mpsc::channel();
    // If they did, nobody could end the threads.
    thread::spawn(move || {
        to_and_fro();
        done.send(()).unwrap();
    });
    let went = is_done.recv_timeout(Duration::from_secs(120));
    went.expect("everybody has come to an end");
}

/// Two hosts move a crowd to and fro between their rooms, while the crowd talks and others look.
fn to_and_fro() {
    let scene = Scene::new(5);
    let mut hosts = ["Ann", "Cid"].map(|name| scene.person(name));
    let secrets = [open(&mut hosts[0], "a"), open(&mut hosts[1], "b")];
    let mut crowd = ["Bob", "Dan", "Eve"].map(|name| scene.person(name));
    for one in &mut crowd {
        join(one, "a").unwrap();
    }
    let ids = crowd.each_ref().map(Participant::id);
    let ([ann, cid], hall) = (&hosts, &scene.hall);
    let moved = &AtomicU64::new(0);
    let is_over = || moved.load(Ordering::Relaxed) >= MOVES;
    let moves = |host: &Participant, to: &str, secret: &str| {
        while !is_over() {
            for person in ids {
                if host.move_person(person, &id(to), Some(secret)).is_ok() {
                    moved.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    };
    thread::scope(|threads| {
        threads.spawn(|| moves(ann, "b", &secrets[1]));
        threads.spawn(|| moves(cid, "a", &secrets[0]));
        threads.spawn(|| {
            while !is_over() {
                hall.counts();
                hall.tick();
            }
        });
        // They hear of it one after the other, and try to do something in the room.
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.unwrap().block_on(async {
            while !is_over() {
                for one in &mut crowd {
                    one.news().await;
                    let _ = one.send_data(String::new(), b"x", &[]);
                }
            }
        });
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(async {
        for one in &mut crowd {
            one.news().await;
        }
    });
    // Everybody is in one room, which is the one they know.
    let views = [ann, cid].map(|host| host.view().unwrap());
    let mut found = BTreeSet::new();
    for person in views.iter().flat_map(|view| &view.participants) {
        assert!(found.insert(person.profile.id), "{person:?} is twice");
    }
    assert_eq!(found.len(), 5);
    assert!(crowd.iter().all(Participant::is_in_room));
    assert_eq!(hall.counts().people, 5);
}

/// Of both hosts.
const MOVES: u64 = 500;
