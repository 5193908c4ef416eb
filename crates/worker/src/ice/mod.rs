//! ICE for a server that is reachable at the address that it announces: the lite agent of RFC 8445
//! §2.7, always controlled, sans-IO.
//!
//! [`LiteAgent`] answers Binding requests and decides which paths are valid and which one is
//! selected. Only a request whose MESSAGE-INTEGRITY was made with our password makes a path valid.
//! Other protocols take packets from valid paths only. [`host_candidates`] makes the candidates
//! that signalling sends to the remote.

mod candidate;
mod consent;
mod credentials;
mod lite_agent;
mod tuple;

#[cfg(test)]
mod tests;

pub(crate) use candidate::{CandidatePolicy, host_candidates};
pub(crate) use consent::ConsentTimeout;
pub(crate) use lite_agent::{IceCounters, IceEvent, LiteAgent};
