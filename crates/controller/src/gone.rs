//! Why a worker is not there: how it ended, or why it could not be started.

use std::fmt;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

/// Why and how a worker ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerGone {
    pid: u32,
    reason: ExitReason,
    stderr: Arc<[String]>,
}

impl WorkerGone {
    pub(crate) fn new(pid: u32, reason: ExitReason, stderr: Vec<String>) -> Self {
        Self {
            pid,
            reason,
            stderr: stderr.into(),
        }
    }

    /// Process id it had.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// How it ended.
    pub fn reason(&self) -> &ExitReason {
        &self.reason
    }

    /// The last lines it wrote to its standard error.
    pub fn stderr(&self) -> &[String] {
        &self.stderr
    }

    /// Whether it ended because it was told to.
    pub fn was_closed(&self) -> bool {
        self.reason == ExitReason::Closed
    }
}

impl fmt::Display for WorkerGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "worker {} {}", self.pid, self.reason)?;
        match self.stderr.last() {
            Some(line) if !self.was_closed() => write!(f, " ({line})"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for WorkerGone {}

/// How a worker's process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExitReason {
    /// It was told to.
    Closed,
    /// It ended by itself with this exit code.
    Code(i32),
    /// A signal ended it.
    Signal(i32),
    /// It was killed, because its channel could not be used any more. This is the reason.
    Channel(String),
}

impl ExitReason {
    pub(super) fn of(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Code(code),
            (None, Some(signal)) => Self::Signal(signal),
            // wait(2) reports nothing else for a process that ended.
            (None, None) => Self::Code(-1),
        }
    }
}

impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("was closed"),
            Self::Code(code) => write!(f, "exited with code {code}"),
            Self::Signal(signal) => write!(f, "was ended by signal {signal}"),
            Self::Channel(reason) => write!(f, "was killed, its channel failed: {reason}"),
        }
    }
}

/// Why a worker was not started.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// This process is a worker itself.
    #[error("a worker does not spawn workers")]
    InsideWorker,
    /// No worker binary was found.
    #[error("no worker binary at {}, and TUREEN_WORKER_BIN names none", list(.looked_at))]
    BinaryNotFound {
        /// The places where one could be.
        looked_at: Vec<PathBuf>,
    },
    /// The binary could not be run.
    #[error("{}: {source}", .binary.display())]
    Run {
        /// The binary.
        binary: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The worker refused its settings (exit code 42).
    #[error("the worker refused its settings: {}", .stderr.join("; "))]
    WrongSettings {
        /// The last lines it wrote to its standard error.
        stderr: Vec<String>,
    },
    /// The worker ended before it was ready.
    #[error("before it was ready, {0}")]
    Exited(WorkerGone),
    /// The worker was not ready in time and was killed.
    #[error("the worker was not ready after {0:?}")]
    Timeout(Duration),
}

fn list(paths: &[PathBuf]) -> String {
    let paths: Vec<_> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    paths.join(", ")
}
