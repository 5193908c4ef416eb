//! The media of one room, in one worker.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;
use tureen_controller::rtp::RtpCapabilities;
use tureen_controller::{Producer, Router, WebRtcServer, WebRtcTransport, WebRtcTransportOptions};

use super::MediaError;
use crate::rooms::TrackId;

/// The media of one room: its router, and the tracks that can be received.
pub(crate) struct Call {
    router: Router,
    server: WebRtcServer,
    initial_outgoing_bitrate: u32,
    producers: Mutex<HashMap<TrackId, Producer>>,
    lost: watch::Sender<bool>,
}

impl Call {
    pub(super) fn new(router: Router, server: WebRtcServer, initial_outgoing_bitrate: u32) -> Self {
        Self {
            router,
            server,
            initial_outgoing_bitrate,
            producers: Mutex::default(),
            lost: watch::Sender::new(false),
        }
    }

    /// What the room can carry.
    pub(super) fn rtp_capabilities(&self) -> &RtpCapabilities {
        self.router.rtp_capabilities()
    }

    /// Becomes true when the worker has died: all connections of the room are gone, and the next
    /// [`Media::call`](super::Media::call) makes a new call.
    pub(crate) fn lost(&self) -> watch::Receiver<bool> {
        self.lost.subscribe()
    }

    pub(super) fn router(&self) -> &Router {
        &self.router
    }

    pub(super) fn set_lost(&self) {
        self.lost.send_replace(true);
    }

    pub(super) async fn open_transport(&self, way: Way) -> Result<WebRtcTransport, MediaError> {
        let options = WebRtcTransportOptions {
            initial_available_outgoing_bitrate: u64::from(self.initial_outgoing_bitrate),
            enable_udp: way == Way::Any,
            prefer_udp: true,
            ..WebRtcTransportOptions::with_server(self.server.clone())
        };
        Ok(self.router.create_web_rtc_transport(options).await?)
    }

    pub(super) fn add_producer(&self, track: TrackId, producer: Producer) {
        self.producers().insert(track, producer);
    }

    pub(super) fn remove_producer(&self, track: &TrackId) {
        self.producers().remove(track);
    }

    pub(super) fn producer(&self, track: &TrackId) -> Option<Producer> {
        self.producers().get(track).cloned()
    }

    /// Whether an endpoint that can receive so much can receive this track. One that is gone cannot
    /// be.
    pub(crate) fn can_receive(&self, track: &TrackId, capabilities: &RtpCapabilities) -> bool {
        let producer = self.producer(track);
        let can = |one: Producer| self.router.can_consume(one.id(), capabilities);
        producer.map(can).is_some_and(|can| can.unwrap_or(false))
    }

    fn producers(&self) -> std::sync::MutexGuard<'_, HashMap<TrackId, Producer>> {
        // Nothing panics while the lock is held. Even if something did, the map would still be
        // sound.
        self.producers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Over which protocols a participant's media may flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// UDP, or TCP where UDP does not get through.
    Any,
    /// TCP only.
    TcpOnly,
}
