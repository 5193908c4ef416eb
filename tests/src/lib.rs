//! Shared by the tests of this package: a world in virtual time, links that lose, delay and reorder
//! packets, and the parts of its peers.

pub mod chance;
pub mod link;
pub mod media;
pub mod parameters;
pub mod ports;
pub mod puppet;
pub mod relay;
pub mod script;
pub mod soak;
pub mod stage;
pub mod world;
