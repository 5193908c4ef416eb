//! ICE-TCP and strangers: silent connections, and a process without free descriptors.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, connect, socket};
use tureen_channel_fbs::FrameBuilder;
use tureen_channel_fbs::fbs::request::{Body, Method};
use tureen_channel_fbs::fbs::{transport, worker};

use crate::channel::{DEADLINE, next, read, response, send};
use crate::common::Process;

#[test]
fn accepting_goes_on_after_descriptors_ran_out() {
    let mut worker = Process::start_with_descriptors(40);
    let answers = read(&mut worker);
    let address = listen(&mut worker, &answers);
    // Far more than there is room for: the oldest make room.
    let silent: Vec<_> = (0..300).map(|_| stranger(address)).collect();
    assert_is_served(stranger(address));
    drop(silent);
    assert_is_served(stranger(address));

    // Sockets that stay open take all descriptors that are left.
    let mut taken = Vec::new();
    for index in 0..40 {
        let id = format!("udp-{index}");
        let frame = create_server(&id, transport::Protocol::UDP, free_port());
        send(&mut worker, &frame);
        if !response(&next(&answers)).accepted() {
            break;
        }
        taken.push(id);
    }
    assert!(taken.len() < 40, "the limit is not in force");
    let waiting = stranger(address);
    send(&mut worker, &close_server(&taken[0]));
    assert!(response(&next(&answers)).accepted());
    assert_is_served(waiting);
    worker.close_channel();
    assert_eq!(worker.wait().0, Some(0));
}

#[test]
fn silent_connections_make_room_for_a_newcomer_of_their_address() {
    let mut worker = Process::start(&[]);
    let answers = read(&mut worker);
    let address = listen(&mut worker, &answers);
    let mut silent: Vec<_> = (0..64).map(|_| stranger(address)).collect();
    let newcomer = stranger(address);
    assert_is_closed(&mut silent[0]);
    assert_is_served(newcomer);
}

#[test]
fn silent_connections_of_many_addresses_make_room_for_a_newcomer() {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
    let mut worker = Process::start(&[]);
    let answers = read(&mut worker);
    let address = listen(&mut worker, &answers);
    let from = |index: u8| Ipv4Addr::new(127, 0, 1, index);
    let mut silent: Vec<_> = (0..2000_u32)
        .map(|index| stranger_from(from(u8::try_from(index % 200).unwrap()), address))
        .collect();
    let newcomer = stranger_from(from(250), address);
    assert_is_closed(&mut silent[0]);
    assert_is_served(newcomer);
}

/// Makes the worker listen on a free port of loopback, and returns its address.
fn listen(worker: &mut Process, answers: &Receiver<Vec<u8>>) -> SocketAddr {
    let port = free_port();
    send(
        worker,
        &create_server("tcp", transport::Protocol::TCP, port),
    );
    assert!(response(&next(answers)).accepted());
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn create_server(id: &str, protocol: transport::Protocol, port: u16) -> Vec<u8> {
    let mut frames = FrameBuilder::new();
    let fbb = frames.begin();
    let range = transport::PortRangeArgs { min: 0, max: 0 };
    let args = transport::ListenInfoArgs {
        protocol,
        ip: Some(fbb.create_string("127.0.0.1")),
        port,
        port_range: Some(transport::PortRange::create(fbb, &range)),
        flags: Some(transport::SocketFlags::create(fbb, &<_>::default())),
        ..transport::ListenInfoArgs::default()
    };
    let info = transport::ListenInfo::create(fbb, &args);
    let args = worker::CreateWebRtcServerRequestArgs {
        web_rtc_server_id: Some(fbb.create_string(id)),
        listen_infos: Some(fbb.create_vector(&[info])),
    };
    let body = worker::CreateWebRtcServerRequest::create(fbb, &args).as_union_value();
    let body = (Body::Worker_CreateWebRtcServerRequest, body);
    let method = Method::WORKER_CREATE_WEBRTCSERVER;
    frames.request(1, method, "", Some(body)).unwrap().to_vec()
}

fn close_server(id: &str) -> Vec<u8> {
    let mut frames = FrameBuilder::new();
    let fbb = frames.begin();
    let args = worker::CloseWebRtcServerRequestArgs {
        web_rtc_server_id: Some(fbb.create_string(id)),
    };
    let body = worker::CloseWebRtcServerRequest::create(fbb, &args).as_union_value();
    let body = (Body::Worker_CloseWebRtcServerRequest, body);
    let method = Method::WORKER_WEBRTCSERVER_CLOSE;
    frames.request(2, method, "", Some(body)).unwrap().to_vec()
}

/// A port that nothing listens on.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// A connection that says nothing.
fn stranger(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&address, DEADLINE).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream
}

/// The same from an address of loopback's own choosing.
fn stranger_from(local: Ipv4Addr, address: SocketAddr) -> TcpStream {
    let SocketAddr::V4(address) = address else {
        panic!("loopback is IPv4 here");
    };
    let flags = SockFlag::SOCK_CLOEXEC;
    let fd = socket(AddressFamily::Inet, SockType::Stream, flags, None).unwrap();
    let [a, b, c, d] = local.octets();
    bind(fd.as_raw_fd(), &SockaddrIn::new(a, b, c, d, 0)).unwrap();
    connect(fd.as_raw_fd(), &SockaddrIn::from(address)).unwrap();
    let stream = TcpStream::from(fd);
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream
}

/// Checks that the worker has accepted the connection and reads from it. The worker ends a
/// connection that announces too long a frame, and it did not end this one before.
fn assert_is_served(mut stream: TcpStream) {
    stream
        .set_read_timeout(Some(Duration::from_millis(1)))
        .unwrap();
    let nothing = stream.read(&mut [0]).unwrap_err().kind();
    assert_eq!(nothing, ErrorKind::WouldBlock, "it was refused");
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.write_all(&[0xff, 0xff]).unwrap();
    assert_is_closed(&mut stream);
}

fn assert_is_closed(stream: &mut TcpStream) {
    match stream.read(&mut [0]) {
        Ok(0) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        other => panic!("{other:?}"),
    }
}
