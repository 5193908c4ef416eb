//! The controller's side of a worker that is run through the shim.

use std::env;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use command_fds::{CommandFdExt, FdMapping};
use tureen_channel_dump::{Content, Direction, RecordingReader};
use tureen_channel_fbs::fbs::request::Method;
use tureen_channel_fbs::{FrameBuilder, FrameReader};

/// The surroundings of a test: its directories, and how it runs the shim.
pub(crate) struct Setting {
    root: PathBuf,
    pub(crate) command: Command,
}

/// A worker that runs, and the channel to it.
pub(crate) struct Controller {
    root: PathBuf,
    pub(crate) child: Child,
    pub(crate) to_worker: UnixStream,
    pub(crate) from_worker: UnixStream,
    pub(crate) reader: FrameReader,
    pub(crate) frames: FrameBuilder,
}

impl Setting {
    /// The shim in front of this binary as a worker in `scenario`.
    pub(crate) fn new(scenario: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let root = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let root = root.join(format!("shim-{}-{count}", std::process::id()));
        fs::create_dir_all(&root).unwrap();
        let worker = root.join("fake-worker");
        let exe = env::current_exe().unwrap();
        // The channel becomes standard input and output, which safe code can use.
        let script = format!(
            "#!/bin/sh\nexec {} worker {scenario} \"$@\" <&3 >&4 3<&- 4>&-\n",
            exe.display()
        );
        fs::write(&worker, script).unwrap();
        fs::set_permissions(&worker, fs::Permissions::from_mode(0o755)).unwrap();
        let mut command = Command::new(SHIM);
        command
            .env("TUREEN_SHIM_WORKER", worker)
            .env("TUREEN_SHIM_DIR", root.join("recordings"))
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            // A signal to the group of the worker must not reach the tests.
            .process_group(0);
        Self { root, command }
    }

    /// Runs it, with sockets for the channel.
    pub(crate) fn start(mut self) -> Controller {
        let (to_worker, input) = UnixStream::pair().unwrap();
        let (from_worker, output) = UnixStream::pair().unwrap();
        let child = self.spawn([input.into(), output.into()]);
        Controller {
            root: self.root.clone(),
            child,
            to_worker,
            from_worker,
            reader: FrameReader::new(),
            frames: FrameBuilder::new(),
        }
    }

    /// Runs the shim with these as its descriptors 3 and 4, and closes them here.
    pub(crate) fn spawn(&mut self, channel: [OwnedFd; 2]) -> Child {
        let [input, output] = channel;
        let mapping = |parent_fd, child_fd| FdMapping {
            parent_fd,
            child_fd,
        };
        let mappings = vec![mapping(input, 3), mapping(output, 4)];
        let mut command = std::mem::replace(&mut self.command, Command::new("false"));
        command.fd_mappings(mappings).unwrap();
        command.spawn().unwrap()
    }
}

impl Controller {
    /// Sends a request without a body.
    pub(crate) fn request(&mut self, id: u32, method: Method, handler_id: &str) {
        let frame = self.frames.request(id, method, handler_id, None).unwrap();
        self.to_worker.write_all(frame).unwrap();
    }

    /// The next frame of the worker, `None` at its end.
    pub(crate) fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(frame) = self.reader.next_frame().unwrap() {
                return Some(frame.to_vec());
            }
            match self.from_worker.read(self.reader.space()).unwrap() {
                0 => return None,
                len => self.reader.advance(len),
            }
        }
    }

    /// Waits until the worker and the recorder have ended, while both sides of the channel are
    /// still open here. Returns how the worker ended and what both wrote to standard error.
    pub(crate) fn wait(&mut self) -> (ExitStatus, String) {
        wait(&mut self.child)
    }

    /// As [`wait`](Self::wait), with both sides of the channel closed.
    pub(crate) fn close(self) -> (ExitStatus, String, Recorded) {
        let Self {
            root,
            mut child,
            to_worker,
            from_worker,
            ..
        } = self;
        drop((to_worker, from_worker));
        let (status, stderr) = wait(&mut child);
        (status, stderr, Recorded::in_directory(&root))
    }

    /// What was recorded, once everything has ended.
    pub(crate) fn recorded(&self) -> Recorded {
        Recorded::in_directory(&self.root)
    }
}

/// Standard error ends with the last process that holds it, and the recorder is one of them.
pub(crate) fn wait(child: &mut Child) -> (ExitStatus, String) {
    let stderr = io::read_to_string(child.stderr.take().unwrap()).unwrap();
    (child.wait().unwrap(), stderr)
}

/// What a recording holds.
pub(crate) struct Recorded {
    pub(crate) pid: u32,
    pub(crate) name: String,
    pub(crate) to_worker: Vec<Vec<u8>>,
    pub(crate) from_worker: Vec<Vec<u8>>,
    pub(crate) notes: Vec<String>,
    pub(crate) is_ended: bool,
}

impl Recorded {
    fn in_directory(root: &Path) -> Self {
        let mut paths = fs::read_dir(root.join("recordings")).unwrap();
        let path = paths.next().expect("a recording").unwrap().path();
        assert!(paths.next().is_none(), "one recording");
        let mut reader = RecordingReader::new(File::open(path).unwrap()).unwrap();
        let mut recorded = Self {
            pid: reader.header().pid,
            name: reader.header().name.clone(),
            to_worker: Vec::new(),
            from_worker: Vec::new(),
            notes: Vec::new(),
            is_ended: false,
        };
        while let Some(record) = reader.next_record().unwrap() {
            assert!(!recorded.is_ended, "a record after the end");
            match record.content {
                Content::Frame(Direction::ToWorker, frame) => recorded.to_worker.push(frame),
                Content::Frame(Direction::FromWorker, frame) => recorded.from_worker.push(frame),
                Content::Note(note) => recorded.notes.push(note),
                Content::End => recorded.is_ended = true,
            }
        }
        recorded
    }
}

pub(crate) const SHIM: &str = env!("CARGO_BIN_EXE_tureen-worker-shim");
