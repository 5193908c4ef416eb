//! A STUN message: `cargo +nightly fuzz run stun`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tureen_worker::internal::fuzz::stun(data));
