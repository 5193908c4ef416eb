//! Clients that move others into another room, that are moved, and that have no right to it.

use super::*;

/// Opens a room, or comes into it. Returns what the client finds.
async fn join(client: &mut Client, room: &str) -> Value {
    let open = json!({ "name": room, "kind": "meeting", "started": true });
    client
        .ok("join", json!({ "room": room, "open": open, "moves": true }))
        .await
}

/// Ann owns `x`, in which Bob is, and knows the secret of `y`, in which Cid is.
struct Two {
    ann: Client,
    bob: Client,
    cid: Client,
    anns: Value,
    bobs: Value,
    cids: Value,
    secret: Value,
}

impl Two {
    async fn new(page: &Page) -> Self {
        let mut ann = Client::online(page, "Ann").await;
        let mut bob = Client::online(page, "Bob").await;
        let mut cid = Client::online(page, "Cid").await;
        join(&mut ann, "x").await;
        let mut people = join(&mut bob, "x").await["participants"].take();
        let mut opened = join(&mut cid, "y").await;
        ann.told().await;
        Self {
            ann,
            bob,
            cid,
            anns: people[0]["id"].take(),
            bobs: people[1]["id"].take(),
            cids: opened["participants"][0]["id"].take(),
            secret: opened["secret"].take(),
        }
    }

    /// The request that is refused or granted in the tests below.
    fn request(&self) -> Value {
        json!({ "participant": self.bobs, "room": "y", "secret": self.secret })
    }
}

#[tokio::test]
async fn one_who_is_moved_finds_the_other_room_and_others_see_a_leave_and_a_join() {
    let page = page(&[]);
    let mut two = Two::new(&page).await;
    two.cid.ok("chat", json!({ "text": "before" })).await;
    let request = two.request();
    two.ann.ok("move", request).await;
    let told = two.bob.told().await;
    let [moved] = &told[..] else {
        panic!("{told:?}");
    };
    assert_eq!(moved["event"], "moved");
    let data = &moved["data"];
    assert_eq!(data["by"], two.anns);
    assert_eq!(data["room"]["id"], "y");
    assert_eq!(data["participants"][0]["id"], two.cids);
    assert_eq!(data["participants"][1]["id"], two.bobs);
    assert_eq!(data["participants"][1]["owner"], false);
    assert_eq!(data["chat"][0]["text"], "before");
    assert!(data.get("secret").is_none());
    let left = json!({ "event": "participant-left", "data": { "participant": two.bobs } });
    assert_eq!(two.ann.told().await, [left]);
    let told = two.cid.told().await;
    assert_eq!(told[1]["event"], "participant-joined");
    assert_eq!(told[1]["data"]["id"], two.bobs);
    two.bob.ok("chat", json!({ "text": "here" })).await;
    assert_eq!(two.cid.told().await[0]["data"]["text"], "here");
    // Ann is alone now, and nobody can be moved back by one who is not there.
    let back = json!({ "participant": two.bobs, "room": "x" });
    assert_eq!(two.ann.refused("move", back).await, "no-such-person");
}

#[tokio::test]
async fn a_client_that_does_not_say_that_it_can_follow_is_not_moved() {
    let page = page(&[]);
    let mut two = Two::new(&page).await;
    let mut old = Client::online(&page, "Old").await;
    let mut people = old.ok("join", json!({ "room": "x" })).await["participants"].take();
    let olds = people[2]["id"].take();
    let request = json!({ "participant": olds, "room": "y", "secret": two.secret });
    assert_eq!(two.ann.refused("move", request).await, "cannot-follow");
}

#[tokio::test]
async fn nobody_is_moved_by_one_who_has_no_right_to_it() {
    let page = page(&[]);
    let mut two = Two::new(&page).await;
    let (bobs, secret) = (&two.bobs.clone(), &two.secret.clone());
    let with = |participant: &Value, room: &str, secret: Option<&Value>| json!({ "participant": participant, "room": room, "secret": secret });
    let anns = with(&two.anns, "y", Some(secret));
    let own = with(bobs, "y", Some(secret));
    let elsewhere = with(&two.cids, "x", None);
    for request in [anns.clone(), own.clone(), elsewhere] {
        assert_eq!(two.bob.refused("move", request).await, "not-owner");
    }
    // Not even she who knows both rooms, from the one in which she is not.
    assert_eq!(two.cid.refused("move", own).await, "no-such-person");
    let wrong = json!("0".repeat(64));
    for (request, code) in [
        (with(bobs, "y", None), "not-your-room"),
        (with(bobs, "y", Some(&wrong)), "wrong-secret"),
        (with(bobs, "x", None), "already-there"),
        (with(bobs, "none", None), "no-such-room"),
        (with(bobs, "../y", None), "bad-room-id"),
        (with(&json!("nobody"), "y", Some(secret)), "no-such-person"),
        (with(&two.cids, "y", Some(secret)), "no-such-person"),
        (anns, "no-such-person"),
        (json!({ "participant": bobs }), "bad-request"),
        (json!({ "room": "y" }), "bad-request"),
        (with(&json!(7), "y", None), "bad-request"),
    ] {
        assert_eq!(
            two.ann.refused("move", request.clone()).await,
            code,
            "{request}"
        );
    }
    two.cid.ok("lock-room", json!({ "locked": true })).await;
    let request = two.request();
    assert_eq!(
        two.ann.refused("move", request.clone()).await,
        "room-locked"
    );
    two.cid.ok("end-room", Value::Null).await;
    assert_eq!(two.ann.refused("move", request).await, "room-ended");
    let mut dan = Client::online(&page, "Dan").await;
    let request = with(bobs, "x", None);
    assert_eq!(dan.refused("move", request).await, "not-in-room");
    // Of all that nobody has heard.
    two.ann.ok("chat", json!({ "text": "still here" })).await;
    let told = two.bob.told().await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["data"]["text"], "still here");
}

#[tokio::test]
async fn what_was_meant_for_the_room_before_is_not_done_in_the_other() {
    let page = page(&[]);
    let mut two = Two::new(&page).await;
    let in_room = async |client: &mut Client, room: Value, request: &str, data: Value| {
        let mut frame = json!({ "id": 8, "type": request, "room": room });
        if !data.is_null() {
            frame["data"] = data;
        }
        let frames = client.0.request(&frame.to_string()).await.unwrap();
        serde_json::from_str::<Value>(&frames[0]).unwrap()
    };
    let secret = json!({ "text": "a secret of x" });
    let said = in_room(&mut two.bob, json!("x"), "chat", secret.clone()).await;
    assert!(said.get("ok").is_some(), "{said}");
    let request = two.request();
    two.ann.ok("move", request).await;
    // It is on its way when he is moved: he has not heard of it, and then he has.
    let said = in_room(&mut two.bob, json!("x"), "chat", secret.clone()).await;
    assert_eq!(said["error"]["code"], "not-in-room");
    two.bob.told().await;
    let offer = include_str!("../../../sdp/testdata/chromium-publish.sdp");
    for (request, data) in [
        ("chat", secret.clone()),
        ("publish", json!({ "sdp": offer, "tracks": [] })),
        ("receive", json!({ "sdp": offer })),
        ("leave", Value::Null),
    ] {
        let refused = in_room(&mut two.bob, json!("x"), request, data).await;
        assert_eq!(refused["error"]["code"], "another-room", "{request}");
    }
    let refused = in_room(&mut two.bob, json!(7), "chat", secret.clone()).await;
    assert_eq!(refused["error"]["code"], "bad-request");
    let said = in_room(&mut two.bob, json!("y"), "chat", json!({ "text": "hi" })).await;
    assert!(said.get("ok").is_some(), "{said}");
    let told = two.cid.told().await;
    assert!(told.iter().all(|one| !one.to_string().contains("secret")));
    assert_eq!(told.last().unwrap()["data"]["text"], "hi");
}

#[tokio::test]
async fn a_token_says_where_its_bearer_may_move_people() {
    let page = guarded();
    let online = async |flags: &[&str]| {
        let mut client = Client(Session::new(page.clone(), HERE));
        let hello = json!({ "version": 1, "name": "x", "token": token(flags) });
        let you = client.ok("hello", hello).await["you"].clone();
        (client, you)
    };
    let (mut cid, _) = online(&["--identity=cid", "--room=y"]).await;
    join(&mut cid, "y").await;
    let admin = ["--room=x", "--admin"];
    let with = |more: &[&'static str]| [&admin[..], more].concat();
    let (mut ann, _) = online(&with(&["--identity=ann", "--destination=y"])).await;
    let (mut eve, eves) = online(&with(&["--identity=eve", "--destination=z"])).await;
    let (mut bob, bobs) = online(&["--identity=bob", "--room=x"]).await;
    for one in [&mut ann, &mut eve, &mut bob] {
        join(one, "x").await;
    }
    let to = |who: &Value| json!({ "participant": who, "room": "y" });
    // Of rooms that a token does not name it tells nothing.
    for room in ["y", "none"] {
        let request = json!({ "participant": bobs, "room": room });
        assert_eq!(eve.refused("move", request).await, "not-allowed");
        let request = json!({ "participant": eves, "room": room });
        assert_eq!(bob.refused("move", request).await, "not-allowed");
    }
    // His own token is for the one room alone, and would not let him in.
    ann.ok("move", to(&bobs)).await;
    assert_eq!(cid.told().await[0]["data"]["identity"], "bob");
    // Who administers the one room does not administer the other.
    ann.ok("move", to(&eves)).await;
    let told = eve.told().await;
    let people = told.last().unwrap()["data"]["participants"].clone();
    assert_eq!(people[2]["identity"], "eve");
    assert_eq!(people[2]["host"], false);
    let remove = json!({ "participant": bobs });
    assert_eq!(eve.refused("remove", remove).await, "not-owner");
    // The same person is there already: nobody takes a place by being moved.
    let (mut twin, _) = online(&["--identity=bob", "--room=x"]).await;
    let twins = join(&mut twin, "x").await["participants"][1]["id"].clone();
    assert_eq!(ann.refused("move", to(&twins)).await, "same-identity");
}
