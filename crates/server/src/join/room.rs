//! What the bot knows about its room.

use std::collections::BTreeMap;

use super::messages::{Joined, Participant, Presence, Track};
use super::signaling::plain;

/// Who is in the room and what they publish, as far as the bot has heard.
#[derive(Debug)]
pub(super) struct Room {
    me: String,
    presence: Presence,
    /// Names of the others.
    people: BTreeMap<String, String>,
    tracks: BTreeMap<String, Published>,
}

#[derive(Debug)]
struct Published {
    by: String,
    source: String,
}

impl Room {
    pub(super) fn new(me: String, joined: &Joined) -> Self {
        let mut room = Self {
            me,
            presence: Presence::Waiting,
            people: BTreeMap::new(),
            tracks: BTreeMap::new(),
        };
        for participant in &joined.participants {
            room.join(participant);
        }
        for track in &joined.tracks {
            room.publish(track);
        }
        room
    }

    /// Whether the bot is in the call, so that it may publish.
    pub(super) fn is_in_call(&self) -> bool {
        self.presence == Presence::InCall
    }

    pub(super) fn set_presence(&mut self, participant: &str, presence: Presence) {
        if participant == self.me {
            self.presence = presence;
        }
    }

    pub(super) fn join(&mut self, participant: &Participant) {
        self.set_presence(&participant.id, participant.presence);
        if participant.id != self.me {
            let name = plain(&participant.name);
            self.people.insert(participant.id.clone(), name);
        }
    }

    /// The name of the one who leaves.
    pub(super) fn leave(&mut self, participant: &str) -> Option<String> {
        self.people.remove(participant)
    }

    pub(super) fn publish(&mut self, track: &Track) {
        let published = Published {
            by: track.participant.clone(),
            source: plain(&track.source),
        };
        self.tracks.insert(track.id.clone(), published);
    }

    pub(super) fn unpublish(&mut self, track: &str) {
        self.tracks.remove(track);
    }

    /// A track for people: whose it is and what it shows.
    pub(super) fn track_name(&self, track: &str) -> String {
        let Some(published) = self.tracks.get(track) else {
            return "unknown track".to_owned();
        };
        let name = self.people.get(&published.by);
        let name = name.map_or("someone", String::as_str);
        format!("{name}, {}", published.source)
    }

    /// A sentence on who else is here.
    pub(super) fn others(&self) -> String {
        let names: Vec<&str> = self.people.values().map(String::as_str).collect();
        match names.as_slice() {
            [] => "Nobody else is here.".to_owned(),
            [name] => format!("Here besides the bot: {name}."),
            names if names.len() <= MOST_NAMES => {
                format!("Here besides the bot: {}.", names.join(", "))
            }
            names => format!("Here besides the bot: {} people.", names.len()),
        }
    }
}

/// More are only counted.
const MOST_NAMES: usize = 8;
