//! Workers: the processes that move media. `binary` finds one, `process` spawns it, and
//! `supervisor` watches it until it is gone; then all that was in it closes with the reason.
//! Routers and WebRtcServers live in a worker.

mod binary;
mod metrics;
mod process;
mod requests;
mod settings;
mod supervisor;

pub use binary::WorkerBinary;
pub use metrics::{DirectionMetrics, TurnMetrics, WorkerDetails, WorkerMetrics};
pub use settings::{DtlsFiles, LogLevel, LogTag, WorkerSettings};

use std::sync::Arc;

use serde::Serialize;
use tokio::sync::{mpsc, watch};

use crate::channel::{Channel, RequestError};
use crate::entity::{Children, EventQueue, Events, Lost, debug_by_id};
use crate::gone::{ExitReason, SpawnError, WorkerGone};
use crate::ids::{RouterId, WebRtcServerId, WorkerId};
use process::Process;
use requests::{DumpWorker, GetResourceUsage, UpdateSettings};

/// A media worker: a process with one thread that moves the packets of its routers.
///
/// Closing it, or dropping its last handle, ends the process.
#[derive(Clone)]
pub struct Worker {
    inner: Arc<Inner>,
}

struct Inner {
    id: WorkerId,
    shared: Arc<Shared>,
    close: mpsc::Sender<()>,
    gone: watch::Receiver<Option<WorkerGone>>,
}

/// What the handle shares with the task that watches the process.
struct Shared {
    pid: u32,
    channel: Channel,
    children: Children,
    events: EventQueue<WorkerEvent>,
}

impl Worker {
    /// Starts a worker and waits until it is ready.
    ///
    /// # Errors
    ///
    /// [`SpawnError`] says whether there was no binary, it did not start, it refused its
    /// settings, or was not ready in time. No process is left behind.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub async fn spawn(settings: WorkerSettings) -> Result<Self, SpawnError> {
        let mut process = Process::start(&settings)?;
        process.ready(settings.start_timeout).await?;
        Ok(Self::supervise(process, settings.close_timeout))
    }

    fn supervise(process: Process, close_timeout: std::time::Duration) -> Self {
        let shared = Arc::new(Shared {
            pid: process.pid(),
            channel: process.channel().clone(),
            children: Children::default(),
            events: EventQueue::new(),
        });
        let (close, close_asked) = mpsc::channel(1);
        let (tell, gone) = watch::channel(None);
        let task = supervisor::run(process, shared.clone(), close_asked, close_timeout);
        tokio::spawn(async move {
            let reason = task.await;
            // Without a handle nobody needs to know.
            let _ = tell.send(Some(reason));
        });
        Self {
            inner: Arc::new(Inner {
                id: WorkerId::random(),
                shared,
                close,
                gone,
            }),
        }
    }

    /// Its id, for this process's own use.
    pub fn id(&self) -> &WorkerId {
        &self.inner.id
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.inner.shared.pid
    }

    /// Changes what the worker logs.
    pub async fn update_settings(
        &self,
        log_level: LogLevel,
        log_tags: &[LogTag],
    ) -> Result<(), RequestError> {
        let request = UpdateSettings {
            log_level,
            log_tags,
        };
        self.channel().request(&request).await
    }

    /// What the worker holds.
    pub async fn dump(&self) -> Result<WorkerDump, RequestError> {
        self.channel().request(&DumpWorker).await
    }

    /// What the process has used of the host.
    pub async fn resource_usage(&self) -> Result<ResourceUsage, RequestError> {
        self.channel().request(&GetResourceUsage).await
    }

    /// Its events.
    pub fn events(&self) -> Events<WorkerEvent> {
        self.inner.shared.events.subscribe()
    }

    /// How much is in it: its WebRtcServers, routers, transports, Producers and Consumers together,
    /// as this process knows them. Consumers are the most of them, and the most of a worker's work.
    pub fn load(&self) -> usize {
        self.channel().entities()
    }

    /// Why and how it ended, when it has.
    pub fn gone(&self) -> Option<WorkerGone> {
        self.inner.gone.borrow().clone()
    }

    /// Ends the worker and waits until its process is gone. One that does not end by itself
    /// within the settings' close timeout is killed.
    pub async fn close(&self) -> WorkerGone {
        // If it was asked before or has ended, there is nothing to do.
        let _ = self.inner.close.try_send(());
        let mut gone = self.inner.gone.clone();
        let reason = match gone.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone(),
            Err(_) => None,
        };
        // The task that answers ends only with the runtime, and then the process has ended, too.
        reason.unwrap_or_else(|| WorkerGone::new(self.pid(), ExitReason::Closed, Vec::new()))
    }

    pub(crate) fn channel(&self) -> &Channel {
        &self.inner.shared.channel
    }

    pub(crate) fn children(&self) -> &Children {
        &self.inner.shared.children
    }
}

debug_by_id!(Worker);

impl Drop for Inner {
    fn drop(&mut self) {
        // This fails if closing was requested before, or if the worker has ended.
        let _ = self.close.try_send(());
    }
}

/// What happens to a [`Worker`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WorkerEvent {
    /// It ended, by `close()` or by itself; the last event.
    Gone {
        /// Why and how.
        gone: WorkerGone,
        /// What was still in it.
        lost: Lost,
    },
}

/// What a [`Worker`] holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkerDump {
    /// Its process id.
    pub pid: u32,
    /// Its WebRtcServers.
    pub web_rtc_server_ids: Vec<WebRtcServerId>,
    /// Its routers.
    pub router_ids: Vec<RouterId>,
    /// Who takes messages in it.
    pub channel_message_handlers: ChannelMessageHandlers,
}

/// Ids of the entities in a worker that take messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChannelMessageHandlers {
    /// Those that take requests.
    pub channel_request_handlers: Vec<String>,
    /// Those that take notifications.
    pub channel_notification_handlers: Vec<String>,
}

/// What a process has used, as getrusage(2) tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ResourceUsage {
    /// Processor time in user mode, in milliseconds.
    pub ru_utime: u64,
    /// Processor time in the kernel, in milliseconds.
    pub ru_stime: u64,
    /// Most memory ever resident, in KiB.
    pub ru_maxrss: u64,
    /// Shared memory; Linux leaves it 0.
    pub ru_ixrss: u64,
    /// Unshared data; Linux leaves it 0.
    pub ru_idrss: u64,
    /// Unshared stack; Linux leaves it 0.
    pub ru_isrss: u64,
    /// Page faults without input.
    pub ru_minflt: u64,
    /// Page faults with input.
    pub ru_majflt: u64,
    /// Times swapped out; Linux leaves it 0.
    pub ru_nswap: u64,
    /// Blocks read.
    pub ru_inblock: u64,
    /// Blocks written.
    pub ru_oublock: u64,
    /// Messages sent; Linux leaves it 0.
    pub ru_msgsnd: u64,
    /// Messages received; Linux leaves it 0.
    pub ru_msgrcv: u64,
    /// Signals; Linux leaves it 0.
    pub ru_nsignals: u64,
    /// Times it waited.
    pub ru_nvcsw: u64,
    /// Times it was made to wait.
    pub ru_nivcsw: u64,
}
