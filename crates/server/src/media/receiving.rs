use std::collections::BTreeMap;
use std::sync::Arc;

use tureen_controller::rtp::RtpCapabilities;
use tureen_controller::{Consumer, ConsumerOptions, WebRtcTransport};

use super::call::{Way, local_transport};
use super::{Call, MediaError};
use crate::rooms::TrackId;
use crate::sdp::ReceiveSession;

/// The connection on which a participant receives.
///
/// There is one offer at a time: what changes while an offer waits for its answer goes into the
/// next one.
pub(crate) struct Receiving {
    call: Arc<Call>,
    transport: WebRtcTransport,
    capabilities: RtpCapabilities,
    session: ReceiveSession,
    tracks: BTreeMap<TrackId, Received>,
    /// Counts offers.
    number: u32,
    is_connected: bool,
    /// Whether the last offer has no answer yet.
    awaits_answer: bool,
    /// Whether something has changed since the last offer.
    is_changed: bool,
}

struct Received {
    mid: String,
    consumer: Consumer,
    /// Consumers begin paused and are resumed when the browser is ready for them, so that the key
    /// frame that is asked for then is one it can see.
    is_resumed: bool,
}

/// An offer to send to the browser.
pub(crate) struct MediaOffer {
    /// To be repeated with the answer.
    pub(crate) number: u32,
    pub(crate) sdp: String,
    /// What each mid is.
    pub(crate) tracks: Vec<(String, TrackId)>,
}

impl Receiving {
    pub(crate) async fn open(
        call: Arc<Call>,
        way: Way,
        capabilities: RtpCapabilities,
    ) -> Result<Self, MediaError> {
        let transport = call.open_transport(way).await?;
        Ok(Self {
            call,
            transport,
            capabilities,
            session: ReceiveSession::default(),
            tracks: BTreeMap::new(),
            number: 0,
            is_connected: false,
            awaits_answer: false,
            is_changed: false,
        })
    }

    /// Begins to receive a track; a track that is gone already is no error.
    pub(crate) async fn add(&mut self, track: &TrackId) -> Result<(), MediaError> {
        if self.tracks.contains_key(track) {
            return Ok(());
        }
        let Some(producer) = self.call.producer(track) else {
            return Ok(());
        };
        let kind = producer.kind();
        let mid = self.session.next_mid(kind);
        let mut options = ConsumerOptions::new(producer.id().clone(), self.capabilities.clone());
        options.mid = Some(mid.clone());
        options.paused = true;
        let consumer = self.transport.consume(options).await?;
        self.session.add(kind, consumer.rtp_parameters().clone());
        self.is_changed = true;
        let received = Received {
            mid,
            consumer,
            is_resumed: false,
        };
        self.tracks.insert(track.clone(), received);
        Ok(())
    }

    /// Receives a track no more.
    pub(crate) fn remove(&mut self, track: &TrackId) {
        let Some(Received { mid, consumer, .. }) = self.tracks.remove(track) else {
            return;
        };
        consumer.close();
        self.session.remove(&mid);
        self.is_changed = true;
    }

    /// Whether something has changed, and the last offer is answered.
    pub(crate) fn is_offer_due(&self) -> bool {
        self.is_changed && !self.awaits_answer && !self.session.is_empty()
    }

    /// The next offer, if one is due.
    pub(crate) fn offer(&mut self) -> Option<MediaOffer> {
        if !self.is_offer_due() {
            return None;
        }
        self.is_changed = false;
        self.awaits_answer = true;
        self.number += 1;
        let tracks = self.tracks.iter();
        Some(MediaOffer {
            number: self.number,
            sdp: self.session.offer(&local_transport(&self.transport)),
            tracks: tracks
                .map(|(track, one)| (one.mid.clone(), track.clone()))
                .collect(),
        })
    }

    /// Takes the browser's answer and lets flow what it accepts. Returns the tracks it refuses.
    pub(crate) async fn answer(
        &mut self,
        number: u32,
        sdp: &str,
    ) -> Result<Vec<TrackId>, MediaError> {
        if !self.awaits_answer || number != self.number {
            return Err(MediaError::StaleAnswer);
        }
        let answer = self.session.answer(sdp)?;
        self.awaits_answer = false;
        if !self.is_connected {
            self.transport
                .connect(&answer.transport.dtls_parameters())
                .await?;
            self.is_connected = true;
        }
        for received in self.tracks.values_mut() {
            if !received.is_resumed && answer.accepted.contains(&received.mid) {
                received.consumer.resume().await?;
                received.is_resumed = true;
            }
        }
        let refused: Vec<_> = self
            .tracks
            .iter()
            .filter(|(_, received)| answer.refused.contains(&received.mid))
            .map(|(track, _)| track.clone())
            .collect();
        for track in &refused {
            self.remove(track);
        }
        Ok(refused)
    }

    /// New ICE credentials, in an offer that is due at once. An offer that waits for its answer is
    /// void: a browser whose network has changed may never have seen it.
    pub(crate) async fn restart_ice(&mut self) -> Result<(), MediaError> {
        self.transport.restart_ice().await?;
        self.is_changed = true;
        self.awaits_answer = false;
        Ok(())
    }
}

impl Drop for Receiving {
    fn drop(&mut self) {
        self.transport.close();
    }
}
