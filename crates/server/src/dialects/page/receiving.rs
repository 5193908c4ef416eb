//! The connection on which a client receives: the server offers.

use std::collections::BTreeMap;

use super::SignalingError;
use super::messages::{MidTrack, Notice};
use crate::media::{MediaError, ToReceive};
use crate::participant::{Participant, Side};
use crate::rooms::TrackId;
use crate::sdp::Offerer;

/// The media sections that the client is offered, and the mids of the tracks in them.
#[derive(Default)]
pub(super) struct Receiving {
    offerer: Offerer,
    tracks: BTreeMap<TrackId, String>,
}

impl Receiving {
    #[cfg(test)]
    pub(super) fn with(offerer: Offerer) -> Self {
        Self {
            offerer,
            tracks: BTreeMap::new(),
        }
    }

    /// Begins to receive tracks. A track that is gone already is no error. Returns those that
    /// cannot be received.
    pub(super) async fn add(
        &mut self,
        participant: &mut Participant,
        tracks: Vec<TrackId>,
    ) -> Vec<(TrackId, MediaError)> {
        let new = tracks.into_iter().filter_map(|track| {
            let is_new = !self.tracks.contains_key(&track);
            let kind = participant.kind_of(&track).filter(|_| is_new)?;
            Some((track, kind))
        });
        let (tracks, kinds): (Vec<_>, Vec<_>) = new.unzip();
        let kind_of: BTreeMap<_, _> = tracks.iter().cloned().zip(kinds.clone()).collect();
        let mids = self.offerer.next_mids(&kinds);
        let wanted = tracks.into_iter().zip(mids);
        let wanted = wanted.map(|(track, mid)| ToReceive { track, mid });
        let mut refused = Vec::new();
        let received = participant.receive(wanted.collect()).await;
        for (ToReceive { track, mid }, result) in received.into_iter().flatten() {
            match (result, kind_of.get(&track)) {
                (Ok(rtp_parameters), Some(kind)) => {
                    self.offerer.add(*kind, rtp_parameters);
                    self.tracks.insert(track, mid);
                }
                (Ok(_), None) => {}
                (Err(error), _) => refused.push((track, error)),
            }
        }
        refused
    }

    /// Receives a track no more.
    pub(super) fn remove(&mut self, track: &TrackId) {
        if let Some(mid) = self.tracks.remove(track) {
            self.offerer.remove(&mid);
        }
    }

    /// Whether something has changed, and the last offer is answered.
    pub(super) fn is_offer_due(&self) -> bool {
        self.offerer.is_offer_due()
    }

    /// Whether the client's answers cannot be read, so that it can receive nothing any more.
    pub(super) fn has_given_up(&self) -> bool {
        self.offerer.has_given_up()
    }

    /// The next offer, if one is due.
    pub(super) fn offer(&mut self, participant: &Participant) -> Option<Notice> {
        let transport = participant.transport(Side::Receiving).ok()?;
        let offer = self.offerer.offer(&transport)?;
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

    /// Takes the client's answer. Accepted tracks begin to flow, and refused ones are dropped.
    pub(super) async fn answer(
        &mut self,
        participant: &mut Participant,
        number: u32,
        sdp: &str,
    ) -> Result<(), SignalingError> {
        let answer = self.offerer.answer(number, sdp)?;
        if let Some(transport) = &answer.transport {
            let remote = transport.dtls_parameters();
            let connected = participant.connect(Side::Receiving, &remote).await;
            self.offerer.note_use(connected.is_ok());
            connected?;
        }
        let mut refused = Vec::new();
        for (track, mid) in &self.tracks {
            if answer.accepted.contains(mid) {
                // Its publisher may have gone just now. The other tracks flow all the same.
                if let Err(error) = participant.resume(track).await {
                    tracing::debug!(person = %participant.id(), %track, %error, "not resumed");
                }
            } else if answer.refused.contains(mid) {
                refused.push(track.clone());
            }
        }
        for track in refused {
            tracing::debug!(person = %participant.id(), %track, "refused by the client");
            // The event that follows removes it here as well.
            let _ = participant.subscribe(&track, false);
        }
        Ok(())
    }

    /// New ICE credentials, in an offer that is due at once.
    pub(super) async fn restart_ice(
        &mut self,
        participant: &mut Participant,
    ) -> Result<(), SignalingError> {
        participant.restart_ice(Side::Receiving).await?;
        self.offerer.start_over();
        Ok(())
    }
}
