//! Bandwidth estimation at the receiving end, for publishers that negotiate abs-send-time but not
//! transport-wide feedback.
//!
//! The estimate mirrors the ideas of libwebrtc's `RemoteBitrateEstimatorAbsSendTime` (its
//! `modules/remote_bitrate_estimator` as of 2024), written anew: groups of packets sent within 5 ms
//! ([`ArrivalGroups`]), a delay-based overuse detector and AIMD rate control ([`AimdRateControl`]).
//! It deviates on purpose in three points. The detector is the trendline of libwebrtc's send-side
//! estimator ([`Trendline`]) instead of the Kalman filter. Probe clusters are not recognised, so at
//! the start the estimate relies on what the publisher sends by itself. All streams of a transport
//! share one detector, because they share the path.

use std::time::Duration;

use super::arrival_group::ArrivalGroups;
use super::rate_control::AimdRateControl;
use super::trendline::{Trendline, Usage};
use crate::streams::WindowedRate;
use crate::time::Instant;

/// Estimates how much a publisher may send from the abs-send-time of its packets.
///
/// [`ReceiveSideEstimator::poll`] says when to send a REMB message: each second while packets come,
/// and at once when the estimate falls by 3 %.
#[derive(Debug)]
pub(crate) struct ReceiveSideEstimator {
    send_clock: SendClock,
    groups: ArrivalGroups,
    trendline: Trendline,
    control: AimdRateControl,
    throughput: WindowedRate<10>,
    last_packet: Option<Instant>,
    updated_at: Option<Instant>,
    reported: Option<Report>,
    due: Option<Instant>,
    max_bitrate: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Report {
    bitrate: u64,
    at: Instant,
}

/// Unwraps abs-send-time: 24 bits in units of 2⁻¹⁸ s, which wrap every 64 s.
#[derive(Debug, Default)]
struct SendClock {
    highest: Option<u64>,
}

impl ReceiveSideEstimator {
    /// Nothing known yet.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self {
            send_clock: SendClock::default(),
            groups: ArrivalGroups::new(),
            trendline: Trendline::new(),
            control: AimdRateControl::new(),
            throughput: WindowedRate::new(),
            last_packet: None,
            updated_at: None,
            reported: None,
            due: None,
            max_bitrate: None,
        }
    }

    /// Takes an authenticated packet of `size` bytes that came at `received`. `abs_send_time` is
    /// the extension's 24 bits.
    pub(crate) fn handle_packet(&mut self, received: Instant, abs_send_time: u32, size: usize) {
        if self
            .last_packet
            .is_some_and(|last| received.since(last) > SILENCE)
        {
            self.send_clock = SendClock::default();
            self.groups.reset();
            self.trendline = Trendline::new();
        }
        self.last_packet = self.last_packet.max(Some(received));
        self.throughput.add(received, size);
        let sent = self.send_clock.unwrap(abs_send_time);
        let before = self.trendline.usage();
        if let Some(delta) = self.groups.handle_packet(sent, received) {
            self.trendline.handle_delta(delta, received);
        }
        let usage = self.trendline.usage();
        let overused_now = usage == Usage::Over;
        let elapsed = self.updated_at.map(|at| received.since(at));
        if overused_now
            || usage != before
            || elapsed.is_none_or(|elapsed| elapsed >= UPDATE_INTERVAL)
        {
            self.update(received, usage);
        }
    }

    /// The bit rate to send to the publisher, if a message is due now.
    pub(crate) fn poll(&mut self, now: Instant) -> Option<u64> {
        if self.due.is_none_or(|due| due > now) {
            return None;
        }
        self.due = None;
        let bitrate = self.estimate()?;
        self.reported = Some(Report { bitrate, at: now });
        Some(bitrate)
    }

    /// When [`ReceiveSideEstimator::poll`] will have a message; `None` while no packets come.
    #[must_use]
    pub(crate) const fn next_deadline(&self) -> Option<Instant> {
        self.due
    }

    /// The estimate in bits per second, at most the configured maximum; `None` until there is one.
    #[must_use]
    pub(crate) fn estimate(&self) -> Option<u64> {
        let target = self.control.target()?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "positive, and far below 2^64"
        )]
        let bitrate = target as u64;
        Some(self.max_bitrate.map_or(bitrate, |max| bitrate.min(max)))
    }

    /// Never tells more than `max` bits per second.
    pub(crate) fn set_max_bitrate(&mut self, max: Option<u64>) {
        self.max_bitrate = max;
    }

    /// The round trip to the publisher.
    pub(crate) fn set_rtt(&mut self, rtt: Duration) {
        self.control.set_rtt(rtt);
    }

    fn update(&mut self, now: Instant, usage: Usage) {
        self.updated_at = Some(now);
        #[expect(clippy::cast_precision_loss, reason = "a bit rate")]
        let throughput = self.throughput.bitrate(now) as f64;
        self.control.update(now, usage, throughput);
        let Some(bitrate) = self.estimate() else {
            return;
        };
        let due = match self.reported {
            None => now,
            // A fall must reach the publisher before its queue overflows.
            Some(report) if bitrate < report.bitrate - report.bitrate / 100 * FALL_PERCENT => now,
            Some(report) => report.at + REPORT_INTERVAL,
        };
        self.due = Some(self.due.map_or(due, |earlier| earlier.min(due)));
    }
}

impl Default for ReceiveSideEstimator {
    fn default() -> Self {
        Self::new()
    }
}

impl SendClock {
    fn unwrap(&mut self, abs_send_time: u32) -> Instant {
        let low = u64::from(abs_send_time) & (WRAP - 1);
        let ticks = match self.highest {
            // Below the first packet there is one cycle's room.
            None => WRAP + low,
            Some(highest) => {
                let ahead = low.wrapping_sub(highest) & (WRAP - 1);
                if ahead < WRAP / 2 {
                    highest + ahead
                } else {
                    (highest + ahead).saturating_sub(WRAP)
                }
            }
        };
        self.highest = self.highest.max(Some(ticks));
        // 2^-18 s are 15625 / 4096 µs.
        Instant::from_nanos(ticks.saturating_mul(15_625_000) / 4096)
    }
}

/// Ticks of abs-send-time in one cycle.
const WRAP: u64 = 1 << 24;
/// After so long a silence the detector starts anew.
const SILENCE: Duration = Duration::from_secs(2);
/// How often the rate grows while nothing happens.
const UPDATE_INTERVAL: Duration = Duration::from_millis(100);
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
const FALL_PERCENT: u64 = 3;

#[cfg(test)]
mod tests;
