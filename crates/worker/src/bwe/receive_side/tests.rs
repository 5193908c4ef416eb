//! A publisher that obeys REMB, a bottleneck with a queue, and the estimator behind it, all on one
//! virtual clock.

use std::fmt::Write;

use super::*;

/// A path: packets wait in a bounded queue, leave it at the current capacity, and then travel for
/// 20 ms and a little noise.
struct Path {
    capacity: u64,
    longest_queue: Duration,
    noise: u64,
    free_at: Instant,
    state: u64,
}

impl Path {
    fn new(capacity: u64, longest_queue_ms: u64, noise: u64) -> Self {
        Self {
            capacity,
            longest_queue: Duration::from_millis(longest_queue_ms),
            noise,
            free_at: Instant::default(),
            state: 0x2545_f491_4f6c_dd1d,
        }
    }

    /// How long a packet sent at `now` waits, and when it arrives; `None` when the queue is full.
    fn send(&mut self, now: Instant, size: u64) -> Option<(Duration, Instant)> {
        let start = self.free_at.max(now);
        let waited = start.since(now);
        if waited > self.longest_queue {
            return None;
        }
        self.free_at = start + Duration::from_nanos(size * 8 * 1_000_000_000 / self.capacity);
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        let noise = Duration::from_micros(self.state % (self.noise + 1));
        Some((waited, self.free_at + Duration::from_millis(20) + noise))
    }
}

/// A call of one publisher that sends 30 frames a second.
struct Call {
    path: Path,
    estimator: ReceiveSideEstimator,
    now: Instant,
    /// What the publisher sends, and the most it has to send.
    sending: u64,
    most: u64,
    arriving: Vec<(Instant, u32, usize)>,
    row: Row,
}

/// What a stretch of the call was like.
#[derive(Default)]
struct Row {
    sent: u64,
    lost: u64,
    waits_ms: Vec<u64>,
    estimates: Vec<u64>,
    messages: u32,
}

impl Call {
    fn new(path: Path, start: u64, most: u64) -> Self {
        Self {
            path,
            estimator: ReceiveSideEstimator::new(),
            now: Instant::from_millis(1_000_000),
            sending: start,
            most,
            arriving: Vec::new(),
            row: Row::default(),
        }
    }

    fn run(&mut self, seconds: u64) -> Row {
        self.row = Row::default();
        let end = self.now + Duration::from_secs(seconds);
        while self.now < end {
            self.frame();
            self.now += Duration::from_micros(33_333);
            self.receive();
        }
        std::mem::take(&mut self.row)
    }

    fn frame(&mut self) {
        let mut left = self.sending / 8 / 30;
        let mut at = self.now;
        while left > 0 {
            let size = left.min(1200);
            left -= size;
            self.row.sent += 1;
            // The sender's clock is far from ours and wraps on the way.
            let ticks = (at.as_micros() + 60_500_000) * 4096 / 15_625;
            match self.path.send(at, size) {
                Some((waited, arrival)) => {
                    self.row
                        .waits_ms
                        .push(u64::try_from(waited.as_millis()).unwrap());
                    let abs_send_time = (ticks & 0xff_ffff) as u32;
                    let size = usize::try_from(size).unwrap();
                    self.arriving.push((arrival, abs_send_time, size));
                }
                None => self.row.lost += 1,
            }
            at += Duration::from_millis(2);
        }
    }

    fn receive(&mut self) {
        self.arriving.sort_by_key(|packet| packet.0);
        let count = self.arriving.partition_point(|packet| packet.0 <= self.now);
        for (arrival, abs_send_time, size) in self.arriving.drain(..count) {
            self.estimator.handle_packet(arrival, abs_send_time, size);
            if let Some(bitrate) = self.estimator.poll(arrival) {
                self.row.messages += 1;
                self.sending = bitrate.min(self.most);
            }
        }
        self.row.estimates.extend(self.estimator.estimate());
    }
}

impl Row {
    fn mean(&self) -> u64 {
        self.estimates.iter().sum::<u64>() / (self.estimates.len() as u64).max(1)
    }

    fn wait_p95(&self) -> u64 {
        let mut waits = self.waits_ms.clone();
        waits.sort_unstable();
        waits.get(waits.len() * 95 / 100).copied().unwrap_or(0)
    }
}

const M: u64 = 1_000_000;

#[test]
fn converges_below_the_capacity_with_short_queues() {
    for capacity in [M / 2, M, 2 * M, 5 * M] {
        let mut call = Call::new(Path::new(capacity, 500, 2000), capacity * 6 / 10, 20 * M);
        call.run(60);
        let row = call.run(60);
        let mean = row.mean();
        assert!(mean < capacity, "{mean} of {capacity}");
        assert!(mean > capacity * 6 / 10, "{mean} of {capacity}");
        assert!(row.wait_p95() < 150, "{}", row.wait_p95());
        assert!(row.lost * 100 <= row.sent, "{} of {}", row.lost, row.sent);
    }
}

#[test]
fn follows_a_path_that_shrinks_and_recovers() {
    let mut call = Call::new(Path::new(2 * M, 500, 1000), M, 20 * M);
    call.run(40);
    call.path.capacity = M / 2;
    call.run(5);
    let shrunk = call.run(20);
    assert!(shrunk.mean() < M / 2, "{}", shrunk.mean());
    assert_eq!(shrunk.lost, 0);
    call.path.capacity = 2 * M;
    call.run(40);
    let recovered = call.run(20);
    assert!(recovered.mean() > M, "{}", recovered.mean());
}

#[test]
fn what_is_not_sent_limits_the_estimate() {
    let mut call = Call::new(Path::new(10 * M, 500, 1000), 300_000, 300_000);
    let row = call.run(60);
    assert!((440_000..=480_000).contains(row.estimates.last().unwrap()));
}

#[test]
fn messages_come_each_second_and_at_once_when_the_estimate_falls() {
    let mut call = Call::new(Path::new(5 * M, 500, 0), M, M);
    call.run(10);
    let steady = call.run(20);
    assert!((19..=21).contains(&steady.messages), "{}", steady.messages);
    let before = call.sending;
    call.path.capacity = M / 2;
    let falling = call.run(1);
    assert!(falling.messages >= 2, "{}", falling.messages);
    assert!(call.sending < before);
}

#[test]
fn the_maximum_is_never_exceeded() {
    let mut call = Call::new(Path::new(10 * M, 500, 1000), M, 20 * M);
    call.estimator.set_max_bitrate(Some(800_000));
    let row = call.run(30);
    assert_eq!(row.estimates.iter().max(), Some(&800_000));
}

#[test]
fn silence_ends_the_messages_and_is_no_overuse() {
    let mut call = Call::new(Path::new(5 * M, 500, 1000), M, M);
    call.run(20);
    let before = call.estimator.estimate().unwrap();
    call.now += Duration::from_secs(30);
    call.estimator.poll(call.now);
    assert_eq!(call.estimator.next_deadline(), None);
    call.run(5);
    assert!(call.estimator.estimate().unwrap() > before * 9 / 10);
}

#[test]
fn the_send_clock_counts_on_across_its_wrap_and_takes_late_packets() {
    let mut clock = SendClock::default();
    let first = clock.unwrap(0xff_fff0);
    let later = clock.unwrap(0x00_0010);
    assert_eq!(
        later.since(first),
        Duration::from_nanos(0x20 * 15_625_000 / 4096 + 1)
    );
    assert!(clock.unwrap(0xff_fff8) < later);
    for n in 0..1000_u32 {
        let at = clock.unwrap(n.wrapping_mul(0x40_0000) & 0xff_ffff);
        assert!(at >= later - Duration::from_nanos(70_000));
    }
}

/// The figures are rounded so that they are the same on every machine.
#[test]
fn the_table_of_behaviour_is_as_recorded() {
    let mut table = String::new();
    for (capacity, queue, noise) in [
        (M / 2, 300, 1000),
        (M, 300, 1000),
        (M, 100, 5000),
        (3 * M, 300, 1000),
    ] {
        let mut call = Call::new(Path::new(capacity, queue, noise), 300_000, 20 * M);
        for stretch in ["0-20 s", "20-40 s", "40-80 s"] {
            let row = call.run(if stretch == "40-80 s" { 40 } else { 20 });
            writeln!(
                table,
                "{:>4} kbit/s, queue {queue} ms, noise {noise} us, {stretch}: estimate {} %, p95 wait {} ms, lost {} %",
                capacity / 1000,
                (row.mean() * 10 + capacity / 2) / capacity * 10,
                (row.wait_p95() + 5) / 10 * 10,
                (row.lost * 100 + row.sent / 2) / row.sent,
            )
            .unwrap();
        }
    }
    assert_eq!(table, include_str!("behaviour.txt"), "\n{table}");
}
