//! A VP9 payload: `cargo +nightly fuzz run vp9`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tureen_worker::internal::fuzz::vp9(data));
