//! A link with faults, sans-IO: packets go in with the time at which they are sent, and come out
//! with the time at which they arrive, or do not. All chance comes from one seed, so the same
//! packets at the same times meet the same fate in every run.
//!
//! Time is a [`Duration`] since an origin of the caller's choice. A [`Link`] is one direction.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::chance::Chance;

/// One direction of a link.
///
/// Inputs are [`Link::handle_packet`] and time. Outputs are [`Link::poll`], until it is `None`, and
/// [`Link::poll_timeout`], which says when to poll again.
#[derive(Debug)]
pub struct Link {
    config: LinkConfig,
    chance: Chance,
    in_burst: bool,
    /// When the sender's interface will have sent everything that it holds.
    free_at: Duration,
    /// When the last packet arrives that keeps its order.
    last_arrival: Duration,
    /// By time of arrival, then by order of sending.
    in_flight: BTreeMap<(Duration, u64), Vec<u8>>,
    counters: LinkCounters,
}

/// What a link does to packets. The default does nothing: they arrive at once.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LinkConfig {
    /// Bits per second that leave the queue; `None` means no limit and no queue.
    pub rate: Option<u64>,
    /// How many bytes may wait in the queue. A packet without room is dropped; at least one packet
    /// fits.
    pub queue: usize,
    /// How long a packet travels.
    pub delay: Duration,
    /// A random time up to this is added to the delay, drawn evenly. The order stays.
    pub jitter: Duration,
    /// The probability, 0–1, that a packet is held back and later ones overtake it.
    pub reorder: f64,
    /// For how long it is then held back.
    pub reorder_by: Duration,
    /// Which packets never arrive.
    pub loss: Loss,
}

/// How packets get lost; all probabilities are 0–1 and per packet.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Loss {
    /// None does.
    #[default]
    None,
    /// Each packet with the same probability, independent of the one before.
    Random(f64),
    /// In bursts: the two states of Gilbert and Elliott. The mean loss is
    /// `(enter · lost_inside + leave · lost_outside) / (enter + leave)`.
    Bursts {
        /// A burst begins.
        enter: f64,
        /// A burst ends.
        leave: f64,
        /// A packet within a burst is lost.
        lost_inside: f64,
        /// A packet outside of a burst is lost.
        lost_outside: f64,
    },
}

/// What became of the packets of a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkCounters {
    /// Handed to the link.
    pub sent: u64,
    /// Arrived.
    pub delivered: u64,
    /// Lost by chance.
    pub lost: u64,
    /// Dropped because the queue was full.
    pub overflowed: u64,
    /// Held back to be overtaken.
    pub held_back: u64,
}

impl Link {
    /// An empty link whose fortunes `seed` determines.
    #[must_use]
    pub fn new(config: LinkConfig, seed: u64) -> Self {
        Self {
            config,
            chance: Chance::new(seed),
            in_burst: false,
            free_at: Duration::ZERO,
            last_arrival: Duration::ZERO,
            in_flight: BTreeMap::new(),
            counters: LinkCounters::default(),
        }
    }

    /// Changes what happens to packets from now on, and begins a new random sequence. Packets that
    /// are under way arrive as before.
    pub fn change(&mut self, config: LinkConfig, seed: u64) {
        self.config = config;
        self.chance = Chance::new(seed);
        self.in_burst = false;
    }

    /// Takes a packet that is sent at `now`.
    pub fn handle_packet(&mut self, now: Duration, packet: &[u8]) {
        let number = self.counters.sent;
        self.counters.sent += 1;
        let Some(departure) = self.queue(now, packet.len()) else {
            self.counters.overflowed += 1;
            return;
        };
        if self.is_lost() {
            self.counters.lost += 1;
            return;
        }
        let travel = self.config.delay + self.config.jitter.mul_f64(self.chance.fraction());
        let arrival = if self.chance.happens(self.config.reorder) {
            self.counters.held_back += 1;
            departure + travel + self.config.reorder_by
        } else {
            self.last_arrival = self.last_arrival.max(departure + travel);
            self.last_arrival
        };
        self.in_flight.insert((arrival, number), packet.to_vec());
    }

    /// The next packet that has arrived by `now`.
    pub fn poll(&mut self, now: Duration) -> Option<Vec<u8>> {
        let first = self.in_flight.first_entry()?;
        if first.key().0 > now {
            return None;
        }
        self.counters.delivered += 1;
        Some(first.remove())
    }

    /// When the next packet arrives; `None` when none is under way.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.in_flight.first_key_value().map(|((at, _), _)| *at)
    }

    /// What became of the packets so far.
    #[must_use]
    pub const fn counters(&self) -> LinkCounters {
        self.counters
    }

    /// When the packet has left the queue; `None` if the queue has no room for it.
    fn queue(&mut self, now: Duration, len: usize) -> Option<Duration> {
        let Some(rate) = self.config.rate.filter(|rate| *rate > 0) else {
            return Some(now);
        };
        let serialize = |bytes: usize| Duration::from_nanos(nanos(bytes, rate));
        let waiting = self.free_at.saturating_sub(now);
        if !waiting.is_zero() && waiting + serialize(len) > serialize(self.config.queue) {
            return None;
        }
        self.free_at = self.free_at.max(now) + serialize(len);
        Some(self.free_at)
    }

    fn is_lost(&mut self) -> bool {
        match self.config.loss {
            Loss::None => false,
            Loss::Random(probability) => self.chance.happens(probability),
            Loss::Bursts {
                enter,
                leave,
                lost_inside,
                lost_outside,
            } => {
                let turn = if self.in_burst { leave } else { enter };
                self.in_burst ^= self.chance.happens(turn);
                self.chance.happens(if self.in_burst {
                    lost_inside
                } else {
                    lost_outside
                })
            }
        }
    }
}

/// How long `bytes` take at `rate` bits per second.
fn nanos(bytes: usize, rate: u64) -> u64 {
    let nanos = bytes as u128 * 8 * 1_000_000_000 / u128::from(rate);
    u64::try_from(nanos).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Sends `count` packets of `len` bytes, one each `gap`; returns number and time of arrival of
    /// each that arrives, in order of arrival.
    fn arrivals(link: &mut Link, count: u32, len: usize, gap: Duration) -> Vec<(u32, Duration)> {
        for number in 0..count {
            let mut packet = vec![0; len];
            packet[..4].copy_from_slice(&number.to_be_bytes());
            link.handle_packet(gap * number, &packet);
        }
        let mut arrived = Vec::new();
        while let Some(at) = link.poll_timeout() {
            if let Some(before) = at.checked_sub(MS / 1000) {
                assert_eq!(link.poll(before), None, "not before");
            }
            let packet = link.poll(at).expect("it is due");
            let number = u32::from_be_bytes([packet[0], packet[1], packet[2], packet[3]]);
            arrived.push((number, at));
        }
        arrived
    }

    #[test]
    fn a_link_without_faults_is_only_as_slow_as_its_delay() {
        let config = LinkConfig {
            delay: 40 * MS,
            ..LinkConfig::default()
        };
        let arrived = arrivals(&mut Link::new(config, 1), 10, 100, MS);
        assert_eq!(arrived.len(), 10);
        assert!(arrived.iter().all(|(n, at)| *at == 40 * MS + MS * *n));
    }

    #[test]
    fn the_rate_spaces_packets_and_the_queue_bounds_what_waits() {
        let config = LinkConfig {
            rate: Some(8_000_000),
            queue: 3_000,
            ..LinkConfig::default()
        };
        let mut link = Link::new(config, 1);
        // A megabyte a second: a thousand bytes each millisecond, three of them in the queue.
        let arrived = arrivals(&mut link, 10, 1000, Duration::ZERO);
        assert_eq!(arrived, [(0, MS), (1, 2 * MS), (2, 3 * MS)]);
        assert_eq!(link.counters().overflowed, 7);
        link.handle_packet(3 * MS, &[0; 1000]);
        assert_eq!(link.poll_timeout(), Some(4 * MS));
    }

    #[test]
    fn jitter_delays_and_keeps_the_order_reordering_breaks_it() {
        let mut config = LinkConfig {
            delay: 10 * MS,
            jitter: 30 * MS,
            ..LinkConfig::default()
        };
        let arrived = arrivals(&mut Link::new(config, 1), 500, 10, MS);
        assert!(arrived.is_sorted_by_key(|(n, _)| *n));
        // So far apart that no packet waits for the one before.
        let arrived = arrivals(&mut Link::new(config, 1), 500, 10, 50 * MS);
        let delays = arrived.iter().map(|(n, at)| *at - 50 * MS * *n);
        assert!(delays.clone().min() < Some(20 * MS) && delays.max() > Some(35 * MS));

        config.jitter = Duration::ZERO;
        config.reorder = 0.1;
        config.reorder_by = 5 * MS;
        let mut link = Link::new(config, 1);
        let arrived = arrivals(&mut link, 1000, 10, MS);
        let late = arrived.windows(2).filter(|w| w[1].0 < w[0].0).count();
        assert_eq!(arrived.len(), 1000);
        assert!((50..150).contains(&late), "{late}");
        assert!((50..150).contains(&link.counters().held_back));
    }

    #[test]
    fn losses_are_as_frequent_and_as_bursty_as_configured() {
        let lost = |loss| {
            let config = LinkConfig {
                loss,
                ..LinkConfig::default()
            };
            let arrived = arrivals(&mut Link::new(config, 7), 100_000, 4, MS);
            let gaps = arrived.windows(2).filter(|w| w[1].0 - w[0].0 > 1).count();
            let lost = 100_000 - arrived.len();
            (lost, f64::from(u32::try_from(lost).unwrap()) / gaps as f64)
        };
        let (random, run) = lost(Loss::Random(0.05));
        assert!((4_700..5_300).contains(&random), "{random}");
        assert!((1.0..1.15).contains(&run), "{run}");
        // Bursts of ten packets on average, half of them lost, 5 % overall.
        let (bursts, run) = lost(Loss::Bursts {
            enter: 0.011_111,
            leave: 0.1,
            lost_inside: 0.5,
            lost_outside: 0.0,
        });
        assert!((4_000..6_000).contains(&bursts), "{bursts}");
        assert!(run > 1.6, "{run}");
    }

    #[test]
    fn the_seed_determines_everything() {
        let config = LinkConfig {
            delay: 10 * MS,
            jitter: 10 * MS,
            reorder: 0.1,
            reorder_by: 20 * MS,
            loss: Loss::Random(0.1),
            ..LinkConfig::default()
        };
        let run = |seed| arrivals(&mut Link::new(config, seed), 200, 10, MS);
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
        let mut link = Link::new(config, 2);
        link.change(config, 1);
        assert_eq!(arrivals(&mut link, 200, 10, MS), run(1));
    }
}
