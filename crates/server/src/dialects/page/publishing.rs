//! The connection on which a client publishes: it offers.

use std::collections::{BTreeMap, BTreeSet};

use tureen_controller::rtp::MediaKind;

use super::SignalingError;
use super::messages::{MidTrack, PublishedReply, PublishedTrack, RefusedTrack};
use crate::participant::{NewTrack, Participant, Side};
use crate::rooms::TrackId;
use crate::sdp::{Accepted, Answerer, Offer, OfferedMedia};

/// The tracks by the media sections they come in, and our side of the negotiation.
#[derive(Default)]
pub(super) struct Publishing {
    answerer: Answerer,
    tracks: BTreeMap<String, TrackId>,
}

impl Publishing {
    /// Opens tracks for the sections that send, closes those of the sections that no longer send,
    /// and answers. `announced` says for each new mid what it shows.
    pub(super) async fn apply(
        &mut self,
        participant: &mut Participant,
        offer: &Offer,
        announced: &BTreeMap<String, PublishedTrack>,
    ) -> Result<PublishedReply, SignalingError> {
        if let Some(transport) = offer.transport() {
            let remote = transport.dtls_parameters();
            participant.connect(Side::Sending, &remote).await?;
        }
        if self.answerer.is_ice_restart(offer) {
            participant.restart_ice(Side::Sending).await?;
        }
        self.close_stopped(participant, offer);
        let mut refused = Vec::new();
        for section in offer.sections() {
            let mid = section.mid();
            let problem = match section.kind().filter(|_| section.sends()) {
                None => {
                    let unusable = section.problem().filter(|_| announced.contains_key(mid));
                    unusable.map(|problem| problem.clone().into())
                }
                Some(_) if self.tracks.contains_key(mid) => None,
                Some(kind) => {
                    let opened = self.open(participant, section, kind, announced.get(mid));
                    opened.await.err()
                }
            };
            if let Some(error) = problem {
                refused.push(RefusedTrack {
                    mid: mid.to_owned(),
                    error: error.body(),
                });
            }
        }
        let tracks = self.tracks.iter();
        Ok(PublishedReply {
            tracks: tracks
                .map(|(mid, track)| MidTrack {
                    mid: mid.clone(),
                    track: track.to_string(),
                })
                .collect(),
            refused,
            sdp: self.answer(participant, offer)?,
        })
    }

    /// Closes the tracks whose sections do not send any more. A section that was stopped may have no
    /// mid, and another one may be in its place.
    fn close_stopped(&mut self, participant: &mut Participant, offer: &Offer) {
        let sections = offer.sections().iter();
        let sending: BTreeSet<_> = sections
            .filter(|section| section.sends())
            .map(OfferedMedia::mid)
            .collect();
        self.tracks.retain(|mid, track| {
            let sends = sending.contains(mid.as_str());
            if !sends {
                participant.unpublish(track);
            }
            sends
        });
    }

    async fn open(
        &mut self,
        participant: &mut Participant,
        section: &OfferedMedia,
        kind: MediaKind,
        announced: Option<&PublishedTrack>,
    ) -> Result<(), SignalingError> {
        let announced = announced.ok_or(SignalingError::Unannounced)?;
        let capabilities = participant.rtp_capabilities(Side::Sending)?;
        let new = NewTrack {
            kind,
            source: announced.source(),
            label: announced.label.clone(),
            muted: announced.muted,
            rtp_parameters: section.rtp_parameters(capabilities)?,
        };
        let track = participant.publish(new).await?;
        self.tracks.insert(section.mid().to_owned(), track);
        Ok(())
    }

    /// Our answer, which receives all tracks that are open.
    fn answer(
        &mut self,
        participant: &Participant,
        offer: &Offer,
    ) -> Result<String, SignalingError> {
        let accepted = Accepted {
            received: self.tracks.keys().map(String::as_str).collect(),
            sent: BTreeMap::new(),
        };
        Ok(self.answerer.answer(
            offer,
            participant.rtp_capabilities(Side::Sending)?,
            &participant.transport(Side::Sending)?,
            &accepted,
        ))
    }
}
