//! The frames of the dialect. Renaming something here changes it for every client. Raise
//! [`VERSION`] if an old page would not understand it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The version of the dialect, which a client names in `hello`.
pub(crate) const VERSION: u32 = 1;

/// What a client asks.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    tag = "type",
    content = "data",
    rename_all = "kebab-case",
    deny_unknown_fields
)]
pub(super) enum Request {
    Hello(Hello),
    Resume(Resume),
    Ping,
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
        ring: String,
    },
    AnswerRing {
        ring: String,
        accept: bool,
    },
    LockRoom {
        locked: bool,
    },
    RoomMetadata {
        metadata: String,
    },
    Remove {
        participant: String,
    },
    Move {
        participant: String,
        room: String,
        /// Of that room's owner.
        #[serde(default)]
        secret: Option<String>,
    },
    Profile(ProfileChange),
    Chat {
        text: String,
    },
    Data(SendData),
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
    Prefer(Prefer),
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
    #[serde(default)]
    pub(super) metadata: String,
    #[serde(default)]
    pub(super) attributes: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Resume {
    /// The last one that the client was given.
    pub(super) secret: String,
    /// How many frames have come since the answer to `hello`.
    pub(super) received: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ProfileChange {
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) metadata: Option<String>,
    /// An empty text deletes one.
    #[serde(default)]
    pub(super) attributes: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SendData {
    pub(super) topic: String,
    pub(super) text: String,
    /// Nobody means everybody else.
    #[serde(default)]
    pub(super) to: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Prefer {
    pub(super) track: String,
    #[serde(default)]
    pub(super) paused: bool,
    /// Without: as good as it comes.
    #[serde(default)]
    pub(super) quality: Option<Quality>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Quality {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) rate: u32,
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
    #[serde(default)]
    pub(super) metadata: String,
}

/// The kinds of rooms that a request can make. Rooms for two are made by ringing.
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
    /// Whether the client goes over into another room when it is `moved`.
    #[serde(default)]
    pub(super) moves: bool,
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
    pub(super) source: String,
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
    Resumed(ResumedReply),
    Described(LobbyRoom),
    Created { room: String, secret: String },
    Joined(Box<JoinedReply>),
    Ringing { ring: String },
    Published(PublishedReply),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HelloReply {
    pub(super) version: u32,
    pub(super) you: String,
    pub(super) max_name_length: usize,
    pub(super) max_chat_length: usize,
    /// The secret to come back with.
    pub(super) resume: String,
    /// For how many seconds one may come back.
    pub(super) resume_timeout: u64,
    /// STUN and TURN servers, as `RTCPeerConnection` takes them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) ice_servers: Vec<IceServer>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResumedReply {
    /// The secret for the next time.
    pub(super) resume: String,
    /// The last request that was carried out; the client sends later ones again.
    pub(super) last_request: Option<u64>,
}

#[derive(Debug, Serialize)]
pub(super) struct IceServer {
    pub(super) urls: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) credential: Option<String>,
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

/// Another room, as one finds it who was moved there.
#[derive(Debug, Serialize)]
pub(super) struct Moved {
    /// Who did it, unless they are hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) by: Option<String>,
    #[serde(flatten)]
    pub(super) joined: JoinedReply,
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
        ring: String,
        from: Person,
    },
    RingAccepted {
        ring: String,
        room: String,
        secret: String,
    },
    RingDeclined {
        ring: String,
    },
    RingCancelled {
        ring: String,
    },
    ParticipantJoined(Participant),
    ParticipantChanged(Participant),
    ParticipantLeft {
        participant: String,
    },
    Presence {
        participant: String,
        presence: Presence,
    },
    CallRinging {
        /// The owner, unless hidden.
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    CallStarted {},
    RoomChanged(Room),
    RoomEnded {},
    Removed {
        reason: &'static str,
        /// Who did it, if another did who is not hidden.
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    Moved(Box<Moved>),
    TrackPublished(Track),
    TrackClosed {
        track: String,
    },
    TrackMuted {
        track: String,
        muted: bool,
        /// Who did it, unless they are hidden.
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    TrackWanted {
        track: String,
        paused: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        quality: Option<Quality>,
    },
    Stage {
        track: Option<String>,
        /// Who did it, unless they are hidden.
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    Chat(Chat),
    Data {
        /// Who sent it, unless they are hidden.
        #[serde(skip_serializing_if = "Option::is_none")]
        from: Option<String>,
        topic: String,
        text: String,
    },
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
    pub(super) locked: bool,
    /// Whether somebody records it.
    pub(super) recorded: bool,
    pub(super) state: RoomState,
    pub(super) metadata: String,
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
    pub(super) identity: String,
    pub(super) name: String,
    pub(super) metadata: String,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) viewer: bool,
    pub(super) owner: bool,
    /// Whether they are a host of the room: they may mute and remove people and lock it.
    pub(super) host: bool,
    pub(super) presence: Presence,
    /// When they came, in milliseconds since 1970.
    pub(super) joined: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct Track {
    pub(super) id: String,
    pub(super) participant: String,
    /// Tracks of one participant with the same group belong together.
    pub(super) group: String,
    pub(super) kind: TrackKind,
    pub(super) source: String,
    pub(super) label: String,
    pub(super) muted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum TrackKind {
    Audio,
    Video,
}

#[derive(Debug, Serialize)]
pub(super) struct Chat {
    pub(super) from: String,
    pub(super) name: String,
    pub(super) text: String,
    pub(super) time: u64,
}
