//! Whom a server answers while nobody has proven to be the client.
//!
//! A first message is in plaintext, and its sender may have forged the address. What we answer goes
//! to the client, which cannot tell to whom it answers: if it takes the flight that answers another
//! message for its own, its handshake ends. So only the first message of a session may be answered
//! at once. From the second on, a client must echo a cookie first. Who has echoed it gives way only
//! to another who has.

use std::time::Duration;

use super::allowance::Allowance;
use super::assembly::MessageAssembly;
use super::client_flight::{Checks, ClientFlight, Verdict};
use super::client_hello::ClientHello;
use super::cookie::Cookie;
use super::handshake::{CLIENT_HELLO, Fragment};
use crate::params::Fingerprint;
use crate::time::Instant;

/// A server's handshake until the client has proven itself.
pub(super) struct Greeting {
    cookie: Cookie,
    /// The first message without and with a cookie.
    hellos: [MessageAssembly; 2],
    served: Option<Served>,
    /// A client was asked for the cookie.
    has_asked: bool,
    without_cookie: Allowance,
    with_cookie: Allowance,
    checks: Checks,
}

/// The client whom the engine serves.
struct Served {
    hello: Vec<u8>,
    has_cookie: bool,
    flight: ClientFlight,
}

/// What to do with a fragment of a hello.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Nothing. The message is not whole, or it has its answer.
    Wait,
    /// Send the request for the cookie.
    Ask,
    /// Let the engine repeat its flight for this message.
    Repeat(Vec<u8>),
    /// A new engine for this message.
    Serve {
        hello: ClientHello,
        body: Vec<u8>,
        has_cookie: bool,
    },
    /// Drop it.
    Refuse,
}

impl Greeting {
    pub(super) fn new(cookie: Cookie) -> Self {
        Self {
            cookie,
            hellos: [const { MessageAssembly::new(MAX_HELLO) }; 2],
            served: None,
            has_asked: false,
            without_cookie: Allowance::new(16, Duration::from_secs(1)),
            with_cookie: Allowance::new(16, Duration::from_millis(100)),
            checks: Checks::new(),
        }
    }

    /// The signalling names this certificate.
    pub(super) fn expect(&mut self, fingerprint: Fingerprint) {
        self.checks.expect(fingerprint);
    }

    /// Whether the fragment is one of a client's first message.
    pub(super) const fn is_hello(fragment: &Fragment<'_>) -> bool {
        fragment.kind == CLIENT_HELLO && fragment.sequence < 2
    }

    /// Takes a fragment of a client's first message.
    pub(super) fn hear(&mut self, now: Instant, fragment: &Fragment<'_>) -> Answer {
        let assembly = self.hellos.get_mut(usize::from(fragment.sequence));
        let Some(whole) = assembly.and_then(|assembly| assembly.push(fragment)) else {
            return Answer::Wait;
        };
        let Some(hello) = ClientHello::parse(&whole.body) else {
            return Answer::Refuse;
        };
        let is_known = self
            .served
            .as_ref()
            .is_some_and(|one| one.hello == whole.body);
        let echo = hello.cookie.filter(|_| fragment.sequence == 1);
        if echo.is_some_and(|echo| self.cookie.is_echoed(&echo)) {
            // The engine repeats its flight by itself.
            if is_known || !whole.is_in_order {
                return Answer::Wait;
            }
            // The second engine cannot read a message that names a session.
            if hello.resumes || !self.with_cookie.take(now) {
                return Answer::Refuse;
            }
            return self.serve(hello, whole.body, true);
        }
        // A client that has taken a request expects our flight with other numbers. So after the
        // first request there is no other answer than that.
        if is_known && !self.has_asked {
            return Answer::Repeat(whole.body);
        }
        let is_free = !self.has_asked && self.served.is_none() && fragment.sequence == 0;
        let wants_first_engine = hello.offers_dtls_1_3 || hello.resumes;
        let is_sure = is_free && whole.is_in_order;
        if wants_first_engine && is_sure && self.without_cookie.take(now) {
            return self.serve(hello, whole.body, false);
        }
        if hello.resumes {
            return Answer::Refuse;
        }
        self.has_asked = true;
        Answer::Ask
    }

    fn serve(&mut self, hello: ClientHello, body: Vec<u8>, has_cookie: bool) -> Answer {
        self.served = Some(Served {
            flight: ClientFlight::after_hello(has_cookie.into(), &body),
            hello: body.clone(),
            has_cookie,
        });
        Answer::Serve {
            hello,
            body,
            has_cookie,
        }
    }

    /// Takes a fragment of what may be the client's next flight. Returns false if it is none.
    pub(super) fn take(&mut self, fragment: &Fragment<'_>) -> bool {
        let served = self.served.as_mut();
        served.is_some_and(|served| served.flight.take(fragment))
    }

    /// Judges what may be the client's flight.
    pub(super) fn judge(&mut self, now: Instant) -> Verdict {
        match &mut self.served {
            Some(served) => served.flight.judge(now, &mut self.checks),
            None => Verdict::Open,
        }
    }

    /// Takes a fragment that the engine sends.
    pub(super) fn note_sent(&mut self, fragment: &Fragment<'_>) {
        if let Some(served) = &mut self.served {
            served.flight.note_sent(fragment);
        }
    }

    /// The engine has failed, or does not answer.
    pub(super) fn forget(&mut self) {
        self.served = None;
    }

    /// Whether the engine may repeat its flight when it sees fit. It may not when the client is
    /// another, which could take the flight for its own.
    pub(super) fn may_repeat(&self) -> bool {
        let has_cookie = self.served.as_ref().is_some_and(|one| one.has_cookie);
        has_cookie || !self.has_asked
    }

    /// Whether an engine was made for a client and has sent nothing.
    pub(super) fn is_unanswered(&self) -> bool {
        let served = self.served.as_ref();
        served.is_some_and(|served| !served.flight.is_answered())
    }
}

/// Those of browsers have 1500 bytes.
const MAX_HELLO: usize = 4096;
