//! Offers and answers, and nothing else of SDP anywhere: RFC 8866 text in the shapes that browsers
//! write and read (JSEP, RFC 9429), translated to and from RTP, ICE and DTLS parameters.
//!
//! Who offers is a matter of the dialect. Where the client offers, [`Offer`] is what it says and an
//! [`Answerer`] writes our answers; where we offer, an [`Offerer`] keeps the list of media
//! sections, writes the offers and reads the answers. [`receive_capabilities`] reads what a client
//! can receive from an offer that it makes for that purpose alone.
//!
//! We are always the ICE-lite side and the DTLS server, everything is in one BUNDLE group
//! (RFC 9143) with RTP and RTCP on one port (RFC 8834), and a media section holds one stream each
//! way. What a section says that we cannot use spoils that section at most: the answer rejects it,
//! and the others flow. Pure functions and small machines: no clock, no socket, nothing of rooms or routers.

mod answerer;
mod bundle;
mod candidate;
mod capabilities;
mod codec;
mod error;
mod fragment;
mod media;
mod negotiate;
mod offer;
mod offerer;
mod streams;
mod text;
mod transport;
mod write;

#[cfg(test)]
mod bounds;
#[cfg(test)]
mod leniency;
#[cfg(test)]
mod tests;

pub(crate) use answerer::Answerer;
pub(crate) use candidate::RemoteCandidate;
pub(crate) use capabilities::receive_capabilities;
pub(crate) use error::SdpError;
pub(crate) use fragment::IceFragment;
pub(crate) use offer::{Accepted, Offer, OfferedMedia};
pub(crate) use offerer::Offerer;
