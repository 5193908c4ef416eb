//! The core as a whole: requests, closing, and the fence.

mod direct;
mod plain;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::*;
use crate::arena::Key as _;
use crate::binder::{BindError, BindOptions, Bound};
use crate::dtls::simulated_keys;
use crate::ids::Ssrc;
use crate::log::{LogLevel, LogTags};
use crate::messages::{
    Consume, CreateWebRtcTransport, Listen, Produce, RequestBody, ResponseBody, TransportOptions,
};
use crate::output::{MAX_DATAGRAM, Protocol};
use crate::params::{
    CodecMapping, DtlsParameters, DtlsRole, EncodingMapping, IceParameters, ListenInfo, MediaKind,
    RtcpFeedback, RtcpParameters, RtpCodecParameters, RtpEncodingParameters, RtpMapping,
    RtpParameters, RtpType, SocketFlags,
};
use crate::producer::PacketNames;
use crate::srtp::{MAX_PROTECTION_OVERHEAD, SrtpReceive, SrtpSend};
use crate::transport::Destination;
use crate::wire::rtcp::{RtcpPacket, RtcpPackets};
use crate::wire::rtp::RtpPacket;
use crate::wire::stun::{BindingRequest, IceRole, IntegrityKey, TransactionId};

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
    /// What producers receive.
    ssrcs: BTreeMap<ProducerKey, u32>,
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
            ssrcs: BTreeMap::new(),
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

/// A producer that does not exist, so that work on the transport's streams panics.
fn break_transport(rig: &mut Rig, key: TransportKey) {
    let nobody = ProducerKey::new(9, 9);
    let transport = &mut rig.worker.entities.transports[key];
    transport.producers.push(nobody);
    // A new round trip concerns all its producers, so they are looked after.
    transport.set_rtt(std::time::Duration::ZERO);
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

/// Opus as a producer sends it and as a consumer gets it.
fn opus(ssrc: u32) -> RtpParameters {
    RtpParameters {
        codecs: vec![RtpCodecParameters {
            mime_type: "audio/opus".into(),
            payload_type: 100,
            clock_rate: 48_000,
            channels: Some(2),
            parameters: vec![],
            rtcp_feedback: vec![RtcpFeedback {
                kind: "nack".into(),
                parameter: None,
            }],
        }],
        encodings: vec![RtpEncodingParameters {
            ssrc: Some(Ssrc(ssrc)),
            ..RtpEncodingParameters::default()
        }],
        rtcp: RtcpParameters {
            cname: Some("opus".into()),
            reduced_size: true,
        },
        ..RtpParameters::default()
    }
}

fn consume(id: &str, producer: &str, ssrc: u32) -> RequestBody {
    RequestBody::TransportConsume(Box::new(Consume {
        consumer_id: id.into(),
        producer_id: producer.into(),
        kind: MediaKind::Audio,
        rtp_parameters: opus(ssrc),
        rtp_type: RtpType::Simple,
        consumable_rtp_encodings: opus(1001).encodings,
        paused: false,
        preferred_layers: None,
        ignore_dtx: false,
    }))
}

impl Rig {
    fn producer(&mut self, transport: &str, id: &str, ssrc: u32) -> ProducerKey {
        let produce = RequestBody::TransportProduce(Box::new(Produce {
            producer_id: id.into(),
            kind: MediaKind::Audio,
            rtp_parameters: opus(ssrc),
            rtp_mapping: RtpMapping {
                codecs: vec![CodecMapping {
                    payload_type: 100,
                    mapped_payload_type: 100,
                }],
                encodings: vec![EncodingMapping {
                    rid: None,
                    ssrc: Some(Ssrc(ssrc)),
                    mapped_ssrc: Ssrc(ssrc + 1000),
                }],
            },
            paused: false,
            key_frame_request_delay: 0,
            enable_packet_id: false,
        }));
        self.request(transport, produce).unwrap();
        let key = self.worker.registry.producer(id).unwrap();
        self.ssrcs.insert(key, ssrc);
        key
    }

    fn consumer(&mut self, transport: &str, id: &str, producer: &str, ssrc: u32) -> ConsumerKey {
        self.request(transport, consume(id, producer, ssrc))
            .unwrap();
        self.worker.registry.consumer(id).unwrap()
    }

    /// Hands the producer a packet, past its transport.
    fn arrive(&mut self, producer: ProducerKey, sequence_number: u16) {
        let mut packet = [0x80, 100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfc, 1, 2];
        packet[2..4].copy_from_slice(&sequence_number.to_be_bytes());
        packet[8..12].copy_from_slice(&self.ssrcs[&producer].to_be_bytes());
        let packet = RtpPacket::new_checked(&packet).unwrap();
        let taken = self.worker.entities.producers[producer]
            .handle_rtp(self.now, self.now, &packet, PacketNames::default())
            .unwrap();
        self.worker.packet_taken(producer, &taken);
        let publisher = self.worker.entities.producers[producer].transport;
        self.worker.touch(publisher);
    }

    /// Gives a transport keys and a way to send.
    fn connect(&mut self, key: TransportKey) {
        let ice = IceParameters::generate(&mut Rng::new([3; 32]));
        let keys = simulated_keys(&ice);
        let transport = &mut self.worker.entities.transports[key];
        let (send, receive) = (
            SrtpSend::new(&keys.server, 16),
            SrtpReceive::new(&keys.client, 16),
        );
        transport.set_keys(send, receive);
        transport.set_destination(Destination::Path(PATH));
        self.worker.follow_connection(self.now, key);
    }
}

const PATH: Path = Path {
    protocol: Protocol::Udp,
    socket: SocketKey(0),
    remote: SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9),
};

#[test]
fn a_transport_that_has_sent_too_many_ssrcs_refuses_a_consumer() {
    let mut rig = Rig::new();
    rig.router("r");
    let key = rig.transport("r", "t");
    rig.producer("t", "p", 1);
    let keys = simulated_keys(&IceParameters::generate(&mut Rng::new([3; 32])));
    let mut send = SrtpSend::new(&keys.server, 16);
    for ssrc in 1_u32..=65_536 {
        let mut packet = [0; 12 + MAX_PROTECTION_OVERHEAD];
        packet[0] = 0x80;
        packet[8..12].copy_from_slice(&ssrc.to_be_bytes());
        send.protect_rtp(&mut packet, 12).unwrap();
        send.release(Ssrc(ssrc));
    }
    let receive = SrtpReceive::new(&keys.client, 16);
    rig.worker.entities.transports[key].set_keys(send, receive);
    for (ssrc, reason) in [(7, "sent it before"), (70_000, "make a new one")] {
        let refused = rig.request("t", consume("c", "p", ssrc)).unwrap_err();
        assert!(refused.to_string().contains(reason), "{refused}");
    }
    rig.connect(key);
    rig.consumer("t", "c", "p", 70_000);
}

/// A packet that nobody can forward costs its publisher the transport, and no subscriber.
#[test]
fn a_panic_in_fan_out_is_the_publishers() {
    let mut rig = Rig::new();
    rig.router("r");
    let publisher = rig.transport("r", "publisher");
    let subscribers = ["a", "b", "c", "d", "e", "f"].map(|id| rig.transport("r", id));
    let producer = rig.producer("publisher", "p", 1);
    let mut consumers = Vec::new();
    for (id, ssrc) in ["a", "b", "c", "d", "e", "f"].into_iter().zip(20..) {
        let key = rig.consumer(id, &format!("to-{id}"), "p", ssrc);
        rig.connect(rig.worker.entities.consumers[key].transport);
        consumers.push(key);
    }
    rig.arrive(producer, 1);
    // Consumers without a stream, so that forwarding to one panics.
    for key in consumers {
        rig.worker.entities.consumers[key].outgoing = Box::new([]);
    }
    rig.drain();
    assert_eq!(rig.worker.counters().panics, 1);
    assert!(!rig.worker.is_failed());
    assert!(rig.worker.entities.transports.get(publisher).is_none());
    for subscriber in subscribers {
        assert!(rig.worker.entities.transports.get(subscriber).is_some());
    }
}

/// The first producer falls silent with a packet missing. Its NACK fills the output, so the
/// transport is interrupted between its two producers.
#[test]
fn a_score_that_changes_while_the_output_is_full_is_told_later() {
    let mut rig = Rig::new();
    rig.router("r");
    let key = rig.transport("r", "t");
    let (first, second) = (rig.producer("t", "p", 1), rig.producer("t", "q", 2));
    rig.connect(key);
    for n in 1..100 {
        rig.arrive(first, n);
        rig.arrive(second, n);
        rig.drain();
    }
    rig.events();
    rig.arrive(first, 101);
    rig.now += Duration::from_secs(10);
    rig.worker.handle_timeout(rig.now);
    let mut output = Output::new(MAX_DATAGRAM);
    let mut datagrams = Vec::new();
    while rig.worker.drain(rig.now, &mut output) == Drain::More {
        datagrams.push(output.trains().count());
        output.clear();
    }
    assert_eq!(datagrams, [1], "interrupted once, by one NACK");
    let mut silent: Vec<_> = rig
        .events()
        .into_iter()
        .filter(|(_, event)| matches!(event, Event::ProducerScore(scores) if scores[0].score == 0))
        .map(|(id, _)| id)
        .collect();
    silent.sort_unstable();
    assert_eq!(silent, ["p", "q"]);
}

/// Forty streams need two receiver reports, and the output has room for one at a time.
#[test]
fn every_loss_is_reported_even_if_a_report_must_wait_for_room() {
    let mut rig = Rig::new();
    rig.router("r");
    let key = rig.transport("r", "t");
    let ssrcs = 1..=40;
    for ssrc in ssrcs.clone() {
        let producer = rig.producer("t", &format!("p{ssrc}"), ssrc);
        rig.arrive(producer, 1);
        rig.arrive(producer, 3);
    }
    rig.connect(key);
    rig.now += Duration::from_secs(2);
    rig.worker.handle_timeout(rig.now);
    rig.worker.touch(key);
    let ice = IceParameters::generate(&mut Rng::new([3; 32]));
    let mut peer = SrtpReceive::new(&simulated_keys(&ice).server, 16);
    let mut output = Output::new(MAX_DATAGRAM);
    let mut reported = Vec::new();
    let mut more = true;
    while more {
        more = rig.worker.drain(rig.now, &mut output) == Drain::More;
        for (_, bytes) in output.trains() {
            let mut datagram = bytes.to_vec();
            let len = peer.unprotect_rtcp(&mut datagram).unwrap();
            for packet in RtcpPackets::new(&datagram[..len]) {
                if let RtcpPacket::ReceiverReport(report) = packet {
                    let losses = report.reports.filter(|block| block.fraction_lost > 0);
                    reported.extend(losses.map(|block| block.ssrc.0));
                }
            }
        }
        output.clear();
    }
    assert_eq!(reported, ssrcs.collect::<Vec<_>>());
}

/// The fence stands around a whole batch, so blame must not pass from one datagram to the next.
#[test]
fn a_panic_on_a_strangers_datagram_is_not_the_last_ones_fault() {
    let mut rig = Rig::new();
    rig.router("r");
    let good = rig.transport("r", "good");
    let socket = rig.worker.entities.transports[good].own_sockets()[0].socket;
    // A socket whose owner does not exist, so that looking for it panics.
    let broken = SocketKey(99);
    let nobody = OpenSocket {
        owner: SocketOwner::Transport(TransportKey::new(9, 9)),
        protocol: Protocol::Udp,
        local: PATH.remote,
    };
    rig.worker.sockets.insert(broken, nobody);
    let fragment = rig.worker.entities.transports[good].username_fragments();
    let username = format!("{}:x", fragment.last().unwrap());
    let request = BindingRequest {
        transaction_id: TransactionId([1; 12]),
        username: &username,
        priority: Some(1),
        role: Some(IceRole::Controlling(1)),
        use_candidate: true,
        nomination: None,
    };
    let mut check = [0; 200];
    let len = request.write(&mut check, &IntegrityKey::new(b"any"));
    let mut batch = Batch::new(1000, 2);
    assert!(batch.push(Path { socket, ..PATH }, rig.now, &check[..len.unwrap()]));
    let strange = Path {
        socket: broken,
        ..PATH
    };
    assert!(batch.push(strange, rig.now, &[0x80; 20]));
    assert!(rig.worker.handle_datagrams(rig.now, &mut batch));
    assert_eq!(rig.worker.counters().panics, 1);
    assert!(rig.worker.is_failed(), "nobody is to blame");
    assert!(rig.worker.entities.transports.get(good).is_some());
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
