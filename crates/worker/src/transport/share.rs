//! Shares of the worker's time while datagrams queue up (docs/security.md rule 16). Without them,
//! whoever sends as much as it can would fill the receive queue that all use.
//!
//! Only what a participant itself has sent counts against it. Others can forge its address, and must
//! not use up its share with that.

use std::time::Duration;

use crate::time::Instant;

/// What a datagram costs the worker, in machine instructions. It is an estimate, made before the
/// datagram is decrypted. docs/measuring.md says where the figures come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Work(u64);

impl Work {
    /// A connectivity check: two HMACs and an answer.
    pub(crate) const CHECK: Self = Self(16_000);
    /// A datagram of DTLS. What costs more in a handshake has an allowance of its own (docs/dtls.md).
    pub(crate) const DTLS: Self = Self(20_000);

    /// A packet of media: decrypted, stored, and sent to one subscriber. Its audience is not counted,
    /// because the sender has not chosen it.
    pub(crate) const fn rtp(len: usize) -> Self {
        Self(4_700 + 7 * len as u64)
    }

    /// A compound packet of RTCP, without what it asks for.
    pub(crate) const fn rtcp(len: usize) -> Self {
        Self(3_000 + 5 * len as u64)
    }

    /// A NACK for so many packets, some of which are sent again.
    pub(crate) const fn nack(asked: usize, sent_again: usize) -> Self {
        Self(50 * asked as u64 + 5_000 * sent_again as u64)
    }
}

/// How much work a share allows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    /// The time that pays for an instruction.
    pub(crate) nanos: u64,
    /// How long work may be done ahead of its payment.
    pub(crate) burst: Duration,
}

/// An account of work, paid with time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Share {
    /// When all work is paid.
    paid: Instant,
}

impl Share {
    /// Whether work may be done now.
    pub(crate) fn has_room(&self, now: Instant, rate: Rate) -> bool {
        self.paid.since(now) <= rate.burst
    }

    /// Whether work may be done now. If so, it is entered.
    pub(crate) fn take(&mut self, now: Instant, work: Work, rate: Rate) -> bool {
        let has_room = self.has_room(now, rate);
        if has_room {
            self.enter(now, work, rate);
        }
        has_room
    }

    /// Enters work that was done.
    pub(crate) fn enter(&mut self, now: Instant, work: Work, rate: Rate) {
        self.paid = self.paid.max(now) + Duration::from_nanos(work.0 * rate.nanos);
    }

    /// Whether all work is paid, so that the account may be forgotten.
    pub(crate) fn is_paid(&self, now: Instant) -> bool {
        self.paid <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        nanos: 100,
        burst: Duration::from_millis(100),
    };
    /// A tenth of a millisecond of this rate.
    const WORK: Work = Work(1_000);

    fn taken(share: &mut Share, now: Instant, offered: usize) -> usize {
        (0..offered).filter(|_| share.take(now, WORK, RATE)).count()
    }

    #[test]
    fn a_burst_is_taken_at_once_and_then_the_rate() {
        let mut share = Share::default();
        let at = Instant::from_millis;
        assert_eq!(taken(&mut share, at(5_000), 3_000), 1_001);
        assert_eq!(taken(&mut share, at(5_001), 200), 10);
        assert!(!share.is_paid(at(5_101)) && share.is_paid(at(5_102)));
        // Fractions of a datagram are not lost.
        let micros = |micros: u64| Instant::from_nanos(5_001_000_000 + micros * 1_000);
        let sum: usize = (1..=1_000)
            .map(|n| taken(&mut share, micros(n * 150), 9))
            .sum();
        assert_eq!(sum, 1_500);
    }

    #[test]
    fn who_stays_below_the_rate_is_never_refused() {
        let mut share = Share::default();
        for millisecond in 0..10_000 {
            let now = Instant::from_millis(millisecond);
            assert_eq!(taken(&mut share, now, 10), 10);
        }
    }

    #[test]
    fn work_that_turned_out_larger_is_paid_as_well() {
        let mut share = Share::default();
        let now = Instant::from_millis(1);
        share.enter(now, Work::nack(400, 256), RATE);
        assert_eq!(taken(&mut share, now, 1), 0);
        assert_eq!(taken(&mut share, Instant::from_millis(32), 1), 1);
    }
}
