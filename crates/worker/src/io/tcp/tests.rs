//! Limits on connections, and which connection makes room.

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

/// Connections to a few listeners, and what is counted.
struct Rig {
    _poll: Poll,
    tcp: Tcp,
    losses: Losses,
}

impl Rig {
    fn new(limits: TcpLimits) -> Self {
        let poll = Poll::new().unwrap();
        Self {
            tcp: Tcp::new(poll.registry().try_clone().unwrap(), limits),
            _poll: poll,
            losses: Losses::default(),
        }
    }

    /// A connection to the listener, and its path.
    fn connect(&mut self, key: SocketKey, at: SocketAddr) -> (std::net::TcpStream, Path) {
        let remote = std::net::TcpStream::connect(at).unwrap();
        let path = Path {
            protocol: Protocol::Tcp,
            socket: key,
            remote: remote.local_addr().unwrap(),
        };
        let state = self.tcp.accept(key, Instant::default(), &mut self.losses);
        assert_eq!(state, Readiness::Drained);
        (remote, path)
    }

    /// Whether the connection of `path` is there, and what was refused and evicted so far.
    fn state(&self, path: Path) -> (bool, u64, u64) {
        let is_there = self.tcp.by_path.contains_key(&path);
        (is_there, self.losses.tcp.refused, self.losses.tcp.evicted)
    }
}

#[test]
fn the_oldest_that_is_not_validated_makes_room_on_a_listener_and_in_all() {
    let mut rig = Rig::new(TcpLimits {
        per_listener: 2,
        total: 3,
        unvalidated_per_remote: 9,
    });
    let (one, two) = (SocketKey(1), SocketKey(2));
    let at = [listening(&mut rig.tcp, one), listening(&mut rig.tcp, two)];
    let (mut first, first_path) = rig.connect(one, at[0]);
    let (_second, second) = rig.connect(one, at[0]);
    rig.tcp.validate_path(second);
    let (_third, third) = rig.connect(one, at[0]);
    assert_eq!(rig.state(first_path), (false, 0, 1));
    assert_eq!(first.read(&mut [0; 9]).unwrap(), 0, "it is closed");
    assert_eq!(rig.tcp.poll_ended(), Some(first_path));
    assert_eq!(rig.state(third), (true, 0, 1));

    // In all: the oldest goes, on whichever listener.
    let (_fourth, fourth) = rig.connect(two, at[1]);
    let (_fifth, fifth) = rig.connect(two, at[1]);
    assert_eq!(rig.state(third), (false, 0, 2));
    // Those that have proven themselves stay, and then there is no room.
    for path in [fourth, fifth] {
        rig.tcp.validate_path(path);
    }
    let (mut late, late_path) = rig.connect(two, at[1]);
    assert_eq!(rig.state(late_path), (false, 1, 2));
    assert_eq!(late.read(&mut [0; 9]).unwrap(), 0, "it is refused");
    assert_eq!(rig.tcp.connections.len(), 3);
}

#[test]
fn the_oldest_of_a_remote_makes_room_for_its_next() {
    let mut rig = Rig::new(TcpLimits {
        unvalidated_per_remote: 2,
        ..TcpLimits::default()
    });
    let key = SocketKey(1);
    let at = listening(&mut rig.tcp, key);
    let connect = |rig: &mut Rig| rig.connect(key, at);
    let (_first, first) = connect(&mut rig);
    let (_second, second) = connect(&mut rig);
    rig.tcp.validate_path(first);
    rig.tcp.validate_path(first);
    let (_third, third) = connect(&mut rig);
    assert_eq!(rig.state(second), (true, 0, 0));
    let (_fourth, fourth) = connect(&mut rig);
    assert_eq!(rig.state(second), (false, 0, 1));
    // Those whose time is up go; the one that is validated stays.
    rig.tcp
        .handle_timeout(Instant::default() + VALIDATION_TIMEOUT, &mut rig.losses);
    assert_eq!(rig.losses.tcp.unvalidated, 2);
    let left = [first, third, fourth].map(|path| rig.state(path).0);
    assert_eq!(left, [true, false, false]);
    assert_eq!(rig.tcp.poll_timeout(), None);
}

#[test]
fn a_stranger_is_listened_to_for_a_few_checks_and_no_longer() {
    let mut rig = Rig::new(TcpLimits::default());
    let key = SocketKey(1);
    let at = listening(&mut rig.tcp, key);
    // Checks of a hundred bytes.
    let checks = [&[0, 98][..], &[1; 98]].concat().repeat(100);
    for is_validated in [false, true] {
        let (mut remote, path) = rig.connect(key, at);
        if is_validated {
            rig.tcp.validate_path(path);
        }
        let id = rig.tcp.by_path[&path];
        remote.write_all(&checks).unwrap();
        let mut intake = Intake::new(1 << 20);
        let mut reads = 0;
        while rig.tcp.by_path.contains_key(&path) && intake.len() < 100 {
            rig.tcp
                .receive(id, Instant::default(), &mut intake, &mut rig.losses);
            reads += 1;
            assert!(reads < 1000);
        }
        assert_eq!(intake.len(), if is_validated { 100 } else { 20 });
    }
    assert_eq!(rig.losses.tcp.unvalidated, 1);
}

#[test]
fn the_most_frames_that_one_read_can_hold_fit_a_batch_that_is_not_full() {
    let poll = Poll::new().unwrap();
    let mut tcp = Tcp::new(poll.registry().try_clone().unwrap(), TcpLimits::default());
    let mut losses = Losses::default();
    let key = SocketKey(1);
    let mut remote = std::net::TcpStream::connect(listening(&mut tcp, key)).unwrap();
    tcp.accept(key, Instant::default(), &mut losses);
    tcp.validate_path(Path {
        protocol: Protocol::Tcp,
        socket: key,
        remote: remote.local_addr().unwrap(),
    });
    remote.write_all(&[0, 1, 5].repeat(20_000)).unwrap();
    remote.shutdown(std::net::Shutdown::Write).unwrap();
    let mut intake = Intake::new(70 * 1024);
    let (mut received, mut most) = (0, 0);
    while tcp.poll_ended().is_none() {
        intake.clear();
        let id = ConnectionId(0);
        while !intake.is_full() {
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
