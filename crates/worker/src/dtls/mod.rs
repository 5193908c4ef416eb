//! DTLS 1.2 with SRTP key export (RFC 6347, RFC 5764), sans-IO.
//!
//! [`DtlsTransport`] is what a transport owns: the state machine that decides which datagrams reach
//! the protocol engine and when its keys come out. The engine itself stands behind [`DtlsSession`];
//! [`DimplSession`] is the one in use. [`Certificate`] is made once per worker.
//!
//! What holds here whatever the engine:
//!
//! - keys leave only by [`DtlsOutput::Connected`], and only after the remote's certificate has
//!   matched the fingerprint that was signalled;
//! - nothing unauthenticated reaches an engine that has connected, but for what makes it repeat its
//!   last flight;
//! - a session that does not connect fails at its deadline; failing costs the session alone;
//! - every datagram or record that is dropped is counted by its reason.

mod certificate;
mod dimpl_session;
mod fingerprint;
mod key_gate;
mod record;
mod session;
mod transport;

#[cfg(test)]
mod tests;

pub use certificate::{Certificate, CertificateError};
pub use dimpl_session::{DimplContext, DimplSession};
pub use fingerprint::{certificate_pem, fingerprint};
pub use session::{DtlsSession, SessionError, SessionEvent, SessionRole};
pub use transport::{
    DtlsCounters, DtlsFailure, DtlsKeys, DtlsOutput, DtlsTransport, HANDSHAKE_TIMEOUT,
};
