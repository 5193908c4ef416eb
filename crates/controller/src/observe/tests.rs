//! The live socket, its directory, its followers and the recordings.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tureen_channel_dump::{
    Content, Direction, Dump, Filter, Form, Line, LiveClient, LiveError, REDACTED, Secrets,
    SocketDirectory, TextOptions,
};
use tureen_channel_fbs::FrameBuilder;

use super::followers::MAX_WAITING;
use super::*;
use crate::channel::{Channel, ChannelTasks};

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_is_for_the_owner_alone() {
    let open = Open::new();
    let directory = fs::metadata(open.directory.path()).unwrap();
    assert_eq!(directory.mode() & 0o777, 0o700);
    let socket = fs::metadata(open.socket.path()).unwrap();
    assert_eq!(socket.mode() & 0o777, 0o600);
    let found = open.blocking(|directory| directory.only_socket()).await;
    assert_eq!(found.unwrap(), open.socket.path());
    let path = open.socket.path().to_owned();
    drop(open.socket);
    assert!(!path.exists());
    let error = open.directory.only_socket().unwrap_err();
    assert!(matches!(error, LiveError::Nobody(_)), "{error}");
}

#[tokio::test]
async fn a_directory_that_others_can_use_is_refused() {
    let root = Root::new();
    let directory = SocketDirectory::at(root.path());
    let mode = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755);
    fs::create_dir(directory.path()).unwrap();
    fs::set_permissions(directory.path(), mode).unwrap();
    let observer = ChannelObserver::new();
    let error = LiveSocket::open(&directory, FakeTree, &observer).unwrap_err();
    assert!(
        error.to_string().ends_with("must have mode 0700"),
        "{error}"
    );
    assert!(directory.only_socket().is_err());
    let beside = Root::new();
    let link = SocketDirectory::at(beside.path());
    std::os::unix::fs::symlink("/tmp", link.path()).unwrap();
    let error = LiveSocket::open(&link, FakeTree, &observer).unwrap_err();
    assert!(error.to_string().ends_with("not a directory"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_was_left_behind_is_replaced() {
    let root = Root::new();
    let directory = SocketDirectory::at(root.path());
    directory.prepare().unwrap();
    let path = directory.socket(std::process::id());
    // The listener ends and its file stays, as happens when a process is killed.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(StdUnixStream::connect(&path).is_err());
    assert_eq!(directory.running().unwrap(), [0; 0]);
    let socket = LiveSocket::open(&directory, FakeTree, &ChannelObserver::new()).unwrap();
    let running = spawn_blocking(move || directory.running()).await.unwrap();
    assert_eq!(running.unwrap(), [std::process::id()]);
    drop(socket);
}

#[test]
fn sockets_of_killed_processes_are_removed_and_nothing_else() {
    let root = Root::new();
    let directory = SocketDirectory::at(root.path());
    directory.prepare().unwrap();
    // A listener that ends and leaves its file, as happens when a process is killed.
    let leave = |pid| {
        let path = directory.socket(pid);
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        path
    };
    // No process has an id above 2^22 (proc_sys_kernel(5), pid_max).
    let dead = 4_194_305;
    let left = leave(dead);
    assert_eq!(directory.running().unwrap(), [0; 0]);
    assert!(!left.exists(), "found by a client");
    let left = leave(dead);
    directory.prepare().unwrap();
    assert!(!left.exists(), "found by the next server");

    let about_to_listen = leave(std::process::id());
    let no_socket = directory.socket(dead + 1);
    fs::write(&no_socket, "").unwrap();
    assert_eq!(directory.running().unwrap(), [0; 0]);
    directory.prepare().unwrap();
    assert!(about_to_listen.exists() && no_socket.exists());
}

#[tokio::test]
async fn a_server_stays_out_of_somebody_elses_directory() {
    let root = Root::new();
    let directory = SocketDirectory::at(root.path());
    directory.prepare().unwrap();
    if std::os::unix::fs::chown(root.path(), Some(65_534), None).is_err() {
        // Only root can give a directory away, and only for root the check could be too mild.
        return;
    }
    let error = LiveSocket::open(&directory, FakeTree, &ChannelObserver::new()).unwrap_err();
    assert!(
        error.to_string().ends_with("belongs to somebody else"),
        "{error}"
    );
    assert_eq!(directory.running().unwrap(), [0; 0], "root may look");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_is_redacted_by_the_client() {
    let open = Open::new();
    let text = |secrets, form| {
        let path = open.socket.path().to_owned();
        spawn_blocking(move || {
            let mut out = Vec::new();
            let dump = Dump::new(&mut out, form, secrets, Filter::default());
            dump.state(LiveClient::connect(&path).unwrap()).unwrap();
            String::from_utf8(out).unwrap()
        })
    };
    let details = Form::Text(TextOptions {
        bodies: true,
        pids: false,
    });
    for form in [Form::Json, details, Form::Text(TextOptions::default())] {
        let hidden = text(Secrets::Hidden, form).await.unwrap();
        assert!(!hidden.contains(PASSWORD), "{hidden}");
        assert!(hidden.contains("transport 1"), "{hidden}");
    }
    let json: Value =
        serde_json::from_str(&text(Secrets::Hidden, Form::Json).await.unwrap()).unwrap();
    let dump = &json["workers"][0]["routers"][0]["transports"][0]["dump"];
    assert_eq!(dump["ice_parameters"]["password"], REDACTED);
    for form in [Form::Json, details] {
        let shown = text(Secrets::Shown, form).await.unwrap();
        assert!(shown.contains(PASSWORD), "{shown}");
    }
    let short = text(Secrets::Hidden, Form::Text(TextOptions::default()))
        .await
        .unwrap();
    assert_eq!(
        short,
        "worker 7\n  Router router 1\n    WebRtcTransport transport 1  ice_state=COMPLETED\n      \
         Producer producer 1\\u001b  no dump: gone\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_frame_is_told_to_a_follower() {
    let open = Open::new();
    let (channel, _tasks) = channel();
    let tap = open.observer.attach(7, "worker", &channel);
    let frame = FrameBuilder::new().log("Xhere").unwrap().to_vec();
    let (told, mut records) = mpsc::unbounded_channel();
    let path = open.socket.path().to_owned();
    let follower = spawn_blocking(move || {
        let mut follower = LiveClient::connect(&path).unwrap().follow().unwrap();
        while let Some(record) = follower.next_record().unwrap() {
            told.send(record).unwrap();
        }
    });
    // Until the follower is there, nobody hears.
    let (pid, first) = loop {
        tap.frame(Direction::FromWorker, &frame);
        if let Ok(record) = records.try_recv() {
            break record;
        }
        tokio::task::yield_now().await;
    };
    let expected = Content::Frame(Direction::FromWorker, frame);
    assert_eq!((pid, first.content), (7, expected));
    tap.frame(Direction::ToWorker, b"the last one");
    let last = loop {
        let (_, record) = records.recv().await.unwrap();
        assert!(first.at <= record.at);
        if let Content::Frame(Direction::ToWorker, frame) = record.content {
            break frame;
        }
    };
    assert_eq!(last, b"the last one");
    drop(open.socket);
    follower.await.unwrap();
}

#[tokio::test]
async fn who_reads_slowly_loses_frames_and_is_told() {
    let observer = ChannelObserver::new();
    let (channel, _tasks) = channel();
    let tap = observer.attach(7, "worker", &channel);
    let following = observer.follow();
    let frame = vec![0; MAX_WAITING / 4];
    for _ in 0..10 {
        tap.frame(Direction::ToWorker, &frame);
    }
    for _ in 0..4 {
        assert!(matches!(following.next().await, Line::Frame(frame) if frame.pid == 7));
    }
    assert_eq!(following.next().await, Line::Lost(6));
    tap.frame(Direction::ToWorker, &frame);
    assert!(matches!(following.next().await, Line::Frame(_)));
    drop(following);
    // Nobody is left, and nothing is kept.
    tap.frame(Direction::ToWorker, &frame);
}

#[tokio::test(flavor = "multi_thread")]
async fn strange_questions_are_refused() {
    let open = Open::new();
    let path = open.socket.path().to_owned();
    let ask = move |question: Vec<u8>| {
        let path = path.clone();
        spawn_blocking(move || {
            let mut stream = StdUnixStream::connect(&path).unwrap();
            // A question that is too long is answered before it ends.
            let _ = stream.write_all(&question);
            io::read_to_string(stream).unwrap_or_default()
        })
    };
    let refused = "{\"error\":\"unknown question\"}\n";
    assert_eq!(
        ask(b"{\"ask\":\"everything\"}\n".to_vec()).await.unwrap(),
        refused
    );
    assert_eq!(ask(b"\xff\n".to_vec()).await.unwrap(), refused);
    assert_eq!(
        ask(vec![b'x'; tureen_channel_dump::MAX_ASK]).await.unwrap(),
        refused
    );
    let state = ask(b"{\"ask\":\"state\"}\n".to_vec()).await.unwrap();
    assert!(state.starts_with("{\"state\":"), "{state}");
}

#[tokio::test(flavor = "multi_thread")]
async fn recordings_are_written_when_the_taps_are_gone() {
    let root = Root::new();
    let observer = ChannelObserver::recording_to(root.path());
    observer.recordings_written().await;
    let (channel, _tasks) = channel();
    let tap = observer.attach(7, "worker", &channel);
    tap.frame(Direction::ToWorker, b"\x04\0\0\0word");
    let early = tokio::time::timeout(Duration::ZERO, observer.recordings_written());
    assert!(early.await.is_err(), "a worker still runs");
    drop(tap);
    observer.recordings_written().await;
    let file = fs::read_dir(root.path())
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let file = fs::File::open(file).unwrap();
    let mut reader = tureen_channel_dump::RecordingReader::new(file).unwrap();
    let mut contents = std::iter::from_fn(|| reader.next_record().unwrap());
    let frame = Content::Frame(Direction::ToWorker, b"\x04\0\0\0word".to_vec());
    assert_eq!(contents.next().unwrap().content, frame);
    assert_eq!(contents.next().unwrap().content, Content::End);
}

#[tokio::test]
async fn a_recording_that_cannot_be_disturbs_nobody() {
    let observer = ChannelObserver::recording_to("/dev/null/recordings");
    let (channel, _tasks) = channel();
    let tap = observer.attach(7, "worker", &channel);
    tap.frame(Direction::ToWorker, b"\x04\0\0\0word");
    observer.recordings_written().await;
}

/// An open socket in a directory of its own.
struct Open {
    directory: SocketDirectory,
    observer: ChannelObserver,
    socket: LiveSocket,
    /// Goes last.
    _root: Root,
}

impl Open {
    fn new() -> Self {
        let root = Root::new();
        let directory = SocketDirectory::at(root.path());
        let observer = ChannelObserver::new();
        let socket = LiveSocket::open(&directory, FakeTree, &observer).unwrap();
        Self {
            directory,
            observer,
            socket,
            _root: root,
        }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        run: impl FnOnce(SocketDirectory) -> T + Send + 'static,
    ) -> T {
        let directory = self.directory.clone();
        spawn_blocking(move || run(directory)).await.unwrap()
    }
}

struct FakeTree;

impl LiveTree for FakeTree {
    async fn tree(&self) -> Value {
        json!({"workers": [{"pid": 7, "routers": [{"id": "router 1", "transports": [{
            "id": "transport 1",
            "kind": "WebRtcTransport",
            "dump": {"ice_state": "COMPLETED", "ice_parameters": {"password": PASSWORD}},
            "producers": [{"id": "producer 1\u{1b}", "error": "gone"}],
        }]}]}]})
    }
}

fn channel() -> (Channel, ChannelTasks) {
    let (to_worker, _) = UnixStream::pair().unwrap();
    let (from_worker, _) = UnixStream::pair().unwrap();
    let minute = Duration::from_secs(60);
    let (channel, tasks) = ChannelTasks::connect(7, to_worker, from_worker, minute);
    (channel, tasks.run())
}

/// A path that nothing is at, and where nothing is left.
struct Root(PathBuf);

impl Root {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tureen-live-{}-{count}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        // One of the two or neither exists. A link must not be followed.
        let _ = fs::remove_file(&self.0);
        let _ = fs::remove_dir_all(&self.0);
    }
}

const PASSWORD: &str = "ice0password1of2thirty3two4chars";
