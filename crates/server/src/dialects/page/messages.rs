//! The frames of the dialect. Whatever is renamed here is a change for every client: raise
//! [`VERSION`] when an old page would not understand it.

use serde::{Deserialize, Serialize};

/// The version of the dialect, which a client names in `hello`.
pub(crate) const VERSION: u32 = 1;

/// What every frame of a client has, so that even a bad request can be answered.
#[derive(Debug, Deserialize)]
pub(super) struct RequestId {
    /// Chosen by the client; repeated in the response.
    pub(super) id: u64,
}

/// What a client asks.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "kebab-case")]
pub(super) enum Request {
    Hello(Hello),
    WatchLobby {
        watch: bool,
    },
    DescribeRoom {
        room: String,
        /// As that of `hello`, which has not come yet.
        #[serde(default)]
        token: Option<String>,
    },
    CreateRoom(CreateRoom),
    Join(Join),
    Leave,
    StartCall,
    RingRoom,
    AnswerCall {
        accept: bool,
    },
    EndRoom,
    Ring {
        person: String,
    },
    CancelRing {
        ring: u64,
    },
    AnswerRing {
        ring: u64,
        accept: bool,
    },
    Chat {
        text: String,
    },
    Publish(Publish),
    Receive {
        sdp: String,
    },
    Answer {
        offer: u32,
        sdp: String,
    },
    Candidate {
        connection: Connection,
        candidate: String,
    },
    RestartIce,
    Subscribe {
        track: String,
        wanted: bool,
    },
    Mute {
        track: String,
        muted: bool,
    },
    Stage {
        track: Option<String>,
    },
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Hello {
    pub(super) version: u32,
    pub(super) name: String,
    /// What a server with keys wants to see.
    #[serde(default)]
    pub(super) token: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CreateRoom {
    pub(super) name: String,
    pub(super) kind: NewRoomKind,
    #[serde(default)]
    pub(super) listed: bool,
    #[serde(default)]
    pub(super) encrypted: bool,
    #[serde(default)]
    pub(super) started: bool,
}

/// The kinds of rooms that one makes; those for two are made by ringing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum NewRoomKind {
    Meeting,
    Presentation,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Join {
    pub(super) room: String,
    #[serde(default)]
    pub(super) viewer: bool,
    #[serde(default = "yes")]
    pub(super) consumes: bool,
    #[serde(default = "yes")]
    pub(super) enters_call: bool,
    #[serde(default)]
    pub(super) secret: Option<String>,
    #[serde(default)]
    pub(super) open: Option<CreateRoom>,
    /// Over which transport media is to flow.
    #[serde(default)]
    pub(super) force_tcp: bool,
}

fn yes() -> bool {
    true
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Publish {
    pub(super) sdp: String,
    /// What the new media sections show.
    #[serde(default)]
    pub(super) tracks: Vec<PublishedTrack>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PublishedTrack {
    pub(super) mid: String,
    pub(super) source: TrackSource,
    #[serde(default)]
    pub(super) label: String,
    #[serde(default)]
    pub(super) muted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Connection {
    Publish,
    Receive,
}

/// What the server answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Response {
    Ok { id: u64, ok: Reply },
    Error { id: u64, error: ErrorBody },
}

#[derive(Debug, Serialize)]
pub(super) struct ErrorBody {
    pub(super) code: &'static str,
    pub(super) message: String,
}

/// The content of a positive answer, by the request it answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Reply {
    Done {},
    Hello(HelloReply),
    Described(LobbyRoom),
    Created { room: String, secret: String },
    Joined(Box<JoinedReply>),
    Ringing { ring: u64 },
    Published(PublishedReply),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HelloReply {
    pub(super) version: u32,
    pub(super) you: String,
    pub(super) max_name_length: usize,
    pub(super) max_chat_length: usize,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JoinedReply {
    pub(super) room: Room,
    pub(super) participants: Vec<Participant>,
    pub(super) tracks: Vec<Track>,
    pub(super) stage: Option<String>,
    pub(super) chat: Vec<Chat>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) secret: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PublishedReply {
    pub(super) sdp: String,
    /// The tracks that are published now, new ones and old ones.
    pub(super) tracks: Vec<MidTrack>,
    pub(super) refused: Vec<RefusedTrack>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct MidTrack {
    pub(super) mid: String,
    pub(super) track: String,
}

#[derive(Debug, Serialize)]
pub(super) struct RefusedTrack {
    pub(super) mid: String,
    #[serde(flatten)]
    pub(super) error: ErrorBody,
}

/// What the server says unasked.
#[derive(Debug, Serialize)]
#[serde(tag = "event", content = "data", rename_all = "kebab-case")]
pub(super) enum Notice {
    Lobby {
        rooms: Vec<LobbyRoom>,
        people: Vec<Person>,
    },
    Ring {
        ring: u64,
        from: Person,
    },
    RingAccepted {
        ring: u64,
        room: String,
        secret: String,
    },
    RingDeclined {
        ring: u64,
    },
    RingCancelled {
        ring: u64,
    },
    ParticipantJoined(Participant),
    ParticipantLeft {
        participant: String,
    },
    Presence {
        participant: String,
        presence: Presence,
    },
    CallRinging {
        by: String,
    },
    CallStarted {},
    RoomEnded {},
    TrackPublished(Track),
    TrackClosed {
        track: String,
    },
    TrackMuted {
        track: String,
        muted: bool,
    },
    Stage {
        track: Option<String>,
        by: String,
    },
    Chat(Chat),
    Offer {
        offer: u32,
        sdp: String,
        tracks: Vec<MidTrack>,
    },
    TrackRefused {
        track: String,
        reason: &'static str,
    },
    MediaLost {},
    Closing {
        reason: &'static str,
    },
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LobbyRoom {
    #[serde(flatten)]
    pub(super) room: Room,
    pub(super) people: usize,
}

#[derive(Debug, Serialize)]
pub(super) struct Person {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) busy: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct Room {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) kind: RoomKind,
    pub(super) listed: bool,
    pub(super) encrypted: bool,
    pub(super) state: RoomState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RoomKind {
    Direct,
    Meeting,
    Presentation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RoomState {
    Waiting,
    InCall,
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Presence {
    Waiting,
    InCall,
    Declined,
}

#[derive(Debug, Serialize)]
pub(super) struct Participant {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) viewer: bool,
    pub(super) owner: bool,
    pub(super) presence: Presence,
}

#[derive(Debug, Serialize)]
pub(super) struct Track {
    pub(super) id: String,
    pub(super) participant: String,
    pub(super) kind: TrackKind,
    pub(super) source: TrackSource,
    pub(super) label: String,
    pub(super) muted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum TrackKind {
    Audio,
    Video,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum TrackSource {
    Camera,
    Microphone,
    Screen,
    ScreenAudio,
}

#[derive(Debug, Serialize)]
pub(super) struct Chat {
    pub(super) from: String,
    pub(super) name: String,
    pub(super) text: String,
    pub(super) time: u64,
}
