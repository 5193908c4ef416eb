//! What rooms say, in the words of the dialect.

use std::sync::Arc;

use super::messages as wire;
use crate::rooms::{
    ChatMessage, Demand, Event, Joined, LobbySnapshot, NewRoom, ParticipantInfo, PersonSummary,
    Preferences, Presence, ProfileChange, Quality, Removal, RoomInfo, RoomKind, RoomState,
    RoomSummary, Track, TrackId, TrackKind, TrackSource,
};

/// What a client hears of an event. Some events are for the media side alone, and a client hears
/// nothing of them.
pub(super) fn notice(event: Event) -> Option<wire::Notice> {
    use wire::Notice;

    Some(match event {
        Event::Lobby(snapshot) => Notice::from(&*snapshot),
        Event::Ring { ring, from } => Notice::Ring {
            ring: ring.to_string(),
            from: (&from).into(),
        },
        Event::RingAccepted { ring, room, secret } => Notice::RingAccepted {
            ring: ring.to_string(),
            room: room.to_string(),
            secret: secret.reveal().to_owned(),
        },
        Event::RingDeclined { ring } => Notice::RingDeclined {
            ring: ring.to_string(),
        },
        Event::RingCancelled { ring } => Notice::RingCancelled {
            ring: ring.to_string(),
        },
        Event::ParticipantJoined(info) => {
            Notice::ParticipantJoined(Arc::unwrap_or_clone(info).into())
        }
        Event::ParticipantChanged(info) => {
            Notice::ParticipantChanged(Arc::unwrap_or_clone(info).into())
        }
        Event::ParticipantLeft(person) => Notice::ParticipantLeft {
            participant: person.to_string(),
        },
        Event::PresenceChanged {
            participant,
            presence,
        } => Notice::Presence {
            participant: participant.to_string(),
            presence: presence.into(),
        },
        Event::CallRinging { by } => Notice::CallRinging {
            by: by.map(|by| by.to_string()),
        },
        Event::CallStarted => Notice::CallStarted {},
        Event::RoomChanged(info) => Notice::RoomChanged(Arc::unwrap_or_clone(info).into()),
        Event::RoomEnded => Notice::RoomEnded {},
        Event::Removed(Removal::By(by)) => Notice::Removed {
            reason: "removed",
            by: by.map(|by| by.to_string()),
        },
        Event::Removed(Removal::SameIdentity) => Notice::Removed {
            reason: "same-identity",
            by: None,
        },
        Event::Moved(moved) => Notice::Moved(Box::new(wire::Moved {
            by: moved.by.map(|by| by.to_string()),
            joined: moved.joined.into(),
        })),
        Event::TrackPublished(_)
        | Event::TrackClosed(_)
        | Event::TrackMuted { .. }
        | Event::TrackWanted { .. }
        | Event::Stage { .. } => return about_track(event),
        Event::Chat(message) => Notice::Chat(Arc::unwrap_or_clone(message).into()),
        Event::Data(data) => Notice::Data {
            from: data.from.map(|from| from.to_string()),
            // This dialect carries text. Data that is no text belongs to other dialects.
            text: String::from_utf8(data.payload.to_vec()).ok()?,
            topic: data.topic,
        },
        Event::Subscribed(_) | Event::Unsubscribed(_) => return None,
    })
}

impl wire::IceServer {
    /// A server at this URI, with the username and credential that TURN wants.
    pub(super) fn new(urls: String, login: Option<(String, String)>) -> Self {
        let (username, credential) = login.unzip();
        Self {
            urls,
            username,
            credential,
        }
    }
}

fn about_track(event: Event) -> Option<wire::Notice> {
    use wire::Notice;

    Some(match event {
        Event::TrackPublished(track) => Notice::TrackPublished(track.into()),
        Event::TrackClosed(track) => Notice::TrackClosed { track: track.0 },
        Event::TrackMuted { track, muted, by } => Notice::TrackMuted {
            track: track.0,
            muted,
            by: by.map(|by| by.to_string()),
        },
        Event::TrackWanted { track, demand } => Notice::TrackWanted {
            track: track.0,
            paused: demand == Demand::Nothing,
            quality: match demand {
                Demand::UpTo(quality) => Some(quality.into()),
                Demand::Nothing | Demand::Best => None,
            },
        },
        Event::Stage { track, by } => Notice::Stage {
            track: track.map(|track| track.0),
            by: by.map(|by| by.to_string()),
        },
        _ => return None,
    })
}

impl From<&LobbySnapshot> for wire::Notice {
    fn from(snapshot: &LobbySnapshot) -> Self {
        Self::Lobby {
            rooms: snapshot.rooms.iter().cloned().map(Into::into).collect(),
            people: snapshot.people.iter().map(Into::into).collect(),
        }
    }
}

impl From<wire::ProfileChange> for ProfileChange {
    fn from(change: wire::ProfileChange) -> Self {
        Self {
            name: change.name,
            metadata: change.metadata,
            attributes: change.attributes,
        }
    }
}

impl From<Quality> for wire::Quality {
    fn from(quality: Quality) -> Self {
        Self {
            width: quality.width,
            height: quality.height,
            rate: quality.rate,
        }
    }
}

impl From<wire::Prefer> for (TrackId, Preferences) {
    fn from(wanted: wire::Prefer) -> Self {
        let preferences = Preferences {
            paused: wanted.paused,
            quality: wanted.quality.map(|quality| Quality {
                width: quality.width,
                height: quality.height,
                rate: quality.rate,
            }),
        };
        (TrackId(wanted.track), preferences)
    }
}

impl From<Joined> for wire::JoinedReply {
    fn from(joined: Joined) -> Self {
        Self {
            room: joined.room.into(),
            participants: joined.participants.into_iter().map(Into::into).collect(),
            tracks: joined.call.tracks.into_iter().map(Into::into).collect(),
            stage: joined.call.stage.map(|track| track.0),
            chat: joined.call.chat.into_iter().map(Into::into).collect(),
            secret: joined.secret.map(|secret| secret.reveal().to_owned()),
        }
    }
}

impl From<wire::CreateRoom> for NewRoom {
    fn from(room: wire::CreateRoom) -> Self {
        Self {
            name: room.name,
            kind: match room.kind {
                wire::NewRoomKind::Meeting => RoomKind::Meeting,
                wire::NewRoomKind::Presentation => RoomKind::Presentation,
            },
            listed: room.listed,
            encrypted: room.encrypted,
            started: room.started,
            metadata: room.metadata,
        }
    }
}

impl From<RoomInfo> for wire::Room {
    fn from(info: RoomInfo) -> Self {
        Self {
            id: info.id.to_string(),
            name: info.name,
            kind: match info.kind {
                RoomKind::Direct => wire::RoomKind::Direct,
                RoomKind::Meeting => wire::RoomKind::Meeting,
                RoomKind::Presentation => wire::RoomKind::Presentation,
            },
            listed: info.listed,
            encrypted: info.encrypted,
            locked: info.locked,
            recorded: info.recorded,
            metadata: info.metadata,
            state: match info.state {
                RoomState::Waiting => wire::RoomState::Waiting,
                RoomState::InCall => wire::RoomState::InCall,
                RoomState::Ended => wire::RoomState::Ended,
            },
        }
    }
}

impl From<RoomSummary> for wire::LobbyRoom {
    fn from(room: RoomSummary) -> Self {
        Self {
            room: room.info.into(),
            people: room.people,
        }
    }
}

impl From<&PersonSummary> for wire::Person {
    fn from(person: &PersonSummary) -> Self {
        Self {
            id: person.id.to_string(),
            name: person.name.clone(),
            busy: person.busy,
        }
    }
}

impl From<ParticipantInfo> for wire::Participant {
    fn from(info: ParticipantInfo) -> Self {
        Self {
            host: info.is_host(),
            id: info.profile.id.to_string(),
            identity: info.profile.identity.as_str().to_owned(),
            name: info.profile.name,
            metadata: info.profile.metadata,
            attributes: info.profile.attributes,
            viewer: info.viewer,
            owner: info.owner,
            presence: info.presence.into(),
            joined: info.joined.0,
        }
    }
}

impl From<Presence> for wire::Presence {
    fn from(presence: Presence) -> Self {
        match presence {
            Presence::Waiting => Self::Waiting,
            Presence::InCall => Self::InCall,
            Presence::Declined => Self::Declined,
        }
    }
}

impl From<Track> for wire::Track {
    fn from(track: Track) -> Self {
        Self {
            id: track.id.0,
            participant: track.owner.to_string(),
            kind: match track.kind {
                TrackKind::Audio => wire::TrackKind::Audio,
                TrackKind::Video => wire::TrackKind::Video,
            },
            source: track.source.to_string(),
            group: track.group,
            label: track.label,
            muted: track.muted,
        }
    }
}

impl wire::PublishedTrack {
    /// The source of a track. Any word of a client is accepted.
    pub(super) fn source(&self) -> TrackSource {
        self.source.parse().unwrap_or_else(|never| match never {})
    }
}

impl From<ChatMessage> for wire::Chat {
    fn from(message: ChatMessage) -> Self {
        Self {
            from: message.from.to_string(),
            name: message.name,
            text: message.text,
            time: message.time,
        }
    }
}
