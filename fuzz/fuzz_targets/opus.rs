//! An Opus payload: `cargo +nightly fuzz run opus`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tureen_worker::internal::fuzz::opus(data));
