//! A worker's process and its pipes.

use std::collections::VecDeque;
use std::env;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use command_fds::{CommandFdExt, FdMapping};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tureen_channel_fbs::fbs::notification::{Event, Notification};

use super::WorkerSettings;
use crate::channel::{Channel, ChannelEnd, ChannelTasks, NotificationHandler};
use crate::entity::lock;
use crate::gone::{ExitReason, SpawnError, WorkerGone};

/// A worker's process, its channel and its standard error. Dropping it kills the process.
pub(super) struct Process {
    pid: u32,
    child: Child,
    channel: Channel,
    tasks: ChannelTasks,
    running: Option<oneshot::Receiver<()>>,
    stderr: Stderr,
}

impl Process {
    /// Starts the process; it is not ready yet.
    pub(super) fn start(settings: &WorkerSettings) -> Result<Self, SpawnError> {
        if env::var_os(GUARD_VARIABLE).is_some() {
            return Err(SpawnError::InsideWorker);
        }
        let program = settings.binary.program()?;
        let failed = |source| SpawnError::Run {
            binary: program.path.clone(),
            source,
        };
        let (to_worker, worker_input) = StdUnixStream::pair().map_err(failed)?;
        let (from_worker, worker_output) = StdUnixStream::pair().map_err(failed)?;
        let to_worker = tokio_stream(to_worker).map_err(failed)?;
        let from_worker = tokio_stream(from_worker).map_err(failed)?;

        let mut command = Command::new(&program.path);
        command
            .args(program.subcommand)
            .args(settings.arguments())
            .env("MEDIASOUP_VERSION", PROTOCOL_VERSION)
            .env(GUARD_VARIABLE, "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C goes to the terminal's whole foreground group, but it is meant for the
            // application, which closes its workers in its own time. If the application dies
            // without that, the worker sees the end of its channel.
            .process_group(0)
            .kill_on_drop(true);
        let mappings = vec![
            mapping(worker_input, CHANNEL_INPUT_FD),
            mapping(worker_output, CHANNEL_OUTPUT_FD),
        ];
        command
            .fd_mappings(mappings)
            .map_err(|collision| failed(std::io::Error::other(collision)))?;
        let mut child = command.spawn().map_err(failed)?;
        // The command still holds the worker's ends of the pipes. While they are open here, we
        // would not notice that the worker ends.
        drop(command);

        let pid = child.id().unwrap_or_default();
        let stderr = Stderr::capture(pid, child.stderr.take());
        if let Some(stdout) = child.stdout.take() {
            tokio::spawn(log_stdout(pid, stdout));
        }
        let (channel, tasks) =
            ChannelTasks::connect(pid, to_worker, from_worker, settings.request_timeout);
        let name = program.path.file_name().unwrap_or_default();
        let observer = settings.observer.as_ref();
        let tap = observer.map(|of| of.attach(pid, &name.to_string_lossy(), &channel));
        let (handler, running) = RunningHandler::new();
        // The channel is new: nobody else has the id.
        let _ = channel.register(&pid.to_string(), Arc::new(handler));
        Ok(Self {
            pid,
            child,
            channel,
            tasks: tasks.tap(tap).run(),
            running: Some(running),
            stderr,
        })
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    pub(super) fn channel(&self) -> &Channel {
        &self.channel
    }

    /// Waits until the worker says that it runs. If it takes too long, it is killed.
    pub(super) async fn ready(&mut self, deadline: Duration) -> Result<(), SpawnError> {
        let Some(mut running) = self.running.take() else {
            return Ok(());
        };
        let outcome = timeout(deadline, async {
            tokio::select! {
                biased;
                said = &mut running => match said {
                    Ok(()) => Ok(()),
                    Err(_) => Err(self.child.wait().await),
                },
                status = self.child.wait() => Err(status),
            }
        });
        let status = match outcome.await {
            Ok(Ok(())) => {
                self.channel.unregister(&self.pid.to_string());
                return Ok(());
            }
            Ok(Err(status)) => status,
            Err(_) => {
                self.kill().await;
                return Err(SpawnError::Timeout(deadline));
            }
        };
        let reason = exit_reason(status);
        let stderr = self.stderr.lines().await;
        Err(match reason {
            ExitReason::Code(WRONG_SETTINGS) => SpawnError::WrongSettings { stderr },
            reason => SpawnError::Exited(WorkerGone::new(self.pid, reason, stderr)),
        })
    }

    /// Waits until the process or its channel ends, whichever is first.
    pub(super) async fn ended(&mut self) -> ProcessEnd {
        tokio::select! {
            biased;
            status = self.child.wait() => {
                // What it said last is still in the stream.
                let _ = timeout(DRAIN_TIMEOUT, self.tasks.ended()).await;
                ProcessEnd::Process(exit_reason(status))
            }
            end = self.tasks.ended() => ProcessEnd::Channel(end),
        }
    }

    /// Waits for the process to end after its channel has ended. If it takes too long, it is
    /// killed.
    pub(super) async fn wait_or_kill(&mut self, grace: Duration) -> Option<ExitReason> {
        match timeout(grace, self.child.wait()).await {
            Ok(status) => Some(exit_reason(status)),
            Err(_) => {
                self.kill().await;
                None
            }
        }
    }

    /// Tells the worker to close, then closes the channel and waits.
    pub(super) async fn close(&mut self, grace: Duration) -> bool {
        self.channel.notify("", Event::WORKER_CLOSE);
        self.channel.end();
        self.tasks.close();
        self.wait_or_kill(grace).await.is_some()
    }

    /// The last lines of standard error.
    pub(super) async fn stderr(&mut self) -> Vec<String> {
        self.stderr.lines().await
    }

    async fn kill(&mut self) {
        tracing::warn!(pid = self.pid, "worker killed");
        if let Err(error) = self.child.kill().await {
            tracing::error!(pid = self.pid, %error, "worker cannot be killed");
        }
    }
}

/// What ended first.
pub(super) enum ProcessEnd {
    Process(ExitReason),
    Channel(ChannelEnd),
}

fn tokio_stream(stream: StdUnixStream) -> std::io::Result<UnixStream> {
    stream.set_nonblocking(true)?;
    UnixStream::from_std(stream)
}

fn mapping(stream: StdUnixStream, child_fd: i32) -> FdMapping {
    FdMapping {
        parent_fd: OwnedFd::from(stream),
        child_fd,
    }
}

fn exit_reason(status: std::io::Result<ExitStatus>) -> ExitReason {
    match status {
        Ok(status) => ExitReason::of(status),
        Err(error) => ExitReason::Channel(error.to_string()),
    }
}

/// Hears that the worker runs.
struct RunningHandler {
    tell: Mutex<Option<oneshot::Sender<()>>>,
}

impl RunningHandler {
    fn new() -> (Self, oneshot::Receiver<()>) {
        let (sender, receiver) = oneshot::channel();
        let tell = Mutex::new(Some(sender));
        (Self { tell }, receiver)
    }
}

impl NotificationHandler for RunningHandler {
    fn notified(&self, notification: &Notification<'_>) {
        if notification.event() == Event::WORKER_RUNNING
            && let Some(tell) = lock(&self.tell).take()
        {
            // Nobody waits any more when the deadline has passed.
            let _ = tell.send(());
        }
    }
}

/// Logs standard error and keeps its last lines.
struct Stderr {
    lines: Arc<Mutex<VecDeque<String>>>,
    task: Option<JoinHandle<()>>,
}

impl Stderr {
    fn capture(pid: u32, stderr: Option<impl AsyncRead + Send + Unpin + 'static>) -> Self {
        let lines = Arc::new(Mutex::new(VecDeque::new()));
        let kept = lines.clone();
        let task = stderr.map(|stderr| {
            tokio::spawn(async move {
                let mut reader = BufReader::new(stderr).lines();
                while let Ok(Some(line)) = reader.next_line().await {
                    tracing::warn!(target: "tureen_worker", pid, "stderr: {line}");
                    let mut kept = lock(&kept);
                    if kept.len() == STDERR_LINES {
                        kept.pop_front();
                    }
                    kept.push_back(line);
                }
            })
        });
        Self { lines, task }
    }

    /// The last lines, after the process has ended.
    async fn lines(&mut self) -> Vec<String> {
        if let Some(task) = self.task.take() {
            // A process it started may hold the stream open.
            let _ = timeout(DRAIN_TIMEOUT, task).await;
        }
        lock(&self.lines).iter().cloned().collect()
    }
}

async fn log_stdout(pid: u32, stdout: impl AsyncRead + Unpin) {
    let mut reader = BufReader::new(stdout).lines();
    while let Ok(Some(line)) = reader.next_line().await {
        tracing::debug!(target: "tureen_worker", pid, "stdout: {line}");
    }
}

/// The version of mediasoup whose channel we speak; a worker does not start without one.
const PROTOCOL_VERSION: &str = "3.27.1";
/// This is set in a worker's environment, so that no worker spawns workers.
const GUARD_VARIABLE: &str = "TUREEN_WORKER";
const CHANNEL_INPUT_FD: i32 = 3;
const CHANNEL_OUTPUT_FD: i32 = 4;
/// Exit code of a worker that refuses its settings.
const WRONG_SETTINGS: i32 = 42;
const STDERR_LINES: usize = 40;
/// How long we wait for the last output of an ended process.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);
