//! A dependency descriptor, and one that builds on it: `cargo +nightly fuzz run
//! dependency_descriptor`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tureen_worker::internal::fuzz::dependency_descriptor(data));
