//! An RTP packet and its header extension: `cargo +nightly fuzz run rtp`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tureen_worker::internal::fuzz::rtp(data));
