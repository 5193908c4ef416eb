//! A headless WebRTC client on tokio: the independent peer of the tests and the bot behind `tureen
//! join`.
//!
//! ICE, DTLS and SRTP come from `webrtc-ice`, `webrtc-dtls` and `webrtc-srtp`; nothing here shares
//! code with the media worker, so a call between the two tests both. RTP, RTCP and VP8 are written
//! here from their RFCs.
//!
//! - [`Peer`] gathers candidates and makes a certificate; [`Peer::connect`] turns it into a
//!   [`PeerTransport`]: ICE, then DTLS with the fingerprint checked, then SRTP.
//! - [`demo`] sends a prepared test picture (VP8) and tone (Opus) as RTP, with sender reports,
//!   retransmission and key frames on request; it runs no encoder.
//! - [`receiver`] counts what arrives per SSRC, puts VP8 frames together and writes receiver
//!   feedback.
//! - [`rtp`] and [`rtcp`] are the checked packet views and writers that the two share.
//!
//! The peer speaks UDP alone. `webrtc-ice` has no active TCP candidates, so the remote side's TCP
//! candidates are ignored.

pub mod demo;

pub mod receiver;
pub mod rtcp;
pub mod rtp;

mod error;
mod params;
mod random;
mod transport;

pub use error::PeerError;
pub use params::{
    DtlsFingerprint, DtlsRole, FingerprintError, HashAlgorithm, IceCandidate, IceCandidateError,
    IceProtocol, LocalParameters, RemoteParameters, SrtpProfile,
};
pub use random::random_u32;
pub use transport::{
    CloseReason, IceRole, Incoming, LocalAddresses, Peer, PeerConfig, PeerCounters, PeerSender,
    PeerState, PeerTransport, SendError,
};
