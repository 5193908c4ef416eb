//! The connection on which a client receives: the server offers.

use std::collections::BTreeMap;

use tureen_controller::rtp::RtpCapabilities;

use super::SignalingError;
use super::messages::{MidTrack, Notice};
use crate::media::{Connection, MediaError};
use crate::rooms::TrackId;
use crate::sdp::Offerer;

/// Its media, and the media sections that it is offered.
pub(super) struct Receiving {
    connection: Connection,
    capabilities: RtpCapabilities,
    offerer: Offerer,
    /// The mids of the tracks.
    tracks: BTreeMap<TrackId, String>,
}

impl Receiving {
    pub(super) fn new(connection: Connection, capabilities: RtpCapabilities) -> Self {
        Self {
            connection,
            capabilities,
            offerer: Offerer::default(),
            tracks: BTreeMap::new(),
        }
    }

    /// Begins to receive a track; a track that is gone already is no error.
    pub(super) async fn add(&mut self, track: &TrackId) -> Result<(), MediaError> {
        if self.tracks.contains_key(track) {
            return Ok(());
        }
        let Some(kind) = self.connection.kind_of(track) else {
            return Ok(());
        };
        let mid = self.offerer.next_mid(kind);
        let received = self
            .connection
            .receive(track, &self.capabilities, mid.clone());
        if let Some(rtp_parameters) = received.await? {
            self.offerer.add(kind, rtp_parameters.clone());
            self.tracks.insert(track.clone(), mid);
        }
        Ok(())
    }

    /// Receives a track no more.
    pub(super) fn remove(&mut self, track: &TrackId) {
        if let Some(mid) = self.tracks.remove(track) {
            self.connection.stop_receiving(track);
            self.offerer.remove(&mid);
        }
    }

    /// Whether something has changed, and the last offer is answered.
    pub(super) fn is_offer_due(&self) -> bool {
        self.offerer.is_offer_due()
    }

    /// The next offer, if one is due.
    pub(super) fn offer(&mut self) -> Option<Notice> {
        let offer = self.offerer.offer(&self.connection.parameters())?;
        let tracks = self.tracks.iter();
        Some(Notice::Offer {
            offer: offer.number,
            sdp: offer.sdp,
            tracks: tracks
                .map(|(track, mid)| MidTrack {
                    mid: mid.clone(),
                    track: track.to_string(),
                })
                .collect(),
        })
    }

    /// Takes the client's answer and lets flow what it accepts. Returns the tracks it refuses.
    pub(super) async fn answer(
        &mut self,
        number: u32,
        sdp: &str,
    ) -> Result<Vec<TrackId>, SignalingError> {
        let answer = self.offerer.answer(number, sdp)?;
        self.connection
            .connect(&answer.transport.dtls_parameters())
            .await?;
        for (track, mid) in &self.tracks {
            if answer.accepted.contains(mid) {
                self.connection.resume(track).await?;
            }
        }
        let refused: Vec<_> = self
            .tracks
            .iter()
            .filter(|(_, mid)| answer.refused.contains(mid))
            .map(|(track, _)| track.clone())
            .collect();
        for track in &refused {
            self.remove(track);
        }
        Ok(refused)
    }

    /// New ICE credentials, in an offer that is due at once.
    pub(super) async fn restart_ice(&mut self) -> Result<(), MediaError> {
        self.connection.restart_ice().await?;
        self.offerer.start_over();
        Ok(())
    }
}
