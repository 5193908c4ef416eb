//! What a token says of its bearer, as rooms know people.

use crate::auth::Grants;
use crate::rooms::{NewPerson, Permissions, RoomError};

impl TryFrom<&Grants> for NewPerson {
    type Error = RoomError;

    /// The person of a token. If the name is empty, the client may choose it.
    ///
    /// # Errors
    ///
    /// [`RoomError::BadIdentity`]
    fn try_from(grants: &Grants) -> Result<Self, RoomError> {
        let identity = Some(&grants.identity).filter(|text| !text.is_empty());
        Ok(Self {
            identity: identity.map(|text| text.parse()).transpose()?,
            metadata: grants.metadata.clone(),
            attributes: grants.attributes.clone(),
            permissions: permissions(grants),
            ..Self::named(&grants.name)
        })
    }
}

fn permissions(grants: &Grants) -> Permissions {
    Permissions {
        audio: grants.may_publish("microphone"),
        video: grants.may_publish("camera"),
        screen: grants.may_publish("screen_share"),
        screen_audio: grants.may_publish("screen_share_audio"),
        other: grants.may_publish_others(),
        subscribe: grants.can_subscribe,
        data: grants.can_publish_data,
        profile: grants.can_update_own_metadata,
        hidden: grants.hidden,
        recorder: grants.recorder,
        admin: grants.room_admin,
        own: grants.room_create || grants.room_admin,
    }
}
