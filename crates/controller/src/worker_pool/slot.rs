//! One worker's place in the pool, and its replacement when it dies.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::{PooledWorker, RestartPolicy, Shared, WorkerPoolError, WorkerPoolEvent};
use crate::entity::lock;
use crate::listen_info::ListenInfo;
use crate::worker::{Worker, WorkerEvent, WorkerSettings};

/// One worker's place in the pool.
pub(super) struct Slot {
    pub(super) index: usize,
    pub(super) settings: WorkerSettings,
    pub(super) listen_infos: Vec<ListenInfo>,
}

impl Slot {
    pub(super) async fn start(&self) -> Result<PooledWorker, WorkerPoolError> {
        let index = self.index;
        let worker = Worker::spawn(self.settings.clone())
            .await
            .map_err(|source| WorkerPoolError::Spawn { index, source })?;
        let web_rtc_server = if self.listen_infos.is_empty() {
            None
        } else {
            let server = worker
                .create_web_rtc_server(self.listen_infos.clone())
                .await;
            Some(server.map_err(|source| WorkerPoolError::WebRtcServer { index, source })?)
        };
        Ok(PooledWorker {
            index,
            worker,
            web_rtc_server,
        })
    }
}

/// Replaces the worker of a slot whenever it dies, until the pool closes.
pub(super) async fn watch(
    slot: Slot,
    mut current: PooledWorker,
    policy: RestartPolicy,
    shared: Arc<Shared>,
    mut closing: watch::Receiver<bool>,
) {
    let mut delay = policy.min_delay;
    loop {
        let started = Instant::now();
        let mut events = current.worker.events();
        let event = tokio::select! {
            biased;
            () = asked_to_close(&mut closing) => {
                lock(&shared.workers)[slot.index] = None;
                current.worker.close().await;
                return;
            }
            event = events.next() => event,
        };
        lock(&shared.workers)[slot.index] = None;
        // The last event also reaches those who subscribe after a worker's early death.
        if let Some(WorkerEvent::Gone { gone, lost }) = event {
            let index = slot.index;
            shared
                .events
                .push(WorkerPoolEvent::Died { index, gone, lost });
        }
        if started.elapsed() >= policy.stable_after {
            delay = policy.min_delay;
        }
        let restarted = tokio::select! {
            biased;
            () = asked_to_close(&mut closing) => return,
            restarted = restart(&slot, &mut delay, policy, &shared) => restarted,
        };
        current = restarted;
    }
}

/// Tries until there is a worker.
async fn restart(
    slot: &Slot,
    delay: &mut Duration,
    policy: RestartPolicy,
    shared: &Shared,
) -> PooledWorker {
    let index = slot.index;
    loop {
        sleep(*delay).await;
        *delay = (*delay * 2).min(policy.max_delay);
        match slot.start().await {
            Ok(started) => {
                let pid = started.worker.pid();
                lock(&shared.workers)[index] = Some(started.clone());
                shared
                    .events
                    .push(WorkerPoolEvent::Restarted { index, pid });
                return started;
            }
            Err(error) => {
                let reason = error.to_string();
                tracing::error!("{reason}");
                shared
                    .events
                    .push(WorkerPoolEvent::RestartFailed { index, reason });
            }
        }
    }
}

/// Resolves when the pool is closed or its last handle is dropped.
async fn asked_to_close(closing: &mut watch::Receiver<bool>) {
    // An error says that the last handle is gone.
    let _ = closing.wait_for(|closing| *closing).await;
}
