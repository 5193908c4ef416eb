//! Offers and answers on a server with a worker.

use super::*;
use crate::participant::tests::worker;
use crate::rooms::TrackId;

/// The frames that a request brings, the answer first.
async fn frames(client: &mut Client, request: &str, data: Value) -> Vec<Value> {
    let frame = json!({ "id": 7, "type": request, "data": data });
    let frames = client.0.request(&frame.to_string()).await.unwrap();
    let frames = frames.iter().map(|one| serde_json::from_str(one).unwrap());
    let frames: Vec<Value> = frames.collect();
    assert!(frames[0].get("ok").is_some(), "{}", frames[0]);
    frames
}

/// The answer of a client that takes all of an offer.
fn answer(offer: &str) -> String {
    let answer = offer.replace("a=setup:actpass", "a=setup:active");
    answer.replace("a=sendonly", "a=recvonly")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_track_that_ends_just_now_holds_back_no_other() {
    let Command::Serve(config) = Cli::parse_from(["tureen", "serve"]).command else {
        panic!("serve");
    };
    let app = Arc::new(App::new(*config, Arc::new(worker::media().await)));
    let mut ann = Client::online(&app, "Ann").await;
    let mut bob = Client::online(&app, "Bob").await;
    for client in [&mut ann, &mut bob] {
        let open = json!({ "name": "x", "kind": "meeting", "started": true });
        client
            .ok("join", json!({ "room": "x", "open": open }))
            .await;
    }
    let offer = include_str!("../../../sdp/testdata/chromium-publish.sdp");
    let sources = json!([
        { "mid": "0", "source": "microphone" }, { "mid": "1", "source": "camera" },
    ]);
    bob.ok("publish", json!({ "sdp": offer, "tracks": sources }))
        .await;
    ann.told().await;
    let can = include_str!("../../../sdp/testdata/chromium-receive.sdp");
    let told = frames(&mut ann, "receive", json!({ "sdp": can })).await;
    let offer = told.iter().find(|one| one["event"] == "offer").unwrap();
    let offer = &offer["data"];
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
    let sdp = answer(offer["sdp"].as_str().unwrap());
    let data = json!({ "offer": offer["offer"], "sdp": sdp });
    frames(&mut ann, "answer", data).await;
    let participant = ann.0.participant.as_ref().unwrap();
    assert!(participant.flows(stays) && !participant.flows(gone));
}
