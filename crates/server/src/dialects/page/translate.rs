//! What rooms say, in the words of the dialect.

use super::messages as wire;
use crate::rooms::{
    ChatMessage, Event, Joined, LobbySnapshot, NewRoom, ParticipantInfo, PersonId, PersonSummary,
    Presence, RoomInfo, RoomKind, RoomState, RoomSummary, Track, TrackKind, TrackSource,
};

/// What a client hears of an event; nothing of those that only the media side acts on.
pub(super) fn notice(event: Event) -> Option<wire::Notice> {
    use wire::Notice;

    Some(match event {
        Event::Lobby(snapshot) => lobby(snapshot),
        Event::Ring { ring, from } => Notice::Ring {
            ring: ring.0,
            from: from.into(),
        },
        Event::RingAccepted { ring, room, secret } => Notice::RingAccepted {
            ring: ring.0,
            room: room.to_string(),
            secret: secret.reveal().to_owned(),
        },
        Event::RingDeclined { ring } => Notice::RingDeclined { ring: ring.0 },
        Event::RingCancelled { ring } => Notice::RingCancelled { ring: ring.0 },
        Event::ParticipantJoined(info) => Notice::ParticipantJoined(info.into()),
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
        Event::CallRinging { by } => Notice::CallRinging { by: by.to_string() },
        Event::CallStarted => Notice::CallStarted {},
        Event::RoomEnded => Notice::RoomEnded {},
        Event::TrackPublished(track) => Notice::TrackPublished(track.into()),
        Event::TrackClosed(track) => Notice::TrackClosed { track: track.0 },
        Event::TrackMuted { track, muted } => Notice::TrackMuted {
            track: track.0,
            muted,
        },
        Event::Stage { track, by } => Notice::Stage {
            track: track.map(|track| track.0),
            by: by.to_string(),
        },
        Event::Chat(message) => Notice::Chat(message.into()),
        Event::Subscribed(_) | Event::Unsubscribed(_) => return None,
    })
}

/// A person's id as clients write it.
pub(super) fn person_id(text: &str) -> Option<PersonId> {
    text.strip_prefix('p')?.parse().ok().map(PersonId)
}

fn lobby(snapshot: LobbySnapshot) -> wire::Notice {
    wire::Notice::Lobby {
        rooms: snapshot.rooms.into_iter().map(Into::into).collect(),
        people: snapshot.people.into_iter().map(Into::into).collect(),
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

impl From<PersonSummary> for wire::Person {
    fn from(person: PersonSummary) -> Self {
        Self {
            id: person.id.to_string(),
            name: person.name,
            busy: person.busy,
        }
    }
}

impl From<ParticipantInfo> for wire::Participant {
    fn from(info: ParticipantInfo) -> Self {
        Self {
            id: info.id.to_string(),
            name: info.name,
            viewer: info.viewer,
            owner: info.owner,
            presence: info.presence.into(),
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
            source: match track.source {
                TrackSource::Camera => wire::TrackSource::Camera,
                TrackSource::Microphone => wire::TrackSource::Microphone,
                TrackSource::Screen => wire::TrackSource::Screen,
                TrackSource::ScreenAudio => wire::TrackSource::ScreenAudio,
            },
            label: track.label,
            muted: track.muted,
        }
    }
}

impl From<wire::TrackSource> for TrackSource {
    fn from(source: wire::TrackSource) -> Self {
        match source {
            wire::TrackSource::Camera => Self::Camera,
            wire::TrackSource::Microphone => Self::Microphone,
            wire::TrackSource::Screen => Self::Screen,
            wire::TrackSource::ScreenAudio => Self::ScreenAudio,
        }
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
