//! Batches over loopback, with and without segmentation and coalescing, and what the system
//! refuses.

use std::time::Duration;

use nix::sys::socket::sockopt::ReceiveTimeout;
use nix::sys::time::TimeVal;

use super::super::sys_linux::disable_checksums;
use super::*;
use crate::output::Output;
use crate::time::Instant;

const KEY: SocketKey = SocketKey(7);

fn endpoint() -> UdpEndpoint {
    let socket = UdpSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    UdpEndpoint::new(socket, KEY)
}

/// A plain blocking socket of the other side.
fn far_socket() -> std::net::UdpSocket {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    setsockopt(&socket, ReceiveTimeout, &TimeVal::new(5, 0)).unwrap();
    setsockopt(&socket, sockopt::RcvBuf, &(1 << 20)).unwrap();
    socket
}

fn to(remote: SocketAddr) -> Path {
    Path {
        protocol: Protocol::Udp,
        socket: KEY,
        remote,
    }
}

/// Datagram `number` of `len` bytes: its number, then a pattern of its own.
fn datagram(number: usize, len: usize) -> Vec<u8> {
    let byte = |index: usize| u8::try_from((number * 31 + index) % 251).unwrap();
    (0..len).map(byte).collect()
}

fn queue(output: &mut Output, path: Path, datagram: &[u8]) {
    output.slot().unwrap()[..datagram.len()].copy_from_slice(datagram);
    output.commit(path, datagram.len());
}

fn send(endpoint: &mut UdpEndpoint, output: &Output) -> SendLosses {
    let mut losses = SendLosses::default();
    let mut trains = output.trains().peekable();
    UdpSender::new().send_run(endpoint, &mut trains, Instant::default(), &mut losses);
    assert!(trains.next().is_none(), "all trains go over this socket");
    losses
}

/// A train of 20 equal datagrams and a shorter one.
fn twenty_one() -> Vec<Vec<u8>> {
    (0..21)
        .map(|n| datagram(n, if n == 20 { 333 } else { 1200 }))
        .collect()
}

fn check_arrival(endpoint: &mut UdpEndpoint, datagrams: &[Vec<u8>]) {
    let far = far_socket();
    let mut output = Output::new(256 * 1024);
    for datagram in datagrams {
        queue(&mut output, to(far.local_addr().unwrap()), datagram);
    }
    assert_eq!(send(endpoint, &output), SendLosses::default());
    let mut buffer = [0; 2048];
    for datagram in datagrams {
        let len = far.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..len], datagram);
    }
    far.set_nonblocking(true).unwrap();
    assert!(far.recv(&mut buffer).is_err(), "nothing else came");
}

#[test]
fn a_train_arrives_as_its_datagrams() {
    let mut endpoint = endpoint();
    assert_eq!(endpoint.segmentation, Segmentation::Untried);
    check_arrival(&mut endpoint, &twenty_one());
    assert_eq!(endpoint.segmentation, Segmentation::Works);
}

#[test]
fn without_segmentation_the_same_datagrams_arrive() {
    let mut endpoint = endpoint().without_segmentation();
    check_arrival(&mut endpoint, &twenty_one());
    assert_eq!(endpoint.segmentation, Segmentation::Absent);
}

#[test]
fn more_datagrams_than_one_call_takes_keep_their_order() {
    // Lengths that differ by one make trains of one datagram each.
    let datagrams: Vec<_> = (0..150).map(|n| datagram(n, 100 + (n % 7))).collect();
    check_arrival(&mut endpoint(), &datagrams);
    check_arrival(&mut endpoint().without_segmentation(), &datagrams);
}

#[test]
fn a_device_that_refuses_trains_is_remembered_and_nothing_is_lost() {
    for errno in [libc::EIO, libc::EINVAL, libc::ENOPROTOOPT] {
        let mut endpoint = endpoint();
        let error = io::Error::from_raw_os_error(errno);
        assert!(endpoint.is_for_segmentation(&error));
        assert_eq!(endpoint.segmentation, Segmentation::Absent);
    }
    // One path that takes only short segments does not change the others.
    for errno in [libc::EINVAL, libc::EMSGSIZE] {
        let mut endpoint = endpoint();
        endpoint.segmentation = Segmentation::Works;
        assert!(endpoint.is_for_segmentation(&io::Error::from_raw_os_error(errno)));
        assert_eq!(endpoint.segmentation, Segmentation::Works);
    }
    let mut endpoint = endpoint();
    assert!(!endpoint.is_for_segmentation(&io::Error::from_raw_os_error(libc::ENOBUFS)));

    // The kernel refuses to segment on a socket without checksums with EIO. It says the same if a
    // device cannot compute them.
    disable_checksums(endpoint.socket.as_fd()).unwrap();
    check_arrival(&mut endpoint, &twenty_one());
    assert_eq!(endpoint.segmentation, Segmentation::Absent);
}

#[test]
fn what_the_system_refuses_is_counted_and_the_rest_leaves() {
    let mut endpoint = endpoint();
    let far = far_socket();
    let near = to(far.local_addr().unwrap());
    // Broadcasting without having asked to is forbidden (EACCES).
    let forbidden = to("255.255.255.255:9".parse().unwrap());
    let wrong_family = to("[::1]:9".parse().unwrap());
    let mut output = Output::new(64 * 1024);
    queue(&mut output, near, &datagram(1, 50));
    queue(&mut output, forbidden, &datagram(2, 50));
    for number in 3..6 {
        queue(&mut output, forbidden, &datagram(number, 60));
    }
    queue(&mut output, near, &datagram(6, 70));
    queue(&mut output, wrong_family, &datagram(7, 50));
    queue(&mut output, near, &datagram(8, 80));

    let losses = send(&mut endpoint, &output);
    let expected = SendLosses {
        not_permitted: 4,
        other: 1,
        ..SendLosses::default()
    };
    assert_eq!(losses, expected);
    let mut buffer = [0; 100];
    for (number, len) in [(1, 50), (6, 70), (8, 80)] {
        assert_eq!(far.recv(&mut buffer).unwrap(), len);
        assert_eq!(&buffer[..len], datagram(number, len));
    }
}

#[test]
fn only_the_leading_trains_of_the_socket_are_taken() {
    let mut endpoint = endpoint();
    let far = far_socket();
    let mine = to(far.local_addr().unwrap());
    let other = Path {
        socket: SocketKey(8),
        ..mine
    };
    let mut output = Output::new(64 * 1024);
    for path in [mine, other, mine] {
        queue(&mut output, path, b"datagram");
    }
    let mut trains = output.trains().peekable();
    let mut losses = SendLosses::default();
    UdpSender::new().send_run(&mut endpoint, &mut trains, Instant::default(), &mut losses);
    assert_eq!(trains.next().unwrap().0.path, other);
}

/// What `endpoint` receives, with the losses on the way.
fn receive(endpoint: &mut UdpEndpoint, count: usize) -> (Vec<(Instant, Vec<u8>)>, Losses) {
    let mut arrays = ReceiveArrays::new();
    let mut intake = Intake::new(1 << 20);
    let mut losses = Losses::default();
    let mut received = Vec::new();
    while received.len() < count {
        let clocks = Clocks::read();
        endpoint.receive(&mut arrays, &mut intake, clocks, &mut losses);
        while let Some((path, at, bytes)) = intake.batch_mut().take_next() {
            assert_eq!(path.socket, KEY);
            assert!(at <= clocks.monotonic);
            received.push((at, bytes.to_vec()));
        }
        intake.clear();
    }
    let clocks = Clocks::read();
    let state = endpoint.receive(&mut arrays, &mut intake, clocks, &mut losses);
    assert_eq!((state, intake.len()), (Readiness::Drained, 0));
    (received, losses)
}

#[test]
fn coalesced_messages_are_split_at_their_segments() {
    let mut near = endpoint();
    assert!(near.coalesces);
    let mut far = endpoint();
    let mut output = Output::new(256 * 1024);
    for datagram in twenty_one() {
        queue(
            &mut output,
            to(near.socket.local_addr().unwrap()),
            &datagram,
        );
    }
    send(&mut far, &output);

    let mut arrays = ReceiveArrays::new();
    let mut intake = Intake::new(1 << 20);
    let mut losses = Losses::default();
    let clocks = Clocks::read();
    near.receive(&mut arrays, &mut intake, clocks, &mut losses);
    assert_eq!(arrays.received().count(), 1, "it came in one piece");
    assert_eq!(intake.len(), 21);
    for sent in twenty_one() {
        let (path, _, bytes) = intake.batch_mut().take_next().unwrap();
        assert_eq!(path.remote, far.socket.local_addr().unwrap());
        assert_eq!(bytes, sent);
    }
    assert_eq!(losses, Losses::default());
}

#[test]
fn without_coalescing_the_same_datagrams_come_in() {
    let mut near = endpoint().without_coalescing();
    let mut far = endpoint();
    let mut output = Output::new(256 * 1024);
    let datagrams: Vec<_> = (0..100).map(|n| datagram(n, 1200)).collect();
    for datagram in &datagrams {
        queue(&mut output, to(near.socket.local_addr().unwrap()), datagram);
    }
    send(&mut far, &output);
    let (received, losses) = receive(&mut near, 100);
    let received: Vec<_> = received.into_iter().map(|(_, bytes)| bytes).collect();
    assert_eq!(received, datagrams);
    assert_eq!(losses, Losses::default());
}

#[test]
fn several_sockets_share_one_batch() {
    let far = far_socket();
    let mut endpoints = [endpoint(), endpoint().without_coalescing(), endpoint()];
    let mut arrays = ReceiveArrays::new();
    let mut intake = Intake::new(512 * 1024);
    let mut losses = Losses::default();
    for (index, endpoint) in endpoints.iter_mut().enumerate() {
        for len in [1500, 1, 700] {
            let address = endpoint.socket.local_addr().unwrap();
            far.send_to(&datagram(index, len), address).unwrap();
        }
        endpoint.receive(&mut arrays, &mut intake, Clocks::read(), &mut losses);
    }
    assert_eq!(intake.len(), 9);
    for index in 0..9 {
        let (_, _, bytes) = intake.batch_mut().take_next().unwrap();
        assert_eq!(bytes, datagram(index / 3, [1500, 1, 700][index % 3]));
    }
}

#[test]
fn what_is_too_long_is_dropped_and_counted() {
    for mut near in [endpoint(), endpoint().without_coalescing()] {
        let far = far_socket();
        let address = near.socket.local_addr().unwrap();
        for len in [1501, 1500, 2049, 65_000, 0, 3] {
            far.send_to(&datagram(1, len), address).unwrap();
        }
        let (received, losses) = receive(&mut near, 2);
        let lens: Vec<_> = received.iter().map(|(_, bytes)| bytes.len()).collect();
        assert_eq!(lens, [1500, 3]);
        assert_eq!(losses.receive.too_big, 3);
    }
}

#[test]
fn datagrams_carry_the_time_the_kernel_received_them() {
    let mut near = endpoint();
    let far = far_socket();
    let address = near.socket.local_addr().unwrap();
    let waited = Duration::from_millis(10);
    // The kernel begins to stamp arrivals soon after the first socket asks for it, but not at once.
    // Until then it stamps a datagram when it is read.
    let found = (0..100).any(|_| {
        let sent = Clocks::read().monotonic;
        far.send_to(b"x", address).unwrap();
        while Clocks::read().monotonic.since(sent) < waited {}
        let (received, _) = receive(&mut near, 1);
        let stamp = received[0].0;
        // The wall clock may be adjusted meanwhile, so we allow a millisecond.
        assert!(
            stamp + Duration::from_millis(1) >= sent,
            "{stamp:?} {sent:?}"
        );
        stamp < sent + waited
    });
    assert!(found, "every datagram is as late as its reading");
}

#[test]
fn what_the_kernel_drops_for_a_full_queue_is_counted() {
    let mut near = endpoint();
    setsockopt(&near.socket, sockopt::RcvBuf, &1).unwrap();
    let far = far_socket();
    let address = near.socket.local_addr().unwrap();
    for number in 0..100 {
        far.send_to(&datagram(number, 1000), address).unwrap();
    }
    // The count comes with the first datagram that is queued after the loss.
    receive(&mut near, 1);
    far.send_to(b"after", address).unwrap();
    let (received, losses) = receive(&mut near, 1);
    assert_eq!(received[0].1, b"after");
    assert!(losses.receive.queue_overflow > 50, "{losses}");
}
