//! The elements of a header extension: `cargo +nightly fuzz run rtp_ext`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tureen_worker::internal::fuzz::rtp_ext(data));
