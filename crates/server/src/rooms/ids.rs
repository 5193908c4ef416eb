//! Ids of people, rooms and tracks, and the secret of an owner.

use std::fmt;

use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::RoomError;

/// One person online, on whatever host of a group of servers. Never used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PersonId(Uuid);

impl PersonId {
    /// A new one: 122 random bits.
    pub(crate) fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// Reads what `Display` writes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let uuid = Uuid::try_parse(text.strip_prefix('p')?).ok()?;
        Some(Self(uuid))
    }
}

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{}", self.0.simple())
    }
}

impl fmt::Debug for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One person ringing another. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RingId(Uuid);

impl RingId {
    /// A new one: 122 random bits.
    pub(super) fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// Reads what `Display` writes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Uuid::try_parse(text).ok().map(Self)
    }
}

impl fmt::Display for RingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.simple().fmt(f)
    }
}

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

    /// Whether it has this text.
    pub(crate) fn is(&self, text: &str) -> bool {
        self.0 == text
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

/// A secret that proves a right, such as the ownership of a room: 244 random bits, shown once to
/// the one who may use it.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl Secret {
    /// A new one.
    pub(crate) fn random() -> Self {
        let [one, two] = [Uuid::new_v4(), Uuid::new_v4()];
        Self(format!("{}{}", one.simple(), two.simple()))
    }

    /// The text, for the one who is to keep it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether `text` is the secret. The time of the comparison does not show how much of it is
    /// right.
    pub(crate) fn is(&self, text: &str) -> bool {
        self.0.as_bytes().ct_eq(text.as_bytes()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
