//! Ids of people, rooms and tracks, and the secret of an owner.

use std::fmt;

use uuid::Uuid;

use super::RoomError;

/// One person online, that is, one connection. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PersonId(pub u64);

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{}", self.0)
    }
}

/// One person ringing another. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RingId(pub u64);

/// A room, as it stands in links: 1 to 64 ASCII letters, digits, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RoomId(String);

impl RoomId {
    /// Reads an id from outside.
    ///
    /// # Errors
    ///
    /// [`RoomError::BadRoomId`]
    pub(crate) fn parse(text: &str) -> Result<Self, RoomError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if text.is_empty() || text.len() > 64 || !text.bytes().all(is_plain) {
            return Err(RoomError::BadRoomId);
        }
        Ok(Self(text.to_owned()))
    }

    /// An id that nobody can guess and that can be read out: `kmx-vuqe-ofa`.
    pub(crate) fn random() -> Self {
        let mut bits = Uuid::new_v4().as_u128();
        let mut text = String::new();
        for index in 0..10 {
            if index == 3 || index == 7 {
                text.push('-');
            }
            // The low bits of a version 4 UUID are all random.
            let letter = (bits % 26) as u8;
            bits /= 26;
            text.push(char::from(b'a' + letter));
        }
        Self(text)
    }
}

impl fmt::Display for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A published track.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TrackId(pub String);

impl fmt::Display for TrackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What proves that someone owns a room: 122 random bits, shown to the creator once.
#[derive(Clone)]
pub(crate) struct OwnerSecret(String);

impl OwnerSecret {
    /// A new one.
    pub(crate) fn random() -> Self {
        Self(Uuid::new_v4().simple().to_string())
    }

    /// The text, for the one who is to keep it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether `text` is the secret, in a time that does not tell how much of it is right.
    pub(crate) fn is(&self, text: &str) -> bool {
        let differences = self
            .0
            .bytes()
            .zip(text.bytes())
            .fold(0, |differences, (ours, theirs)| {
                differences | (ours ^ theirs)
            });
        self.0.len() == text.len() && differences == 0
    }
}

impl fmt::Debug for OwnerSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnerSecret(…)")
    }
}
