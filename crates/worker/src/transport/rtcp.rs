//! When a transport reports, and under which name.

use std::time::Duration;

use crate::ids::Ssrc;
use crate::rng::Rng;
use crate::time::Instant;

/// The schedule of sender and receiver reports.
#[derive(Debug)]
pub(crate) struct RtcpSchedule {
    /// The sender of feedback and receiver reports. It is a source of its own, so that reporting
    /// needs no media SSRC.
    pub(crate) ssrc: Ssrc,
    next_report: Instant,
    /// Consumers that have reported in this interval.
    reported: usize,
    /// Incoming streams that were reported about in this interval.
    streams_reported: usize,
    rng: Rng,
}

impl RtcpSchedule {
    pub(crate) fn new(now: Instant, rng: &mut Rng) -> Self {
        let mut rng = rng.fork();
        let ssrc = Ssrc(rng.next_u32());
        let mut schedule = Self {
            ssrc,
            next_report: now,
            reported: 0,
            streams_reported: 0,
            rng,
        };
        schedule.reschedule(now);
        schedule
    }

    /// Whether reports are due.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        now >= self.next_report
    }

    /// When they are due next.
    pub(crate) fn deadline(&self) -> Instant {
        self.next_report
    }

    /// How many consumers have reported in this interval.
    pub(crate) fn reported(&self) -> usize {
        self.reported
    }

    /// So many more consumers have reported.
    pub(crate) fn advance(&mut self, consumers: usize) {
        self.reported += consumers;
    }

    /// How many incoming streams were reported about in this interval.
    pub(crate) fn streams_reported(&self) -> usize {
        self.streams_reported
    }

    /// So many more streams were reported about.
    pub(crate) fn advance_streams(&mut self, streams: usize) {
        self.streams_reported += streams;
    }

    /// Reports were sent, so the next are due in 1 to 1.5 s. RFC 3550 §6.2: "The interval between
    /// RTCP packets is varied randomly … to avoid unintended synchronization of all participants".
    pub(crate) fn reschedule(&mut self, now: Instant) {
        self.reported = 0;
        self.streams_reported = 0;
        let jitter = u64::from(self.rng.below(JITTER_MICROS));
        self.next_report = now + INTERVAL + Duration::from_micros(jitter);
    }
}

const INTERVAL: Duration = Duration::from_secs(1);
const JITTER_MICROS: u32 = 500_000;
