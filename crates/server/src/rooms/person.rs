//! People: who they are, what they may do, and what others see of them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use super::{PersonId, RoomError, RoomId, TrackKind, TrackSource, UnixTime};

/// Texts by name for others to see, such as `hand` = `raised`.
pub(crate) type Attributes = BTreeMap<String, String>;

/// Who someone is, across connections: 1 to 256 printable characters. Nobody is twice in a room.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Identity(String);

impl Identity {
    /// Of one who has proven none: their id.
    pub(crate) fn of(person: PersonId) -> Self {
        Self(person.to_string())
    }

    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Identity {
    type Err = RoomError;

    /// Reads an identity from outside. Take only a proven one: a person who enters a room with the
    /// identity of another takes the other's place.
    fn from_str(text: &str) -> Result<Self, RoomError> {
        let length = text.chars().count();
        if length == 0 || length > 256 || text.chars().any(char::is_control) {
            return Err(RoomError::BadIdentity);
        }
        Ok(Self(text.to_owned()))
    }
}

/// What a person may do in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Permissions {
    /// Publish tracks of these sources.
    pub publish: Sources,
    /// Receive tracks.
    pub subscribe: bool,
    /// Write to others: chat and data.
    pub data: bool,
    /// Change their own name, metadata and attributes.
    pub profile: bool,
    /// Others do not hear of them.
    pub hidden: bool,
    /// Record the room, which others are told.
    pub recorder: bool,
    /// Be a host like the owner: mute and remove people, lock the room.
    pub admin: bool,
    /// Own a room that they open by entering it.
    pub own: bool,
    /// The one room in which they are a host by `admin`; without it, every room.
    pub admin_of: Option<String>,
    /// The room into which they may bring others as if it were theirs, with `admin`.
    pub destination: Option<String>,
}

impl Permissions {
    /// Of one who comes with nothing but the link.
    pub(crate) const GUEST: Self = Self {
        publish: Sources::All,
        subscribe: true,
        data: true,
        profile: true,
        hidden: false,
        recorder: false,
        admin: false,
        own: true,
        admin_of: None,
        destination: None,
    };

    /// What counts of it in this room. One who is moved into another room than the one that they
    /// administer is a guest there.
    pub(super) fn in_room(&self, room: &RoomId) -> Self {
        let is_here = self.admin_of.as_deref().is_none_or(|one| room.is(one));
        Self {
            admin: self.admin && is_here,
            ..self.clone()
        }
    }

    /// Whether they may bring others into this room without its owner's secret: an administrator
    /// whose token names it. Who owns the room where the others are needs the secret.
    pub(super) fn may_bring_into(&self, room: &RoomId) -> bool {
        self.admin && self.destination.as_deref().is_some_and(|one| room.is(one))
    }

    /// Whether a track of this kind and source may be published. The known sources have a kind:
    /// otherwise one that is allowed would let in what is not.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotPermitted`]
    pub(super) fn may_publish(
        &self,
        kind: TrackKind,
        source: &TrackSource,
    ) -> Result<(), RoomError> {
        if source.kind().is_some_and(|known| known != kind) {
            return Err(RoomError::NotPermitted(match kind {
                TrackKind::Audio => "publish sound as pictures",
                TrackKind::Video => "publish pictures as sound",
            }));
        }
        if self.publish.contains(source) {
            return Ok(());
        }
        Err(RoomError::NotPermitted(match source {
            TrackSource::Microphone => "publish sound",
            TrackSource::Camera => "publish pictures",
            TrackSource::Screen => "share screens",
            TrackSource::ScreenAudio => "share the sound of screens",
            TrackSource::Other(_) => "publish this source",
        }))
    }
}

/// The sources of which a person may publish tracks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sources {
    /// Any.
    All,
    /// Those in the list; an empty one allows nothing.
    Only(Arc<[TrackSource]>),
}

impl Sources {
    fn contains(&self, source: &TrackSource) -> bool {
        match self {
            Self::All => true,
            Self::Only(list) => list.contains(source),
        }
    }
}

/// One who comes online.
#[derive(Clone, Debug)]
pub(crate) struct NewPerson {
    /// What they call themselves.
    pub name: String,
    /// Their proven identity. Without one they get a new one.
    pub identity: Option<Identity>,
    /// Text of their application, which the server does not read.
    pub metadata: String,
    /// What they show to others.
    pub attributes: Attributes,
    /// What they may do in the room they enter.
    pub permissions: Permissions,
    /// Their address, if it means something; none behind a proxy on the same machine.
    pub address: Option<IpAddr>,
}

impl NewPerson {
    /// A guest of this name.
    pub(crate) fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            identity: None,
            metadata: String::new(),
            attributes: Attributes::new(),
            permissions: Permissions::GUEST,
            address: None,
        }
    }
}

/// What others may know of a person; the same in and out of rooms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Profile {
    /// Who.
    pub id: PersonId,
    /// Who they are across connections.
    pub identity: Identity,
    /// What they call themselves.
    pub name: String,
    /// Text of their application.
    pub metadata: String,
    /// What they show to others.
    pub attributes: Attributes,
}

impl Profile {
    /// The bytes of its texts.
    pub(super) fn weight(&self) -> usize {
        let attributes = self.attributes.iter();
        let attributes: usize = attributes
            .map(|(name, value)| name.len() + value.len())
            .sum();
        self.identity.0.len() + self.name.len() + self.metadata.len() + attributes
    }
}

/// A change of one's profile.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProfileChange {
    /// Another name.
    pub name: Option<String>,
    /// Other metadata.
    pub metadata: Option<String>,
    /// Attributes to set; an empty text deletes one.
    pub attributes: Attributes,
}

/// Whether a participant is in the room's call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// In the room, not (yet) in its call.
    Waiting,
    /// In the call.
    InCall,
    /// Rung, and declined.
    Declined,
}

/// A participant as others see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ParticipantInfo {
    /// Who.
    pub profile: Profile,
    /// What they may do.
    pub permissions: Permissions,
    /// Whether they came without devices.
    pub viewer: bool,
    /// Whether they own the room.
    pub owner: bool,
    /// Whether they are in the call.
    pub presence: Presence,
    /// When they came.
    pub joined: UnixTime,
}

impl ParticipantInfo {
    /// Whether they look after the room.
    pub(crate) fn is_host(&self) -> bool {
        self.owner || self.permissions.admin
    }
}
