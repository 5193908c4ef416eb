//! Requests that concern a Consumer.

use tureen_channel_fbs::Payload;
use tureen_channel_fbs::fbs::request::{Body, Method};
use tureen_channel_fbs::fbs::response::Response;
use tureen_channel_fbs::fbs::transport as fbs;

use super::mirror::State;
use super::{ConsumerDump, ConsumerScore, ConsumerType};
use crate::channel::{Fbb, Request, plain_request};
use crate::encoding::{
    encodings, media_kind, read_encodings, read_media_kind, read_rtp_parameters, rtp_parameters,
};
use crate::ids::{ConsumerId, ProducerId, TransportId};
use crate::rtp::{MediaKind, PayloadType, RtpEncodingParameters, RtpParameters};
use crate::stats::{RtpStreamStats, read_rtp_stream_stats, read_rtp_streams};

pub(super) struct Consume<'a> {
    pub(super) transport_id: &'a TransportId,
    pub(super) id: &'a ConsumerId,
    pub(super) producer_id: &'a ProducerId,
    pub(super) kind: MediaKind,
    pub(super) rtp_parameters: &'a RtpParameters,
    pub(super) consumer_type: ConsumerType,
    pub(super) consumable_rtp_encodings: &'a [RtpEncodingParameters],
    pub(super) paused: bool,
    pub(super) ignore_dtx: bool,
}

impl Request for Consume<'_> {
    const METHOD: Method = Method::TRANSPORT_CONSUME;
    type Response = State;

    fn handler_id(&self) -> &str {
        self.transport_id.as_str()
    }

    fn encode(&self, fbb: &mut Fbb) -> Option<Payload<Body>> {
        let args = fbs::ConsumeRequestArgs {
            consumer_id: Some(fbb.create_string(self.id.as_str())),
            producer_id: Some(fbb.create_string(self.producer_id.as_str())),
            kind: media_kind(self.kind),
            rtp_parameters: Some(rtp_parameters(fbb, self.rtp_parameters)),
            type_: self.consumer_type.number(),
            consumable_rtp_encodings: Some(encodings(fbb, self.consumable_rtp_encodings)),
            paused: self.paused,
            preferred_layers: None,
            ignore_dtx: self.ignore_dtx,
        };
        let body = fbs::ConsumeRequest::create(fbb, &args);
        Some((Body::Transport_ConsumeRequest, body.as_union_value()))
    }

    fn decode(response: &Response<'_>) -> Option<State> {
        let body = response.body_as_transport_consume_response()?;
        Some(State {
            paused: body.paused(),
            producer_paused: body.producer_paused(),
            score: ConsumerScore::read(body.score()),
        })
    }
}

pub(crate) struct CloseConsumer {
    pub(super) transport_id: TransportId,
    pub(super) id: ConsumerId,
}

impl Request for CloseConsumer {
    const METHOD: Method = Method::TRANSPORT_CLOSE_CONSUMER;
    type Response = ();

    fn handler_id(&self) -> &str {
        self.transport_id.as_str()
    }

    fn encode(&self, fbb: &mut Fbb) -> Option<Payload<Body>> {
        let args = fbs::CloseConsumerRequestArgs {
            consumer_id: Some(fbb.create_string(self.id.as_str())),
        };
        let body = fbs::CloseConsumerRequest::create(fbb, &args);
        Some((Body::Transport_CloseConsumerRequest, body.as_union_value()))
    }

    fn decode(_: &Response<'_>) -> Option<()> {
        Some(())
    }
}

plain_request! {
    /// Pauses a Consumer.
    PauseConsumer(ConsumerId) = CONSUMER_PAUSE;
    /// Resumes a Consumer.
    ResumeConsumer(ConsumerId) = CONSUMER_RESUME;
    /// Asks for a key frame on behalf of a Consumer.
    RequestKeyFrame(ConsumerId) = CONSUMER_REQUEST_KEY_FRAME;
    /// Asks what a worker holds of a Consumer.
    DumpConsumer(ConsumerId) = CONSUMER_DUMP -> ConsumerDump, read_dump;
    /// Asks for the statistics of a Consumer.
    GetConsumerStats(ConsumerId) = CONSUMER_GET_STATS -> Vec<RtpStreamStats>, read_stats;
}

fn read_dump(response: &Response<'_>) -> Option<ConsumerDump> {
    let dump = response.body_as_consumer_dump_response()?.data();
    let base = dump.base();
    let payload_types = base.supported_codec_payload_types().iter();
    Some(ConsumerDump {
        id: base.id().into(),
        consumer_type: ConsumerType::read(base.type_())?,
        producer_id: base.producer_id().into(),
        kind: read_media_kind(base.kind())?,
        rtp_parameters: read_rtp_parameters(base.rtp_parameters())?,
        consumable_rtp_encodings: read_encodings(base.consumable_rtp_encodings())?,
        supported_codec_payload_types: payload_types
            .map(|payload_type| PayloadType::try_from(payload_type).ok())
            .collect::<Option<_>>()?,
        paused: base.paused(),
        producer_paused: base.producer_paused(),
        priority: base.priority(),
        rtp_streams: read_rtp_streams(dump.rtp_streams())?,
    })
}

fn read_stats(response: &Response<'_>) -> Option<Vec<RtpStreamStats>> {
    read_rtp_stream_stats(response.body_as_consumer_get_stats_response()?.stats())
}
