//! A VP8 payload: `cargo +nightly fuzz run vp8`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tureen_worker::internal::fuzz::vp8(data));
