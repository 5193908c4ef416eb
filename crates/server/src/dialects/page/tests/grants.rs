//! Clients that ask for more than their token allows.

use super::*;

/// One who has come online with a token for what the flags say.
async fn bearer(page: &Page, flags: &[&str]) -> Client {
    let mut client = Client(Session::new(page.clone(), HERE).with_token(Some(token(flags))));
    let attributes = json!({ "team": "hostile" });
    let hello = json!({ "version": 1, "name": "Me", "metadata": "mine", "attributes": attributes });
    client.ok("hello", hello).await;
    client
}

/// The answer of the room of all tests.
async fn join(client: &mut Client) -> Value {
    let open = json!({ "name": "x", "kind": "meeting", "started": true });
    client
        .ok("join", json!({ "room": "x", "open": open }))
        .await
}

#[tokio::test]
async fn nobody_hears_of_one_who_is_hidden() {
    let page = guarded();
    let mut ann = bearer(&page, &["--identity=ann", "--list"]).await;
    ann.ok("watch-lobby", json!({ "watch": true })).await;
    join(&mut ann).await;
    ann.told().await;
    let mut eve = bearer(&page, &["--identity=eve", "--hidden", "--create"]).await;
    let joined = join(&mut eve).await;
    assert_eq!(joined["participants"].as_array().unwrap().len(), 2);
    let hers = joined["participants"][1]["id"].clone();
    let offer = include_str!("../../../sdp/testdata/chromium-publish.sdp");
    for (request, data) in [
        ("chat", json!({ "text": "x" })),
        ("publish", json!({ "sdp": offer, "tracks": [] })),
        ("ring", json!({ "person": joined["participants"][0]["id"] })),
    ] {
        assert_eq!(
            eve.refused(request, data).await,
            "not-permitted",
            "{request}"
        );
    }
    // As an agent's, her data is welcome, and it comes from nobody.
    eve.ok("data", json!({ "topic": "t", "text": "hello" }))
        .await;
    page.app.hall.tick();
    let told = ann.told().await;
    let data = json!({ "topic": "t", "text": "hello" });
    assert_eq!(told[0], json!({ "event": "data", "data": data }));
    assert_eq!(told[1]["data"]["people"].as_array().unwrap().len(), 1);
    let id = hers.as_str().unwrap();
    assert!(told.iter().all(|one| !one.to_string().contains(id)));
    ann.ok("leave", Value::Null).await;
    let ring = json!({ "person": hers });
    assert_eq!(ann.refused("ring", ring).await, "not-allowed");
}

/// Whoever is told of what a hidden administrator does is not told of an id that leads to nobody.
#[tokio::test]
async fn what_a_hidden_administrator_does_is_done_by_nobody() {
    let app = guarded();
    let mut ann = bearer(&app, &["--identity=ann"]).await;
    let mut bob = bearer(&app, &["--identity=bob"]).await;
    join(&mut ann).await;
    let bobs = join(&mut bob).await["participants"][1]["id"].clone();
    let mut eve = bearer(&app, &["--identity=eve", "--hidden", "--admin"]).await;
    join(&mut eve).await;
    eve.ok("stage", json!({ "track": null })).await;
    eve.ok("remove", json!({ "participant": bobs })).await;
    let told = ann.told().await;
    let stage = told.iter().find(|one| one["event"] == "stage").unwrap();
    assert_eq!(stage["data"], json!({ "track": null }));
    let told = bob.told().await;
    let removed = told.last().unwrap();
    assert_eq!(removed["event"], "removed");
    assert_eq!(removed["data"], json!({ "reason": "removed" }));
    // Of one who is seen it is said.
    let mut dan = bearer(&app, &["--identity=dan", "--admin"]).await;
    let dans = join(&mut dan).await["participants"][1]["id"].clone();
    dan.ok("stage", json!({ "track": null })).await;
    assert_eq!(ann.told().await.last().unwrap()["data"]["by"], dans);
}

#[tokio::test]
async fn who_one_is_to_others_is_what_the_token_says() {
    let page = guarded();
    let flags = [
        "--identity=ann",
        "--name=Ann",
        "--metadata=m",
        "--attribute=team=red",
    ];
    let mut ann = bearer(&page, &flags).await;
    let joined = join(&mut ann).await;
    let me = &joined["participants"][0];
    assert_eq!(
        (&me["name"], &me["metadata"], &me["attributes"]),
        (&json!("Ann"), &json!("m"), &json!({ "team": "red" }))
    );
    for (change, field) in [
        (json!({ "name": "Bob" }), "name"),
        (json!({ "metadata": "x" }), "metadata"),
        (json!({ "attributes": { "team": "" } }), "attributes"),
    ] {
        let refused = ann.ask("profile", change).await["error"].clone();
        assert_eq!(refused["code"], "not-permitted");
        assert!(refused["message"].as_str().unwrap().contains(field));
    }
    let mut bob = bearer(&page, &["--identity=bob", "--update-metadata"]).await;
    join(&mut bob).await;
    let change = json!({ "name": "Bobby", "attributes": { "hand": "raised" } });
    bob.ok("profile", change).await;
    let told = ann.told().await;
    let last = &told.last().unwrap()["data"];
    assert_eq!(last["name"], "Bobby");
    assert_eq!(last["attributes"]["hand"], "raised");
}

#[tokio::test]
async fn making_and_entering_a_room_are_two_rights() {
    let page = guarded();
    let room = json!({ "name": "x", "kind": "meeting", "started": true });
    let mut ann = bearer(&page, &["--identity=ann", "--room=x"]).await;
    assert_eq!(
        ann.refused("create-room", room.clone()).await,
        "not-allowed"
    );
    join(&mut ann).await;
    // A token without an identity is a server's, which makes rooms and enters none.
    let mut server = bearer(&page, &["--create"]).await;
    let made = server.ok("create-room", room).await;
    let enter = json!({ "room": made["room"], "secret": made["secret"] });
    assert_eq!(server.refused("join", enter).await, "not-allowed");
}

#[tokio::test]
async fn one_who_may_not_write_sends_nothing() {
    let page = guarded();
    let mut ann = bearer(&page, &["--identity=ann"]).await;
    let mut bob = bearer(&page, &["--identity=bob", "--no-data"]).await;
    join(&mut ann).await;
    join(&mut bob).await;
    for (request, data) in [
        ("chat", json!({ "text": "x" })),
        ("data", json!({ "topic": "t", "text": "x" })),
    ] {
        assert_eq!(bob.refused(request, data).await, "not-allowed", "{request}");
    }
    let told = ann.told().await;
    assert_eq!(told.len(), 1, "he came in, and that is all: {told:?}");
}

#[tokio::test]
async fn a_recorder_does_not_listen_in_secret() {
    let page = guarded();
    let mut ann = bearer(&page, &["--identity=ann"]).await;
    assert_eq!(join(&mut ann).await["room"]["recorded"], false);
    let flags = ["--identity=tape", "--hidden", "--recorder"];
    let mut tape = bearer(&page, &flags).await;
    assert_eq!(join(&mut tape).await["room"]["recorded"], true);
    let told = ann.told().await;
    assert_eq!(told[0]["event"], "room-changed");
    assert_eq!(told[0]["data"]["recorded"], true);
    drop(tape);
    assert_eq!(ann.told().await[0]["data"]["recorded"], false);
}
