mod requests;

use std::sync::Arc;

use serde::Serialize;
use thiserror::Error;
use tureen_channel_fbs::fbs::consumer as fbs;
use tureen_channel_fbs::fbs::notification::{Event, Notification};
use tureen_channel_fbs::fbs::rtp_parameters::Type;

use crate::channel::RequestError;
use crate::entity::{CloseReason, Events, Kind, Lost, Mirror, Owned, lock};
use crate::ids::{ConsumerId, ProducerId};
use crate::ortc::{self, ConsumerNegotiation, ConsumerSsrcs, OrtcError};
use crate::producer::ProducerType;
use crate::rtp::{MediaKind, PayloadType, RtpCapabilities, RtpEncodingParameters, RtpParameters};
use crate::stats::{RtpStreamDump, RtpStreamStats};
use crate::web_rtc_transport::WebRtcTransport;
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
    transport: WebRtcTransport,
}

/// How a [`Consumer`] is made.
#[derive(Clone, Debug)]
pub struct ConsumerOptions {
    /// The Producer to consume, on any transport of the router.
    pub producer_id: ProducerId,
    /// What the endpoint can receive.
    pub rtp_capabilities: RtpCapabilities,
    /// Whether it starts paused. For video that is best: resume it when the endpoint is ready, and
    /// the key frame this asks for is one the endpoint can show. Default false.
    pub paused: bool,
    /// Value of the MID header extension, at most 8 bytes. Default 0, 1, … on each transport.
    pub mid: Option<String>,
    /// Whether lost packets are sent again. Default yes for video, no for audio.
    pub enable_rtx: Option<bool>,
    /// Whether Opus packets of silence are left out. Default false.
    pub ignore_dtx: bool,
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
        }
    }
}

impl Consumer {
    pub(crate) async fn create(
        transport: &WebRtcTransport,
        options: ConsumerOptions,
    ) -> Result<Self, ConsumeError> {
        let producer = transport
            .router()
            .producer(&options.producer_id)
            .ok_or_else(|| ConsumeError::NoSuchProducer(options.producer_id.clone()))?;
        let kind = producer.kind();
        let mut rtp_parameters = ortc::get_consumer_rtp_parameters(
            producer.consumable(),
            ConsumerNegotiation {
                remote: &options.rtp_capabilities,
                pipe: false,
                enable_rtx: options.enable_rtx.unwrap_or(kind == MediaKind::Video),
                ssrcs: ConsumerSsrcs::random(),
            },
        )?;
        rtp_parameters.mid = Some(options.mid.unwrap_or_else(|| transport.next_mid()));
        let consumer_type = ConsumerType::from(producer.producer_type());
        let id = ConsumerId::random();
        let owned = Owned::new(
            id.as_str(),
            transport.router().worker().channel(),
            State::default(),
            vec![transport.mirror().children.clone()],
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
                transport: transport.clone(),
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
    pub fn transport(&self) -> &WebRtcTransport {
        &self.inner.transport
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
        self.inner
            .owned
            .mirror
            .request(&PauseConsumer(self.id()))
            .await?;
        self.inner.owned.state(|state| state.paused = true);
        Ok(())
    }

    /// Sends to the endpoint again; for video, a key frame is asked for.
    pub async fn resume(&self) -> Result<(), RequestError> {
        self.inner
            .owned
            .mirror
            .request(&ResumeConsumer(self.id()))
            .await?;
        self.inner.owned.state(|state| state.paused = false);
        Ok(())
    }

    /// Asks the Producer's endpoint for a key frame; does nothing for audio.
    pub async fn request_key_frame(&self) -> Result<(), RequestError> {
        if self.kind() == MediaKind::Audio {
            return Ok(());
        }
        self.inner
            .owned
            .mirror
            .request(&RequestKeyFrame(self.id()))
            .await
    }

    /// Closes it.
    pub fn close(&self) {
        self.inner.owned.close();
    }

    /// Whether it is closed, by whomever.
    pub fn is_closed(&self) -> bool {
        self.inner.owned.mirror.close_reason().is_some()
    }

    /// Its events.
    pub fn events(&self) -> Events<ConsumerEvent> {
        self.inner.owned.mirror.subscribe()
    }

    /// What the worker holds of it.
    pub async fn dump(&self) -> Result<ConsumerDump, RequestError> {
        self.inner
            .owned
            .mirror
            .request(&DumpConsumer(self.id()))
            .await
    }

    /// Statistics of the stream it sends, then of the Producer's stream it is made from.
    pub async fn get_stats(&self) -> Result<Vec<RtpStreamStats>, RequestError> {
        self.inner
            .owned
            .mirror
            .request(&GetConsumerStats(self.id()))
            .await
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

/// How a [`Consumer`] picks from the streams of its Producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ConsumerType {
    /// There is one.
    Simple,
    /// One of several streams at a time.
    Simulcast,
    /// Some of the layers of one stream.
    Svc,
    /// All of them.
    Pipe,
}

impl From<ProducerType> for ConsumerType {
    fn from(producer_type: ProducerType) -> Self {
        match producer_type {
            ProducerType::Simple => Self::Simple,
            ProducerType::Simulcast => Self::Simulcast,
            ProducerType::Svc => Self::Svc,
        }
    }
}

impl ConsumerType {
    fn number(self) -> Type {
        match self {
            Self::Simple => Type::SIMPLE,
            Self::Simulcast => Type::SIMULCAST,
            Self::Svc => Type::SVC,
            Self::Pipe => Type::PIPE,
        }
    }

    fn read(number: Type) -> Option<Self> {
        if number == Type::PIPE {
            return Some(Self::Pipe);
        }
        ProducerType::read(number).map(Self::from)
    }
}

/// Quality of the transmission, each value 0 (nothing arrives) to 10.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsumerScore {
    /// Towards the endpoint.
    pub score: u8,
    /// From the Producer, of the stream in use.
    pub producer_score: u8,
    /// From the Producer, of each of its streams.
    pub producer_scores: Vec<u8>,
}

impl ConsumerScore {
    fn read(score: fbs::ConsumerScore<'_>) -> Self {
        Self {
            score: score.score(),
            producer_score: score.producer_score(),
            producer_scores: score.producer_scores().iter().collect(),
        }
    }
}

/// What happens to a [`Consumer`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConsumerEvent {
    /// Its Producer was paused.
    ProducerPaused,
    /// Its Producer was resumed.
    ProducerResumed,
    /// The quality of the transmission changed.
    Score(ConsumerScore),
    /// It closed, for [`CloseReason::ProducerClosed`] when its Producer did; the last event.
    Closed(CloseReason),
}

/// A [`Consumer`] as the worker holds it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConsumerDump {
    /// Its id.
    pub id: ConsumerId,
    /// How it picks from the Producer's streams.
    #[serde(rename = "type")]
    pub consumer_type: ConsumerType,
    /// Its Producer.
    pub producer_id: ProducerId,
    /// Audio or video.
    pub kind: MediaKind,
    /// What the endpoint receives.
    pub rtp_parameters: RtpParameters,
    /// The Producer's streams inside the router.
    pub consumable_rtp_encodings: Vec<RtpEncodingParameters>,
    /// Payload types it lets through.
    pub supported_codec_payload_types: Vec<PayloadType>,
    /// Whether it is paused.
    pub paused: bool,
    /// Whether its Producer is paused.
    pub producer_paused: bool,
    /// Its priority for the outgoing bitrate, 1 being the lowest.
    pub priority: u8,
    /// Streams it sends.
    pub rtp_streams: Vec<RtpStreamDump>,
}

#[derive(Default)]
pub(crate) struct State {
    paused: bool,
    producer_paused: bool,
    score: ConsumerScore,
}

pub(crate) struct ConsumerKind;

impl Kind for ConsumerKind {
    type Event = ConsumerEvent;
    type State = State;
    type Close = CloseConsumer;
    const CLOSES_CHILDREN_FOR: CloseReason = CloseReason::Closed;

    fn closed(reason: CloseReason) -> ConsumerEvent {
        ConsumerEvent::Closed(reason)
    }

    fn notified(mirror: &Mirror<Self>, notification: &Notification<'_>) {
        let event = match notification.event() {
            Event::CONSUMER_PRODUCER_CLOSE => {
                mirror.close(CloseReason::ProducerClosed);
                return;
            }
            Event::CONSUMER_PRODUCER_PAUSE => producer_paused(mirror, true),
            Event::CONSUMER_PRODUCER_RESUME => producer_paused(mirror, false),
            Event::CONSUMER_SCORE => match notification.body_as_consumer_score_notification() {
                Some(body) => {
                    let score = ConsumerScore::read(body.score());
                    lock(&mirror.state).score = score.clone();
                    Some(ConsumerEvent::Score(score))
                }
                None => return mirror.ignored(notification),
            },
            _ => return mirror.ignored(notification),
        };
        if let Some(event) = event {
            mirror.push(event);
        }
    }

    fn record_loss(id: &str, lost: &mut Lost) {
        lost.consumers.push(id.into());
    }
}

/// Takes in whether the Producer is paused; a worker may say the same twice.
fn producer_paused(mirror: &Mirror<ConsumerKind>, paused: bool) -> Option<ConsumerEvent> {
    let mut state = lock(&mirror.state);
    if state.producer_paused == paused {
        return None;
    }
    state.producer_paused = paused;
    Some(match paused {
        true => ConsumerEvent::ProducerPaused,
        false => ConsumerEvent::ProducerResumed,
    })
}
