use std::collections::BTreeMap;
use std::sync::Arc;

use tureen_controller::rtp::{MediaKind, RtpParameters};
use tureen_controller::{Producer, ProducerOptions, WebRtcTransport};

use super::call::{Way, local_transport};
use super::{Call, MediaError};
use crate::rooms::TrackId;
use crate::sdp::{OfferedMedia, PublishOffer};

/// The connection on which a participant publishes.
pub(crate) struct Publishing {
    call: Arc<Call>,
    transport: WebRtcTransport,
    /// Of the last offer; none before the first.
    ice_ufrag: Option<String>,
    /// Of the last answer.
    version: u64,
    /// What is received, by mid.
    tracks: BTreeMap<String, Published>,
}

struct Published {
    track: TrackId,
    producer: Producer,
}

/// What a new media section is to become.
pub(crate) struct Wanted {
    /// `<stream id> <track id>` (RFC 8830); tracks of one stream are played in sync.
    pub(crate) msid: String,
    /// Whether it begins held back.
    pub(crate) muted: bool,
}

/// What an offer has changed.
#[derive(Default)]
pub(crate) struct Opened {
    /// New tracks, with their mids.
    pub(crate) opened: Vec<(String, TrackId, MediaKind)>,
    /// Tracks that the browser sends no more.
    pub(crate) closed: Vec<TrackId>,
    /// Sections that send and are not received.
    pub(crate) refused: Vec<(String, MediaError)>,
}

impl Publishing {
    pub(crate) async fn open(call: Arc<Call>, way: Way) -> Result<Self, MediaError> {
        let transport = call.open_transport(way).await?;
        Ok(Self {
            call,
            transport,
            ice_ufrag: None,
            version: 0,
            tracks: BTreeMap::new(),
        })
    }

    /// Makes producers of the sections that send and closes those of the sections that do not any
    /// more. `wanted` says of each new mid what it is to become.
    pub(crate) async fn apply(
        &mut self,
        offer: &PublishOffer,
        wanted: &BTreeMap<String, Wanted>,
    ) -> Result<Opened, MediaError> {
        self.connect(offer).await?;
        let mut changes = Opened::default();
        for section in offer.sections() {
            if !section.sends() {
                changes.closed.extend(self.close(section.mid()));
                continue;
            }
            if self.tracks.contains_key(section.mid()) {
                continue;
            }
            match self.produce(section, wanted.get(section.mid())).await {
                Ok(track) => {
                    changes
                        .opened
                        .push((section.mid().to_owned(), track, section.kind()));
                }
                Err(error) => changes.refused.push((section.mid().to_owned(), error)),
            }
        }
        Ok(changes)
    }

    /// Closes the track of a mid, if there is one.
    pub(crate) fn close(&mut self, mid: &str) -> Option<TrackId> {
        let Published { track, producer } = self.tracks.remove(mid)?;
        self.call.remove_producer(&track);
        producer.close();
        Some(track)
    }

    /// Our answer, which receives all tracks that are open.
    pub(crate) fn answer(&mut self, offer: &PublishOffer) -> String {
        self.version += 1;
        let accepted: Vec<_> = self.tracks.keys().map(String::as_str).collect();
        offer.answer(
            self.call.rtp_capabilities(),
            &local_transport(&self.transport),
            &accepted,
            self.version,
        )
    }

    /// All open tracks, by mid.
    pub(crate) fn tracks(&self) -> impl Iterator<Item = (&str, &TrackId)> {
        self.tracks
            .iter()
            .map(|(mid, published)| (mid.as_str(), &published.track))
    }

    /// Holds a track back, or lets it go on.
    pub(crate) async fn mute(&self, track: &TrackId, muted: bool) -> Result<(), MediaError> {
        let published = self
            .tracks
            .values()
            .find(|published| published.track == *track);
        let Some(Published { producer, .. }) = published else {
            return Ok(());
        };
        if muted {
            producer.pause().await?;
        } else {
            producer.resume().await?;
        }
        Ok(())
    }

    async fn connect(&mut self, offer: &PublishOffer) -> Result<(), MediaError> {
        let remote = offer.transport();
        match &self.ice_ufrag {
            None => self.transport.connect(&remote.dtls_parameters()).await?,
            // "An ICE restart is signaled by a change of ufrag and password": we answer with new
            // ones of our own (RFC 8839, section 4.4.1.1.1).
            Some(before) if *before != remote.ice_ufrag => {
                self.transport.restart_ice().await?;
            }
            Some(_) => {}
        }
        self.ice_ufrag = Some(remote.ice_ufrag.clone());
        Ok(())
    }

    async fn produce(
        &mut self,
        section: &OfferedMedia,
        wanted: Option<&Wanted>,
    ) -> Result<TrackId, MediaError> {
        let wanted = wanted.ok_or(MediaError::Unannounced)?;
        let rtp_parameters = RtpParameters {
            msid: Some(wanted.msid.clone()),
            ..section.rtp_parameters(self.call.rtp_capabilities())?
        };
        let mut options = ProducerOptions::new(section.kind(), rtp_parameters);
        options.paused = wanted.muted;
        let producer = self.transport.produce(options).await?;
        let track = TrackId(producer.id().to_string());
        self.call.add_producer(track.clone(), producer.clone());
        let published = Published {
            track: track.clone(),
            producer,
        };
        self.tracks.insert(section.mid().to_owned(), published);
        Ok(track)
    }
}

impl Drop for Publishing {
    fn drop(&mut self) {
        for published in self.tracks.values() {
            self.call.remove_producer(&published.track);
        }
        self.transport.close();
    }
}
