//! Processes as the system sees them, and the program that the controller runs as a worker.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};
use tureen_controller::{WorkerBinary, WorkerSettings};

/// Settings that make a worker of the `tureen` binary.
pub(crate) fn worker_settings() -> WorkerSettings {
    WorkerSettings {
        binary: WorkerBinary::Path(program().to_owned()),
        ..WorkerSettings::default()
    }
}

/// `tureen worker` as a separate program, because the running executable is this test. `exec` keeps
/// the spawned process, as the channel requires. If there is a [`Valve`] beside it, the worker's
/// messages to the controller go through that.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tureen-worker");
        let script = include_str!("worker.sh").replace("TUREEN", env!("CARGO_BIN_EXE_tureen"));
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    })
}

/// A process between worker and controller that passes the worker's messages on, or does not.
pub(crate) struct Valve {
    directory: PathBuf,
}

impl Valve {
    /// A valve for one worker, open.
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tureen-valve-{}-{count}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir(&directory).unwrap();
        mkfifo(&directory.join("valve"), Mode::S_IRWXU).unwrap();
        symlink(program(), directory.join("worker")).unwrap();
        Self { directory }
    }

    /// Settings that make a worker behind this valve.
    pub(crate) fn settings(&self) -> WorkerSettings {
        WorkerSettings {
            binary: WorkerBinary::Path(self.directory.join("worker")),
            // The requests of a soak wait until the valve opens.
            request_timeout: 2 * crate::DEADLINE,
            ..WorkerSettings::default()
        }
    }

    /// From now on nothing reaches the controller.
    pub(crate) fn close(&self) {
        kill(self.pid(), Signal::SIGSTOP).unwrap();
    }

    /// Everything reaches it again.
    pub(crate) fn open(&self) {
        kill(self.pid(), Signal::SIGCONT).unwrap();
    }

    fn pid(&self) -> Pid {
        let pid = fs::read_to_string(self.directory.join("pid")).unwrap();
        Pid::from_raw(pid.trim().parse().unwrap())
    }
}

impl Drop for Valve {
    fn drop(&mut self) {
        let _ = kill(self.pid(), Signal::SIGCONT);
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// `ordinary`, or `soak` in a soak (docs/measuring.md §5).
pub(crate) fn times(ordinary: usize, soak: usize) -> usize {
    match std::env::var_os("TUREEN_SOAK") {
        Some(_) => soak,
        None => ordinary,
    }
}

/// Whether a process with this id exists; a dead one that nobody waited for still counts.
pub(crate) fn is_there(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

/// Ids of the processes that `pid` has started and that have not ended.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let lists = threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| {
            let ids = list.split_whitespace().map(|id| id.parse().unwrap());
            ids.collect::<Vec<u32>>()
        })
        .collect()
}

/// How many descriptors a process has open.
pub(crate) fn descriptors(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()
}

/// How many KiB of a process are in memory.
pub(crate) fn resident_kib(pid: u32) -> u64 {
    status(pid, "VmRSS:")
}

/// How often a process has gone to sleep.
pub(crate) fn voluntary_switches(pid: u32) -> u64 {
    status(pid, "voluntary_ctxt_switches:")
}

fn status(pid: u32, key: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text.lines().find(|line| line.starts_with(key)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
