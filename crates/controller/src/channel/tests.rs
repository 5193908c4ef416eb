//! The channel against a worker that the test plays.

use std::sync::mpsc as std_mpsc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tureen_channel_fbs::fbs::request;
use tureen_channel_fbs::{ErrorClass, FrameReader, Payload, read_message};

use super::*;
use crate::gone::ExitReason;

/// The worker's side, played by the test.
struct FakeWorker {
    input: UnixStream,
    output: UnixStream,
    reader: FrameReader,
    frames: FrameBuilder,
}

impl FakeWorker {
    async fn next_request(&mut self) -> (u32, Method, String) {
        loop {
            if let Some(frame) = self.reader.next_frame().unwrap() {
                let message = read_message(frame).unwrap();
                let request = message.data_as_request().unwrap();
                return (
                    request.id(),
                    request.method(),
                    request.handler_id().to_owned(),
                );
            }
            let len = self.input.read(self.reader.space()).await.unwrap();
            assert_ne!(len, 0, "the channel was closed");
            self.reader.advance(len);
        }
    }

    async fn accept(&mut self, id: u32) {
        let frame = self.frames.response(id, None).unwrap().to_vec();
        self.output.write_all(&frame).await.unwrap();
    }

    async fn refuse(&mut self, id: u32, class: ErrorClass) {
        let frame = self.frames.failure(id, class, "because").unwrap().to_vec();
        self.output.write_all(&frame).await.unwrap();
    }
}

struct Ping(&'static str);

impl Request for Ping {
    const METHOD: Method = Method::PRODUCER_PAUSE;
    type Response = ();

    fn handler_id(&self) -> &str {
        self.0
    }

    fn encode(&self, _: &mut Fbb) -> Option<Payload<request::Body>> {
        None
    }

    fn decode(_: &Response<'_>) -> Option<()> {
        Some(())
    }
}

/// Its response needs a body, which the fake worker does not send.
struct Dump;

impl Request for Dump {
    const METHOD: Method = Method::WORKER_DUMP;
    type Response = u32;

    fn handler_id(&self) -> &str {
        ""
    }

    fn encode(&self, _: &mut Fbb) -> Option<Payload<request::Body>> {
        None
    }

    fn decode(response: &Response<'_>) -> Option<u32> {
        Some(response.body_as_worker_dump_response()?.pid())
    }
}

struct Notices(std_mpsc::Sender<&'static str>);

impl NotificationHandler for Notices {
    fn notified(&self, _: &Notification<'_>) {
        self.0.send("notified").unwrap();
    }
}

fn connected(request_timeout: Duration) -> (Channel, ChannelTasks, FakeWorker) {
    let (to_worker, input) = UnixStream::pair().unwrap();
    let (from_worker, output) = UnixStream::pair().unwrap();
    let (channel, tasks) = ChannelTasks::connect(1, to_worker, from_worker, request_timeout);
    let worker = FakeWorker {
        input,
        output,
        reader: FrameReader::new(),
        frames: FrameBuilder::new(),
    };
    (channel, tasks.run(), worker)
}

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn responses_find_their_requests_in_any_order() {
    let (channel, _tasks, mut worker) = connected(MINUTE);
    let script = async {
        let (first, method, handler_id) = worker.next_request().await;
        assert_eq!((method, handler_id.as_str()), (Method::PRODUCER_PAUSE, "a"));
        let (second, ..) = worker.next_request().await;
        assert_eq!((first, second), (1, 2));
        worker.refuse(second, ErrorClass::NotFoundError).await;
        worker.accept(77).await;
        worker.accept(first).await;
    };
    let (a, b) = (Ping("a"), Ping("b"));
    let (first, second, ()) = tokio::join!(channel.request(&a), channel.request(&b), script);
    assert_eq!(first, Ok(()));
    let error = second.unwrap_err();
    assert!(error.is_refusal());
    assert_eq!(error.to_string(), "PRODUCER_PAUSE: not found: because");
}

/// Lines of the log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        lock(&self.0).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn closing_what_is_closed_is_silent() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(move || writer.clone())
        .finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    let (channel, _tasks, mut worker) = connected(MINUTE);
    for class in [ErrorClass::NotFoundError, ErrorClass::Error] {
        channel.post_close(&Ping("a"));
        let (id, ..) = worker.next_request().await;
        worker.refuse(id, class).await;
    }
    // Earlier answers are handled before the answer to this request.
    let script = async {
        let (id, ..) = worker.next_request().await;
        worker.accept(id).await;
    };
    let (outcome, ()) = tokio::join!(channel.request(&Ping("a")), script);
    assert_eq!(outcome, Ok(()));
    let lines = String::from_utf8(lock(&log.0).clone()).unwrap();
    assert_eq!(lines.lines().count(), 1, "{lines}");
    assert!(
        lines.contains("WARN") && lines.contains("because"),
        "{lines}"
    );
}

#[tokio::test]
async fn errors_have_the_class_the_worker_gives() {
    let (channel, _tasks, mut worker) = connected(MINUTE);
    for (class, expected) in [
        (ErrorClass::Error, "Other"),
        (ErrorClass::TypeError, "Type"),
        (ErrorClass::NotFoundError, "NotFound"),
    ] {
        let script = async {
            let (id, ..) = worker.next_request().await;
            worker.refuse(id, class).await;
        };
        let (outcome, ()) = tokio::join!(channel.request(&Ping("a")), script);
        let variant = format!("{:?}", outcome.unwrap_err());
        assert!(variant.starts_with(expected), "{variant}");
    }
}

#[tokio::test]
async fn an_answer_without_its_body_is_an_error() {
    let (channel, _tasks, mut worker) = connected(MINUTE);
    let script = async {
        let (id, ..) = worker.next_request().await;
        worker.accept(id).await;
    };
    let (outcome, ()) = tokio::join!(channel.request(&Dump), script);
    assert_eq!(
        outcome,
        Err(RequestError::MalformedResponse(Method::WORKER_DUMP.into()))
    );
}

#[tokio::test]
async fn a_request_without_an_answer_times_out() {
    let (channel, _tasks, _worker) = connected(Duration::from_millis(10));
    let outcome = channel.request(&Ping("a")).await;
    assert_eq!(
        outcome,
        Err(RequestError::Timeout(Method::PRODUCER_PAUSE.into()))
    );
}

#[tokio::test]
async fn an_answer_is_taken_in_before_the_notification_behind_it() {
    let (channel, _tasks, mut worker) = connected(MINUTE);
    let (sender, notices) = std_mpsc::channel();
    let handler = Arc::new(Notices(sender.clone()));
    channel.register("a", handler.clone()).unwrap();
    assert_eq!(
        channel.register("a", handler),
        Err(RequestError::DuplicateId("a".to_owned()))
    );
    let script = async {
        let (id, ..) = worker.next_request().await;
        let mut bytes = worker.frames.response(id, None).unwrap().to_vec();
        for to in ["a", "nobody", "a"] {
            let event = Event::CONSUMER_PRODUCER_PAUSE;
            bytes.extend(worker.frames.notification(to, event, None).unwrap());
        }
        // One byte at a time: frames do not depend on how the stream is cut.
        for byte in bytes {
            worker.output.write_all(&[byte]).await.unwrap();
        }
    };
    let ping = Ping("a");
    let answered = channel.request_then(&ping, move |()| sender.send("answered").unwrap());
    let (outcome, ()) = tokio::join!(answered, script);
    assert_eq!(outcome, Ok(()));
    channel.unregister("a");
    worker.refuse(99, ErrorClass::Error).await;
    drop(worker);
    let seen = tokio::task::spawn_blocking(move || {
        let mut seen = Vec::new();
        while seen.len() < 3 {
            seen.push(notices.recv_timeout(MINUTE).unwrap());
        }
        seen
    });
    assert_eq!(seen.await.unwrap(), ["answered", "notified", "notified"]);
}

#[tokio::test]
async fn the_end_of_the_worker_settles_everything() {
    let (channel, _tasks, mut worker) = connected(MINUTE);
    let gone = WorkerGone::new(1, ExitReason::Signal(9), Vec::new());
    let script = async {
        worker.next_request().await;
        channel.fail(&gone);
    };
    let (outcome, ()) = tokio::join!(channel.request(&Ping("a")), script);
    assert_eq!(outcome, Err(RequestError::WorkerGone(gone.clone())));
    let later = channel.request(&Ping("a")).await;
    assert_eq!(later, Err(RequestError::WorkerGone(gone)));
}

#[tokio::test]
async fn the_stream_ends_or_breaks() {
    let (_channel, mut tasks, worker) = connected(MINUTE);
    drop(worker);
    assert_eq!(tasks.ended().await, ChannelEnd::Closed);

    let (_channel, mut tasks, mut worker) = connected(MINUTE);
    // An empty frame and one that is no message are skipped. One that is too long ends the stream.
    worker.output.write_all(&[0; 4]).await.unwrap();
    worker
        .output
        .write_all(&[4, 0, 0, 0, 1, 2, 3, 4])
        .await
        .unwrap();
    worker
        .output
        .write_all(&u32::MAX.to_le_bytes())
        .await
        .unwrap();
    assert!(matches!(tasks.ended().await, ChannelEnd::Broken(_)));
}

#[test]
fn ids_wrap_past_zero_and_past_those_in_use() {
    let (channel, _frames) = Channel::new(MINUTE);
    let mut state = lock(&channel.shared.state);
    state.last_id = u32::MAX - 1;
    let pending = || Pending {
        method: Method::WORKER_DUMP,
        settle: Box::new(|_| {}),
    };
    state.pending.insert(1, pending());
    assert_eq!(next_id(&mut state), u32::MAX);
    assert_eq!(next_id(&mut state), 2);
}
