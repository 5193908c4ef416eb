//! Figures for a monitoring system.

use tureen_channel_fbs::fbs::metrics;

use super::{Builder, Offset};
use crate::messages::{Direction, WorkerMetrics};

pub(super) fn worker_metrics(
    fbb: &mut Builder,
    of: &WorkerMetrics,
) -> Offset<metrics::WorkerMetrics<'static>> {
    let dropped: Vec<_> = of
        .dropped
        .iter()
        .map(|(name, count)| {
            let name = Some(fbb.create_string(name));
            let count = *count;
            metrics::Counter::create(fbb, &metrics::CounterArgs { name, count })
        })
        .collect();
    let turns = metrics::TurnsArgs {
        bounds: Some(fbb.create_vector(&of.turns.bounds)),
        counts: Some(fbb.create_vector(&of.turns.counts)),
        sum: of.turns.sum,
    };
    let count = |entities: usize| u32::try_from(entities).unwrap_or(u32::MAX);
    let args = metrics::WorkerMetricsArgs {
        resident_bytes: of.resident_bytes,
        web_rtc_servers: count(of.web_rtc_servers),
        routers: count(of.routers),
        transports: count(of.transports),
        producers: count(of.producers),
        consumers: count(of.consumers),
        received: Some(direction(fbb, &of.received)),
        sent: Some(direction(fbb, &of.sent)),
        dropped: Some(fbb.create_vector(&dropped)),
        panics: of.panics,
        notifications_merged: of.notifications_merged,
        turns: Some(metrics::Turns::create(fbb, &turns)),
    };
    metrics::WorkerMetrics::create(fbb, &args)
}

fn direction(fbb: &mut Builder, of: &Direction) -> Offset<metrics::Direction<'static>> {
    let args = metrics::DirectionArgs {
        bytes: of.bytes,
        rtp_packets: of.rtp_packets,
        rtp_bytes: of.rtp_bytes,
        rtx_packets: of.rtx_packets,
        rtx_bytes: of.rtx_bytes,
        rtp_packets_lost: of.rtp_packets_lost,
        nacks: of.nacks,
        nacked_packets: of.nacked_packets,
        plis: of.plis,
        firs: of.firs,
    };
    metrics::Direction::create(fbb, &args)
}
