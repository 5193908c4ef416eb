//! A short session in virtual time, with secrets in every place that can hold one.

use std::time::Duration;

use tureen_channel_dump::{Content, Direction, Record};
use tureen_channel_fbs::fbs::notification::{self, Event};
use tureen_channel_fbs::fbs::request::{self, Method};
use tureen_channel_fbs::fbs::srtp_parameters::{SrtpParameters, SrtpParametersArgs};
use tureen_channel_fbs::fbs::{consumer, plain_transport, response, transport};
use tureen_channel_fbs::flatbuffers::{FlatBufferBuilder, WIPOffset};
use tureen_channel_fbs::{ErrorClass, FrameBuilder, read_message};

use crate::golden_frames;

/// Texts in the [`Script`] that are shown only on request.
pub(crate) const SECRETS: [&str; 3] = [ICE_PASSWORD, SRTP_KEY, PAYLOAD];

/// Process id of the worker.
pub(crate) const PID: u32 = 1234;

/// What a controller and a worker say to each other.
#[derive(Default)]
pub(crate) struct Script {
    at: Duration,
    frames: FrameBuilder,
    records: Vec<Record>,
}

impl Script {
    /// The records of the session.
    pub(crate) fn records() -> Vec<Record> {
        let mut script = Self::default();
        script.creation();
        script.secrets();
        script.media();
        script.oddities();
        script.records
    }

    fn creation(&mut self) {
        let pid = PID.to_string();
        let running = self.frames.notification(&pid, Event::WORKER_RUNNING, None);
        let running = running.expect("a frame").to_vec();
        self.receive(5_000, &running);
        let settings = self.golden_request(10, "worker_update_settings");
        let router = self.golden_request(4, "worker_create_router");
        self.accept(250, settings);
        self.accept(90, router);
        let created = self.golden_request(400_000, "router_create_webrtctransport");
        self.accept(1_500, created);
        let dump = self
            .frames
            .request(3, Method::TRANSPORT_DUMP, "transport", None);
        let dump = dump.expect("a frame").to_vec();
        self.send(10, &dump);
        self.receive(333, &golden_frame("webrtctransport_dump"));
    }

    fn secrets(&mut self) {
        let fbb = self.frames.begin();
        let args = plain_transport::ConnectRequestArgs {
            ip: Some(fbb.create_string("192.0.2.1")),
            port: Some(4000),
            srtp_parameters: Some(srtp(fbb)),
            ..Default::default()
        };
        let body = plain_transport::ConnectRequest::create(fbb, &args).as_union_value();
        let body = (request::Body::PlainTransport_ConnectRequest, body);
        let method = Method::PLAINTRANSPORT_CONNECT;
        let request = self
            .frames
            .request(30, method, "plain transport", Some(body));
        let request = request.expect("a frame").to_vec();
        self.send(10, &request);

        let fbb = self.frames.begin();
        let args = plain_transport::ConnectResponseArgs {
            srtp_parameters: Some(srtp(fbb)),
            ..Default::default()
        };
        let body = plain_transport::ConnectResponse::create(fbb, &args).as_union_value();
        let body = (response::Body::PlainTransport_ConnectResponse, body);
        let response = self
            .frames
            .response(30, Some(body))
            .expect("a frame")
            .to_vec();
        self.receive(1_204, &response);

        let method = Method::TRANSPORT_RESTART_ICE;
        let request = self.frames.request(31, method, "transport", None);
        let request = request.expect("a frame").to_vec();
        self.send(10, &request);
        let fbb = self.frames.begin();
        let args = transport::RestartIceResponseArgs {
            username_fragment: Some(fbb.create_string("fragment")),
            password: Some(fbb.create_string(ICE_PASSWORD)),
            ice_lite: true,
        };
        let body = transport::RestartIceResponse::create(fbb, &args).as_union_value();
        let body = (response::Body::Transport_RestartIceResponse, body);
        let response = self
            .frames
            .response(31, Some(body))
            .expect("a frame")
            .to_vec();
        self.receive(50, &response);

        let line = format!("DIceServer::Check() | [password:{ICE_PASSWORD}]");
        let log = self.frames.log(&line).expect("a frame").to_vec();
        self.receive(20, &log);
    }

    fn media(&mut self) {
        let produce = self.golden_request(3_000, "transport_produce");
        let reason = format!("no transport whose key is {SRTP_KEY}");
        let class = ErrorClass::NotFoundError;
        let refused = self.frames.failure(produce, class, &reason);
        let refused = refused.expect("a frame").to_vec();
        self.receive(777, &refused);

        let fbb = self.frames.begin();
        let args = consumer::RtpNotificationArgs {
            data: Some(fbb.create_vector(PAYLOAD.as_bytes())),
        };
        let body = consumer::RtpNotification::create(fbb, &args).as_union_value();
        let body = (notification::Body::Consumer_RtpNotification, body);
        let rtp = self
            .frames
            .notification("consumer", Event::CONSUMER_RTP, Some(body));
        let rtp = rtp.expect("a frame").to_vec();
        self.receive(10, &rtp);
        self.send(10, &golden_frame("dataproducer_send"));
        self.receive(20, &golden_frame("ice_state_change"));
    }

    /// What ought not to happen.
    fn oddities(&mut self) {
        for method in [Method::WORKER_DUMP, Method::WORKER_GET_RESOURCE_USAGE] {
            let request = self.frames.request(99, method, "", None);
            let request = request.expect("a frame").to_vec();
            self.send(10, &request);
        }
        self.accept(10, 4321);
        let unknown = self
            .frames
            .request(100, Method(200), "evil \u{1b}[2J\n", None);
        let unknown = unknown.expect("a frame").to_vec();
        self.send(10, &unknown);
        self.receive(10, &[8, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0]);
        self.push(
            10,
            Content::Note("3 frames not recorded: disk too slow".to_owned()),
        );
        self.send(59_000_000, &golden_frame("worker_close"));
        self.push(3_000, Content::End);
    }

    fn golden_request(&mut self, micros: u64, name: &str) -> u32 {
        let frame = golden_frame(name);
        self.send(micros, &frame);
        let message = read_message(&frame).expect("a sound frame");
        message.data_as_request().expect("a request").id()
    }

    fn accept(&mut self, micros: u64, id: u32) {
        let response = self.frames.response(id, None).expect("a frame").to_vec();
        self.receive(micros, &response);
    }

    fn send(&mut self, micros: u64, frame: &[u8]) {
        self.push(micros, Content::Frame(Direction::ToWorker, frame.to_vec()));
    }

    fn receive(&mut self, micros: u64, frame: &[u8]) {
        self.push(
            micros,
            Content::Frame(Direction::FromWorker, frame.to_vec()),
        );
    }

    fn push(&mut self, micros: u64, content: Content) {
        self.at += Duration::from_micros(micros);
        let at = self.at;
        self.records.push(Record { at, content });
    }
}

fn srtp<'f>(fbb: &mut FlatBufferBuilder<'f>) -> WIPOffset<SrtpParameters<'f>> {
    let args = SrtpParametersArgs {
        key_base64: Some(fbb.create_string(SRTP_KEY)),
        ..Default::default()
    };
    SrtpParameters::create(fbb, &args)
}

fn golden_frame(name: &str) -> Vec<u8> {
    let frames = golden_frames();
    let found = frames.into_iter().find(|frame| frame.0 == name);
    found.unwrap_or_else(|| panic!("no golden frame {name}")).1
}

const ICE_PASSWORD: &str = "ice0password1of2thirty3two4chars";
const SRTP_KEY: &str = "c3J0cCBtYXN0ZXIga2V5IGFuZCBzYWx0IDQ0IGJ5dGVzIQ==";
const PAYLOAD: &str = "what somebody said in confidence";
