//! Producers: the sources that endpoints send to the router. A Producer is negotiated against the
//! router's capabilities ([`crate::ortc`]) and made on a transport. When it closes, its Consumers
//! close with it.

mod mirror;
mod requests;
mod types;

pub use types::{ProducerDump, ProducerEvent, ProducerScore, ProducerType, VideoOrientation};

use std::sync::{Arc, Weak};
use std::time::Duration;

use thiserror::Error;
use uuid::Uuid;

use crate::channel::RequestError;
use crate::entity::{Children, Owned, entity_handle};
use crate::ids::{ProducerId, TransportId};
use crate::ortc::{self, OrtcError};
use crate::rtp::{
    MediaKind, RtpEncodingParameters, RtpHeaderExtensionUri, RtpMapping, RtpParameters, Ssrc,
};
use crate::stats::RtpStreamStats;
use crate::transport::Home;
use mirror::{ProducerKind, State};
use requests::{
    CloseProducer, DumpProducer, GetProducerStats, PauseProducer, Produce, ResumeProducer,
};

/// A source that an endpoint sends: one audio or video track.
///
/// Closing it closes its Consumers, on whatever transport they are.
#[derive(Clone)]
pub struct Producer {
    inner: Arc<Inner>,
}

struct Inner {
    id: ProducerId,
    kind: MediaKind,
    producer_type: ProducerType,
    rtp_parameters: RtpParameters,
    consumable: RtpParameters,
    owned: Owned<ProducerKind>,
    transport: Arc<dyn Home>,
}

/// How a [`Producer`] is made.
#[derive(Clone, Debug)]
pub struct ProducerOptions {
    /// Its id, unique in the worker; random when absent.
    pub id: Option<ProducerId>,
    /// Audio or video.
    pub kind: MediaKind,
    /// What the endpoint sends. Without a canonical name, the transport chooses one.
    pub rtp_parameters: RtpParameters,
    /// Whether it starts paused. Default false.
    pub paused: bool,
    /// Least time between two requests for a key frame. Default 0, which leaves the worker's own.
    pub key_frame_request_delay: Duration,
}

impl ProducerOptions {
    /// Makes a Producer with the endpoint's parameters, not paused.
    pub fn new(kind: MediaKind, rtp_parameters: RtpParameters) -> Self {
        Self {
            id: None,
            kind,
            rtp_parameters,
            paused: false,
            key_frame_request_delay: Duration::ZERO,
        }
    }
}

impl Producer {
    pub(crate) async fn create(
        transport: Arc<dyn Home>,
        options: ProducerOptions,
    ) -> Result<Self, ProduceError> {
        let negotiated = Negotiated::of(&*transport, options.kind, options.rtp_parameters)?;
        let id = options.id.unwrap_or_else(ProducerId::random);
        let owned = Owned::new(
            id.as_str(),
            transport.router().worker().channel(),
            State {
                paused: options.paused,
                score: Vec::new(),
            },
            vec![transport.children().clone()],
            CloseProducer {
                transport_id: transport.id().clone(),
                id: id.clone(),
            },
        )?;
        let request = Produce {
            transport_id: transport.id(),
            id: &id,
            kind: options.kind,
            rtp_parameters: &negotiated.rtp_parameters,
            rtp_mapping: &negotiated.rtp_mapping,
            paused: options.paused,
            key_frame_request_delay: options.key_frame_request_delay,
        };
        let producer_type = owned
            .create(&request, |_, producer_type| producer_type)
            .await?;
        let producer = Self {
            inner: Arc::new(Inner {
                id,
                kind: options.kind,
                producer_type,
                rtp_parameters: negotiated.rtp_parameters,
                consumable: negotiated.consumable,
                owned,
                transport,
            }),
        };
        producer.inner.transport.router().add_producer(&producer);
        Ok(producer)
    }

    /// Its id.
    pub fn id(&self) -> &ProducerId {
        &self.inner.id
    }

    /// Audio or video.
    pub fn kind(&self) -> MediaKind {
        self.inner.kind
    }

    /// Whether it is one stream, simulcast or layered.
    pub fn producer_type(&self) -> ProducerType {
        self.inner.producer_type
    }

    /// What the endpoint sends, as negotiated.
    pub fn rtp_parameters(&self) -> &RtpParameters {
        &self.inner.rtp_parameters
    }

    /// The transport it is on.
    pub fn transport_id(&self) -> &TransportId {
        self.inner.transport.id()
    }

    /// Whether it is paused.
    pub fn is_paused(&self) -> bool {
        self.inner.owned.state(|state| state.paused)
    }

    /// Quality of each of its streams, as last heard.
    pub fn score(&self) -> Vec<ProducerScore> {
        self.inner.owned.state(|state| state.score.clone())
    }

    /// Stops what it sends from reaching Consumers.
    pub async fn pause(&self) -> Result<(), RequestError> {
        self.inner.owned.request(&PauseProducer(self.id())).await?;
        self.inner.owned.state(|state| state.paused = true);
        Ok(())
    }

    /// Lets what it sends reach Consumers again.
    pub async fn resume(&self) -> Result<(), RequestError> {
        self.inner.owned.request(&ResumeProducer(self.id())).await?;
        self.inner.owned.state(|state| state.paused = false);
        Ok(())
    }

    /// What the worker holds of it.
    pub async fn dump(&self) -> Result<ProducerDump, RequestError> {
        self.inner.owned.request(&DumpProducer(self.id())).await
    }

    /// Statistics of each of its streams.
    pub async fn get_stats(&self) -> Result<Vec<RtpStreamStats>, RequestError> {
        self.inner.owned.request(&GetProducerStats(self.id())).await
    }

    /// Its Consumers. On this side they close together with it, so that we never ask the worker to
    /// close a Consumer that the worker has closed itself.
    pub(crate) fn consumers(&self) -> &Children {
        &self.inner.owned.mirror.children
    }

    /// What the source looks like inside the router.
    pub(crate) fn consumable(&self) -> &RtpParameters {
        &self.inner.consumable
    }

    pub(crate) fn downgrade(&self) -> WeakProducer {
        WeakProducer(Arc::downgrade(&self.inner))
    }
}

entity_handle!(
    Producer,
    inner.owned,
    ProducerEvent,
    "Closes it and the Consumers of it."
);

impl Drop for Inner {
    fn drop(&mut self) {
        self.transport.router().remove_producer(&self.id);
    }
}

/// A handle that does not keep its Producer open.
pub(crate) struct WeakProducer(Weak<Inner>);

impl WeakProducer {
    pub(crate) fn upgrade(&self) -> Option<Producer> {
        self.0.upgrade().map(|inner| Producer { inner })
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.0.strong_count() == 0
    }
}

/// What the router and a source agree on.
struct Negotiated {
    rtp_parameters: RtpParameters,
    rtp_mapping: RtpMapping,
    consumable: RtpParameters,
}

impl Negotiated {
    fn of(
        transport: &dyn Home,
        kind: MediaKind,
        mut rtp_parameters: RtpParameters,
    ) -> Result<Self, OrtcError> {
        if rtp_parameters.encodings.is_empty() {
            rtp_parameters
                .encodings
                .push(RtpEncodingParameters::default());
        }
        ortc::validate_rtp_parameters(&mut rtp_parameters)?;
        refuse_unknown_extensions(&rtp_parameters)?;
        let capabilities = transport.router().rtp_capabilities();
        let rtp_mapping = ortc::get_producer_rtp_parameters_mapping(
            &mut rtp_parameters,
            capabilities,
            Ssrc::random(),
        )?;
        let cname = rtp_parameters.rtcp.cname.take();
        rtp_parameters.rtcp.cname = Some(transport.naming().settle_cname(cname, random_cname));
        let consumable =
            ortc::get_consumable_rtp_parameters(kind, &rtp_parameters, capabilities, &rtp_mapping)?;
        Ok(Self {
            rtp_parameters,
            rtp_mapping,
            consumable,
        })
    }
}

fn refuse_unknown_extensions(parameters: &RtpParameters) -> Result<(), OrtcError> {
    let unknown = parameters
        .header_extensions
        .iter()
        .position(|extension| matches!(extension.uri, RtpHeaderExtensionUri::Other(_)));
    match unknown {
        Some(index) => Err(OrtcError::InvalidField {
            field: format!("headerExtensions[{index}].uri"),
            reason: "names no supported header extension",
        }),
        None => Ok(()),
    }
}

fn random_cname() -> String {
    Uuid::new_v4().simple().to_string()
}

/// Why a Producer was not created.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProduceError {
    /// Its RTP parameters do not go with the router.
    #[error("RTP parameters: {0}")]
    RtpParameters(#[from] OrtcError),
    /// The worker did not create it.
    #[error(transparent)]
    Request(#[from] RequestError),
}
