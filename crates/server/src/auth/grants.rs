//! What the bearer of a token is, and may do.

use std::collections::BTreeMap;

use super::claims::Claims;

/// The content of a valid token in plain types. The participant layer turns it into permissions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Grants {
    /// Name of the API key that signed the token.
    pub(crate) key: String,
    /// Stable name of the participant for programs; empty in tokens of servers, which join nothing.
    pub(crate) identity: String,
    /// The name that others see; empty if the participant may choose it.
    pub(crate) name: String,
    /// The application's own text; may be empty.
    pub(crate) metadata: String,
    /// The application's own pairs.
    pub(crate) attributes: BTreeMap<String, String>,
    /// What kind of participant it is, such as `standard`, `agent`, `ingress`; may be empty.
    pub(crate) kind: String,
    /// The room for which all fields below hold; `None` means every room. With a room, `room_create`
    /// is for that one alone, and nothing is listed.
    pub(crate) room: Option<String>,
    /// May enter, and open a room that is not there.
    pub(crate) room_join: bool,
    /// May make and end rooms.
    pub(crate) room_create: bool,
    /// May see which rooms there are.
    pub(crate) room_list: bool,
    /// May mute and remove others, and change the room.
    pub(crate) room_admin: bool,
    /// May have the room recorded.
    pub(crate) room_record: bool,
    /// May make ingresses.
    pub(crate) ingress_admin: bool,
    /// May publish tracks.
    pub(crate) can_publish: bool,
    /// May receive the tracks of others.
    pub(crate) can_subscribe: bool,
    /// May send data and chat.
    pub(crate) can_publish_data: bool,
    /// The sources that may be published, in LiveKit's words (`camera`, `microphone`,
    /// `screen_share`, `screen_share_audio`) or the application's own; empty means all.
    pub(crate) sources: Vec<String>,
    /// May change its own name, metadata and attributes.
    pub(crate) can_update_own_metadata: bool,
    /// Is not shown to others.
    pub(crate) hidden: bool,
    /// Records the room, which others are told.
    pub(crate) recorder: bool,
    /// Is a program of the application.
    pub(crate) agent: bool,
    /// May receive metrics of others.
    pub(crate) can_subscribe_metrics: bool,
    /// The room into which an administrator may move people.
    pub(crate) destination_room: Option<String>,
}

impl Grants {
    /// Whether the token is for this room at all.
    pub(crate) fn is_for(&self, room: &str) -> bool {
        self.room.as_deref().is_none_or(|one| one == room)
    }

    /// Whether this room may be entered.
    pub(crate) fn may_join(&self, room: &str) -> bool {
        self.room_join && self.is_for(room)
    }
}

impl From<Claims> for Grants {
    fn from(claims: Claims) -> Self {
        let video = claims.video.unwrap_or_default();
        let may = |claim: Option<bool>| claim.unwrap_or(false);
        let can_publish = video.can_publish.unwrap_or(true);
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        Self {
            key: claims.iss,
            identity: filled(claims.sub).or(claims.jti).unwrap_or_default(),
            name: claims.name.unwrap_or_default(),
            metadata: claims.metadata.unwrap_or_default(),
            attributes: claims.attributes.unwrap_or_default(),
            kind: claims.kind.unwrap_or_default(),
            room: filled(video.room),
            room_join: may(video.room_join),
            room_create: may(video.room_create),
            room_list: may(video.room_list),
            room_admin: may(video.room_admin),
            room_record: may(video.room_record),
            ingress_admin: may(video.ingress_admin),
            can_publish,
            can_subscribe: video.can_subscribe.unwrap_or(true),
            can_publish_data: video.can_publish_data.unwrap_or(can_publish),
            sources: video.can_publish_sources.unwrap_or_default(),
            can_update_own_metadata: may(video.can_update_own_metadata),
            hidden: may(video.hidden),
            recorder: may(video.recorder),
            agent: may(video.agent),
            can_subscribe_metrics: may(video.can_subscribe_metrics),
            destination_room: filled(video.destination_room),
        }
    }
}
