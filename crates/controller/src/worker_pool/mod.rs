//! Worker pools: several workers, each with ports of its own. A task for each worker reports its
//! death and starts another one. The pool is built on [`Worker`](crate::Worker) alone; the
//! application decides where a router goes.

mod settings;
mod slot;

pub use settings::{RestartPolicy, WorkerPoolSettings};

use std::fmt;
use std::sync::{Arc, Mutex};

use thiserror::Error;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::channel::RequestError;
use crate::entity::{EventQueue, Events, Lost, lock};
use crate::gone::{SpawnError, WorkerGone};
use crate::web_rtc_server::WebRtcServer;
use crate::worker::Worker;
use slot::Slot;

/// Workers side by side, one per core unless said otherwise, each with ports of its own.
///
/// When a worker dies, the pool reports what was lost and starts another one. The delay before that
/// grows from one death to the next. Closing the pool, or dropping its last handle, closes the
/// workers.
#[derive(Clone)]
pub struct WorkerPool {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    closing: watch::Sender<bool>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// What the handle shares with the tasks that watch the workers.
struct Shared {
    workers: Mutex<Vec<Option<PooledWorker>>>,
    events: EventQueue<WorkerPoolEvent>,
}

/// A worker of a pool.
#[derive(Clone, Debug)]
pub struct PooledWorker {
    /// Its place in the pool, from 0.
    pub index: usize,
    /// The worker.
    pub worker: Worker,
    /// Its shared ports, when the pool has some.
    pub web_rtc_server: Option<WebRtcServer>,
}

impl WorkerPool {
    /// Starts the workers and waits until all are ready.
    ///
    /// # Errors
    ///
    /// [`WorkerPoolError`] for the first worker that does not start; those that did are closed.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub async fn start(settings: WorkerPoolSettings) -> Result<Self, WorkerPoolError> {
        let slots = settings.slots()?;
        let mut workers = Vec::new();
        for slot in &slots {
            workers.push(Some(slot.start().await?));
        }
        let shared = Arc::new(Shared {
            workers: Mutex::new(workers.clone()),
            events: EventQueue::new(),
        });
        let (closing, closed) = watch::channel(false);
        let tasks = slots
            .into_iter()
            .zip(workers.into_iter().flatten())
            .map(|(slot, worker)| {
                let task = slot::watch(
                    slot,
                    worker,
                    settings.restart,
                    shared.clone(),
                    closed.clone(),
                );
                tokio::spawn(task)
            })
            .collect();
        Ok(Self {
            inner: Arc::new(Inner {
                shared,
                closing,
                tasks: Mutex::new(tasks),
            }),
        })
    }

    /// The workers that are alive.
    pub fn workers(&self) -> Vec<PooledWorker> {
        lock(&self.inner.shared.workers)
            .iter()
            .flatten()
            .cloned()
            .collect()
    }

    /// How many workers there are when all are alive; [`PooledWorker::index`] is below it.
    pub fn places(&self) -> usize {
        lock(&self.inner.shared.workers).len()
    }

    /// The worker with the least in it ([`Worker::load`]); none while all are being restarted.
    pub fn least_loaded(&self) -> Option<PooledWorker> {
        let workers = lock(&self.inner.shared.workers);
        workers
            .iter()
            .flatten()
            .min_by_key(|entry| entry.worker.load())
            .cloned()
    }

    /// Deaths and restarts.
    pub fn events(&self) -> Events<WorkerPoolEvent> {
        self.inner.shared.events.subscribe()
    }

    /// Closes the workers and waits until their processes are gone.
    pub async fn close(&self) {
        self.inner.closing.send_replace(true);
        let tasks = std::mem::take(&mut *lock(&self.inner.tasks));
        for task in tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "watching a worker");
            }
        }
    }
}

impl fmt::Debug for WorkerPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WorkerPool").field(&self.workers()).finish()
    }
}

/// What happens to the workers of a [`WorkerPool`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WorkerPoolEvent {
    /// A worker ended without being told to.
    Died {
        /// Its place in the pool.
        index: usize,
        /// Why and how.
        gone: WorkerGone,
        /// What was in it.
        lost: Lost,
    },
    /// Another worker has taken the place of a dead one.
    Restarted {
        /// Its place in the pool.
        index: usize,
        /// Its process id.
        pid: u32,
    },
    /// No worker could be started in place of a dead one. The pool tries again.
    RestartFailed {
        /// The place in the pool.
        index: usize,
        /// What went wrong.
        reason: String,
    },
}

/// Why a [`WorkerPool`] did not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WorkerPoolError {
    /// A worker did not start.
    #[error("worker {index}: {source}")]
    Spawn {
        /// Its place in the pool.
        index: usize,
        /// Why not.
        source: SpawnError,
    },
    /// A worker could not open its shared ports.
    #[error("worker {index}: WebRtcServer: {source}")]
    WebRtcServer {
        /// Its place in the pool.
        index: usize,
        /// Why not.
        source: RequestError,
    },
    /// There are fewer ports than the workers need.
    #[error("not enough ports for {workers} workers from {first} on")]
    NotEnoughPorts {
        /// Number of workers.
        workers: usize,
        /// The first port.
        first: u16,
    },
}
