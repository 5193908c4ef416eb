//! Notifications of the controller: like requests, but nobody waits for an answer.

use crate::error::RequestError;

/// A notification (docs/channel.md §5). What goes wrong with it is logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncomingNotification {
    /// The name of the event, for logs.
    pub event: &'static str,
    /// The entity that it is for; empty for the worker.
    pub handler_id: String,
    /// What is told.
    pub body: IncomingBody,
}

/// What a notification tells, one variant per event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IncomingBody {
    /// `WORKER_CLOSE`: tear everything down and exit.
    WorkerClose,
    /// `PRODUCER_SEND`: an RTP packet for a producer of a direct transport.
    ProducerSend(Vec<u8>),
    /// `TRANSPORT_SEND_RTCP`: an RTCP packet for a direct transport.
    TransportSendRtcp(Vec<u8>),
    /// An event of the contract that this worker does not carry out.
    Unsupported,
    /// An event that is not in the contract, by its number.
    Unknown(u8),
    /// It is no notification, or its body does not fit the event.
    Malformed(RequestError),
}
