//! The lobby, rings, and who may make rooms.

use super::*;

/// A directory, and what each person has heard.
struct Lobby {
    directory: Directory,
    heard: Vec<(PersonId, Event)>,
    now: UnixTime,
}

impl Lobby {
    fn new() -> Self {
        Self {
            directory: Directory::new(limits()),
            heard: Vec::new(),
            now: UnixTime(0),
        }
    }

    fn act<T>(&mut self, act: impl FnOnce(&mut Directory, UnixTime, &mut Outbox) -> T) -> T {
        let mut out = Outbox::new();
        let result = act(&mut self.directory, self.now, &mut out);
        self.heard.extend(out);
        result
    }

    fn person(&mut self, name: &str) -> PersonId {
        self.directory.enter(NewPerson::named(name)).unwrap()
    }

    fn make(&mut self, maker: PersonId, id: &str) -> Result<Option<RoomId>, RoomError> {
        let mut new = meeting(true);
        let gives_way = self.directory.may_make(maker, &mut new)?;
        if let Some(room) = &gives_way {
            self.directory.remove_room(room, None);
        }
        let room = Room::new(RoomId::parse(id).unwrap(), new, limits());
        self.directory.add_room(maker, room.summary(), self.now);
        Ok(gives_way)
    }

    fn visit(&mut self, id: &str, is_empty: bool) {
        let summary = self.directory.describe(&RoomId::parse(id).unwrap());
        self.directory
            .update_room(summary.unwrap(), is_empty, self.now);
    }

    fn heard(&mut self, person: PersonId) -> Vec<String> {
        self.heard
            .extract_if(.., |(to, _)| *to == person)
            .map(|(_, event)| short(&event, &BTreeMap::new()))
            .collect()
    }

    fn pass(&mut self, seconds: u64) -> Vec<RoomId> {
        self.now.0 += seconds * 1000;
        self.act(|directory, now, out| directory.tick(now, out))
    }
}

#[test]
fn one_rings_another() {
    let mut lobby = Lobby::new();
    let (ann, bob, cid) = (
        lobby.person("Ann"),
        lobby.person("Bob"),
        lobby.person("Cid"),
    );
    let ring = lobby
        .act(|all, now, out| all.ring(ann, bob, now, out))
        .unwrap();
    assert_eq!(lobby.heard(bob), ["ring Ann"]);
    let busy = lobby.act(|all, now, out| all.ring(cid, bob, now, out));
    assert_eq!(busy, Err(RoomError::Busy));
    let foreign = lobby.directory.accept_ring(cid, ring);
    assert_eq!(foreign.unwrap_err(), RoomError::NoSuchRing);
    let accepted = lobby.directory.accept_ring(bob, ring).unwrap();
    assert_eq!((accepted.from, accepted.to), (ann, bob));
    assert_eq!(accepted.room.kind, RoomKind::Direct);
    let room = Room::new(RoomId::random(), accepted.room.clone(), limits());
    lobby.act(|_, _, out| Directory::tell_accepted(&accepted, &room, out));
    assert_eq!(lobby.heard(ann), ["accepted"]);
    assert_eq!(lobby.heard(bob), ["accepted"]);

    let ring = lobby
        .act(|all, now, out| all.ring(ann, cid, now, out))
        .unwrap();
    lobby
        .act(|all, _, out| all.decline_ring(cid, ring, out))
        .unwrap();
    assert_eq!(lobby.heard(ann), ["declined"]);
    lobby.heard(cid);
    lobby
        .act(|all, now, out| all.ring(ann, cid, now, out))
        .unwrap();
    lobby.pass(31);
    assert_eq!(lobby.heard(cid), ["ring Ann", "cancelled"]);
    assert_eq!(lobby.heard(ann), ["cancelled"]);
    lobby
        .act(|all, now, out| all.ring(ann, cid, now, out))
        .unwrap();
    lobby.act(|all, now, out| all.vanish(ann, now, out));
    assert_eq!(lobby.heard(cid), ["ring Ann", "cancelled"]);
    lobby.directory.set_busy(bob, true);
    let busy = lobby.act(|all, now, out| all.ring(cid, bob, now, out));
    assert_eq!(busy, Err(RoomError::Busy));
}

#[test]
fn the_lobby_is_told_once_per_tick_and_all_share_one_snapshot() {
    let mut lobby = Lobby::new();
    let (ann, bob) = (lobby.person("Ann"), lobby.person("Bob"));
    for one in [ann, bob] {
        lobby
            .act(|all, _, out| all.watch_lobby(one, true, out))
            .unwrap();
    }
    assert_eq!(lobby.heard(ann), ["lobby 0/2"]);
    lobby.heard(bob);
    lobby.make(bob, "soup").unwrap();
    lobby.pass(1);
    lobby.pass(1);
    let [(_, Event::Lobby(one)), (_, Event::Lobby(other))] = &lobby.heard[..] else {
        panic!("one snapshot for each: {:?}", lobby.heard);
    };
    assert!(Arc::ptr_eq(one, other));
    assert_eq!(lobby.heard(ann), ["lobby 1/2"]);
}

#[test]
fn rooms_without_people_go_away() {
    let mut lobby = Lobby::new();
    let ann = lobby.person("Ann");
    lobby.make(ann, "soup").unwrap();
    lobby.pass(30);
    lobby.visit("soup", false);
    assert!(lobby.pass(100).is_empty());
    lobby.visit("soup", true);
    assert!(lobby.pass(59).is_empty());
    assert_eq!(lobby.pass(1), [RoomId::parse("soup").unwrap()]);
}

#[test]
fn one_person_does_not_take_all_rooms() {
    let mut lobby = Lobby::new();
    let (ann, bob) = (lobby.person("Ann"), lobby.person("Bob"));
    for id in ["a", "b", "c"] {
        assert_eq!(lobby.make(ann, id), Ok(None));
        lobby.now.0 += 1;
    }
    let more = lobby.make(ann, "d");
    assert_eq!(more, Err(RoomError::TooManyUnusedRooms { max: 3 }));
    // The server is full, so unused rooms give way, the oldest first.
    lobby.visit("a", false);
    assert_eq!(lobby.make(bob, "d"), Ok(Some(RoomId::parse("b").unwrap())));
    lobby.visit("c", false);
    lobby.visit("d", false);
    assert_eq!(lobby.make(bob, "e"), Err(RoomError::TooManyRooms));
}

#[test]
fn rooms_that_nobody_has_visited_go_with_their_maker() {
    let mut lobby = Lobby::new();
    let ann = lobby.person("Ann");
    for id in ["visited", "unvisited"] {
        lobby.make(ann, id).unwrap();
    }
    lobby.visit("visited", false);
    lobby.visit("visited", true);
    lobby.act(|all, now, out| all.vanish(ann, now, out));
    assert!(lobby.pass(9).is_empty(), "she may come by another way");
    assert_eq!(lobby.pass(1), [RoomId::parse("unvisited").unwrap()]);
}

#[test]
fn neighbours_share_a_limit_of_unused_rooms() {
    let roomy = Limits {
        rooms: 200,
        people: 200,
        ..(*limits()).clone()
    };
    let mut lobby = Lobby::new();
    lobby.directory = Directory::new(Arc::new(roomy));
    let neighbour = |lobby: &mut Lobby, address: &str| {
        let new = NewPerson {
            address: Some(address.parse().unwrap()),
            ..NewPerson::named("Ann")
        };
        lobby.directory.enter(new).unwrap()
    };
    for index in 0..30 {
        let one = neighbour(&mut lobby, "192.0.2.1");
        lobby.make(one, &format!("room-{index}")).unwrap();
    }
    let one = neighbour(&mut lobby, "192.0.2.1");
    let more = lobby.make(one, "more");
    assert_eq!(
        more,
        Err(RoomError::TooManyUnusedRoomsOfNetwork { max: 30 })
    );
    let other = neighbour(&mut lobby, "192.0.2.2");
    lobby.make(other, "more").unwrap();
}

#[test]
fn people_change_what_others_know_of_them() {
    let mut lobby = Lobby::new();
    let ann = lobby.person("Ann");
    let change = ProfileChange {
        name: Some("Anna".to_owned()),
        metadata: Some("{}".to_owned()),
        attributes: Attributes::from([("hand".to_owned(), "raised".to_owned())]),
    };
    let profile = lobby
        .directory
        .change_profile(ann, change, UnixTime(0))
        .unwrap();
    assert_eq!(
        (profile.name.as_str(), profile.metadata.as_str()),
        ("Anna", "{}")
    );
    assert_eq!(profile.attributes["hand"], "raised");
    let lower = ProfileChange {
        attributes: Attributes::from([("hand".to_owned(), String::new())]),
        ..ProfileChange::default()
    };
    let profile = lobby
        .directory
        .change_profile(ann, lower, UnixTime(0))
        .unwrap();
    assert!(profile.attributes.is_empty());
    let large = ProfileChange {
        metadata: Some("x".repeat(16 * 1024 + 1)),
        name: Some("Anne".to_owned()),
        ..ProfileChange::default()
    };
    let refused = lobby.directory.change_profile(ann, large, UnixTime(0));
    assert!(matches!(refused, Err(RoomError::TooLarge { .. })));
    let room = RoomId::parse("a").unwrap();
    let (profile, _) = lobby.directory.introduce(ann, &room).unwrap();
    assert_eq!(profile.name, "Anna", "a refused change changes nothing");
}

#[test]
fn only_so_many_people_are_online() {
    let mut lobby = Lobby::new();
    for index in 0..5 {
        lobby.person(&format!("P{index}"));
    }
    let more = lobby.directory.enter(NewPerson::named("P5"));
    assert_eq!(more, Err(RoomError::TooManyPeople));
}

#[test]
fn a_profile_is_not_changed_all_the_time() {
    let mut lobby = Lobby::new();
    let ann = lobby.person("Ann");
    let mut change = |time| {
        let change = ProfileChange::default();
        let changed = lobby.directory.change_profile(ann, change, UnixTime(time));
        changed.map(drop)
    };
    for _ in 0..20 {
        assert_eq!(change(1000), Ok(()));
    }
    assert_eq!(change(1000), Err(RoomError::TooManyChanges));
    assert_eq!(change(1499), Err(RoomError::TooManyChanges));
    assert_eq!(change(1500), Ok(()));
    assert_eq!(change(1500), Err(RoomError::TooManyChanges));
}

#[test]
fn a_lobby_is_made_once_until_it_changes_and_has_no_metadata() {
    let mut lobby = Lobby::new();
    let ann = lobby.person("Ann");
    let mut new = meeting(true);
    new.metadata = "x".repeat(16 * 1024);
    lobby.directory.may_make(ann, &mut new).unwrap();
    let room = Room::new(RoomId::parse("soup").unwrap(), new, limits());
    lobby.directory.add_room(ann, room.summary(), lobby.now);
    for _ in 0..3 {
        lobby
            .act(|all, _, out| all.watch_lobby(ann, true, out))
            .unwrap();
    }
    lobby.pass(1);
    let snapshots = lobby.heard.drain(..).map(|(_, event)| match event {
        Event::Lobby(snapshot) => snapshot,
        other => panic!("{other:?}"),
    });
    let snapshots: Vec<_> = snapshots.collect();
    assert_eq!(snapshots.len(), 4);
    assert!(Arc::ptr_eq(&snapshots[0], &snapshots[2]));
    assert!(!Arc::ptr_eq(&snapshots[0], &snapshots[3]));
    assert_eq!(snapshots[3].rooms[0].info.name, "Soup");
    assert_eq!(snapshots[3].rooms[0].info.metadata, "");
}

#[test]
fn a_network_has_a_share_of_people_and_of_rooms() {
    let roomy = Limits {
        rooms: 100,
        people: 100,
        network_people: 3,
        network_rooms: 2,
        ..(*limits()).clone()
    };
    let mut lobby = Lobby::new();
    lobby.directory = Directory::new(Arc::new(roomy));
    let enter = |lobby: &mut Lobby, address: Option<&str>| {
        let new = NewPerson {
            address: address.map(|text| text.parse().unwrap()),
            ..NewPerson::named("Ann")
        };
        lobby.directory.enter(new)
    };
    let near = Some("192.0.2.1");
    let people = [(); 3].map(|()| enter(&mut lobby, near).unwrap());
    let more = enter(&mut lobby, near);
    assert_eq!(more, Err(RoomError::TooManyPeopleOfNetwork { max: 3 }));
    let far = enter(&mut lobby, Some("192.0.2.2")).unwrap();
    // Behind a proxy on this machine people have nothing in common.
    for _ in 0..10 {
        enter(&mut lobby, None).unwrap();
    }
    // Rooms in use count as well.
    for (maker, room) in people.into_iter().zip(["a", "b"]) {
        lobby.make(maker, room).unwrap();
        lobby.visit(room, false);
    }
    let more = lobby.make(people[2], "c");
    assert_eq!(more, Err(RoomError::TooManyRoomsOfNetwork { max: 2 }));
    lobby.make(far, "c").unwrap();
    let now = lobby.now;
    lobby.act(|all, _, out| all.vanish(people[0], now, out));
    enter(&mut lobby, near).unwrap();
}
