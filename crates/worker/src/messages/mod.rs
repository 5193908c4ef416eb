//! What the controller and the worker say to each other, as plain data. The channel's bytes are the
//! business of the edge; here are the types that requests arrive as and answers leave as.

mod notifications;
mod outbox;
mod requests;
mod responses;

pub use notifications::{ConsumerScore, Event, Notification, ProducerScore};
pub use outbox::{Outbox, Outgoing};
pub use requests::{
    Consume, CreateWebRtcTransport, Listen, Message, Produce, Request, RequestBody, ResourceUsage,
    TransportOptions,
};
pub use responses::{
    BaseStreamStats, ConsumeResponse, ConsumerDump, ProducerDump, RecvStreamStats, Response,
    ResponseBody, RouterDump, RtpListenerDump, RtpStreamDump, RtxStreamDump, SendStreamStats,
    StreamStats, TransportDump, TransportStats, WebRtcServerDump, WebRtcTransportDump,
    WebRtcTransportStats, WorkerDump,
};
