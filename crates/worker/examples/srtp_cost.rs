//! Measures what SRTP costs: nanoseconds per packet for each profile, in both directions.
//!
//! ```text
//! cargo run --release -p tureen-worker --example srtp_cost [payload bytes] [streams]
//! ```
//!
//! Every packet is first copied into its buffer, as egress does, and the copy counts. The median of
//! eleven rounds is printed.

#![expect(clippy::disallowed_methods, reason = "it measures")]

use std::time::{Duration, Instant};

use tureen_worker::internal::params::SrtpCryptoSuite;
use tureen_worker::internal::srtp::{
    MAX_PROTECTION_OVERHEAD, MasterKey, SrtpReceive, SrtpSend, StreamIndex,
};

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

/// Nanoseconds per packet for protecting and for unprotecting. Batches fit the second-level cache,
/// as they do in the worker.
fn round(suite: SrtpCryptoSuite, payload: usize, streams: usize) -> (u128, u128) {
    let master = MasterKey::new(suite, &vec![7; suite.key_and_salt_len()]).expect("right length");
    let mut send = SrtpSend::new(&master, streams);
    let mut receive = SrtpReceive::new(&master, streams);
    let mut places = vec![StreamIndex::default(); streams];
    let mut plain = vec![0x5a; 12 + payload];
    let mut sealed = vec![vec![0; 12 + payload + MAX_PROTECTION_OVERHEAD]; BATCH];
    let mut scratch = sealed[0].clone();
    let (mut protect, mut unprotect) = (Duration::ZERO, Duration::ZERO);
    for batch in 0..BATCHES {
        let mut len = 0;
        let start = Instant::now();
        for (n, buffer) in sealed.iter_mut().enumerate() {
            let packet = batch * BATCH + n;
            write_header(&mut plain, packet / streams, packet % streams);
            buffer[..plain.len()].copy_from_slice(&plain);
            len = send
                .protect_rtp_at(&mut places[packet % streams], buffer, plain.len())
                .expect("a fresh packet is protected");
        }
        protect += start.elapsed();
        let start = Instant::now();
        for buffer in &sealed {
            scratch[..len].copy_from_slice(&buffer[..len]);
            receive
                .unprotect_rtp(&mut scratch[..len])
                .expect("our own packet is read");
        }
        unprotect += start.elapsed();
    }
    let packets = (BATCH * BATCHES) as u128;
    (protect.as_nanos() / packets, unprotect.as_nanos() / packets)
}

fn write_header(packet: &mut [u8], sequence: usize, ssrc: usize) {
    let sequence = u16::try_from(sequence % 65_536).expect("reduced");
    let ssrc = u32::try_from(ssrc).expect("few streams");
    packet[..2].copy_from_slice(&[0x80, 96]);
    packet[2..4].copy_from_slice(&sequence.to_be_bytes());
    packet[8..12].copy_from_slice(&ssrc.to_be_bytes());
}

const BATCH: usize = 256;
const BATCHES: usize = 40;
const ROUNDS: usize = 11;
