//! Those who are told of every frame, each with a bounded queue.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio::sync::Notify;
use tureen_channel_dump::{Direction, Line, LiveFrame};

use crate::entity::lock;

/// Those who are told of every frame.
#[derive(Default)]
pub(super) struct Followers {
    queues: Mutex<Vec<Arc<Queue>>>,
    /// How many there are. Usually there is none, and then a frame costs one look at this number.
    count: AtomicUsize,
}

/// One who is told of every frame, until it is dropped.
pub(super) struct Following {
    followers: Arc<Followers>,
    queue: Arc<Queue>,
}

struct Queue {
    begun: Instant,
    state: Mutex<State>,
    filled: Notify,
}

#[derive(Default)]
struct State {
    lines: VecDeque<Line>,
    /// Bytes of the frames in `lines`.
    bytes: usize,
    /// How many frames were lost since the last one that was queued.
    lost: u64,
}

impl Followers {
    pub(super) fn follow(self: &Arc<Self>) -> Following {
        let queue = Arc::new(Queue {
            begun: Instant::now(),
            state: Mutex::default(),
            filled: Notify::new(),
        });
        let mut queues = lock(&self.queues);
        queues.push(queue.clone());
        self.count.store(queues.len(), Ordering::Relaxed);
        Following {
            followers: self.clone(),
            queue,
        }
    }

    pub(super) fn frame(&self, pid: u32, direction: Direction, frame: &[u8]) {
        if self.count.load(Ordering::Relaxed) == 0 {
            return;
        }
        for queue in &*lock(&self.queues) {
            queue.push(pid, direction, frame);
        }
    }
}

impl Following {
    /// The next line for the client.
    pub(super) async fn next(&self) -> Line {
        loop {
            if let Some(line) = self.queue.pop() {
                return line;
            }
            // A push between the two calls leaves a permit, so the wait ends at once.
            self.queue.filled.notified().await;
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let mut queues = lock(&self.followers.queues);
        queues.retain(|queue| !Arc::ptr_eq(queue, &self.queue));
        self.followers.count.store(queues.len(), Ordering::Relaxed);
    }
}

impl Queue {
    fn push(&self, pid: u32, direction: Direction, frame: &[u8]) {
        let time_ns = u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let mut state = lock(&self.state);
        if state.bytes.saturating_add(frame.len()) > MAX_WAITING {
            state.lost += 1;
            return;
        }
        if let Some(line) = state.take_loss() {
            state.lines.push_back(line);
        }
        state.bytes += frame.len();
        state.lines.push_back(Line::Frame(LiveFrame {
            pid,
            time_ns,
            direction,
            frame: frame.to_vec(),
        }));
        self.filled.notify_one();
    }

    fn pop(&self) -> Option<Line> {
        let mut state = lock(&self.state);
        let line = state.lines.pop_front();
        match line {
            Some(Line::Frame(frame)) => {
                state.bytes -= frame.frame.len();
                Some(Line::Frame(frame))
            }
            Some(line) => Some(line),
            None => state.take_loss(),
        }
    }
}

impl State {
    fn take_loss(&mut self) -> Option<Line> {
        match std::mem::take(&mut self.lost) {
            0 => None,
            lost => Some(Line::Lost(lost)),
        }
    }
}

/// How many bytes of frames may wait for one client. The largest frame fits.
pub(super) const MAX_WAITING: usize = 16 * 1024 * 1024;
