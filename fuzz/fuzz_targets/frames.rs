//! A stream of frames of the worker channel: `cargo +nightly fuzz run frames`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tureen_channel_fbs::fuzz_frames(data));
