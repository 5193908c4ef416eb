//! A compound RTCP packet: `cargo +nightly fuzz run rtcp`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tureen_worker::internal::fuzz::rtcp(data));
