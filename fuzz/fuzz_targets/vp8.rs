//! A VP8 payload: `cargo +nightly fuzz run vp8`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tureen_worker::fuzz::vp8(data));
