//! When to ask the publisher of a stream for a key frame (RFC 4585 §6.3.1, RFC 5104 §4.3.1).

use std::time::Duration;

use crate::time::Instant;

/// The key-frame requests of one incoming stream. However many consumers need a key frame, at most
/// one request is in flight. It ends when a key frame comes or after a second, and is repeated once
/// if none came; while somebody waits it is repeated further, each time after twice as long, up to
/// eight seconds. With a delay, all needs within that time after a request become one request at its
/// end. Receivers that keep losing the picture cause one request per second.
///
/// Methods that return `bool` say `true` when a request (PLI or FIR) is to be sent now.
#[derive(Debug)]
pub(crate) struct KeyFrameRequests {
    delay: Duration,
    in_flight: Option<InFlight>,
    merging: Option<Merging>,
    last_sent: Option<Instant>,
    /// When a loss of the picture that came too soon is answered.
    postponed: Option<Instant>,
}

#[derive(Debug)]
struct InFlight {
    until: Instant,
    /// Whether the request is repeated when it ends without a key frame.
    repeat: bool,
    /// How long a key frame is waited for.
    patience: Duration,
}

#[derive(Debug)]
struct Merging {
    until: Instant,
    needed: bool,
}

impl KeyFrameRequests {
    /// No requests yet. `delay` is the producer's `keyFrameRequestDelay`; zero merges nothing.
    #[must_use]
    pub(crate) const fn new(delay: Duration) -> Self {
        Self {
            delay,
            in_flight: None,
            merging: None,
            last_sent: None,
            postponed: None,
        }
    }

    /// A receiver says that it has lost the picture. Another request follows no sooner than a
    /// second after the last. Otherwise one receiver that asks without end would make everybody
    /// receive only key frames.
    #[must_use]
    pub(crate) fn picture_lost(&mut self, now: Instant) -> bool {
        let earliest = self.last_sent.map(|last| last + TIMEOUT);
        let earliest = earliest.filter(|earliest| *earliest > now);
        if earliest.is_some() && self.in_flight.is_none() {
            self.postponed = earliest;
            return false;
        }
        self.need(now)
    }

    /// Somebody needs a key frame to begin with.
    #[must_use]
    pub(crate) fn need(&mut self, now: Instant) -> bool {
        if let Some(merging) = &mut self.merging {
            merging.needed = true;
            return false;
        }
        self.start_merging(now);
        if let Some(in_flight) = &mut self.in_flight {
            in_flight.repeat = true;
            // Who is new does not wait for as long as the last repetition would.
            let earliest = self.last_sent.map_or(now, |last| (last + TIMEOUT).max(now));
            in_flight.until = in_flight.until.min(earliest);
            return false;
        }
        self.send(now);
        true
    }

    /// The stream starts or restarts, so a key frame is needed whatever was asked before. Always
    /// sends a request.
    #[must_use]
    pub(crate) fn force(&mut self, now: Instant) -> bool {
        self.start_merging(now);
        self.send(now);
        true
    }

    /// A key frame came.
    pub(crate) fn handle_key_frame(&mut self) {
        self.in_flight = None;
        self.postponed = None;
    }

    /// Call this at [`KeyFrameRequests::next_deadline`]; earlier calls change nothing.
    /// `somebody_waits` is asked when a request was in flight for so long that it, or the key
    /// frame, must be lost: who can show nothing without a key frame is worth asking again.
    #[must_use]
    pub(crate) fn handle_timeout(
        &mut self,
        now: Instant,
        somebody_waits: impl FnOnce() -> bool,
    ) -> bool {
        let mut send = false;
        if let Some(ended) = self.in_flight.take_if(|request| request.until <= now) {
            send = ended.repeat || somebody_waits();
            let patience = if ended.repeat {
                TIMEOUT
            } else {
                (ended.patience * 2).min(LONGEST_PATIENCE)
            };
            if send {
                self.last_sent = Some(now);
                self.in_flight = Some(InFlight {
                    until: now + patience,
                    repeat: false,
                    patience,
                });
            }
        }
        if self.postponed.is_some_and(|until| until <= now) {
            self.postponed = None;
            send |= self.need(now);
        }
        if self.merging.as_ref().is_some_and(|m| m.until <= now) {
            let needed = self.merging.take().is_some_and(|m| m.needed);
            send |= needed && self.need(now);
        }
        send
    }

    /// When [`KeyFrameRequests::handle_timeout`] has something to do.
    #[must_use]
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let in_flight = self.in_flight.as_ref().map(|f| f.until);
        let merging = self.merging.as_ref().map(|m| m.until);
        let ends = in_flight.into_iter().chain(merging);
        ends.chain(self.postponed).min()
    }

    /// Forgets all requests: for a stream that pauses or ends.
    pub(crate) fn reset(&mut self) {
        *self = Self::new(self.delay);
    }

    fn send(&mut self, now: Instant) {
        self.postponed = None;
        self.last_sent = Some(now);
        self.in_flight = Some(InFlight {
            until: now + TIMEOUT,
            repeat: true,
            patience: TIMEOUT,
        });
    }

    fn start_merging(&mut self, now: Instant) {
        if !self.delay.is_zero() {
            self.merging = Some(Merging {
                until: now + self.delay,
                needed: false,
            });
        }
    }
}

/// How long a request is in flight.
const TIMEOUT: Duration = Duration::from_secs(1);
/// The longest pause between requests for somebody who waits.
const LONGEST_PATIENCE: Duration = Duration::from_secs(8);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    fn requests(delay: u64) -> KeyFrameRequests {
        KeyFrameRequests::new(Duration::from_millis(delay))
    }

    fn nobody() -> bool {
        false
    }

    #[test]
    fn who_waits_is_asked_for_again_and_again_ever_more_seldom() {
        let mut requests = requests(0);
        assert!(requests.need(at(0)));
        for second in [1, 2, 4, 8, 16, 24, 32] {
            assert_eq!(requests.next_deadline(), Some(at(second * 1000)));
            assert!(requests.handle_timeout(at(second * 1000), || true));
        }
        assert!(!requests.handle_timeout(at(40_000), nobody));
        assert_eq!(requests.next_deadline(), None);
    }

    #[test]
    fn who_is_new_does_not_wait_for_as_long() {
        let mut requests = requests(0);
        assert!(requests.need(at(0)));
        for second in [1, 2, 4, 8] {
            assert!(requests.handle_timeout(at(second * 1000), || true));
        }
        assert_eq!(requests.next_deadline(), Some(at(16_000)));
        assert!(!requests.need(at(8_300)));
        assert_eq!(requests.next_deadline(), Some(at(9000)));
        assert!(requests.handle_timeout(at(9000), nobody));
    }

    #[test]
    fn one_request_is_in_flight_however_many_need_it() {
        let mut requests = requests(0);
        assert!(requests.need(at(0)));
        assert!((1..100).all(|millis| !requests.need(at(millis))));
        requests.handle_key_frame();
        assert_eq!(requests.next_deadline(), None);
        assert!(requests.need(at(200)));
    }

    #[test]
    fn a_receiver_that_loses_each_picture_gets_one_a_second() {
        for delay in [0, 50, 300, 950] {
            let mut requests = requests(delay);
            let mut sent = Vec::new();
            for millis in (0..5000).step_by(50) {
                let lost = millis < 2500 && requests.picture_lost(at(millis));
                let due = requests
                    .next_deadline()
                    .is_some_and(|due| due <= at(millis));
                if lost || due && requests.handle_timeout(at(millis), nobody) {
                    sent.push(millis);
                    // The publisher obeys at once.
                    requests.handle_key_frame();
                }
            }
            assert_eq!(sent, [0, 1000, 2000, 3000], "delay {delay}");
            assert_eq!(requests.next_deadline(), None);
        }
    }

    #[test]
    fn a_key_frame_that_comes_by_itself_answers_a_postponed_loss() {
        let mut requests = requests(0);
        assert!(requests.need(at(0)));
        requests.handle_key_frame();
        assert!(!requests.picture_lost(at(100)));
        assert_eq!(requests.next_deadline(), Some(at(1000)));
        // A consumer that begins does not wait, and its key frame serves all.
        assert!(requests.need(at(200)));
        requests.handle_key_frame();
        assert_eq!(requests.next_deadline(), None);
        assert!(!requests.picture_lost(at(1150)));
        requests.handle_key_frame();
        assert_eq!(requests.next_deadline(), None);
    }

    #[test]
    fn a_lost_request_is_repeated_once() {
        let mut requests = requests(0);
        assert!(requests.need(at(0)));
        assert_eq!(requests.next_deadline(), Some(at(1000)));
        assert!(!requests.handle_timeout(at(999), nobody));
        assert!(requests.handle_timeout(at(1000), nobody));
        assert!(!requests.handle_timeout(at(2000), nobody));
        assert_eq!(requests.next_deadline(), None);
    }

    #[test]
    fn a_need_during_the_repetition_earns_another() {
        let mut requests = requests(0);
        assert!(requests.need(at(0)));
        assert!(requests.handle_timeout(at(1000), nobody));
        assert!(!requests.need(at(1500)));
        assert!(requests.handle_timeout(at(2000), nobody));
        assert!(!requests.handle_timeout(at(3000), nobody));
    }

    #[test]
    fn needs_within_the_delay_become_one_request_at_its_end() {
        let mut requests = requests(3000);
        assert!(requests.need(at(0)));
        requests.handle_key_frame();
        assert!(!requests.need(at(500)));
        assert!(!requests.need(at(2900)));
        assert_eq!(requests.next_deadline(), Some(at(3000)));
        assert!(requests.handle_timeout(at(3000), nobody));
        requests.handle_key_frame();
        assert_eq!(requests.next_deadline(), Some(at(6000)));
        assert!(!requests.handle_timeout(at(6000), nobody));
        assert_eq!(requests.next_deadline(), None);
    }

    #[test]
    fn both_ends_at_once_send_one_request() {
        let mut requests = requests(1000);
        assert!(requests.need(at(0)));
        assert!(!requests.need(at(10)));
        assert!(requests.handle_timeout(at(1000), nobody));
        assert_eq!(requests.next_deadline(), Some(at(2000)));
    }

    #[test]
    fn force_sends_whatever_was_before() {
        let mut requests = requests(3000);
        assert!(requests.need(at(0)));
        assert!(requests.force(at(10)));
        assert!(!requests.need(at(20)));
        assert!(requests.handle_timeout(at(1010), nobody));
        requests.reset();
        assert_eq!(requests.next_deadline(), None);
        assert!(requests.need(at(1020)));
    }
}
