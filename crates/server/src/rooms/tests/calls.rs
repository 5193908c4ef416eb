//! People in a room and its call.

use super::*;

#[test]
fn people_in_a_room_hear_of_each_other_and_of_tracks() {
    let mut scene = Scene::new(meeting(true));
    let ann = scene.owner("Ann");
    scene.publish(ann, "a").unwrap();
    let joined = scene
        .try_join("Bob", Permissions::GUEST, &options())
        .unwrap();
    assert_eq!(joined.participants.len(), 2);
    assert_eq!(joined.participants[0].profile.name, "Ann");
    assert_eq!(joined.call.tracks, [camera(ann, "a")]);
    let bob = joined.participants[1].profile.id;
    assert_eq!(scene.heard(bob), ["get a"]);
    assert_eq!(scene.heard(ann), ["+Bob"]);

    scene.publish(bob, "b").unwrap();
    assert_eq!(scene.heard(ann), ["track b", "get b"]);
    scene
        .act(|room, out| room.mute(bob, &track("b"), true, out))
        .unwrap();
    assert_eq!(scene.heard(ann), ["muted b true Bob"]);
    scene
        .act(|room, out| room.set_stage(ann, Some(track("b")), out))
        .unwrap();
    scene.heard(ann);

    scene.act(|room, out| room.leave(bob, out)).unwrap();
    assert_eq!(
        scene.heard(ann),
        ["drop b", "closed b", "stage None", "-Bob"]
    );
}

#[test]
fn an_owner_starts_the_call_and_everyone_is_rung() {
    let mut scene = Scene::new(meeting(false));
    let (ann, bob, cid) = (scene.owner("Ann"), scene.join("Bob"), scene.join("Cid"));
    assert_eq!(scene.publish(bob, "b"), Err(RoomError::NotInCall));
    let start = scene.act(|room, out| room.start_call(bob, out));
    assert_eq!(start, Err(RoomError::NotOwner));
    scene.heard(bob);

    scene.act(|room, out| room.start_call(ann, out)).unwrap();
    assert_eq!(scene.heard(bob), ["started", "Ann InCall", "ringing"]);
    scene.publish(ann, "a").unwrap();
    assert_eq!(
        scene.heard(bob),
        ["track a"],
        "no media before the call is answered"
    );
    scene
        .act(|room, out| room.answer_call(bob, true, out))
        .unwrap();
    assert_eq!(scene.heard(bob), ["Bob InCall", "get a"]);
    scene
        .act(|room, out| room.answer_call(cid, false, out))
        .unwrap();
    scene.heard(cid);
    scene.act(|room, out| room.ring(ann, out)).unwrap();
    assert_eq!(scene.heard(cid), ["ringing"]);
    assert!(!scene.heard(bob).contains(&"ringing".to_owned()));

    // A person who comes back without having answered is not put into the call.
    scene.act(|room, out| room.leave(cid, out)).unwrap();
    let back = JoinOptions {
        enters_call: false,
        ..options()
    };
    let joined = scene.try_join("Dan", Permissions::GUEST, &back).unwrap();
    assert_eq!(joined.participants[2].presence, Presence::Waiting);
    let dan = joined.participants[2].profile.id;
    assert!(scene.heard(dan).is_empty(), "no media before the answer");

    scene.act(|room, out| room.end(ann, out)).unwrap();
    assert_eq!(scene.heard(dan), ["ended"]);
    let late = scene.try_join("Eve", Permissions::GUEST, &options());
    assert_eq!(late.unwrap_err(), RoomError::RoomEnded);
}

#[test]
fn only_the_secret_makes_an_owner() {
    let mut scene = Scene::new(meeting(true));
    scene.owner("Ann");
    let guess = JoinOptions {
        secret: Some("0123456789abcdef0123456789abcdef".to_owned()),
        ..options()
    };
    let guessed = scene.try_join("Bob", Permissions::GUEST, &guess);
    assert_eq!(guessed.unwrap_err(), RoomError::WrongSecret);
    let bob = scene.join("Bob");
    let end = scene.act(|room, out| room.end(bob, out));
    assert_eq!(end, Err(RoomError::NotOwner));
}

#[test]
fn in_a_room_for_two_nobody_is_without_a_secret() {
    let mut scene = Scene::new(NewRoom {
        kind: RoomKind::Direct,
        ..meeting(true)
    });
    let stranger = scene.try_join("Cid", Permissions::GUEST, &options());
    assert_eq!(stranger.unwrap_err(), RoomError::NotInvited);
    let guest = JoinOptions {
        secret: Some(scene.room.guest_secret().reveal().to_owned()),
        ..options()
    };
    let joined = scene.try_join("Bob", Permissions::GUEST, &guest).unwrap();
    assert!(!joined.participants[0].owner);
    let ann = scene.owner("Ann");
    let view = scene.room.view_of(ann);
    assert!(view.participants[1].owner);
}

#[test]
fn a_room_has_a_limit_which_the_owner_passes() {
    let mut scene = Scene::new(meeting(true));
    for name in ["Ann", "Bob", "Cid"] {
        scene.join(name);
    }
    let full = scene.try_join("Dan", Permissions::GUEST, &options());
    assert_eq!(full.unwrap_err(), RoomError::RoomFull);
    scene.owner("Eve");
}

#[test]
fn one_who_comes_late_reads_the_chat() {
    let mut scene = Scene::new(meeting(false));
    let ann = scene.join("Ann");
    scene
        .act(|room, out| room.chat(ann, " <b>hello</b> ", UnixTime(5), out))
        .unwrap();
    assert_eq!(scene.heard(ann), ["Ann: <b>hello</b>"]);
    let joined = scene
        .try_join("Bob", Permissions::GUEST, &options())
        .unwrap();
    assert_eq!(joined.call.chat[0].time, 5);
}
