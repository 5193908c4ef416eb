//! Finds out whether the delay of a path grows: it compares the slope of a line through recent
//! delays with a threshold that adapts.

use std::collections::VecDeque;

use super::arrival_group::GroupDelta;
use crate::time::Instant;

/// What the delay of a path says about its load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Usage {
    /// The delay stays as it is.
    Normal,
    /// The delay grows: more is sent than the path takes.
    Over,
    /// The delay shrinks: queues drain.
    Under,
}

/// Detects overuse. It adds up how much further apart groups of packets arrived than they were
/// sent.
#[derive(Debug)]
pub(crate) struct Trendline {
    points: VecDeque<Point>,
    first_arrival: Option<Instant>,
    deltas: u32,
    accumulated_ms: f64,
    smoothed_ms: f64,
    threshold: f64,
    threshold_at: Option<Instant>,
    slope: f64,
    over: Option<OverSince>,
    usage: Usage,
}

#[derive(Clone, Copy, Debug)]
struct Point {
    arrived_ms: f64,
    delay_ms: f64,
}

#[derive(Clone, Copy, Debug)]
struct OverSince {
    ms: f64,
    times: u32,
}

impl Trendline {
    /// Nothing known yet.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self {
            points: VecDeque::with_capacity(WINDOW),
            first_arrival: None,
            deltas: 0,
            accumulated_ms: 0.0,
            smoothed_ms: 0.0,
            threshold: FIRST_THRESHOLD,
            threshold_at: None,
            slope: 0.0,
            over: None,
            usage: Usage::Normal,
        }
    }

    /// Takes the comparison of two groups, the later of which arrived at `arrived`.
    pub(crate) fn handle_delta(&mut self, delta: GroupDelta, arrived: Instant) -> Usage {
        self.deltas = (self.deltas + 1).min(MAX_DELTAS);
        self.accumulated_ms += delta.arrived_ms - delta.sent_ms;
        self.smoothed_ms += (1.0 - SMOOTHING) * (self.accumulated_ms - self.smoothed_ms);
        let origin = *self.first_arrival.get_or_insert(arrived);
        if self.points.len() == WINDOW {
            self.points.pop_front();
        }
        self.points.push_back(Point {
            arrived_ms: arrived.since(origin).as_secs_f64() * 1000.0,
            delay_ms: self.smoothed_ms,
        });
        let slope = if self.points.len() == WINDOW {
            slope(&self.points).unwrap_or(self.slope)
        } else {
            self.slope
        };
        self.detect(slope, delta.sent_ms, arrived);
        self.usage
    }

    /// What the last comparison said.
    #[must_use]
    pub(crate) const fn usage(&self) -> Usage {
        self.usage
    }

    fn detect(&mut self, slope: f64, sent_ms: f64, now: Instant) {
        if self.deltas < 2 {
            return;
        }
        let trend = f64::from(self.deltas) * slope * GAIN;
        if trend > self.threshold {
            let over = self.over.get_or_insert(OverSince {
                ms: -sent_ms / 2.0,
                times: 0,
            });
            over.ms += sent_ms;
            over.times += 1;
            if over.ms > OVERUSE_MS && over.times > 1 && slope >= self.slope {
                self.over = None;
                self.usage = Usage::Over;
            }
        } else {
            self.over = None;
            self.usage = if trend < -self.threshold {
                Usage::Under
            } else {
                Usage::Normal
            };
        }
        self.slope = slope;
        self.adapt(trend.abs(), now);
    }

    /// The threshold follows the usual size of the trend, so that competing flows which fill queues
    /// do not starve this one. Single spikes are ignored.
    fn adapt(&mut self, trend: f64, now: Instant) {
        let before = self.threshold_at.replace(now).unwrap_or(now);
        if trend > self.threshold + SPIKE {
            return;
        }
        let gain = if trend < self.threshold {
            GAIN_DOWN
        } else {
            GAIN_UP
        };
        let elapsed_ms = (now.since(before).as_secs_f64() * 1000.0).min(100.0);
        self.threshold += gain * (trend - self.threshold) * elapsed_ms;
        self.threshold = self.threshold.clamp(THRESHOLDS.0, THRESHOLDS.1);
    }
}

impl Default for Trendline {
    fn default() -> Self {
        Self::new()
    }
}

/// The slope of the least-squares line through the points; `None` when they all came at once.
fn slope(points: &VecDeque<Point>) -> Option<f64> {
    let count = f64::from(u32::try_from(points.len()).unwrap_or(u32::MAX));
    let mean_x = points.iter().map(|p| p.arrived_ms).sum::<f64>() / count;
    let mean_y = points.iter().map(|p| p.delay_ms).sum::<f64>() / count;
    let (mut covariance, mut variance) = (0.0, 0.0);
    for point in points {
        let x = point.arrived_ms - mean_x;
        covariance += x * (point.delay_ms - mean_y);
        variance += x * x;
    }
    (variance > 0.0).then(|| covariance / variance)
}

/// Points of the line.
const WINDOW: usize = 20;
const SMOOTHING: f64 = 0.9;
const GAIN: f64 = 4.0;
/// The trend grows with the number of comparisons up to this.
const MAX_DELTAS: u32 = 60;
const FIRST_THRESHOLD: f64 = 12.5;
const THRESHOLDS: (f64, f64) = (6.0, 600.0);
const GAIN_UP: f64 = 0.0087;
const GAIN_DOWN: f64 = 0.039;
const SPIKE: f64 = 15.0;
/// Overuse must last this long.
const OVERUSE_MS: f64 = 10.0;

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds groups sent every 20 ms whose delay changes by `growth` ms each.
    fn run(trendline: &mut Trendline, start: u64, groups: u64, growth: f64) -> Vec<Usage> {
        (0..groups)
            .map(|n| {
                let delta = GroupDelta {
                    sent_ms: 20.0,
                    arrived_ms: 20.0 + growth,
                };
                trendline.handle_delta(delta, Instant::from_millis((start + n) * 20))
            })
            .collect()
    }

    #[test]
    fn a_steady_delay_is_normal() {
        let usages = run(&mut Trendline::new(), 0, 200, 0.0);
        assert!(usages.iter().all(|usage| *usage == Usage::Normal));
    }

    #[test]
    fn a_growing_delay_is_overuse_and_a_shrinking_one_underuse() {
        let mut trendline = Trendline::new();
        run(&mut trendline, 0, 60, 0.0);
        let growing = run(&mut trendline, 60, 40, 2.0);
        let first = growing.iter().position(|usage| *usage == Usage::Over);
        assert!(first.is_some_and(|n| n < 15), "{first:?}");
        let shrinking = run(&mut trendline, 100, 40, -2.0);
        assert!(shrinking.contains(&Usage::Under));
        assert_eq!(
            run(&mut trendline, 140, 80, 0.0).last(),
            Some(&Usage::Normal)
        );
    }

    #[test]
    fn jitter_around_a_steady_delay_is_not_overuse() {
        let mut trendline = Trendline::new();
        for n in 0..1000_u64 {
            let growth = if n % 2 == 0 { 3.0 } else { -3.0 };
            let usage = run(&mut trendline, n, 1, growth)[0];
            assert_ne!(usage, Usage::Over, "{n}");
        }
    }

    #[test]
    fn groups_that_arrive_at_one_instant_do_not_divide_by_zero() {
        let mut trendline = Trendline::new();
        for _ in 0..100 {
            let delta = GroupDelta {
                sent_ms: 10.0,
                arrived_ms: 0.0,
            };
            trendline.handle_delta(delta, Instant::from_millis(5));
        }
        assert!(trendline.slope.is_finite());
    }
}
