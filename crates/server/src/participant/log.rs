//! What the log says of people: who comes and goes, from where, into which room, and why they go.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::rooms::{PersonId, RoomId};

/// How a person reaches the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// What their client speaks, in a word for operators.
    pub(crate) dialect: &'static str,
    /// Where the client is. A proxy that is not trusted stands for its clients.
    pub(crate) address: IpAddr,
}

/// The lines about one person. Names are fields with quotes around them, and what could end a line
/// is escaped there: nobody writes lines of their own.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) person: PersonId,
    pub(super) name: String,
    pub(super) origin: Origin,
}

/// Why a person goes, in a word or a few.
pub(super) type Reason = Cow<'static, str>;

impl Entry {
    pub(super) fn comes(&self) {
        let Self { person, name, .. } = self;
        let Origin { dialect, address } = self.origin;
        tracing::info!(%person, name, dialect, %address, "a person comes online");
    }

    pub(super) fn enters(&self, room: &RoomId) {
        let Self { person, name, .. } = self;
        let Origin { dialect, address } = self.origin;
        tracing::info!(%person, name, dialect, %address, %room, "a person enters a room");
    }

    pub(super) fn leaves(&self, room: &RoomId, why: &str) {
        let Self { person, name, .. } = self;
        let Origin { dialect, address } = self.origin;
        tracing::info!(%person, name, dialect, %address, %room, why, "a person leaves a room");
    }

    pub(super) fn goes(&self, why: &str) {
        let Self { person, name, .. } = self;
        let Origin { dialect, address } = self.origin;
        tracing::info!(%person, name, dialect, %address, why, "a person goes offline");
    }
}
