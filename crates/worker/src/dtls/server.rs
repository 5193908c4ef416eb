//! A server, and what it lets its engine see.
//!
//! The engines fail for good on one wrong message. Everything up to the client's `Finished` comes
//! from an address that anyone may have forged, and most of it in plaintext. So an engine sees a
//! hello, then the client's own flight once its signature holds, then one `ChangeCipherSpec`, and
//! from there on only protected records. RFC 6347 §4.1.2.7: "invalid records SHOULD be silently
//! discarded".

use std::sync::Arc;
use std::time::Duration;

use super::allowance::Allowance;
use super::client_flight::Verdict;
use super::client_hello::ClientHello;
use super::cookie::Cookie;
use super::engines::{DtlsEngines, Engine};
use super::greeting::{Answer, Greeting};
use super::handshake::{
    CLIENT_HELLO, Fragment, fragments, message, plaintext_fragments, plaintext_record, records,
};
use super::record::{Content, Record};
use super::session::{DtlsSession, SessionDrops, SessionError, SessionEvent, SessionRole};
use crate::params::Fingerprint;
use crate::time::Instant;

/// A server's session by the engine that suits the client.
pub(super) struct ServerSession {
    engines: Arc<DtlsEngines>,
    engine: Engine,
    stage: Stage,
    cookie: Cookie,
    /// What is sent besides that of the engine. There is one such datagram at each stage, and once
    /// is enough for all that asked for it.
    own: Option<Vec<u8>>,
    drops: SessionDrops,
}

enum Stage {
    /// Anyone may be there.
    Greeting(Box<Greeting>),
    /// The client has signed the handshake. Its `Finished` is still to come.
    Proven {
        is_encrypted: bool,
        tries: Allowance,
        last_flight: Vec<u8>,
    },
    Connected {
        last_flight: Vec<u8>,
        repetitions: Allowance,
    },
}

impl ServerSession {
    /// # Errors
    ///
    /// [`SessionError`] when the system has no randomness.
    pub(super) fn new(engines: Arc<DtlsEngines>) -> Result<Self, SessionError> {
        let cookie = Cookie::draw()?;
        Ok(Self {
            engines,
            engine: Engine::Open,
            stage: Stage::Greeting(Box::new(Greeting::new(cookie))),
            cookie,
            own: None,
            drops: SessionDrops::default(),
        })
    }

    /// The signalling names the client's certificate.
    pub(super) fn expect(&mut self, fingerprint: Fingerprint) {
        if let Stage::Greeting(greeting) = &mut self.stage {
            greeting.expect(fingerprint);
        }
    }

    pub(super) const fn drops(&self) -> SessionDrops {
        self.drops
    }

    /// # Errors
    ///
    /// [`SessionError`] when the engine refuses what the client has signed or protected.
    pub(super) fn handle_records(
        &mut self,
        now: Instant,
        datagram: &[u8],
    ) -> Result<(), SessionError> {
        self.handle_plaintext(now, datagram)?;
        records(datagram)
            .filter(|(record, _)| !is_plaintext(*record))
            .try_for_each(|(record, bytes)| self.handle_record(now, record, bytes))
    }

    fn handle_record(
        &mut self,
        now: Instant,
        record: Record,
        bytes: &[u8],
    ) -> Result<(), SessionError> {
        let payload = record.payload(bytes);
        match (record.content, record.epoch) {
            (Content::ChangeCipherSpec, 0) => self.handle_change_cipher_spec(now, payload),
            (Content::Handshake, 1) => {
                self.handle_finished(now, record.number, bytes);
                Ok(())
            }
            (Content::Alert | Content::ApplicationData, 1)
                if matches!(self.stage, Stage::Connected { .. }) && !payload.is_empty() =>
            {
                self.engine.handle_records(now, bytes)
            }
            _ => {
                self.drops.unneeded += 1;
                Ok(())
            }
        }
    }

    /// Takes the plaintext messages of a datagram. Anyone may have cut them into very many
    /// fragments, so a datagram has few, and the flight is judged once for it.
    fn handle_plaintext(&mut self, now: Instant, datagram: &[u8]) -> Result<(), SessionError> {
        let mut left = MAX_FRAGMENTS;
        for (record, bytes) in records(datagram).filter(|(record, _)| is_plaintext(*record)) {
            let Some(fragments) = fragments(record.payload(bytes)) else {
                self.drops.unneeded += 1;
                continue;
            };
            let (taken, beyond) = fragments.split_at(left.min(fragments.len()));
            taken.iter().for_each(|one| self.handle_fragment(now, one));
            left -= taken.len();
            self.drops.unneeded += beyond.len() as u64;
        }
        self.judge(now)
    }

    fn handle_fragment(&mut self, now: Instant, fragment: &Fragment<'_>) {
        // A client that misses our last flight repeats its own. What asks for ours is its
        // `Finished`.
        let Stage::Greeting(greeting) = &mut self.stage else {
            return;
        };
        if Greeting::is_hello(fragment) {
            let answer = greeting.hear(now, fragment);
            self.answer(now, answer);
        } else if !greeting.take(fragment) {
            self.drops.unneeded += 1;
        }
    }

    fn judge(&mut self, now: Instant) -> Result<(), SessionError> {
        let Stage::Greeting(greeting) = &mut self.stage else {
            return Ok(());
        };
        match greeting.judge(now) {
            Verdict::Open => {}
            Verdict::Unproven => self.drops.unproven += 1,
            Verdict::Proven(flight) => {
                self.stage = Stage::Proven {
                    is_encrypted: false,
                    tries: Allowance::new(1_024, Duration::from_millis(1)),
                    last_flight: Vec::new(),
                };
                self.engine.settle();
                self.engine.handle_records(now, &flight)?;
            }
        }
        Ok(())
    }

    fn answer(&mut self, now: Instant, answer: Answer) {
        let served = match answer {
            Answer::Wait => Ok(()),
            Answer::Refuse => {
                self.drops.hellos += 1;
                Ok(())
            }
            Answer::Ask => {
                self.own = Some(self.cookie.request());
                Ok(())
            }
            Answer::Repeat(body) => self.engine.handle_records(now, &first_hello(&body)),
            Answer::Serve {
                hello,
                body,
                has_cookie,
            } => self.serve(now, &hello, &body, has_cookie),
        };
        if served.is_err() {
            self.drops.hellos += 1;
            self.give_up_engine();
        }
    }

    fn serve(
        &mut self,
        now: Instant,
        hello: &ClientHello,
        body: &[u8],
        has_cookie: bool,
    ) -> Result<(), SessionError> {
        self.engine = if has_cookie {
            let session = self.engines.rtc.session(now, self.cookie, hello, body)?;
            Engine::Rtc(Box::new(session))
        } else {
            let mut session = self.engines.dimpl.session();
            session.start(now, SessionRole::Server)?;
            session.handle_records(now, &first_hello(body))?;
            Engine::Dimpl(Box::new(session))
        };
        Ok(())
    }

    /// Nobody has proven to be the client, so whatever the engine failed for is no end.
    fn give_up_engine(&mut self) {
        self.engine = Engine::Open;
        if let Stage::Greeting(greeting) = &mut self.stage {
            greeting.forget();
        }
    }

    fn handle_change_cipher_spec(
        &mut self,
        now: Instant,
        payload: &[u8],
    ) -> Result<(), SessionError> {
        match &mut self.stage {
            Stage::Proven { is_encrypted, .. } if !*is_encrypted && payload == [1] => {
                *is_encrypted = true;
                let record = plaintext_record(Content::ChangeCipherSpec, CCS_RECORD, payload);
                self.engine.handle_records(now, &record)
            }
            // The client's repetitions have one as well.
            Stage::Proven { .. } | Stage::Connected { .. } if payload == [1] => Ok(()),
            _ => {
                self.drops.unneeded += 1;
                Ok(())
            }
        }
    }

    /// Takes a record that may be the client's `Finished`. Whether it is shows in the engine, which
    /// refuses any other and goes on. Its length and number bound what an engine keeps of those that
    /// are the client's and not a `Finished`.
    fn handle_finished(&mut self, now: Instant, number: u64, record: &[u8]) {
        match &mut self.stage {
            Stage::Proven {
                is_encrypted: true,
                tries,
                ..
            } if record.len() <= MAX_FINISHED && number < MAX_PROTECTED => {
                let is_taken = tries.take(now) && self.engine.handle_records(now, record).is_ok();
                self.drops.unproven += u64::from(!is_taken);
            }
            // RFC 6347 §4.2.4: "the node that transmits the last flight … MUST respond to a
            // retransmit of the peer's last flight with a retransmit of the last flight". A forged
            // one costs less than itself.
            Stage::Connected {
                last_flight,
                repetitions,
            } if last_flight.len() <= record.len() + CCS_LEN => {
                if !last_flight.is_empty() && repetitions.take(now) {
                    self.own = Some(last_flight.clone());
                }
            }
            _ => self.drops.unneeded += 1,
        }
    }

    /// # Errors
    ///
    /// [`SessionError`] when the client has proven itself and says no more.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> Result<(), SessionError> {
        if !self.may_repeat() {
            return Ok(());
        }
        let result = self.engine.handle_timeout(now);
        if result.is_err() && matches!(self.stage, Stage::Greeting(_)) {
            self.give_up_engine();
            return Ok(());
        }
        result
    }

    fn may_repeat(&self) -> bool {
        match &self.stage {
            Stage::Greeting(greeting) => greeting.may_repeat(),
            Stage::Proven { .. } | Stage::Connected { .. } => true,
        }
    }

    fn is_unanswered(&self) -> bool {
        matches!(&self.stage, Stage::Greeting(greeting) if greeting.is_unanswered())
    }

    pub(super) fn send(&mut self, data: &[u8]) -> Result<(), SessionError> {
        self.engine.send(data)
    }

    pub(super) fn close(&mut self) {
        self.engine.close();
    }

    pub(super) fn poll(&mut self, buffer: &mut [u8]) -> SessionEvent {
        let event = self.poll_engine(buffer);
        // A client that was answered by the engine must not get a request for a cookie before that.
        // After it, the request has the number of a record that the client has seen.
        if matches!(event, SessionEvent::Idle(_))
            && let Some(datagram) = self.own.take()
            && let Some(place) = buffer.get_mut(..datagram.len())
        {
            place.copy_from_slice(&datagram);
            return SessionEvent::Datagram(datagram.len());
        }
        event
    }

    fn poll_engine(&mut self, buffer: &mut [u8]) -> SessionEvent {
        match self.engine.poll(buffer) {
            SessionEvent::Datagram(len) => {
                self.note_sent(buffer.get(..len).unwrap_or_default());
                SessionEvent::Datagram(len)
            }
            SessionEvent::Connected(keys) => {
                if let Stage::Proven { last_flight, .. } = &mut self.stage {
                    self.stage = Stage::Connected {
                        last_flight: std::mem::take(last_flight),
                        repetitions: Allowance::new(8, Duration::from_millis(100)),
                    };
                }
                SessionEvent::Connected(keys)
            }
            SessionEvent::Failed(_) if matches!(self.stage, Stage::Greeting(_)) => {
                self.give_up_engine();
                SessionEvent::Idle(None)
            }
            SessionEvent::Idle(_) if self.is_unanswered() => {
                self.give_up_engine();
                SessionEvent::Idle(None)
            }
            SessionEvent::Idle(_) if !self.may_repeat() => SessionEvent::Idle(None),
            event => event,
        }
    }

    fn note_sent(&mut self, datagram: &[u8]) {
        match &mut self.stage {
            Stage::Greeting(greeting) => {
                plaintext_fragments(datagram).for_each(|fragment| greeting.note_sent(&fragment));
            }
            Stage::Proven { last_flight, .. } | Stage::Connected { last_flight, .. } => {
                let begins =
                    |(record, _): &(Record, &[u8])| record.content == Content::ChangeCipherSpec;
                let before = records(datagram).take_while(|record| !begins(record));
                let at = before.map(|(_, bytes)| bytes.len()).sum();
                if let Some(flight) = datagram.get(at..).filter(|flight| !flight.is_empty()) {
                    *last_flight = flight.to_vec();
                }
            }
        }
    }
}

fn is_plaintext(record: Record) -> bool {
    (record.content, record.epoch) == (Content::Handshake, 0)
}

fn first_hello(body: &[u8]) -> Vec<u8> {
    plaintext_record(Content::Handshake, 0, &message(CLIENT_HELLO, 0, body))
}

/// After the two hellos and the three messages of the client's flight.
const CCS_RECORD: u8 = 5;
/// Fragments in plaintext that a datagram may have. Clients send three messages in one, and each of
/// them in two or three parts at most.
const MAX_FRAGMENTS: usize = 8;
/// Where the numbers of protected records end up to the `Finished`. A client needs one for each time
/// that it sends it. An engine takes each number once, and joins fragments by recursion.
const MAX_PROTECTED: u64 = 256;
/// The bytes of a record with a `ChangeCipherSpec`.
const CCS_LEN: usize = 14;
/// The bytes of a record with a `Finished`: headers of a record and of a message, 12 bytes, and what
/// AES-GCM adds.
const MAX_FINISHED: usize = 13 + 12 + 12 + 8 + 16;
