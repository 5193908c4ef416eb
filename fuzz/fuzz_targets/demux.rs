//! What kind of packet a datagram is: `cargo +nightly fuzz run demux`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tureen_worker::internal::fuzz::demux(data));
