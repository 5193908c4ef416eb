//! Plaintext that somebody else sends in the client's name, at each point of a handshake. The
//! session must stay, and the client must connect.

use super::batch::flight_of;
use super::browser::BrowserSession;
use super::engines::{HELLO_VERIFY_REQUEST, SERVER_HELLO, engines, message_type, record};
use super::*;

/// Hellos of clients that do not exist: each has a `random` of its own.
pub(super) struct Strangers {
    hellos: [Vec<Vec<u8>>; 2],
    rng: Rng,
}

impl Strangers {
    pub(super) fn new(seed: u8) -> Self {
        let mut plain = End::new(&context());
        plain.dtls.start(START, DtlsRole::Client);
        let mut browser = BrowserSession::end();
        browser.dtls.start(START, DtlsRole::Client);
        Self {
            hellos: [plain.poll(START), browser.poll(START)],
            rng: Rng::new([seed; 32]),
        }
    }

    pub(super) fn hello(&mut self, offers_dtls_1_3: bool) -> Vec<Vec<u8>> {
        let mut datagrams = self.hellos[usize::from(offers_dtls_1_3)].clone();
        // Headers of a record and a message, and the version, stand before the random.
        self.rng.fill(&mut datagrams[0][13 + 12 + 2..][..32]);
        datagrams
    }
}

pub(super) fn pair_with<C: DtlsSession>(client: End<C>) -> Pair<EngineSession, C> {
    let (engines, certificate) = engines();
    let mut pair = Pair {
        now: START,
        client,
        server: End::over(engines.session(), &certificate),
    };
    pair.exchange_fingerprints();
    pair
}

/// Carries the handshake to its end. `forge` says what is sent in the client's name before each of
/// its datagrams.
pub(super) fn run_while_forging<C: DtlsSession>(
    pair: &mut Pair<EngineSession, C>,
    mut forge: impl FnMut() -> Vec<Vec<u8>>,
) {
    for _ in 0..400 {
        for datagram in pair.client.poll(pair.now) {
            for forged in forge() {
                pair.server.dtls.handle_datagram(pair.now, &forged);
            }
            pair.server.dtls.handle_datagram(pair.now, &datagram);
        }
        for datagram in pair.server.poll(pair.now) {
            pair.client.dtls.handle_datagram(pair.now, &datagram);
        }
        if pair.both(DtlsState::Connected) {
            return;
        }
        pair.now += Duration::from_millis(20);
        for forged in forge() {
            pair.server.dtls.handle_datagram(pair.now, &forged);
        }
        pair.client.dtls.handle_timeout(pair.now);
        pair.server.dtls.handle_timeout(pair.now);
    }
}

pub(super) fn assert_connected<C: DtlsSession>(pair: &mut Pair<EngineSession, C>, what: &str) {
    let states = (pair.client.dtls.state(), pair.server.dtls.state());
    let failures = (pair.client.dtls.failure(), pair.server.dtls.failure());
    let expected = (DtlsState::Connected, DtlsState::Connected);
    assert_eq!(states, expected, "{what}: {failures:?}");
    pair.assert_data_flows();
}

/// What they are answered is lost, as when the client is not there yet.
#[test]
fn any_number_of_hellos_before_the_clients_own_ends_nothing() {
    for count in [17, 1_000] {
        for offers in [[false; 2], [true; 2], [false, true], [true, false]] {
            let mut strangers = Strangers::new(1);
            let mut plain = pair_with(End::new(&context()));
            let mut browser = pair_with(BrowserSession::end());
            plain.server.dtls.start(START, DtlsRole::Server);
            browser.server.dtls.start(START, DtlsRole::Server);
            for number in 0..count {
                let at = START + Duration::from_millis(20) * number;
                for datagram in strangers.hello(offers[number as usize % 2]) {
                    plain.server.dtls.handle_datagram(at, &datagram);
                    browser.server.dtls.handle_datagram(at, &datagram);
                }
                plain.server.poll(at);
                browser.server.poll(at);
            }
            let at = START + Duration::from_millis(20) * count;
            (plain.now, browser.now) = (at, at);
            plain.client.dtls.start(at, DtlsRole::Client);
            plain.run(|| false);
            assert_connected(&mut plain, "without DTLS 1.3");
            browser.client.dtls.start(at, DtlsRole::Client);
            browser.run(|| false);
            assert_connected(&mut browser, "with DTLS 1.3");
        }
    }
}

#[test]
fn hellos_during_a_handshake_change_nothing() {
    let client = context();
    for seed in 0..60 {
        let mut strangers = Strangers::new(seed);
        let mut plain = pair_with(End::new(&client));
        plain.start();
        run_while_forging(&mut plain, || {
            // The answer to one who offers 1.3 may come before the client's own (docs/dtls.md).
            strangers.hello(false)
        });
        assert_connected(&mut plain, "without DTLS 1.3");
        let mut browser = pair_with(BrowserSession::end());
        browser.start();
        for datagram in browser.client.poll(START) {
            browser.server.dtls.handle_datagram(START, &datagram);
        }
        run_while_forging(&mut browser, || {
            let offers = strangers.rng.below(2) == 0;
            strangers.hello(offers)
        });
        assert_connected(&mut browser, "with DTLS 1.3");
    }
}

/// Fragments of every message of a client, true to its number and not to its contents.
fn bad_fragments() -> Vec<Vec<u8>> {
    let mut forged = Vec::new();
    for first in [0, 1] {
        for (number, kind) in [(0, 1), (1, 11), (2, 16), (3, 15)] {
            for (len, offset, body) in [
                (900_u16, 0_u16, &b"abc"[..]),
                (900, 897, b"abc"),
                (3, 0, b"abc"),
                (70, 0, &[7; 70]),
                (0, 0, b""),
                (7000, 6000, &[0; 100]),
            ] {
                let [l0, l1] = len.to_be_bytes();
                let [o0, o1] = offset.to_be_bytes();
                let body_len = u8::try_from(body.len()).unwrap();
                let sequence = first + number;
                let header = [kind, 0, l0, l1, 0, sequence, 0, o0, o1, 0, 0, body_len];
                forged.push(record(22, 0, &[&header[..], body].concat()));
            }
        }
    }
    forged
}

/// 270 fragments in 6 datagrams.
fn many_fragments() -> Vec<Vec<u8>> {
    let fragment = |offset: u8| [11, 0, 0x10, 0, 0, 2, 0, 0, offset, 0, 0, 1, 0];
    let datagram = |first: u8| {
        let fragments: Vec<_> = (first..first + 45).flat_map(fragment).collect();
        record(22, 0, &fragments)
    };
    [0, 45, 90, 135, 180, 200].map(datagram).to_vec()
}

#[test]
fn bad_fragments_in_each_flight_are_repaired_or_passed_over() {
    let client = context();
    let forged = [bad_fragments(), many_fragments()].concat();
    let mut forged_records = forged.clone();
    forged_records.extend([
        record(20, 0, &[1]),
        record(22, 1, &[0; 40]),
        record(21, 1, &[2, 40]),
    ]);
    for seed in 0..60 {
        let mut rng = Rng::new([seed; 32]);
        let mut forge = || -> Vec<Vec<u8>> {
            let is_sent = |_: &&Vec<u8>| rng.below(4) > 0;
            forged_records.iter().filter(is_sent).cloned().collect()
        };
        let mut plain = pair_with(End::new(&client));
        plain.start();
        run_while_forging(&mut plain, &mut forge);
        assert_connected(&mut plain, "without DTLS 1.3");
        let mut browser = pair_with(BrowserSession::end());
        browser.start();
        run_while_forging(&mut browser, &mut forge);
        assert_connected(&mut browser, "with DTLS 1.3");
    }
}

/// The client's flight in three datagrams, with forged records between them.
#[test]
fn forged_records_between_the_clients_proof_and_its_finished_end_nothing() {
    for is_browser in [false, true] {
        let forged = [
            record(20, 0, &[1]),
            record(22, 1, &[0; 40]),
            record(22, 1, &[0; 48]),
            record(22, 1, &[9; 200]),
            record(21, 1, &[0; 18]),
            record(23, 1, &[0; 40]),
            record(22, 0, &[11, 0, 0, 3, 0, 1, 0, 0, 0, 0, 0, 3, 1, 2, 3]),
        ];
        if is_browser {
            let mut pair = pair_with(BrowserSession::end());
            pair.start();
            forge_between_records(&mut pair, &forged);
        } else {
            let mut pair = pair_with(End::new(&context()));
            pair.start();
            forge_between_records(&mut pair, &forged);
        }
    }
}

fn forge_between_records<C: DtlsSession>(pair: &mut Pair<EngineSession, C>, forged: &[Vec<u8>]) {
    for _ in 0..4 {
        for datagram in pair.client.poll(START) {
            let mut rest = &datagram[..];
            while !rest.is_empty() {
                let len = 13 + usize::from(u16::from_be_bytes([rest[11], rest[12]]));
                let (first, others) = rest.split_at(len);
                pair.server.dtls.handle_datagram(START, first);
                rest = others;
                // A bad certificate here would replace the client's.
                let is_proven = others.first().is_none_or(|kind| *kind != 22);
                let last = if is_proven {
                    forged.len()
                } else {
                    forged.len() - 1
                };
                for _ in 0..3 {
                    for record in &forged[..last] {
                        pair.server.dtls.handle_datagram(START, record);
                    }
                }
            }
        }
        for datagram in pair.server.poll(START) {
            pair.client.dtls.handle_datagram(START, &datagram);
        }
    }
    assert_connected(pair, "records apart");
    assert_eq!(pair.now, START, "no repetition was needed");
}

#[test]
fn one_who_has_echoed_the_cookie_gives_way_to_nobody_without_it() {
    let mut strangers = Strangers::new(5);
    let mut pair = pair_with(End::new(&context()));
    pair.start();
    for _ in 0..2 {
        for datagram in pair.client.poll(START) {
            pair.server.dtls.handle_datagram(START, &datagram);
        }
        for offers_dtls_1_3 in [true, false] {
            for datagram in strangers.hello(offers_dtls_1_3) {
                pair.server.dtls.handle_datagram(START, &datagram);
            }
        }
        for datagram in pair.server.poll(START) {
            pair.client.dtls.handle_datagram(START, &datagram);
        }
    }
    let types = pair
        .server
        .sent
        .iter()
        .map(|datagram| message_type(datagram));
    let flights = types.clone().filter(|kind| *kind == SERVER_HELLO).count();
    assert_eq!(flights, 1);
    assert!(
        types
            .clone()
            .all(|kind| kind == SERVER_HELLO || kind == HELLO_VERIFY_REQUEST)
    );
    pair.run(|| false);
    assert_connected(&mut pair, "after strangers");
    assert_eq!(pair.now, START, "no repetition was needed");
}

/// No answer to a stranger is longer than what was asked.
#[test]
fn a_request_for_the_cookie_is_short() {
    let mut strangers = Strangers::new(6);
    let mut server = pair_with(End::new(&context())).server;
    server.dtls.start(START, DtlsRole::Server);
    for _ in 0..100 {
        let hello = strangers.hello(false).concat();
        server.dtls.handle_datagram(START, &hello);
        let answer = server.poll(START).concat();
        assert_eq!(message_type(&answer), HELLO_VERIFY_REQUEST);
        assert!(answer.len() < hello.len());
    }
}

/// Checking costs more than sending, so it has a limit, which grows back.
#[test]
fn signatures_that_do_not_hold_are_counted_and_limited() {
    let mut pair = pair_with(End::new(&context()));
    let flight = flight_of(&mut pair);
    let mut forged = flight.clone();
    let verify = forged
        .windows(14)
        .position(|w| w[0] == 22 && w[13] == 15)
        .unwrap();
    forged[verify + 13 + 12 + 40] ^= 1;
    for _ in 0..1000 {
        pair.server.dtls.handle_datagram(START, &forged);
    }
    let unproven = pair.server.dtls.counters().session.unproven;
    assert_eq!(unproven, 1000);
    pair.server.dtls.handle_datagram(START, &flight);
    pair.exchange(|| false);
    assert_eq!(pair.server.dtls.state(), DtlsState::Connecting);
    pair.run(|| false);
    assert_connected(&mut pair, "after the limit");
    assert!(pair.now <= START + Duration::from_secs(2));
}
