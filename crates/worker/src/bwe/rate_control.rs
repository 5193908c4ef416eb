//! Additive increase, multiplicative decrease: turns the load of a path into a target bit rate.

use std::time::Duration;

use super::trendline::Usage;
use crate::time::Instant;

/// Turns [`Usage`] and the measured throughput into a target bit rate.
///
/// On overuse the target becomes 85 % of the throughput, and this throughput is remembered as the
/// path's capacity. Otherwise the target grows. Near the remembered capacity it grows by about one
/// packet per response time, elsewhere by 8 % per second. It never exceeds one and a half times the
/// real throughput. While queues drain, it stays.
#[derive(Debug)]
pub(crate) struct AimdRateControl {
    target: Option<f64>,
    state: State,
    changed_at: Option<Instant>,
    decreased_at: Option<Instant>,
    first_at: Option<Instant>,
    capacity: Capacity,
    rtt: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Hold,
    Increase,
}

/// Mean and normalised variance of the throughput, in kbit/s, at which overuse set in.
#[derive(Debug)]
struct Capacity {
    mean: Option<f64>,
    deviation: f64,
}

impl AimdRateControl {
    /// No target yet.
    #[must_use]
    pub(crate) const fn new() -> Self {
        Self {
            target: None,
            state: State::Hold,
            changed_at: None,
            decreased_at: None,
            first_at: None,
            capacity: Capacity::new(),
            rtt: DEFAULT_RTT,
        }
    }

    /// The target in bits per second; `None` until there was overuse or five seconds of throughput.
    #[must_use]
    pub(crate) const fn target(&self) -> Option<f64> {
        self.target
    }

    /// The round trip that reactions take; 200 ms until it is known.
    pub(crate) fn set_rtt(&mut self, rtt: Duration) {
        self.rtt = rtt;
    }

    /// Sets the target from outside, as a first guess.
    pub(crate) fn set_target(&mut self, now: Instant, target: f64) {
        self.target = Some(target.max(MIN_TARGET));
        self.changed_at = Some(now);
    }

    /// Takes the state of the path. `throughput` is the recent throughput in bits per second; 0 if
    /// it is not known.
    pub(crate) fn update(&mut self, now: Instant, usage: Usage, throughput: f64) {
        let first_at = *self.first_at.get_or_insert(now);
        if self.target.is_none() && throughput > 0.0 {
            if now.since(first_at) < WATCH && usage != Usage::Over {
                return;
            }
            self.set_target(now, throughput);
        }
        let Some(target) = self.target else {
            return;
        };
        match usage {
            Usage::Over => {
                if self.may_decrease(now, target, throughput) {
                    self.decrease(now, target, throughput);
                }
            }
            Usage::Under => {
                self.state = State::Hold;
                self.changed_at = Some(now);
            }
            Usage::Normal => {
                if self.state == State::Hold {
                    self.state = State::Increase;
                    self.changed_at = Some(now);
                }
                self.increase(now, target, throughput);
            }
        }
    }

    /// A decrease takes a round trip to show its effect, so the next one waits for that. It does
    /// not wait if less than half of the target comes through.
    fn may_decrease(&self, now: Instant, target: f64, throughput: f64) -> bool {
        let patience = self.rtt.clamp(PATIENCE.0, PATIENCE.1);
        self.decreased_at.is_none_or(|at| now.since(at) >= patience)
            || (throughput > 0.0 && throughput < target / 2.0)
    }

    fn decrease(&mut self, now: Instant, target: f64, throughput: f64) {
        let mut decreased = throughput * BACK_OFF;
        if decreased > target
            && let Some(mean) = self.capacity.mean
        {
            decreased = mean * 1000.0 * BACK_OFF;
        }
        if throughput < self.capacity.lower() {
            self.capacity = Capacity::new();
        }
        self.capacity.note_overuse(throughput);
        self.target = Some(decreased.min(target).max(MIN_TARGET));
        self.state = State::Hold;
        self.changed_at = Some(now);
        self.decreased_at = Some(now);
    }

    fn increase(&mut self, now: Instant, target: f64, throughput: f64) {
        if throughput > self.capacity.upper() {
            self.capacity = Capacity::new();
        }
        let elapsed = self
            .changed_at
            .map_or(0.0, |at| now.since(at).as_secs_f64())
            .min(1.0);
        self.changed_at = Some(now);
        let step = if self.capacity.mean.is_some() {
            additive_rate(target, self.rtt) * elapsed
        } else {
            (target * (GROWTH_PER_SECOND.powf(elapsed) - 1.0)).max(1000.0 * elapsed)
        };
        // What does not come through says nothing about what could.
        let limit = 1.5 * throughput + 10_000.0;
        if target < limit {
            self.target = Some((target + step).min(limit));
        }
    }
}

impl Default for AimdRateControl {
    fn default() -> Self {
        Self::new()
    }
}

/// The growth in bits per second, each second: about one packet per response time, for video of 30
/// frames per second in packets of up to 1200 bytes.
fn additive_rate(target: f64, rtt: Duration) -> f64 {
    let frame_bits = target / 30.0;
    let packets = (frame_bits / (8.0 * 1200.0)).ceil().max(1.0);
    let packet_bits = frame_bits / packets;
    let response = (rtt + Duration::from_millis(100)).as_secs_f64();
    (packet_bits / response).max(4000.0)
}

impl Capacity {
    const fn new() -> Self {
        Self {
            mean: None,
            deviation: 0.4,
        }
    }

    fn note_overuse(&mut self, throughput: f64) {
        let sample = throughput / 1000.0;
        let mean = self
            .mean
            .map_or(sample, |mean| mean + CAPACITY_WEIGHT * (sample - mean));
        let error = (mean - sample).powi(2) / mean.max(1.0);
        self.deviation += CAPACITY_WEIGHT * (error - self.deviation);
        self.deviation = self.deviation.clamp(0.4, 2.5);
        self.mean = Some(mean);
    }

    fn upper(&self) -> f64 {
        self.mean
            .map_or(f64::INFINITY, |mean| (mean + self.spread(mean)) * 1000.0)
    }

    fn lower(&self) -> f64 {
        self.mean
            .map_or(0.0, |mean| (mean - self.spread(mean)).max(0.0) * 1000.0)
    }

    fn spread(&self, mean: f64) -> f64 {
        3.0 * (self.deviation * mean).sqrt()
    }
}

const BACK_OFF: f64 = 0.85;
const GROWTH_PER_SECOND: f64 = 1.08;
const MIN_TARGET: f64 = 30_000.0;
const CAPACITY_WEIGHT: f64 = 0.05;
const DEFAULT_RTT: Duration = Duration::from_millis(200);
/// Bounds of the wait between two decreases.
const PATIENCE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(200));
/// How long the throughput is observed before it becomes the first target.
const WATCH: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    fn kbps(control: &AimdRateControl) -> i64 {
        let target = control.target().unwrap_or(0.0) / 1000.0;
        (0..1_000_000)
            .find(|n| f64::from(*n) + 0.5 > target)
            .map_or(-1, i64::from)
    }

    #[test]
    fn the_throughput_is_watched_before_it_becomes_the_target() {
        let mut control = AimdRateControl::new();
        control.update(at(0), Usage::Normal, 500_000.0);
        control.update(at(4999), Usage::Normal, 500_000.0);
        assert_eq!(control.target(), None);
        control.update(at(5000), Usage::Normal, 500_000.0);
        assert_eq!(kbps(&control), 500);
    }

    #[test]
    fn overuse_sets_the_target_below_what_came_through_once_a_round_trip() {
        let mut control = AimdRateControl::new();
        control.update(at(0), Usage::Over, 1_000_000.0);
        assert_eq!(kbps(&control), 850);
        control.update(at(100), Usage::Over, 900_000.0);
        assert_eq!(kbps(&control), 850);
        control.update(at(200), Usage::Over, 900_000.0);
        assert_eq!(kbps(&control), 765);
        control.update(at(210), Usage::Over, 300_000.0);
        assert_eq!(kbps(&control), 255);
    }

    #[test]
    fn growth_is_eight_percent_a_second_far_from_a_known_capacity() {
        let mut control = AimdRateControl::new();
        control.set_target(at(0), 1_000_000.0);
        for millis in (0..=10_000).step_by(100) {
            control.update(at(millis), Usage::Normal, 5_000_000.0);
        }
        // 1.08^10 = 2.159.
        assert_eq!(kbps(&control), 2159);
    }

    #[test]
    fn growth_is_slow_near_the_capacity_and_stops_while_queues_drain() {
        let mut control = AimdRateControl::new();
        control.update(at(0), Usage::Over, 1_000_000.0);
        for millis in (0..1000).step_by(100) {
            control.update(at(millis), Usage::Under, 850_000.0);
        }
        assert_eq!(kbps(&control), 850);
        for millis in (1000..2100).step_by(100) {
            control.update(at(millis), Usage::Normal, 850_000.0);
        }
        assert!((870..=890).contains(&kbps(&control)), "{}", kbps(&control));
    }

    #[test]
    fn the_target_does_not_run_away_from_what_is_sent() {
        let mut control = AimdRateControl::new();
        control.set_target(at(0), 300_000.0);
        for millis in (0..100_000).step_by(100) {
            control.update(at(millis), Usage::Normal, 300_000.0);
        }
        assert_eq!(kbps(&control), 460);
    }

    #[test]
    fn the_target_has_a_floor() {
        let mut control = AimdRateControl::new();
        control.set_target(at(0), 100_000.0);
        for millis in (0..10_000).step_by(200) {
            control.update(at(millis), Usage::Over, 0.0);
        }
        assert_eq!(kbps(&control), 30);
    }
}
