//! Limits on people, rooms, names and chat.

use std::time::Duration;

use super::{Attributes, RoomError, UnixTime};

/// How much of everything there may be; see the keys of the configuration.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// Rooms at once.
    pub rooms: usize,
    /// People online at once.
    pub people: usize,
    /// Rooms at once that people of one network have made.
    pub network_rooms: usize,
    /// People online at once from one network.
    pub network_people: usize,
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
    /// Checks a name and takes spaces off its ends. It must show something, and it must not
    /// deceive.
    pub(super) fn name(&self, text: &str) -> Result<String, RoomError> {
        let name = text.trim();
        let length = name.chars().count();
        let is_visible = name
            .chars()
            .any(|one| !one.is_whitespace() && !is_blank(one));
        if !is_visible || length > self.name_length || name.chars().any(is_deceptive) {
            return Err(RoomError::BadName {
                max: self.name_length,
            });
        }
        Ok(name.to_owned())
    }

    /// A chat message, with `\n` alone at the ends of lines. Marks of direction are part of Arabic
    /// and Hebrew text, so a client must isolate a message when it shows it.
    pub(super) fn chat(&self, text: &str) -> Result<String, RoomError> {
        let text = text.trim().replace("\r\n", "\n").replace('\r', "\n");
        let length = text.chars().count();
        if length == 0 {
            return Err(RoomError::EmptyChat);
        }
        if length > self.chat_length {
            return Err(RoomError::LongChat {
                max: self.chat_length,
            });
        }
        let is_control = |one: char| one.is_control() && !matches!(one, '\n' | '\t');
        if text.chars().any(is_control) {
            return Err(RoomError::ControlInChat);
        }
        Ok(text)
    }
}

/// How often something may be done: so often at once, and then once in each interval.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Allowance {
    /// When all that was used will be there again.
    full_at: UnixTime,
}

impl Allowance {
    /// Uses it once, if it may be used.
    pub(super) fn take(&mut self, now: UnixTime, burst: u64, interval: Duration) -> bool {
        let interval = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX);
        let full_at = self.full_at.0.max(now.0).saturating_add(interval);
        let may = full_at - now.0 <= interval.saturating_mul(burst);
        if may {
            self.full_at = UnixTime(full_at);
        }
        may
    }
}

/// Checks the size of a text that the server does not read.
pub(super) fn metadata(text: &str) -> Result<(), RoomError> {
    size("metadata", text.len(), MAX_METADATA)
}

/// Checks the number of attributes and the size of them all.
pub(super) fn attributes(attributes: &Attributes) -> Result<(), RoomError> {
    size("attributes", attributes.len(), MAX_ATTRIBUTES)?;
    let bytes = attributes
        .iter()
        .map(|(key, value)| key.len() + value.len());
    size("bytes of attributes", bytes.sum(), MAX_METADATA)
}

pub(super) fn size(what: &'static str, is: usize, max: usize) -> Result<(), RoomError> {
    if is > max {
        return Err(RoomError::TooLarge { what, max });
    }
    Ok(())
}

/// Control characters, and characters that change the direction of the text around them. A name is
/// shown amid other text.
fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Invisible characters. Some are needed between others (joiners in Persian and in emoji), but
/// alone they are no name.
fn is_blank(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
    )
}

/// The maximum size in bytes of the metadata of a person or a room, and of all attributes of a
/// person.
const MAX_METADATA: usize = 16 * 1024;
const MAX_ATTRIBUTES: usize = 64;
