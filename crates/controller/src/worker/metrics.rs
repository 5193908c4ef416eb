//! Figures of a worker for a monitoring system.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use tureen_channel_fbs::fbs::metrics as fbs;
use tureen_channel_fbs::fbs::request::{Body, Method};
use tureen_channel_fbs::fbs::response::Response;

use super::requests::read_resource_usage;
use super::{ResourceUsage, Worker};
use crate::channel::{Fbb, Request, RequestError};

/// What a [`Worker`] tells a monitoring system of itself.
///
/// Counters start at 0 with the process and never go down; what is closed stays counted.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkerMetrics {
    /// What the process has used.
    pub resource_usage: ResourceUsage,
    /// What only workers of this project tell; none from another one, which is mediasoup's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<WorkerDetails>,
}

/// State and counters of a worker of this project.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkerDetails {
    /// Resident set now, in bytes; 0 when the system does not tell.
    pub resident_bytes: u64,
    /// WebRtcServers now.
    pub web_rtc_servers: u32,
    /// Routers now.
    pub routers: u32,
    /// Transports now.
    pub transports: u32,
    /// Producers now.
    pub producers: u32,
    /// Consumers now.
    pub consumers: u32,
    /// What came from all peers.
    pub received: DirectionMetrics,
    /// What went to all peers.
    pub sent: DirectionMetrics,
    /// Datagrams, packets and connections that the worker dropped or refused, by reason; reasons
    /// that did not occur are there with 0.
    pub dropped: BTreeMap<String, u64>,
    /// Panics that were contained.
    pub panics: u64,
    /// Notifications that were merged because this process did not read.
    pub notifications_merged: u64,
    /// Turns of the worker's event loop.
    pub turns: TurnMetrics,
}

/// What went one way between a worker and its peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DirectionMetrics {
    /// Bytes of all datagrams and TCP frames as they travel.
    pub bytes: u64,
    /// RTP packets, retransmissions apart.
    pub rtp_packets: u64,
    /// Bytes of them before protection, headers included.
    pub rtp_bytes: u64,
    /// RTX packets (RFC 4588).
    pub rtx_packets: u64,
    /// Bytes of them before protection, headers included.
    pub rtx_bytes: u64,
    /// RTP packets that reports say were lost on this way (RFC 3550, appendix A.3).
    pub rtp_packets_lost: u64,
    /// NACK messages.
    pub nacks: u64,
    /// RTP packets that these asked for.
    pub nacked_packets: u64,
    /// Picture Loss Indications.
    pub plis: u64,
    /// Full Intra Requests.
    pub firs: u64,
}

/// How long the turns of a worker's event loop took: what arrives in the meantime waits as long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TurnMetrics {
    /// Longest turn of each bucket but the last, ascending.
    pub bounds: Vec<Duration>,
    /// Turns in each bucket, not cumulated. The last one, one more than the bounds, has the longer
    /// ones.
    pub counts: Vec<u64>,
    /// Time of all turns.
    pub sum: Duration,
}

impl Worker {
    /// Figures for a monitoring system. Costs the worker a look at each of its transports.
    pub async fn metrics(&self) -> Result<WorkerMetrics, RequestError> {
        self.channel().request(&GetMetrics).await
    }
}

/// Asks for what every worker knows; one of this project adds its own figures.
struct GetMetrics;

impl Request for GetMetrics {
    const METHOD: Method = Method::WORKER_GET_RESOURCE_USAGE;
    type Response = WorkerMetrics;

    fn handler_id(&self) -> &str {
        ""
    }

    fn encode(&self, _: &mut Fbb) -> Option<tureen_channel_fbs::Payload<Body>> {
        None
    }

    fn decode(response: &Response<'_>) -> Option<WorkerMetrics> {
        let usage = response.body_as_worker_resource_usage_response()?;
        Some(WorkerMetrics {
            resource_usage: read_resource_usage(usage),
            details: usage.metrics().map(read_details),
        })
    }
}

fn read_details(of: fbs::WorkerMetrics<'_>) -> WorkerDetails {
    let turns = of.turns();
    WorkerDetails {
        resident_bytes: of.resident_bytes(),
        web_rtc_servers: of.web_rtc_servers(),
        routers: of.routers(),
        transports: of.transports(),
        producers: of.producers(),
        consumers: of.consumers(),
        received: read_direction(of.received()),
        sent: read_direction(of.sent()),
        dropped: of
            .dropped()
            .iter()
            .map(|counter| (counter.name().to_owned(), counter.count()))
            .collect(),
        panics: of.panics(),
        notifications_merged: of.notifications_merged(),
        turns: TurnMetrics {
            bounds: turns
                .bounds()
                .iter()
                .map(|micros| Duration::from_micros(micros.into()))
                .collect(),
            counts: turns.counts().iter().collect(),
            sum: Duration::from_micros(turns.sum()),
        },
    }
}

fn read_direction(of: fbs::Direction<'_>) -> DirectionMetrics {
    DirectionMetrics {
        bytes: of.bytes(),
        rtp_packets: of.rtp_packets(),
        rtp_bytes: of.rtp_bytes(),
        rtx_packets: of.rtx_packets(),
        rtx_bytes: of.rtx_bytes(),
        rtp_packets_lost: of.rtp_packets_lost(),
        nacks: of.nacks(),
        nacked_packets: of.nacked_packets(),
        plis: of.plis(),
        firs: of.firs(),
    }
}
