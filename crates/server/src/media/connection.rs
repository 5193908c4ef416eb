//! One transport of a participant, and the producers and consumers on it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use thiserror::Error;
use tokio::time::timeout;
use tureen_controller::ortc::get_endpoint_rtp_parameters;
use tureen_controller::rtp::{MediaKind, RtpCapabilities, RtpParameters};
use tureen_controller::{
    ConsumeError, Consumer, ConsumerOptions, DtlsParameters, DtlsState, IceCandidate,
    IceParameters, IceState, Numbering, Producer, ProducerOptions, WebRtcTransport,
    WebRtcTransportEvent,
};

use super::call::{Call, Way};
use super::error::MediaError;
use crate::rooms::TrackId;

/// A transport in a call. It carries tracks in both directions, so a participant needs one; a
/// dialect whose clients negotiate the two directions apart opens two.
///
/// It knows nothing of offers and answers. Dialects with SDP translate on the way in and out.
pub(crate) struct Connection {
    call: Arc<Call>,
    transport: WebRtcTransport,
    is_connected: bool,
    /// What the participant sends.
    published: BTreeMap<TrackId, Producer>,
    /// What the participant receives.
    received: BTreeMap<TrackId, Received>,
}

struct Received {
    consumer: Consumer,
    /// Whether the client has said that it is ready.
    is_ready: bool,
}

/// A track that is to be sent to a participant.
#[derive(Clone, Debug)]
pub(crate) struct ToReceive {
    pub(crate) track: TrackId,
    /// What its packets say of themselves: the media section, where a client has such. If it is
    /// empty, they say something that stands for nothing.
    pub(crate) mid: String,
}

/// Why nobody is on the other side of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum Silence {
    /// Nothing came from it.
    #[error("no ICE check came from it")]
    NoIce,
    /// It is there, and cannot agree on keys.
    #[error("DTLS failed (RSA certificates of browsers are not supported)")]
    NoDtls,
    /// It was there.
    #[error("its connection has ended")]
    Gone,
}

/// What a client needs to know of our side of a transport.
#[derive(Clone, Debug)]
pub(crate) struct TransportParameters {
    /// Username fragment and password.
    pub(crate) ice: IceParameters,
    /// Where it listens; these are all, for none comes later.
    pub(crate) candidates: Vec<IceCandidate>,
    /// Its certificate.
    pub(crate) dtls: DtlsParameters,
}

impl Connection {
    pub(crate) async fn open(call: Arc<Call>, way: Way) -> Result<Self, MediaError> {
        let transport = call.open_transport(way).await?;
        Ok(Self {
            call,
            transport,
            is_connected: false,
            published: BTreeMap::new(),
            received: BTreeMap::new(),
        })
    }

    /// Our side, as it is after the last ICE restart.
    pub(crate) fn parameters(&self) -> TransportParameters {
        TransportParameters {
            ice: self.transport.ice_parameters(),
            candidates: self.transport.ice_candidates().to_vec(),
            dtls: self.transport.dtls_parameters(),
        }
    }

    /// What the room can carry.
    pub(crate) fn rtp_capabilities(&self) -> &RtpCapabilities {
        self.call.rtp_capabilities()
    }

    /// All that the participant may be sent in one stream of this kind, whatever is published; in
    /// its own numbers, [`Numbering::Endpoint`].
    pub(crate) fn may_send(
        &self,
        kind: MediaKind,
        capabilities: &RtpCapabilities,
    ) -> Result<RtpParameters, MediaError> {
        let (router, enable_rtx) = (self.rtp_capabilities(), kind == MediaKind::Video);
        let parameters = get_endpoint_rtp_parameters(kind, router, capabilities, enable_rtx);
        Ok(parameters.map_err(ConsumeError::from)?)
    }

    /// Takes the client's certificate and DTLS role. A connection has one DTLS association in its
    /// life, so later calls change nothing.
    pub(crate) async fn connect(&mut self, remote: &DtlsParameters) -> Result<(), MediaError> {
        if !self.is_connected {
            self.transport.connect(remote).await?;
            self.is_connected = true;
        }
        Ok(())
    }

    /// Waits until DTLS is connected, for ever if it never is.
    pub(crate) fn connected(&self) -> impl Future<Output = ()> + Send + use<> {
        let transport = self.transport.clone();
        let mut events = transport.events();
        async move {
            while transport.dtls_state() != DtlsState::Connected {
                if events.next().await.is_none() {
                    std::future::pending::<()>().await;
                }
            }
        }
    }

    /// Waits until nobody is on the other side: it does not connect in time, closes DTLS, or takes
    /// back its consent (RFC 7675). This is for dialects whose clients give no other sign of life.
    pub(crate) fn silence(&self) -> impl Future<Output = Silence> + Send + use<> {
        let transport = self.transport.clone();
        let mut events = transport.events();
        async move {
            let connected = async {
                while transport.dtls_state() != DtlsState::Connected {
                    match events.next().await {
                        Some(event) if !is_end(&event) => {}
                        _ => return false,
                    }
                }
                true
            };
            if timeout(CONNECTING, connected).await != Ok(true) {
                return match transport.ice_state() {
                    IceState::New => Silence::NoIce,
                    _ => Silence::NoDtls,
                };
            }
            while let Some(event) = events.next().await {
                if is_end(&event) {
                    break;
                }
            }
            Silence::Gone
        }
    }

    /// Makes new ICE credentials. [`parameters`](Self::parameters) has them from now on.
    pub(crate) async fn restart_ice(&self) -> Result<(), MediaError> {
        self.transport.restart_ice().await?;
        Ok(())
    }

    /// Receives a track from the participant.
    pub(crate) async fn publish(
        &mut self,
        kind: MediaKind,
        rtp_parameters: RtpParameters,
        muted: bool,
    ) -> Result<TrackId, MediaError> {
        let mut options = ProducerOptions::new(kind, rtp_parameters);
        options.paused = muted;
        let producer = self.transport.produce(options).await?;
        let track = TrackId(producer.id().to_string());
        self.call.add_producer(track.clone(), producer.clone());
        self.published.insert(track.clone(), producer);
        Ok(track)
    }

    /// Receives a track no more; one that is unknown is no error.
    pub(crate) fn unpublish(&mut self, track: &TrackId) {
        if let Some(producer) = self.published.remove(track) {
            self.call.remove_producer(track);
            producer.close();
        }
    }

    /// Holds a track of the participant's back, or lets it go on.
    pub(crate) async fn mute(&self, track: &TrackId, muted: bool) -> Result<(), MediaError> {
        let Some(producer) = self.published.get(track) else {
            return Ok(());
        };
        if muted {
            producer.pause().await?;
        } else {
            producer.resume().await?;
        }
        Ok(())
    }

    /// What the participant sends on this connection.
    pub(crate) fn published(&self) -> impl Iterator<Item = &TrackId> {
        self.published.keys()
    }

    /// Sends tracks to the participant, each held back until [`ready`](Self::ready): the key frame
    /// that is asked for then is one that a client which is ready can see. All are asked of the
    /// worker at once. `numbering` says whose payload types and extension ids they carry. Returns how
    /// each is sent; tracks that are gone already are left out.
    pub(crate) async fn receive_all(
        &mut self,
        tracks: Vec<ToReceive>,
        capabilities: &RtpCapabilities,
        numbering: Numbering,
    ) -> Vec<(ToReceive, Result<RtpParameters, MediaError>)> {
        let (call, transport) = (&self.call, &self.transport);
        let each = tracks.into_iter().filter_map(|wanted| {
            let producer = call.producer(&wanted.track)?;
            let mut options = ConsumerOptions::new(producer.id().clone(), capabilities.clone());
            options.mid = Some(wanted.mid.clone()).filter(|mid| !mid.is_empty());
            options.paused = true;
            options.numbering = numbering;
            Some(async move { (wanted, transport.consume(options).await) })
        });
        let mut results = Vec::new();
        for (wanted, result) in join_all(each).await {
            let result = result.map(|consumer| {
                let parameters = consumer.rtp_parameters().clone();
                let received = Received {
                    consumer,
                    is_ready: false,
                };
                self.received.insert(wanted.track.clone(), received);
                parameters
            });
            results.push((wanted, result.map_err(MediaError::from)));
        }
        results
    }

    /// The client is ready for a track: lets it flow, unless it is paused. One that is unknown is
    /// no error.
    pub(crate) async fn ready(&mut self, track: &TrackId, paused: bool) -> Result<(), MediaError> {
        if let Some(received) = self.received.get_mut(track) {
            received.is_ready = true;
        }
        self.pause(track, paused).await
    }

    /// Holds back a track on its way to the participant, or lets it flow; before the client is
    /// ready for it, nothing flows in either case.
    pub(crate) async fn pause(&self, track: &TrackId, paused: bool) -> Result<(), MediaError> {
        let Some(Received { consumer, is_ready }) = self.received.get(track) else {
            return Ok(());
        };
        match (paused, consumer.is_paused()) {
            (true, false) => consumer.pause().await?,
            (false, true) if *is_ready => consumer.resume().await?,
            _ => {}
        }
        Ok(())
    }

    /// Whether a track flows to the participant.
    #[cfg(test)]
    pub(crate) fn flows(&self, track: &TrackId) -> bool {
        let received = self.received.get(track);
        received.is_some_and(|one| !one.consumer.is_paused())
    }

    /// Sends a track no more; one that is unknown is no error.
    pub(crate) fn stop_receiving(&mut self, track: &TrackId) {
        if let Some(received) = self.received.remove(track) {
            received.consumer.close();
        }
    }

    /// Audio or video, as the tracks of the call are known.
    pub(crate) fn kind_of(&self, track: &TrackId) -> Option<MediaKind> {
        Some(self.call.producer(track)?.kind())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        for track in self.published.keys() {
            self.call.remove_producer(track);
        }
        self.transport.close();
    }
}

fn is_end(event: &WebRtcTransportEvent) -> bool {
    match event {
        WebRtcTransportEvent::IceStateChanged(state) => *state == IceState::Disconnected,
        WebRtcTransportEvent::DtlsStateChanged { state, .. } => {
            matches!(state, DtlsState::Failed | DtlsState::Closed)
        }
        WebRtcTransportEvent::Closed(_) => true,
        _ => false,
    }
}

/// How long a client may take from our answer to the end of its DTLS handshake.
const CONNECTING: Duration = Duration::from_secs(30);
