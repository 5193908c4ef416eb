//! Things that must change nothing: junk on the port, ports in use, clients that come and go.

use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tureen_controller::{
    ListenInfo, RequestError, WebRtcTransportOptions, Worker, WorkerPool, WorkerPoolError,
    WorkerPoolSettings,
};
use tureen_peer::{SrtpProfile, random_u32};

use crate::call::{Call, LOOPBACK, Publisher, Publishing, Subscriber};
use crate::endpoint::{Endpoint, new_peer};
use crate::program::{Valve, descriptors, resident_kib, times, worker_settings};
use crate::relay::{Relay, nomination};
use crate::within;

#[tokio::test]
async fn junk_on_the_port_changes_nothing() {
    let call = Call::start().await;
    let worker = call.address().await;
    let (near, far) = (Relay::to(worker).await, Relay::to(worker).await);
    let publisher = Publisher::start(through(&near, &call).await, &Publishing::default()).await;
    let subscriber = Subscriber::start(through(&far, &call).await, &publisher).await;
    subscriber.until_frames(3).await;

    let stranger = near.other_path().await;
    let paths = [near.path(), far.path(), stranger];
    for round in 0..times(10, 1_000) {
        let real: Vec<_> = near.seen().into_iter().chain(far.seen()).collect();
        for (index, datagram) in real.iter().enumerate() {
            let path = &paths[(index + round) % paths.len()];
            // First a packet that is cut somewhere, then a whole one with one bit turned, then a
            // header with random bytes.
            let cut = index * datagram.len() / real.len();
            path.send(&datagram[..cut]).await;
            path.send(&turned(datagram)).await;
            path.send(&random_after(datagram)).await;
        }
        for junk in forged() {
            for path in &paths {
                path.send(&junk).await;
            }
        }
        subscriber.until_more(1).await;
    }
    subscriber.until_more(5).await;
    let inbox = subscriber.endpoint.inbox();
    for ssrc in [subscriber.video_ssrc, subscriber.audio_ssrc] {
        let stats = inbox.stats(ssrc);
        assert_eq!((stats.duplicates, stats.malformed), (0, 0), "{stats:?}");
    }
    drop(inbox);
    for endpoint in [&publisher.endpoint, &subscriber.endpoint] {
        let stats = endpoint.transport.get_stats().await.unwrap();
        assert_eq!(stats.dtls_state, tureen_controller::DtlsState::Connected);
        assert_eq!(stats.ice_state, tureen_controller::IceState::Completed);
    }
    call.end().await;
}

async fn through(relay: &Relay, call: &Call) -> Endpoint {
    let transport = call.transport().await;
    let peer = new_peer(&SrtpProfile::ALL).await;
    let remote = relay.remote_parameters(&transport);
    Endpoint::connect_over(transport, peer, remote).await
}

fn turned(datagram: &[u8]) -> Vec<u8> {
    let mut turned = datagram.to_vec();
    let bit = usize::try_from(random_u32()).unwrap() % (8 * turned.len());
    turned[bit / 8] ^= 1 << (bit % 8);
    turned
}

fn random_after(datagram: &[u8]) -> Vec<u8> {
    let kept = datagram.len().min(12);
    let random = (0..64).flat_map(|_| random_u32().to_be_bytes());
    datagram[..kept].iter().copied().chain(random).collect()
}

/// Datagrams that look like what ends or begins something.
fn forged() -> Vec<Vec<u8>> {
    let alert = |level, description| record(21, &[level, description]);
    let goodbye = vec![0x81, 203, 0, 1, 0, 0, 3, 232];
    let empty_hello = vec![22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 1, 0, 0, 0];
    let giant = vec![0x80; 9000];
    let mut forged = vec![
        Vec::new(),
        vec![0],
        alert(1, 0),
        alert(2, 40),
        goodbye,
        empty_hello,
        giant,
        client_hello(&[]),
        record(20, &[1]),
    ];
    forged.extend(bad_fragments());
    forged
}

/// A message, or one fragment, of each kind that a client sends in its handshake.
fn bad_fragments() -> Vec<Vec<u8>> {
    let numbered = [(0, 1), (1, 11), (2, 11), (2, 16), (3, 16), (3, 15), (4, 15)];
    let of_each = numbered.into_iter().flat_map(|(number, kind)| {
        let part = [kind, 0, 3, 0, 0, number, 0, 0, 0, 0, 0, 3, 7, 7, 7];
        let whole = [kind, 0, 0, 3, 0, number, 0, 0, 0, 0, 0, 3, 7, 7, 7];
        [record(22, &part), record(22, &whole)]
    });
    let many: Vec<u8> = (0..45)
        .flat_map(|offset| [11, 0, 16, 0, 0, 2, 0, 0, offset, 0, 0, 1, 7])
        .collect();
    of_each.chain(vec![record(22, &many); 6]).collect()
}

/// The first message of a client that does not exist; each has another `random` (RFC 5246 §7.4.1.2).
fn client_hello(more_extensions: &[u8]) -> Vec<u8> {
    let random = (0..8).flat_map(|_| random_u32().to_be_bytes());
    let mut hello = vec![254, 253];
    hello.extend(random);
    // No session, no cookie, two cipher suites, no compression.
    hello.extend([0, 0, 0, 4, 0xcc, 0xa9, 0xc0, 0x2b, 1, 0]);
    let extensions = [
        &[0, 10, 0, 4, 0, 2, 0, 29][..],
        &[0, 11, 0, 2, 1, 0],
        &[0, 13, 0, 4, 0, 2, 4, 3],
        &[0, 14, 0, 5, 0, 2, 0, 7, 0],
        &[0, 23, 0, 0],
        more_extensions,
    ]
    .concat();
    hello.extend(length(&extensions));
    hello.extend(extensions);
    let [l0, l1] = length(&hello);
    let header = [1, 0, l0, l1, 0, 0, 0, 0, 0, 0, l0, l1];
    record(22, &[&header[..], &hello].concat())
}

/// A record in plaintext.
fn record(kind: u8, payload: &[u8]) -> Vec<u8> {
    let header = [kind, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9];
    [&header[..], &length(payload), payload].concat()
}

fn length(bytes: &[u8]) -> [u8; 2] {
    u16::try_from(bytes.len()).unwrap().to_be_bytes()
}

#[tokio::test]
async fn handshakes_succeed_while_others_forge_records() {
    let call = Call::start().await;
    let worker = call.address().await;
    for _ in 0..times(10, 60) {
        let relay = Relay::to(worker).await;
        let endpoint = tokio::select! {
            endpoint = through(&relay, &call) => endpoint,
            () = forge(&relay) => unreachable!("it goes on for ever"),
        };
        let stats = endpoint.transport.get_stats().await.unwrap();
        assert_eq!(stats.dtls_state, tureen_controller::DtlsState::Connected);
    }
    call.end().await;
}

/// Sends all that is forged every millisecond, from the client's own path and from elsewhere.
async fn forge(relay: &Relay) {
    let paths = [relay.path(), relay.other_path().await];
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(1));
    loop {
        ticks.tick().await;
        let mut datagrams = forged();
        // The first hello with DTLS 1.3 is answered at once, and the client may take the answer for
        // its own (docs/dtls.md). So the client comes first here.
        if relay.seen().iter().any(|seen| seen.first() == Some(&22)) {
            datagrams.push(client_hello(&DTLS_1_3));
        }
        for datagram in datagrams {
            for path in &paths {
                path.send(&datagram).await;
            }
        }
    }
}

/// The extension `supported_versions` with DTLS 1.3 and 1.2.
const DTLS_1_3: [u8; 9] = [0, 43, 0, 5, 4, 254, 252, 254, 253];

/// As many as would end the session if each of them took the place of the one before.
#[tokio::test]
async fn a_thousand_hellos_of_others_end_no_session() {
    let call = Call::start().await;
    let worker = call.address().await;
    for extensions in [&[][..], &DTLS_1_3] {
        let relay = Relay::to(worker).await;
        let path = relay.path();
        let transport = call.transport().await;
        let remote = relay.remote_parameters(&transport);
        let ice = transport.ice_parameters();
        let nominated = nomination(&ice.username_fragment, &ice.password);
        path.send(&nominated.raw).await;
        path.until_received(1).await;
        for count in 0..1000 {
            path.send(&client_hello(extensions)).await;
            if count % 50 == 0 {
                // So that the worker's socket does not overflow.
                assert!(transport.get_stats().await.is_ok());
            }
        }
        let stats = transport.get_stats().await.unwrap();
        assert_ne!(stats.dtls_state, tureen_controller::DtlsState::Failed);
        let peer = new_peer(&SrtpProfile::ALL).await;
        let endpoint = Endpoint::connect_over(transport, peer, remote).await;
        let stats = endpoint.transport.get_stats().await.unwrap();
        assert_eq!(stats.dtls_state, tureen_controller::DtlsState::Connected);
    }
    call.end().await;
}

#[tokio::test]
async fn a_port_that_is_taken_is_a_typed_error_and_the_worker_goes_on() {
    let call = Call::start().await;
    let taken = UdpSocket::bind((LOOPBACK, 0)).await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let free = ListenInfo::udp(LOOPBACK);
    let refused = |error: &RequestError| match error {
        RequestError::Other { reason, .. } => reason.contains(&port.to_string()),
        _ => false,
    };

    let before = descriptors(call.worker.pid());
    for _ in 0..20 {
        let listen = vec![free.clone(), free.clone().with_port(port)];
        let error = call.worker.create_web_rtc_server(listen.clone()).await;
        assert!(refused(&error.err().unwrap()));
        let options = WebRtcTransportOptions::with_listen_infos(listen);
        let error = call.router.create_web_rtc_transport(options).await;
        assert!(refused(&error.err().unwrap()));
    }
    assert_eq!(
        descriptors(call.worker.pid()),
        before,
        "the free port is not kept"
    );

    let settings = WorkerPoolSettings {
        workers: std::num::NonZeroUsize::new(1),
        worker: worker_settings(),
        web_rtc_server: vec![free.clone().with_port(port)],
        ..WorkerPoolSettings::default()
    };
    let error = WorkerPool::start(settings).await.err().unwrap();
    assert!(matches!(
        error,
        WorkerPoolError::WebRtcServer { index: 0, .. }
    ));

    drop(taken);
    let listen = vec![free.with_port(port)];
    let server = call.worker.create_web_rtc_server(listen).await.unwrap();
    let dump = server.dump().await.unwrap();
    assert_eq!(dump.udp_sockets[0].port, port);
    call.end().await;
}

#[tokio::test]
async fn a_controller_that_does_not_read_stalls_no_media() {
    let valve = Valve::new();
    let worker = Worker::spawn(valve.settings()).await.unwrap();
    let listen = vec![ListenInfo::udp(LOOPBACK)];
    let server = worker.create_web_rtc_server(listen).await.unwrap();
    let call = Call::on(worker, server).await;
    let publisher = call.publisher().await;
    let mut relay = Relay::to(call.address().await).await;
    let subscriber = Subscriber::start(through(&relay, &call).await, &publisher).await;
    subscriber.until_frames(3).await;
    let transport = subscriber.endpoint.transport.clone();
    let paths = [relay.path(), relay.other_path().await];
    relay.move_to(paths[1].clone(), &transport).await;

    valve.close();
    let resident = resident_kib(call.worker.pid());
    let mut asked = JoinSet::new();
    for _ in 0..20_000 {
        let worker = call.worker.clone();
        asked.spawn(async move { worker.dump().await });
    }
    // Each nomination of a client that keeps changing its path causes a notification.
    let ice = transport.ice_parameters();
    for index in 0..1000 {
        let request = nomination(&ice.username_fragment, &ice.password);
        paths[index % 2].send(&request.raw).await;
        if index % 50 == 0 {
            subscriber.until_more(1).await;
        }
    }
    // That is a third of a second, or 16 seconds.
    subscriber.until_more(times(5, 240)).await;
    while asked.try_join_next().is_some() {}
    assert!(asked.len() > 10_000, "the controller does not read");
    let grown = resident_kib(call.worker.pid()).saturating_sub(resident);
    // All of the answers together would be some thirty.
    assert!(grown < 12 * 1024, "grown from {resident} by {grown} KiB");

    // Nothing that was asked is lost, and nothing that happened.
    valve.open();
    let answered = async {
        while let Some(answer) = asked.join_next().await {
            answer.unwrap().unwrap();
        }
    };
    within("all answers", answered).await;
    let tuple = transport.ice_selected_tuple().unwrap();
    assert_eq!(tuple.remote_port, Some(paths[1].port()));
    call.end().await;
}

#[tokio::test]
async fn memory_returns_after_a_thousand_joins() {
    let call = Call::start().await;
    let pid = call.worker.pid();
    let publisher = call.publisher().await;

    // A first round brings buffers to the size that they keep.
    come_and_go(&call, 200).await;
    connect_and_leave(&call, &publisher, 4).await;
    let (memory, open) = (resident_kib(pid), descriptors(pid));
    let handlers = handlers(&call).await;

    come_and_go(&call, times(1_000, 3_000)).await;
    connect_and_leave(&call, &publisher, 20).await;
    let grown = resident_kib(pid).saturating_sub(memory);
    assert!(grown < 4 * 1024, "grown from {memory} by {grown} KiB");
    assert_eq!(descriptors(pid), open);
    assert_eq!(self::handlers(&call).await, handlers);
    let dump = call.server.dump().await.unwrap();
    assert_eq!(dump.web_rtc_transport_ids.len(), 1);
    assert_eq!(dump.local_ice_username_fragments.len(), 1);
    call.end().await;
}

/// Transports with a consumer that nobody connects to; every tenth has a port of its own.
async fn come_and_go(call: &Call, count: usize) {
    for index in 0..count {
        let listen = match index % 10 {
            0 => WebRtcTransportOptions::with_listen_infos(vec![ListenInfo::udp(LOOPBACK)]),
            _ => WebRtcTransportOptions::with_server(call.server.clone()),
        };
        let transport = call.router.create_web_rtc_transport(listen).await.unwrap();
        assert!(!transport.ice_candidates().is_empty());
        transport.close();
    }
}

/// Clients that connect, watch and leave, half of them without a word.
async fn connect_and_leave(call: &Call, publisher: &Publisher, count: usize) {
    for index in 0..count {
        let subscriber = call.subscriber(publisher).await;
        subscriber.until_frames(1).await;
        subscriber.endpoint.transport.close();
        if index % 2 == 0 {
            subscriber.endpoint.leave().await;
        }
    }
}

async fn handlers(call: &Call) -> usize {
    let dump = call.worker.dump().await.unwrap();
    dump.channel_message_handlers.channel_request_handlers.len()
}
