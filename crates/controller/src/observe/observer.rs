//! Seeing the frames of every worker: for recordings and for the live socket.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::sync::watch;
use tureen_channel_dump::{Direction, Recorder};

use super::followers::{Followers, Following};
use super::{LiveTree, tree};
use crate::channel::Channel;
use crate::entity::lock;

/// Sees every frame of every worker whose settings name it, and can ask those workers for their
/// dumps. Clones are the same observer.
///
/// Without a recording and without a client of its [`LiveSocket`](super::LiveSocket), it costs
/// next to nothing.
#[derive(Clone)]
pub struct ChannelObserver {
    inner: Arc<Inner>,
}

struct Inner {
    record_to: Option<PathBuf>,
    followers: Arc<Followers>,
    workers: Mutex<Vec<(u32, Channel)>>,
    /// Each recording holds a receiver until it is written.
    written: watch::Sender<()>,
}

/// Where the frames of one worker's channel pass.
pub(crate) struct Tap {
    pid: u32,
    recorder: Option<Recorder>,
    observer: Arc<Inner>,
}

impl ChannelObserver {
    /// An observer that records nothing.
    pub fn new() -> Self {
        Self::with(None)
    }

    /// An observer that also records every worker in a file of its own in this directory, which
    /// is made if it is not there. Recordings hold keys and passwords, and are for the owner
    /// alone.
    ///
    /// If a recording cannot be made or continued, the log has an error and nothing else happens.
    pub fn recording_to(directory: impl Into<PathBuf>) -> Self {
        Self::with(Some(directory.into()))
    }

    /// Waits until the recordings of all workers are on disk. While a worker still runs, this does
    /// not return.
    pub async fn recordings_written(&self) {
        self.inner.written.closed().await;
    }

    fn with(record_to: Option<PathBuf>) -> Self {
        Self {
            inner: Arc::new(Inner {
                record_to,
                followers: Arc::default(),
                workers: Mutex::default(),
                written: watch::Sender::new(()),
            }),
        }
    }

    /// Begins with a worker. It ends when the tap is dropped.
    pub(crate) fn attach(&self, pid: u32, name: &str, channel: &Channel) -> Tap {
        lock(&self.inner.workers).push((pid, channel.clone()));
        Tap {
            pid,
            recorder: self.inner.recorder(pid, name),
            observer: self.inner.clone(),
        }
    }

    pub(super) fn follow(&self) -> Following {
        self.inner.followers.follow()
    }
}

impl LiveTree for ChannelObserver {
    async fn tree(&self) -> Value {
        let channels = lock(&self.inner.workers).clone();
        let mut workers = Vec::new();
        for (pid, channel) in channels {
            let worker = tree::of_worker(pid, &channel).await;
            // Its tap goes a moment after a worker does.
            if !channel.is_gone() {
                workers.push(worker);
            }
        }
        json!({ "workers": workers })
    }
}

impl Inner {
    fn recorder(&self, pid: u32, name: &str) -> Option<Recorder> {
        let directory = self.record_to.as_deref()?;
        let writing = self.written.subscribe();
        // The recording drops this when it ends, well or badly.
        let failed = move |error| {
            tracing::error!(pid, %error, "recording of the channel");
            drop(writing);
        };
        match Recorder::start(directory, pid, name, failed) {
            Ok(recorder) => Some(recorder),
            Err(error) => {
                tracing::error!(pid, %error, "the channel is not recorded");
                None
            }
        }
    }
}

impl Tap {
    /// Takes a frame, prefix included, that passes now.
    pub(crate) fn frame(&self, direction: Direction, frame: &[u8]) {
        if let Some(recorder) = &self.recorder {
            recorder.frame(direction, frame);
        }
        self.observer.followers.frame(self.pid, direction, frame);
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        lock(&self.observer.workers).retain(|(pid, _)| *pid != self.pid);
    }
}

impl Default for ChannelObserver {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ChannelObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChannelObserver")
            .field("record_to", &self.inner.record_to)
            .finish_non_exhaustive()
    }
}
