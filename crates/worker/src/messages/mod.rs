//! The messages between controller and worker as plain data: the types of requests, responses and
//! notifications. `channel` turns them into bytes.

mod incoming;
mod metrics;
mod notifications;
mod outbox;
mod requests;
mod responses;

pub use incoming::{IncomingBody, IncomingNotification};
pub use metrics::{Direction, ProcessUsage, TurnTimes, WorkerMetrics};
pub use notifications::{ConsumerScore, Event, Notification, ProducerScore};
pub(crate) use outbox::Outbox;
pub use outbox::Outgoing;
pub use requests::{
    Consume, CreateDirectTransport, CreatePlainTransport, CreateWebRtcTransport, Listen, Message,
    PlainConnect, Produce, Request, RequestBody, ResourceUsage, TransportOptions,
};
pub use responses::{
    BaseStreamStats, ConsumeResponse, ConsumerDump, PlainConnected, PlainTransportDump,
    PlainTransportStats, ProducerDump, RecvStreamStats, Response, ResponseBody, RouterDump,
    RtpListenerDump, RtpStreamDump, RtxStreamDump, SendStreamStats, StreamStats, TransportDump,
    TransportStats, WebRtcServerDump, WebRtcTransportDump, WebRtcTransportStats, WorkerDump,
};
