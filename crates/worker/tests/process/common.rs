//! A worker process and the controller's ends of its pipes.

use std::io::Read;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A worker that has said that it is running. Killed when the test ends without it.
pub(crate) struct Process {
    child: Child,
    pub(crate) to_worker: Option<ChildStdin>,
    pub(crate) from_worker: Option<ChildStdout>,
    /// The payload of the first frame.
    pub(crate) running: Vec<u8>,
}

/// The command that starts a worker whose descriptors 3 and 4 are the pipes that it is given as
/// input and output. `exec` keeps the process that was spawned, as the channel demands.
fn command(arguments: &[&str]) -> Command {
    command_after("true", arguments)
}

/// The same, in a shell that does `first` before.
fn command_after(first: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("sh");
    let script = format!("{first}; exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null");
    command
        .args(["-c", &script])
        .arg(env!("CARGO_BIN_EXE_tureen-worker"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs a worker that should end by itself. Returns its exit code and its stderr.
pub(crate) fn exit_of(arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String) {
    let output = command(arguments)
        .env_remove("MEDIASOUP_VERSION")
        .envs(environment.iter().copied())
        .output()
        .expect("the worker starts");
    let stderr = String::from_utf8(output.stderr).expect("the worker writes text");
    (output.status.code(), stderr)
}

impl Process {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_by(command(arguments))
    }

    /// A worker that may have so many descriptors.
    pub(crate) fn start_with_descriptors(count: u32) -> Self {
        Self::start_by(command_after(&format!("ulimit -n {count}"), &[]))
    }

    fn start_by(mut command: Command) -> Self {
        let mut child = command
            .env("MEDIASOUP_VERSION", "3.27.1")
            .spawn()
            .expect("the worker starts");
        let to_worker = child.stdin.take();
        let mut from_worker = child.stdout.take().expect("it is piped");
        let mut prefix = [0; 4];
        from_worker.read_exact(&mut prefix).expect("a frame comes");
        let mut running = vec![0; u32::from_le_bytes(prefix) as usize];
        from_worker.read_exact(&mut running).expect("it is whole");
        Self {
            child,
            to_worker,
            from_worker: Some(from_worker),
            running,
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.id()).expect("process ids are small");
        kill(Pid::from_raw(pid), signal).expect("it is our child");
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().expect("it is our child").is_none()
    }

    /// Closes the controller's end of the pipe to the worker.
    pub(crate) fn close_channel(&mut self) {
        self.to_worker = None;
    }

    /// Closes everything that a controller which dies would close.
    pub(crate) fn close_everything(&mut self) {
        self.from_worker = None;
        self.child.stderr = None;
        self.to_worker = None;
    }

    /// Waits for the end. Returns the exit code, and the stderr if that was kept open.
    pub(crate) fn wait(&mut self) -> (Option<i32>, String) {
        let mut stderr = String::new();
        if let Some(mut pipe) = self.child.stderr.take() {
            pipe.read_to_string(&mut stderr)
                .expect("the worker writes text");
        }
        let status: ExitStatus = self.child.wait().expect("it is our child");
        (status.code(), stderr)
    }

    /// How often the worker has gone to sleep, by the kernel's count.
    pub(crate) fn context_switches(&self) -> u64 {
        let count = self.status("voluntary_ctxt_switches:");
        count.parse().expect("it is a number")
    }

    /// How many KiB of it are in memory.
    pub(crate) fn resident_kib(&self) -> u64 {
        self.status("VmRSS:").parse().expect("it is a number")
    }

    /// Whether it sleeps until something happens.
    pub(crate) fn is_asleep(&self) -> bool {
        self.status("State:") == "S"
    }

    /// The first word after `key` in the kernel's status of the process.
    fn status(&self, key: &str) -> String {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.id())).expect("it is alive");
        let line = status.lines().find(|line| line.starts_with(key));
        let word = line.and_then(|line| line.split_whitespace().nth(1));
        word.expect("the kernel tells").to_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // This fails if it has ended already, and then all is well.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
