//! One who has not come yet, and what a room would be to them.

use std::sync::Arc;

use tureen_controller::rtp::RtpCapabilities;

use super::hall::Hall;
use super::log::Origin;
use super::media::{NewTrack, track_kind};
use super::{Participant, ParticipantError};
use crate::media::{Media, MediaError};
use crate::rooms::{
    Identity, JoinOptions, Joined, NewPerson, Outbox, PersonId, Profile, Room, RoomError, RoomId,
    Track, TrackId,
};

/// A person before they come online, of whom nobody has heard.
///
/// Coming into a room takes it from whoever is there with the same identity. So a client that asks
/// for everything at once [looks](Self::look) first: what is refused then changes nothing.
pub(crate) struct Newcomer {
    hall: Arc<Hall>,
    media: Arc<Media>,
    new: NewPerson,
    origin: Origin,
}

/// A room as a newcomer would find it.
pub(crate) struct Preview {
    /// As whom they would be there.
    me: PersonId,
    /// None if they would open it. Otherwise a copy in which they are.
    found: Option<(Room, Joined)>,
}

impl Newcomer {
    /// One who wants to come.
    pub(crate) fn new(
        hall: &Arc<Hall>,
        media: &Arc<Media>,
        new: NewPerson,
        origin: Origin,
    ) -> Self {
        Self {
            hall: Arc::clone(hall),
            media: Arc::clone(media),
            new,
            origin,
        }
    }

    /// What they would find in a room. Nobody there notices.
    ///
    /// # Errors
    ///
    /// Those of [`Room::join`](crate::rooms::Room::join); [`RoomError::NoSuchRoom`] and
    /// [`RoomError::RoomEnded`] unless they would open it.
    pub(crate) fn look(&self, id: &RoomId, options: &JoinOptions) -> Result<Preview, RoomError> {
        let me = PersonId::random();
        let room = match self.hall.room(id) {
            Err(_) if options.open.is_some() => return Ok(Preview { me, found: None }),
            room => room?,
        };
        let identity = self.new.identity.clone();
        let profile = Profile {
            id: me,
            identity: identity.unwrap_or_else(|| Identity::of(me)),
            name: self.new.name.clone(),
            metadata: String::new(),
            attributes: Default::default(),
        };
        let permissions = self.new.permissions.clone();
        // On a copy, the rules are those of the room, and what it tells its people is not delivered.
        let (mut copy, mut unheard) = (room.ask(Room::clone), Outbox::new());
        let joined = copy.join(profile, permissions, options, self.hall.now(), &mut unheard)?;
        let found = Some((copy, joined));
        Ok(Preview { me, found })
    }

    /// What any room can carry.
    ///
    /// # Errors
    ///
    /// [`MediaError::Router`]
    pub(crate) fn rtp_capabilities(&self) -> Result<RtpCapabilities, MediaError> {
        self.media.rtp_capabilities()
    }

    /// Whether a client that can receive so much can receive one of these tracks of a room.
    pub(crate) async fn can_receive(
        &self,
        room: &RoomId,
        tracks: impl IntoIterator<Item = &Track>,
        capabilities: &RtpCapabilities,
    ) -> bool {
        let mut ids = tracks.into_iter().map(|track| &track.id);
        let call = self.media.running_call(room).await;
        call.is_some_and(|call| ids.any(|track| call.can_receive(track, capabilities)))
    }

    /// Comes online, to send or receive at once.
    ///
    /// # Errors
    ///
    /// [`MediaError::NoWorker`], and those of [`Participant::enter`]
    pub(crate) fn enter(self) -> Result<Participant, ParticipantError> {
        if self.media.workers() == 0 {
            return Err(MediaError::NoWorker.into());
        }
        let Self {
            hall,
            media,
            new,
            origin,
        } = self;
        Ok(Participant::enter(&hall, &media, new, origin)?)
    }
}

impl Preview {
    /// As whom they would be there.
    pub(crate) fn id(&self) -> PersonId {
        self.me
    }

    /// What they would find, unless they would open the room. Whose place they would take is not
    /// there.
    pub(crate) fn joined(&self) -> Option<&Joined> {
        self.found.as_ref().map(|(_, joined)| joined)
    }

    /// Whether they may publish a track there, with all those that were asked for before. Whoever
    /// opens a room disturbs nobody, so they learn it when they do.
    ///
    /// # Errors
    ///
    /// Those of [`Room::publish`](crate::rooms::Room::publish)
    pub(crate) fn may_publish(&mut self, new: &NewTrack) -> Result<(), RoomError> {
        let Some((copy, _)) = &mut self.found else {
            return Ok(());
        };
        let track = Track {
            id: TrackId(new.rtp_parameters.mid.clone().unwrap_or_default()),
            owner: self.me,
            kind: track_kind(new.kind),
            source: new.source.clone(),
            group: String::new(),
            label: String::new(),
            muted: new.muted,
        };
        copy.publish(track, &mut Outbox::new())
    }
}
