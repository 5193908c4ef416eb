//! The connection on which a client publishes: it offers.

use std::collections::BTreeMap;

use tureen_controller::rtp::{MediaKind, RtpParameters};

use super::SignalingError;
use crate::media::Connection;
use crate::rooms::TrackId;
use crate::sdp::{Accepted, Answerer, Offer, OfferedMedia};

/// Its media, and the tracks by the media sections they come in.
pub(super) struct Publishing {
    pub(super) connection: Connection,
    answerer: Answerer,
    tracks: BTreeMap<String, TrackId>,
}

/// What a new media section is to become.
pub(super) struct Wanted {
    /// `<stream id> <track id>` (RFC 8830); tracks of one stream are played in sync.
    pub(super) msid: String,
    /// Whether it begins held back.
    pub(super) muted: bool,
}

/// What an offer has changed.
#[derive(Default)]
pub(super) struct Changes {
    /// New tracks, with their mids.
    pub(super) opened: Vec<(String, TrackId, MediaKind)>,
    /// Tracks that the client sends no more.
    pub(super) closed: Vec<TrackId>,
    /// Sections that send and are not received.
    pub(super) refused: Vec<(String, SignalingError)>,
}

impl Publishing {
    pub(super) fn new(connection: Connection) -> Self {
        Self {
            connection,
            answerer: Answerer::default(),
            tracks: BTreeMap::new(),
        }
    }

    /// Opens the tracks of the sections that send and closes those of the sections that do not any
    /// more. `wanted` says of each new mid what it is to become.
    pub(super) async fn apply(
        &mut self,
        offer: &Offer,
        wanted: &BTreeMap<String, Wanted>,
    ) -> Result<Changes, SignalingError> {
        self.connection
            .connect(&offer.transport().dtls_parameters())
            .await?;
        if self.answerer.is_ice_restart(offer) {
            self.connection.restart_ice().await?;
        }
        let mut changes = Changes::default();
        for section in offer.sections() {
            if !section.sends() {
                changes.closed.extend(self.close(section.mid()));
                continue;
            }
            if self.tracks.contains_key(section.mid()) {
                continue;
            }
            let mid = section.mid().to_owned();
            match self.open(section, wanted.get(section.mid())).await {
                Ok(track) => changes.opened.push((mid, track, section.kind())),
                Err(error) => changes.refused.push((mid, error)),
            }
        }
        Ok(changes)
    }

    async fn open(
        &mut self,
        section: &OfferedMedia,
        wanted: Option<&Wanted>,
    ) -> Result<TrackId, SignalingError> {
        let wanted = wanted.ok_or(SignalingError::Unannounced)?;
        let rtp_parameters = RtpParameters {
            msid: Some(wanted.msid.clone()),
            ..section.rtp_parameters(self.connection.rtp_capabilities())?
        };
        let track = self
            .connection
            .publish(section.kind(), rtp_parameters, wanted.muted)
            .await?;
        self.tracks.insert(section.mid().to_owned(), track.clone());
        Ok(track)
    }

    /// Closes the track of a mid, if there is one.
    pub(super) fn close(&mut self, mid: &str) -> Option<TrackId> {
        let track = self.tracks.remove(mid)?;
        self.connection.unpublish(&track);
        Some(track)
    }

    /// Our answer, which receives all tracks that are open.
    pub(super) fn answer(&mut self, offer: &Offer) -> String {
        let accepted = Accepted {
            received: self.tracks.keys().map(String::as_str).collect(),
            sent: BTreeMap::new(),
        };
        self.answerer.answer(
            offer,
            self.connection.rtp_capabilities(),
            &self.connection.parameters(),
            &accepted,
        )
    }

    /// All open tracks, by mid.
    pub(super) fn tracks(&self) -> impl Iterator<Item = (&str, &TrackId)> {
        let tracks = self.tracks.iter();
        tracks.map(|(mid, track)| (mid.as_str(), track))
    }
}
