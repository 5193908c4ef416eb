//! Entities of a real worker: creation, events, closing.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

use nix::sys::signal::Signal;
use serde_json::json;
use tureen_controller::rtp::{MediaKind, MimeType, RtpCodecCapability, RtpParameters};
use tureen_controller::{
    CloseReason, ConsumeError, Consumer, ConsumerEvent, ConsumerOptions, DtlsFingerprint,
    DtlsParameters, DtlsRole, FingerprintAlgorithm, IceState, ListenInfo, ProduceError, Producer,
    ProducerEvent, ProducerOptions, RequestError, Router, WebRtcTransport, WebRtcTransportEvent,
    WebRtcTransportOptions, Worker, WorkerEvent,
};

use crate::fake_worker::Program;

pub(crate) async fn two_peers_meet() {
    let call = Call::new().await;
    let json = serde_json::to_value(call.alice.ice_candidates()).unwrap();
    let expected = json!([{
        "foundation": "udpcandidate", "priority": 1_076_302_079, "ip": "127.0.0.1",
        "address": "127.0.0.1", "protocol": "udp", "port": 44_444, "type": "host",
    }]);
    assert_eq!(json, expected);
    let remote = DtlsParameters {
        role: DtlsRole::Client,
        fingerprints: vec![DtlsFingerprint {
            algorithm: FingerprintAlgorithm::Sha256,
            value: "CC:DD".to_owned(),
        }],
    };
    assert_eq!(call.alice.dtls_parameters().role, DtlsRole::Auto);
    call.alice.connect(&remote).await.unwrap();
    assert_eq!(call.alice.dtls_parameters().role, DtlsRole::Server);
    // The fake worker accepts this request, but leaves out the body of the answer.
    let outcome = call.alice.restart_ice().await;
    assert!(matches!(outcome, Err(RequestError::MalformedResponse(_))));

    let producer = call.produce("track").await.unwrap();
    assert!(producer.rtp_parameters().rtcp.cname.is_some());
    let consumer = call.consume(&producer).await.unwrap();
    assert_eq!(consumer.rtp_parameters().mid.as_deref(), Some("0"));
    assert_eq!(
        call.consume(&producer)
            .await
            .unwrap()
            .rtp_parameters()
            .mid
            .as_deref(),
        Some("1")
    );
    assert_eq!(consumer.rtp_parameters().codecs[0].payload_type.get(), 100);
    assert_eq!(consumer.score().score, 10);
    consumer.pause().await.unwrap();
    assert!(consumer.is_paused());

    let unknown = ConsumerOptions::new("nobody".into(), call.router.rtp_capabilities().clone());
    let error = call.bob.consume(unknown).await.unwrap_err();
    assert_eq!(error, ConsumeError::NoSuchProducer("nobody".into()));
    let deaf = ConsumerOptions::new(producer.id().clone(), Default::default());
    let error = call.bob.consume(deaf).await.unwrap_err();
    assert!(matches!(error, ConsumeError::RtpCapabilities(_)));
}

pub(crate) async fn events_before_the_subscription_are_kept() {
    let call = Call::new().await;
    // When these are answered, the worker's earlier notifications have arrived.
    call.worker.dump().await.unwrap();
    assert_eq!(call.alice.ice_state(), IceState::Connected);
    let connected = WebRtcTransportEvent::IceStateChanged(IceState::Connected);
    assert_eq!(call.alice.events().try_next(), Some(connected));

    let producer = call.produce("track").await.unwrap();
    let consumer = call.consume(&producer).await.unwrap();
    call.worker.dump().await.unwrap();
    let mut events = consumer.events();
    // First paused by a notification, then by the answer, then resumed.
    assert_eq!(events.try_next(), Some(ConsumerEvent::ProducerPaused));
    assert_eq!(events.try_next(), Some(ConsumerEvent::ProducerResumed));
    assert_eq!(events.try_next(), None);
    assert!(!consumer.is_producer_paused());
    producer.pause().await.unwrap();
    assert_eq!(events.next().await, Some(ConsumerEvent::ProducerPaused));
}

pub(crate) async fn a_refused_producer_leaves_nothing() {
    let call = Call::new().await;
    let error = call.produce("refused").await.unwrap_err();
    assert!(matches!(
        error,
        ProduceError::Request(RequestError::Type { .. })
    ));
    assert!(call.router.producer(&"refused".into()).is_none());

    let producer = call.produce("track").await.unwrap();
    let error = call.produce("track").await.unwrap_err();
    let duplicate = RequestError::DuplicateId("track".to_owned());
    assert_eq!(error, ProduceError::Request(duplicate));
    assert!(!producer.is_closed(), "the one that was there stays");

    let mut unsound = opus();
    unsound
        .header_extensions
        .push(serde_json::from_value(json!({"uri": "urn:x", "id": 3})).unwrap());
    let options = ProducerOptions::new(MediaKind::Audio, unsound);
    let error = call.alice.produce(options).await.unwrap_err();
    assert!(
        error.to_string().contains("headerExtensions[0].uri"),
        "{error}"
    );
}

pub(crate) async fn closing_goes_down_the_tree() {
    let call = Call::new().await;
    let producer = call.produce("track").await.unwrap();
    let consumer = call.consume(&producer).await.unwrap();
    let mut events = producer.events();
    call.alice.close();
    let closed = ProducerEvent::Closed(CloseReason::TransportClosed);
    assert_eq!(events.next().await, Some(closed));
    assert_eq!(events.next().await, None);
    let closed = RequestError::Closed(CloseReason::TransportClosed);
    assert_eq!(producer.pause().await, Err(closed));
    let closed = RequestError::Closed(CloseReason::ProducerClosed);
    assert_eq!(consumer.pause().await, Err(closed));
    assert!(!call.bob.is_closed(), "it is another transport");

    call.router.close();
    assert!(call.bob.is_closed());
    let error = call.bob.restart_ice().await.unwrap_err();
    assert_eq!(error, RequestError::Closed(CloseReason::RouterClosed));
    assert_eq!(
        error.to_string(),
        "the entity is closed: its router was closed"
    );
    let shown = format!("{:?}", call.router);
    assert!(shown.contains(call.router.id().as_str()), "{shown}");
    assert!(call.worker.dump().await.unwrap().router_ids.is_empty());
}

pub(crate) async fn a_producer_takes_its_consumers_along() {
    let call = Call::new().await;
    let producer = call.produce("track").await.unwrap();
    let consumer = call.consume(&producer).await.unwrap();
    call.worker.dump().await.unwrap();
    let mut events = consumer.events();
    while events.try_next().is_some() {}
    producer.close();
    let closed = ConsumerEvent::Closed(CloseReason::ProducerClosed);
    assert_eq!(events.try_next(), Some(closed.clone()));
    assert_eq!(events.next().await, None);
    assert_eq!(
        consumer.events().next().await,
        Some(closed),
        "it stays known"
    );
    // We ask the worker nothing about a Consumer that the worker closes by itself.
    consumer.close();
    drop(consumer);
    let handlers = call.worker.dump().await.unwrap().channel_message_handlers;
    assert_eq!(handlers.channel_notification_handlers, [""; 0]);
    let error = call.consume(&producer).await.unwrap_err();
    assert_eq!(error, ConsumeError::NoSuchProducer("track".into()));

    // The id is free again, and the old handle does not close the new Producer.
    let again = call.produce("track").await.unwrap();
    drop(producer);
    assert!(call.consume(&again).await.is_ok());
}

pub(crate) async fn the_last_handle_closes_the_entity() {
    let call = Call::new().await;
    let producer = call.produce("track").await.unwrap();
    let clone = producer.clone();
    drop(producer);
    assert!(!clone.is_closed());
    drop(clone);
    let dump = call.worker.dump().await.unwrap();
    assert_eq!(
        dump.channel_message_handlers.channel_request_handlers,
        [""; 0]
    );
}

pub(crate) async fn a_dropped_future_closes_what_it_creates() {
    let program = Program::new("normal");
    let worker = Worker::spawn(program.settings()).await.unwrap();
    {
        // A worker that stands still has not answered when the future is dropped.
        program.signal(Signal::SIGSTOP);
        let mut creating = pin!(worker.create_router(&[]));
        let mut context = Context::from_waker(Waker::noop());
        // The first poll sends the request.
        assert!(creating.as_mut().poll(&mut context).is_pending());
    }
    program.signal(Signal::SIGCONT);
    assert!(worker.dump().await.unwrap().router_ids.is_empty());
    let mut events = worker.events();
    worker.close().await;
    let Some(WorkerEvent::Gone { lost, .. }) = events.next().await else {
        panic!("closing is an event");
    };
    assert!(lost.is_empty());
}

/// Requests leave when their futures are first polled, so many cost one round trip.
pub(crate) async fn consumers_are_created_side_by_side() {
    let call = Call::new().await;
    let producer = call.produce("p").await.unwrap();
    let consume = || call.consume(&producer);
    let created = tokio::join!(consume(), consume(), consume());
    let created = [created.0, created.1, created.2].map(Result::unwrap);
    let mids = created
        .each_ref()
        .map(|one| one.rtp_parameters().mid.clone());
    assert_eq!(mids, ["0", "1", "2"].map(|mid| Some(mid.to_owned())));
}

/// A router with two endpoints.
struct Call {
    _program: Program,
    worker: Worker,
    router: Router,
    alice: WebRtcTransport,
    bob: WebRtcTransport,
}

impl Call {
    async fn new() -> Self {
        let program = Program::new("normal");
        let worker = Worker::spawn(program.settings()).await.unwrap();
        let mime_type = MimeType::parse("audio/opus").unwrap();
        let codecs = [RtpCodecCapability::audio(mime_type, 48_000, 2)];
        let router = worker.create_router(&codecs).await.unwrap();
        let listen = vec![ListenInfo::udp("127.0.0.1".parse().unwrap())];
        let server = worker.create_web_rtc_server(listen.clone()).await.unwrap();
        let options = WebRtcTransportOptions::with_server(server);
        let alice = router.create_web_rtc_transport(options).await.unwrap();
        let options = WebRtcTransportOptions::with_listen_infos(listen);
        let bob = router.create_web_rtc_transport(options).await.unwrap();
        Self {
            _program: program,
            worker,
            router,
            alice,
            bob,
        }
    }

    async fn produce(&self, id: &str) -> Result<Producer, ProduceError> {
        let options = ProducerOptions {
            id: Some(id.into()),
            ..ProducerOptions::new(MediaKind::Audio, opus())
        };
        self.alice.produce(options).await
    }

    async fn consume(&self, producer: &Producer) -> Result<Consumer, ConsumeError> {
        let capabilities = self.router.rtp_capabilities().clone();
        let options = ConsumerOptions::new(producer.id().clone(), capabilities);
        self.bob.consume(options).await
    }
}

fn opus() -> RtpParameters {
    let json = json!({
        "codecs": [{
            "mimeType": "audio/opus", "payloadType": 111, "clockRate": 48000, "channels": 2,
        }],
        "encodings": [{ "ssrc": 1111 }],
    });
    serde_json::from_value(json).unwrap()
}
