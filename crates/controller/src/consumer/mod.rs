//! Consumers: each sends one Producer's media to the endpoint of one transport. Negotiation of what
//! the endpoint can receive happens here ([`crate::ortc`]); the worker decides which packets leave.

mod mirror;
mod requests;
mod types;

pub use types::{ConsumerDump, ConsumerEvent, ConsumerScore, ConsumerType, Numbering};

use std::sync::Arc;

use thiserror::Error;

use crate::channel::RequestError;
use crate::entity::{Owned, entity_handle, lock};
use crate::ids::{ConsumerId, ProducerId, TransportId};
use crate::ortc::{self, ConsumerNegotiation, ConsumerSsrcs, OrtcError};
use crate::rtp::{MediaKind, RtpCapabilities, RtpParameters};
use crate::stats::RtpStreamStats;
use crate::transport::Home;
use mirror::{ConsumerKind, State};
use requests::{
    CloseConsumer, Consume, DumpConsumer, GetConsumerStats, PauseConsumer, RequestKeyFrame,
    ResumeConsumer,
};

/// A source of the router as it is sent to one endpoint.
///
/// It closes with its Producer.
#[derive(Clone)]
pub struct Consumer {
    inner: Arc<Inner>,
}

struct Inner {
    id: ConsumerId,
    producer_id: ProducerId,
    kind: MediaKind,
    consumer_type: ConsumerType,
    rtp_parameters: RtpParameters,
    owned: Owned<ConsumerKind>,
    transport: Arc<dyn Home>,
}

/// How a [`Consumer`] is made.
#[derive(Clone, Debug)]
pub struct ConsumerOptions {
    /// The Producer to consume, on any transport of the router.
    pub producer_id: ProducerId,
    /// What the endpoint can receive.
    pub rtp_capabilities: RtpCapabilities,
    /// Whether it starts paused. That is best for video: resume the Consumer when the endpoint is
    /// ready, and the endpoint can show the key frame that resuming asks for. Default false.
    pub paused: bool,
    /// Value of the MID header extension, at most 8 bytes. Default 0, 1, … on each transport.
    pub mid: Option<String>,
    /// Whether lost packets are sent again. Default yes for video, no for audio.
    pub enable_rtx: Option<bool>,
    /// Whether Opus packets of silence are left out. Default false.
    pub ignore_dtx: bool,
    /// Whose payload types and extension ids the packets carry. Default the router's.
    pub numbering: Numbering,
}

impl ConsumerOptions {
    /// A Consumer of this Producer for an endpoint with these capabilities, not paused.
    pub fn new(producer_id: ProducerId, rtp_capabilities: RtpCapabilities) -> Self {
        Self {
            producer_id,
            rtp_capabilities,
            paused: false,
            mid: None,
            enable_rtx: None,
            ignore_dtx: false,
            numbering: Numbering::Router,
        }
    }
}

impl Consumer {
    pub(crate) async fn create(
        transport: Arc<dyn Home>,
        options: ConsumerOptions,
    ) -> Result<Self, ConsumeError> {
        let producer = transport
            .router()
            .producer(&options.producer_id)
            .ok_or_else(|| ConsumeError::NoSuchProducer(options.producer_id.clone()))?;
        let kind = producer.kind();
        let mut rtp_parameters = negotiate(producer.consumable(), kind, &options)?;
        rtp_parameters.mid = Some(options.mid.unwrap_or_else(|| transport.naming().next_mid()));
        let consumer_type = ConsumerType::from(producer.producer_type());
        let id = ConsumerId::random();
        let owned = Owned::new(
            id.as_str(),
            transport.router().worker().channel(),
            State::default(),
            vec![transport.children().clone(), producer.consumers().clone()],
            CloseConsumer {
                transport_id: transport.id().clone(),
                id: id.clone(),
            },
        )?;
        let request = Consume {
            transport_id: transport.id(),
            id: &id,
            producer_id: &options.producer_id,
            kind,
            rtp_parameters: &rtp_parameters,
            consumer_type,
            consumable_rtp_encodings: &producer.consumable().encodings,
            paused: options.paused,
            ignore_dtx: options.ignore_dtx,
        };
        owned
            .create(&request, |mirror, state| *lock(&mirror.state) = state)
            .await?;
        Ok(Self {
            inner: Arc::new(Inner {
                id,
                producer_id: options.producer_id,
                kind,
                consumer_type,
                rtp_parameters,
                owned,
                transport,
            }),
        })
    }

    /// Its id.
    pub fn id(&self) -> &ConsumerId {
        &self.inner.id
    }

    /// The Producer it consumes.
    pub fn producer_id(&self) -> &ProducerId {
        &self.inner.producer_id
    }

    /// Audio or video.
    pub fn kind(&self) -> MediaKind {
        self.inner.kind
    }

    /// How it picks from the Producer's streams.
    pub fn consumer_type(&self) -> ConsumerType {
        self.inner.consumer_type
    }

    /// What the endpoint receives, for the endpoint.
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

    /// Whether its Producer is paused, as last heard.
    pub fn is_producer_paused(&self) -> bool {
        self.inner.owned.state(|state| state.producer_paused)
    }

    /// Quality of the transmission, as last heard.
    pub fn score(&self) -> ConsumerScore {
        self.inner.owned.state(|state| state.score.clone())
    }

    /// Stops sending to the endpoint.
    pub async fn pause(&self) -> Result<(), RequestError> {
        self.inner.owned.request(&PauseConsumer(self.id())).await?;
        self.inner.owned.state(|state| state.paused = true);
        Ok(())
    }

    /// Sends to the endpoint again; for video, it asks for a key frame.
    pub async fn resume(&self) -> Result<(), RequestError> {
        self.inner.owned.request(&ResumeConsumer(self.id())).await?;
        self.inner.owned.state(|state| state.paused = false);
        Ok(())
    }

    /// Asks the Producer's endpoint for a key frame; does nothing for audio.
    pub async fn request_key_frame(&self) -> Result<(), RequestError> {
        if self.kind() == MediaKind::Audio {
            return Ok(());
        }
        self.inner.owned.request(&RequestKeyFrame(self.id())).await
    }

    /// What the worker holds of it.
    pub async fn dump(&self) -> Result<ConsumerDump, RequestError> {
        self.inner.owned.request(&DumpConsumer(self.id())).await
    }

    /// Statistics of the stream that it sends, then of the Producer's stream that feeds it.
    pub async fn get_stats(&self) -> Result<Vec<RtpStreamStats>, RequestError> {
        self.inner.owned.request(&GetConsumerStats(self.id())).await
    }
}

entity_handle!(Consumer, inner.owned, ConsumerEvent, "Closes it.");

/// What of the source the endpoint is sent, and under which numbers.
fn negotiate(
    consumable: &RtpParameters,
    kind: MediaKind,
    options: &ConsumerOptions,
) -> Result<RtpParameters, OrtcError> {
    let cut_down = |remote: &RtpCapabilities| {
        let negotiation = ConsumerNegotiation {
            remote,
            pipe: false,
            enable_rtx: options.enable_rtx.unwrap_or(kind == MediaKind::Video),
            ssrcs: ConsumerSsrcs::random(),
        };
        ortc::get_consumer_rtp_parameters(consumable, negotiation)
    };
    let remote = &options.rtp_capabilities;
    match options.numbering {
        Numbering::Router => cut_down(remote),
        Numbering::Endpoint => {
            let parameters = cut_down(&ortc::with_ids_of(consumable, remote))?;
            Ok(ortc::in_numbers_of(kind, parameters, remote))
        }
    }
}

/// Why a Consumer was not created.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConsumeError {
    /// The router has no open Producer of this id.
    #[error("no Producer with id {0}")]
    NoSuchProducer(ProducerId),
    /// The endpoint cannot receive what the Producer sends.
    #[error("RTP capabilities: {0}")]
    RtpCapabilities(#[from] OrtcError),
    /// The worker did not create it.
    #[error(transparent)]
    Request(#[from] RequestError),
}
