//! The claims of a token in JSON. They are those of LiveKit's access tokens.
//!
//! A claim that is not named here is ignored (RFC 7519 §4: "all claims that are not
//! understood by implementations MUST be ignored").

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The payload of a token. `exp` and `nbf` are checked by the library that reads it.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Claims {
    /// Name of the API key that signed it.
    pub(super) iss: String,
    /// Identity of the participant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sub: Option<String>,
    /// Stands in for `sub` in old tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) jti: Option<String>,
    /// Seconds since 1970 after which the token is worth nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) exp: Option<Number>,
    /// Seconds since 1970 before which it is worth nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) nbf: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) metadata: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) attributes: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) video: Option<Video>,
}

/// RFC 7519 §2, NumericDate: "non-integer values can be represented".
pub(super) type Number = serde_json::Number;

/// The permissions of a participant, from the claim `video`. An absent field gives no permission,
/// except where noted.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Video {
    /// The one room that the token is for. Without it, every room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) room: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) room_join: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) room_create: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) room_list: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) room_admin: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) room_record: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ingress_admin: Option<bool>,
    /// Absent means yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) can_publish: Option<bool>,
    /// Absent means yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) can_subscribe: Option<bool>,
    /// Absent means as `can_publish`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) can_publish_data: Option<bool>,
    /// `camera`, `microphone`, `screen_share`, `screen_share_audio`; absent or empty means all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) can_publish_sources: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) can_update_own_metadata: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hidden: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) recorder: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) agent: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) can_subscribe_metrics: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) destination_room: Option<String>,
}
