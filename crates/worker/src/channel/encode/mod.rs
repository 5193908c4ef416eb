//! Messages to frames.

mod control;
mod direct_transport;
mod metrics;
mod plain_transport;
mod rtp;
mod stats;
mod transport;

use tureen_channel_fbs::fbs::notification::{Body as EventBody, Event as FbsEvent};
use tureen_channel_fbs::fbs::response::Body;
use tureen_channel_fbs::fbs::{consumer, producer, transport as fbs_transport, web_rtc_transport};
use tureen_channel_fbs::flatbuffers::{FlatBufferBuilder, ForwardsUOffset, Vector, WIPOffset};
use tureen_channel_fbs::{ErrorClass, FrameBuilder, FrameError, Payload};

use crate::error::RequestError;
use crate::messages::{Event, Outgoing, Response, ResponseBody};

/// The builder that every table is written with.
type Builder = FlatBufferBuilder<'static>;
/// A table that has been written.
type Offset<T> = WIPOffset<T>;
/// A vector of tables that has been written.
type Tables<T> = WIPOffset<Vector<'static, ForwardsUOffset<T>>>;

/// Writes messages as frames; its memory is reused from frame to frame.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    frames: FrameBuilder,
}

impl Encoder {
    /// An encoder without memory yet.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The frame of one message, prefix included.
    ///
    /// # Errors
    ///
    /// The message is larger than the channel takes.
    pub(crate) fn encode(&mut self, message: &Outgoing) -> Result<&[u8], FrameError> {
        match message {
            Outgoing::Log(line) => self.frames.log(line),
            Outgoing::Response(response) => self.response(response),
            Outgoing::Notification(notification) => {
                let (event, body) = event(self.frames.begin(), &notification.event);
                self.frames
                    .notification(&notification.handler_id, event, body)
            }
        }
    }

    fn response(&mut self, response: &Response) -> Result<&[u8], FrameError> {
        match &response.result {
            Ok(body) => {
                let body = response_body(self.frames.begin(), body);
                self.frames.response(response.id, body)
            }
            Err(error) => {
                let class = match error {
                    RequestError::Type(_) => ErrorClass::TypeError,
                    RequestError::NotFound(_) => ErrorClass::NotFoundError,
                    RequestError::Failed(_) => ErrorClass::Error,
                };
                let reason = truncated(error.to_string());
                self.frames.failure(response.id, class, &reason)
            }
        }
    }
}

fn response_body(fbb: &mut Builder, body: &ResponseBody) -> Option<Payload<Body>> {
    Some(match body {
        ResponseBody::None => return None,
        ResponseBody::WorkerDump(dump) => (
            Body::Worker_DumpResponse,
            control::worker_dump(fbb, dump).as_union_value(),
        ),
        ResponseBody::ResourceUsage(usage, metrics) => {
            let metrics = metrics::worker_metrics(fbb, metrics);
            let table = control::resource_usage(fbb, usage, metrics);
            (Body::Worker_ResourceUsageResponse, table.as_union_value())
        }
        ResponseBody::WebRtcServerDump(dump) => {
            let table = control::web_rtc_server_dump(fbb, dump);
            (Body::WebRtcServer_DumpResponse, table.as_union_value())
        }
        ResponseBody::RouterDump(dump) => (
            Body::Router_DumpResponse,
            control::router_dump(fbb, dump).as_union_value(),
        ),
        ResponseBody::WebRtcTransportDump(dump) => (
            Body::WebRtcTransport_DumpResponse,
            transport::dump(fbb, dump).as_union_value(),
        ),
        ResponseBody::WebRtcTransportStats(stats) => (
            Body::WebRtcTransport_GetStatsResponse,
            stats::transport(fbb, stats).as_union_value(),
        ),
        ResponseBody::PlainTransportDump(dump) => (
            Body::PlainTransport_DumpResponse,
            plain_transport::dump(fbb, dump).as_union_value(),
        ),
        ResponseBody::PlainTransportStats(stats) => (
            Body::PlainTransport_GetStatsResponse,
            plain_transport::get_stats(fbb, stats).as_union_value(),
        ),
        ResponseBody::DirectTransportDump(dump) => (
            Body::DirectTransport_DumpResponse,
            direct_transport::dump(fbb, dump).as_union_value(),
        ),
        ResponseBody::DirectTransportStats(stats) => (
            Body::DirectTransport_GetStatsResponse,
            direct_transport::get_stats(fbb, stats).as_union_value(),
        ),
        ResponseBody::PlainTransportConnect(answer) => (
            Body::PlainTransport_ConnectResponse,
            plain_transport::connected(fbb, answer).as_union_value(),
        ),
        ResponseBody::RestartIce(parameters) => (
            Body::Transport_RestartIceResponse,
            transport::restart(fbb, parameters).as_union_value(),
        ),
        ResponseBody::WebRtcTransportConnect(role) => {
            let args = web_rtc_transport::ConnectResponseArgs {
                dtls_local_role: transport::dtls_role(*role),
            };
            let table = web_rtc_transport::ConnectResponse::create(fbb, &args);
            (
                Body::WebRtcTransport_ConnectResponse,
                table.as_union_value(),
            )
        }
        ResponseBody::Produce(rtp_type) => {
            let args = fbs_transport::ProduceResponseArgs {
                type_: rtp::rtp_type(*rtp_type),
            };
            let table = fbs_transport::ProduceResponse::create(fbb, &args);
            (Body::Transport_ProduceResponse, table.as_union_value())
        }
        ResponseBody::Consume(response) => (
            Body::Transport_ConsumeResponse,
            rtp::consume_response(fbb, response).as_union_value(),
        ),
        other => return entity_body(fbb, other),
    })
}

fn entity_body(fbb: &mut Builder, body: &ResponseBody) -> Option<Payload<Body>> {
    Some(match body {
        ResponseBody::ProducerDump(dump) => (
            Body::Producer_DumpResponse,
            rtp::producer_dump(fbb, dump).as_union_value(),
        ),
        ResponseBody::ConsumerDump(dump) => (
            Body::Consumer_DumpResponse,
            rtp::consumer_dump(fbb, dump).as_union_value(),
        ),
        ResponseBody::ProducerStats(streams) => {
            let stats = Some(stats::streams(fbb, streams));
            let args = producer::GetStatsResponseArgs { stats };
            let table = producer::GetStatsResponse::create(fbb, &args);
            (Body::Producer_GetStatsResponse, table.as_union_value())
        }
        ResponseBody::ConsumerStats(streams) => {
            let stats = Some(stats::streams(fbb, streams));
            let args = consumer::GetStatsResponseArgs { stats };
            let table = consumer::GetStatsResponse::create(fbb, &args);
            (Body::Consumer_GetStatsResponse, table.as_union_value())
        }
        ResponseBody::ConsumerSetPreferredLayers(layers) => {
            let preferred_layers = layers.map(|layers| rtp::consumer_layers(fbb, layers));
            let args = consumer::SetPreferredLayersResponseArgs { preferred_layers };
            let table = consumer::SetPreferredLayersResponse::create(fbb, &args);
            (
                Body::Consumer_SetPreferredLayersResponse,
                table.as_union_value(),
            )
        }
        ResponseBody::ConsumerSetPriority(priority) => {
            let args = consumer::SetPriorityResponseArgs {
                priority: *priority,
            };
            let table = consumer::SetPriorityResponse::create(fbb, &args);
            (Body::Consumer_SetPriorityResponse, table.as_union_value())
        }
        _ => return None,
    })
}

fn event(fbb: &mut Builder, event: &Event) -> (FbsEvent, Option<Payload<EventBody>>) {
    match event {
        Event::WorkerRunning => (FbsEvent::WORKER_RUNNING, None),
        Event::ConsumerProducerPause => (FbsEvent::CONSUMER_PRODUCER_PAUSE, None),
        Event::ConsumerProducerResume => (FbsEvent::CONSUMER_PRODUCER_RESUME, None),
        Event::ConsumerProducerClose => (FbsEvent::CONSUMER_PRODUCER_CLOSE, None),
        Event::ProducerScore(scores) => {
            let table = rtp::producer_score(fbb, scores).as_union_value();
            (
                FbsEvent::PRODUCER_SCORE,
                Some((EventBody::Producer_ScoreNotification, table)),
            )
        }
        Event::ConsumerScore(score) => {
            let score = Some(rtp::consumer_score(fbb, score));
            let args = consumer::ScoreNotificationArgs { score };
            let table = consumer::ScoreNotification::create(fbb, &args).as_union_value();
            (
                FbsEvent::CONSUMER_SCORE,
                Some((EventBody::Consumer_ScoreNotification, table)),
            )
        }
        Event::ProducerVideoOrientationChange {
            camera,
            flip,
            rotation,
        } => {
            let args = producer::VideoOrientationChangeNotificationArgs {
                camera: *camera,
                flip: *flip,
                rotation: *rotation,
            };
            let table = producer::VideoOrientationChangeNotification::create(fbb, &args);
            let body = EventBody::Producer_VideoOrientationChangeNotification;
            (
                FbsEvent::PRODUCER_VIDEO_ORIENTATION_CHANGE,
                Some((body, table.as_union_value())),
            )
        }
        Event::ConsumerRtp(packet) => direct_transport::rtp_event(fbb, packet),
        Event::DirectTransportRtcp(packet) => direct_transport::rtcp_event(fbb, packet),
        Event::PlainTransportTuple(tuple) => plain_transport::tuple_event(fbb, tuple),
        Event::PlainTransportRtcpTuple(tuple) => plain_transport::rtcp_tuple_event(fbb, tuple),
        Event::IceSelectedTupleChange(_)
        | Event::IceStateChange(_)
        | Event::DtlsStateChange { .. } => transport::event(fbb, event),
    }
}

/// The maximum length of a reason (docs/channel.md §5).
fn truncated(mut reason: String) -> String {
    const MAX: usize = 1999;
    if reason.len() > MAX {
        let end = (0..=MAX)
            .rev()
            .find(|end| reason.is_char_boundary(*end))
            .unwrap_or(0);
        reason.truncate(end);
    }
    reason
}
