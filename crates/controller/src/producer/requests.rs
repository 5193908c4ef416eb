//! Requests that concern a Producer.

use std::time::Duration;

use tureen_channel_fbs::Payload;
use tureen_channel_fbs::fbs::request::{Body, Method};
use tureen_channel_fbs::fbs::response::Response;
use tureen_channel_fbs::fbs::transport as fbs;

use super::{ProducerDump, ProducerType};
use crate::channel::{Fbb, Request, plain_request};
use crate::encoding::{
    media_kind, read_media_kind, read_rtp_mapping, read_rtp_parameters, rtp_mapping, rtp_parameters,
};
use crate::ids::{ProducerId, TransportId};
use crate::rtp::{MediaKind, RtpMapping, RtpParameters};
use crate::stats::{RtpStreamStats, read_rtp_stream_stats, read_rtp_streams};

pub(super) struct Produce<'a> {
    pub(super) transport_id: &'a TransportId,
    pub(super) id: &'a ProducerId,
    pub(super) kind: MediaKind,
    pub(super) rtp_parameters: &'a RtpParameters,
    pub(super) rtp_mapping: &'a RtpMapping,
    pub(super) paused: bool,
    pub(super) key_frame_request_delay: Duration,
}

impl Request for Produce<'_> {
    const METHOD: Method = Method::TRANSPORT_PRODUCE;
    type Response = ProducerType;

    fn handler_id(&self) -> &str {
        self.transport_id.as_str()
    }

    fn encode(&self, fbb: &mut Fbb) -> Option<Payload<Body>> {
        let delay = self.key_frame_request_delay.as_millis();
        let args = fbs::ProduceRequestArgs {
            producer_id: Some(fbb.create_string(self.id.as_str())),
            kind: media_kind(self.kind),
            rtp_parameters: Some(rtp_parameters(fbb, self.rtp_parameters)),
            rtp_mapping: Some(rtp_mapping(fbb, self.rtp_mapping)),
            paused: self.paused,
            key_frame_request_delay: u32::try_from(delay).unwrap_or(u32::MAX),
            enable_mediasoup_packet_id_header_extension: false,
        };
        let body = fbs::ProduceRequest::create(fbb, &args);
        Some((Body::Transport_ProduceRequest, body.as_union_value()))
    }

    fn decode(response: &Response<'_>) -> Option<ProducerType> {
        ProducerType::read(response.body_as_transport_produce_response()?.type_())
    }
}

pub(crate) struct CloseProducer {
    pub(super) transport_id: TransportId,
    pub(super) id: ProducerId,
}

impl Request for CloseProducer {
    const METHOD: Method = Method::TRANSPORT_CLOSE_PRODUCER;
    type Response = ();

    fn handler_id(&self) -> &str {
        self.transport_id.as_str()
    }

    fn encode(&self, fbb: &mut Fbb) -> Option<Payload<Body>> {
        let args = fbs::CloseProducerRequestArgs {
            producer_id: Some(fbb.create_string(self.id.as_str())),
        };
        let body = fbs::CloseProducerRequest::create(fbb, &args);
        Some((Body::Transport_CloseProducerRequest, body.as_union_value()))
    }

    fn decode(_: &Response<'_>) -> Option<()> {
        Some(())
    }
}

plain_request! {
    /// Pauses a Producer.
    PauseProducer(ProducerId) = PRODUCER_PAUSE;
    /// Resumes a Producer.
    ResumeProducer(ProducerId) = PRODUCER_RESUME;
    /// Asks what a worker holds of a Producer.
    DumpProducer(ProducerId) = PRODUCER_DUMP -> ProducerDump, read_dump;
    /// Asks for the statistics of a Producer.
    GetProducerStats(ProducerId) = PRODUCER_GET_STATS -> Vec<RtpStreamStats>, read_stats;
}

fn read_dump(response: &Response<'_>) -> Option<ProducerDump> {
    let dump = response.body_as_producer_dump_response()?;
    Some(ProducerDump {
        id: dump.id().into(),
        kind: read_media_kind(dump.kind())?,
        producer_type: ProducerType::read(dump.type_())?,
        rtp_parameters: read_rtp_parameters(dump.rtp_parameters())?,
        rtp_mapping: read_rtp_mapping(dump.rtp_mapping())?,
        rtp_streams: read_rtp_streams(dump.rtp_streams())?,
        paused: dump.paused(),
    })
}

fn read_stats(response: &Response<'_>) -> Option<Vec<RtpStreamStats>> {
    read_rtp_stream_stats(response.body_as_producer_get_stats_response()?.stats())
}
