//! Turns frames into messages. Every frame is verified before it is read. When a request leaves
//! something out or gets it wrong, it is answered with an error that names the field, and reading
//! goes on.

mod plain_transport;
mod rtp;
mod transport;

use tureen_channel_fbs::fbs::notification::{Event, Notification};
use tureen_channel_fbs::fbs::request::{self, Method};
use tureen_channel_fbs::{FrameError, read_message};

use crate::error::RequestError;
use crate::messages::{
    IncomingBody, IncomingNotification, Message, ProcessUsage, Request, RequestBody,
};
use crate::params::{ConsumerLayers, MediaKind};

/// What every conversion of a body yields.
type Decoded<T> = Result<T, RequestError>;

/// Reads one frame, prefix included. `process_usage` is called only if the request asks for it.
///
/// # Errors
///
/// The frame is not a message of the channel, so there is nobody to answer.
pub fn decode(
    frame: &[u8],
    process_usage: impl FnOnce() -> ProcessUsage,
) -> Result<Message, FrameError> {
    let message = read_message(frame)?;
    if let Some(request) = message.data_as_request() {
        let method = request.method();
        let body = body(&request, process_usage).unwrap_or_else(RequestBody::Malformed);
        return Ok(Message::Request(Request {
            id: request.id(),
            method: method.variant_name().unwrap_or("unknown"),
            handler_id: request.handler_id().to_owned(),
            body,
        }));
    }
    if let Some(notification) = message.data_as_notification() {
        return Ok(Message::Notification(self::notification(&notification)));
    }
    let problem = format!("message of type {:?}", message.data_type());
    let error = RequestError::invalid("message.data", problem);
    Ok(Message::Notification(IncomingNotification {
        event: "unknown",
        handler_id: String::new(),
        body: IncomingBody::Malformed(error),
    }))
}

fn notification(notification: &Notification<'_>) -> IncomingNotification {
    let body = notification_body(notification).unwrap_or_else(|| {
        let problem = format!("does not fit the event {:?}", notification.event());
        IncomingBody::Malformed(RequestError::invalid("notification.body", problem))
    });
    IncomingNotification {
        event: notification.event().variant_name().unwrap_or("unknown"),
        handler_id: notification.handler_id().to_owned(),
        body,
    }
}

/// What is told; `None` when the body is not that of the event.
fn notification_body(notification: &Notification<'_>) -> Option<IncomingBody> {
    Some(match notification.event() {
        Event::WORKER_CLOSE => IncomingBody::WorkerClose,
        Event::PRODUCER_SEND => {
            let body = notification.body_as_producer_send_notification()?;
            IncomingBody::ProducerSend(body.data().bytes().to_vec())
        }
        Event::TRANSPORT_SEND_RTCP => {
            let body = notification.body_as_transport_send_rtcp_notification()?;
            IncomingBody::TransportSendRtcp(body.data().bytes().to_vec())
        }
        event if event.variant_name().is_some() => IncomingBody::Unsupported,
        event => IncomingBody::Unknown(event.0),
    })
}

/// The body that `accessor` finds, or an error that names it.
macro_rules! table {
    ($request:ident . $accessor:ident ()) => {
        $request.$accessor().ok_or_else(|| {
            RequestError::invalid(
                "request.body",
                format!(
                    "{} does not fit the method {:?}",
                    $request.body_type().variant_name().unwrap_or("unknown"),
                    $request.method()
                ),
            )
        })?
    };
}

fn body(
    request: &request::Request<'_>,
    process_usage: impl FnOnce() -> ProcessUsage,
) -> Decoded<RequestBody> {
    let method = request.method();
    if method.0 <= Method::WORKER_CLOSE_ROUTER.0 {
        return worker_body(request, process_usage);
    }
    Ok(match method {
        Method::WEBRTCSERVER_DUMP => RequestBody::WebRtcServerDump,
        Method::ROUTER_DUMP => RequestBody::RouterDump,
        Method::ROUTER_CREATE_WEBRTCTRANSPORT
        | Method::ROUTER_CREATE_WEBRTCTRANSPORT_WITH_SERVER => {
            let body = table!(request.body_as_router_create_web_rtc_transport_request());
            RequestBody::RouterCreateWebRtcTransport(Box::new(transport::create(&body)?))
        }
        Method::ROUTER_CREATE_PLAINTRANSPORT => {
            let body = table!(request.body_as_router_create_plain_transport_request());
            RequestBody::RouterCreatePlainTransport(Box::new(plain_transport::create(&body)?))
        }
        Method::ROUTER_CREATE_DIRECTTRANSPORT => {
            let body = table!(request.body_as_router_create_direct_transport_request());
            let create = transport::create_direct(&body);
            RequestBody::RouterCreateDirectTransport(Box::new(create))
        }
        Method::ROUTER_CLOSE_TRANSPORT => {
            let body = table!(request.body_as_router_close_transport_request());
            RequestBody::RouterCloseTransport {
                transport_id: body.transport_id().to_owned(),
            }
        }
        Method::PRODUCER_DUMP => RequestBody::ProducerDump,
        Method::PRODUCER_GET_STATS => RequestBody::ProducerGetStats,
        Method::PRODUCER_PAUSE => RequestBody::ProducerPause,
        Method::PRODUCER_RESUME => RequestBody::ProducerResume,
        Method::CONSUMER_DUMP => RequestBody::ConsumerDump,
        Method::CONSUMER_GET_STATS => RequestBody::ConsumerGetStats,
        Method::CONSUMER_PAUSE => RequestBody::ConsumerPause,
        Method::CONSUMER_RESUME => RequestBody::ConsumerResume,
        Method::CONSUMER_REQUEST_KEY_FRAME => RequestBody::ConsumerRequestKeyFrame,
        Method::CONSUMER_SET_PREFERRED_LAYERS => {
            let body = table!(request.body_as_consumer_set_preferred_layers_request());
            RequestBody::ConsumerSetPreferredLayers(layers(&body.preferred_layers()))
        }
        Method::CONSUMER_SET_PRIORITY => {
            let body = table!(request.body_as_consumer_set_priority_request());
            RequestBody::ConsumerSetPriority(body.priority())
        }
        _ => return transport_body(request),
    })
}

fn worker_body(
    request: &request::Request<'_>,
    process_usage: impl FnOnce() -> ProcessUsage,
) -> Decoded<RequestBody> {
    Ok(match request.method() {
        Method::WORKER_DUMP => RequestBody::WorkerDump,
        Method::WORKER_GET_RESOURCE_USAGE => {
            RequestBody::WorkerGetResourceUsage(Box::new(process_usage()))
        }
        Method::WORKER_UPDATE_SETTINGS => {
            let body = table!(request.body_as_worker_update_settings_request());
            RequestBody::WorkerUpdateSettings {
                log_level: body.log_level().map(str::to_owned),
                log_tags: body
                    .log_tags()
                    .map(|tags| tags.iter().map(str::to_owned).collect()),
            }
        }
        Method::WORKER_CREATE_WEBRTCSERVER => {
            let body = table!(request.body_as_worker_create_web_rtc_server_request());
            RequestBody::WorkerCreateWebRtcServer {
                web_rtc_server_id: body.web_rtc_server_id().to_owned(),
                listen_infos: transport::listen_infos(body.listen_infos())?,
            }
        }
        Method::WORKER_CREATE_ROUTER => {
            let body = table!(request.body_as_worker_create_router_request());
            RequestBody::WorkerCreateRouter {
                router_id: body.router_id().to_owned(),
            }
        }
        Method::WORKER_WEBRTCSERVER_CLOSE => {
            let body = table!(request.body_as_worker_close_web_rtc_server_request());
            let web_rtc_server_id = body.web_rtc_server_id().to_owned();
            RequestBody::WorkerCloseWebRtcServer { web_rtc_server_id }
        }
        Method::WORKER_CLOSE_ROUTER => {
            let body = table!(request.body_as_worker_close_router_request());
            RequestBody::WorkerCloseRouter {
                router_id: body.router_id().to_owned(),
            }
        }
        other => RequestBody::Unknown(other.0),
    })
}

fn transport_body(request: &request::Request<'_>) -> Decoded<RequestBody> {
    Ok(match request.method() {
        Method::TRANSPORT_DUMP => RequestBody::TransportDump,
        Method::TRANSPORT_GET_STATS => RequestBody::TransportGetStats,
        Method::TRANSPORT_SET_MAX_INCOMING_BITRATE => {
            let body = table!(request.body_as_transport_set_max_incoming_bitrate_request());
            RequestBody::TransportSetMaxIncomingBitrate(body.max_incoming_bitrate())
        }
        Method::TRANSPORT_RESTART_ICE => RequestBody::TransportRestartIce,
        Method::WEBRTCTRANSPORT_CONNECT => {
            let body = table!(request.body_as_web_rtc_transport_connect_request());
            let parameters = transport::dtls_parameters(&body.dtls_parameters())?;
            RequestBody::WebRtcTransportConnect(parameters)
        }
        Method::PLAINTRANSPORT_CONNECT => {
            let body = table!(request.body_as_plain_transport_connect_request());
            RequestBody::PlainTransportConnect(Box::new(plain_transport::connect(&body)?))
        }
        Method::TRANSPORT_PRODUCE => {
            let body = table!(request.body_as_transport_produce_request());
            RequestBody::TransportProduce(Box::new(rtp::produce(&body)?))
        }
        Method::TRANSPORT_CONSUME => {
            let body = table!(request.body_as_transport_consume_request());
            RequestBody::TransportConsume(Box::new(rtp::consume(&body)?))
        }
        Method::TRANSPORT_CLOSE_PRODUCER => {
            let body = table!(request.body_as_transport_close_producer_request());
            RequestBody::TransportCloseProducer {
                producer_id: body.producer_id().to_owned(),
            }
        }
        Method::TRANSPORT_CLOSE_CONSUMER => {
            let body = table!(request.body_as_transport_close_consumer_request());
            RequestBody::TransportCloseConsumer {
                consumer_id: body.consumer_id().to_owned(),
            }
        }
        method if method.variant_name().is_some() => RequestBody::Unsupported,
        method => RequestBody::Unknown(method.0),
    })
}

fn layers(layers: &tureen_channel_fbs::fbs::consumer::ConsumerLayers<'_>) -> ConsumerLayers {
    ConsumerLayers {
        spatial: layers.spatial_layer(),
        temporal: layers.temporal_layer(),
    }
}

fn media_kind(kind: tureen_channel_fbs::fbs::rtp_parameters::MediaKind) -> Decoded<MediaKind> {
    use tureen_channel_fbs::fbs::rtp_parameters::MediaKind as Fbs;
    match kind {
        Fbs::AUDIO => Ok(MediaKind::Audio),
        Fbs::VIDEO => Ok(MediaKind::Video),
        other => Err(unknown("kind", other.0)),
    }
}

/// The error for a number that the enumeration does not have.
fn unknown(field: &str, number: u8) -> RequestError {
    RequestError::invalid(field, format!("unknown value {number}"))
}
