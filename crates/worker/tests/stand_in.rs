//! The loop around the stand-in core.

mod common;

use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use common::Process;
use nix::sys::signal::Signal;
use tureen_channel_fbs::fbs::notification::Event;
use tureen_channel_fbs::fbs::request::Method;
use tureen_channel_fbs::{FrameBuilder, read_message};

const BIND: Method = Method::WORKER_DUMP;
const LATER: Method = Method::WORKER_GET_RESOURCE_USAGE;
const FLOOD: Method = Method::ROUTER_DUMP;

fn ask(worker: &mut Process, id: u32, method: Method) {
    let mut frames = FrameBuilder::new();
    let frame = frames.request(id, method, "", None).unwrap();
    worker.to_worker.as_mut().unwrap().write_all(frame).unwrap();
}

fn answer(worker: &mut Process) -> (u32, String) {
    let pipe = worker.from_worker.as_mut().unwrap();
    let mut frame = vec![0; 4];
    pipe.read_exact(&mut frame).unwrap();
    let len = u32::from_le_bytes(frame[..4].try_into().unwrap()) as usize;
    frame.resize(4 + len, 0);
    pipe.read_exact(&mut frame[4..]).unwrap();
    let response = read_message(&frame).unwrap().data_as_response().unwrap();
    (response.id(), response.reason().unwrap().to_owned())
}

fn bind(worker: &mut Process) -> (UdpSocket, u16, u16) {
    ask(worker, 1, BIND);
    let (_, ports) = answer(worker);
    let (udp, tcp) = ports.split_once(' ').unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    (socket, udp.parse().unwrap(), tcp.parse().unwrap())
}

#[test]
fn datagrams_and_frames_are_echoed() {
    let mut worker = Process::start(&[]);
    let (socket, udp, tcp) = bind(&mut worker);
    let mut buffer = [0; 2000];
    for round in 0..20_u8 {
        for number in 0..50_u8 {
            let len = 100 + usize::from(number % 3);
            let mut datagram = vec![number; len];
            datagram[0] = round;
            socket.send_to(&datagram, ("127.0.0.1", udp)).unwrap();
        }
        for number in 0..50_u8 {
            let len = socket.recv(&mut buffer).unwrap();
            assert_eq!(
                (len, buffer[0], buffer[5]),
                (100 + usize::from(number % 3), round, number)
            );
        }
    }
    let mut stream = TcpStream::connect(("127.0.0.1", tcp)).unwrap();
    for byte in [0, 3, 7, 8, 9] {
        stream.write_all(&[byte]).unwrap();
    }
    let mut frame = [0; 5];
    stream.read_exact(&mut frame).unwrap();
    assert_eq!(frame, [0, 3, 7, 8, 9]);

    // Close alerts leave before the sockets close.
    let mut frames = FrameBuilder::new();
    let frame = frames.notification("", Event::WORKER_CLOSE, None).unwrap();
    worker.to_worker.as_mut().unwrap().write_all(frame).unwrap();
    worker.close_everything();
    assert_eq!(worker.wait().0, Some(0));
    assert_eq!(socket.recv(&mut buffer).unwrap(), 7);
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"\x00\x07goodbye");
}

#[test]
fn a_deadline_is_kept_to_the_millisecond() {
    let mut worker = Process::start(&[]);
    let mut best = Duration::MAX;
    for id in 0..20 {
        let start = Instant::now();
        ask(&mut worker, id, LATER);
        assert_eq!(answer(&mut worker), (id, "later".to_owned()));
        assert!(start.elapsed() >= Duration::from_millis(30));
        best = best.min(start.elapsed());
    }
    println!("{best:?}");
    assert!(best < Duration::from_millis(32), "{best:?}");
}

#[test]
fn a_controller_that_reads_late_gets_everything_and_media_goes_on() {
    let mut worker = Process::start(&[]);
    let (socket, udp, _) = bind(&mut worker);
    for id in 2..5 {
        ask(&mut worker, id, FLOOD);
    }
    let mut buffer = [0; 2000];
    for _ in 0..100 {
        socket.send_to(&[1; 1000], ("127.0.0.1", udp)).unwrap();
        assert_eq!(socket.recv(&mut buffer).unwrap(), 1000);
    }
    for id in 2..5 {
        for _ in 0..2000 {
            assert_eq!(answer(&mut worker).0, id);
        }
    }
    ask(&mut worker, 9, Method::WORKER_CREATE_ROUTER);
    assert_eq!(answer(&mut worker).0, 9);
    worker.signal(Signal::SIGTERM);
    assert_eq!(worker.wait().0, Some(0));
}
