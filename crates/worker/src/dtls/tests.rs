//! Two ends on a virtual clock, with hostile datagrams between them.

#![expect(
    clippy::disallowed_methods,
    reason = "a clock anchor needs one reading"
)]

use std::sync::Arc;
use std::time::Duration;

use dimpl::crypto::Dtls12CipherSuite;

use super::fingerprint::certificate_pem;
use super::transport::HANDSHAKE_TIMEOUT;
use super::*;
use crate::output::MAX_DATAGRAM;
use crate::params::{DtlsRole, DtlsState, Fingerprint, FingerprintAlgorithm, SrtpCryptoSuite};
use crate::rng::Rng;
use crate::srtp::MasterKey;
use crate::time::{ClockAnchor, Instant};

const START: Instant = Instant::from_millis(1000);

fn clock() -> ClockAnchor {
    ClockAnchor {
        at: Instant::from_millis(0),
        std: std::time::Instant::now(),
        unix: Duration::ZERO,
    }
}

fn context() -> Arc<DimplContext> {
    DimplContext::new(Certificate::generate().unwrap(), clock()).unwrap()
}

mod batch;
mod browser;
mod engines;
mod forged;

struct End<S = DimplSession> {
    dtls: DtlsTransport<S>,
    own_fingerprint: Fingerprint,
    states: Vec<DtlsState>,
    keys: Option<Box<DtlsKeys>>,
    received: Vec<Vec<u8>>,
    sent: Vec<Vec<u8>>,
}

impl End {
    fn new(context: &Arc<DimplContext>) -> Self {
        Self::over(context.session(), context.certificate())
    }
}

impl<S: DtlsSession> End<S> {
    fn over(session: S, certificate: &Certificate) -> Self {
        Self {
            dtls: DtlsTransport::new(session),
            own_fingerprint: certificate.fingerprints()[2].clone(),
            states: Vec::new(),
            keys: None,
            received: Vec::new(),
            sent: Vec::new(),
        }
    }

    /// Polls until idle; returns what is to be sent.
    fn poll(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let mut datagrams = Vec::new();
        let mut buffer = [0; MAX_DATAGRAM];
        loop {
            match self.dtls.poll(now, &mut buffer) {
                DtlsOutput::Datagram(len) => datagrams.push(buffer[..len].to_vec()),
                DtlsOutput::State(state) => self.states.push(state),
                DtlsOutput::Connected(keys) => {
                    self.states.push(DtlsState::Connected);
                    self.keys = Some(keys);
                }
                DtlsOutput::ApplicationData(len) => self.received.push(buffer[..len].to_vec()),
                DtlsOutput::Idle => break,
            }
        }
        self.sent.extend(datagrams.iter().cloned());
        datagrams
    }
}

struct Pair<S = DimplSession, C = DimplSession> {
    now: Instant,
    client: End<C>,
    server: End<S>,
}

impl Pair {
    fn new() -> Self {
        Self::between(&context(), &context())
    }

    fn between(client: &Arc<DimplContext>, server: &Arc<DimplContext>) -> Self {
        Self {
            now: START,
            client: End::new(client),
            server: End::new(server),
        }
    }

    fn connected() -> Self {
        let mut pair = Self::new();
        pair.connect();
        pair
    }
}

impl<S: DtlsSession, C: DtlsSession> Pair<S, C> {
    fn connect(&mut self) {
        self.exchange_fingerprints();
        self.start();
        self.run(|| false);
        assert!(self.both(DtlsState::Connected));
    }

    fn exchange_fingerprints(&mut self) {
        let (client, server) = (&mut self.client, &mut self.server);
        client
            .dtls
            .set_remote_fingerprint(server.own_fingerprint.clone());
        server
            .dtls
            .set_remote_fingerprint(client.own_fingerprint.clone());
    }

    fn start(&mut self) {
        self.server.dtls.start(self.now, DtlsRole::Server);
        self.client.dtls.start(self.now, DtlsRole::Client);
    }

    /// Carries datagrams to and fro until both ends are silent. `lose` decides which are lost.
    fn exchange(&mut self, mut lose: impl FnMut() -> bool) {
        loop {
            let from_client = self.client.poll(self.now);
            let from_server = self.server.poll(self.now);
            if from_client.is_empty() && from_server.is_empty() {
                return;
            }
            for datagram in from_client.iter().filter(|_| !lose()) {
                self.server.dtls.handle_datagram(self.now, datagram);
            }
            for datagram in from_server.iter().filter(|_| !lose()) {
                self.client.dtls.handle_datagram(self.now, datagram);
            }
        }
    }

    /// Goes on in time, deadline by deadline, until there is none.
    fn run(&mut self, mut lose: impl FnMut() -> bool) {
        for _ in 0..1000 {
            self.exchange(&mut lose);
            let deadlines = [self.client.dtls.deadline(), self.server.dtls.deadline()];
            let Some(next) = deadlines.into_iter().flatten().min() else {
                return;
            };
            self.now = self.now.max(next);
            self.client.dtls.handle_timeout(self.now);
            self.server.dtls.handle_timeout(self.now);
        }
        panic!("deadlines without end");
    }

    /// Begins a handshake whose last flight, that of the server, does not arrive.
    fn lose_the_last_flight(&mut self) {
        self.exchange_fingerprints();
        self.start();
        while self.server.keys.is_none() {
            for datagram in self.client.poll(self.now) {
                self.server.dtls.handle_datagram(self.now, &datagram);
            }
            let from_server = self.server.poll(self.now);
            if self.server.keys.is_none() {
                for datagram in from_server {
                    self.client.dtls.handle_datagram(self.now, &datagram);
                }
            }
        }
        assert_eq!(self.client.dtls.state(), DtlsState::Connecting);
    }

    fn both(&self, state: DtlsState) -> bool {
        self.client.dtls.state() == state && self.server.dtls.state() == state
    }

    fn assert_data_flows(&mut self) {
        self.client.received.clear();
        self.server.received.clear();
        self.client.dtls.send(b"ping");
        self.server.dtls.send(b"pong");
        self.exchange(|| false);
        assert_eq!(self.server.received, [b"ping"]);
        assert_eq!(self.client.received, [b"pong"]);
    }
}

/// A master key in the open, so that a test can compare it.
fn shown(master: &MasterKey) -> (SrtpCryptoSuite, &[u8], &[u8]) {
    (master.suite(), master.key(), master.salt())
}

#[test]
fn two_ends_agree_on_keys_and_on_who_they_are() {
    let mut pair = Pair::connected();
    assert_eq!(pair.now, START, "no repetition was needed");
    let expected = [DtlsState::Connecting, DtlsState::Connected];
    assert_eq!(pair.client.states, expected);
    assert_eq!(pair.server.states, expected);
    let (client, server) = (pair.client.keys.take(), pair.server.keys.take());
    let (client, server) = (client.unwrap(), server.unwrap());
    assert_eq!(shown(&client.local), shown(&server.remote));
    assert_eq!(shown(&client.remote), shown(&server.local));
    assert_ne!(shown(&client.local), shown(&client.remote));
    assert_eq!(client.local.suite(), SrtpCryptoSuite::AeadAes256Gcm);
    assert!(
        client
            .remote_certificate
            .starts_with("-----BEGIN CERTIFICATE-----\n")
    );
    assert!(
        pair.server
            .sent
            .iter()
            .all(|datagram| datagram.len() <= 1200)
    );
    assert_eq!(pair.client.dtls.deadline(), None);
    pair.assert_data_flows();
    assert_eq!(*pair.server.dtls.counters(), DtlsCounters::default());
}

#[test]
fn a_wrong_fingerprint_fails_the_session_and_releases_nothing() {
    for wrong_at_server in [true, false] {
        let mut pair = Pair::new();
        pair.exchange_fingerprints();
        let stranger = Certificate::generate().unwrap();
        let deceived = if wrong_at_server {
            &mut pair.server
        } else {
            &mut pair.client
        };
        deceived
            .dtls
            .set_remote_fingerprint(stranger.fingerprints()[2].clone());
        pair.start();
        pair.run(|| false);
        assert!(pair.both(DtlsState::Failed));
        assert!(pair.client.keys.is_none() && pair.server.keys.is_none());
        let deceived = if wrong_at_server {
            &pair.server
        } else {
            &pair.client
        };
        assert_eq!(
            deceived.dtls.failure(),
            Some(&DtlsFailure::FingerprintMismatch)
        );
        assert_eq!(
            deceived.states,
            [DtlsState::Connecting, DtlsState::Failed],
            "nothing follows the failure"
        );
    }
}

#[test]
fn every_fingerprint_algorithm_verifies_the_remote() {
    for index in 0..5 {
        let (client, server) = (context(), context());
        let mut pair = Pair::between(&client, &server);
        let of = |context: &DimplContext| context.certificate().fingerprints()[index].clone();
        pair.client.dtls.set_remote_fingerprint(of(&server));
        pair.server.dtls.set_remote_fingerprint(of(&client));
        pair.start();
        pair.run(|| false);
        assert!(pair.both(DtlsState::Connected), "{:?}", of(&client));
    }
}

#[test]
fn keys_are_held_back_until_the_fingerprint_is_known() {
    for right in [true, false] {
        let mut pair = Pair::new();
        let server_fingerprint = pair.server.own_fingerprint.clone();
        pair.client.dtls.set_remote_fingerprint(server_fingerprint);
        pair.start();
        pair.run(|| false);
        assert_eq!(pair.client.dtls.state(), DtlsState::Connected);
        assert_eq!(pair.server.dtls.state(), DtlsState::Connecting);
        assert_eq!(pair.server.dtls.deadline(), None, "it may take any time");
        pair.client.dtls.send(b"too early");
        pair.server.dtls.send(b"too early");
        pair.exchange(|| false);
        assert!(pair.server.received.is_empty() && pair.server.keys.is_none());
        let counters = pair.server.dtls.counters();
        assert_eq!((counters.unverified_data, counters.unsent_data), (1, 1));
        let fingerprint = if right {
            pair.client.own_fingerprint.clone()
        } else {
            pair.server.own_fingerprint.clone()
        };
        pair.server.dtls.set_remote_fingerprint(fingerprint);
        pair.exchange(|| false);
        if right {
            assert_eq!(pair.server.dtls.state(), DtlsState::Connected);
            let (client, server) = (pair.client.keys.take(), pair.server.keys.take());
            assert_eq!(
                shown(&server.unwrap().remote),
                shown(&client.unwrap().local)
            );
            pair.assert_data_flows();
        } else {
            assert_eq!(pair.server.dtls.state(), DtlsState::Failed);
            assert!(pair.server.keys.is_none());
        }
    }
}

#[test]
fn lost_datagrams_are_repeated() {
    let mut connected = 0;
    for seed in 0..40 {
        let mut pair = Pair::new();
        pair.exchange_fingerprints();
        pair.start();
        let mut rng = Rng::new([seed; 32]);
        pair.run(|| rng.below(10) < 3);
        assert!(pair.now <= START + HANDSHAKE_TIMEOUT);
        connected += usize::from(pair.both(DtlsState::Connected));
    }
    // We cannot seed the engine's jitter, so the exact number varies.
    assert!(connected >= 32, "{connected} of 40 at 30 % loss");
}

#[test]
fn a_lost_last_flight_is_repeated_when_the_client_asks() {
    let mut pair = Pair::new();
    pair.lose_the_last_flight();
    pair.run(|| false);
    assert!(pair.both(DtlsState::Connected));
    assert!(pair.now <= START + Duration::from_secs(1));
    pair.assert_data_flows();
}

#[test]
fn a_handshake_that_nobody_answers_fails_at_its_deadline() {
    for role in [DtlsRole::Server, DtlsRole::Client] {
        let mut end = End::new(&context());
        end.dtls.start(START, role);
        let mut now = START;
        loop {
            end.poll(now);
            let Some(deadline) = end.dtls.deadline() else {
                break;
            };
            now = deadline;
            end.dtls.handle_timeout(now);
        }
        assert_eq!(end.states, [DtlsState::Connecting, DtlsState::Failed]);
        assert!(now <= START + HANDSHAKE_TIMEOUT);
        assert!(now > START + Duration::from_secs(20), "{now:?}");
        end.dtls.handle_datagram(now, &alert(0));
        assert_eq!(end.dtls.counters().after_end, 1);
    }
}

/// A plaintext record that says the session is over.
fn alert(description: u8) -> Vec<u8> {
    let header = [21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2];
    [&header[..], &[2, description]].concat()
}

#[test]
fn time_may_go_back() {
    let mut pair = Pair::new();
    pair.exchange_fingerprints();
    pair.start();
    for datagram in pair.client.poll(START) {
        let early = START - Duration::from_millis(1500);
        pair.server.dtls.handle_datagram(early, &datagram);
    }
    pair.run(|| false);
    assert!(pair.both(DtlsState::Connected));
}

#[test]
fn a_forged_alert_ends_nothing() {
    let mut pair = Pair::new();
    pair.exchange_fingerprints();
    pair.start();
    for step in 0..8 {
        for datagram in pair.client.poll(pair.now) {
            pair.server.dtls.handle_datagram(pair.now, &datagram);
        }
        for datagram in pair.server.poll(pair.now) {
            pair.client.dtls.handle_datagram(pair.now, &datagram);
        }
        for description in [0, 10, 20, 40, 80] {
            pair.client
                .dtls
                .handle_datagram(pair.now, &alert(description));
            pair.server
                .dtls
                .handle_datagram(pair.now, &alert(description));
        }
        assert_eq!(pair.server.dtls.counters().plaintext, 5 * (step + 1));
    }
    assert!(pair.both(DtlsState::Connected));
    pair.assert_data_flows();
}

#[test]
fn plaintext_beside_authenticated_data_does_not_spoil_it() {
    let mut pair = Pair::connected();
    pair.client.dtls.send(b"data");
    let datagrams = pair.client.poll(pair.now);
    let mixed = [&alert(40)[..], &datagrams[0], &alert(0)].concat();
    pair.server.dtls.handle_datagram(pair.now, &mixed);
    pair.server.poll(pair.now);
    assert_eq!(pair.server.received, [b"data"]);
    assert_eq!(pair.server.dtls.counters().plaintext, 2);
}

#[test]
fn plaintext_handshake_messages_end_with_the_first_data() {
    let mut pair = Pair::connected();
    let first = pair.client.sent[0].clone();
    pair.server.dtls.handle_datagram(pair.now, &first);
    assert_eq!(pair.server.dtls.counters().plaintext_after_handshake, 0);
    pair.client.dtls.handle_datagram(pair.now, &first);
    assert_eq!(pair.client.dtls.counters().plaintext_after_handshake, 1);
    pair.assert_data_flows();
    pair.server.dtls.handle_datagram(pair.now, &first);
    assert_eq!(pair.server.dtls.counters().plaintext_after_handshake, 1);
    pair.assert_data_flows();
}

/// Damages a datagram as a network or a forger would.
fn mutate(rng: &mut Rng, original: &[u8]) -> Vec<u8> {
    let mut datagram = original.to_vec();
    let len = u32::try_from(datagram.len()).unwrap();
    for _ in 0..=rng.below(4) {
        let at = rng.below(len) as usize;
        match rng.below(3) {
            0 => datagram[at] = u8::try_from(rng.below(256)).unwrap(),
            1 => datagram[at] ^= 1 << rng.below(8),
            _ => datagram[at] = datagram[at].wrapping_add(1),
        }
    }
    match rng.below(6) {
        0 => datagram.truncate(rng.below(len) as usize),
        1 => datagram.extend_from_within(..rng.below(len) as usize),
        _ => {}
    }
    datagram
}

#[test]
fn mutated_datagrams_never_end_a_connected_session() {
    let mut pair = Pair::connected();
    let mut rng = Rng::new([9; 32]);
    let mut corpus = [pair.client.sent.clone(), pair.server.sent.clone()].concat();
    for round in 0..20 {
        for _ in 0..500 {
            let pick = rng.below(u32::try_from(corpus.len()).unwrap()) as usize;
            let hostile = mutate(&mut rng, &corpus[pick]);
            pair.server.dtls.handle_datagram(pair.now, &hostile);
            pair.client.dtls.handle_datagram(pair.now, &hostile);
            pair.exchange(|| false);
        }
        pair.now += Duration::from_secs(1);
        assert!(pair.both(DtlsState::Connected), "round {round}");
        pair.assert_data_flows();
        corpus.truncate(16);
        corpus.extend(pair.client.sent.last().cloned());
        corpus.extend(pair.server.sent.last().cloned());
        assert!(corpus.iter().any(|d| d[0] == 23), "data is in the corpus");
    }
}

#[test]
fn mutated_datagrams_never_panic_during_a_handshake() {
    let recorded = Pair::connected();
    let corpus = [recorded.client.sent, recorded.server.sent].concat();
    let mut rng = Rng::new([10; 32]);
    let (client, server) = (context(), context());
    for _ in 0..400 {
        let mut pair = Pair::between(&client, &server);
        pair.exchange_fingerprints();
        pair.start();
        for _ in 0..25 {
            let own = [pair.client.sent.clone(), pair.server.sent.clone()].concat();
            let source = if own.is_empty() || rng.below(2) == 0 {
                &corpus
            } else {
                &own
            };
            let pick = rng.below(u32::try_from(source.len()).unwrap()) as usize;
            let hostile = mutate(&mut rng, &source[pick]);
            pair.server.dtls.handle_datagram(pair.now, &hostile);
            pair.client.dtls.handle_datagram(pair.now, &hostile);
            // Half of what the two really say arrives.
            let lost = |rng: &mut Rng| rng.below(2) == 0;
            pair.exchange(|| lost(&mut rng));
        }
        pair.run(|| false);
        for end in [&pair.client, &pair.server] {
            assert_eq!(
                end.keys.is_some(),
                end.states.contains(&DtlsState::Connected)
            );
        }
    }
}

#[test]
fn forged_client_hellos_do_not_keep_the_real_client_out() {
    let mut recorded = Pair::new();
    recorded.start();
    let hello = recorded.client.poll(START).remove(0);
    let mut pair = Pair::new();
    pair.exchange_fingerprints();
    pair.server.dtls.start(pair.now, DtlsRole::Server);
    // The two bytes of each cipher suite are overwritten, so none is left that we know.
    let mut forged = hello;
    let suites = forged.windows(2).position(|w| w == [0xcc, 0xa9]).unwrap();
    for suite in 0..3 {
        forged[suites + 2 * suite..][..2].copy_from_slice(&[0x13, 0x37]);
    }
    for _ in 0..6 {
        pair.server.dtls.handle_datagram(pair.now, &forged);
        pair.server.poll(pair.now);
    }
    pair.client.dtls.start(pair.now, DtlsRole::Client);
    pair.run(|| false);
    assert!(pair.both(DtlsState::Connected));
}

#[test]
fn a_client_without_chacha20_connects_by_aes_gcm() {
    for suite in [
        Dtls12CipherSuite::ECDHE_ECDSA_AES128_GCM_SHA256,
        Dtls12CipherSuite::ECDHE_ECDSA_AES256_GCM_SHA384,
    ] {
        let certificate = Certificate::generate().unwrap();
        let client = DimplContext::offering(certificate, clock(), &[suite]).unwrap();
        let mut pair = Pair::between(&client, &context());
        pair.exchange_fingerprints();
        pair.start();
        pair.run(|| false);
        assert!(pair.both(DtlsState::Connected), "{suite:?}");
        assert_eq!(pair.now, START, "no repetition was needed");
        pair.assert_data_flows();
    }
}

/// SECURITY: CCM suites are not offered.
#[test]
fn a_client_offers_three_suites_and_chacha20_first() {
    let mut pair = Pair::new();
    pair.start();
    let hello = pair.client.poll(START).remove(0);
    let offer = [0x00, 0x06, 0xcc, 0xa9, 0xc0, 0x2b, 0xc0, 0x2c];
    // Version, random, an empty session id and an empty cookie stand before it.
    assert_eq!(hello[13 + 12 + 2 + 32 + 1 + 1..][..8], offer);
}

#[test]
fn chacha20_is_what_two_of_us_negotiate() {
    let pair = Pair::connected();
    // The random and an empty session id stand between the hello's version and its suite.
    let hello = &pair.server.sent[0];
    let suite = &hello[13 + 12 + 2 + 32 + 1..][..2];
    assert_eq!(suite, [0xcc, 0xa9]);
}

/// The `ServerHello` names the profile in plaintext. So one `ClientHello` with the profiles in
/// Chromium's order is enough, and no second engine is needed.
#[test]
fn the_profile_is_ours_to_choose_whatever_the_clients_order() {
    let mut pair = Pair::new();
    pair.start();
    let mut hello = pair.client.poll(START).remove(0);
    let offered = [0x00, 0x08, 0x00, 0x07, 0x00, 0x01];
    let at = hello.windows(6).position(|w| w == offered).unwrap();
    hello[at..at + 6].copy_from_slice(&[0x00, 0x01, 0x00, 0x08, 0x00, 0x07]);
    pair.server.dtls.handle_datagram(START, &hello);
    let answer = pair.server.poll(START).concat();
    // Extension 14, five bytes: two bytes of profiles, AEAD_AES_256_GCM, no MKI.
    let use_srtp = [0, 14, 0, 5, 0, 2, 0, 8, 0];
    assert!(answer.windows(9).any(|window| window == use_srtp));
}

#[test]
fn a_certificate_longer_than_a_datagram_is_no_trouble() {
    let key = rcgen::KeyPair::generate().unwrap();
    let names: Vec<_> = (0..300).map(|n| format!("{n}.example.org")).collect();
    let params = rcgen::CertificateParams::new(names).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    assert!(certificate.der().len() > 2 * MAX_DATAGRAM);
    let long = Certificate::from_pem(
        certificate_pem(certificate.der()).as_bytes(),
        key.serialize_pem().as_bytes(),
    );
    let long = DimplContext::new(long.unwrap(), clock()).unwrap();
    for long_client in [true, false] {
        let mut pair = if long_client {
            Pair::between(&long, &context())
        } else {
            Pair::between(&context(), &long)
        };
        pair.exchange_fingerprints();
        pair.start();
        pair.run(|| false);
        assert!(pair.both(DtlsState::Connected));
    }
}

#[test]
fn closing_tells_the_remote() {
    for client_closes in [true, false] {
        let mut pair = Pair::connected();
        let closing = if client_closes {
            &mut pair.client
        } else {
            &mut pair.server
        };
        closing.dtls.close();
        pair.exchange(|| false);
        assert!(pair.both(DtlsState::Closed));
        for end in [&mut pair.client, &mut pair.server] {
            assert_eq!(end.states.last(), Some(&DtlsState::Closed));
            assert_eq!(end.states.len(), 3);
            end.dtls.close();
            assert!(end.poll(START).is_empty());
            assert_eq!(end.states.len(), 3, "closing is told once");
        }
    }
}

#[test]
fn what_comes_too_early_or_too_long_is_counted() {
    let mut end = End::new(&context());
    end.dtls.handle_datagram(START, &alert(0));
    end.dtls.start(START, DtlsRole::Auto);
    assert_eq!(end.dtls.role(), DtlsRole::Server);
    end.dtls.start(START, DtlsRole::Client);
    assert_eq!(end.dtls.role(), DtlsRole::Server);
    end.dtls.handle_datagram(START, &[22; MAX_DATAGRAM + 1]);
    end.dtls.handle_datagram(START, &[22; 100]);
    end.dtls.handle_datagram(START, &[]);
    end.dtls.send(b"data");
    let expected = DtlsCounters {
        before_start: 1,
        oversized: 1,
        malformed: 1,
        unsent_data: 1,
        ..DtlsCounters::default()
    };
    assert_eq!(*end.dtls.counters(), expected);
    assert_eq!(end.dtls.state(), DtlsState::Connecting);
    end.dtls.close();
    end.poll(START);
    assert_eq!(end.states, [DtlsState::Connecting, DtlsState::Closed]);
}

#[test]
fn a_fingerprint_of_another_algorithm_is_compared_by_its_own() {
    let certificate = Certificate::generate().unwrap();
    let sha256 = &certificate.fingerprints()[2];
    assert_eq!(sha256.algorithm, FingerprintAlgorithm::Sha256);
    let lying = Fingerprint {
        algorithm: FingerprintAlgorithm::Sha1,
        ..sha256.clone()
    };
    assert!(!lying.matches(certificate.der()));
}
