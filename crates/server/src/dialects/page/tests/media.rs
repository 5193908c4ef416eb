//! Offers and answers on a server with a worker.

use super::*;
use crate::participant::tests::worker;
use crate::rooms::TrackId;

const PUBLISH: &str = include_str!("../../../sdp/testdata/chromium-publish.sdp");
const RECEIVE: &str = include_str!("../../../sdp/testdata/chromium-receive.sdp");

/// The frames that a request brings, the answer first.
async fn frames(client: &mut Client, request: &str, data: Value) -> Vec<Value> {
    let frame = json!({ "id": 7, "type": request, "data": data });
    let frames = client.0.request(&frame.to_string()).await.unwrap();
    let frames = frames.iter().map(|one| serde_json::from_str(one).unwrap());
    frames.collect()
}

/// The answer of a client that takes all of an offer.
fn answer(offer: &Value) -> Value {
    let sdp = offer["sdp"].as_str().unwrap();
    let sdp = sdp.replace("a=setup:actpass", "a=setup:active");
    let sdp = sdp.replace("a=sendonly", "a=recvonly");
    json!({ "offer": offer["offer"], "sdp": sdp })
}

fn offer(frames: &[Value]) -> Option<Value> {
    let offer = frames.iter().find(|one| one["event"] == "offer");
    offer.map(|one| one["data"].clone())
}

/// Ann, and Bob who publishes a microphone and a camera; and what he is answered.
async fn call() -> (Client, Client, Value) {
    let Command::Serve(config) = Cli::parse_from(["tureen", "serve"]).command else {
        panic!("serve");
    };
    let app = Arc::new(App::new(*config, Arc::new(worker::media(1).await)));
    let page = Page::new(app);
    let mut ann = Client::online(&page, "Ann").await;
    let mut bob = Client::online(&page, "Bob").await;
    for client in [&mut ann, &mut bob] {
        let open = json!({ "name": "x", "kind": "meeting", "started": true });
        client
            .ok("join", json!({ "room": "x", "open": open }))
            .await;
    }
    let sources = json!([
        { "mid": "0", "source": "microphone" }, { "mid": "1", "source": "camera" },
    ]);
    let published = bob.ok("publish", json!({ "sdp": PUBLISH, "tracks": sources }));
    let published = published.await;
    ann.told().await;
    (ann, bob, published)
}

fn mids(published: &Value) -> Vec<&str> {
    let tracks = published["tracks"].as_array().unwrap().iter();
    tracks.map(|one| one["mid"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_track_that_ends_just_now_holds_back_no_other() {
    let (mut ann, mut bob, _) = call().await;
    let told = frames(&mut ann, "receive", json!({ "sdp": RECEIVE })).await;
    let offer = offer(&told).unwrap();
    let tracks = offer["tracks"].as_array().unwrap().iter();
    let mut tracks: Vec<_> = tracks
        .map(|one| TrackId(one["track"].as_str().unwrap().to_owned()))
        .collect();
    tracks.sort();
    let [gone, stays] = &tracks[..] else {
        panic!("{tracks:?}");
    };
    // Ann's answer is on its way.
    bob.0.participant.as_mut().unwrap().unpublish(gone);
    ann.ok("answer", answer(&offer)).await;
    let participant = ann.0.participant.as_ref().unwrap();
    assert!(participant.flows(stays) && !participant.flows(gone));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_section_closes_its_track_with_and_without_a_mid() {
    let (mut ann, mut bob, published) = call().await;
    assert_eq!(mids(&published), ["0", "1"]);
    // Firefox writes a stopped section without `a=mid`.
    let stopped = PUBLISH
        .replacen("m=audio 9", "m=audio 0", 1)
        .replace("a=mid:0\r\n", "")
        .replace("BUNDLE 0 1", "BUNDLE 1");
    let again = json!({ "sdp": stopped, "tracks": [] });
    let answer = bob.ok("publish", again).await;
    assert_eq!(mids(&answer), ["1"]);
    let told = ann.told().await;
    let closed = told.iter().find(|one| one["event"] == "track-closed");
    assert_eq!(
        closed.unwrap()["data"]["track"],
        published["tracks"][0]["track"]
    );
    // Another section is in the place of the second.
    let recycled = stopped
        .replace("a=mid:1", "a=mid:2")
        .replace("BUNDLE 1", "BUNDLE 2");
    let camera = json!([{ "mid": "2", "source": "camera" }]);
    let again = json!({ "sdp": recycled, "tracks": camera });
    let answer = bob.ok("publish", again).await;
    assert_eq!(mids(&answer), ["2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_of_no_use_is_asked_for_again() {
    let (mut ann, _bob, _) = call().await;
    let told = frames(&mut ann, "receive", json!({ "sdp": RECEIVE })).await;
    let first = offer(&told).unwrap();
    let mut bad = answer(&first);
    let lines = bad["sdp"].as_str().unwrap().split_inclusive("\r\n");
    let lines = lines.map(|line| match line.starts_with("a=fingerprint:") {
        true => "a=fingerprint:sha-256 00:11\r\n",
        false => line,
    });
    bad["sdp"] = lines.collect::<String>().into();
    let told = frames(&mut ann, "answer", bad).await;
    assert_eq!(told[0]["error"]["code"], "bad-sdp", "{}", told[0]);
    let second = offer(&told).expect("it is offered again");
    let told = frames(&mut ann, "answer", answer(&second)).await;
    assert!(told[0].get("ok").is_some(), "{}", told[0]);
    assert_eq!(offer(&told), None);
}
