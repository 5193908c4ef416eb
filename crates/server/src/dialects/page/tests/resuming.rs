//! Clients whose connection is lost, and who come back.

use std::time::Duration;

use super::*;
use crate::dialects::page::outgoing::MAX_BYTES;

/// A client that can come back.
struct Traveller {
    client: Client,
    you: Value,
    secret: Value,
}

impl Traveller {
    async fn online(page: &Page, name: &str) -> Self {
        let mut client = Client(Session::new(page.clone(), HERE));
        let hello = json!({ "version": 1, "name": name });
        let welcome = client.ok("hello", hello).await;
        Self {
            client,
            you: welcome["you"].clone(),
            secret: welcome["resume"].clone(),
        }
    }

    /// Comes into the room of all tests.
    async fn in_room(page: &Page, name: &str) -> Self {
        let mut traveller = Self::online(page, name).await;
        let open = json!({ "name": "x", "kind": "meeting", "started": true });
        let join = json!({ "room": "x", "open": open, "moves": true });
        traveller.client.ok("join", join).await;
        traveller
    }

    /// The connection is lost.
    fn lose(self) -> (Value, Value) {
        self.client.0.linger();
        (self.you, self.secret)
    }
}

/// Comes back over a new connection. Returns its client with the answer and what follows it.
async fn resume(page: &Page, secret: &Value, received: u64) -> (Client, Vec<Value>) {
    let mut session = Session::new(page.clone(), HERE);
    let data = json!({ "secret": secret, "received": received });
    let frame = json!({ "id": 99, "type": "resume", "data": data });
    let frames = session.request(&frame.to_string()).await.unwrap();
    let frames = frames
        .iter()
        .map(|frame| serde_json::from_str(frame).unwrap());
    (Client(session), frames.collect())
}

/// Gives others the time to do what they have to do.
async fn until(what: impl Fn() -> bool) {
    let wait = async {
        while !what() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait)
        .await
        .unwrap();
}

fn refusal(frames: &[Value]) -> &str {
    frames[0]["error"]["code"].as_str().unwrap()
}

#[tokio::test]
async fn one_who_comes_back_has_missed_nothing_and_was_not_missed() {
    let page = page(&[]);
    let mut ann = Traveller::in_room(&page, "Ann").await;
    let bob = Traveller::in_room(&page, "Bob").await;
    ann.client.told().await;
    let (bobs, secret) = bob.lose();
    for text in ["one", "two"] {
        ann.client.ok("chat", json!({ "text": text })).await;
    }
    ann.client.ok("lock-room", json!({ "locked": true })).await;
    // One frame has come to him: the answer to join.
    let (mut bob, frames) = resume(&page, &secret, 1).await;
    assert_eq!(frames[0]["id"], 99);
    assert_eq!(frames[0]["ok"]["lastRequest"], 7);
    assert_ne!(frames[0]["ok"]["resume"], secret);
    let texts: Vec<_> = frames[1..]
        .iter()
        .map(|frame| &frame["data"]["text"])
        .collect();
    assert_eq!(texts[..2], ["one", "two"]);
    assert_eq!(frames[3]["data"]["locked"], true);
    let told = ann.client.told().await;
    assert!(!told.iter().any(|one| one["event"] == "participant-left"));
    // He is who he was.
    bob.ok("chat", json!({ "text": "here" })).await;
    let told = ann.client.told().await;
    assert_eq!(told[0]["data"]["from"], bobs);
    assert_eq!(page.app.hall.counts().people, 2);
}

#[tokio::test]
async fn answers_that_were_lost_come_again_and_no_request_is_done_twice() {
    let page = page(&[]);
    let mut ann = Traveller::in_room(&page, "Ann").await;
    // The server does it, and the answer never arrives. The event for herself follows.
    ann.client.ok("chat", json!({ "text": "once" })).await;
    ann.client.told().await;
    let (_, secret) = ann.lose();
    let (mut ann, frames) = resume(&page, &secret, 1).await;
    assert_eq!(frames[0]["ok"]["lastRequest"], 7);
    assert_eq!(frames[1], json!({ "id": 7, "ok": {} }));
    assert_eq!(frames[2]["data"]["text"], "once");
    assert_eq!(frames.len(), 3);
    // What a browser has got is not kept for ever.
    assert_eq!(ann.0.sent(), Some(3));
    ann.0.acknowledge(3);
    ann.0.acknowledge(3);
    let secret = frames[0]["ok"]["resume"].clone();
    ann.0.linger();
    let (_, frames) = resume(&page, &secret, 2).await;
    assert_eq!(refusal(&frames), "cannot-resume");
    until(|| page.app.hall.counts().people == 0).await;
}

#[tokio::test]
async fn a_secret_is_for_one_time() {
    let page = page(&[]);
    let (_, secret) = Traveller::in_room(&page, "Ann").await.lose();
    let (mut ann, frames) = resume(&page, &secret, 1).await;
    let next = frames[0]["ok"]["resume"].clone();
    ann.0.acknowledge(1);
    ann.0.acknowledge(1);
    let twice = json!({ "secret": next, "received": 1 });
    assert_eq!(ann.refused("resume", twice).await, "hello-twice");
    ann.0.linger();
    for wrong in [&secret, &json!(""), &json!("p1.x")] {
        let (_, frames) = resume(&page, wrong, 1).await;
        assert_eq!(refusal(&frames), "cannot-resume");
    }
    let (_, frames) = resume(&page, &next, 1).await;
    assert!(frames[0]["ok"].is_object());
    let (_, frames) = resume(&page, &frames[0]["ok"]["resume"], 2).await;
    assert_eq!(refusal(&frames), "cannot-resume", "so many never came");
}

#[tokio::test]
async fn one_who_does_not_come_back_is_missed() {
    let page = page(&["--resume-timeout=1"]);
    let mut ann = Traveller::in_room(&page, "Ann").await;
    let (bob, secret) = Traveller::in_room(&page, "Bob").await.lose();
    assert_eq!(ann.client.told().await[0]["event"], "participant-joined");
    let told = ann.client.told().await;
    assert_eq!(told[0]["event"], "participant-left");
    assert_eq!(told[0]["data"]["participant"], bob);
    let (_, frames) = resume(&page, &secret, 1).await;
    assert_eq!(refusal(&frames), "cannot-resume");
}

#[tokio::test]
async fn nobody_lingers_who_is_in_no_room_or_where_that_is_switched_off() {
    for (flags, in_room) in [(vec![], false), (vec!["--resume-timeout=0"], true)] {
        let page = page(&flags);
        let ann = match in_room {
            true => Traveller::in_room(&page, "Ann").await,
            false => Traveller::online(&page, "Ann").await,
        };
        let (_, secret) = ann.lose();
        assert_eq!(page.app.hall.counts().people, 0);
        let (_, frames) = resume(&page, &secret, 0).await;
        assert_eq!(refusal(&frames), "cannot-resume");
    }
}

#[tokio::test]
async fn one_who_misses_too_much_comes_anew() {
    let page = page(&[]);
    let mut ann = Traveller::in_room(&page, "Ann").await;
    let (_, secret) = Traveller::in_room(&page, "Bob").await.lose();
    let text = "x".repeat(64_000);
    for _ in 0..=MAX_BYTES / text.len() {
        let data = json!({ "topic": "t", "text": text });
        ann.client.ok("data", data).await;
    }
    until(|| page.app.hall.counts().people == 1).await;
    let told = ann.client.told().await;
    assert_eq!(told.last().unwrap()["event"], "participant-left");
    let (_, frames) = resume(&page, &secret, 1).await;
    assert_eq!(refusal(&frames), "cannot-resume");
}

#[tokio::test]
async fn what_others_do_to_one_who_is_away_is_done() {
    let page = page(&[]);
    let mut ann = Traveller::in_room(&page, "Ann").await;
    let (bobs, bob) = Traveller::in_room(&page, "Bob").await.lose();
    let (_, cid) = Traveller::in_room(&page, "Cid").await.lose();
    let remove = json!({ "participant": bobs });
    ann.client.ok("remove", remove).await;
    ann.client.ok("end-room", Value::Null).await;
    let (mut bob, frames) = resume(&page, &bob, 1).await;
    let events: Vec<_> = frames[1..].iter().map(|frame| &frame["event"]).collect();
    assert_eq!(events, ["participant-joined", "removed"]);
    assert_eq!(
        bob.refused("chat", json!({ "text": "x" })).await,
        "not-in-room"
    );
    let (_, frames) = resume(&page, &cid, 1).await;
    assert_eq!(frames.last().unwrap()["event"], "room-ended");
}

#[tokio::test]
async fn a_session_goes_from_a_dead_connection_to_the_next() {
    let page = page(&[]);
    let mut ann = Traveller::in_room(&page, "Ann").await;
    let bob = Traveller::in_room(&page, "Bob").await;
    let (secret, mut dead) = (bob.secret.clone(), bob.client.0);
    // Nobody has noticed that it is dead, and what it sends goes nowhere.
    let serving = tokio::spawn(async move {
        loop {
            match dead.next().await {
                Woken::Claimed(claim) => return claim.hand_over(dead).is_ok(),
                Woken::Happening(happening) => {
                    dead.happened(happening).await.unwrap();
                }
            }
        }
    });
    ann.client.ok("chat", json!({ "text": "anybody?" })).await;
    let (mut bob, frames) = resume(&page, &secret, 1).await;
    assert!(serving.await.unwrap());
    assert_eq!(frames[1]["data"]["text"], "anybody?");
    bob.ok("chat", json!({ "text": "yes" })).await;
    let told = ann.client.told().await;
    assert!(!told.iter().any(|one| one["event"] == "participant-left"));
}

#[tokio::test]
async fn one_who_is_moved_while_away_comes_back_into_the_other_room() {
    let page = page(&[]);
    let mut ann = Traveller::in_room(&page, "Ann").await;
    let bob = Traveller::in_room(&page, "Bob").await;
    let mut cid = Client::online(&page, "Cid").await;
    let open = json!({ "name": "y", "kind": "meeting", "started": true });
    let opened = cid.ok("join", json!({ "room": "y", "open": open })).await;
    let (bobs, secret) = bob.lose();
    ann.client.told().await;
    ann.client.ok("chat", json!({ "text": "of x" })).await;
    let request = json!({ "participant": bobs, "room": "y", "secret": opened["secret"] });
    ann.client.ok("move", request).await;
    assert_eq!(cid.told().await[0]["data"]["id"], bobs);
    cid.ok("chat", json!({ "text": "of y" })).await;
    let (mut back, frames) = resume(&page, &secret, 1).await;
    let events: Vec<_> = frames[1..].iter().map(|one| &one["event"]).collect();
    assert_eq!(events, ["chat", "moved", "chat"]);
    assert_eq!(frames[2]["data"]["room"]["id"], "y");
    back.ok("chat", json!({ "text": "back" })).await;
    assert_eq!(cid.told().await.last().unwrap()["data"]["text"], "back");
    // The same holds if the connection is lost before he hears of it.
    let dan = Traveller::in_room(&page, "Dan").await;
    let other = json!({ "participant": dan.you, "room": "y", "secret": opened["secret"] });
    ann.client.ok("move", other).await;
    let (_, secret) = dan.lose();
    let (_, frames) = resume(&page, &secret, 1).await;
    assert_eq!(frames.last().unwrap()["event"], "moved");
}
