//! Tracks published, received and wanted.

use super::*;

#[test]
fn in_a_presentation_only_the_owner_publishes() {
    let mut scene = Scene::new(NewRoom {
        kind: RoomKind::Presentation,
        ..meeting(true)
    });
    let (ann, bob) = (scene.owner("Ann"), scene.join("Bob"));
    scene.publish(ann, "a").unwrap();
    assert_eq!(scene.publish(bob, "b"), Err(RoomError::ViewerOnly));
    let stage = scene.act(|room, out| room.set_stage(bob, None, out));
    assert_eq!(stage, Err(RoomError::NotOwner));
}

#[test]
fn viewers_receive_and_never_publish() {
    let mut scene = Scene::new(meeting(true));
    let ann = scene.join("Ann");
    let viewer = JoinOptions {
        viewer: true,
        ..options()
    };
    let bob = scene.join_with("Bob", &viewer);
    assert_eq!(scene.publish(bob, "b"), Err(RoomError::ViewerOnly));
    scene.publish(ann, "a").unwrap();
    assert_eq!(scene.heard(bob), ["track a", "get a"]);
}

#[test]
fn a_person_publishes_as_many_tracks_as_they_may() {
    let mut scene = Scene::new(meeting(true));
    let ann = scene.join("Ann");
    for id in ["a", "b"] {
        scene.publish(ann, id).unwrap();
    }
    assert_eq!(scene.publish(ann, "c"), Err(RoomError::TooManyTracks));
}

#[test]
fn tracks_are_dropped_and_taken_one_by_one() {
    let mut scene = Scene::new(meeting(true));
    let ann = scene.join("Ann");
    let silent = JoinOptions {
        consumes: false,
        ..options()
    };
    let bob = scene.join_with("Bob", &silent);
    scene.publish(ann, "a").unwrap();
    assert_eq!(scene.heard(bob), ["track a"]);
    let a = track("a");
    for wanted in [true, true] {
        scene
            .act(|room, out| room.subscribe(bob, &a, wanted, out))
            .unwrap();
    }
    assert_eq!(scene.heard(bob), ["get a"]);
    assert_eq!(scene.room.subscriptions(bob), std::slice::from_ref(&a));
    scene
        .act(|room, out| room.subscribe(bob, &a, false, out))
        .unwrap();
    assert_eq!(scene.heard(bob), ["drop a"]);
    let own = scene.act(|room, out| room.subscribe(ann, &a, true, out));
    assert_eq!(own, Err(RoomError::NoSuchTrack));
}

#[test]
fn a_publisher_hears_what_is_wanted_of_a_track() {
    let mut scene = Scene::new(meeting(true));
    let (ann, bob, cid) = (scene.join("Ann"), scene.join("Bob"), scene.join("Cid"));
    scene.publish(ann, "a").unwrap();
    scene.heard(ann);
    let a = track("a");
    let small = Preferences {
        paused: false,
        quality: Some(Quality {
            width: 320,
            height: 180,
            rate: 15,
        }),
    };
    let prefer = |scene: &mut Scene, person, wanted| {
        scene
            .act(|room, out| room.prefer(person, &track("a"), wanted, out))
            .unwrap();
    };
    prefer(&mut scene, bob, small);
    assert!(scene.heard(ann).is_empty(), "Cid wants it at its best");
    let paused = Preferences {
        paused: true,
        quality: None,
    };
    prefer(&mut scene, cid, paused);
    let wanted = "wanted a UpTo(Quality { width: 320, height: 180, rate: 15 })";
    assert_eq!(scene.heard(ann), [wanted]);
    assert_eq!(scene.room.preferences(cid, &a), paused);
    scene.act(|room, out| room.leave(bob, out)).unwrap();
    assert_eq!(scene.heard(ann), ["wanted a Nothing", "-Bob"]);
    prefer(&mut scene, cid, Preferences::default());
    assert_eq!(scene.heard(ann), ["wanted a Best"]);
    // A preference outlives the subscription and ends with the track.
    prefer(&mut scene, cid, paused);
    for wanted in [false, true] {
        scene
            .act(|room, out| room.subscribe(cid, &a, wanted, out))
            .unwrap();
    }
    assert_eq!(
        scene.heard(ann),
        ["wanted a Nothing", "wanted a Best", "wanted a Nothing"]
    );
    scene.act(|room, out| room.unpublish(ann, &a, out)).unwrap();
    assert_eq!(scene.room.preferences(cid, &a), Preferences::default());
}

#[test]
fn sources_are_an_open_set() {
    for name in [
        "camera",
        "microphone",
        "screen",
        "screen-audio",
        "telescope",
    ] {
        let source: TrackSource = name.parse().unwrap();
        assert_eq!(source.to_string(), name);
        assert_eq!(matches!(source, TrackSource::Other(_)), name == "telescope");
    }
    let mut scene = Scene::new(meeting(true));
    let ann = scene.join("Ann");
    let long = Track {
        source: TrackSource::Other("x".repeat(65)),
        ..camera(ann, "a")
    };
    let refused = scene.act(|room, out| room.publish(long, out));
    assert!(matches!(refused, Err(RoomError::TooLarge { .. })));
}
