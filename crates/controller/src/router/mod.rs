//! Routers: transports live in them, and Producers meet Consumers there. A router lives in a
//! worker, knows the codecs that its endpoints may use, and finds a Producer by its id.

mod requests;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use serde::Serialize;
use thiserror::Error;
use tureen_channel_fbs::fbs::notification::Notification;

use crate::channel::RequestError;
use crate::entity::{Children, CloseReason, Kind, Lost, Mirror, Owned, entity_handle, lock};
use crate::ids::{ConsumerId, ProducerId, RouterId, TransportId};
use crate::ortc::{self, OrtcError};
use crate::producer::{Producer, WeakProducer};
use crate::rtp::{RtpCapabilities, RtpCodecCapability};
use crate::worker::Worker;
use requests::{CloseRouter, CreateRouter, DumpRouter};

/// The place where Producers and Consumers meet: what is produced on one of its transports can
/// be consumed on any of them.
///
/// Closing it closes its transports and all that is on them.
#[derive(Clone)]
pub struct Router {
    inner: Arc<Inner>,
}

struct Inner {
    id: RouterId,
    rtp_capabilities: RtpCapabilities,
    producers: Mutex<HashMap<ProducerId, WeakProducer>>,
    owned: Owned<RouterKind>,
    worker: Worker,
}

impl Worker {
    /// Makes a router of these media codecs.
    ///
    /// # Errors
    ///
    /// [`CreateRouterError::MediaCodecs`] for a codec that is not supported.
    pub async fn create_router(
        &self,
        media_codecs: &[RtpCodecCapability],
    ) -> Result<Router, CreateRouterError> {
        let rtp_capabilities = ortc::generate_router_rtp_capabilities(media_codecs)?;
        let id = RouterId::random();
        let owned = Owned::new(
            id.as_str(),
            self.channel(),
            (),
            vec![self.children().clone()],
            CloseRouter(id.clone()),
        )?;
        owned.create(&CreateRouter(&id), |_, ()| ()).await?;
        Ok(Router {
            inner: Arc::new(Inner {
                id,
                rtp_capabilities,
                producers: Mutex::default(),
                owned,
                worker: self.clone(),
            }),
        })
    }
}

impl Router {
    /// Its id.
    pub fn id(&self) -> &RouterId {
        &self.inner.id
    }

    /// The worker it lives in.
    pub fn worker(&self) -> &Worker {
        &self.inner.worker
    }

    /// What it can receive and send. An endpoint needs this before anything else.
    pub fn rtp_capabilities(&self) -> &RtpCapabilities {
        &self.inner.rtp_capabilities
    }

    /// The open Producer of this id on any of the router's transports.
    pub fn producer(&self, id: &ProducerId) -> Option<Producer> {
        let producer = lock(&self.inner.producers).get(id)?.upgrade()?;
        (!producer.is_closed()).then_some(producer)
    }

    /// Whether an endpoint with these capabilities can consume a Producer of this router; false
    /// when there is no such Producer.
    ///
    /// # Errors
    ///
    /// [`OrtcError::InvalidField`] when the capabilities are unsound.
    pub fn can_consume(
        &self,
        producer_id: &ProducerId,
        rtp_capabilities: &RtpCapabilities,
    ) -> Result<bool, OrtcError> {
        match self.producer(producer_id) {
            Some(producer) => ortc::can_consume(producer.consumable(), rtp_capabilities),
            None => Ok(false),
        }
    }

    /// What the worker holds of it.
    pub async fn dump(&self) -> Result<RouterDump, RequestError> {
        self.inner.owned.request(&DumpRouter(self.id())).await
    }

    /// What closes with it.
    pub(crate) fn children(&self) -> &Children {
        &self.inner.owned.mirror.children
    }

    pub(crate) fn add_producer(&self, producer: &Producer) {
        lock(&self.inner.producers).insert(producer.id().clone(), producer.downgrade());
    }

    /// Forgets a Producer whose last handle is gone. By now another one may have the same id.
    pub(crate) fn remove_producer(&self, id: &ProducerId) {
        let mut producers = lock(&self.inner.producers);
        if producers.get(id).is_some_and(WeakProducer::is_gone) {
            producers.remove(id);
        }
    }
}

entity_handle!(
    Router,
    inner.owned,
    RouterEvent,
    "Closes it and all that is in it."
);

/// Why a router was not created.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CreateRouterError {
    /// Its media codecs cannot be had.
    #[error("media codecs: {0}")]
    MediaCodecs(#[from] OrtcError),
    /// The worker did not create it.
    #[error(transparent)]
    Request(#[from] RequestError),
}

/// What happens to a [`Router`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RouterEvent {
    /// It closed; the last event.
    Closed(CloseReason),
}

/// A [`Router`] as the worker holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RouterDump {
    /// Its id.
    pub id: RouterId,
    /// Its transports.
    pub transport_ids: Vec<TransportId>,
    /// Its Producers, each with its Consumers.
    pub map_producer_id_consumer_ids: BTreeMap<ProducerId, Vec<ConsumerId>>,
    /// Its Consumers, each with its Producer.
    pub map_consumer_id_producer_id: BTreeMap<ConsumerId, ProducerId>,
}

pub(crate) struct RouterKind;

impl Kind for RouterKind {
    type Event = RouterEvent;
    type State = ();
    type Close = CloseRouter;
    const CLOSES_CHILDREN_FOR: CloseReason = CloseReason::RouterClosed;

    fn closed(reason: CloseReason) -> RouterEvent {
        RouterEvent::Closed(reason)
    }

    fn notified(mirror: &Mirror<Self>, notification: &Notification<'_>) {
        mirror.ignored(notification);
    }

    fn record_loss(id: &str, lost: &mut Lost) {
        lost.routers.push(id.into());
    }
}
