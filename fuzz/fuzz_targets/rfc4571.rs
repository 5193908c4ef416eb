//! A stream of framed packets: `cargo +nightly fuzz run rfc4571`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tureen_worker::internal::fuzz::rfc4571(data));
