//! The flight in which a client shows its certificate, and the proof that all of it is the
//! client's.
//!
//! Until then everything comes in plaintext, so anyone may have sent it, and the engines fail for
//! good on one wrong message. Here the messages are put together, and the client's signature over
//! the whole handshake is checked before an engine sees any of them.

use std::time::Duration;

use super::allowance::Allowance;
use super::assembly::MessageAssembly;
use super::handshake::{
    CERTIFICATE, CERTIFICATE_VERIFY, CLIENT_HELLO, CLIENT_KEY_EXCHANGE, Fragment,
    SERVER_HELLO_DONE, message, plaintext_record,
};
use super::proof::{Signature, leaf};
use super::record::Content;
use crate::params::Fingerprint;
use crate::time::Instant;

/// What was said in one handshake, and what may be the client's next flight.
pub(super) struct ClientFlight {
    /// From the client's hello to the end of our flight (RFC 5246 §7.4.8).
    transcript: Vec<u8>,
    /// Number of the client's hello among its messages.
    first: u16,
    /// Number of the next message of ours that the transcript lacks.
    next: u16,
    /// What is there of that message.
    partial: Vec<u8>,
    has_our_flight: bool,
    messages: [Candidate; 3],
}

/// The newest message of a kind that is whole.
struct Candidate {
    kind: u8,
    assembly: MessageAssembly,
    body: Option<Vec<u8>>,
    /// What will be `body` when the flight is judged.
    newest: Option<Vec<u8>>,
}

/// What a flight turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is not whole yet, or nothing came since it was judged.
    Open,
    /// It was whole, and not the client's, or there were too many of them.
    Unproven,
    /// The client's own flight: a datagram of a record for each message.
    Proven(Vec<u8>),
}

impl ClientFlight {
    /// The flight that follows a hello with this number and body.
    pub(super) fn after_hello(sequence: u16, body: &[u8]) -> Self {
        let candidate = |kind, max_len| Candidate {
            kind,
            assembly: MessageAssembly::new(max_len),
            body: None,
            newest: None,
        };
        Self {
            transcript: message(CLIENT_HELLO, sequence, body),
            first: sequence,
            next: sequence,
            partial: Vec::new(),
            has_our_flight: false,
            messages: [
                candidate(CERTIFICATE, MAX_CERTIFICATE),
                candidate(CLIENT_KEY_EXCHANGE, MAX_MESSAGE),
                candidate(CERTIFICATE_VERIFY, MAX_MESSAGE),
            ],
        }
    }

    /// Whether an engine has answered the hello.
    pub(super) const fn is_answered(&self) -> bool {
        self.next > self.first || !self.partial.is_empty()
    }

    /// Takes a fragment that we send. Repetitions add nothing.
    pub(super) fn note_sent(&mut self, fragment: &Fragment<'_>) {
        let is_next = fragment.sequence == self.next && fragment.offset == self.partial.len();
        if self.has_our_flight || !is_next {
            return;
        }
        self.partial.extend_from_slice(fragment.body);
        if self.partial.len() == fragment.message_len {
            let whole = message(fragment.kind, fragment.sequence, &self.partial);
            self.transcript.extend(whole);
            self.partial.clear();
            self.next += 1;
            self.has_our_flight = fragment.kind == SERVER_HELLO_DONE;
        }
    }

    /// Takes a fragment that somebody sent. Returns false if it is of no message of this flight, or
    /// comes too early.
    pub(super) fn take(&mut self, fragment: &Fragment<'_>) -> bool {
        let mut numbered = (self.first + 1..).zip(&mut self.messages);
        let this = numbered
            .find(|(number, one)| fragment.sequence == *number && fragment.kind == one.kind);
        let Some((_, one)) = this.filter(|_| self.has_our_flight) else {
            return false;
        };
        if let Some(whole) = one.assembly.push(fragment) {
            one.newest = Some(whole.body);
        }
        true
    }

    /// Judges the flight with what came since the last time. It costs up to three hashes of a
    /// certificate, and much more if a check is allowed.
    pub(super) fn judge(&mut self, now: Instant, checks: &mut Checks) -> Verdict {
        let [shown, ..] = &mut self.messages;
        let held = shown.body.as_deref().zip(shown.newest.as_deref());
        let is_strange =
            held.is_some_and(|(held, newest)| checks.expects(held) && !checks.expects(newest));
        if is_strange {
            shown.newest = None;
        }
        let mut has_news = false;
        for one in &mut self.messages {
            if let Some(newest) = one.newest.take() {
                one.body = Some(newest);
                has_news = true;
            }
        }
        let bodies = self.messages.each_ref().map(|one| one.body.as_deref());
        let (true, [Some(certificate), Some(key_exchange), Some(verify)]) = (has_news, bodies)
        else {
            return if is_strange {
                Verdict::Unproven
            } else {
                Verdict::Open
            };
        };
        let signature = Signature::read(verify);
        let Some(signature) = signature.filter(|_| checks.take(now, certificate)) else {
            return Verdict::Unproven;
        };
        let mut signed = self.transcript.clone();
        signed.extend(message(CERTIFICATE, self.first + 1, certificate));
        signed.extend(message(CLIENT_KEY_EXCHANGE, self.first + 2, key_exchange));
        if !signature.holds(certificate, &signed) {
            return Verdict::Unproven;
        }
        Verdict::Proven(self.datagram())
    }

    /// The three messages for the engine. The record numbers are ours: a forged one would move the
    /// engine's window.
    fn datagram(&self) -> Vec<u8> {
        let numbers = (self.first + 1..).zip(FIRST_RECORD..);
        let records = numbers.zip(&self.messages).map(|((number, record), one)| {
            let body = one.body.as_deref().unwrap_or_default();
            plaintext_record(Content::Handshake, record, &message(one.kind, number, body))
        });
        records.flatten().collect()
    }
}

/// How many flights are checked, which is to read the certificate and to verify the signature. Those under the certificate that the signalling names have an
/// allowance of their own, so that no stranger uses it up.
pub(super) struct Checks {
    expected: Option<Fingerprint>,
    own: Allowance,
    strange: Allowance,
}

impl Checks {
    pub(super) const fn new() -> Self {
        Self {
            expected: None,
            own: Allowance::new(32, Duration::from_millis(10)),
            strange: Allowance::new(8, Duration::from_secs(1)),
        }
    }

    /// The signalling names this certificate.
    pub(super) fn expect(&mut self, fingerprint: Fingerprint) {
        self.expected = Some(fingerprint);
    }

    fn expects(&self, certificates: &[u8]) -> bool {
        let shown = self.expected.as_ref().zip(leaf(certificates));
        shown.is_some_and(|(expected, der)| expected.matches(der))
    }

    fn take(&mut self, now: Instant, certificates: &[u8]) -> bool {
        let is_strange = self.expected.is_some() && !self.expects(certificates);
        let allowance = if is_strange {
            &mut self.strange
        } else {
            &mut self.own
        };
        allowance.take(now)
    }
}

/// The client's hellos have the records before it.
const FIRST_RECORD: u8 = 2;
/// A certificate of RSA 4096 has about 1400 bytes. Chains are of no use in WebRTC.
const MAX_CERTIFICATE: usize = 4 * 1024;
/// A signature of RSA 8192 has 1024 bytes.
const MAX_MESSAGE: usize = 1100;
