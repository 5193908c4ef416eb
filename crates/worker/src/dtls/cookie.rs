//! The cookie that a client echoes to show that it receives what we send (RFC 6347 §4.2.1).

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::rand::fill;

use super::handshake::{HELLO_VERIFY_REQUEST, message, plaintext_record};
use super::record::Content;
use super::session::SessionError;

/// The cookie of one session. Whoever asks gets the same one, so it makes no difference to a client
/// whose first message it answers: a client that gets the answer to a forged message goes on.
#[derive(Clone, Copy)]
pub(super) struct Cookie([u8; COOKIE_LEN]);

impl Cookie {
    /// A new one.
    ///
    /// # Errors
    ///
    /// [`SessionError`] when the system has no randomness.
    pub(super) fn draw() -> Result<Self, SessionError> {
        let mut bytes = [0; COOKIE_LEN];
        fill(&mut bytes).map_err(|error| SessionError(error.to_string()))?;
        Ok(Self(bytes))
    }

    pub(super) const fn bytes(&self) -> &[u8; COOKIE_LEN] {
        &self.0
    }

    /// Whether a client has echoed it. Takes the same time whatever the client says.
    pub(super) fn is_echoed(&self, echo: &[u8]) -> bool {
        verify_slices_are_equal(&self.0, echo).is_ok()
    }

    /// The datagram that asks a client for it. It is shorter than any first message. The RFC has the
    /// server take the record number from the message that it answers. A forged number would move
    /// the client's window beyond all that we send, so the number is always that of a first record.
    pub(super) fn request(&self) -> Vec<u8> {
        let len = u8::try_from(COOKIE_LEN).unwrap_or(u8::MAX);
        let body = [&DTLS_1_0[..], &[len], &self.0].concat();
        plaintext_record(
            Content::Handshake,
            0,
            &message(HELLO_VERIFY_REQUEST, 0, &body),
        )
    }
}

/// That of the second engine.
pub(super) const COOKIE_LEN: usize = 20;
/// RFC 6347 §4.2.1: servers "SHOULD use DTLS version 1.0 regardless of the version of TLS that is
/// expected to be negotiated".
const DTLS_1_0: [u8; 2] = [0xfe, 0xff];
