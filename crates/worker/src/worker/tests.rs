//! The core as a whole: requests, closing, and the fence.

use std::net::SocketAddr;

use super::*;
use crate::arena::Key as _;
use crate::binder::{BindError, BindOptions, Bound};
use crate::log::{LogLevel, LogTags};
use crate::messages::{CreateWebRtcTransport, Listen, RequestBody, ResponseBody, TransportOptions};
use crate::output::Protocol;
use crate::params::{ListenInfo, SocketFlags};

/// Every port is free until it is bound.
#[derive(Default)]
struct Ports {
    open: Vec<(SocketKey, SocketAddr)>,
    next: u32,
}

impl Binder for Ports {
    fn bind_udp(&mut self, local: SocketAddr, _: &BindOptions) -> Result<Bound, BindError> {
        if self.open.iter().any(|(_, other)| *other == local) {
            return Err(BindError::InUse(local));
        }
        let socket = SocketKey(self.next);
        self.next += 1;
        self.open.push((socket, local));
        Ok(Bound { socket, local })
    }

    fn bind_tcp(&mut self, local: SocketAddr, options: &BindOptions) -> Result<Bound, BindError> {
        self.bind_udp(local, options)
    }

    fn close(&mut self, socket: SocketKey) {
        self.open.retain(|(other, _)| *other != socket);
    }
}

struct Rig {
    worker: Worker,
    ports: Ports,
    now: Instant,
    next_id: u32,
}

impl Rig {
    fn new() -> Self {
        let settings = CoreSettings {
            pid: 42,
            seed: [1; 32],
            clock: ClockAnchor {
                at: Instant::default(),
                std: anchor(),
                unix: Duration::from_secs(1_700_000_000),
            },
            ports: PortRange {
                min: 40_000,
                max: 49_999,
            },
            certificate: Certificate::generate().unwrap(),
            log: Log::new(LogLevel::Error, LogTags::NONE),
        };
        let worker = Worker::new(settings).unwrap();
        let mut rig = Self {
            worker,
            ports: Ports::default(),
            now: Instant::default(),
            next_id: 0,
        };
        assert_eq!(rig.events(), [("42".into(), Event::WorkerRunning)]);
        rig
    }

    fn request(&mut self, handler: &str, body: RequestBody) -> Result<ResponseBody, RequestError> {
        self.next_id += 1;
        let request = Request {
            id: self.next_id,
            method: "TEST",
            handler_id: handler.into(),
            body,
        };
        self.worker
            .handle_message(self.now, Message::Request(request), &mut self.ports);
        self.drain();
        let mut result = None;
        while let Some(message) = self.worker.poll_message() {
            if let Outgoing::Response(response) = message {
                assert_eq!(response.id, self.next_id);
                assert!(
                    result.replace(response.result).is_none(),
                    "one response a request"
                );
            }
        }
        result.expect("every request is answered")
    }

    fn drain(&mut self) {
        let mut output = Output::new(256 * 1024);
        while self.worker.drain(self.now, &mut output) == Drain::More {
            output.clear();
        }
        for socket in output.closed_sockets() {
            self.ports.close(*socket);
        }
    }

    fn events(&mut self) -> Vec<(String, Event)> {
        let mut events = Vec::new();
        while let Some(message) = self.worker.poll_message() {
            if let Outgoing::Notification(notification) = message {
                events.push((notification.handler_id, notification.event));
            }
        }
        events
    }

    fn router(&mut self, id: &str) {
        let body = RequestBody::WorkerCreateRouter {
            router_id: id.into(),
        };
        self.request("", body).unwrap();
    }

    fn transport(&mut self, router: &str, id: &str) -> TransportKey {
        let body = RequestBody::RouterCreateWebRtcTransport(Box::new(create(id)));
        self.request(router, body).unwrap();
        self.worker.registry.transport(id).unwrap()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the DTLS engine wants an instant of the system's"
)]
fn anchor() -> std::time::Instant {
    std::time::Instant::now()
}

fn create(id: &str) -> CreateWebRtcTransport {
    CreateWebRtcTransport {
        transport_id: id.into(),
        base: TransportOptions::default(),
        listen: Listen::Individual(vec![ListenInfo {
            protocol: Protocol::Udp,
            ip: "127.0.0.1".into(),
            announced_address: None,
            expose_internal_ip: false,
            port: 0,
            port_range: PortRange::default(),
            flags: SocketFlags::default(),
            send_buffer_size: 0,
            recv_buffer_size: 0,
        }]),
        enable_udp: true,
        enable_tcp: true,
        prefer_udp: false,
        prefer_tcp: false,
        ice_consent_timeout: 30,
    }
}

#[test]
fn closing_a_router_gives_back_every_name_and_port() {
    let mut rig = Rig::new();
    rig.router("r");
    for id in ["a", "b", "c"] {
        rig.transport("r", id);
    }
    assert_eq!(rig.ports.open.len(), 3);
    assert_eq!(
        rig.request(
            "r",
            RequestBody::RouterCreateWebRtcTransport(Box::new(create("b")))
        )
        .unwrap_err()
        .class(),
        "Error"
    );
    assert_eq!(rig.ports.open.len(), 3);
    rig.request(
        "",
        RequestBody::WorkerCloseRouter {
            router_id: "r".into(),
        },
    )
    .unwrap();
    assert!(rig.ports.open.is_empty());
    let dump = rig.worker.dump();
    assert!(dump.request_handlers.is_empty() && dump.notification_handlers.is_empty());
    assert_eq!(rig.worker.poll_timeout(), None);
    let missing = rig.request("a", RequestBody::TransportDump).unwrap_err();
    assert_eq!(missing.class(), "NotFoundError");
}

#[test]
fn a_panic_costs_the_transport_it_came_from_and_nothing_else() {
    let mut rig = Rig::new();
    rig.router("r");
    let (bad, good) = (rig.transport("r", "bad"), rig.transport("r", "good"));
    rig.worker.fenced(rig.now, |worker| {
        worker.current = Some(bad);
        panic!("on purpose");
    });
    rig.drain();
    let closed = Event::DtlsStateChange {
        state: DtlsState::Closed,
        remote_certificate: None,
    };
    assert_eq!(rig.events(), [("bad".into(), closed)]);
    assert_eq!(rig.worker.counters().panics, 1);
    assert!(!rig.worker.is_failed());
    assert!(rig.worker.entities.transports.get(bad).is_none());
    assert!(rig.worker.entities.transports.get(good).is_some());
    assert_eq!(rig.ports.open.len(), 1);
    assert!(rig.request("good", RequestBody::TransportDump).is_ok());
    assert!(rig.request("bad", RequestBody::TransportDump).is_err());
}

/// A producer that is not there: whoever looks after the transport's streams panics.
fn break_transport(rig: &mut Rig, key: TransportKey) {
    let nobody = ProducerKey::new(9, 9);
    rig.worker.entities.transports[key].producers.push(nobody);
}

#[test]
fn a_panic_while_sending_takes_nothing_back_that_was_decided_before() {
    let mut rig = Rig::new();
    rig.router("r");
    let (bad, other) = (rig.transport("r", "bad"), rig.transport("r", "other"));
    break_transport(&mut rig, bad);
    rig.worker.touch(bad);
    rig.worker.close_transport(rig.now, other);
    rig.drain();
    assert_eq!(rig.worker.counters().panics, 1);
    assert!(rig.ports.open.is_empty(), "{:?}", rig.ports.open);
    assert!(!rig.worker.is_failed());
}

#[test]
fn a_panic_while_closing_does_not_leave_the_core() {
    let mut rig = Rig::new();
    rig.router("r");
    let nobody = TransportKey::new(9, 9);
    let router = rig.worker.registry.router("r").unwrap();
    let router = &mut rig.worker.entities.routers[router];
    router.transports.push(nobody);
    rig.worker.close(rig.now);
    assert!(rig.worker.is_closed() && rig.worker.is_failed());
}

#[test]
fn a_panic_outside_a_transport_or_too_many_of_them_end_the_worker() {
    let mut rig = Rig::new();
    rig.worker.fenced(rig.now, |_| panic!("on purpose"));
    assert!(rig.worker.is_failed());

    let mut rig = Rig::new();
    rig.router("r");
    for n in 0..MAX_PANICS {
        assert!(!rig.worker.is_failed());
        let key = rig.transport("r", &n.to_string());
        rig.worker.fenced(rig.now, |worker| {
            worker.current = Some(key);
            panic!("on purpose");
        });
        rig.now += Duration::from_secs(15);
    }
    assert!(rig.worker.is_failed());

    let mut rig = Rig::new();
    rig.router("r");
    for n in 0..2 * MAX_PANICS {
        let key = rig.transport("r", &n.to_string());
        rig.worker.fenced(rig.now, |worker| {
            worker.current = Some(key);
            panic!("on purpose");
        });
        rig.now += Duration::from_secs(21);
    }
    assert!(!rig.worker.is_failed());
}

#[test]
fn a_method_that_is_not_supported_is_named_and_harms_nothing() {
    let mut rig = Rig::new();
    rig.router("r");
    let error = rig.request("r", RequestBody::Unsupported).unwrap_err();
    assert_eq!(error.class(), "Error");
    assert!(error.to_string().contains("TEST"));
    let malformed = RequestBody::Malformed(RequestError::invalid("body", "is missing"));
    let error = rig.request("r", malformed.clone()).unwrap_err();
    assert_eq!(error.class(), "TypeError");
    let error = rig.request("nobody", malformed).unwrap_err();
    assert_eq!(error.class(), "NotFoundError");
    let error = rig.request("", RequestBody::Unknown(200)).unwrap_err();
    assert!(error.to_string().contains("200"));
    let mut with_sctp = create("t");
    with_sctp.base.enable_sctp = true;
    let body = RequestBody::RouterCreateWebRtcTransport(Box::new(with_sctp));
    assert!(
        rig.request("r", body)
            .unwrap_err()
            .to_string()
            .contains("enableSctp")
    );
    assert!(rig.ports.open.is_empty());
}
