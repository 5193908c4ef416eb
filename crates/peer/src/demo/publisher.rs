//! The demo at work: a task that sends the source's packets on a transport.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, sleep_until},
};

use super::source::{DemoSource, DemoStats, Outgoing};
use crate::transport::{PeerSender, SendError};

/// A [`DemoSource`] at work on a transport.
///
/// It ends when [`DemoPublisher::stop`] is called or when it is dropped, and then it says goodbye.
/// It also ends when the transport closes, without a goodbye.
pub struct DemoPublisher {
    rtcp: mpsc::Sender<Bytes>,
    stats: Arc<Mutex<DemoStats>>,
    task: JoinHandle<()>,
}

impl DemoPublisher {
    /// Starts to send; needs a tokio runtime with time.
    pub fn start(source: DemoSource, sender: PeerSender) -> Self {
        let (rtcp, rtcp_rx) = mpsc::channel(RTCP_QUEUE);
        let stats = Arc::new(Mutex::new(source.stats()));
        let task = Task {
            source,
            sender,
            start: Instant::now(),
            stats: Arc::clone(&stats),
        };
        Self {
            rtcp,
            stats,
            task: tokio::spawn(task.run(rtcp_rx)),
        }
    }

    /// Wall clock of now, for [`DemoConfig::start_ntp`](super::DemoConfig::start_ntp).
    pub fn ntp_now() -> u64 {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        let since_1970 = since_1970.unwrap_or(Duration::ZERO);
        let seconds = since_1970.as_secs().wrapping_add(SECONDS_1900_TO_1970);
        let fraction = (u64::from(since_1970.subsec_nanos()) << 32) / 1_000_000_000;
        (seconds << 32) | fraction
    }

    /// Hands over RTCP that the transport received; dropped when more than 64 wait.
    pub fn handle_rtcp(&self, compound: Bytes) {
        if self.rtcp.try_send(compound).is_err() {
            tracing::debug!("the demo does not keep up with RTCP");
        }
    }

    /// What was sent so far.
    pub fn stats(&self) -> DemoStats {
        *self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the streams and returns when the goodbye is sent.
    pub async fn stop(self) {
        drop(self.rtcp);
        if let Err(error) = self.task.await {
            tracing::warn!(%error, "the demo did not end cleanly");
        }
    }
}

struct Task {
    source: DemoSource,
    sender: PeerSender,
    start: Instant,
    stats: Arc<Mutex<DemoStats>>,
}

impl Task {
    async fn run(mut self, mut rtcp: mpsc::Receiver<Bytes>) {
        let mut out = Vec::new();
        loop {
            tokio::select! {
                () = sleep_until(self.start + self.source.poll_timeout()) => {
                    self.source.handle_timeout(self.start.elapsed(), &mut out);
                }
                compound = rtcp.recv() => {
                    let Some(compound) = compound else {
                        out.push(self.source.goodbye(self.start.elapsed()));
                        self.send(&mut out).await;
                        return;
                    };
                    let now = self.start.elapsed();
                    if let Err(error) = self.source.handle_rtcp(now, &compound, &mut out) {
                        tracing::debug!(%error, "RTCP that cannot be read");
                    }
                }
            }
            if !self.send(&mut out).await {
                return;
            }
        }
    }

    /// Sends all of `out` and says whether the transport is still open.
    async fn send(&self, out: &mut Vec<Outgoing>) -> bool {
        *self.stats.lock().unwrap_or_else(PoisonError::into_inner) = self.source.stats();
        for packet in out.drain(..) {
            let sent = match packet {
                Outgoing::Rtp(packet) => self.sender.send_rtp(&packet).await,
                Outgoing::Rtcp(packet) => self.sender.send_rtcp(&packet).await,
            };
            match sent {
                Ok(()) => {}
                Err(SendError::Closed) => return false,
                Err(error) => tracing::debug!(%error, "a packet of the demo was not sent"),
            }
        }
        true
    }
}

const RTCP_QUEUE: usize = 64;
const SECONDS_1900_TO_1970: u64 = 2_208_988_800;
