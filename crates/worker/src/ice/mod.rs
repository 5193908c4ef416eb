//! ICE for a server that is reachable where it says it is: the lite agent of RFC 8445 §2.7, always
//! controlled, sans-IO.
//!
//! [`LiteAgent`] answers Binding requests and decides which paths are valid and which one is
//! selected. A path becomes valid by a request whose MESSAGE-INTEGRITY was made with our password,
//! and by nothing else: what other protocols take in comes from valid paths only.
//! [`host_candidates`] is what the signalling tells the remote.

mod candidate;
mod consent;
mod credentials;
mod lite_agent;
mod tuple;

#[cfg(test)]
mod tests;

pub use candidate::{CandidatePolicy, host_candidates};
pub use consent::ConsentTimeout;
pub use lite_agent::{IceCounters, IceEvent, LiteAgent};
pub use tuple::MAX_TUPLES;
