//! Limits on people, rooms, names and chat.

use std::time::Duration;

use super::RoomError;

/// How much of everything there may be; see the keys of the configuration.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// Rooms at once.
    pub rooms: usize,
    /// People online at once.
    pub people: usize,
    /// People in one room.
    pub room_people: usize,
    /// Tracks that one participant publishes.
    pub tracks: usize,
    /// Characters of a person's or a room's name.
    pub name_length: usize,
    /// Characters of a chat message.
    pub chat_length: usize,
    /// How long a room without people is kept.
    pub empty_room: Duration,
    /// How long one person rings another.
    pub ring: Duration,
}

impl Limits {
    /// A name as it may be shown: without spaces around it, with nothing invisible in it.
    pub(super) fn name(&self, text: &str) -> Result<String, RoomError> {
        let name = text.trim();
        let length = name.chars().count();
        if length == 0 || length > self.name_length || name.chars().any(is_deceptive) {
            return Err(RoomError::BadName {
                max: self.name_length,
            });
        }
        Ok(name.to_owned())
    }

    pub(super) fn chat(&self, text: &str) -> Result<String, RoomError> {
        let text = text.trim();
        let length = text.chars().count();
        let is_plain = text
            .chars()
            .all(|character| character == '\n' || !is_deceptive(character));
        if length == 0 || length > self.chat_length || !is_plain {
            return Err(RoomError::BadChat {
                max: self.chat_length,
            });
        }
        Ok(text.to_owned())
    }
}

/// Control characters, and those that turn the direction of the text around them.
fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
