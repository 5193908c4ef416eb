//! Figures for a monitoring system, which travel with the answer to `WORKER_GET_RESOURCE_USAGE`.

use super::requests::ResourceUsage;

/// What the shell knows of the process, read when the request comes in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProcessUsage {
    /// What `getrusage(2)` says.
    pub resources: ResourceUsage,
    /// The resident set now, in bytes; 0 when the system does not tell.
    pub resident_bytes: u64,
    /// What the shell lost, by reason, since the worker started.
    pub dropped: Vec<(&'static str, u64)>,
    /// Turns of the event loop.
    pub turns: TurnTimes,
}

/// How long turns of the event loop took since the worker started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TurnTimes {
    /// The longest turn of each bucket but the last, in microseconds, ascending.
    pub bounds: Vec<u32>,
    /// Turns in each bucket, not cumulated; one more than `bounds`.
    pub counts: Vec<u64>,
    /// Microseconds of all turns.
    pub sum: u64,
}

/// What went one way between the worker and its peers since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Direction {
    /// Bytes of all datagrams, as they travel.
    pub bytes: u64,
    /// RTP packets without retransmissions.
    pub rtp_packets: u64,
    /// Bytes of them before protection.
    pub rtp_bytes: u64,
    /// Retransmissions.
    pub rtx_packets: u64,
    /// Bytes of them before protection.
    pub rtx_bytes: u64,
    /// RTP packets reported lost.
    pub rtp_packets_lost: u64,
    /// NACK messages.
    pub nacks: u64,
    /// Packets that these asked for.
    pub nacked_packets: u64,
    /// PLI messages.
    pub plis: u64,
    /// FIR requests.
    pub firs: u64,
}

/// State and counters of the worker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkerMetrics {
    /// The resident set now, in bytes.
    pub resident_bytes: u64,
    /// WebRTC servers now.
    pub web_rtc_servers: usize,
    /// Routers now.
    pub routers: usize,
    /// Transports now.
    pub transports: usize,
    /// Producers now.
    pub producers: usize,
    /// Consumers now.
    pub consumers: usize,
    /// From the peers.
    pub received: Direction,
    /// To the peers.
    pub sent: Direction,
    /// What was dropped, by reason.
    pub dropped: Vec<(&'static str, u64)>,
    /// Panics that were contained.
    pub panics: u64,
    /// Notifications that were merged for want of a reader.
    pub notifications_merged: u64,
    /// Turns of the event loop.
    pub turns: TurnTimes,
}
