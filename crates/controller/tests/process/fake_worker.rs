//! A worker that answers from a script. It remembers ids and moves no media.

use std::collections::BTreeSet;
use std::io::{Read, Write, stdin, stdout};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, thread};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tureen_channel_fbs::fbs::notification::Event;
use tureen_channel_fbs::fbs::request::{Method, Request};
use tureen_channel_fbs::fbs::{
    consumer, response, rtp_parameters, transport, web_rtc_transport, worker,
};
use tureen_channel_fbs::flatbuffers::{FlatBufferBuilder, UnionWIPOffset, WIPOffset};
use tureen_channel_fbs::{ErrorClass, FrameBuilder, FrameReader, Payload, read_message};
use tureen_controller::{SpawnError, Worker, WorkerBinary, WorkerSettings};

/// A program for [`WorkerBinary::Path`] that runs this binary as a worker in `scenario`, and the
/// file in which it leaves its process id.
///
/// The channel's descriptors become standard input and output, because safe code can use those.
pub(crate) struct Program {
    directory: PathBuf,
}

impl Program {
    pub(crate) fn new(scenario: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("tureen-fake-worker-{}-{count}", process::id());
        let program = Self {
            directory: env::temp_dir().join(name),
        };
        fs::create_dir_all(&program.directory).unwrap();
        let exe = env::current_exe().unwrap();
        let (exe, pid_file) = (exe.display(), program.pid_file());
        let script = format!(
            "#!/bin/sh\necho $$ > {}\nexec {exe} worker {scenario} \"$@\" <&3 >&4\n",
            pid_file.display()
        );
        fs::write(program.path(), script).unwrap();
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(program.path(), executable).unwrap();
        program
    }

    pub(crate) fn settings(&self) -> WorkerSettings {
        WorkerSettings {
            binary: WorkerBinary::Path(self.path()),
            ..Default::default()
        }
    }

    /// Process id of the last worker that ran it.
    pub(crate) fn pid(&self) -> u32 {
        fs::read_to_string(self.pid_file())
            .unwrap()
            .trim()
            .parse()
            .unwrap()
    }

    /// Sends a signal to the last worker that ran it.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).unwrap();
        kill(Pid::from_raw(pid), signal).unwrap();
    }

    /// Where a test may leave files; it goes with this.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    fn path(&self) -> PathBuf {
        self.directory.join("worker")
    }

    fn pid_file(&self) -> PathBuf {
        self.directory.join("pid")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Whether a process with this id exists; a dead one that nobody waited for still counts.
pub(crate) fn is_there(pid: u32) -> bool {
    PathBuf::from(format!("/proc/{pid}")).exists()
}

pub(crate) fn main(arguments: &[String]) -> ExitCode {
    match arguments.first().map(String::as_str) {
        Some("wrong-settings") => {
            eprintln!("first line");
            eprintln!("no such option");
            return ExitCode::from(42);
        }
        Some("early-exit") => return ExitCode::from(7),
        Some("silent") => forever(),
        Some("nested") => return nested(),
        Some(scenario) if !scenario.starts_with('-') => FakeWorker::new(scenario).run(),
        _ => {
            eprintln!("arguments: {}", arguments.join(" "));
            return ExitCode::from(42);
        }
    }
    ExitCode::SUCCESS
}

/// Tries to spawn a worker itself and reports the result as refused settings.
fn nested() -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let program = Program::new("normal");
    match runtime.block_on(Worker::spawn(program.settings())) {
        Err(SpawnError::InsideWorker) => eprintln!("refused inside a worker"),
        Err(error) => eprintln!("{error}"),
        Ok(_) => eprintln!("a worker in a worker"),
    }
    ExitCode::from(42)
}

fn forever() {
    loop {
        thread::park();
    }
}

struct FakeWorker {
    scenario: String,
    frames: FrameBuilder,
    routers: BTreeSet<String>,
    producers: BTreeSet<String>,
    consumers: Vec<String>,
    /// Consumers that did not exist when it was told to close them. Its dump lists them among those
    /// that take notifications.
    strangers: Vec<String>,
}

impl FakeWorker {
    fn new(scenario: &str) -> Self {
        Self {
            scenario: scenario.to_owned(),
            frames: FrameBuilder::new(),
            routers: BTreeSet::new(),
            producers: BTreeSet::new(),
            consumers: Vec::new(),
            strangers: Vec::new(),
        }
    }

    fn run(mut self) {
        let pid = process::id().to_string();
        self.notify(&pid, Event::WORKER_RUNNING);
        let mut reader = FrameReader::new();
        loop {
            while let Some(frame) = reader.next_frame().unwrap() {
                let message = read_message(frame).unwrap();
                if let Some(request) = message.data_as_request() {
                    self.answer(&request);
                } else if self.scenario == "does-not-close" {
                    forever();
                } else {
                    return;
                }
            }
            match stdin().read(reader.space()).unwrap() {
                0 => return,
                len => reader.advance(len),
            }
        }
    }

    fn answer(&mut self, request: &Request<'_>) {
        let id = request.id();
        match request.method() {
            Method::WORKER_DUMP => self.dump(id),
            Method::WORKER_GET_RESOURCE_USAGE => self.resource_usage(id),
            Method::WORKER_CREATE_ROUTER => {
                let body = request.body_as_worker_create_router_request().unwrap();
                self.routers.insert(body.router_id().to_owned());
                self.accept(id);
            }
            Method::WORKER_CLOSE_ROUTER => {
                let body = request.body_as_worker_close_router_request().unwrap();
                self.routers.remove(body.router_id());
                self.accept(id);
            }
            Method::ROUTER_CREATE_WEBRTCTRANSPORT_WITH_SERVER
            | Method::ROUTER_CREATE_WEBRTCTRANSPORT => self.create_transport(request),
            Method::WEBRTCTRANSPORT_CONNECT => self.connect(request),
            Method::TRANSPORT_PRODUCE => self.produce(request),
            Method::TRANSPORT_CLOSE_PRODUCER => {
                let body = request.body_as_transport_close_producer_request().unwrap();
                self.producers.remove(body.producer_id());
                for consumer in std::mem::take(&mut self.consumers) {
                    self.notify(&consumer, Event::CONSUMER_PRODUCER_CLOSE);
                }
                self.accept(id);
            }
            Method::TRANSPORT_CONSUME => self.consume(request),
            Method::TRANSPORT_CLOSE_CONSUMER => {
                let body = request.body_as_transport_close_consumer_request().unwrap();
                let consumer = body.consumer_id();
                match self.consumers.iter().position(|id| id == consumer) {
                    Some(index) => drop(self.consumers.remove(index)),
                    None => self.strangers.push(consumer.to_owned()),
                }
                self.accept(id);
            }
            Method::PRODUCER_PAUSE => {
                for consumer in self.consumers.clone() {
                    self.notify(&consumer, Event::CONSUMER_PRODUCER_PAUSE);
                }
                self.accept(id);
            }
            _ => self.accept(id),
        }
    }

    fn dump(&mut self, id: u32) {
        match self.scenario.as_str() {
            "exits-on-dump" => {
                eprintln!("last words");
                process::exit(9);
            }
            "aborts-on-dump" => process::abort(),
            "babbles-on-dump" => {
                write(&u32::MAX.to_le_bytes());
                return forever();
            }
            _ => {}
        }
        let routers: Vec<_> = self.routers.iter().cloned().collect();
        let producers: Vec<_> = self.producers.iter().cloned().collect();
        let strangers = self.strangers.clone();
        self.respond(id, |fbb| {
            let handlers = worker::ChannelMessageHandlersArgs {
                channel_request_handlers: Some(strings(fbb, &producers)),
                channel_notification_handlers: Some(strings(fbb, &strangers)),
            };
            let args = worker::DumpResponseArgs {
                pid: process::id(),
                web_rtc_server_ids: Some(strings(fbb, &[])),
                router_ids: Some(strings(fbb, &routers)),
                channel_message_handlers: Some(worker::ChannelMessageHandlers::create(
                    fbb, &handlers,
                )),
            };
            let body = worker::DumpResponse::create(fbb, &args);
            (response::Body::Worker_DumpResponse, body.as_union_value())
        });
    }

    /// As a worker of mediasoup answers, which knows no field behind its own.
    fn resource_usage(&mut self, id: u32) {
        self.respond(id, |fbb| {
            let args = worker::ResourceUsageResponseArgs {
                ru_utime: 7,
                ..Default::default()
            };
            let body = worker::ResourceUsageResponse::create(fbb, &args);
            let body = body.as_union_value();
            (response::Body::Worker_ResourceUsageResponse, body)
        });
    }

    fn create_transport(&mut self, request: &Request<'_>) {
        let body = request
            .body_as_router_create_web_rtc_transport_request()
            .unwrap();
        let id = body.transport_id().to_owned();
        self.respond(request.id(), |fbb| {
            let body = transport_dump(fbb, &id);
            (response::Body::WebRtcTransport_DumpResponse, body)
        });
        // In the same write as the answer; it cannot come earlier.
        self.frames.begin();
        let fbb = self.frames.begin();
        let args = web_rtc_transport::IceStateChangeNotificationArgs {
            ice_state: web_rtc_transport::IceState::CONNECTED,
        };
        let body = web_rtc_transport::IceStateChangeNotification::create(fbb, &args);
        let tag =
            tureen_channel_fbs::fbs::notification::Body::WebRtcTransport_IceStateChangeNotification;
        let event = Event::WEBRTCTRANSPORT_ICE_STATE_CHANGE;
        let body = Some((tag, body.as_union_value()));
        write(self.frames.notification(&id, event, body).unwrap());
    }

    /// Takes the role that the other side leaves.
    fn connect(&mut self, request: &Request<'_>) {
        let body = request.body_as_web_rtc_transport_connect_request().unwrap();
        let dtls_local_role = match body.dtls_parameters().role() {
            web_rtc_transport::DtlsRole::CLIENT => web_rtc_transport::DtlsRole::SERVER,
            _ => web_rtc_transport::DtlsRole::CLIENT,
        };
        self.respond(request.id(), |fbb| {
            let args = web_rtc_transport::ConnectResponseArgs { dtls_local_role };
            let body = web_rtc_transport::ConnectResponse::create(fbb, &args);
            (
                response::Body::WebRtcTransport_ConnectResponse,
                body.as_union_value(),
            )
        });
    }

    fn produce(&mut self, request: &Request<'_>) {
        let body = request.body_as_transport_produce_request().unwrap();
        if body.producer_id() == "refused" {
            let frame = self
                .frames
                .failure(request.id(), ErrorClass::TypeError, "no");
            return write(frame.unwrap());
        }
        self.producers.insert(body.producer_id().to_owned());
        self.respond(request.id(), |fbb| {
            let args = transport::ProduceResponseArgs {
                type_: rtp_parameters::Type::SIMPLE,
            };
            let body = transport::ProduceResponse::create(fbb, &args);
            (
                response::Body::Transport_ProduceResponse,
                body.as_union_value(),
            )
        });
    }

    fn consume(&mut self, request: &Request<'_>) {
        let body = request.body_as_transport_consume_request().unwrap();
        let (id, paused) = (body.consumer_id().to_owned(), body.paused());
        self.consumers.push(id.clone());
        // A worker says that the Producer is paused before it answers.
        self.notify(&id, Event::CONSUMER_PRODUCER_PAUSE);
        self.respond(request.id(), |fbb| {
            let args = consumer::ConsumerScoreArgs {
                score: 10,
                producer_score: 0,
                producer_scores: Some(fbb.create_vector(&[0u8])),
            };
            let args = transport::ConsumeResponseArgs {
                paused,
                producer_paused: true,
                score: Some(consumer::ConsumerScore::create(fbb, &args)),
                preferred_layers: None,
            };
            let body = transport::ConsumeResponse::create(fbb, &args);
            (
                response::Body::Transport_ConsumeResponse,
                body.as_union_value(),
            )
        });
        self.notify(&id, Event::CONSUMER_PRODUCER_RESUME);
    }

    fn accept(&mut self, id: u32) {
        write(self.frames.response(id, None).unwrap());
    }

    fn respond(
        &mut self,
        id: u32,
        build: impl FnOnce(&mut FlatBufferBuilder<'static>) -> Payload<response::Body>,
    ) {
        let body = build(self.frames.begin());
        write(self.frames.response(id, Some(body)).unwrap());
    }

    fn notify(&mut self, handler_id: &str, event: Event) {
        write(self.frames.notification(handler_id, event, None).unwrap());
    }
}

fn transport_dump(fbb: &mut FlatBufferBuilder<'static>, id: &str) -> WIPOffset<UnionWIPOffset> {
    let recv_rtp_header_extensions =
        transport::RecvRtpHeaderExtensions::create(fbb, &Default::default());
    let listener = transport::RtpListenerArgs {
        ssrc_table: Some(fbb.create_vector::<WIPOffset<_>>(&[])),
        mid_table: Some(fbb.create_vector::<WIPOffset<_>>(&[])),
        rid_table: Some(fbb.create_vector::<WIPOffset<_>>(&[])),
    };
    let base = transport::DumpArgs {
        id: Some(fbb.create_string(id)),
        producer_ids: Some(strings(fbb, &[])),
        consumer_ids: Some(strings(fbb, &[])),
        map_ssrc_consumer_id: Some(fbb.create_vector::<WIPOffset<_>>(&[])),
        map_rtx_ssrc_consumer_id: Some(fbb.create_vector::<WIPOffset<_>>(&[])),
        data_producer_ids: Some(strings(fbb, &[])),
        data_consumer_ids: Some(strings(fbb, &[])),
        recv_rtp_header_extensions: Some(recv_rtp_header_extensions),
        rtp_listener: Some(transport::RtpListener::create(fbb, &listener)),
        trace_event_types: Some(fbb.create_vector::<transport::TraceEventType>(&[])),
        ..Default::default()
    };
    let ice_parameters = web_rtc_transport::IceParametersArgs {
        username_fragment: Some(fbb.create_string("ufrag")),
        password: Some(fbb.create_string("password")),
        ice_lite: true,
    };
    let candidate = web_rtc_transport::IceCandidateArgs {
        foundation: Some(fbb.create_string("udpcandidate")),
        priority: 1_076_302_079,
        address: Some(fbb.create_string("127.0.0.1")),
        port: 44_444,
        ..Default::default()
    };
    let candidate = web_rtc_transport::IceCandidate::create(fbb, &candidate);
    let fingerprint = web_rtc_transport::FingerprintArgs {
        algorithm: web_rtc_transport::FingerprintAlgorithm::SHA256,
        value: Some(fbb.create_string("AA:BB")),
    };
    let fingerprint = web_rtc_transport::Fingerprint::create(fbb, &fingerprint);
    let dtls_parameters = web_rtc_transport::DtlsParametersArgs {
        fingerprints: Some(fbb.create_vector(&[fingerprint])),
        ..Default::default()
    };
    let dump = web_rtc_transport::DumpResponseArgs {
        base: Some(transport::Dump::create(fbb, &base)),
        ice_parameters: Some(web_rtc_transport::IceParameters::create(
            fbb,
            &ice_parameters,
        )),
        ice_candidates: Some(fbb.create_vector(&[candidate])),
        dtls_parameters: Some(web_rtc_transport::DtlsParameters::create(
            fbb,
            &dtls_parameters,
        )),
        ..Default::default()
    };
    web_rtc_transport::DumpResponse::create(fbb, &dump).as_union_value()
}

fn strings(
    fbb: &mut FlatBufferBuilder<'static>,
    texts: &[String],
) -> WIPOffset<
    tureen_channel_fbs::flatbuffers::Vector<
        'static,
        tureen_channel_fbs::flatbuffers::ForwardsUOffset<&'static str>,
    >,
> {
    let texts: Vec<_> = texts.iter().map(|text| fbb.create_string(text)).collect();
    fbb.create_vector(&texts)
}

/// A controller that is gone already is no reason to fail.
fn write(frame: &[u8]) {
    let _ = stdout().write_all(frame);
    let _ = stdout().flush();
}
