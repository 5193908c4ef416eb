//! Hosts of a room, and what people may do in it.

use super::*;

fn host() -> Permissions {
    Permissions {
        admin: true,
        ..Permissions::GUEST
    }
}

#[test]
fn whoever_looks_after_a_room_mutes_people_and_cannot_unmute_them() {
    let mut scene = Scene::new(meeting(true));
    let (ann, bob) = (scene.join_as("Ann", host()), scene.join("Bob"));
    scene.publish(bob, "b").unwrap();
    scene.publish(ann, "a").unwrap();
    scene.heard(bob);
    let b = track("b");
    scene
        .act(|room, out| room.mute(ann, &b, true, out))
        .unwrap();
    assert_eq!(scene.heard(bob), ["muted b true Ann"]);
    let unmute = scene.act(|room, out| room.mute(ann, &b, false, out));
    assert_eq!(unmute, Err(RoomError::NotYourTrack));
    scene
        .act(|room, out| room.mute(bob, &b, false, out))
        .unwrap();
    let other = scene.act(|room, out| room.mute(bob, &track("a"), true, out));
    assert_eq!(other, Err(RoomError::NotYourTrack));
}

#[test]
fn whoever_looks_after_a_room_removes_people_but_the_owner() {
    let mut scene = Scene::new(meeting(true));
    let (ann, bob) = (scene.owner("Ann"), scene.join_as("Bob", host()));
    let cid = scene.join("Cid");
    scene.publish(cid, "c").unwrap();
    scene.heard(ann);
    scene.heard(cid);
    let by_guest = scene.act(|room, out| room.remove(cid, bob, out));
    assert_eq!(by_guest, Err(RoomError::NotOwner));
    let owner = scene.act(|room, out| room.remove(bob, ann, out));
    assert_eq!(owner, Err(RoomError::NotOwner));
    scene.act(|room, out| room.remove(bob, cid, out)).unwrap();
    assert_eq!(scene.heard(cid), ["removed by Bob"]);
    assert_eq!(scene.heard(ann), ["drop c", "closed c", "-Cid"]);
    let again = scene.act(|room, out| room.remove(bob, cid, out));
    assert_eq!(again, Err(RoomError::NoSuchPerson));
    let chat = scene.act(|room, out| room.chat(cid, "x", UnixTime(0), out));
    assert_eq!(chat, Err(RoomError::NotInRoom));
}

#[test]
fn a_locked_room_lets_in_those_who_look_after_it() {
    let mut scene = Scene::new(meeting(true));
    let bob = scene.join("Bob");
    let lock = scene.act(|room, out| room.lock(bob, true, out));
    assert_eq!(lock, Err(RoomError::NotOwner));
    let ann = scene.owner("Ann");
    scene.act(|room, out| room.lock(ann, true, out)).unwrap();
    assert_eq!(scene.heard(bob), ["+Ann", "locked true "]);
    let late = scene.try_join("Cid", Permissions::GUEST, &options());
    assert_eq!(late.unwrap_err(), RoomError::RoomLocked);
    let host = scene.join_as("Dan", host());
    scene.act(|room, out| room.leave(host, out)).unwrap();
    scene.act(|room, out| room.leave(ann, out)).unwrap();
    let ann = scene.owner("Ann");
    scene.act(|room, out| room.lock(ann, false, out)).unwrap();
    scene
        .act(|room, out| room.set_metadata(ann, "{}".to_owned(), out))
        .unwrap();
    scene.join("Cid");
    let last = scene.heard(bob);
    assert_eq!(
        last[last.len() - 3..],
        ["locked false ", "locked false {}", "+Cid"]
    );
}

#[test]
fn permissions_hold() {
    let none = Permissions {
        publish: Sources::Only([].into()),
        subscribe: false,
        data: false,
        ..Permissions::GUEST
    };
    let mut scene = Scene::new(meeting(true));
    let (ann, bob) = (scene.join("Ann"), scene.join_as("Bob", none));
    scene.publish(ann, "a").unwrap();
    assert_eq!(scene.heard(bob), ["track a"]);
    let refused = |result, what| assert_eq!(result, Err(RoomError::NotPermitted(what)));
    refused(scene.publish(bob, "b"), "publish pictures");
    for (kind, source, what) in [
        (TrackKind::Audio, TrackSource::Microphone, "publish sound"),
        (
            TrackKind::Audio,
            TrackSource::ScreenAudio,
            "share the sound of screens",
        ),
        (
            TrackKind::Video,
            TrackSource::Other("x".to_owned()),
            "publish this source",
        ),
        (TrackKind::Video, TrackSource::Screen, "share screens"),
    ] {
        let track = Track {
            kind,
            source,
            ..camera(bob, "b")
        };
        refused(scene.act(|room, out| room.publish(track, out)), what);
    }
    let take = scene.act(|room, out| room.subscribe(bob, &track("a"), true, out));
    refused(take, "receive");
    refused(
        scene.act(|room, out| room.chat(bob, "x", UnixTime(0), out)),
        "write",
    );
    refused(
        scene.act(|room, out| room.send_data(bob, "t".to_owned(), b"x", &[], out)),
        "send data",
    );
}

#[test]
fn a_source_is_allowed_for_itself_and_with_its_kind() {
    use TrackKind::{Audio, Video};
    use TrackSource::{Camera, Microphone, Screen, ScreenAudio};

    let own = || TrackSource::Other("telescope".to_owned());
    let refused = |may: &Sources| -> Vec<(TrackKind, TrackSource)> {
        let permissions = Permissions {
            publish: may.clone(),
            ..Permissions::GUEST
        };
        let mut refused = Vec::new();
        for source in [Camera, Microphone, Screen, ScreenAudio, own()] {
            for kind in [Audio, Video] {
                let mut scene = Scene::new(meeting(true));
                let ann = scene.join_as("Ann", permissions.clone());
                let track = Track {
                    kind,
                    source: source.clone(),
                    ..camera(ann, "a")
                };
                let result = scene.act(|room, out| room.publish(track, out));
                if matches!(result, Err(RoomError::NotPermitted(_))) {
                    refused.push((kind, source.clone()));
                }
            }
        }
        refused
    };
    // A source that is known has a kind; one of the application's own has any.
    let of_other_kind = [
        (Audio, Camera),
        (Video, Microphone),
        (Audio, Screen),
        (Video, ScreenAudio),
    ];
    assert_eq!(refused(&Sources::All), of_other_kind);
    let allowed = |list: &[TrackSource]| {
        let refused = refused(&Sources::Only(list.into()));
        let all = [Camera, Microphone, Screen, ScreenAudio, own()];
        let all = all
            .into_iter()
            .flat_map(|source| [(Audio, source.clone()), (Video, source)]);
        all.filter(|one| !refused.contains(one)).collect::<Vec<_>>()
    };
    assert_eq!(allowed(&[ScreenAudio]), [(Audio, ScreenAudio)]);
    assert_eq!(allowed(&[Screen]), [(Video, Screen)]);
    assert_eq!(allowed(&[own()]), [(Audio, own()), (Video, own())]);
    assert_eq!(allowed(&[]), []);
}

#[test]
fn others_do_not_hear_of_one_who_is_hidden() {
    let hidden = Permissions {
        hidden: true,
        ..Permissions::GUEST
    };
    let mut scene = Scene::new(meeting(true));
    let ann = scene.join("Ann");
    scene.publish(ann, "a").unwrap();
    let eve = scene.join_as("Eve", hidden);
    assert_eq!(scene.heard(eve), ["get a"]);
    assert_eq!(
        scene.publish(eve, "e"),
        Err(RoomError::NotPermitted("publish unseen"))
    );
    assert_eq!(scene.room.view_of(ann).participants.len(), 1);
    assert_eq!(scene.room.view_of(eve).participants.len(), 2);
    assert_eq!(scene.room.summary().people, 1);
    scene.act(|room, out| room.leave(eve, out)).unwrap();
    assert!(scene.heard(ann).is_empty());
}

#[test]
fn what_a_hidden_host_does_is_done_by_nobody() {
    let unseen = Permissions {
        hidden: true,
        admin: true,
        ..Permissions::GUEST
    };
    let mut scene = Scene::new(meeting(true));
    let ann = scene.join("Ann");
    let eve = scene.join_as("Eve", unseen);
    scene.publish(ann, "a").unwrap();
    scene.heard(ann);
    scene
        .act(|room, out| room.mute(eve, &track("a"), true, out))
        .unwrap();
    assert_eq!(scene.heard(ann), ["muted a true nobody"]);
    scene.act(|room, out| room.remove(eve, ann, out)).unwrap();
    assert!(
        scene
            .heard(ann)
            .ends_with(&["removed by nobody".to_owned()])
    );
}

#[test]
fn nobody_is_in_a_room_twice() {
    let mut scene = Scene::new(meeting(true));
    let identity = "ann@example.org".parse::<Identity>().unwrap();
    let join = |scene: &mut Scene| {
        let profile = Profile {
            identity: identity.clone(),
            ..scene.profile("Ann")
        };
        let id = profile.id;
        scene
            .act(|room, out| room.join(profile, Permissions::GUEST, &options(), UnixTime(0), out))
            .unwrap();
        id
    };
    let bob = scene.join("Bob");
    let older = join(&mut scene);
    scene.heard(bob);
    let newer = join(&mut scene);
    assert_eq!(scene.heard(older), ["here twice"]);
    assert_eq!(scene.heard(bob), ["-Ann", "+Ann"]);
    assert!(scene.room.holds(newer) && !scene.room.holds(older));
}

#[test]
fn one_comes_back_into_ones_own_place_whatever_the_door_says() {
    let mut scene = Scene::new(meeting(true));
    let identity = "ann@example.org".parse::<Identity>().unwrap();
    let secret = scene.room.secret().reveal().to_owned();
    let join = |scene: &mut Scene, secret: Option<String>| {
        let profile = Profile {
            identity: identity.clone(),
            ..scene.profile("Ann")
        };
        let options = JoinOptions {
            secret,
            ..options()
        };
        scene.act(|room, out| room.join(profile, Permissions::GUEST, &options, UnixTime(0), out))
    };
    let (bob, cid) = (scene.join("Bob"), scene.join("Cid"));
    let ann = join(&mut scene, Some(secret)).unwrap();
    let ann = ann.participants.last().unwrap().profile.id;
    scene.act(|room, out| room.lock(ann, true, out)).unwrap();
    // Full and locked: she takes her own place, and it is the owner's.
    let again = join(&mut scene, None).unwrap();
    let again = again.participants.last().unwrap();
    assert!(again.owner && again.profile.id != ann);
    let wrong = join(&mut scene, Some("guess".to_owned()));
    assert_eq!(wrong.unwrap_err(), RoomError::WrongSecret);
    // Once she is out, the door is closed as it is to all who cannot open it.
    let again = again.profile.id;
    scene.act(|room, out| room.leave(again, out)).unwrap();
    assert_eq!(join(&mut scene, None).unwrap_err(), RoomError::RoomLocked);
    let guest = scene.try_join("Dan", Permissions::GUEST, &options());
    assert_eq!(guest.unwrap_err(), RoomError::RoomLocked);
    assert!(scene.room.holds(bob) && scene.room.holds(cid));
}

#[test]
fn data_goes_to_all_others_or_to_some() {
    let mut scene = Scene::new(meeting(true));
    let (ann, bob, cid) = (scene.join("Ann"), scene.join("Bob"), scene.join("Cid"));
    let people = [ann, bob, cid];
    scene.heard.clear();
    let send = |scene: &mut Scene, payload: &[u8], to: &[PersonId]| {
        scene.act(|room, out| room.send_data(ann, "t".to_owned(), payload, to, out))
    };
    send(&mut scene, b"\x01", &[]).unwrap();
    assert_eq!(
        people.map(|one| scene.heard(one)),
        [vec![], vec!["t [1]".to_owned()], vec!["t [1]".to_owned()]]
    );
    send(&mut scene, b"\x02", &[cid, PersonId::random()]).unwrap();
    assert_eq!(
        people.map(|one| scene.heard(one)),
        [vec![], vec![], vec!["t [2]".to_owned()]]
    );
    let large = send(&mut scene, &[0; 64_001], &[]);
    assert!(matches!(
        large,
        Err(RoomError::TooLarge { max: 64_000, .. })
    ));
}
