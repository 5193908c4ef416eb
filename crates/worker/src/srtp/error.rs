//! Why a packet is neither protected nor unprotected.

/// Why a packet was refused. Only the packet is lost; no state has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SrtpError {
    /// The RTP or RTCP header is cut short or its version is not 2, or there is no room for what
    /// the profile appends.
    #[error("malformed header or packet too short")]
    Malformed,
    /// The tag does not verify: the packet is forged or damaged, or has another key. The buffer
    /// must not be read.
    #[error("authentication failed")]
    AuthenticationFailed,
    /// The index was seen before (RFC 3711 §3.3.2). On the sending side: the index was used before,
    /// and using it again would repeat a nonce.
    #[error("replayed index")]
    Replayed,
    /// The index is too old for the replay window to know it.
    #[error("index older than the replay window")]
    TooOld,
    /// On the sending side: the SSRC was released, and its indices are not used again.
    #[error("the SSRC has ended in this session")]
    SpentSsrc,
    /// The session holds as many SSRCs as it may, or has sent as many as it may remember.
    #[error("too many SSRCs in the session")]
    TooManyStreams,
    /// An SRTCP packet with its E flag clear: unencrypted control packets are not accepted.
    #[error("SRTCP packet is not encrypted")]
    NotEncrypted,
    /// The key has protected as many packets as it may (RFC 3711 §9.2).
    #[error("key exhausted")]
    KeyExhausted,
    /// The buffer has no room for the tag.
    #[error("no room for the tag")]
    NoRoom,
}
