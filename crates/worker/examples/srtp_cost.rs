//! What one packet costs in SRTP: nanoseconds per packet and profile, both directions.
//!
//! ```text
//! cargo run --release -p tureen-worker --example srtp_cost [payload bytes] [streams]
//! ```
//!
//! Every packet is copied into its buffer first, as egress does; the copy is part of the figure.
//! The median of eleven rounds is printed.

use std::time::Instant;

use tureen_worker::params::SrtpCryptoSuite;
use tureen_worker::srtp::{MAX_PROTECTION_OVERHEAD, MasterKey, SrtpReceive, SrtpSend, StreamIndex};

fn main() {
    let mut arguments = std::env::args().skip(1).map_while(|text| text.parse().ok());
    let payload: usize = arguments.next().unwrap_or(1188);
    let streams: usize = arguments.next().unwrap_or(1);
    println!("{payload} bytes of payload, {streams} streams");
    for suite in [
        SrtpCryptoSuite::AeadAes256Gcm,
        SrtpCryptoSuite::AeadAes128Gcm,
        SrtpCryptoSuite::AesCm128HmacSha1_80,
        SrtpCryptoSuite::AesCm128HmacSha1_32,
    ] {
        let mut rounds: Vec<_> = (0..ROUNDS)
            .map(|_| round(suite, payload, streams))
            .collect();
        let mut median = |of: fn(&(u128, u128)) -> u128| {
            rounds.sort_unstable_by_key(of);
            of(&rounds[ROUNDS / 2])
        };
        let (protect, unprotect) = (median(|r| r.0), median(|r| r.1));
        println!("{suite:?}: protect {protect} ns, unprotect {unprotect} ns");
    }
}

/// Nanoseconds per packet, protecting and unprotecting.
fn round(suite: SrtpCryptoSuite, payload: usize, streams: usize) -> (u128, u128) {
    let master = MasterKey::new(suite, &vec![7; suite.key_and_salt_len()]).expect("right length");
    let mut send = SrtpSend::new(&master, streams);
    let mut receive = SrtpReceive::new(&master, streams);
    let mut places = vec![StreamIndex::default(); streams];
    let plain: Vec<Vec<u8>> = (0..PACKETS).map(|n| packet(n, streams, payload)).collect();
    let mut sealed = vec![vec![0; 12 + payload + MAX_PROTECTION_OVERHEAD]; PACKETS];
    let mut len = 0;

    let start = Instant::now();
    for (n, (buffer, plain)) in sealed.iter_mut().zip(&plain).enumerate() {
        buffer[..plain.len()].copy_from_slice(plain);
        len = send
            .protect_rtp_at(&mut places[n % streams], buffer, plain.len())
            .expect("a fresh packet is protected");
    }
    let protect = start.elapsed();

    let mut scratch = vec![0; len];
    let start = Instant::now();
    for buffer in &sealed {
        scratch.copy_from_slice(&buffer[..len]);
        receive
            .unprotect_rtp(&mut scratch)
            .expect("our own packet is read");
    }
    let unprotect = start.elapsed();
    (
        protect.as_nanos() / PACKETS as u128,
        unprotect.as_nanos() / PACKETS as u128,
    )
}

fn packet(n: usize, streams: usize, payload: usize) -> Vec<u8> {
    let sequence = u16::try_from(n / streams % 65_536).expect("reduced");
    let ssrc = u32::try_from(n % streams).expect("few streams");
    let mut packet = vec![0x80, 96];
    packet.extend(sequence.to_be_bytes());
    packet.extend([0; 4]);
    packet.extend(ssrc.to_be_bytes());
    packet.resize(12 + payload, 0x5a);
    packet
}

const PACKETS: usize = 5000;
const ROUNDS: usize = 11;
