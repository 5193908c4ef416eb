//! Counters of what a transport received and dropped.

use std::sync::atomic::{AtomicU64, Ordering};

/// What became of the datagrams of one transport, since it connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PeerCounters {
    /// RTP packets decrypted and handed out.
    pub rtp_received: u64,
    /// RTCP packets decrypted and handed out.
    pub rtcp_received: u64,
    /// SRTP and SRTCP packets with a wrong form, for example too short; they never reach the
    /// ciphers.
    pub malformed: u64,
    /// SRTP and SRTCP packets that the ciphers refused: wrong tag or replayed.
    pub not_authentic: u64,
    /// SRTP and SRTCP packets that came before the handshake had completed.
    pub before_keys: u64,
    /// SRTP and SRTCP packets of a new SSRC, after the transport had reached its limit of SSRCs.
    pub too_many_ssrcs: u64,
    /// Packets dropped because nobody read the incoming queue.
    pub queue_full: u64,
    /// DTLS datagrams with a plaintext record after the handshake, and datagrams of no known
    /// protocol.
    pub ignored: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) rtp_received: Counter,
    pub(super) rtcp_received: Counter,
    pub(super) malformed: Counter,
    pub(super) not_authentic: Counter,
    pub(super) before_keys: Counter,
    pub(super) too_many_ssrcs: Counter,
    pub(super) queue_full: Counter,
    pub(super) ignored: Counter,
}

impl Counters {
    pub(super) fn snapshot(&self) -> PeerCounters {
        PeerCounters {
            rtp_received: self.rtp_received.get(),
            rtcp_received: self.rtcp_received.get(),
            malformed: self.malformed.get(),
            not_authentic: self.not_authentic.get(),
            before_keys: self.before_keys.get(),
            too_many_ssrcs: self.too_many_ssrcs.get(),
            queue_full: self.queue_full.get(),
            ignored: self.ignored.get(),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn increment(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
