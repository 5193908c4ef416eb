//! The tasks that move frames between a channel and its pipes.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tureen_channel_dump::Direction;
use tureen_channel_fbs::{FrameReader, read_message};

use super::{Channel, Outgoing};
use crate::observe::Tap;

/// Why no more frames come from a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ChannelEnd {
    /// The worker closed the stream.
    Closed,
    /// The stream cannot be read any further, for this reason.
    Broken(String),
}

/// The two tasks that move frames.
pub(crate) struct ChannelTasks {
    reader: JoinHandle<ChannelEnd>,
    writer: JoinHandle<()>,
}

impl ChannelTasks {
    /// Makes a channel over two streams. Nothing moves until [`PausedTasks::run`].
    pub(crate) fn connect(
        pid: u32,
        to_worker: UnixStream,
        from_worker: UnixStream,
        request_timeout: Duration,
    ) -> (Channel, PausedTasks) {
        let (channel, frames) = Channel::new(request_timeout);
        let paused = PausedTasks {
            pid,
            to_worker,
            from_worker,
            frames,
            channel: channel.clone(),
            tap: None,
        };
        (channel, paused)
    }

    /// Waits until the worker sends nothing more.
    pub(crate) async fn ended(&mut self) -> ChannelEnd {
        match (&mut self.reader).await {
            Ok(end) => end,
            Err(error) => ChannelEnd::Broken(error.to_string()),
        }
    }

    /// Closes both streams. Frames from before [`Channel::end`] are written first, if the worker
    /// takes them.
    pub(crate) fn close(&self) {
        self.reader.abort();
    }
}

impl Drop for ChannelTasks {
    fn drop(&mut self) {
        self.reader.abort();
        self.writer.abort();
    }
}

/// A channel that does not read yet, so that handlers can be registered before the first
/// notification.
pub(crate) struct PausedTasks {
    pid: u32,
    to_worker: UnixStream,
    from_worker: UnixStream,
    frames: mpsc::UnboundedReceiver<Outgoing>,
    channel: Channel,
    tap: Option<Tap>,
}

impl PausedTasks {
    /// Shows every frame to this tap, until both tasks have ended.
    pub(crate) fn tap(self, tap: Option<Tap>) -> Self {
        Self { tap, ..self }
    }

    pub(crate) fn run(self) -> ChannelTasks {
        let to = Passage {
            pid: self.pid,
            tap: self.tap.map(Arc::new),
        };
        let from = to.clone();
        ChannelTasks {
            reader: tokio::spawn(read(from, self.from_worker, self.channel)),
            writer: tokio::spawn(write(to, self.to_worker, self.frames)),
        }
    }
}

/// Every frame of a channel passes here, whole and with its prefix.
#[derive(Clone)]
struct Passage {
    pid: u32,
    tap: Option<Arc<Tap>>,
}

impl Passage {
    fn frame(&self, direction: Direction, frame: &[u8]) {
        tracing::trace!(pid = self.pid, ?direction, len = frame.len(), "frame");
        if let Some(tap) = &self.tap {
            tap.frame(direction, frame);
        }
    }
}

async fn read(passage: Passage, mut stream: UnixStream, channel: Channel) -> ChannelEnd {
    let pid = passage.pid;
    let mut frames = FrameReader::new();
    loop {
        match stream.read(frames.space()).await {
            Ok(0) => return ChannelEnd::Closed,
            Ok(len) => frames.advance(len),
            Err(error) => return ChannelEnd::Broken(error.to_string()),
        }
        loop {
            match frames.next_frame() {
                Ok(None) => break,
                Ok(Some(frame)) => {
                    passage.frame(Direction::FromWorker, frame);
                    take_in(pid, frame, &channel);
                }
                Err(error) if error.is_fatal() => return ChannelEnd::Broken(error.to_string()),
                Err(error) => tracing::warn!(pid, %error, "frame from worker skipped"),
            }
        }
    }
}

fn take_in(pid: u32, frame: &[u8], channel: &Channel) {
    let message = match read_message(frame) {
        Ok(message) => message,
        Err(error) => {
            tracing::warn!(pid, %error, "frame from worker skipped");
            return;
        }
    };
    if let Some(response) = message.data_as_response() {
        channel.settle(&response);
    } else if let Some(notification) = message.data_as_notification() {
        channel.dispatch(&notification);
    } else if let Some(log) = message.data_as_log() {
        log_line(pid, log.data());
    } else {
        tracing::warn!(
            pid,
            "message from worker of a kind that only goes to workers"
        );
    }
}

/// The first character of a worker's log line is its level.
fn log_line(pid: u32, line: &str) {
    let mut rest = line.chars();
    let level = rest.next();
    let text = rest.as_str();
    match level {
        Some('D') => tracing::debug!(target: "tureen_worker", pid, "{text}"),
        Some('W') => tracing::warn!(target: "tureen_worker", pid, "{text}"),
        Some('E') => tracing::error!(target: "tureen_worker", pid, "{text}"),
        Some('X') => tracing::info!(target: "tureen_worker", pid, "{text}"),
        _ => tracing::info!(target: "tureen_worker", pid, "{line}"),
    }
}

async fn write(
    passage: Passage,
    mut stream: UnixStream,
    mut frames: mpsc::UnboundedReceiver<Outgoing>,
) {
    while let Some(Outgoing::Frame(frame)) = frames.recv().await {
        passage.frame(Direction::ToWorker, &frame);
        if let Err(error) = stream.write_all(&frame).await {
            // The task that watches the process notices the worker's end and reports it.
            if error.kind() != io::ErrorKind::BrokenPipe {
                tracing::warn!(pid = passage.pid, %error, "channel to worker");
            }
            return;
        }
    }
}
