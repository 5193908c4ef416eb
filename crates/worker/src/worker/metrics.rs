//! The figures for a monitoring system: the worker's own totals, and the sums of what its transports
//! count. To make them up, it looks at every transport and at no stream.

use super::Worker;
use super::drops::Drops;
use crate::messages::{Direction, ProcessUsage, WorkerMetrics};
use crate::transport::{Traffic, Transport};

/// Counts that belong to no transport that is there: what peers ask for and report, and the sums of
/// the transports that are gone.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) received: Direction,
    pub(super) sent: Direction,
    pub(super) dropped: Drops,
}

impl Totals {
    /// Adds the counts of a transport that is about to be removed.
    pub(super) fn keep(&mut self, transport: &Transport) {
        add_traffic(&mut self.received, &mut self.sent, transport);
        self.dropped += Drops::of(transport);
    }
}

impl Worker {
    /// State and counters, together with what the shell knows.
    pub(super) fn metrics(&self, process: &ProcessUsage) -> WorkerMetrics {
        let entities = &self.entities;
        let (mut received, mut sent) = (self.totals.received, self.totals.sent);
        let (mut transports, mut producers, mut consumers) = (0, 0, 0);
        for (_, transport) in entities.transports.iter() {
            add_traffic(&mut received, &mut sent, transport);
            transports += 1;
            producers += transport.producers.len();
            consumers += transport.consumers.len();
        }
        let drops = self.drops();
        WorkerMetrics {
            resident_bytes: process.resident_bytes,
            web_rtc_servers: entities.web_rtc_servers.iter().count(),
            routers: entities.routers.iter().count(),
            transports,
            producers,
            consumers,
            received,
            sent,
            dropped: drops
                .of_packets()
                .chain(process.dropped.iter().copied())
                .collect(),
            panics: self.counters.panics,
            notifications_merged: self.outbox.merged(),
            turns: process.turns.clone(),
        }
    }
}

fn add_traffic(received: &mut Direction, sent: &mut Direction, transport: &Transport) {
    let (counted_in, counted_out) = (transport.received(), transport.sent());
    add(received, &counted_in.all, &counted_in.rtp, &counted_in.rtx);
    received.rtp_packets_lost += counted_in.lost;
    add(sent, &counted_out.all, &counted_out.rtp, &counted_out.rtx);
    sent.nacks += counted_out.asked.nacks;
    sent.nacked_packets += counted_out.asked.nacked_packets;
    sent.plis += counted_out.asked.plis;
    sent.firs += counted_out.asked.firs;
}

fn add(direction: &mut Direction, all: &Traffic, rtp: &Traffic, rtx: &Traffic) {
    direction.bytes += all.bytes;
    direction.rtp_packets += rtp.packets;
    direction.rtp_bytes += rtp.bytes;
    direction.rtx_packets += rtx.packets;
    direction.rtx_bytes += rtx.bytes;
}
