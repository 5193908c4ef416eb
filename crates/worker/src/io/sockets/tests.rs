//! All kinds of sockets over loopback: turns, ends, limits, and what is queued when one closes.

mod blocked;

use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::time::Duration;

use mio::{Events, Poll};

use super::*;

/// Sockets and the poll they are told by.
struct Rig {
    poll: Poll,
    sockets: Sockets,
}

impl Rig {
    fn new() -> Self {
        let poll = Poll::new().unwrap();
        let sockets = Sockets::new(poll.registry()).unwrap();
        Self { poll, sockets }
    }

    fn udp(&mut self) -> Bound {
        let local = "127.0.0.1:0".parse().unwrap();
        let options = BindOptions::default();
        self.sockets.bind_udp(local, &options).unwrap()
    }

    fn tcp(&mut self) -> Bound {
        let local = "127.0.0.1:0".parse().unwrap();
        let options = BindOptions::default();
        self.sockets.bind_tcp(local, &options).unwrap()
    }

    /// Polls once for at most `wait`, unless there is work already. Then receives once.
    fn turn(&mut self, wait: Duration) -> Vec<(Path, Vec<u8>)> {
        if !self.sockets.has_work() {
            let mut events = Events::with_capacity(16);
            self.poll.poll(&mut events, Some(wait)).unwrap();
            for event in &events {
                let source = Source::from_token(event.token()).unwrap();
                let is_readable = event.is_readable() || event.is_read_closed();
                self.sockets
                    .handle_event(source, is_readable, event.is_writable());
            }
        }
        let mut received = Vec::new();
        if let Some(now) = self.sockets.receive() {
            while let Some((path, at, bytes)) = self.sockets.batch_mut().take_next() {
                assert!(at <= now);
                received.push((path, bytes.to_vec()));
            }
        }
        received
    }

    /// Turns until `count` datagrams have come.
    fn receive(&mut self, count: usize) -> Vec<(Path, Vec<u8>)> {
        let mut received = Vec::new();
        while received.len() < count {
            let more = self.turn(PATIENCE);
            received.extend(more);
        }
        assert_eq!(received.len(), count);
        received
    }

    /// Turns until a path has ended.
    fn ended(&mut self) -> Path {
        loop {
            if let Some(path) = self.sockets.poll_ended_path() {
                return path;
            }
            assert!(self.turn(PATIENCE).is_empty());
        }
    }

    /// A connection to `listener` whose first frame has come, and its path.
    fn connect(&mut self, listener: Bound) -> (TcpStream, Path) {
        let mut remote = client(listener);
        remote
            .write_all(&[0, 5, b'h', b'e', b'l', b'l', b'o'])
            .unwrap();
        let (path, bytes) = self.receive(1).remove(0);
        assert_eq!(bytes, b"hello");
        assert_eq!(path.remote, remote.local_addr().unwrap());
        (remote, path)
    }

    fn send(&mut self, output: &mut Output) {
        self.sockets.send(output, Clocks::read().monotonic);
        output.clear();
    }
}

const PATIENCE: Duration = Duration::from_secs(10);
const NO_WAIT: Duration = Duration::ZERO;

fn client(listener: Bound) -> TcpStream {
    let remote = TcpStream::connect(listener.local).unwrap();
    remote.set_read_timeout(Some(PATIENCE)).unwrap();
    remote
}

fn queue(output: &mut Output, path: Path, bytes: &[u8]) {
    output.slot().unwrap()[..bytes.len()].copy_from_slice(bytes);
    output.commit(path, bytes.len());
}

fn read_frame(remote: &mut TcpStream) -> Vec<u8> {
    let mut len = [0; 2];
    remote.read_exact(&mut len).unwrap();
    let mut frame = vec![0; usize::from(u16::from_be_bytes(len))];
    remote.read_exact(&mut frame).unwrap();
    frame
}

#[test]
fn a_socket_is_opened_answers_and_is_closed() {
    let mut rig = Rig::new();
    let (first, second) = (rig.udp(), rig.udp());
    assert_ne!(first.socket, second.socket);
    let remote = UdpSocket::bind("127.0.0.1:0").unwrap();
    remote.set_read_timeout(Some(PATIENCE)).unwrap();
    remote.send_to(b"to the second", second.local).unwrap();
    let (path, bytes) = rig.receive(1).remove(0);
    assert_eq!(
        (path.socket, &bytes[..]),
        (second.socket, &b"to the second"[..])
    );
    assert!(!rig.sockets.has_work(), "it was drained");

    // What was queued when the socket was closed still leaves over it.
    let mut output = Output::new(64 * 1024);
    output.close_socket(second.socket);
    queue(&mut output, path, b"goodbye");
    rig.send(&mut output);
    let mut buffer = [0; 100];
    assert_eq!(remote.recv(&mut buffer).unwrap(), 7);
    let occupied = rig.sockets.bind_udp(second.local, &BindOptions::default());
    assert_eq!(occupied, Err(BindError::InUse(second.local)));

    rig.sockets.close_retired();
    let again = rig
        .sockets
        .bind_udp(second.local, &BindOptions::default())
        .unwrap();
    assert_ne!(again.socket, second.socket, "a key is not used again");
    queue(&mut output, path, b"too late");
    rig.send(&mut output);
    assert_eq!(rig.sockets.losses.send.no_socket, 1);
}

#[test]
fn a_socket_of_both_families_answers_each_in_its_own() {
    let mut rig = Rig::new();
    let options = BindOptions::default();
    let both = rig.sockets.bind_udp("[::]:0".parse().unwrap(), &options);
    let port = both.unwrap().local.port();
    for (from, to) in [("127.0.0.1:0", "127.0.0.1"), ("[::1]:0", "::1")] {
        let remote = UdpSocket::bind(from).unwrap();
        remote.set_read_timeout(Some(PATIENCE)).unwrap();
        remote.send_to(b"hello", (to, port)).unwrap();
        let (path, _) = rig.receive(1).remove(0);
        assert_eq!(path.remote.port(), remote.local_addr().unwrap().port());
        let mut output = Output::new(64 * 1024);
        for _ in 0..3 {
            queue(&mut output, path, b"back");
        }
        rig.send(&mut output);
        for _ in 0..3 {
            assert_eq!(remote.recv(&mut [0; 9]).unwrap(), 4);
        }
    }
}

#[test]
fn a_busy_socket_does_not_starve_another() {
    let mut rig = Rig::new();
    let (busy, other) = (rig.udp(), rig.udp());
    let remote = UdpSocket::bind("127.0.0.1:0").unwrap();
    for _ in 0..200 {
        remote.send_to(&[1; 100], busy.local).unwrap();
    }
    remote.send_to(&[2; 100], other.local).unwrap();
    let (first, second) = (rig.turn(PATIENCE), rig.turn(NO_WAIT));
    assert!(first.len() + second.len() < 200);
    let came = |batch: &[(Path, Vec<u8>)]| batch.iter().any(|(p, _)| p.socket == other.socket);
    assert!(came(&first) || came(&second));
}

#[test]
fn frames_come_in_byte_by_byte_and_go_out() {
    let mut rig = Rig::new();
    let listener = rig.tcp();
    let (mut remote, path) = rig.connect(listener);
    let frame: Vec<u8> = (0..=200).collect();
    for byte in [&[0, 201], &frame[..]].concat() {
        remote.write_all(&[byte]).unwrap();
        if byte != 200 {
            assert!(rig.turn(PATIENCE).is_empty());
        }
    }
    assert_eq!(rig.receive(1), [(path, frame)]);

    let mut output = Output::new(64 * 1024);
    for bytes in [&b"one"[..], b"two", b"three"] {
        queue(&mut output, path, bytes);
    }
    rig.send(&mut output);
    for bytes in [&b"one"[..], b"two", b"three"] {
        assert_eq!(read_frame(&mut remote), bytes);
    }
}

#[test]
fn a_path_ends_after_its_last_frames() {
    let mut rig = Rig::new();
    let listener = rig.tcp();
    let (mut remote, path) = rig.connect(listener);
    // A whole frame and a half.
    remote.write_all(&[0, 1, 7, 0, 9, 1]).unwrap();
    drop(remote);
    let frames: Vec<_> = rig.receive(1).into_iter().map(|(_, bytes)| bytes).collect();
    assert_eq!(frames, [[7]]);
    assert_eq!(rig.ended(), path);
    assert_eq!(rig.sockets.poll_ended_path(), None);
    let mut output = Output::new(64 * 1024);
    queue(&mut output, path, b"to nobody");
    rig.send(&mut output);
    assert_eq!(rig.sockets.losses.tcp.no_connection, 1);
}

#[test]
fn a_frame_that_is_too_long_ends_its_path() {
    let mut rig = Rig::new();
    let listener = rig.tcp();
    let (mut remote, path) = rig.connect(listener);
    // 1500 bytes may be, 1501 may not.
    let longest = [&[5, 220][..], &[1; 1500], &[5, 221]].concat();
    remote.write_all(&longest).unwrap();
    assert_eq!(rig.receive(1), [(path, vec![1; 1500])]);
    assert_eq!(rig.ended(), path);
    assert_eq!(rig.sockets.losses.receive.too_big, 1);
    assert!(
        matches!(remote.read(&mut [0; 9]), Ok(0) | Err(_)),
        "it is closed"
    );
}

#[test]
fn a_connection_that_ice_does_not_validate_is_ended() {
    let mut rig = Rig::new();
    let listener = rig.tcp();
    // Whatever it says.
    let (mut impostor, _) = rig.connect(listener);
    let (mut remote, path) = rig.connect(listener);
    let mut output = Output::new(4096);
    output.validate_path(path);
    rig.send(&mut output);
    let deadline = rig.sockets.poll_timeout().unwrap();
    rig.sockets
        .handle_timeout(deadline - Duration::from_nanos(1));
    assert_eq!(rig.sockets.poll_ended_path(), None);
    rig.sockets
        .handle_timeout(deadline + Duration::from_secs(20));
    let ended = rig.sockets.poll_ended_path().unwrap();
    assert_eq!(ended.remote, impostor.local_addr().unwrap());
    assert!(
        matches!(impostor.read(&mut [0; 9]), Ok(0) | Err(_)),
        "it is closed"
    );
    assert_eq!(rig.sockets.losses.tcp.unvalidated, 1);

    assert_eq!(rig.sockets.poll_timeout(), None, "no wake-up for the other");
    remote.write_all(&[0, 1, 3]).unwrap();
    assert_eq!(rig.receive(1)[0].1, [3]);
}

#[test]
fn the_core_closes_a_path_once_everything_has_left() {
    let mut rig = Rig::new();
    let listener = rig.tcp();
    let (mut remote, path) = rig.connect(listener);
    let mut output = Output::new(256 * 1024);
    for _ in 0..50 {
        queue(&mut output, path, &[5; 1400]);
    }
    output.close_path(path);
    rig.send(&mut output);
    for _ in 0..50 {
        assert_eq!(read_frame(&mut remote), [5; 1400]);
    }
    assert_eq!(remote.read(&mut [0; 9]).unwrap(), 0);
    assert_eq!(rig.sockets.poll_ended_path(), None, "the core knows");
}

#[test]
fn a_remote_that_does_not_read_loses_whole_frames() {
    let mut rig = Rig::new();
    let listener = rig.tcp();
    let (mut remote, path) = rig.connect(listener);
    let mut output = Output::new(512 * 1024);
    let mut sent = 0_u32;
    while rig.sockets.losses.tcp.buffer_full < 100 {
        for _ in 0..200 {
            let mut frame = vec![7; 1000];
            frame[..4].copy_from_slice(&sent.to_be_bytes());
            queue(&mut output, path, &frame);
            sent += 1;
        }
        rig.send(&mut output);
    }
    let lost = u32::try_from(rig.sockets.losses.tcp.buffer_full).unwrap();
    let (mut came, mut last) = (0, None);
    while came < sent - lost {
        // Reading makes room, and the poll tells.
        let frame = read_frame(&mut remote);
        assert_eq!((frame.len(), frame[999]), (1000, 7));
        let number = u32::from_be_bytes(frame[..4].try_into().unwrap());
        assert!(last < Some(number), "frames keep their order");
        (last, came) = (Some(number), came + 1);
        rig.turn(NO_WAIT);
    }
}

#[test]
fn a_closed_path_whose_remote_does_not_read_ends_in_time() {
    let mut rig = Rig::new();
    let listener = rig.tcp();
    let (remote, path) = rig.connect(listener);
    let mut output = Output::new(512 * 1024);
    while rig.sockets.losses.tcp.buffer_full == 0 {
        for _ in 0..300 {
            queue(&mut output, path, &[7; 1400]);
        }
        rig.send(&mut output);
    }
    output.close_path(path);
    rig.send(&mut output);
    let deadline = rig.sockets.poll_timeout().unwrap();
    rig.sockets.handle_timeout(deadline);
    assert_eq!(rig.sockets.poll_timeout(), None);
    assert_eq!(rig.sockets.poll_ended_path(), None);
    assert_eq!(rig.sockets.losses.tcp.unvalidated, 0);
    drop(remote);
}

#[test]
fn closing_a_listener_closes_what_it_accepted() {
    let mut rig = Rig::new();
    let (listener, other) = (rig.tcp(), rig.tcp());
    let (mut remote, _) = rig.connect(listener);
    let (mut kept, _) = rig.connect(other);
    rig.sockets.close(listener.socket);
    rig.sockets.close_retired();
    assert_eq!(remote.read(&mut [0; 9]).unwrap(), 0);
    assert!(TcpStream::connect(listener.local).is_err());
    assert_eq!(rig.sockets.poll_ended_path(), None);
    kept.write_all(&[0, 1, 1]).unwrap();
    assert_eq!(rig.receive(1).len(), 1);
}

#[test]
fn the_ready_list_serves_in_turn_and_holds_each_source_once() {
    let mut ready = ReadyList::default();
    let source = |key| Source::Udp(SocketKey(key));
    for key in [5, 3, 5, 9, 3] {
        ready.insert(source(key));
    }
    assert_eq!(ready.pop(), Some(source(5)));
    ready.insert(source(5));
    let rest: Vec<_> = std::iter::from_fn(|| ready.pop()).collect();
    assert_eq!(rest, [source(3), source(9), source(5)]);
    assert!(ready.is_empty());
}
