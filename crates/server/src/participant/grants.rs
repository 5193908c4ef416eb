//! What a token says of its bearer, as rooms know people.

use crate::auth::Grants;
use crate::rooms::{NewPerson, Permissions, RoomError, Sources, TrackSource};

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

/// What may be published: an empty list means all.
fn sources(grants: &Grants) -> Sources {
    match (grants.can_publish, grants.sources.as_slice()) {
        (false, _) => Sources::Only([].into()),
        (true, []) => Sources::All,
        (true, words) => Sources::Only(words.iter().map(|word| source(word)).collect()),
    }
}

/// A source in LiveKit's words, or in those of the application.
fn source(word: &str) -> TrackSource {
    match word {
        "screen_share" => TrackSource::Screen,
        "screen_share_audio" => TrackSource::ScreenAudio,
        other => other.parse().unwrap_or_else(|never| match never {}),
    }
}

fn permissions(grants: &Grants) -> Permissions {
    Permissions {
        publish: sources(grants),
        subscribe: grants.can_subscribe,
        data: grants.can_publish_data,
        profile: grants.can_update_own_metadata,
        hidden: grants.hidden,
        recorder: grants.recorder,
        admin: grants.room_admin,
        own: grants.room_create || grants.room_admin,
        admin_of: grants.room.clone(),
        destination: grants.destination_room.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(can_publish: bool, words: &[&str]) -> Sources {
        permissions(&Grants {
            can_publish,
            sources: words.iter().map(|word| (*word).to_owned()).collect(),
            ..Grants::default()
        })
        .publish
    }

    #[test]
    fn sources_of_a_token_are_those_of_rooms() {
        use TrackSource::{Camera, Microphone, Other, Screen, ScreenAudio};

        assert_eq!(of(true, &[]), Sources::All);
        assert_eq!(of(false, &["camera"]), Sources::Only([].into()));
        let words = [
            "camera",
            "microphone",
            "screen_share",
            "screen_share_audio",
            "telescope",
        ];
        let sources = [
            Camera,
            Microphone,
            Screen,
            ScreenAudio,
            Other("telescope".to_owned()),
        ];
        assert_eq!(of(true, &words), Sources::Only(sources.into()));
    }
}
