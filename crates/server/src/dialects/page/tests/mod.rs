//! The page's dialect, spoken by clients that the test plays, on a server without workers.

mod grants;
mod media;
mod moving;
mod resuming;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use clap::Parser;
use serde_json::{Value, json};

use super::receiving::Receiving;
use super::session::{Closing, Page, Session};
use crate::cli::{Cli, Command};
use crate::http::App;
use crate::media::Media;
use crate::participant::{Happening, Unattended, Woken};
use crate::sdp::Offerer;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A server without workers.
fn page(flags: &[&str]) -> Page {
    let arguments = ["tureen", "serve"].iter().chain(flags);
    let Command::Serve(config) = Cli::parse_from(arguments).command else {
        panic!("serve");
    };
    let media = Arc::new(Media::without_workers(&config.media));
    Page::new(Arc::new(App::new(*config, media)))
}

/// A client: what it asks, and what it is told.
struct Client(Session);

impl Client {
    /// One that has said hello.
    async fn online(page: &Page, name: &str) -> Self {
        let mut client = Self(Session::new(page.clone(), HERE));
        let hello = json!({ "version": 1, "name": name });
        client.ok("hello", hello).await;
        client
    }

    /// Asks, and returns the response.
    async fn ask(&mut self, request: &str, data: Value) -> Value {
        let mut frame = json!({ "id": 7, "type": request });
        if !data.is_null() {
            frame["data"] = data;
        }
        let frames = self.0.request(&frame.to_string()).await.unwrap();
        let response: Value = serde_json::from_str(&frames[0]).unwrap();
        assert_eq!(response["id"], 7);
        response
    }

    async fn ok(&mut self, request: &str, data: Value) -> Value {
        let response = self.ask(request, data).await;
        assert!(response.get("ok").is_some(), "{request}: {response}");
        response["ok"].clone()
    }

    async fn refused(&mut self, request: &str, data: Value) -> String {
        let response = self.ask(request, data).await;
        response["error"]["code"].as_str().unwrap().to_owned()
    }

    /// All frames that were sent to the client since the last time.
    async fn frames(&mut self) -> Vec<Utf8Bytes> {
        let happening = self.next().await;
        self.0.happened(happening).await.unwrap()
    }

    /// What others do next.
    async fn next(&mut self) -> Happening {
        match self.0.next().await {
            Woken::Happening(happening) => happening,
            Woken::Claimed(_) => panic!("nobody comes back here"),
        }
    }

    /// Everything that has been told since the last time.
    async fn told(&mut self) -> Vec<Value> {
        let frames = self.frames().await;
        frames
            .iter()
            .map(|frame| serde_json::from_str(frame).unwrap())
            .collect()
    }
}

#[tokio::test]
async fn a_room_from_hello_to_its_end() {
    let page = page(&[]);
    let mut ann = Client::online(&page, "Ann").await;
    let mut bob = Client::online(&page, "Bob").await;
    let room = json!({ "name": "Soup", "kind": "meeting", "listed": true, "started": true });
    let created = ann.ok("create-room", room).await;
    let id = &created["room"];
    let joined = ann
        .ok("join", json!({ "room": id, "secret": created["secret"] }))
        .await;
    assert_eq!(joined["participants"][0]["owner"], true);
    assert_eq!(joined["room"]["state"], "in-call");

    let joined = bob.ok("join", json!({ "room": id })).await;
    assert_eq!(joined["participants"].as_array().unwrap().len(), 2);
    let told = ann.told().await;
    assert_eq!(told[0]["event"], "participant-joined");
    assert_eq!(told[0]["data"]["name"], "Bob");

    bob.ok("chat", json!({ "text": "<b>hi</b>" })).await;
    let told = ann.told().await;
    assert_eq!(told[0]["data"]["text"], "<b>hi</b>");
    assert_eq!(bob.refused("end-room", Value::Null).await, "not-owner");
    ann.ok("end-room", Value::Null).await;
    let told = bob.told().await;
    assert_eq!(told.last().unwrap()["event"], "room-ended");
    assert_eq!(
        bob.refused("join", json!({ "room": id })).await,
        "room-ended"
    );
}

#[tokio::test]
async fn one_who_vanishes_is_missed() {
    let page = page(&[]);
    let mut ann = Client::online(&page, "Ann").await;
    let mut bob = Client::online(&page, "Bob").await;
    let open = json!({ "name": "x", "kind": "meeting", "started": true });
    let joined = ann.ok("join", json!({ "room": "x", "open": open })).await;
    assert!(joined["secret"].is_string());
    let you = bob.ok("join", json!({ "room": "x" })).await["participants"][1]["id"].clone();
    ann.told().await;
    drop(bob);
    let told = ann.told().await;
    assert_eq!(
        told[0],
        json!({ "event": "participant-left", "data": { "participant": you } })
    );
}

#[tokio::test]
async fn people_ring_each_other() {
    let page = page(&[]);
    let mut ann = Client::online(&page, "Ann").await;
    let mut bob = Client::online(&page, "Bob").await;
    ann.ok("watch-lobby", json!({ "watch": true })).await;
    let lobby = ann.told().await;
    assert_eq!(lobby[0]["data"]["people"][1]["name"], "Bob");
    let id = lobby[0]["data"]["people"][1]["id"].clone();
    let ring = ann.ok("ring", json!({ "person": id })).await["ring"].clone();
    assert_eq!(bob.told().await[0]["data"]["from"]["name"], "Ann");
    bob.ok("answer-ring", json!({ "ring": ring, "accept": true }))
        .await;
    let accepted = ann.told().await;
    assert_eq!(accepted[0]["event"], "ring-accepted");
    let told = bob.told().await;
    let room = &told[0]["data"]["room"];
    let (anns, bobs) = (&accepted[0]["data"]["secret"], &told[0]["data"]["secret"]);
    let joined = ann
        .ok("join", json!({ "room": room, "secret": anns }))
        .await;
    assert_eq!(joined["participants"][0]["owner"], true);
    let joined = bob
        .ok("join", json!({ "room": room, "secret": bobs }))
        .await;
    assert_eq!(joined["participants"][1]["owner"], false);
    let mut cid = Client::online(&page, "Cid").await;
    let third = json!({ "room": room });
    assert_eq!(cid.refused("join", third).await, "not-invited");
}

#[tokio::test]
async fn one_at_the_door_learns_what_the_room_is() {
    let page = page(&[]);
    let mut ann = Client::online(&page, "Ann").await;
    let room = json!({ "name": "Talk", "kind": "presentation", "started": true });
    let created = ann.ok("create-room", room).await;
    let mut bob = Client(Session::new(page.clone(), HERE));
    let described = bob
        .ok("describe-room", json!({ "room": created["room"] }))
        .await;
    assert_eq!(described["name"], "Talk");
    assert_eq!(described["kind"], "presentation");
    assert_eq!(described["people"], 0);
    assert!(described.get("secret").is_none());
    let unknown = bob.ask("describe-room", json!({ "room": "x" })).await;
    assert_eq!(unknown["error"]["code"], "no-such-room");
    assert_eq!(unknown["error"]["message"], "There is no such room.");
}

#[tokio::test]
async fn rooms_for_two_are_made_by_ringing_alone() {
    let page = page(&[]);
    let mut ann = Client::online(&page, "Ann").await;
    let open = json!({ "name": "x", "kind": "direct", "started": true });
    let join = json!({ "room": "x", "open": open });
    assert_eq!(ann.refused("join", join).await, "bad-request");
    assert_eq!(ann.refused("create-room", open).await, "bad-request");
}

#[tokio::test]
async fn what_is_no_request_is_refused() {
    let page = page(&[]);
    let mut session = Session::new(page.clone(), HERE);
    for frame in ["", "hello", "[]", "{}", "{\"id\":-1}", "{\"id\":\"x\"}"] {
        assert_eq!(
            session.request(frame).await,
            Err(Closing::Protocol),
            "{frame}"
        );
    }
    let mut client = Client(session);
    assert_eq!(
        client.refused("chat", json!({ "text": "x" })).await,
        "hello-first"
    );
    assert_eq!(client.refused("nonsense", Value::Null).await, "bad-request");
    assert_eq!(
        client.refused("hello", json!({ "version": 1 })).await,
        "bad-request"
    );
    let old = json!({ "version": 0, "name": "Ann" });
    assert_eq!(client.refused("hello", old).await, "wrong-version");
    let more = json!({ "version": 1, "name": "Ann", "admin": true });
    assert_eq!(client.refused("hello", more).await, "bad-request");
    for frame in [
        json!({ "id": 7, "type": "chat", "data": { "text": "x", "extra": 1 } }),
        json!({ "id": 7, "type": "leave", "data": { "extra": 1 } }),
        json!({ "id": 7, "type": "chat", "data": { "text": "x" }, "extra": 1 }),
    ] {
        let frames = client.0.request(&frame.to_string()).await.unwrap();
        let response: Value = serde_json::from_str(&frames[0]).unwrap();
        assert_eq!(response["error"]["code"], "bad-request", "{frame}");
    }
    client
        .ok("hello", json!({ "version": 1, "name": "Ann" }))
        .await;
    let again = json!({ "version": 1, "name": "Ann" });
    assert_eq!(client.refused("hello", again).await, "hello-twice");
    assert_eq!(
        client.refused("join", json!({ "room": "../x" })).await,
        "bad-room-id"
    );
    assert_eq!(
        client.refused("chat", json!({ "text": "x" })).await,
        "not-in-room"
    );
    assert_eq!(
        client.refused("ring", json!({ "person": "nobody" })).await,
        "no-such-person"
    );
}

#[tokio::test]
async fn whoever_looks_after_a_room_locks_it_and_removes_people() {
    let page = page(&[]);
    let mut ann = Client::online(&page, "Ann").await;
    let mut bob = Client::online(&page, "Bob").await;
    let open = json!({ "name": "x", "kind": "meeting", "started": true });
    ann.ok("join", json!({ "room": "x", "open": open })).await;
    let joined = bob.ok("join", json!({ "room": "x" })).await;
    assert_eq!(joined["participants"][0]["host"], true);
    let you = &joined["participants"][1]["id"];
    let lock = json!({ "locked": true });
    assert_eq!(bob.refused("lock-room", lock.clone()).await, "not-owner");
    ann.ok("lock-room", lock).await;
    let told = bob.told().await;
    assert_eq!(told[0]["event"], "room-changed");
    assert_eq!(told[0]["data"]["locked"], true);
    ann.ok("remove", json!({ "participant": you })).await;
    let told = bob.told().await;
    assert_eq!(told[0]["event"], "removed");
    assert_eq!(told[0]["data"]["reason"], "removed");
    assert_eq!(told[0]["data"]["by"], joined["participants"][0]["id"]);
    assert_eq!(
        bob.refused("join", json!({ "room": "x" })).await,
        "room-locked"
    );
}

#[tokio::test]
async fn people_tell_of_themselves_and_applications_of_what_they_like() {
    let page = page(&[]);
    let mut ann = Client::online(&page, "Ann").await;
    let mut bob = Client::online(&page, "Bob").await;
    let open = json!({ "name": "x", "kind": "meeting", "started": true });
    ann.ok("join", json!({ "room": "x", "open": open })).await;
    bob.ok("join", json!({ "room": "x" })).await;
    ann.ok("room-metadata", json!({ "metadata": "soup" })).await;
    let attributes = json!({ "hand": "raised" });
    ann.ok(
        "profile",
        json!({ "name": "Anna", "attributes": attributes }),
    )
    .await;
    ann.ok("data", json!({ "topic": "t", "text": "hello" }))
        .await;
    let told = bob.told().await;
    assert_eq!(told[0]["data"]["metadata"], "soup");
    assert_eq!(told[1]["event"], "participant-changed");
    assert_eq!(told[1]["data"]["name"], "Anna");
    assert_eq!(told[1]["data"]["attributes"], attributes);
    assert_eq!(told[2]["event"], "data");
    assert_eq!(told[2]["data"]["text"], "hello");
    let nobody = json!({ "topic": "t", "text": "x", "to": ["nobody"] });
    assert_eq!(ann.refused("data", nobody).await, "no-such-person");
    let none = json!({ "track": "x", "paused": true });
    assert_eq!(ann.refused("prefer", none).await, "no-such-track");
}

#[tokio::test]
async fn a_lobby_is_written_once_for_all_who_watch_it() {
    let page = page(&[]);
    let mut ann = Client::online(&page, "Ann").await;
    let mut bob = Client::online(&page, "Bob").await;
    for client in [&mut ann, &mut bob] {
        client.ok("watch-lobby", json!({ "watch": true })).await;
        client.told().await;
    }
    page.app.hall.tick();
    let (anns, bobs) = (ann.frames().await, bob.frames().await);
    assert_eq!(anns[0].as_ptr(), bobs[0].as_ptr());
}

#[tokio::test]
async fn media_needs_a_room_a_worker_and_sdp() {
    let page = page(&[]);
    let mut ann = Client::online(&page, "Ann").await;
    let offer = include_str!("../../../sdp/testdata/chromium-publish.sdp");
    let receive = include_str!("../../../sdp/testdata/chromium-receive.sdp");
    let publish = json!({ "sdp": offer, "tracks": [] });
    assert_eq!(ann.refused("publish", publish.clone()).await, "not-in-room");
    let bad = json!({ "sdp": "v=1" });
    assert_eq!(ann.refused("publish", bad.clone()).await, "not-in-room");
    assert_eq!(ann.refused("receive", bad).await, "not-in-room");
    assert_eq!(
        ann.refused("receive", json!({ "sdp": receive })).await,
        "not-in-room"
    );
    let open = json!({ "name": "x", "kind": "meeting", "started": true });
    ann.ok("join", json!({ "room": "x", "open": open })).await;
    assert_eq!(ann.refused("publish", publish).await, "no-worker");
    assert_eq!(
        ann.refused("publish", json!({ "sdp": "v=1" })).await,
        "bad-sdp"
    );
    assert_eq!(
        ann.refused("receive", json!({ "sdp": receive })).await,
        "no-worker"
    );
    assert_eq!(
        ann.refused("answer", json!({ "offer": 1, "sdp": "" }))
            .await,
        "no-connection"
    );
    assert_eq!(
        ann.refused("restart-ice", Value::Null).await,
        "no-connection"
    );
    let candidate = json!({ "connection": "publish", "candidate": "candidate:x" });
    assert_eq!(ann.refused("candidate", candidate).await, "bad-sdp");
}

#[tokio::test]
async fn one_who_does_not_read_is_disconnected() {
    let page = page(&[]);
    let mut ann = Client::online(&page, "Ann").await;
    let mut bob = Client::online(&page, "Bob").await;
    let open = json!({ "name": "x", "kind": "meeting", "started": true });
    ann.ok("join", json!({ "room": "x", "open": open })).await;
    bob.ok("join", json!({ "room": "x" })).await;
    for _ in 0..1100 {
        ann.ok("chat", json!({ "text": "x" })).await;
        while let Ok(Happening::Event(_)) =
            tokio::time::timeout(std::time::Duration::ZERO, ann.next()).await
        {}
    }
    let mut heard = 0;
    let ended = loop {
        match bob.next().await {
            Happening::Event(_) => heard += 1,
            other => break other,
        }
    };
    assert_eq!(heard, 1024);
    assert_eq!(bob.0.happened(ended).await, Err(Closing::TooSlow));
}

#[tokio::test]
async fn limits_of_the_configuration_hold() {
    let page = page(&[
        "--max-name-length=5",
        "--max-chat-length=3",
        "--max-people=1",
    ]);
    let mut ann = Client(Session::new(page.clone(), HERE));
    let long = json!({ "version": 1, "name": "Annabel" });
    assert_eq!(ann.refused("hello", long).await, "bad-name");
    ann.ok("hello", json!({ "version": 1, "name": "Ann" }))
        .await;
    let mut bob = Client(Session::new(page.clone(), HERE));
    let hello = json!({ "version": 1, "name": "Bob" });
    assert_eq!(bob.refused("hello", hello.clone()).await, "too-many-people");
    drop(ann);
    bob.ok("hello", hello).await;
    let open = json!({ "name": "x", "kind": "meeting", "started": true });
    bob.ok("join", json!({ "room": "x", "open": open })).await;
    assert_eq!(
        bob.refused("chat", json!({ "text": "four" })).await,
        "bad-chat"
    );
}

/// A server with one key, and a token of this key for what the flags say.
fn guarded() -> Page {
    page(&[KEYS])
}

fn token(flags: &[&str]) -> String {
    let arguments = ["tureen", "token", KEYS].iter().chain(flags);
    let Command::Token(args) = Cli::parse_from(arguments).command else {
        panic!("token");
    };
    args.text().unwrap()
}

const KEYS: &str = "--keys=key:a-secret-of-thirty-two-characters";

#[tokio::test]
async fn a_server_with_keys_lets_nobody_in_without_a_token() {
    let page = guarded();
    let mut ann = Client(Session::new(page.clone(), HERE));
    let hello = |token: &str| json!({ "version": 1, "name": "Ann", "token": token });
    let plain = json!({ "version": 1, "name": "Ann" });
    assert_eq!(ann.refused("hello", plain).await, "token-missing");
    assert_eq!(ann.refused("hello", hello("x.y.z")).await, "bad-token");
    let room = json!({ "room": "soup" });
    assert_eq!(
        ann.refused("describe-room", room.clone()).await,
        "token-missing"
    );
    assert_eq!(ann.refused("join", room).await, "token-missing");
    let other = [
        "tureen",
        "token",
        "--keys=key:another-secret-of-32-characters!",
    ];
    let Command::Token(args) = Cli::parse_from(other).command else {
        panic!("token");
    };
    let foreign = args.text().unwrap();
    assert_eq!(ann.refused("hello", hello(&foreign)).await, "bad-token");
    assert_eq!(page.app.hall.counts().people, 0);
    ann.ok("hello", hello(&token(&["--identity=ann"]))).await;
}

#[tokio::test]
async fn a_token_opens_its_own_room_and_allows_what_it_says() {
    let page = guarded();
    let flags = ["--identity=ann", "--room=soup", "--no-publish", "--no-data"];
    let shown = token(&flags);
    let mut ann = Client(Session::new(page.clone(), HERE).with_token(Some(shown)));
    assert_eq!(
        ann.refused("describe-room", json!({ "room": "soup" }))
            .await,
        "no-such-room"
    );
    assert_eq!(
        ann.refused("describe-room", json!({ "room": "salad" }))
            .await,
        "not-allowed"
    );
    ann.ok("hello", json!({ "version": 1, "name": "Ann" }))
        .await;
    let open = json!({ "name": "x", "kind": "meeting", "started": true });
    for (request, data) in [
        ("watch-lobby", json!({ "watch": true })),
        ("create-room", open.clone()),
        ("join", json!({ "room": "salad", "open": open })),
        ("ring", json!({ "person": "p1" })),
        ("chat", json!({ "text": "hi" })),
    ] {
        assert_eq!(ann.refused(request, data).await, "not-allowed", "{request}");
    }
    let joined = ann
        .ok("join", json!({ "room": "soup", "open": open }))
        .await;
    assert_eq!(joined["participants"][0]["viewer"], true);
}

#[tokio::test]
async fn a_name_in_the_token_is_the_name() {
    let page = guarded();
    let flags = ["--identity=ann", "--name=Ann of the token", "--list"];
    let mut ann = Client(Session::new(page.clone(), HERE).with_token(Some(token(&flags))));
    ann.ok("hello", json!({ "version": 1, "name": "Bob" }))
        .await;
    ann.ok("watch-lobby", json!({ "watch": true })).await;
    let told = ann.told().await;
    assert!(
        told.iter()
            .any(|event| event.to_string().contains("Ann of the token"))
    );
    assert!(!told.iter().any(|event| event.to_string().contains("Bob")));
}

#[tokio::test]
async fn who_one_is_does_not_change_with_a_second_token() {
    let page = guarded();
    let admin = token(&["--identity=eve", "--room=hers", "--admin"]);
    let guest = token(&["--identity=eve", "--room=theirs"]);
    let mut eve = Client(Session::new(page.clone(), HERE));
    let hello = |token: &str| json!({ "version": 1, "name": "Eve", "token": token });
    let describe = |token: &str| json!({ "room": "theirs", "token": token });
    // At the door nobody is anybody yet.
    assert_eq!(
        eve.refused("describe-room", describe(&guest)).await,
        "no-such-room"
    );
    eve.ok("hello", hello(&admin)).await;
    assert_eq!(
        eve.refused("describe-room", describe(&guest)).await,
        "token-twice"
    );
    assert_eq!(eve.refused("hello", hello(&guest)).await, "token-twice");
    let open = json!({ "name": "x", "kind": "meeting", "started": true });
    let join = |room: &str| json!({ "room": room, "open": open });
    assert_eq!(eve.refused("join", join("theirs")).await, "not-allowed");
    let joined = eve.ok("join", join("hers")).await;
    assert_eq!(joined["participants"][0]["host"], true);
}

#[tokio::test]
async fn on_a_server_with_keys_a_guest_who_comes_first_owns_nothing() {
    let page = guarded();
    let mut clients = Vec::new();
    for flags in [
        &["--identity=bob", "--room=soup"][..],
        &["--identity=ann", "--room=soup", "--admin"],
        &["--identity=cid", "--room=salad", "--create"],
    ] {
        let session = Session::new(page.clone(), HERE).with_token(Some(token(flags)));
        let mut client = Client(session);
        let hello = json!({ "version": 1, "name": "x" });
        client.ok("hello", hello).await;
        clients.push(client);
    }
    let [bob, ann, cid] = &mut clients[..] else {
        panic!("three");
    };
    // What only an owner could make use of is not done: a call that waits, a presentation.
    let open = json!({ "name": "x", "kind": "presentation", "metadata": "x" });
    let join = json!({ "room": "soup", "open": open, "secret": "of a room before" });
    let joined = bob.ok("join", join).await;
    assert!(joined.get("secret").is_none(), "{joined}");
    let bobs = &joined["participants"][0];
    assert_eq!(
        (&bobs["owner"], &bobs["host"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(bobs["presence"], "in-call");
    assert_eq!(joined["room"]["state"], "in-call");
    assert_eq!(joined["room"]["kind"], "meeting");
    assert_eq!(joined["room"]["metadata"], "");
    for (request, data) in [
        ("lock-room", json!({ "locked": true })),
        ("end-room", Value::Null),
        ("ring-room", Value::Null),
    ] {
        assert_eq!(bob.refused(request, data).await, "not-owner", "{request}");
    }
    // A host does what is the owner's elsewhere.
    ann.ok("join", json!({ "room": "soup" })).await;
    ann.ok("lock-room", json!({ "locked": true })).await;
    ann.ok("ring-room", Value::Null).await;
    ann.ok("end-room", Value::Null).await;
    assert_eq!(bob.told().await.last().unwrap()["event"], "room-ended");

    let open = json!({ "name": "x", "kind": "presentation" });
    let joined = cid
        .ok("join", json!({ "room": "salad", "open": open }))
        .await;
    assert!(joined["secret"].is_string());
    assert_eq!(joined["participants"][0]["owner"], true);
    assert_eq!(joined["room"]["kind"], "presentation");
}

#[tokio::test]
async fn whoever_came_before_the_first_key_needs_no_token() {
    let page = page(&[]);
    let mut ann = Client::online(&page, "Ann").await;
    let room = json!({ "name": "Soup", "kind": "meeting", "listed": true, "started": true });
    ann.ok("join", json!({ "room": "soup", "open": room }))
        .await;
    page.app.set_http((*guarded().app.http()).clone());
    ann.ok("chat", json!({ "text": "still here" })).await;
    ann.ok("leave", Value::Null).await;
    let mut bob = Client(Session::new(page.clone(), HERE));
    let hello = json!({ "version": 1, "name": "Bob" });
    assert_eq!(bob.refused("hello", hello).await, "token-missing");
}

#[tokio::test]
async fn a_token_of_one_room_makes_and_lists_no_others() {
    let page = guarded();
    let flags = ["--identity=ann", "--room=soup", "--create", "--list"];
    let mut ann = Client(Session::new(page.clone(), HERE).with_token(Some(token(&flags))));
    ann.ok("hello", json!({ "version": 1, "name": "Ann" }))
        .await;
    let room = json!({ "name": "x", "kind": "meeting" });
    for (request, data) in [
        ("watch-lobby", json!({ "watch": true })),
        ("create-room", room),
    ] {
        assert_eq!(ann.refused(request, data).await, "not-allowed", "{request}");
    }
}

#[tokio::test]
async fn one_whose_answers_cannot_be_read_is_sent_away() {
    let page = page(&[]);
    let mut ann = Client::online(&page, "Ann").await;
    ann.0.receiving = Some(Receiving::with(Offerer::at_the_last_try()));
    let answer = json!({ "offer": 1, "sdp": "v=1" });
    let frame = json!({ "id": 7, "type": "answer", "data": answer });
    let closing = ann.0.request(&frame.to_string()).await.unwrap_err();
    assert_eq!(closing, Closing::BadAnswers);
    assert!(closing.frame().contains("bad-answers"));
}
