//! People who are moved from one room into another.

use super::*;

/// Two rooms. Ann owns the first, in which Bob is; Cid is in the second.
struct Two {
    here: Scene,
    there: Scene,
    ann: PersonId,
    bob: PersonId,
    cid: PersonId,
}

impl Two {
    fn new(other: NewRoom) -> Self {
        let (mut here, mut there) = (Scene::new(meeting(true)), Scene::new(other));
        let (ann, bob) = (here.owner("Ann"), here.join("Bob"));
        let cid = there.owner("Cid");
        for name in [("Ann", ann), ("Bob", bob), ("Cid", cid)] {
            let (name, person) = name;
            here.names.insert(person, name.to_owned());
            there.names.insert(person, name.to_owned());
        }
        here.heard.clear();
        there.heard.clear();
        Self {
            here,
            there,
            ann,
            bob,
            cid,
        }
    }

    fn secret(&self) -> String {
        self.there.room.secret().reveal().to_owned()
    }

    fn go(&mut self, going: Going<'_>) -> Result<(), RoomError> {
        let (mut out, mut there) = (Outbox::new(), Outbox::new());
        let (here, other) = (&mut self.here.room, &mut self.there.room);
        let result = here.move_to(other, going, &mut out, &mut there);
        self.here.heard.extend(out);
        self.there.heard.extend(there);
        result
    }

    /// Ann moves Bob, whose permissions are these.
    fn move_bob(&mut self, permissions: Permissions) -> Result<(), RoomError> {
        let going = Going {
            by: self.ann,
            person: self.bob,
            right: Right::Token,
            permissions,
            now: UnixTime(9),
        };
        self.go(going)
    }

    /// What a refused move must not change.
    fn state(&self) -> String {
        format!("{:?} {:?}", self.here.room, self.there.room)
    }
}

#[test]
fn one_who_is_moved_leaves_all_behind_and_finds_the_other_room_as_it_is() {
    let mut two = Two::new(meeting(true));
    let Two { ann, bob, cid, .. } = two;
    two.here.publish(ann, "a").unwrap();
    two.here.publish(bob, "b").unwrap();
    two.there.publish(cid, "c").unwrap();
    let b = Some(track("b"));
    two.here
        .act(|room, out| room.set_stage(bob, b, out))
        .unwrap();
    two.there
        .act(|room, out| room.chat(cid, "before", UnixTime(1), out))
        .unwrap();
    two.here.heard.clear();
    two.there.heard.clear();
    two.move_bob(Permissions::GUEST).unwrap();
    assert_eq!(
        two.here.heard(ann),
        ["drop b", "closed b", "stage None", "-Bob"]
    );
    assert!(two.here.heard(bob).is_empty(), "his is the other room now");
    assert_eq!(two.there.heard(cid), ["+Bob"]);
    let (_, Event::Moved(moved)) = &two.there.heard[0] else {
        panic!("first of all the room: {:?}", two.there.heard);
    };
    let found = &moved.joined;
    assert_eq!(found.participants.len(), 2);
    assert_eq!(found.participants[1].profile.id, bob);
    assert_eq!(found.participants[1].joined, UnixTime(9));
    assert_eq!(found.call.tracks.len(), 1);
    assert_eq!(found.call.chat[0].text, "before");
    assert_eq!(two.there.heard(bob), ["moved to soup by Ann", "get c"]);
    assert!(!two.here.room.holds(bob) && two.there.room.holds(bob));
    assert_eq!(two.here.room.track_count(), 1);
    assert_eq!(two.there.room.subscriptions(bob), [track("c")]);
}

#[test]
fn whoever_moves_people_looks_after_the_one_room_and_has_a_right_in_the_other() {
    let mut two = Two::new(meeting(true));
    let Two { ann, bob, cid, .. } = two;
    let dan = two.here.join("Dan");
    let secret = two.secret();
    let own = two.here.room.secret().reveal().to_owned();
    let before = two.state();
    for (by, person, right, refusal) in [
        (bob, dan, Right::Token, RoomError::NotOwner),
        (bob, ann, Right::Secret(&secret), RoomError::NotOwner),
        (cid, bob, Right::Secret(&secret), RoomError::NotInRoom),
        (ann, cid, Right::Token, RoomError::NoSuchPerson),
        (ann, ann, Right::Token, RoomError::NoSuchPerson),
        (ann, bob, Right::None, RoomError::NotYourRoom),
        (ann, bob, Right::Secret(&own), RoomError::WrongSecret),
        (ann, bob, Right::Secret(""), RoomError::WrongSecret),
    ] {
        let going = Going {
            by,
            person,
            right,
            permissions: Permissions::GUEST,
            now: UnixTime(0),
        };
        assert_eq!(two.go(going), Err(refusal));
    }
    assert_eq!(two.state(), before);
    let going = Going {
        by: ann,
        person: bob,
        right: Right::Secret(&secret),
        permissions: Permissions::GUEST,
        now: UnixTime(0),
    };
    two.go(going).unwrap();
    // An administrator moves people as the owner does, and not the owner. Nobody has done what one
    // does who is hidden.
    let host = Permissions {
        admin: true,
        hidden: true,
        ..Permissions::GUEST
    };
    let eve = two.here.join_as("Eve", host);
    let going = |person| Going {
        by: eve,
        person,
        right: Right::Token,
        permissions: Permissions::GUEST,
        now: UnixTime(0),
    };
    assert_eq!(two.go(going(ann)), Err(RoomError::NotOwner));
    two.go(going(dan)).unwrap();
    assert_eq!(two.there.heard(dan), ["moved to soup by nobody"]);
}

#[test]
fn what_the_other_room_refuses_changes_nothing_in_either() {
    let refused = |change: fn(&mut Two), refusal| {
        let mut two = Two::new(meeting(true));
        let bob = two.bob;
        two.here.publish(bob, "b").unwrap();
        change(&mut two);
        two.here.heard.clear();
        two.there.heard.clear();
        let before = two.state();
        assert_eq!(two.move_bob(Permissions::GUEST), Err(refusal));
        assert_eq!(two.state(), before, "{refusal}");
        assert!(two.here.heard.is_empty() && two.there.heard.is_empty());
    };
    let lock = |two: &mut Two| {
        let cid = two.cid;
        two.there
            .act(|room, out| room.lock(cid, true, out))
            .unwrap();
    };
    refused(lock, RoomError::RoomLocked);
    let fill = |two: &mut Two| {
        two.there.join("Dan");
        two.there.join("Eve");
    };
    refused(fill, RoomError::RoomFull);
    let end = |two: &mut Two| {
        let cid = two.cid;
        two.there.act(|room, out| room.end(cid, out)).unwrap();
    };
    refused(end, RoomError::RoomEnded);
    let close = |two: &mut Two| two.there.act(|room, out| room.close(out));
    refused(close, RoomError::NoSuchRoom);
    let twin = |two: &mut Two| {
        let profile = Profile {
            identity: Identity::of(two.bob),
            ..two.there.profile("Bob")
        };
        let join = |room: &mut Room, out: &mut Outbox| {
            room.join(profile, Permissions::GUEST, &options(), UnixTime(0), out)
        };
        two.there.act(join).unwrap();
    };
    refused(twin, RoomError::SameIdentity);
    let program = |two: &mut Two| {
        let agreed_once = JoinOptions {
            moves: false,
            ..options()
        };
        two.bob = two.here.join_with("Encoder", &agreed_once);
    };
    refused(program, RoomError::CannotFollow);
}

#[test]
fn of_encrypted_rooms_and_into_rooms_for_two_nobody_is_moved() {
    let encrypted = NewRoom {
        encrypted: true,
        ..meeting(true)
    };
    let mut two = Two::new(encrypted);
    let moved = two.move_bob(Permissions::GUEST);
    assert_eq!(moved, Err(RoomError::Encrypted));
    // Nor to where the server hears what was to be kept from it.
    std::mem::swap(&mut two.here, &mut two.there);
    let dan = two.here.join("Dan");
    let going = Going {
        by: two.cid,
        person: dan,
        right: Right::Token,
        permissions: Permissions::GUEST,
        now: UnixTime(0),
    };
    assert_eq!(two.go(going), Err(RoomError::Encrypted));
    let direct = NewRoom {
        kind: RoomKind::Direct,
        ..meeting(true)
    };
    let moved = Two::new(direct).move_bob(Permissions::GUEST);
    assert_eq!(moved, Err(RoomError::NotInvited));
}

#[test]
fn nobody_is_brought_into_a_call_who_has_not_entered_one() {
    let mut two = Two::new(meeting(true));
    let aside = JoinOptions {
        enters_call: false,
        viewer: true,
        ..options()
    };
    two.bob = two.here.join_with("Bob", &aside);
    let (bob, cid) = (two.bob, two.cid);
    two.there.publish(cid, "c").unwrap();
    two.there.heard.clear();
    two.move_bob(Permissions::GUEST).unwrap();
    assert_eq!(two.there.heard(bob), ["moved to soup by Ann"]);
    let found = two.there.room.view_of(bob);
    assert_eq!(found.participants[1].presence, Presence::Waiting);
    assert!(found.participants[1].viewer);
    // And from a call into a room whose call has not begun.
    let mut two = Two::new(meeting(false));
    let bob = two.bob;
    two.move_bob(Permissions::GUEST).unwrap();
    let found = two.there.room.view_of(bob);
    assert_eq!(found.participants[1].presence, Presence::Waiting);
}

#[test]
fn permissions_go_with_the_person() {
    let may = Permissions {
        publish: Sources::Only([].into()),
        subscribe: false,
        hidden: true,
        recorder: true,
        ..Permissions::GUEST
    };
    let mut two = Two::new(meeting(true));
    let Two { ann, bob, cid, .. } = two;
    two.there.publish(cid, "c").unwrap();
    two.there.heard.clear();
    two.move_bob(may).unwrap();
    // He is hidden, and no recorder is in secret. He hears of the room before of its change.
    assert_eq!(two.there.heard(cid), ["locked false "]);
    let heard = two.there.heard(bob);
    assert_eq!(heard, ["moved to soup by Ann", "locked false "]);
    assert!(two.there.room.view_of(cid).room.recorded);
    assert_eq!(two.here.heard(ann), ["-Bob"]);
}

#[test]
fn an_administrator_of_one_room_is_a_guest_in_another() {
    let of_one = Permissions {
        admin: true,
        admin_of: Some("soup".to_owned()),
        destination: Some("salad".to_owned()),
        ..Permissions::GUEST
    };
    let room = |text| RoomId::parse(text).unwrap();
    assert!(of_one.in_room(&room("soup")).admin);
    assert!(!of_one.in_room(&room("salad")).admin);
    assert!(of_one.may_bring_into(&room("salad")) && !of_one.may_bring_into(&room("soup")));
    let of_none = Permissions {
        admin: false,
        ..of_one.clone()
    };
    assert!(!of_none.may_bring_into(&room("salad")));
    let of_all = Permissions {
        admin_of: None,
        destination: None,
        ..of_one
    };
    assert!(of_all.in_room(&room("salad")).admin);
    assert!(!of_all.may_bring_into(&room("salad")));
}
