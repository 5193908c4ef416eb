//! The seam between the state machine and a DTLS engine.

use crate::params::Fingerprint;
use crate::srtp::SrtpKeys;
use crate::time::Instant;

/// A DTLS engine, sans-IO. After each input, poll it until [`SessionEvent::Idle`]. An error ends
/// it: drop it without another call. There is one exception, for who stands before an engine: when a
/// record that may be a `Finished` does not authenticate, the engine may refuse it and goes on.
pub trait DtlsSession {
    /// Starts the handshake, as client or as server.
    ///
    /// # Errors
    ///
    /// [`SessionError`] when the engine cannot start.
    fn start(&mut self, now: Instant, role: SessionRole) -> Result<(), SessionError>;

    /// Takes one or more whole records of a datagram.
    ///
    /// # Errors
    ///
    /// [`SessionError`] when the handshake has failed or the remote has ended it.
    fn handle_records(&mut self, now: Instant, records: &[u8]) -> Result<(), SessionError>;

    /// Advances time: repeats a flight that is due.
    ///
    /// # Errors
    ///
    /// [`SessionError`] when there were repetitions enough.
    fn handle_timeout(&mut self, now: Instant) -> Result<(), SessionError>;

    /// Takes data to send, at most one record. The session must be connected.
    ///
    /// # Errors
    ///
    /// [`SessionError`] if it cannot be queued; the session goes on.
    fn send(&mut self, data: &[u8]) -> Result<(), SessionError>;

    /// The next thing to do. Data to send and received data lie at the start of `buffer`, which
    /// holds at least [`MAX_DATAGRAM`](crate::output::MAX_DATAGRAM) bytes.
    fn poll(&mut self, buffer: &mut [u8]) -> SessionEvent;

    /// Queues the alert that ends the session, if it is connected.
    fn close(&mut self);

    /// Says which certificate the signalling has named. Flights under another one are checked less
    /// often, and do not take the place of one under this. What is accepted is decided elsewhere.
    fn expect(&mut self, _: &Fingerprint) {}

    /// What the session has dropped so far.
    fn drops(&self) -> SessionDrops {
        SessionDrops::default()
    }
}

/// What a session dropped before an engine saw it, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionDrops {
    /// First messages of clients that were not served: another one is, or there were too many.
    pub hellos: u64,
    /// Messages that are whole and not signed by the client, records that do not authenticate, and
    /// those beyond what is checked.
    pub unproven: u64,
    /// Records and fragments that no handshake needs, or not at this point.
    pub unneeded: u64,
}

/// Who sends the first message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionRole {
    /// We do.
    Client,
    /// The remote does.
    Server,
}

/// What [`DtlsSession::poll`] yields.
#[derive(Debug)]
pub enum SessionEvent {
    /// A datagram of this length to send.
    Datagram(usize),
    /// The remote's certificate in DER. Nothing was checked but its own signature.
    PeerCertificate(Vec<u8>),
    /// The handshake is complete. If there are no keys, the two sides have no SRTP profile in
    /// common.
    Connected(Option<SrtpKeys>),
    /// Received data of this length.
    ApplicationData(usize),
    /// The remote has closed the session.
    Closed,
    /// The engine cannot go on.
    Failed(SessionError),
    /// Nothing to do before this instant.
    Idle(Option<Instant>),
}

/// Why an engine gave up, in its own words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SessionError(pub String);
