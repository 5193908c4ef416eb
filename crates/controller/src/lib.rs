//! The library an application's signaling layer drives.

pub mod ortc;
pub mod rtp;
