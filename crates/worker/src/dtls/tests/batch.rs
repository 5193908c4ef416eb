//! Datagrams that come together: the session is polled when it has taken all of them.

use super::engines::record;
use super::forged::{assert_connected, pair_with};
use super::*;
use crate::dtls::handshake::plaintext_fragments;

/// The handshake up to the client's flight, which is returned and not sent.
fn flight_of(pair: &mut Pair<EngineSession>) -> Vec<u8> {
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
