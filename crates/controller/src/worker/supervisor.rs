//! Watching a worker's process until it ends.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::process::{Process, ProcessEnd};
use super::{Shared, WorkerEvent};
use crate::channel::ChannelEnd;
use crate::entity::{CloseReason, Lost};
use crate::gone::{ExitReason, WorkerGone};

/// Watches a worker until it is gone, then tells everybody who waits for that.
pub(super) async fn run(
    mut process: Process,
    shared: Arc<Shared>,
    mut close_asked: mpsc::Receiver<()>,
    close_timeout: Duration,
) -> WorkerGone {
    let reason = tokio::select! {
        // Asked by a call or by the last handle's drop.
        _ = close_asked.recv() => close(&mut process, close_timeout).await,
        end = process.ended() => match end {
            ProcessEnd::Process(reason) => reason,
            ProcessEnd::Channel(end) => after_channel(&mut process, end, close_timeout).await,
        },
    };
    let stderr = process.stderr().await;
    let gone = WorkerGone::new(shared.pid, reason, stderr);
    match gone.reason() {
        ExitReason::Closed => tracing::debug!(pid = gone.pid(), "worker closed"),
        // A worker ends like this on SIGINT and SIGTERM. Only the application knows whether that is
        // bad news.
        ExitReason::Code(0) => tracing::info!("{gone}"),
        _ => tracing::error!("{gone}"),
    }
    let mut lost = Lost::default();
    shared.channel.fail(&gone);
    let above = CloseReason::WorkerGone(gone.clone());
    shared.children.close_from_above(&above, &mut lost);
    let gone_event = WorkerEvent::Gone {
        gone: gone.clone(),
        lost,
    };
    shared.events.finish(gone_event);
    gone
}

async fn close(process: &mut Process, close_timeout: Duration) -> ExitReason {
    if !process.close(close_timeout).await {
        tracing::warn!(pid = process.pid(), "worker did not close in time");
    }
    ExitReason::Closed
}

/// Nobody can tell a worker without a channel anything. It ends by itself, or it is killed.
async fn after_channel(
    process: &mut Process,
    end: ChannelEnd,
    close_timeout: Duration,
) -> ExitReason {
    let reason = match end {
        // When a process ends, its streams usually close first.
        ChannelEnd::Closed => {
            if let Some(reason) = process.wait_or_kill(close_timeout).await {
                return reason;
            }
            "the worker closed it".to_owned()
        }
        ChannelEnd::Broken(reason) => {
            process.wait_or_kill(Duration::ZERO).await;
            reason
        }
    };
    ExitReason::Channel(reason)
}
