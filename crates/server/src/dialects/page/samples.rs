//! Messages of the server as samples: for a test of who reads them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::VERSION;
use super::messages::{
    ErrorBody, HelloReply, JoinedReply, MidTrack, Notice, Participant, Presence, PublishedReply,
    RefusedTrack, Reply, Response, Room, RoomKind, RoomState, Track, TrackKind,
};

/// The frame of an event of this name.
pub(crate) fn event(name: &str) -> Value {
    let text = |text: &str| text.to_owned();
    let notice = match name {
        "participant-joined" => Notice::ParticipantJoined(participant()),
        "participant-left" => Notice::ParticipantLeft {
            participant: text("p1"),
        },
        "presence" => Notice::Presence {
            participant: text("p1"),
            presence: Presence::InCall,
        },
        "call-ringing" => Notice::CallRinging {
            by: Some(text("p1")),
        },
        "room-ended" => Notice::RoomEnded {},
        "track-published" => Notice::TrackPublished(track()),
        "track-closed" => Notice::TrackClosed { track: text("t1") },
        "offer" => Notice::Offer {
            offer: 1,
            sdp: text("v=0"),
            tracks: vec![mid_track()],
        },
        "track-refused" => Notice::TrackRefused {
            track: text("t1"),
            reason: "no-codec",
        },
        "media-lost" => Notice::MediaLost {},
        "closing" => Notice::Closing {
            reason: "server-ends",
        },
        _ => panic!("no sample of {name}"),
    };
    json!(notice)
}

/// The frame that answers this request.
pub(crate) fn answer(request: &str) -> Value {
    let text = |text: &str| text.to_owned();
    let ok = match request {
        "hello" => Reply::Hello(HelloReply {
            version: VERSION,
            you: text("p1"),
            max_name_length: 64,
            max_chat_length: 2000,
            resume: text("p1.secret"),
            resume_timeout: 30,
            ice_servers: Vec::new(),
        }),
        "join" => Reply::Joined(Box::new(JoinedReply {
            room: room(),
            participants: vec![participant()],
            tracks: vec![track()],
            stage: None,
            chat: Vec::new(),
            secret: Some(text("secret")),
        })),
        "publish" => Reply::Published(PublishedReply {
            sdp: text("v=0"),
            tracks: vec![mid_track()],
            refused: vec![RefusedTrack {
                mid: text("1"),
                error: refusal(),
            }],
        }),
        _ => Reply::Done {},
    };
    json!(Response::Ok { id: 1, ok })
}

/// The frame that refuses a request.
pub(crate) fn refused() -> Value {
    json!(Response::Error {
        id: 1,
        error: refusal(),
    })
}

/// What a participant may be doing, each as it is written.
pub(crate) fn presences() -> [Value; 3] {
    [Presence::Waiting, Presence::InCall, Presence::Declined].map(|one| json!(one))
}

fn refusal() -> ErrorBody {
    ErrorBody {
        code: "not-allowed",
        message: "Your token does not allow this.".to_owned(),
    }
}

fn room() -> Room {
    Room {
        id: "room".to_owned(),
        name: "room".to_owned(),
        kind: RoomKind::Meeting,
        listed: false,
        encrypted: false,
        locked: false,
        recorded: false,
        state: RoomState::InCall,
        metadata: String::new(),
    }
}

fn participant() -> Participant {
    Participant {
        id: "p1".to_owned(),
        identity: "ann".to_owned(),
        name: "Ann".to_owned(),
        metadata: String::new(),
        attributes: BTreeMap::new(),
        viewer: false,
        owner: true,
        host: true,
        presence: Presence::InCall,
        joined: 1,
    }
}

fn track() -> Track {
    Track {
        id: "t1".to_owned(),
        participant: "p1".to_owned(),
        group: "g1".to_owned(),
        kind: TrackKind::Audio,
        source: "microphone".to_owned(),
        label: String::new(),
        muted: false,
    }
}

fn mid_track() -> MidTrack {
    MidTrack {
        mid: "0".to_owned(),
        track: "t1".to_owned(),
    }
}
