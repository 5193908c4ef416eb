//! DTLS 1.2 with SRTP key export (RFC 6347, RFC 5764), sans-IO.
//!
//! A transport owns a [`DtlsTransport`]. This state machine decides which datagrams reach the
//! protocol engine and when its keys come out. An engine is behind [`DtlsSession`]; there are two,
//! and [`EngineSession`] takes the one that suits the remote. [`Certificate`] is made once per
//! worker.
//!
//! What holds here whatever the engine:
//!
//! - keys leave only in [`DtlsOutput::Connected`], and only after the remote's certificate has
//!   matched the signalled fingerprint;
//! - a server's engine sees nothing of a client but its hello before the client has signed the
//!   whole handshake, and of plaintext after that one `ChangeCipherSpec` alone;
//! - what is not authenticated never ends a session;
//! - a session that does not connect fails at its deadline; failing costs the session alone;
//! - every datagram or record that is dropped is counted by its reason, except repetitions of what
//!   has had its effect.

mod allowance;
mod assembly;
mod certificate;
mod client_flight;
mod client_hello;
mod cookie;
mod dimpl_session;
mod engines;
mod fingerprint;
mod greeting;
mod handshake;
mod key_gate;
mod proof;
mod record;
mod rtc_session;
mod server;
mod session;
mod simulated_session;
mod transport;

#[cfg(test)]
mod tests;

pub use certificate::{Certificate, CertificateError};
pub use dimpl_session::{DimplContext, DimplSession};
pub use engines::{DtlsEngines, EngineSession};
pub use fingerprint::fingerprint;
pub use session::{DtlsSession, SessionDrops, SessionError, SessionEvent, SessionRole};
#[doc(hidden)]
pub use simulated_session::{SIMULATED_CERTIFICATE, simulated_keys};
pub(crate) use simulated_session::{Session, SessionSource};
pub use transport::{DtlsCounters, DtlsFailure, DtlsKeys, DtlsOutput, DtlsTransport};
