//! Offers and answers, and nothing else of SDP anywhere: RFC 8866 text in the shapes that browsers
//! write and read (JSEP, RFC 9429), translated to and from RTP, ICE and DTLS parameters.
//!
//! A participant has two peer connections. On the **publishing** one the browser offers what it
//! sends and [`PublishOffer`] makes our answer. On the **receiving** one [`ReceiveSession`] offers
//! one media section per consumer, and reads the browser's answer. [`receive_capabilities`] reads
//! what a browser can receive from an offer that it makes for that purpose alone.
//!
//! On both we are the ICE-lite side and the DTLS server, everything is in one BUNDLE group
//! (RFC 9143) with RTP and RTCP on one port (RFC 8834), and a media section holds one stream.
//! Pure functions: no clock, no socket, no state but the list of media sections.

mod candidate;
mod codec;
mod error;
mod media;
mod publish;
mod receive;
mod text;
mod transport;
mod write;

#[cfg(test)]
mod tests;

pub(crate) use candidate::RemoteCandidate;
pub(crate) use error::SdpError;
pub(crate) use publish::{OfferedMedia, PublishOffer, receive_capabilities};
pub(crate) use receive::ReceiveSession;
pub(crate) use transport::{LocalTransport, RemoteTransport};
