//! Datagrams that come together: the session is polled when it has taken all of them.

use super::browser::BrowserSession;
use super::engines::{HELLO_VERIFY_REQUEST, SERVER_HELLO, message_type, record};
use super::forged::{Strangers, assert_connected, pair_with, run_while_forging};
use super::*;
use crate::dtls::handshake::plaintext_fragments;
use crate::dtls::proof::SCHEMES;

/// The number of hellos of strangers behind the client's own.
const STRANGERS: usize = 5;

#[test]
fn hellos_behind_the_clients_own_change_nothing() {
    for offers_dtls_1_3 in [false, true] {
        let mut strangers = Strangers::new(7);
        let mut pair = pair_with(BrowserSession::end());
        pair.start();
        let own = pair.client.poll(START);
        let forged = (0..STRANGERS).flat_map(|_| strangers.hello(offers_dtls_1_3));
        for datagram in own.into_iter().chain(forged) {
            pair.server.dtls.handle_datagram(START, &datagram);
        }
        let answers = pair.server.poll(START);
        let kinds: Vec<u8> = answers.iter().map(|one| message_type(one)).collect();
        assert_eq!(kinds.first(), Some(&SERVER_HELLO), "{offers_dtls_1_3}");
        assert_eq!(kinds.last(), Some(&HELLO_VERIFY_REQUEST));
        for datagram in answers {
            pair.client.dtls.handle_datagram(START, &datagram);
        }
        pair.exchange(|| false);
        assert_connected(&mut pair, "in one batch");
        assert_eq!(pair.now, START, "no repetition was needed");
    }
}

/// It offers nothing that we have, so the engine stays silent.
#[test]
fn a_hello_without_an_answer_takes_nobodys_place() {
    let mut pair = pair_with(BrowserSession::end());
    pair.server.dtls.start(START, DtlsRole::Server);
    let mut strangers = Strangers::new(8);
    for mut datagram in strangers.hello(true) {
        let suites = 13 + 12 + 2 + 32 + 1 + 1;
        let len = usize::from(datagram[suites + 1]);
        datagram[suites + 2..][..len].fill(0x33);
        pair.server.dtls.handle_datagram(START, &datagram);
    }
    assert!(pair.server.poll(START).is_empty());
    pair.client.dtls.start(START, DtlsRole::Client);
    pair.exchange(|| false);
    assert_eq!(message_type(&pair.server.sent[0]), SERVER_HELLO);
    assert_connected(&mut pair, "after a hello without an answer");
}

/// The handshake up to the client's flight, which is returned and not sent.
pub(super) fn flight_of(pair: &mut Pair<EngineSession>) -> Vec<u8> {
    pair.start();
    for _ in 0..2 {
        for datagram in pair.client.poll(START) {
            pair.server.dtls.handle_datagram(START, &datagram);
        }
        for datagram in pair.server.poll(START) {
            pair.client.dtls.handle_datagram(START, &datagram);
        }
    }
    pair.client.poll(START).concat()
}

/// The plaintext messages of a flight, a record for each byte.
fn bytewise(flight: &[u8]) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    for fragment in plaintext_fragments(flight) {
        let [_, m0, m1, m2] = u32::try_from(fragment.message_len).unwrap().to_be_bytes();
        let [s0, s1] = fragment.sequence.to_be_bytes();
        for (at, byte) in (fragment.offset..).zip(fragment.body) {
            let [_, o0, o1, o2] = u32::try_from(at).unwrap().to_be_bytes();
            let header = [fragment.kind, m0, m1, m2, s0, s1, o0, o1, o2, 0, 0, 1];
            parts.push(record(22, 0, &[&header[..], &[*byte]].concat()));
        }
    }
    parts
}

#[test]
fn a_flight_in_very_many_fragments_is_judged_once_for_a_datagram() {
    let mut pair = pair_with(End::new(&context()));
    let flight = flight_of(&mut pair);
    let mut forged = flight.clone();
    let verify = forged.windows(14).position(|w| w[0] == 22 && w[13] == 15);
    forged[verify.unwrap() + 13 + 12 + 40] ^= 1;
    pair.server.dtls.handle_datagram(START, &forged);
    let before = pair.server.dtls.counters().session;
    let parts = bytewise(&forged);
    let datagrams: Vec<_> = parts.chunks_exact(50).map(<[_]>::concat).collect();
    for datagram in &datagrams {
        pair.server.dtls.handle_datagram(START, datagram);
    }
    let after = pair.server.dtls.counters().session;
    let count = datagrams.len() as u64;
    assert!(count > 5);
    assert_eq!(after.unproven - before.unproven, count);
    assert_eq!(after.unneeded - before.unneeded, count * (50 - 8));
    // One who cuts its own flight that small is served all the same.
    let mut pair = pair_with(End::new(&context()));
    let flight = flight_of(&mut pair);
    for datagram in bytewise(&flight).chunks(8).map(<[_]>::concat) {
        pair.server.dtls.handle_datagram(START, &datagram);
    }
    pair.server.dtls.handle_datagram(START, &flight);
    pair.exchange(|| false);
    assert_connected(&mut pair, "byte by byte");
    let drops = pair.server.dtls.counters().session;
    assert_eq!((drops.unproven, drops.unneeded), (0, 0));
}

/// A thousand at once, and 500 a second until the client repeats its flight.
#[test]
fn forged_records_do_not_keep_the_clients_finished_out() {
    let forged = record(22, 1, &[0; 40]);
    let mut pair = pair_with(End::new(&context()));
    let flight = flight_of(&mut pair);
    let finished = flight.windows(5).position(|w| w == [22, 0xfe, 0xfd, 0, 1]);
    let lost = finished.unwrap();
    pair.server.dtls.handle_datagram(START, &flight[..lost]);
    for _ in 0..1_000 {
        pair.server.dtls.handle_datagram(START, &forged);
    }
    run_while_forging(&mut pair, || vec![forged.clone(); 10]);
    assert_connected(&mut pair, "while records are forged");
    assert!(pair.now <= START + Duration::from_secs(2), "{:?}", pair.now);
}

/// An engine joins fragments by recursion, and what it keeps has a number of its own.
#[test]
fn protected_records_up_to_the_finished_have_low_numbers() {
    let mut pair = pair_with(End::new(&context()));
    let flight = flight_of(&mut pair);
    let finished = flight.windows(5).position(|w| w == [22, 0xfe, 0xfd, 0, 1]);
    let lost = finished.unwrap();
    pair.server.dtls.handle_datagram(START, &flight[..lost]);
    for (number, unneeded) in [([0, 0, 0, 255], 0), ([0, 0, 1, 0], 1), ([1, 0, 0, 0], 2)] {
        let mut forged = record(22, 1, &[0; 40]);
        forged[7..11].copy_from_slice(&number);
        pair.server.dtls.handle_datagram(START, &forged);
        let drops = pair.server.dtls.counters().session;
        assert_eq!(drops.unneeded, unneeded, "{number:?}");
    }
}

/// The schemes that the server of a pair asks its client to sign with.
fn asked_schemes<C: DtlsSession>(pair: &mut Pair<EngineSession, C>) -> Vec<u8> {
    pair.start();
    pair.exchange(|| false);
    let sent = pair.server.sent.concat();
    let request = plaintext_fragments(&sent).find(|fragment| fragment.kind == 13);
    let body = request.unwrap().body;
    let schemes = &body[1 + usize::from(body[0])..];
    let len = usize::from(u16::from_be_bytes([schemes[0], schemes[1]]));
    schemes[2..][..len].to_vec()
}

/// A client that signs with anything else would wait for the end of the handshake in vain.
#[test]
fn a_client_is_asked_for_nothing_that_is_not_verified() {
    let of_rtc = asked_schemes(&mut pair_with(End::new(&context())));
    assert_eq!(of_rtc, SCHEMES.concat());
    let of_dimpl = asked_schemes(&mut pair_with(BrowserSession::end()));
    assert!(!of_dimpl.is_empty());
    for asked in of_dimpl.chunks(2) {
        assert!(SCHEMES.iter().any(|scheme| scheme == asked), "{asked:?}");
    }
}
