//! docs/security.md rule 1: no datagram ends a session that it is not authenticated for. Junk of
//! every kind is sprayed from the right tuples and from wrong ones while media flows, and nothing
//! changes.

use std::net::SocketAddr;
use std::time::Duration;

use tureen_tests::chance::Chance;
use tureen_tests::media::Camera;
use tureen_worker::internal::messages::{Event, RequestBody, ResponseBody, WebRtcTransportDump};
use tureen_worker::internal::output::MAX_DATAGRAM;
use tureen_worker::internal::params::{DtlsState, IceState};
use tureen_worker::internal::wire::demux::DatagramKind;
use tureen_worker::internal::wire::stun::{
    AttributeType, BindingRequest, Class, IceRole, IntegrityKey, Method, StunMessage, StunWriter,
    TransactionId,
};

use crate::call::{Call, SERVER, address, transport};

/// A running call, and everything that its peers sent until then.
struct Target {
    call: Call,
    seen: Vec<(SocketAddr, Vec<u8>)>,
    fragments: Vec<String>,
}

impl Target {
    fn new(seed: u8) -> Self {
        let mut call = Call::recorded(seed, 2, Camera::new(3, 700));
        call.world.run_for(Duration::from_secs(3));
        let seen = call.world.incoming.take().expect("it was recorded");
        let fragments = (0..=2)
            .map(|number| dump(&mut call, number).ice_parameters.username_fragment)
            .collect();
        call.world.events.clear();
        Self {
            call,
            seen,
            fragments,
        }
    }

    /// Datagrams of a kind that were really sent, newest last.
    fn real(&self, kind: DatagramKind) -> Vec<&Vec<u8>> {
        let datagrams = self.seen.iter().map(|(_, datagram)| datagram);
        datagrams.filter(|d| DatagramKind::of(d) == kind).collect()
    }

    /// Sprays `datagrams` while the call goes on, and compares the state before and after.
    fn survives(&mut self, datagrams: &[Vec<u8>]) {
        let call = &mut self.call;
        let before = [0, 1, 2].map(|number| state(&dump(call, number)));
        let freezes = [1, 2].map(|n| call.world.peer(n).received[1].viewer.longest_freeze);
        let media = [1, 2].map(|n| media(call, n));
        let (panics, began) = (call.world.worker.counters().panics, call.world.now);
        call.world.strays.clear();
        for (at, datagram) in datagrams.iter().enumerate() {
            for from in [address(0), address(1), STRANGER, NEIGHBOUR] {
                sprayed(call, from, datagram);
            }
            // Ten datagrams per millisecond from each tuple, which is ten times the media.
            if at % 10 == 0 {
                call.world.run_for(Duration::from_millis(1));
            }
        }
        call.world.run_for(Duration::from_secs(1));

        let after = [0, 1, 2].map(|number| state(&dump(call, number)));
        assert_eq!(before, after);
        let told = call.world.events.iter();
        let told: Vec<_> = told.filter(|(_, event)| !is_score(event)).collect();
        assert!(told.is_empty(), "{told:?}");
        assert_eq!(call.world.worker.counters().panics, panics);
        for number in 1..=2 {
            let received = &call.world.peer(number).received;
            let viewer = &received[1].viewer;
            let seconds = call.world.now.since(began).as_secs_f64();
            let (frames, sounds) = media[number - 1];
            let (frames_now, sounds_now) = self::media(call, number);
            assert!(
                (frames_now - frames) as f64 > 30.0 * seconds - 2.0,
                "video goes on"
            );
            assert!(
                (sounds_now - sounds) as f64 > 50.0 * seconds - 2.0,
                "audio goes on"
            );
            assert!(viewer.longest_freeze <= freezes[number - 1].max(Duration::from_millis(60)));
            assert_eq!((viewer.skipped, viewer.duplicates), (0, 0));
            let (sound, numbers) = (&received[0].listener, &received[1].sequence_numbers);
            assert_eq!(sound.packets(), sound.span(), "not a packet is missing");
            let span = numbers.last().unwrap() - numbers.first().unwrap() + 1;
            assert_eq!(numbers.len() as u64, span, "not a packet is missing");
            assert!(!call.world.peer(number).is_closed);
        }
    }
}

/// Frames that a watcher has shown, and packets that it has heard.
fn media(call: &Call, number: usize) -> (u64, usize) {
    let received = &call.world.peer(number).received;
    (received[1].viewer.decoded, received[0].listener.packets())
}

/// One datagram. Its sender gets no more bytes back than it sent.
fn sprayed(call: &mut Call, from: SocketAddr, datagram: &[u8]) {
    call.world.tap = Some(Vec::new());
    call.world.inject(from, SERVER, datagram);
    let sent = call.world.tap.take().unwrap_or_default();
    let bytes: usize = sent.iter().map(|(_, _, answer)| answer.len()).sum();
    assert!(bytes <= datagram.len(), "{bytes} for {}", datagram.len());
    assert!(sent.iter().all(|(_, to, _)| *to == from), "to nobody else");
}

fn dump(call: &mut Call, number: usize) -> WebRtcTransportDump {
    match call
        .world
        .request(&transport(number), RequestBody::TransportDump)
    {
        Ok(ResponseBody::WebRtcTransportDump(dump)) => *dump,
        other => panic!("no dump: {other:?}"),
    }
}

fn state(dump: &WebRtcTransportDump) -> impl PartialEq + std::fmt::Debug + use<> {
    assert_eq!(dump.dtls_state, DtlsState::Connected);
    assert_eq!(dump.ice_state, IceState::Completed);
    (
        dump.ice_selected_tuple.clone(),
        dump.ice_parameters.clone(),
        dump.base.rtp_listener.clone(),
    )
}

fn is_score(event: &Event) -> bool {
    matches!(event, Event::ConsumerScore(_) | Event::ProducerScore(_))
}

#[test]
fn random_bytes_change_nothing() {
    let mut target = Target::new(1);
    let mut chance = Chance::new(1);
    let datagrams: Vec<_> = (0..1500)
        .map(|_| {
            let len = chance.below(MAX_DATAGRAM + 1);
            let mut datagram = chance.bytes(len);
            // The first bytes of all protocols, so that each parser gets its share.
            if let Some(first) = datagram.first_mut() {
                *first = *chance.pick(&[0, 1, 20, 21, 22, 23, 63, 64, 128, 144, 191, 200, 255]);
            }
            datagram
        })
        .collect();
    target.survives(&datagrams);
}

/// FreeSWITCH CVE-2021-41105: a hundred unauthenticated packets ended the call.
#[test]
fn sound_headers_with_wrong_tags_change_nothing() {
    let mut target = Target::new(2);
    let mut chance = Chance::new(2);
    let mut datagrams = Vec::new();
    for kind in [DatagramKind::Rtp, DatagramKind::Rtcp] {
        for real in target.real(kind).iter().rev().take(400) {
            let mut forged = (*real).clone();
            let at = chance.below(forged.len());
            forged[at] ^= 1 << chance.below(8);
            // The version stays unchanged, so that the packet is not taken for another protocol.
            forged[0] = forged[0] & 0x3f | 0x80;
            if forged != **real {
                datagrams.push(forged);
            }
            // A jump of the sequence number, or of the SRTCP index.
            let mut jumped = (*real).clone();
            jumped[2] ^= 0x40;
            datagrams.push(jumped);
        }
    }
    assert!(datagrams.len() > 400);
    target.survives(&datagrams);
}

#[test]
fn packets_cut_short_at_every_length_change_nothing() {
    let mut target = Target::new(3);
    let mut datagrams = Vec::new();
    use DatagramKind::{Dtls, Rtcp, Rtp, Stun};
    for kind in [Rtp, Rtcp, Stun, Dtls] {
        let real = target.real(kind);
        let (first, last) = (real[0], real[real.len() - 1]);
        for whole in [first, last] {
            datagrams.extend((0..whole.len()).map(|len| whole[..len].to_vec()));
        }
    }
    target.survives(&datagrams);
}

#[test]
fn replayed_media_and_handshakes_change_nothing() {
    let mut target = Target::new(4);
    let mut datagrams = Vec::new();
    use DatagramKind::{Dtls, Rtcp, Rtp};
    for kind in [Rtp, Rtcp, Dtls] {
        let real = target.real(kind);
        datagrams.extend(real.iter().rev().take(300).map(|real| (*real).clone()));
    }
    target.survives(&datagrams);
}

#[test]
fn datagrams_beyond_the_limit_change_nothing() {
    let mut target = Target::new(5);
    let rtp = target.real(DatagramKind::Rtp)[0].clone();
    let stun = target.real(DatagramKind::Stun)[0].clone();
    let dtls = target.real(DatagramKind::Dtls)[0].clone();
    let mut datagrams = Vec::new();
    for mut datagram in [rtp, stun, dtls] {
        for len in [MAX_DATAGRAM + 1, 2_000, 9_000, 65_507] {
            datagram.resize(len, 0xaa);
            datagrams.push(datagram.clone());
        }
    }
    target.survives(&datagrams);
}

/// Pion CVE-2019-20786 and webrtc-dtls 0.12 believed plaintext at epoch 0.
#[test]
fn plaintext_dtls_at_epoch_0_changes_nothing() {
    let mut target = Target::new(6);
    let mut datagrams = Vec::new();
    for sequence_number in 0..40_u8 {
        for (content, body) in [
            (ALERT, [1, 0].as_slice()),
            (ALERT, &[2, 40]),
            (ALERT, &[2, 0]),
            (APPLICATION_DATA, b"plaintext"),
            (CHANGE_CIPHER_SPEC, &[1]),
            (HANDSHAKE, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            (HANDSHAKE, &[20, 0, 0, 12, 0, 3, 0, 0, 0, 0, 0, 12]),
            (99, &[0; 30]),
        ] {
            datagrams.push(record(content, 0, sequence_number, body));
        }
    }
    target.survives(&datagrams);
}

/// The same during the handshake, from the address of the peer that is shaking hands.
#[test]
fn junk_does_not_keep_anyone_from_connecting() {
    let mut chance = Chance::new(13);
    for round in 0..20 {
        let mut call = Call::empty(round);
        call.invite(0, |_, _| {});
        let end = call.world.now + Duration::from_secs(10);
        while !call.world.peer(0).is_connected {
            assert!(call.world.now < end, "{:?}", call.world.events);
            let len = chance.below(200);
            let mut bytes = chance.bytes(len);
            if let Some(first) = bytes.first_mut() {
                *first = *chance.pick(&[1, 22, 23, 128, 200]);
            }
            let content = *chance.pick(&[ALERT, APPLICATION_DATA, 99]);
            let level = *chance.pick(&[1, 2]);
            for datagram in [bytes, record(content, 0, 9, &[level, 40])] {
                sprayed(&mut call, address(0), &datagram);
            }
            call.world.run_for(Duration::from_millis(1));
        }
    }
}

/// The ClientHello race: Asterisk CVE-2023-49786, FreeSWITCH CVE-2023-51443, RTPEngine
/// CVE-2023-51275.
#[test]
fn a_client_hello_during_a_call_changes_nothing() {
    let mut target = Target::new(7);
    let hellos: Vec<_> = target
        .real(DatagramKind::Dtls)
        .into_iter()
        .filter(|d| d.len() > 13 && d[0] == HANDSHAKE && d[13] == CLIENT_HELLO)
        .cloned()
        .collect();
    assert!(hellos.len() >= 3, "each peer said hello");
    let mut chance = Chance::new(7);
    let mut datagrams = Vec::new();
    for _ in 0..100 {
        for hello in &hellos {
            let mut hello = hello.clone();
            // Another random value makes it another client's.
            let random = chance.bytes(28);
            hello[31..59].copy_from_slice(&random);
            datagrams.push(hello);
        }
    }
    target.survives(&datagrams);
}

#[test]
fn protected_dtls_that_does_not_authenticate_changes_nothing() {
    let mut target = Target::new(8);
    let mut chance = Chance::new(8);
    let mut datagrams = Vec::new();
    for sequence_number in 0..200 {
        for content in [ALERT, APPLICATION_DATA, HANDSHAKE] {
            let len = 1 + chance.below(200);
            let body = chance.bytes(len);
            datagrams.push(record(content, 1, sequence_number, &body));
        }
    }
    target.survives(&datagrams);
}

#[test]
fn stun_of_a_known_fragment_with_the_wrong_password_is_refused_and_changes_nothing() {
    let mut target = Target::new(9);
    let datagrams: Vec<_> = target
        .fragments
        .iter()
        .map(|fragment| binding(&format!("{fragment}:x"), b"wrong password", true))
        .collect();
    target.survives(&datagrams);
    let answers = std::mem::take(&mut target.call.world.strays);
    assert!(!answers.is_empty());
    for (to, answer) in answers {
        assert!([STRANGER, NEIGHBOUR].contains(&to));
        let message = StunMessage::new_checked(&answer).expect("the worker speaks STUN");
        assert_eq!(message.class(), Class::ErrorResponse);
        assert_eq!(message.error_code().map(|error| error.code), Some(401));
    }
}

#[test]
fn stun_of_an_unknown_fragment_gets_silence() {
    let mut target = Target::new(10);
    let datagrams = [
        binding("nobody:x", b"password", true),
        binding("nobody", b"password", true),
        binding("", b"password", true),
        binding(&"a".repeat(513), b"password", true),
        binding("nobody:x", b"password", false),
    ];
    target.survives(&datagrams);
    assert_eq!(target.call.world.strays, []);
}

#[test]
fn stun_with_strange_attributes_changes_nothing() {
    let mut target = Target::new(11);
    let mut datagrams = Vec::new();
    for fragment in &target.fragments {
        let username = format!("{fragment}:x");
        for (kind, len) in [
            (0x8022, 1300),
            (0x7fff, 0),
            (0x0024, 5),
            (0x0025, 900),
            (0xc001, 1),
        ] {
            let mut buffer = vec![0; MAX_DATAGRAM];
            let mut message = StunWriter::new(
                &mut buffer,
                Class::Request,
                Method::BINDING,
                TransactionId([7; 12]),
            )
            .unwrap();
            message
                .attribute(AttributeType::USERNAME, username.as_bytes())
                .unwrap();
            message
                .attribute(AttributeType(kind), &vec![0x55; len])
                .unwrap();
            let len = message.fingerprint().unwrap();
            buffer.truncate(len);
            // A length that points past the end, too.
            let mut overlong = buffer.clone();
            overlong[22] = 0xff;
            datagrams.extend([buffer, overlong]);
        }
    }
    target.survives(&datagrams);
}

/// RTP bleed, RTPEngine CVE-2025-53399 and Asterisk CVE-2017-14099: an address was learned from
/// unauthenticated packets. mediasoup #1823: a hash told tuples apart. A peer's address with
/// another port, or its port on another address, is somebody else.
#[test]
fn real_packets_from_a_tuple_that_ice_has_not_validated_are_dropped() {
    let mut target = Target::new(12);
    let before = target.call.world.worker.counters().unknown_tuple;
    target.call.world.incoming = Some(Vec::new());
    target.call.world.run_for(Duration::from_millis(500));
    let fresh = target.call.world.incoming.take().unwrap_or_default();
    let media = |d: &&(SocketAddr, Vec<u8>)| DatagramKind::of(&d.1) != DatagramKind::Stun;
    let fresh: Vec<_> = fresh.iter().filter(media).map(|(_, d)| d.clone()).collect();
    assert!(fresh.len() > 50);
    let mut next_door = address(0);
    next_door.set_port(address(0).port() + 1);
    for datagram in &fresh {
        for from in [STRANGER, NEIGHBOUR, next_door] {
            sprayed(&mut target.call, from, datagram);
        }
    }
    let worker = &target.call.world.worker;
    let dropped = worker.counters().unknown_tuple;
    assert_eq!(dropped - before, 3 * fresh.len() as u64);
    let told = format!("worker.unknown_tuple={dropped}");
    assert!(worker.drops().to_string().contains(&told));
    target.survives(&[]);
}

fn record(content: u8, epoch: u8, sequence_number: u8, body: &[u8]) -> Vec<u8> {
    let len = u8::try_from(body.len()).expect("records are short here");
    let mut record = vec![
        content,
        0xfe,
        0xfd,
        0,
        epoch,
        0,
        0,
        0,
        0,
        0,
        sequence_number,
        0,
        len,
    ];
    record.extend_from_slice(body);
    record
}

pub(crate) fn binding(username: &str, password: &[u8], use_candidate: bool) -> Vec<u8> {
    let request = BindingRequest {
        transaction_id: TransactionId([9; 12]),
        username,
        priority: Some(1),
        role: Some(IceRole::Controlling(1)),
        use_candidate,
        nomination: None,
    };
    let mut buffer = vec![0; 1000];
    let len = request.write(&mut buffer, &IntegrityKey::new(password));
    buffer.truncate(len.expect("it fits"));
    buffer
}

/// One stranger from elsewhere, and one with the address of person 0.
const STRANGER: SocketAddr = SocketAddr::new(
    std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 66)),
    6666,
);
const NEIGHBOUR: SocketAddr = SocketAddr::new(
    std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 1, 1)),
    6666,
);

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
const CLIENT_HELLO: u8 = 1;
