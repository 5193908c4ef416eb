//! An AV1 payload: `cargo +nightly fuzz run av1`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tureen_worker::internal::fuzz::av1(data));
