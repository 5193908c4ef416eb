//! An H264 payload: `cargo +nightly fuzz run h264`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tureen_worker::internal::fuzz::h264(data));
