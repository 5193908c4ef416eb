//! The client's half of the dialect, as far as a bot needs it: see `SIGNALING.md`. Unknown fields
//! are ignored, because the dialect requires that of clients.
//!
//! These are not the server's own types, on purpose. A bot talks to servers of other versions, so it
//! asks for no field that it does not use, and passes over events that it does not know. The server
//! says all it knows, and refuses what it does not know. A test reads every message of the server
//! here that a bot has a use for.

use serde::Deserialize;
use serde_json::Value;

use super::JoinError;

/// The version of the dialect that is spoken here.
pub(super) const VERSION: u32 = 1;

/// Any message of the server. An answer has an `id`, and an event has an `event`.
#[derive(Debug, Deserialize)]
pub(super) struct Frame {
    pub(super) id: Option<u64>,
    pub(super) ok: Option<Value>,
    pub(super) error: Option<Refusal>,
    pub(super) event: Option<String>,
    #[serde(default)]
    pub(super) data: Value,
}

/// Why a request was refused.
#[derive(Debug, Deserialize)]
pub(super) struct Refusal {
    pub(super) code: String,
    pub(super) message: String,
}

/// The answer to `hello`.
#[derive(Debug, Deserialize)]
pub(super) struct Welcome {
    pub(super) you: String,
}

/// The answer to `join`.
#[derive(Debug, Deserialize)]
pub(super) struct Joined {
    pub(super) room: RoomInfo,
    pub(super) participants: Vec<Participant>,
    pub(super) tracks: Vec<Track>,
    /// There when the room was opened by this request.
    pub(super) secret: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RoomInfo {
    pub(super) name: String,
    pub(super) encrypted: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Participant {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) presence: Presence,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Presence {
    Waiting,
    InCall,
    Declined,
}

#[derive(Debug, Deserialize)]
pub(super) struct Track {
    pub(super) id: String,
    pub(super) participant: String,
    /// `camera`, `microphone`, `screen`, `screen-audio`
    pub(super) source: String,
}

/// The answer to `publish`.
#[derive(Debug, Deserialize)]
pub(super) struct Published {
    pub(super) sdp: String,
    pub(super) refused: Vec<RefusedSection>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RefusedSection {
    pub(super) message: String,
}

/// The answer of requests that have nothing to say.
#[derive(Debug, Deserialize)]
pub(super) struct Done {}

/// What happened.
#[derive(Debug)]
pub(super) enum Event {
    ParticipantJoined(Participant),
    ParticipantLeft(ParticipantLeft),
    Presence(PresenceChange),
    CallRinging,
    RoomEnded,
    TrackPublished(Track),
    TrackClosed(TrackClosed),
    Offer(Offer),
    TrackRefused(TrackRefused),
    MediaLost,
    Closing(Closing),
}

#[derive(Debug, Deserialize)]
pub(super) struct ParticipantLeft {
    pub(super) participant: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct PresenceChange {
    pub(super) participant: String,
    pub(super) presence: Presence,
}

#[derive(Debug, Deserialize)]
pub(super) struct TrackClosed {
    pub(super) track: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Offer {
    pub(super) offer: u32,
    pub(super) sdp: String,
    pub(super) tracks: Vec<MidTrack>,
}

#[derive(Debug, Deserialize)]
pub(super) struct MidTrack {
    pub(super) mid: String,
    pub(super) track: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct TrackRefused {
    pub(super) track: String,
    pub(super) reason: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Closing {
    pub(super) reason: String,
}

impl Event {
    /// Reads an event; `None` for those that a bot has no use for.
    pub(super) fn read(name: &str, data: Value) -> Result<Option<Self>, JoinError> {
        let event = match name {
            "participant-joined" => content(data).map(Self::ParticipantJoined),
            "participant-left" => content(data).map(Self::ParticipantLeft),
            "presence" => content(data).map(Self::Presence),
            "call-ringing" => Ok(Self::CallRinging),
            "room-ended" => Ok(Self::RoomEnded),
            "track-published" => content(data).map(Self::TrackPublished),
            "track-closed" => content(data).map(Self::TrackClosed),
            "offer" => content(data).map(Self::Offer),
            "track-refused" => content(data).map(Self::TrackRefused),
            "media-lost" => Ok(Self::MediaLost),
            "closing" => content(data).map(Self::Closing),
            _ => return Ok(None),
        };
        event.map(Some).map_err(|source| JoinError::Dialect {
            what: "event",
            source,
        })
    }
}

fn content<T: serde::de::DeserializeOwned>(data: Value) -> serde_json::Result<T> {
    serde_json::from_value(data)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::dialects::page::samples;

    #[test]
    fn events_are_read_and_unknown_ones_are_passed_over() {
        let data = json!({ "participant": "p3", "presence": "in-call", "later": 1 });
        match Event::read("presence", data).unwrap() {
            Some(Event::Presence(change)) => assert_eq!(change.presence, Presence::InCall),
            other => panic!("{other:?}"),
        }
        assert!(Event::read("lobby", json!({})).unwrap().is_none());
        let error = Event::read("presence", json!({})).unwrap_err().to_string();
        assert!(error.contains("event") && error.contains("participant"));
    }

    /// The event after this one, so that none is left out.
    fn after(event: Option<&Event>) -> Option<&'static str> {
        Some(match event {
            None => "participant-joined",
            Some(Event::ParticipantJoined(_)) => "participant-left",
            Some(Event::ParticipantLeft(_)) => "presence",
            Some(Event::Presence(_)) => "call-ringing",
            Some(Event::CallRinging) => "room-ended",
            Some(Event::RoomEnded) => "track-published",
            Some(Event::TrackPublished(_)) => "track-closed",
            Some(Event::TrackClosed(_)) => "offer",
            Some(Event::Offer(_)) => "track-refused",
            Some(Event::TrackRefused(_)) => "media-lost",
            Some(Event::MediaLost) => "closing",
            Some(Event::Closing(_)) => return None,
        })
    }

    #[test]
    fn a_bot_reads_every_event_that_it_has_a_use_for_as_the_server_says_it() {
        let mut event = None;
        let mut count = 0;
        while let Some(name) = after(event.as_ref()) {
            let frame: Frame = serde_json::from_value(samples::event(name)).unwrap();
            assert_eq!(frame.event.as_deref(), Some(name));
            event = Event::read(name, frame.data).unwrap();
            assert!(event.is_some(), "{name} is not read");
            count += 1;
        }
        assert_eq!(count, 11);
        for presence in samples::presences() {
            content::<Presence>(presence).unwrap();
        }
    }

    #[test]
    fn a_bot_reads_the_answers_of_the_server() {
        fn answer<T: serde::de::DeserializeOwned>(request: &str) -> T {
            let frame: Frame = serde_json::from_value(samples::answer(request)).unwrap();
            assert!(frame.id == Some(1) && frame.error.is_none());
            content(frame.ok.unwrap()).unwrap()
        }
        assert_eq!(answer::<Welcome>("hello").you, "p1");
        let joined: Joined = answer("join");
        assert_eq!((joined.participants.len(), joined.tracks.len()), (1, 1));
        assert_eq!(joined.secret.as_deref(), Some("secret"));
        let published: Published = answer("publish");
        assert!(published.refused[0].message.contains("token"));
        let Done {} = answer("leave");
        let frame: Frame = serde_json::from_value(samples::refused()).unwrap();
        assert_eq!(frame.error.unwrap().code, "not-allowed");
        let version = &samples::answer("hello")["ok"]["version"];
        assert_eq!(version, VERSION, "a bot speaks what its own server speaks");
    }
}
