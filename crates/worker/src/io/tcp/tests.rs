use std::io::{Read, Write};

use mio::Poll;

use super::super::bind::open_tcp;
use super::*;
use crate::binder::BindOptions;

fn listening(tcp: &mut Tcp, key: SocketKey) -> SocketAddr {
    let local = "127.0.0.1:0".parse().unwrap();
    let (listener, bound) = open_tcp(local, &BindOptions::default()).unwrap();
    tcp.listen(key, listener).unwrap();
    bound
}

#[test]
fn connections_are_limited_by_listener_and_in_all() {
    let poll = Poll::new().unwrap();
    let limits = TcpLimits {
        per_listener: 2,
        total: 3,
        unvalidated_per_remote: 9,
    };
    let mut tcp = Tcp::new(poll.registry().try_clone().unwrap(), limits);
    let mut losses = Losses::default();
    let (one, two) = (SocketKey(1), SocketKey(2));
    let at = [listening(&mut tcp, one), listening(&mut tcp, two)];
    let mut remotes = Vec::new();
    for (key, address) in [(one, at[0]), (two, at[1])] {
        for _ in 0..3 {
            remotes.push(std::net::TcpStream::connect(address).unwrap());
        }
        let state = tcp.accept(key, Instant::default(), &mut losses);
        assert_eq!(state, Readiness::Drained);
    }
    assert_eq!(losses.tcp.refused, 3);
    for (index, remote) in remotes.iter_mut().enumerate() {
        if [2, 4, 5].contains(&index) {
            assert_eq!(remote.read(&mut [0; 9]).unwrap(), 0, "{index}");
        }
    }
    // One that ends makes room.
    drop(remotes.remove(0));
    let mut intake = Intake::new(1 << 20);
    let first = ConnectionId(0);
    while tcp.poll_ended().is_none() {
        tcp.receive(first, Instant::default(), &mut intake, &mut losses);
    }
    let mut late = std::net::TcpStream::connect(at[0]).unwrap();
    tcp.accept(one, Instant::default(), &mut losses);
    assert_eq!(losses.tcp.refused, 3);
    late.write_all(&[0, 1, 5]).unwrap();
    while intake.len() == 0 {
        tcp.receive(
            ConnectionId(3),
            Instant::default(),
            &mut intake,
            &mut losses,
        );
    }
}

#[test]
fn connections_that_wait_for_ice_are_limited_by_remote() {
    let poll = Poll::new().unwrap();
    let limits = TcpLimits {
        unvalidated_per_remote: 2,
        ..TcpLimits::default()
    };
    let mut tcp = Tcp::new(poll.registry().try_clone().unwrap(), limits);
    let mut losses = Losses::default();
    let key = SocketKey(1);
    let at = listening(&mut tcp, key);
    let mut remotes = Vec::new();
    let mut connect = |tcp: &mut Tcp, losses: &mut Losses| {
        let remote = std::net::TcpStream::connect(at).unwrap();
        let path = Path {
            protocol: Protocol::Tcp,
            socket: key,
            remote: remote.local_addr().unwrap(),
        };
        remotes.push(remote);
        tcp.accept(key, Instant::default(), losses);
        path
    };
    let first = connect(&mut tcp, &mut losses);
    connect(&mut tcp, &mut losses);
    connect(&mut tcp, &mut losses);
    assert_eq!(losses.tcp.refused, 1);
    tcp.validate_path(first);
    tcp.validate_path(first);
    connect(&mut tcp, &mut losses);
    connect(&mut tcp, &mut losses);
    assert_eq!(losses.tcp.refused, 2);
    // Those whose time is up make room; the one that is validated stays.
    tcp.handle_timeout(Instant::default() + VALIDATION_TIMEOUT, &mut losses);
    assert_eq!((losses.tcp.unvalidated, tcp.connections.len()), (2, 1));
    connect(&mut tcp, &mut losses);
    assert_eq!(losses.tcp.refused, 2);
}

#[test]
fn the_most_frames_that_one_read_can_hold_fit_a_batch_that_is_not_full() {
    let poll = Poll::new().unwrap();
    let mut tcp = Tcp::new(poll.registry().try_clone().unwrap(), TcpLimits::default());
    let mut losses = Losses::default();
    let key = SocketKey(1);
    let mut remote = std::net::TcpStream::connect(listening(&mut tcp, key)).unwrap();
    tcp.accept(key, Instant::default(), &mut losses);
    remote.write_all(&[0, 1, 5].repeat(20_000)).unwrap();
    remote.shutdown(std::net::Shutdown::Write).unwrap();
    let mut intake = Intake::new(70 * 1024);
    let (mut received, mut most) = (0, 0);
    while tcp.poll_ended().is_none() {
        intake.clear();
        let id = ConnectionId(0);
        while !intake.is_full() && tcp.poll_timeout().is_some() | (received > 0) {
            let before = intake.len();
            tcp.receive(id, Instant::default(), &mut intake, &mut losses);
            if intake.len() == before {
                break;
            }
        }
        received += intake.len();
        most = most.max(intake.len());
    }
    assert_eq!(received, 20_000);
    assert!(most < 8_000, "{most}");
}
