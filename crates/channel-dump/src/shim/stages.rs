//! What each of the three processes does that run this binary.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{self, Command, Stdio};

use command_fds::{CommandFdExt, FdMapping};
use nix::sys::signal::{SigSet, Signal};
use tureen_channel_dump::{Direction, Recorder};

use crate::inherited;
use crate::link::Link;
use crate::relay;
use crate::tap::Tap;

/// Does the part of the process that this one is.
///
/// # Errors
///
/// Why it cannot be done. The first process returns only then.
pub(crate) fn run() -> Result<(), ShimError> {
    match env::var_os(STAGE).as_deref().and_then(OsStr::to_str) {
        None => Err(Settings::of_environment()?.become_worker()),
        Some(LAUNCH) => launch(),
        Some(_) => record(&Settings::of_environment()?),
    }
}

/// Why the shim cannot do its part.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShimError {
    /// A variable of the environment is missing.
    #[error("{0} is not set")]
    Unset(&'static str),
    /// The worker is this binary.
    #[error("{WORKER} is the shim itself: {}", .0.display())]
    Itself(PathBuf),
    /// The worker cannot be run.
    #[error("{}: {source}", path.display())]
    Worker { path: PathBuf, source: io::Error },
    /// A system call failed.
    #[error("{0}")]
    Io(#[from] io::Error),
}

struct Settings {
    worker: PathBuf,
    directory: PathBuf,
}

impl Settings {
    fn of_environment() -> Result<Self, ShimError> {
        let variable = |name| {
            let value: Option<OsString> = env::var_os(name).filter(|value| !value.is_empty());
            value.map(PathBuf::from).ok_or(ShimError::Unset(name))
        };
        let worker = variable(WORKER)?;
        let is_itself = match (worker.canonicalize(), env::current_exe()) {
            (Ok(worker), Ok(exe)) => worker == exe,
            _ => false,
        };
        if is_itself {
            return Err(ShimError::Itself(worker));
        }
        Ok(Self {
            worker,
            directory: variable(DIRECTORY)?,
        })
    }

    /// Starts the recorder and becomes the worker. Returns when that fails.
    ///
    /// A worker that cannot be recorded still works: then it gets the controller's descriptors.
    fn become_worker(&self) -> ShimError {
        let mut worker = Command::new(&self.worker);
        worker.args(env::args_os().skip(1));
        for variable in [WORKER, DIRECTORY, STAGE, PID] {
            worker.env_remove(variable);
        }
        match start_recorder() {
            Ok(ends) => {
                if let Err(error) = map(&mut worker, ends, CHANNEL) {
                    return error.into();
                }
            }
            Err(error) => eprintln!("tureen-worker-shim: nothing is recorded: {error}"),
        }
        let source = worker.exec();
        let path = self.worker.clone();
        ShimError::Worker { path, source }
    }
}

/// Starts the recorder and yields the worker's ends of the channel.
fn start_recorder() -> io::Result<[OwnedFd; 2]> {
    if let Some(fd) = CHANNEL.into_iter().find(|fd| !inherited::is_open(*fd)) {
        // Else the first new socket would get its number.
        return Err(io::Error::other(format!("descriptor {fd} is not open")));
    }
    let (recorder_input, worker_input) = UnixStream::pair()?;
    let (recorder_output, worker_output) = UnixStream::pair()?;
    let mut launcher = stage(LAUNCH)?;
    launcher.env(PID, process::id().to_string());
    let ends = [recorder_input.into(), recorder_output.into()];
    map(&mut launcher, ends, TO_WORKER)?;
    let status = launcher.status()?;
    if !status.success() {
        return Err(io::Error::other(format!(
            "the recorder did not start: {status}"
        )));
    }
    Ok([worker_input.into(), worker_output.into()])
}

/// Starts the recorder, which inherits every descriptor, and leaves it alone.
fn launch() -> Result<(), ShimError> {
    // The recorder gets a process group of its own, because a terminal sends an interrupt to the
    // whole group.
    stage(RECORD)?.process_group(0).spawn()?;
    Ok(())
}

/// Passes on and records until both sides have closed.
fn record(settings: &Settings) -> Result<(), ShimError> {
    let [input, output] = CHANNEL.map(inherited::take);
    let [to_worker, from_worker] = TO_WORKER.map(inherited::take);
    // Whoever kills the worker may kill its whole process group. The recorder must outlive that: it
    // ends when the channel does, after it has written everything.
    let mut signals = SigSet::empty();
    for signal in [
        Signal::SIGINT,
        Signal::SIGTERM,
        Signal::SIGHUP,
        Signal::SIGQUIT,
    ] {
        signals.add(signal);
    }
    signals.thread_block().map_err(io::Error::from)?;

    let pid = env::var(PID).ok().and_then(|pid| pid.parse().ok());
    let name = settings
        .worker
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    let told = |error| eprintln!("tureen-worker-shim: {error}");
    let recorder = Recorder::start(&settings.directory, pid.unwrap_or_default(), &name, told);
    let recorder = recorder.map_err(told).ok();
    let links = [
        Link::new(input?, to_worker?, Tap::new(Direction::ToWorker))?,
        Link::new(output?, from_worker?, Tap::new(Direction::FromWorker))?,
    ];
    let outcome = relay::run(links, recorder.as_ref());
    if let Some(recorder) = recorder {
        recorder.finish();
    }
    Ok(outcome?)
}

/// This binary again, as something else.
fn stage(stage: &str) -> io::Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command
        .env(STAGE, stage)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    Ok(command)
}

fn map(command: &mut Command, fds: [OwnedFd; 2], numbers: [RawFd; 2]) -> io::Result<()> {
    let pairs = fds.into_iter().zip(numbers);
    let mappings = pairs.map(|(parent_fd, child_fd)| FdMapping {
        parent_fd,
        child_fd,
    });
    let mapped = command.fd_mappings(mappings.collect());
    mapped.map(|_| ()).map_err(io::Error::other)
}

/// Variables that say what to do.
const WORKER: &str = "TUREEN_SHIM_WORKER";
const DIRECTORY: &str = "TUREEN_SHIM_DIR";

/// Which part a process does: none for the first, then [`LAUNCH`], then [`RECORD`].
const STAGE: &str = "TUREEN_SHIM_STAGE";
const LAUNCH: &str = "launch";
const RECORD: &str = "record";

/// Process id of the worker, for the recorder.
const PID: &str = "TUREEN_SHIM_PID";

/// The descriptors of the channel in a worker: what it reads, what it writes.
const CHANNEL: [RawFd; 2] = [3, 4];

/// The ends of the new pairs in the recorder.
const TO_WORKER: [RawFd; 2] = [5, 6];
