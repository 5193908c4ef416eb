//! ICE, DTLS and SRTP of one peer, from candidates to decrypted packets.
//!
//! ```text
//! Agent (ice) ── receive task ── demux ─┬─ DTLS ── DtlsPath ── DTLSConn
//!                                       └─ SRTP, SRTCP ── SrtpInbound ── Incoming
//! PeerSender ── SrtpOutbound ── Agent
//! ```
//!
//! The receive task and the driver task belong to one [`PeerTransport`]; dropping it stops both.

mod counters;
mod demux;
mod driver;
mod dtls;
mod dtls_path;
mod ice;
mod peer;
mod receive;
mod sender;
mod srtp;
#[cfg(test)]
mod tests;

pub use counters::PeerCounters;
pub use driver::{CloseReason, PeerState, PeerTransport};
pub use ice::{IceRole, LocalAddresses};
pub use peer::{Peer, PeerConfig};
pub use receive::Incoming;
pub use sender::{PeerSender, SendError};
