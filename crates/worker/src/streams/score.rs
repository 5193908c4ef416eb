//! How well a stream arrives, from 0 (nothing) to 10 (everything). Applications see it as `score`.

/// A stream's packets so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DeliveryTotals {
    /// Packets received of an incoming stream, sent of an outgoing one.
    pub packets: u64,
    /// Packets lost, before repair.
    pub lost: u64,
    /// Lost packets that a retransmission replaced.
    pub repaired: u64,
    /// Retransmissions, useful or not.
    pub retransmitted: u64,
}

/// The score of one stream. Each interval between reports gets ten times the fourth power of its
/// share of delivered packets. The score is the mean of the last 24 intervals, in which later ones
/// weigh more.
#[derive(Debug)]
pub(crate) struct Score {
    value: u8,
    /// A ring: `samples[(start + n) % LEN]` is the n-th oldest.
    samples: [u8; SAMPLES],
    start: usize,
    len: usize,
    prior: DeliveryTotals,
}

impl Score {
    /// A perfect score without history.
    #[must_use]
    pub(crate) const fn new() -> Self {
        Self {
            value: BEST,
            samples: [0; SAMPLES],
            start: 0,
            len: 0,
            prior: DeliveryTotals {
                packets: 0,
                lost: 0,
                repaired: 0,
                retransmitted: 0,
            },
        }
    }

    /// The score, 0–10.
    #[must_use]
    pub(crate) const fn value(&self) -> u8 {
        self.value
    }

    /// Ends an interval. Says whether the score changed.
    pub(crate) fn update(&mut self, totals: DeliveryTotals) -> bool {
        let prior = std::mem::replace(&mut self.prior, totals);
        // When a stream restarts, its totals are lower than before; that counts as an empty
        // interval.
        let sample = interval_score(DeliveryTotals {
            packets: totals.packets.saturating_sub(prior.packets),
            lost: totals.lost.saturating_sub(prior.lost),
            repaired: totals.repaired.saturating_sub(prior.repaired),
            retransmitted: totals.retransmitted.saturating_sub(prior.retransmitted),
        });
        self.push(sample);
        self.set(self.weighted_mean())
    }

    /// Forgets the history and sets the score: 0 for a stream that fell silent, 10 for one that
    /// came back. Says whether it changed.
    pub(crate) fn reset(&mut self, value: u8) -> bool {
        (self.start, self.len) = (0, 0);
        self.set(value.min(BEST))
    }

    fn set(&mut self, value: u8) -> bool {
        std::mem::replace(&mut self.value, value) != value
    }

    fn push(&mut self, sample: u8) {
        self.samples[(self.start + self.len) % SAMPLES] = sample;
        if self.len == SAMPLES {
            self.start = (self.start + 1) % SAMPLES;
        } else {
            self.len += 1;
        }
    }

    fn weighted_mean(&self) -> u8 {
        let (mut sum, mut weights) = (0, 0);
        for n in 0..self.len {
            let weight = n + 1;
            sum += weight * usize::from(self.samples[(self.start + n) % SAMPLES]);
            weights += weight;
        }
        // Rounded to the nearest.
        u8::try_from((2 * sum + weights) / (2 * weights).max(1)).unwrap_or(BEST)
    }
}

impl Default for Score {
    fn default() -> Self {
        Self::new()
    }
}

/// The score of one interval: 10 when nothing was sent.
fn interval_score(interval: DeliveryTotals) -> u8 {
    if interval.packets == 0 {
        return BEST;
    }
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of packets between two reports"
    )]
    let [packets, lost, repaired, retransmitted] = [
        interval.packets as f64,
        interval.lost.min(interval.packets) as f64,
        interval.repaired.min(interval.lost) as f64,
        interval.retransmitted as f64,
    ];
    // The more repairs there were, and the more retransmissions each took, the less a repair makes
    // up for.
    let mut weight = (1.0 / (repaired / packets + 1.0)).powi(4);
    if retransmitted > repaired && repaired > 0.0 {
        weight *= repaired / retransmitted;
    }
    let missing = (lost - repaired * weight).max(0.0);
    let delivered = (packets - missing) / packets;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 10"
    )]
    let score = (delivered.powi(4) * f64::from(BEST)).round() as u8;
    score.min(BEST)
}

const BEST: u8 = 10;
const SAMPLES: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(packets: u64, lost: u64, repaired: u64, retransmitted: u64) -> u8 {
        interval_score(DeliveryTotals {
            packets,
            lost,
            repaired,
            retransmitted,
        })
    }

    #[test]
    fn an_interval_earns_the_fourth_power_of_what_was_delivered() {
        assert_eq!(interval(0, 0, 0, 0), 10);
        assert_eq!(interval(100, 0, 0, 0), 10);
        // 0.99^4 = 0.961, 0.95^4 = 0.815, 0.9^4 = 0.656, 0.8^4 = 0.410, 0.5^4 = 0.0625.
        let by_loss = [1, 5, 10, 20, 50, 100, 1000].map(|lost| interval(100, lost, 0, 0));
        assert_eq!(by_loss, [10, 8, 7, 4, 1, 0, 0]);
    }

    #[test]
    fn repairs_make_up_for_loss_but_not_wholly() {
        let none = interval(100, 20, 0, 0);
        let all = interval(100, 20, 20, 20);
        let all_at_twice_the_cost = interval(100, 20, 20, 40);
        assert_eq!((none, all_at_twice_the_cost, all), (4, 5, 6));
        assert_eq!(interval(100, 0, 20, 20), 10);
    }

    #[test]
    fn the_score_leans_to_the_later_intervals_and_forgets() {
        let mut score = Score::new();
        let mut totals = DeliveryTotals::default();
        let mut changes = Vec::new();
        for n in 0..60 {
            totals.packets += 100;
            totals.lost += if n < 5 { 50 } else { 0 };
            if score.update(totals) {
                changes.push((n, score.value()));
            }
        }
        assert_eq!(changes.first(), Some(&(0, 1)));
        assert!(changes.is_sorted_by_key(|(_, value)| *value));
        assert_eq!(score.value(), 10);
        assert_eq!(score.len, SAMPLES);
    }

    #[test]
    fn a_reset_sets_the_score_and_a_restart_of_the_totals_does_no_harm() {
        let mut score = Score::new();
        assert!(!score.update(DeliveryTotals {
            packets: 1000,
            ..DeliveryTotals::default()
        }));
        assert!(score.reset(0));
        assert!(!score.reset(0));
        assert!(score.update(DeliveryTotals {
            packets: 5,
            lost: 0,
            ..DeliveryTotals::default()
        }));
        assert_eq!(score.value(), 10);
        assert!(!score.update(DeliveryTotals {
            packets: u64::MAX,
            ..DeliveryTotals::default()
        }));
    }
}
