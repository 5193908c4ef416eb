//! WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep-04): a client publishes into a room, or plays a
//! person of it, by one HTTP request with an SDP offer.
//!
//! An adapter like every dialect: `requests` are the HTTP side, `offers` translates an offer into
//! what a [`Participant`](crate::participant::Participant) does, a session is one participant served
//! by one task. What clients see is in `docs/whip.md`.

mod offers;
mod requests;
mod session;

#[cfg(test)]
mod tests;

pub(super) use requests::routes;
