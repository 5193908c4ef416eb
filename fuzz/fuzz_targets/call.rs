//! A call between two peers who have the keys: `cargo +nightly fuzz run call`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tureen_tests::script::play(data));
