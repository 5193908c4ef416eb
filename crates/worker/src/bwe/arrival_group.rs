//! Groups of packets that were sent together, and how their spacing changed on the way.

use std::time::Duration;

use crate::time::Instant;

/// Gathers packets into groups of one send burst (5 ms) and compares each complete group with the
/// one before it. Queues on the path show as groups that arrive further apart than they were sent.
#[derive(Debug, Default)]
pub(crate) struct ArrivalGroups {
    current: Option<Group>,
    previous: Option<Group>,
}

/// How far a group is behind the one before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct GroupDelta {
    /// When they were sent, in milliseconds.
    pub sent_ms: f64,
    /// The difference of their arrivals, in milliseconds; negative when the network reordered them.
    pub arrived_ms: f64,
}

#[derive(Clone, Copy, Debug)]
struct Group {
    first_sent: Instant,
    last_sent: Instant,
    first_arrived: Instant,
    last_arrived: Instant,
}

impl ArrivalGroups {
    /// No packets yet.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Takes a packet that was sent at `sent` by the sender's clock and arrived at `arrived` by
    /// ours. If it begins a new group, the comparison of the last two groups is returned.
    pub(crate) fn handle_packet(&mut self, sent: Instant, arrived: Instant) -> Option<GroupDelta> {
        let Some(current) = &mut self.current else {
            self.current = Some(Group::of(sent, arrived));
            return None;
        };
        if sent < current.first_sent {
            return None;
        }
        if current.takes(sent, arrived) {
            current.last_sent = current.last_sent.max(sent);
            current.last_arrived = arrived;
            return None;
        }
        let complete = *current;
        *current = Group::of(sent, arrived);
        let previous = self.previous.replace(complete)?;
        Some(GroupDelta {
            sent_ms: millis_between(previous.last_sent, complete.last_sent),
            arrived_ms: millis_between(previous.last_arrived, complete.last_arrived),
        })
    }

    /// Forgets everything: after a silence, or when the sender's clock is set anew.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }
}

impl Group {
    const fn of(sent: Instant, arrived: Instant) -> Self {
        Self {
            first_sent: sent,
            last_sent: sent,
            first_arrived: arrived,
            last_arrived: arrived,
        }
    }

    /// Whether the packet belongs to the group: either it was sent with it, or a queue held both
    /// and let them out at once.
    fn takes(&self, sent: Instant, arrived: Instant) -> bool {
        if sent.since(self.first_sent) <= BURST {
            return true;
        }
        let caught_up =
            millis_between(self.last_arrived, arrived) < millis_between(self.last_sent, sent);
        caught_up
            && arrived.since(self.last_arrived) <= BURST
            && arrived.since(self.first_arrived) < LONGEST_BURST
    }
}

fn millis_between(earlier: Instant, later: Instant) -> f64 {
    let ahead = later.since(earlier).as_secs_f64();
    let behind = earlier.since(later).as_secs_f64();
    (ahead - behind) * 1000.0
}

const BURST: Duration = Duration::from_millis(5);
const LONGEST_BURST: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    fn deltas(packets: &[(u64, u64)]) -> Vec<(f64, f64)> {
        let mut groups = ArrivalGroups::new();
        packets
            .iter()
            .filter_map(|(sent, arrived)| {
                groups.handle_packet(Instant::from_millis(*sent), Instant::from_millis(*arrived))
            })
            .map(|delta| (delta.sent_ms, delta.arrived_ms))
            .collect()
    }

    #[test]
    fn packets_of_one_burst_are_one_group() {
        let packets = [
            (0, 100),
            (2, 102),
            (5, 105),
            (20, 121),
            (40, 150),
            (60, 160),
        ];
        assert_eq!(deltas(&packets), [(15.0, 16.0), (20.0, 29.0)]);
    }

    #[test]
    fn packets_released_together_are_one_group() {
        // The packets were sent 10 ms apart. Something held them and let them out within a
        // millisecond.
        let packets = [
            (0, 100),
            (100, 200),
            (110, 200),
            (120, 201),
            (200, 300),
            (300, 400),
        ];
        assert_eq!(deltas(&packets), [(120.0, 101.0), (80.0, 99.0)]);
    }

    #[test]
    fn packets_sent_before_their_group_are_passed_over() {
        let packets = [(100, 200), (50, 201), (120, 220), (140, 240)];
        assert_eq!(deltas(&packets), [(20.0, 20.0)]);
    }
}
