//! A person's own streams.

use std::sync::Arc;

use tureen_controller::rtp::{MediaKind, RtpCapabilities, RtpParameters};
use tureen_controller::{DtlsParameters, Numbering};

use super::{Participant, ParticipantError};
use crate::media::{Call, Connection, MediaError, Silence, ToReceive, TransportParameters};
use crate::rooms::{Preferences, RoomError, Track, TrackId, TrackKind, TrackSource};

type Result<T> = std::result::Result<T, ParticipantError>;

/// The connections of one person: one for each direction if the client negotiates them apart, or a
/// single one for both.
#[derive(Default)]
pub(super) struct Connections {
    sending: Option<Connection>,
    receiving: Option<Receiving>,
}

struct Receiving {
    /// None if the sending one is for both directions.
    connection: Option<Connection>,
    capabilities: RtpCapabilities,
    numbering: Numbering,
}

impl Connections {
    fn on(&self, side: Side) -> Option<&Connection> {
        let apart = self.receiving.as_ref().map(|one| one.connection.as_ref());
        match (side, apart) {
            (Side::Sending, _) | (Side::Receiving, Some(None)) => self.sending.as_ref(),
            (Side::Receiving, Some(apart)) => apart,
            (Side::Receiving, None) => None,
        }
    }

    fn on_mut(&mut self, side: Side) -> Option<&mut Connection> {
        let apart = self.receiving.as_mut().map(|one| one.connection.as_mut());
        match (side, apart) {
            (Side::Sending, _) | (Side::Receiving, Some(None)) => self.sending.as_mut(),
            (Side::Receiving, Some(apart)) => apart,
            (Side::Receiving, None) => None,
        }
    }
}

/// A direction, as the person sees it. Both lead to the same connection if there is one for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// In which they publish.
    Sending,
    /// In which they receive.
    Receiving,
}

/// A track that a person is to publish.
#[derive(Clone, Debug)]
pub(crate) struct NewTrack {
    /// Audio or video.
    pub(crate) kind: MediaKind,
    /// What it shows.
    pub(crate) source: TrackSource,
    /// What its publisher calls it; may be empty.
    pub(crate) label: String,
    /// Whether it begins held back.
    pub(crate) muted: bool,
    /// How it is sent, as ORTC's RtpSendParameters. A `msid` in them is ignored.
    pub(crate) rtp_parameters: RtpParameters,
}

impl NewTrack {
    /// The picture or the sound of the person, as a client sends it that says no more of it.
    pub(crate) fn of_person(kind: MediaKind, rtp_parameters: RtpParameters) -> Self {
        let source = match kind {
            MediaKind::Audio => TrackSource::Microphone,
            MediaKind::Video => TrackSource::Camera,
        };
        Self {
            kind,
            source,
            label: String::new(),
            muted: false,
            rtp_parameters,
        }
    }

    /// Tracks of one group are played in sync. Every screen is a group of its own.
    fn group(&self) -> String {
        let mid = self.rtp_parameters.mid.as_deref().unwrap_or_default();
        match &self.source {
            TrackSource::Camera | TrackSource::Microphone => CAMERA_GROUP.to_owned(),
            TrackSource::Screen | TrackSource::ScreenAudio => format!("screen-{mid}"),
            TrackSource::Other(_) => format!("other-{mid}"),
        }
    }
}

/// The group of a person's picture and sound.
const CAMERA_GROUP: &str = "camera";

/// Rooms know nothing of RTP.
pub(super) fn track_kind(kind: MediaKind) -> TrackKind {
    match kind {
        MediaKind::Audio => TrackKind::Audio,
        MediaKind::Video => TrackKind::Video,
    }
}

impl Participant {
    /// Opens the connection on which they publish, unless it is open.
    ///
    /// # Errors
    ///
    /// Those of [`Room::may_publish`](crate::rooms::Room::may_publish), [`MediaError`]
    pub(crate) async fn open_sending(&mut self) -> Result<()> {
        if self.connections.sending.is_none() {
            self.room()?.ask(|room| room.may_publish(self.id))?;
            self.connections.sending = Some(self.open().await?);
        }
        Ok(())
    }

    /// Opens the connection on which they receive; it replaces an open one. `numbering` says whose
    /// payload types and extension ids are used there: ours, or those in the `capabilities`, where
    /// the client has named them first. Returns the tracks to [`receive`](Self::receive) now.
    ///
    /// # Errors
    ///
    /// [`RoomError::NotInRoom`], [`MediaError`]
    pub(crate) async fn open_receiving(
        &mut self,
        capabilities: RtpCapabilities,
        numbering: Numbering,
    ) -> Result<Vec<TrackId>> {
        let connection = Some(self.open().await?);
        self.connections.receiving = Some(Receiving {
            connection,
            capabilities,
            numbering,
        });
        let tracks = self.room()?.ask(|room| room.subscriptions(self.id));
        Ok(tracks)
    }

    /// Opens one connection for both directions; an open sending one becomes it. Whether they may
    /// publish is asked for each track. The rest is as for [`open_receiving`](Self::open_receiving).
    ///
    /// # Errors
    ///
    /// [`RoomError::NotInRoom`], [`MediaError`]
    #[cfg_attr(
        not(test),
        expect(
            dead_code,
            reason = "WHIP, WHEP and the page negotiate each direction apart"
        )
    )]
    pub(crate) async fn open_both(
        &mut self,
        capabilities: RtpCapabilities,
        numbering: Numbering,
    ) -> Result<Vec<TrackId>> {
        if self.connections.sending.is_none() {
            self.connections.sending = Some(self.open().await?);
        }
        self.connections.receiving = Some(Receiving {
            connection: None,
            capabilities,
            numbering,
        });
        let tracks = self.room()?.ask(|room| room.subscriptions(self.id));
        Ok(tracks)
    }

    /// All that they may be sent in one section of this kind, whatever is published: for a client
    /// that has named its numbers and agrees once. The stream is named after the person, because it
    /// stays when tracks do not.
    ///
    /// # Errors
    ///
    /// [`ParticipantError::NoConnection`]; they and the room have no codec in common.
    pub(crate) fn may_receive(&self, kind: MediaKind, mid: &str) -> Result<RtpParameters> {
        let connection = self.connection(Side::Receiving)?;
        let receiving = self.connections.receiving.as_ref();
        let receiving = receiving.ok_or(ParticipantError::NoConnection)?;
        let parameters = connection.may_send(kind, &receiving.capabilities)?;
        Ok(RtpParameters {
            mid: Some(mid.to_owned()).filter(|mid| !mid.is_empty()),
            msid: Some(format!("{} {mid}", self.id)),
            ..parameters
        })
    }

    /// The parameters of our side of a connection, for the client.
    ///
    /// # Errors
    ///
    /// [`ParticipantError::NoConnection`]
    pub(crate) fn transport(&self, side: Side) -> Result<TransportParameters> {
        Ok(self.connection(side)?.parameters())
    }

    /// What the room can carry.
    ///
    /// # Errors
    ///
    /// [`ParticipantError::NoConnection`]
    pub(crate) fn rtp_capabilities(&self, side: Side) -> Result<&RtpCapabilities> {
        Ok(self.connection(side)?.rtp_capabilities())
    }

    /// Takes the client's certificate and DTLS role. Only the first call has an effect.
    ///
    /// # Errors
    ///
    /// [`ParticipantError::NoConnection`], [`MediaError`]
    pub(crate) async fn connect(&mut self, side: Side, remote: &DtlsParameters) -> Result<()> {
        Ok(self.connection_mut(side)?.connect(remote).await?)
    }

    /// Waits until nobody is on the other side of a connection, for those whose clients give no
    /// other sign of life.
    ///
    /// # Errors
    ///
    /// [`ParticipantError::NoConnection`]
    pub(crate) fn silence(
        &self,
        side: Side,
    ) -> Result<impl Future<Output = Silence> + Send + use<>> {
        Ok(self.connection(side)?.silence())
    }

    /// Waits until the client has connected, for ever if it never does.
    ///
    /// # Errors
    ///
    /// [`ParticipantError::NoConnection`]
    pub(crate) fn connected(&self, side: Side) -> Result<impl Future<Output = ()> + Send + use<>> {
        Ok(self.connection(side)?.connected())
    }

    /// New ICE credentials of ours.
    ///
    /// # Errors
    ///
    /// [`ParticipantError::NoConnection`], [`MediaError`]
    pub(crate) async fn restart_ice(&mut self, side: Side) -> Result<()> {
        Ok(self.connection(side)?.restart_ice().await?)
    }

    /// Publishes a track on the sending connection: others hear of it and receive it.
    ///
    /// # Errors
    ///
    /// [`ParticipantError::NoConnection`], [`MediaError`], and those of
    /// [`Room::publish`](crate::rooms::Room::publish)
    pub(crate) async fn publish(&mut self, new: NewTrack) -> Result<TrackId> {
        let me = self.id;
        let group = new.group();
        let kind = track_kind(new.kind);
        self.room()?
            .ask(|room| room.may_publish_source(me, kind, &new.source))?;
        let sending = self.connections.sending.as_mut();
        let sending = sending.ok_or(ParticipantError::NoConnection)?;
        let mid = new.rtp_parameters.mid.as_deref().unwrap_or("track");
        let rtp_parameters = RtpParameters {
            // "<stream id> <track id>" (RFC 8830); tracks of one stream are played in sync.
            msid: Some(format!("{me}-{group} {mid}")),
            ..new.rtp_parameters
        };
        let id = sending.publish(new.kind, rtp_parameters, new.muted).await?;
        let track = Track {
            id: id.clone(),
            owner: me,
            kind,
            source: new.source,
            group,
            label: new.label,
            muted: new.muted,
        };
        if let Err(error) = self.room()?.act(|room, out| room.publish(track, out)) {
            self.unpublish(&id);
            return Err(error.into());
        }
        Ok(id)
    }

    /// Takes a track back. A track that is gone already is no error.
    pub(crate) fn unpublish(&mut self, track: &TrackId) {
        if let Some(sending) = &mut self.connections.sending {
            sending.unpublish(track);
        }
        if let Ok(room) = self.room() {
            let _ = room.act(|room, out| room.unpublish(self.id, track, out));
        }
    }

    /// Mutes a track or opens it again. A host of the room may mute anybody's.
    ///
    /// # Errors
    ///
    /// Those of [`Room::mute`](crate::rooms::Room::mute), [`MediaError`]
    pub(crate) async fn mute(&mut self, track: &TrackId, muted: bool) -> Result<()> {
        self.room()?
            .act(|room, out| room.mute(self.id, track, muted, out))?;
        Ok(self.hold_back(track, muted).await?)
    }

    /// Applies the room's state of a track to the person's own stream. It does not know the streams
    /// of others.
    pub(super) async fn hold_back(
        &mut self,
        track: &TrackId,
        muted: bool,
    ) -> std::result::Result<(), MediaError> {
        match &self.connections.sending {
            Some(sending) => sending.mute(track, muted).await,
            None => Ok(()),
        }
    }

    /// Audio or video, or none if the track is gone.
    pub(crate) fn kind_of(&self, track: &TrackId) -> Option<MediaKind> {
        self.connections.on(Side::Receiving)?.kind_of(track)
    }

    /// Begins to receive tracks, all at once. Each comes with the `mid` for its packets, and is
    /// held back until [`resume`](Self::resume). Returns how each is sent, without tracks that are
    /// gone already.
    ///
    /// # Errors
    ///
    /// [`ParticipantError::NoConnection`]; the rest concerns single tracks.
    pub(crate) async fn receive(
        &mut self,
        tracks: Vec<ToReceive>,
    ) -> Result<Vec<(ToReceive, std::result::Result<RtpParameters, MediaError>)>> {
        let receiving = self.connections.receiving.as_mut();
        let Receiving {
            connection,
            capabilities,
            numbering,
        } = receiving.ok_or(ParticipantError::NoConnection)?;
        let connection = connection.as_mut().or(self.connections.sending.as_mut());
        Ok(connection
            .ok_or(ParticipantError::NoConnection)?
            .receive_all(tracks, capabilities, *numbering)
            .await)
    }

    /// The client is ready for a track. It flows now, unless the person has paused it.
    ///
    /// # Errors
    ///
    /// [`ParticipantError::NoConnection`], [`MediaError`]
    pub(crate) async fn resume(&mut self, track: &TrackId) -> Result<()> {
        let wanted = self.room()?.ask(|room| room.preferences(self.id, track));
        let connection = self.connection_mut(Side::Receiving)?;
        Ok(connection.ready(track, wanted.paused).await?)
    }

    /// Sets how they want to receive a track, now or later.
    ///
    /// # Errors
    ///
    /// Those of [`Room::prefer`](crate::rooms::Room::prefer), [`MediaError`]
    pub(crate) async fn prefer(&mut self, track: &TrackId, wanted: Preferences) -> Result<()> {
        self.note_preferences(track, wanted)?;
        if let Some(connection) = self.connections.on(Side::Receiving) {
            connection.pause(track, wanted.paused).await?;
        }
        Ok(())
    }

    /// Whether a track flows to them.
    #[cfg(test)]
    pub(crate) fn flows(&self, track: &TrackId) -> bool {
        let connection = self.connections.on(Side::Receiving);
        connection.is_some_and(|one| one.flows(track))
    }

    pub(super) fn stop_receiving(&mut self, track: &TrackId) {
        if let Some(connection) = self.connections.on_mut(Side::Receiving) {
            connection.stop_receiving(track);
        }
    }

    /// The tracks of lost connections are closed. The client publishes them again.
    pub(super) fn lose_media(&mut self) {
        if let (Some(sending), Ok(room)) = (&self.connections.sending, self.room()) {
            for track in sending.published() {
                let _ = room.act(|room, out| room.unpublish(self.id, track, out));
            }
        }
        self.close_media();
    }

    pub(super) fn close_media(&mut self) {
        self.connections = Connections::default();
        self.lost = None;
    }

    /// A connection in the call of the room they are in.
    async fn open(&mut self) -> Result<Connection> {
        if !self.is_in_room() {
            return Err(RoomError::NotInRoom.into());
        }
        let call: Arc<Call> = self.media.call(self.room()?.id()).await?;
        self.lost = Some(call.lost());
        Ok(Connection::open(call, self.way).await?)
    }

    fn connection(&self, side: Side) -> Result<&Connection> {
        let connection = self.connections.on(side);
        connection.ok_or(ParticipantError::NoConnection)
    }

    fn connection_mut(&mut self, side: Side) -> Result<&mut Connection> {
        let connection = self.connections.on_mut(side);
        connection.ok_or(ParticipantError::NoConnection)
    }
}
