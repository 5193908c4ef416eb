//! Tureen's media worker: a deterministic, sans-IO SFU core and a thin mio shell around it.
//!
//! The core's layers, from the bottom: base (this list's first block), bytes (`wire`, `codecs`),
//! parts (`srtp`, `dtls`, `ice`, `bwe`, `streams`), entities, transport, graph, edge. A module uses the ones
//! above it in that order, never those below; `tests/tidy` enforces it.

pub mod arena;
pub mod binder;
pub mod bwe;
pub mod channel;
pub mod codecs;
mod consumer;
pub mod dtls;
pub mod error;
#[doc(hidden)]
pub mod fuzz;
pub mod ice;
pub mod ids;
mod io;
pub mod log;
pub mod messages;
pub mod output;
pub mod params;
mod producer;
pub mod rng;
mod router;
pub mod settings;
pub mod srtp;
pub mod streams;
pub mod time;
pub mod timers;
mod transport;
mod webrtc_server;
pub mod wire;
mod worker;

pub use io::run;
pub use worker::{CoreSettings, Counters, Drain, Drops, Reason, Worker};
