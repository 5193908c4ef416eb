//! Why a room refuses something.

use thiserror::Error;

/// Why a room refused what a person asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub(crate) enum RoomError {
    /// The person is not online, or not any more.
    #[error("you are not online")]
    NotOnline,
    /// The person is in no room.
    #[error("you are in no room")]
    NotInRoom,
    /// The person is in a room already.
    #[error("you are in a room already")]
    AlreadyInRoom,
    /// No room has this id.
    #[error("there is no such room")]
    NoSuchRoom,
    /// The owner has ended the room.
    #[error("the room has ended")]
    RoomEnded,
    /// The room is full.
    #[error("the room is full")]
    RoomFull,
    /// The room is locked.
    #[error("the room is locked: whoever looks after it has to open it first")]
    RoomLocked,
    /// The server has the maximum number of rooms, and somebody is in each of them.
    #[error("the server has no place for another room")]
    TooManyRooms,
    /// The person has made too many rooms without people in them.
    #[error("you have made {max} rooms in which nobody is; use one of them first")]
    TooManyUnusedRooms {
        /// So many may be.
        max: usize,
    },
    /// People of the person's network have made too many rooms without people in them.
    #[error(
        "people of your network have made {max} rooms in which nobody is; use one of them first"
    )]
    TooManyUnusedRoomsOfNetwork {
        /// So many may be.
        max: usize,
    },
    /// People of the person's network have made as many rooms as they may.
    #[error("people of your network have made {max} rooms, and may not make more")]
    TooManyRoomsOfNetwork {
        /// So many may be.
        max: usize,
    },
    /// As many people of the person's network are online as may be.
    #[error("{max} people of your network are online, and more may not be")]
    TooManyPeopleOfNetwork {
        /// So many may be.
        max: usize,
    },
    /// The server holds as many people as it may.
    #[error("the server has no place for another person")]
    TooManyPeople,
    /// The person has changed their profile too often in a short time.
    #[error("you change your profile too often: wait a little")]
    TooManyChanges,
    /// The person has published as many tracks as one may.
    #[error("you publish as many tracks as one person may")]
    TooManyTracks,
    /// The person does not look after the room, or not as its owner.
    #[error("this is for whoever looks after the room: its owner, and for most things its hosts")]
    NotOwner,
    /// The person was not given the right to do this.
    #[error("you may not {0} here")]
    NotPermitted(&'static str),
    /// The secret is not the room's.
    #[error("this is not the secret of the room's owner")]
    WrongSecret,
    /// The room is for two, and the person is neither.
    #[error("this call is between two people; ring one of them from the lobby")]
    NotInvited,
    /// The call has not begun, or the person has not entered it.
    #[error("you are not in the call")]
    NotInCall,
    /// The call has begun already.
    #[error("the call has begun already")]
    AlreadyInCall,
    /// The person came to watch, or only one presents here.
    #[error("you may watch here, not publish")]
    ViewerOnly,
    /// No track has this id in this room.
    #[error("there is no such track")]
    NoSuchTrack,
    /// The track is another's.
    #[error("the track is not yours")]
    NotYourTrack,
    /// Nobody online, or nobody in the room, has this id.
    #[error("there is no such person")]
    NoSuchPerson,
    /// The person is in a call, is in a ring already, or is the caller.
    #[error("this person cannot be rung now")]
    Busy,
    /// The ring has been answered, cancelled or has timed out.
    #[error("it does not ring any more")]
    NoSuchRing,
    /// The room into which somebody is to be moved is not the mover's.
    #[error("to bring people into a room takes its owner's secret, or a token that names the room")]
    NotYourRoom,
    /// The person is to be moved into the room where they are.
    #[error("this person is in that room already")]
    AlreadyThere,
    /// The person has been moved, and has not heard of it yet.
    #[error("this person is on the way into another room already")]
    BeingMoved,
    /// The person's client agrees once on what it sends and receives.
    #[error("this person's program cannot go over into another room")]
    CannotFollow,
    /// Somebody with the identity of the person who is to be moved is in the other room.
    #[error("the same person is in that room already")]
    SameIdentity,
    /// One who is moved has no passphrase, or expects that there is one.
    #[error("of an encrypted room nobody is moved, nor into one: it takes the passphrase")]
    Encrypted,
    /// A name is empty, too long or not printable.
    #[error("the name must have 1 to {max} printable characters")]
    BadName {
        /// In characters.
        max: usize,
    },
    /// An identity is empty, too long or not printable.
    #[error("an identity has 1 to 256 printable characters")]
    BadIdentity,
    /// A room's id has other characters than letters, digits, `-` and `_`, or too many.
    #[error("a room's id has 1 to 64 letters, digits, - and _")]
    BadRoomId,
    /// A chat message says nothing.
    #[error("a message must say something")]
    EmptyChat,
    /// A chat message is too long.
    #[error("a message may have {max} characters at most")]
    LongChat {
        /// In characters.
        max: usize,
    },
    /// A chat message holds control characters other than tabs and line ends.
    #[error("a message may not hold control characters")]
    ControlInChat,
    /// Something that the server only passes on is too large.
    #[error("too many {what}: {max} may be")]
    TooLarge {
        /// Of what.
        what: &'static str,
        /// So many may be.
        max: usize,
    },
}

impl RoomError {
    /// A word for programs, logs and metrics, which does not change.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::NotOnline => "not-online",
            Self::NotInRoom => "not-in-room",
            Self::AlreadyInRoom => "already-in-room",
            Self::NoSuchRoom => "no-such-room",
            Self::RoomEnded => "room-ended",
            Self::RoomFull => "room-full",
            Self::TooManyRooms | Self::TooManyRoomsOfNetwork { .. } => "too-many-rooms",
            Self::TooManyPeople | Self::TooManyPeopleOfNetwork { .. } => "too-many-people",
            Self::TooManyChanges => "too-many-changes",
            Self::TooManyTracks => "too-many-tracks",
            Self::NotOwner => "not-owner",
            Self::WrongSecret => "wrong-secret",
            Self::NotInvited => "not-invited",
            Self::NotInCall => "not-in-call",
            Self::AlreadyInCall => "already-in-call",
            Self::ViewerOnly => "viewer-only",
            Self::NoSuchTrack => "no-such-track",
            Self::NotYourTrack => "not-your-track",
            Self::NoSuchPerson => "no-such-person",
            Self::Busy => "busy",
            Self::NoSuchRing => "no-such-ring",
            Self::NotYourRoom => "not-your-room",
            Self::AlreadyThere => "already-there",
            Self::BeingMoved => "being-moved",
            Self::CannotFollow => "cannot-follow",
            Self::SameIdentity => "same-identity",
            Self::Encrypted => "encrypted",
            Self::BadName { .. } => "bad-name",
            Self::BadRoomId => "bad-room-id",
            Self::BadIdentity => "bad-identity",
            Self::EmptyChat | Self::LongChat { .. } | Self::ControlInChat => "bad-chat",
            Self::RoomLocked => "room-locked",
            Self::TooManyUnusedRooms { .. } | Self::TooManyUnusedRoomsOfNetwork { .. } => {
                "too-many-unused-rooms"
            }
            Self::NotPermitted(_) => "not-permitted",
            Self::TooLarge { .. } => "too-large",
        }
    }
}
