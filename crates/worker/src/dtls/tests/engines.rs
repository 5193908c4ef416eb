//! The choice of an engine, and the second engine under the same hostile conditions as the first.

use rtc_dtls::config::ConfigBuilder;
use rtc_dtls::crypto::Certificate as RtcCertificate;
use rtc_dtls::crypto_provider::default_provider;
use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;

use super::*;
use crate::srtp::SrtpKeys;

pub(super) fn engines() -> (Arc<DtlsEngines>, Certificate) {
    let certificate = Certificate::generate().unwrap();
    let engines = DtlsEngines::new(certificate.clone(), clock()).unwrap();
    (engines, certificate)
}

/// A client that does not offer DTLS 1.3, and a server that chooses its engine.
fn pair() -> Pair<EngineSession> {
    pair_of(&context(), &engines())
}

fn pair_of(
    client: &Arc<DimplContext>,
    (engines, certificate): &(Arc<DtlsEngines>, Certificate),
) -> Pair<EngineSession> {
    Pair {
        now: START,
        client: End::new(client),
        server: End::over(engines.session(), certificate),
    }
}

fn connected() -> Pair<EngineSession> {
    let mut pair = pair();
    pair.connect();
    pair
}

/// The type of the handshake message that a datagram begins with.
pub(super) fn message_type(datagram: &[u8]) -> u8 {
    datagram[13]
}

pub(super) const SERVER_HELLO: u8 = 2;
/// Only the second engine sends it.
pub(super) const HELLO_VERIFY_REQUEST: u8 = 3;

fn is_second_engine(pair: &Pair<EngineSession>) -> bool {
    message_type(&pair.server.sent[0]) == HELLO_VERIFY_REQUEST
}

#[test]
fn a_client_without_dtls_1_3_is_served_by_the_second_engine() {
    let mut pair = connected();
    assert!(is_second_engine(&pair));
    assert_eq!(pair.now, START, "no repetition was needed");
    let expected = [DtlsState::Connecting, DtlsState::Connected];
    assert_eq!(pair.client.states, expected);
    assert_eq!(pair.server.states, expected);
    let (client, server) = (pair.client.keys.take(), pair.server.keys.take());
    let (client, server) = (client.unwrap(), server.unwrap());
    assert_eq!(client.local.key(), server.remote.key());
    assert_eq!(client.local.salt(), server.remote.salt());
    assert_eq!(client.remote.key(), server.local.key());
    assert_eq!(client.local.suite(), SrtpCryptoSuite::AeadAes256Gcm);
    let sent = &pair.server.sent;
    assert!(sent.iter().all(|datagram| datagram.len() <= 1200));
    assert_eq!(pair.server.dtls.deadline(), None);
    pair.assert_data_flows();
    assert_eq!(*pair.server.dtls.counters(), DtlsCounters::default());
}

#[test]
fn a_client_with_dtls_1_3_is_served_by_the_first_engine() {
    let own = Certificate::generate().unwrap();
    let certificate = dimpl::DtlsCertificate {
        certificate: own.der().to_vec(),
        private_key: own.private_key().to_vec(),
    };
    let now = std::time::Instant::now();
    let config = Arc::new(dimpl::Config::default());
    let mut client = dimpl::Dtls::new_auto(config, certificate, now);
    client.set_active(true);
    client.handle_timeout(now).unwrap();
    let mut server = pair().server;
    server.dtls.start(START, DtlsRole::Server);
    let mut buffer = [0; 2048];
    while let dimpl::Output::Packet(packet) = client.poll_output(&mut buffer) {
        server.dtls.handle_datagram(START, packet);
    }
    assert_eq!(message_type(&server.poll(START)[0]), SERVER_HELLO);
}

/// Carries a handshake between a client with this certificate and key, and our server. Returns our
/// end, and the keys of the client if it is connected.
fn with_rsa(pem: &str, fingerprint_of: Option<&[u8]>) -> (End<EngineSession>, Option<SrtpKeys>) {
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], 9));
    let now = std::time::Instant::now();
    let provider = default_provider().unwrap();
    let certificate = RtcCertificate::from_pem(pem, provider.crypto()).unwrap();
    let der = certificate.certificate[0].to_vec();
    let config = ConfigBuilder::default()
        .with_crypto_provider(provider)
        .with_certificates(vec![certificate])
        .with_srtp_protection_profiles(vec![
            SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
            SrtpProtectionProfile::Srtp_Aead_Aes_256_Gcm,
        ])
        .with_insecure_skip_verify(true)
        .build(true, None);
    let mut client = Endpoint::new(address, Default::default(), None);
    let mut server = pair().server;
    let expected = fingerprint_of.unwrap_or(&der);
    let expected = fingerprint(FingerprintAlgorithm::Sha256, expected);
    server.dtls.set_remote_fingerprint(expected);
    server.dtls.start(START, DtlsRole::Server);
    let config = Arc::new(config.unwrap());
    client.connect(now, address, config, None).unwrap();
    let mut keys = None;
    for _ in 0..10 {
        while let Some(sent) = client.poll_transmit() {
            server.dtls.handle_datagram(START, &sent.message);
        }
        for datagram in server.poll(START) {
            let datagram = datagram[..].into();
            for event in client.read(now, address, None, datagram).unwrap() {
                if matches!(event, EndpointEvent::HandshakeComplete) {
                    let state = client.get_connection_state(address).unwrap();
                    let suite = SrtpCryptoSuite::AeadAes256Gcm;
                    let len = 2 * suite.key_and_salt_len();
                    let exported = state.export_keying_material("EXTRACTOR-dtls_srtp", &[], len);
                    keys = SrtpKeys::from_exporter(suite, exported.unwrap().as_ref()).ok();
                }
            }
        }
    }
    (server, keys)
}

const RSA: [&str; 2] = [
    include_str!("fixtures/rsa2048.pem"),
    include_str!("fixtures/rsa4096.pem"),
];

/// Handshakes of OpenSSL with RSA are in the suite of WHIP, where GStreamer publishes.
#[test]
fn a_client_with_an_rsa_certificate_connects() {
    for pem in RSA {
        let (server, keys) = with_rsa(pem, None);
        assert_eq!(server.dtls.state(), DtlsState::Connected);
        let (ours, theirs) = (server.keys.unwrap(), keys.unwrap());
        assert_eq!(ours.remote.key(), theirs.client.key());
        assert_eq!(ours.remote.salt(), theirs.client.salt());
        assert_eq!(ours.local.key(), theirs.server.key());
        let certificate = pem.split_once("-----BEGIN CERTIFICATE").unwrap().1;
        assert!(ours.remote_certificate.ends_with(certificate));
    }
}

#[test]
fn an_rsa_certificate_must_match_its_fingerprint_too() {
    let (server, keys) = with_rsa(RSA[0], Some(b"another"));
    assert_eq!(server.dtls.state(), DtlsState::Failed);
    assert_eq!(
        server.dtls.failure(),
        Some(&DtlsFailure::FingerprintMismatch)
    );
    assert!(server.keys.is_none() && keys.is_none());
}

/// The certificate of another, shown by one who has not its key.
#[test]
fn an_rsa_certificate_without_its_key_is_refused() {
    let (own, other) = (RSA[0], RSA[1]);
    let certificate = "-----BEGIN CERTIFICATE";
    let key = own.split_once(certificate).unwrap().0;
    let shown = other.split_once(certificate).unwrap().1;
    let (server, keys) = with_rsa(&format!("{key}{certificate}{shown}"), None);
    assert_ne!(server.dtls.state(), DtlsState::Connected);
    assert!(server.keys.is_none() && keys.is_none());
}

#[test]
fn as_client_we_use_the_first_engine() {
    let engines = engines();
    let server = context();
    let mut pair = Pair {
        now: START,
        client: End::new(&server),
        server: End::over(engines.0.session(), &engines.1),
    };
    pair.exchange_fingerprints();
    pair.server.dtls.start(START, DtlsRole::Client);
    pair.client.dtls.start(START, DtlsRole::Server);
    pair.run(|| false);
    assert!(pair.both(DtlsState::Connected));
    pair.assert_data_flows();
}

#[test]
fn a_p384_key_serves_both_engines() {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    let made = rcgen::CertificateParams::new(Vec::new()).unwrap();
    let pem = made.self_signed(&key).unwrap().pem();
    let key = key.serialize_pem();
    let certificate = Certificate::from_pem(pem.as_bytes(), key.as_bytes()).unwrap();
    let engines = DtlsEngines::new(certificate.clone(), clock()).unwrap();
    let mut pair = pair_of(&context(), &(engines, certificate));
    pair.connect();
    assert!(is_second_engine(&pair));
}

#[test]
fn a_client_without_chacha20_is_served_by_the_second_engine_too() {
    let client = DimplContext::offering(
        Certificate::generate().unwrap(),
        clock(),
        &[Dtls12CipherSuite::ECDHE_ECDSA_AES128_GCM_SHA256],
    );
    let mut pair = pair_of(&client.unwrap(), &engines());
    pair.connect();
    assert!(is_second_engine(&pair));
    pair.assert_data_flows();
}

#[test]
fn a_wrong_fingerprint_fails_before_our_last_flight() {
    let mut pair = pair();
    pair.exchange_fingerprints();
    let stranger = Certificate::generate().unwrap();
    let wrong = stranger.fingerprints()[2].clone();
    pair.server.dtls.set_remote_fingerprint(wrong);
    pair.start();
    pair.run(|| false);
    assert!(pair.both(DtlsState::Failed));
    assert!(pair.client.keys.is_none() && pair.server.keys.is_none());
    assert_eq!(
        pair.server.dtls.failure(),
        Some(&DtlsFailure::FingerprintMismatch)
    );
}

#[test]
fn keys_are_held_back_until_the_fingerprint_is_known() {
    let mut pair = pair();
    let server_fingerprint = pair.server.own_fingerprint.clone();
    pair.client.dtls.set_remote_fingerprint(server_fingerprint);
    pair.start();
    pair.run(|| false);
    assert_eq!(pair.client.dtls.state(), DtlsState::Connected);
    assert_eq!(pair.server.dtls.state(), DtlsState::Connecting);
    pair.client.dtls.send(b"too early");
    pair.exchange(|| false);
    assert!(pair.server.received.is_empty() && pair.server.keys.is_none());
    assert_eq!(pair.server.dtls.counters().unverified_data, 1);
    let fingerprint = pair.client.own_fingerprint.clone();
    pair.server.dtls.set_remote_fingerprint(fingerprint);
    pair.exchange(|| false);
    assert!(pair.both(DtlsState::Connected));
    pair.assert_data_flows();
}

#[test]
fn lost_datagrams_are_repeated() {
    let (client, server) = (context(), engines());
    let mut connected = 0;
    for seed in 0..100 {
        let mut pair = pair_of(&client, &server);
        pair.exchange_fingerprints();
        pair.start();
        let mut rng = Rng::new([seed; 32]);
        pair.run(|| rng.below(10) < 3);
        assert!(pair.now <= START + HANDSHAKE_TIMEOUT);
        connected += usize::from(pair.both(DtlsState::Connected));
    }
    // We cannot seed the client's jitter, so the exact number varies.
    assert!(connected >= 85, "{connected} of 100 at 30 % loss");
}

#[test]
fn any_one_lost_datagram_delays_by_one_repetition() {
    let (client, server) = (context(), engines());
    for lost in 0..8 {
        let mut pair = pair_of(&client, &server);
        pair.exchange_fingerprints();
        pair.start();
        let mut count = 0;
        pair.run(|| {
            count += 1;
            count == lost + 1
        });
        assert!(pair.both(DtlsState::Connected), "without {lost}");
        assert!(pair.now <= START + Duration::from_secs(1), "without {lost}");
        pair.assert_data_flows();
    }
}

#[test]
fn a_handshake_that_the_client_leaves_fails_at_its_deadline() {
    let mut pair = pair();
    pair.start();
    let mut rounds = 0;
    // The client says two messages, and nothing after our flight.
    while pair.server.sent.len() < 2 && rounds < 10 {
        rounds += 1;
        for datagram in pair.client.poll(START) {
            pair.server.dtls.handle_datagram(START, &datagram);
        }
        for datagram in pair.server.poll(START) {
            pair.client.dtls.handle_datagram(START, &datagram);
        }
    }
    let mut now = START;
    while let Some(deadline) = pair.server.dtls.deadline() {
        now = deadline;
        pair.server.dtls.handle_timeout(now);
        pair.server.poll(now);
    }
    let flights = pair.server.sent.iter();
    let flights = flights.filter(|datagram| message_type(datagram) == SERVER_HELLO);
    assert_eq!(flights.count(), 7, "once and six repetitions");
    assert_eq!(pair.server.dtls.state(), DtlsState::Failed);
    assert!(now > START + Duration::from_secs(20) && now <= START + HANDSHAKE_TIMEOUT);
}

/// A record of our making.
pub(super) fn record(content: u8, epoch: u8, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len()).unwrap().to_be_bytes();
    let header = [content, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0x10, 0];
    [&header[..], &len, payload].concat()
}

/// Records that the engine by itself would fall for, at each point of a handshake and after it.
#[test]
fn forged_records_end_nothing_and_deafen_nobody() {
    let forged = [
        alert(40),
        record(20, 0, &[9]),
        record(20, 1, &[1]),
        record(20, 1, &[9, 9]),
        record(21, 1, &[2, 40]),
        record(21, 1, &[]),
        record(22, 0, &[]),
        record(22, 1, &[]),
        record(22, 1, &[0; 64]),
        record(23, 0, b"data"),
        record(23, 1, &[]),
        record(23, 1, &[0; 64]),
        record(23, 2, &[0; 64]),
    ];
    let mut pair = pair();
    pair.exchange_fingerprints();
    pair.start();
    for _ in 0..8 {
        for record in &forged {
            pair.server.dtls.handle_datagram(pair.now, record);
        }
        for datagram in pair.client.poll(pair.now) {
            pair.server.dtls.handle_datagram(pair.now, &datagram);
        }
        for datagram in pair.server.poll(pair.now) {
            pair.client.dtls.handle_datagram(pair.now, &datagram);
        }
    }
    pair.run(|| false);
    assert!(pair.both(DtlsState::Connected));
    for record in &forged {
        pair.server.dtls.handle_datagram(pair.now, record);
        pair.assert_data_flows();
    }
    assert!(pair.both(DtlsState::Connected));
}

#[test]
fn mutated_datagrams_never_end_a_connected_session() {
    let mut pair = connected();
    let mut rng = Rng::new([9; 32]);
    let mut corpus = [pair.client.sent.clone(), pair.server.sent.clone()].concat();
    let of_handshake = corpus.len();
    for round in 0..20 {
        for _ in 0..500 {
            let pick = rng.below(u32::try_from(corpus.len()).unwrap()) as usize;
            let hostile = mutate(&mut rng, &corpus[pick]);
            pair.server.dtls.handle_datagram(pair.now, &hostile);
            pair.exchange(|| false);
        }
        pair.now += Duration::from_secs(1);
        assert!(pair.both(DtlsState::Connected), "round {round}");
        pair.assert_data_flows();
        corpus.truncate(of_handshake);
        corpus.extend(pair.client.sent.last().cloned());
        corpus.extend(pair.server.sent.last().cloned());
        assert!(corpus.iter().any(|d| d[0] == 23), "data is in the corpus");
    }
}

#[test]
fn mutated_datagrams_never_panic_during_a_handshake() {
    let recorded = connected();
    let corpus = [recorded.client.sent, recorded.server.sent].concat();
    let mut rng = Rng::new([10; 32]);
    let (client, server) = (context(), engines());
    for _ in 0..400 {
        let mut pair = pair_of(&client, &server);
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
            // Half of what the two really say arrives.
            let lost = |rng: &mut Rng| rng.below(2) == 0;
            pair.exchange(|| lost(&mut rng));
        }
        pair.run(|| false);
        let server = &pair.server;
        let is_connected = server.states.contains(&DtlsState::Connected);
        assert_eq!(server.keys.is_some(), is_connected);
    }
}

/// The engine joins fragments by recursion, so without a limit this overflows the stack.
#[test]
fn a_message_in_very_many_fragments_costs_nothing() {
    for (message_len, kind) in [(100_000_u32, 1), (4_000, 1), (4_000, 11)] {
        let mut pair = pair();
        pair.exchange_fingerprints();
        pair.start();
        for _ in 0..2 {
            for offset in (0..message_len).rev() {
                let [_, m0, m1, m2] = message_len.to_be_bytes();
                let [_, o0, o1, o2] = offset.to_be_bytes();
                for sequence in 0..3 {
                    let fragment = [kind, m0, m1, m2, 0, sequence, o0, o1, o2, 0, 0, 1, 0];
                    let datagram = record(22, 0, &fragment);
                    pair.server.dtls.handle_datagram(START, &datagram);
                }
            }
            for datagram in pair.client.poll(START) {
                pair.server.dtls.handle_datagram(START, &datagram);
            }
            for datagram in pair.server.poll(START) {
                pair.client.dtls.handle_datagram(START, &datagram);
            }
        }
        pair.run(|| false);
        assert!(pair.both(DtlsState::Connected));
        assert_eq!(pair.now, START, "no repetition was needed");
    }
}

#[test]
fn forged_client_hellos_do_not_keep_the_real_client_out() {
    let (client, server) = (context(), engines());
    let mut other = pair_of(&client, &server);
    other.start();
    let sound = other.client.poll(START).remove(0);
    let mut unknown_suites = sound.clone();
    let suites = sound.windows(2).position(|w| w == [0xcc, 0xa9]).unwrap();
    for suite in 0..3 {
        unknown_suites[suites + 2 * suite..][..2].copy_from_slice(&[0x13, 0x37]);
    }
    for forged in [&sound, &unknown_suites] {
        let mut pair = pair_of(&client, &server);
        pair.exchange_fingerprints();
        pair.server.dtls.start(pair.now, DtlsRole::Server);
        for _ in 0..6 {
            pair.server.dtls.handle_datagram(pair.now, forged);
            pair.server.poll(pair.now);
        }
        pair.client.dtls.start(pair.now, DtlsRole::Client);
        pair.run(|| false);
        assert!(pair.both(DtlsState::Connected));
    }
}

#[test]
fn a_lost_last_flight_is_repeated_when_the_client_asks() {
    let mut pair = pair();
    pair.lose_the_last_flight();
    let sent = pair.server.sent.len();
    pair.run(|| false);
    assert!(pair.both(DtlsState::Connected));
    assert!(pair.now <= START + Duration::from_secs(1));
    assert_eq!(pair.server.sent.len(), sent + 1, "once for one repetition");
    pair.assert_data_flows();
}

#[test]
fn closing_tells_the_remote() {
    for client_closes in [true, false] {
        let mut pair = connected();
        if client_closes {
            pair.client.dtls.close();
        } else {
            pair.server.dtls.close();
        }
        pair.exchange(|| false);
        assert!(pair.both(DtlsState::Closed));
    }
}

#[test]
fn a_first_message_in_parts_finds_its_engine() {
    let mut pair = pair();
    pair.exchange_fingerprints();
    pair.start();
    let hello = pair.client.poll(START).remove(0);
    let body = &hello[25..];
    let [_, m0, m1, m2] = u32::try_from(body.len()).unwrap().to_be_bytes();
    let part = |from: usize, to: usize| {
        let [o0, o1] = u16::try_from(from).unwrap().to_be_bytes();
        let [l0, l1] = u16::try_from(to - from).unwrap().to_be_bytes();
        let header = [1, m0, m1, m2, 0, 0, 0, o0, o1, 0, l0, l1];
        record(22, 0, &[&header[..], &body[from..to]].concat())
    };
    for (number, (from, to)) in [(2, (60, body.len())), (0, (0, 60))] {
        assert!(pair.server.poll(START).iter().all(Vec::is_empty));
        let mut datagram = part(from, to);
        datagram[9..11].copy_from_slice(&[0, number]);
        pair.server.dtls.handle_datagram(START, &datagram);
    }
    pair.run(|| false);
    assert!(pair.both(DtlsState::Connected));
    assert!(is_second_engine(&pair));
}
