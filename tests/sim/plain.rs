//! Plain transports: a source and a player that speak RTP and nothing else.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tureen_tests::link::{LinkConfig, Loss};
use tureen_tests::media::Camera;
use tureen_tests::parameters::listen_udp;
use tureen_tests::world::World;
use tureen_worker::internal::messages::{
    CreatePlainTransport, Event, PlainConnect, PlainTransportDump, RequestBody, ResponseBody,
    TransportOptions,
};
use tureen_worker::internal::params::{SrtpCryptoSuite, SrtpParameters, Tuple};

use crate::plain_endpoint::{CAMERA, Endpoint, FRAME, Port, SEEN, context};

/// A key of the endpoint's own, of the length that the suite wants.
fn own_key(crypto_suite: SrtpCryptoSuite, seed: u8) -> SrtpParameters {
    let key = vec![seed; crypto_suite.key_and_salt_len()];
    SrtpParameters {
        crypto_suite,
        key_base64: STANDARD.encode(key),
    }
}

fn ip(host: u8) -> String {
    format!("10.0.1.{host}")
}

fn at(host: u8, port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 1, host], port))
}

/// Where a tuple's local side is.
fn local(tuple: &Tuple) -> SocketAddr {
    SocketAddr::new(
        tuple.local_address.parse().expect("it is an IP"),
        tuple.local_port,
    )
}

/// How the two transports of a run are made.
#[derive(Clone, Copy, Debug)]
struct Kind {
    suite: Option<SrtpCryptoSuite>,
    rtcp_mux: bool,
}

fn create(world: &mut World<Port>, id: &str, kind: Kind, comedia: bool) -> PlainTransportDump {
    let create = CreatePlainTransport {
        transport_id: id.to_owned(),
        base: TransportOptions::default(),
        listen_info: listen_udp("10.0.0.1", 0),
        rtcp_listen_info: None,
        rtcp_mux: kind.rtcp_mux,
        comedia,
        srtp_crypto_suite: kind.suite,
    };
    let create = RequestBody::RouterCreatePlainTransport(Box::new(create));
    match world.request("router", create) {
        Ok(ResponseBody::PlainTransportDump(dump)) => *dump,
        other => panic!("no transport: {other:?}"),
    }
}

/// Puts an endpoint on `host` and connects it with a transport: port 5000 for RTP and, unless they
/// share it, 5001 for RTCP.
fn join(
    world: &mut World<Port>,
    id: &str,
    host: u8,
    kind: Kind,
    comedia: bool,
) -> Rc<RefCell<Endpoint>> {
    let dump = create(world, id, kind, comedia);
    let theirs = kind.suite.map(|suite| own_key(suite, host));
    let connect = PlainConnect {
        ip: (!comedia).then(|| ip(host)),
        port: (!comedia).then_some(5000),
        rtcp_port: (!comedia && !kind.rtcp_mux).then_some(5001),
        srtp_parameters: theirs.clone(),
    };
    if !comedia || theirs.is_some() {
        let connect = RequestBody::PlainTransportConnect(Box::new(connect));
        world.request(id, connect).expect("it connects");
    }
    let srtp = theirs.zip(dump.srtp_parameters.as_ref());
    let srtp = srtp.map(|(theirs, ours)| (context(&theirs), context(ours)));
    let endpoint = Rc::new(RefCell::new(Endpoint::new(srtp)));
    let port = |is_rtp, is_rtcp| Port {
        endpoint: Rc::clone(&endpoint),
        is_rtp,
        is_rtcp,
    };
    world.add_peer(
        port(true, kind.rtcp_mux),
        at(host, 5000),
        local(&dump.tuple),
    );
    if let Some(tuple) = &dump.rtcp_tuple {
        world.add_peer(port(false, true), at(host, 5001), local(tuple));
    }
    endpoint
}

/// A source behind comedia, and a player at a named address that consumes it.
fn source_and_player(kind: Kind) -> (World<Port>, Rc<RefCell<Endpoint>>, Rc<RefCell<Endpoint>>) {
    let mut world = World::new(9);
    let router_id = "router".to_owned();
    world
        .request("", RequestBody::WorkerCreateRouter { router_id })
        .expect("there is a router");
    let source = join(&mut world, "source", 1, kind, true);
    let player = join(&mut world, "player", 2, kind, false);
    let produce = RequestBody::TransportProduce(Box::new(CAMERA.produce("cam")));
    world.request("source", produce).expect("it is produced");
    let consume = RequestBody::TransportConsume(Box::new(SEEN.consume("seen", "cam", CAMERA)));
    world.request("player", consume).expect("it is consumed");
    (world, source, player)
}

/// Half a minute of a source and a player over links that lose three percent and reorder:
/// everything arrives, because both sides repair.
fn run(kind: Kind) {
    let (mut world, source, player) = source_and_player(kind);
    for peer in 0..if kind.rtcp_mux { 2 } else { 4 } {
        let link = LinkConfig {
            delay: Duration::from_millis(20),
            jitter: Duration::from_millis(5),
            reorder: 0.01,
            reorder_by: Duration::from_millis(10),
            loss: Loss::Random(0.03),
            ..LinkConfig::default()
        };
        world.set_link(peer, link, link, 50 + peer as u64);
    }
    source.borrow_mut().camera = Some(Camera::new(4, 900));
    for endpoint in [&source, &player] {
        endpoint.borrow_mut().next_frame = Some(world.now + FRAME);
    }
    // Its port for RTCP is learned from its first report.
    source
        .borrow_mut()
        .send_rtcp(&[0x80, 201, 0, 1, 0, 0, 0, 9]);
    world.run_for(Duration::from_secs(15));
    let skipped = player.borrow().viewer.skipped;
    assert_eq!(skipped, 0, "{kind:?}: every frame was repaired in time");
    player.borrow_mut().ask_for_key_frame();
    world.run_for(Duration::from_secs(15));
    source.borrow_mut().camera = None;
    world.run_for(Duration::from_secs(2));

    let (source, player) = (source.borrow(), player.borrow());
    let viewer = &player.viewer;
    assert!(viewer.decoded > 850, "{kind:?}: {viewer:?}");
    let span = player.came.last().unwrap() - player.came.first().unwrap() + 1;
    assert_eq!(
        player.came.len() as u64,
        span,
        "{kind:?}: no number is missing"
    );
    assert_eq!(source.key_frames_wanted, 1, "{kind:?}: the player's wish");
    assert!(
        source.reports > 5 && player.reports > 5,
        "{kind:?}: reports flow both ways"
    );
    let learned = world.events.iter().filter(|(id, event)| {
        let is_tuple = matches!(event, Event::PlainTransportTuple(t) if t.remote_port == 5000)
            || matches!(event, Event::PlainTransportRtcpTuple(t) if t.remote_port == 5001);
        id == "source" && is_tuple
    });
    assert_eq!(
        learned.count(),
        if kind.rtcp_mux { 1 } else { 2 },
        "{:?}",
        world.events
    );
    assert!(world.strays.is_empty(), "nothing leaves for anybody else");
}

#[test]
fn plain_rtp_is_repaired_on_one_port_and_on_two_in_the_clear_and_with_every_suite() {
    for rtcp_mux in [true, false] {
        for suite in [
            None,
            Some(SrtpCryptoSuite::AeadAes256Gcm),
            Some(SrtpCryptoSuite::AeadAes128Gcm),
            Some(SrtpCryptoSuite::AesCm128HmacSha1_80),
            Some(SrtpCryptoSuite::AesCm128HmacSha1_32),
        ] {
            run(Kind { suite, rtcp_mux });
        }
    }
}

/// A source whose port for RTCP is not known cannot be asked for anything. Its media is forwarded
/// all the same, without a worker that tries again and again, and once the port is known its losses
/// are repaired.
#[test]
fn a_source_without_rtcp_is_forwarded_and_later_repaired() {
    let kind = Kind {
        suite: None,
        rtcp_mux: false,
    };
    let (mut world, source, player) = source_and_player(kind);
    let link = LinkConfig {
        loss: Loss::Random(0.03),
        ..LinkConfig::default()
    };
    world.set_link(0, link, LinkConfig::default(), 50);
    source.borrow_mut().camera = Some(Camera::new(4, 900));
    source.borrow_mut().next_frame = Some(world.now + FRAME);
    world.run_for(Duration::from_secs(10));
    let (lost, missing) = (world.traffic(0).up.lost, missing(&player.borrow()));
    assert!(lost > 20 && missing.abs_diff(lost) < 5, "{lost} {missing}");

    source
        .borrow_mut()
        .send_rtcp(&[0x80, 201, 0, 1, 0, 0, 0, 9]);
    world.run_for(Duration::from_secs(1));
    let before = self::missing(&player.borrow());
    world.run_for(Duration::from_secs(10));
    assert_eq!(self::missing(&player.borrow()), before);
}

/// How many numbers between the first and the last have not come.
fn missing(player: &Endpoint) -> u64 {
    let span = player.came.last().unwrap() - player.came.first().unwrap() + 1;
    span - player.came.len() as u64
}
