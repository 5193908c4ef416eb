//! The workers of a server, and which of them carries which call.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::{Mutex, OnceCell, watch};
use tokio::time::timeout;
use tureen_controller::ortc::generate_router_rtp_capabilities;
use tureen_controller::rtp::{RtpCapabilities, RtpCodecCapability};
use tureen_controller::{
    ChannelObserver, CreateRouterError, ExitReason, LogLevel, LogTag, Router, RouterEvent,
    WorkerBinary, WorkerGone, WorkerPool, WorkerPoolError, WorkerPoolEvent, WorkerPoolSettings,
    WorkerSettings,
};

use super::codecs::media_codecs;
use super::{Call, ListenPlan, MediaError};
use crate::config::{MediaConfig, WorkerLog};
use crate::rooms::RoomId;

/// The workers of a server, and the calls that they carry.
pub(crate) struct Media {
    pool: Option<WorkerPool>,
    codecs: Vec<RtpCodecCapability>,
    initial_outgoing_bitrate: u32,
    calls: Mutex<HashMap<RoomId, Arc<Place>>>,
}

/// A call, or a call that is being made: the first one makes it, the others wait.
type Place = OnceCell<Arc<Call>>;

impl Media {
    /// Starts the workers, each with its ports, and waits until all are ready.
    pub(crate) async fn start(
        config: &MediaConfig,
        plan: &ListenPlan,
        binary: WorkerBinary,
        observer: ChannelObserver,
    ) -> Result<Self, WorkerPoolError> {
        let settings = WorkerPoolSettings {
            workers: NonZeroUsize::new(config.workers),
            worker: WorkerSettings {
                binary,
                log_level: log_level(config.worker_log),
                log_tags: LogTag::ALL.to_vec(),
                observer: Some(observer),
                ..WorkerSettings::default()
            },
            web_rtc_server: plan.listen_infos(config.rtc_port),
            ..WorkerPoolSettings::default()
        };
        let pool = WorkerPool::start(settings).await?;
        Ok(Self {
            pool: Some(pool),
            ..Self::without_workers(config)
        })
    }

    /// Carries no call; for what can be done without media.
    pub(crate) fn without_workers(config: &MediaConfig) -> Self {
        Self {
            pool: None,
            codecs: media_codecs(&config.codecs),
            initial_outgoing_bitrate: config.initial_outgoing_bitrate,
            calls: Mutex::default(),
        }
    }

    pub(super) fn pool(&self) -> Option<&WorkerPool> {
        self.pool.as_ref()
    }

    /// How many workers run.
    pub(crate) fn workers(&self) -> usize {
        self.pool.as_ref().map_or(0, |pool| pool.workers().len())
    }

    /// What every call can carry.
    pub(crate) fn rtp_capabilities(&self) -> Result<RtpCapabilities, MediaError> {
        let capabilities = generate_router_rtp_capabilities(&self.codecs);
        Ok(capabilities.map_err(CreateRouterError::from)?)
    }

    /// The call of a room, if there is one.
    pub(crate) async fn running_call(&self, room: &RoomId) -> Option<Arc<Call>> {
        let calls = self.calls.lock().await;
        calls.get(room)?.get().cloned()
    }

    /// The call of a room; made in the least loaded worker when there is none.
    pub(crate) async fn call(self: &Arc<Self>, room: &RoomId) -> Result<Arc<Call>, MediaError> {
        let place = {
            let mut calls = self.calls.lock().await;
            Arc::clone(calls.entry(room.clone()).or_default())
        };
        let call = place
            .get_or_try_init(|| self.make_call(room, &place))
            .await?;
        Ok(Arc::clone(call))
    }

    /// The room is no more. If `is_gone` denies that, another one of this name has been opened
    /// meanwhile, and the call is that one's.
    pub(crate) async fn close_call(&self, room: &RoomId, is_gone: impl FnOnce() -> bool) {
        let place = {
            let mut calls = self.calls.lock().await;
            // A room asks for its call after it was opened, so a later one waits for the lock.
            if is_gone() { calls.remove(room) } else { None }
        };
        if let Some(call) = place.and_then(|place| place.get().cloned()) {
            call.router().close();
        }
    }

    /// Follows deaths and restarts of workers until the pool closes. `restarted` is called for each
    /// worker that runs again, and `ending` is true once the server should end.
    pub(crate) async fn watch_workers(
        &self,
        mut ending: watch::Receiver<bool>,
        mut restarted: impl FnMut(),
    ) {
        let Some(pool) = &self.pool else { return };
        let mut events = pool.events();
        while let Some(event) = events.next().await {
            match event {
                WorkerPoolEvent::Died { index, gone, lost } => {
                    let rooms = lost.routers.len();
                    if told_to_end(&gone, &mut ending).await {
                        tracing::debug!(index, %gone, rooms, "a media worker ended with the server");
                    } else {
                        tracing::error!(index, %gone, rooms, "a media worker died");
                    }
                }
                WorkerPoolEvent::Restarted { index, pid } => {
                    tracing::info!(index, pid, "a media worker runs again");
                    restarted();
                }
                WorkerPoolEvent::RestartFailed { index, reason } => {
                    tracing::error!(index, reason, "a media worker cannot be started");
                }
                _ => {}
            }
        }
    }

    /// Closes the workers and waits until their processes are gone.
    pub(crate) async fn close(&self) {
        if let Some(pool) = &self.pool {
            pool.close().await;
        }
    }

    async fn make_call(
        self: &Arc<Self>,
        room: &RoomId,
        place: &Arc<Place>,
    ) -> Result<Arc<Call>, MediaError> {
        let worker = self.pool.as_ref().and_then(WorkerPool::least_loaded);
        let worker = worker.ok_or(MediaError::NoWorker)?;
        let server = worker.web_rtc_server.ok_or(MediaError::NoWorker)?;
        let router = worker.worker.create_router(&self.codecs).await?;
        let call = Arc::new(Call::new(
            router.clone(),
            server,
            self.initial_outgoing_bitrate,
        ));
        tracing::debug!(%room, worker = worker.index, "a call begins");
        tokio::spawn(watch_router(
            router,
            room.clone(),
            Arc::downgrade(&call),
            Arc::downgrade(place),
            Arc::downgrade(self),
        ));
        Ok(call)
    }

    /// Forgets a call that was lost, unless another has taken its place.
    async fn forget(&self, room: &RoomId, lost: &Weak<Place>) {
        let mut calls = self.calls.lock().await;
        let is_it = calls
            .get(room)
            .is_some_and(|place| std::ptr::eq(Arc::as_ptr(place), lost.as_ptr()));
        if is_it {
            calls.remove(room);
        }
    }
}

/// Whether a worker ended because of a signal that also ends the server. Service managers send
/// SIGTERM to every process of a service, and the server may get it last.
async fn told_to_end(gone: &WorkerGone, ending: &mut watch::Receiver<bool>) -> bool {
    let ends = ending.wait_for(|ending| *ending);
    *gone.reason() == ExitReason::Code(0) && matches!(timeout(SIGNAL_SPREAD, ends).await, Ok(Ok(_)))
}

/// Waits for the end of a router. When that comes with the death of its worker, the people of the
/// room must open their connections anew.
async fn watch_router(
    router: Router,
    room: RoomId,
    call: Weak<Call>,
    place: Weak<Place>,
    media: Weak<Media>,
) {
    let mut events = router.events();
    // Else this task would keep the router open.
    drop(router);
    while let Some(event) = events.next().await {
        if let RouterEvent::Closed(reason) = event {
            tracing::debug!(%room, ?reason, "a call ends");
        }
    }
    if let Some(media) = media.upgrade() {
        media.forget(&room, &place).await;
    }
    if let Some(call) = call.upgrade() {
        call.set_lost();
    }
}

fn log_level(level: WorkerLog) -> LogLevel {
    match level {
        WorkerLog::Debug => LogLevel::Debug,
        WorkerLog::Warn => LogLevel::Warn,
        WorkerLog::Error => LogLevel::Error,
        WorkerLog::None => LogLevel::None,
    }
}

/// How much later than a worker the server may get a signal that was sent to both.
const SIGNAL_SPREAD: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    #[tokio::test]
    async fn the_call_of_a_room_that_was_opened_again_stays() {
        let Command::Serve(config) = Cli::parse_from(["tureen", "serve"]).command else {
            panic!("serve");
        };
        let media = Arc::new(Media::without_workers(&config.media));
        let room = RoomId::parse("soup").unwrap();
        // It waits for a worker.
        assert!(media.call(&room).await.is_err());
        media.close_call(&room, || false).await;
        assert!(media.calls.lock().await.contains_key(&room));
        media.close_call(&room, || true).await;
        assert!(media.calls.lock().await.is_empty());
    }
}
