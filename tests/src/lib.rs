//! Shared by the tests of this package: a world in virtual time with links that lose, delay and
//! reorder, and what its peers are made of.

pub mod chance;
pub mod link;
pub mod media;
pub mod parameters;
pub mod ports;
pub mod puppet;
pub mod relay;
pub mod script;
pub mod stage;
pub mod world;
