//! A socket whose device does not take datagrams, in a network namespace of its own.

use std::net::SocketAddr;
use std::process::Command;

use mio::net::UdpSocket as MioUdpSocket;
use nix::sys::socket::{setsockopt, sockopt};
use nix::unistd::geteuid;

use super::super::super::sys_linux::Tap;
use super::*;

#[test]
fn what_a_full_socket_does_not_take_leaves_once_there_is_room() {
    in_a_namespace(
        "what_a_full_socket_does_not_take_leaves_once_there_is_room",
        || {
            let (mut rig, mut tap, socket) = blocked_rig();
            assert!(
                rig.sockets.blocked.contains(&socket),
                "the device takes nothing yet"
            );
            assert_eq!(rig.sockets.losses, Losses::default());
            let waiting = rig.sockets.udp[&socket].waiting();
            assert!(waiting > 200, "{waiting} would have been lost");
            // Meanwhile the other socket sends and receives as usual.
            let other = rig.udp();
            let remote = UdpSocket::bind("127.0.0.1:0").unwrap();
            remote.send_to(b"hello", other.local).unwrap();
            let (path, _) = rig.receive(1).remove(0);
            let mut output = Output::new(64 * 1024);
            queue(&mut output, path, b"back");
            rig.send(&mut output);
            remote.set_read_timeout(Some(PATIENCE)).unwrap();
            assert_eq!(remote.recv(&mut [0; 9]).unwrap(), 4);

            tap.answer_for_the_neighbour();
            let mut arrived = Vec::new();
            while arrived.len() < DATAGRAMS {
                rig.turn(Duration::from_millis(10));
                arrived.extend(std::iter::from_fn(|| tap.datagram()));
            }
            for (number, datagram) in arrived.iter().enumerate() {
                assert_eq!(*datagram, numbered(number), "in order and whole");
            }
            assert!(!rig.sockets.blocked.contains(&socket));
            assert_eq!(rig.sockets.losses, Losses::default());
            let deadline = rig.sockets.poll_timeout().unwrap();
            rig.sockets.handle_timeout(deadline);
            assert_eq!(rig.sockets.poll_timeout(), None, "no more wake-ups");
        },
    );
}

#[test]
fn what_waits_for_a_full_socket_is_given_up_after_a_while() {
    in_a_namespace(
        "what_waits_for_a_full_socket_is_given_up_after_a_while",
        || {
            let (mut rig, _tap, socket) = blocked_rig();
            let mut waited = Duration::ZERO;
            let start = Clocks::read().monotonic;
            while rig.sockets.blocked.contains(&socket) {
                let deadline = rig.sockets.poll_timeout().unwrap();
                waited = deadline.since(start);
                rig.sockets.handle_timeout(deadline);
            }
            assert!(waited < LONGEST_WAIT + 3 * RETRY_INTERVAL, "{waited:?}");
            let lost = rig.sockets.losses.send.waited_too_long;
            assert!(lost > 100, "{}", rig.sockets.losses);
            assert_eq!(rig.sockets.poll_timeout(), None);
        },
    );
}

/// A socket with the smallest send buffer. It was asked to send [`DATAGRAMS`] numbered datagrams
/// through a device that keeps what it gets.
fn blocked_rig() -> (Rig, Tap, SocketKey) {
    let tap = Tap::open().unwrap();
    let mut rig = Rig::new();
    let local = SocketAddr::from((Tap::LOCAL, 0));
    let socket = rig.sockets.bind_udp(local, &BindOptions::default());
    let socket = socket.unwrap().socket;
    let endpoint = rig.sockets.udp.get_mut(&socket).unwrap();
    shrink_send_buffer(&endpoint.socket);
    let mut output = Output::new(512 * 1024);
    let path = Path {
        protocol: Protocol::Udp,
        socket,
        remote: SocketAddr::from((Tap::NEIGHBOUR, 9)),
    };
    for number in 0..DATAGRAMS {
        queue(&mut output, path, &numbered(number));
    }
    rig.send(&mut output);
    (rig, tap, socket)
}

fn shrink_send_buffer(socket: &MioUdpSocket) {
    // The kernel makes the least of it that it allows.
    setsockopt(socket, sockopt::SndBuf, &1).unwrap();
}

/// Some datagrams come in runs of equal length and some have other lengths, so that trains and
/// single datagrams wait.
fn numbered(number: usize) -> Vec<u8> {
    let len = if number % 100 < 60 {
        1000
    } else {
        300 + number
    };
    vec![u8::try_from(number % 251).unwrap(); len]
}

/// Runs `test` in a process that has its own network namespace. `name` is the name of the test.
fn in_a_namespace(name: &str, test: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        test();
        return;
    }
    let own = if geteuid().is_root() { "-n" } else { "-Urn" };
    if std::env::var_os(SKIP).is_some() {
        eprintln!("not run: {SKIP} is set");
        return;
    }
    let allowed = Command::new("unshare").args([own, "true"]).status();
    assert!(
        allowed.is_ok_and(|status| status.success()),
        "no network namespace may be made here: run as root, or set {SKIP}"
    );
    let output = Command::new("unshare")
        .arg(own)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &format!("io::sockets::tests::blocked::{name}")])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
}

const INSIDE: &str = "TUREEN_TEST_IN_A_NAMESPACE";
/// Leaves these tests out where the system forbids namespaces.
const SKIP: &str = "TUREEN_TEST_WITHOUT_NAMESPACES";
/// Fewer than the device queues.
const DATAGRAMS: usize = 300;
