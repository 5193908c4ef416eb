//! The two sessions of a transport: what it receives and what it sends.

use super::SrtpError;
use super::cipher::{FlowCipher, RTCP_HEADER_LEN};
use super::key_derivation::{Flow, MasterKey};
use super::replay::{ReplayWindow, Seen, estimate_index};
use super::stream_table::{StreamIndex, StreamTable};
use crate::ids::Ssrc;
use crate::params::SrtpCryptoSuite;
use crate::wire::rtp::clear_header;

/// Unprotects what the remote sends.
pub struct SrtpReceive {
    suite: SrtpCryptoSuite,
    rtp: FlowCipher,
    rtcp: FlowCipher,
    rtp_streams: StreamTable<RtpWindow>,
    rtcp_streams: StreamTable<RtcpWindow>,
    last_rtp: StreamIndex,
    last_rtcp: StreamIndex,
}

impl SrtpReceive {
    /// A session under the remote's `master` key. It holds the state of at most `max_streams` SSRCs
    /// for RTP and as many for RTCP, about 170 and 60 bytes each.
    #[must_use]
    pub fn new(master: &MasterKey, max_streams: usize) -> Self {
        Self {
            suite: master.suite(),
            rtp: FlowCipher::new(master, Flow::Rtp),
            rtcp: FlowCipher::new(master, Flow::Rtcp),
            rtp_streams: StreamTable::new(max_streams),
            rtcp_streams: StreamTable::new(max_streams),
            last_rtp: StreamIndex::default(),
            last_rtcp: StreamIndex::default(),
        }
    }

    /// The profile of the session.
    #[must_use]
    pub const fn suite(&self) -> SrtpCryptoSuite {
        self.suite
    }

    /// Verifies and decrypts an RTP packet in place. Returns its length without the tag.
    ///
    /// # Errors
    ///
    /// [`SrtpError`]. Drop and count the packet, and do not read its bytes.
    pub fn unprotect_rtp(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        let (header, header_len) = clear_header(packet).ok_or(SrtpError::Malformed)?;
        let sequence = header.sequence_number;
        let Some(window) = self.rtp_streams.get_mut(header.ssrc, &mut self.last_rtp) else {
            self.rtp_streams.check_room()?;
            let index = u64::from(sequence);
            let len = self.rtp.open_rtp(header.ssrc, index, header_len, packet)?;
            self.rtp_streams
                .insert(header.ssrc, RtpWindow::starting_at(index));
            return Ok(len);
        };
        let index = estimate_index(window.highest(), sequence).ok_or(SrtpError::KeyExhausted)?;
        check(window, index)?;
        let len = self.rtp.open_rtp(header.ssrc, index, header_len, packet)?;
        window.accept(index);
        Ok(len)
    }

    /// Verifies and decrypts an RTCP packet in place. Returns its length without tag and index.
    ///
    /// # Errors
    ///
    /// [`SrtpError`]. Drop and count the packet, and do not read its bytes.
    pub fn unprotect_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        let ssrc = rtcp_ssrc(packet).ok_or(SrtpError::Malformed)?;
        let index = self.rtcp.rtcp_index(packet)?;
        let Some(window) = self.rtcp_streams.get_mut(ssrc, &mut self.last_rtcp) else {
            self.rtcp_streams.check_room()?;
            let len = self.rtcp.open_rtcp(ssrc, index, packet)?;
            self.rtcp_streams
                .insert(ssrc, RtcpWindow::starting_at(index.into()));
            return Ok(len);
        };
        check(window, index.into())?;
        let len = self.rtcp.open_rtcp(ssrc, index, packet)?;
        window.accept(index.into());
        Ok(len)
    }

    /// A stream has ended. Its state stays, so that captured packets of it are not accepted again.
    /// It gives way only when a new stream finds no room.
    pub fn retire(&mut self, ssrc: Ssrc) {
        self.rtp_streams.retire(ssrc);
        self.rtcp_streams.retire(ssrc);
    }

    /// An SSRC that was retired is in use again.
    pub fn resume(&mut self, ssrc: Ssrc) {
        self.rtp_streams.resume(ssrc);
        self.rtcp_streams.resume(ssrc);
    }

    /// How many SSRCs have state, for RTP and for RTCP.
    #[must_use]
    pub fn streams(&self) -> (usize, usize) {
        (self.rtp_streams.len(), self.rtcp_streams.len())
    }

    #[cfg(test)]
    pub(super) fn state(&self) -> (StreamTable<RtpWindow>, StreamTable<RtcpWindow>) {
        (self.rtp_streams.clone(), self.rtcp_streams.clone())
    }
}

/// Protects what this side sends.
pub struct SrtpSend {
    suite: SrtpCryptoSuite,
    rtp: FlowCipher,
    rtcp: FlowCipher,
    rtp_streams: StreamTable<RtpWindow>,
    next_rtcp_index: StreamTable<u32>,
    /// SSRCs that were released, sorted.
    spent: Vec<Ssrc>,
    last_rtp: StreamIndex,
    last_rtcp: StreamIndex,
}

impl SrtpSend {
    /// A session under our own `master` key, for at most `max_streams` SSRCs at a time.
    #[must_use]
    pub fn new(master: &MasterKey, max_streams: usize) -> Self {
        Self {
            suite: master.suite(),
            rtp: FlowCipher::new(master, Flow::Rtp),
            rtcp: FlowCipher::new(master, Flow::Rtcp),
            rtp_streams: StreamTable::new(max_streams),
            next_rtcp_index: StreamTable::new(max_streams),
            spent: Vec::new(),
            last_rtp: StreamIndex::default(),
            last_rtcp: StreamIndex::default(),
        }
    }

    /// The profile of the session.
    #[must_use]
    pub const fn suite(&self) -> SrtpCryptoSuite {
        self.suite
    }

    /// Encrypts the RTP packet in `buffer[..len]` and appends the tag; `buffer` has
    /// [`MAX_PROTECTION_OVERHEAD`](super::MAX_PROTECTION_OVERHEAD) bytes to spare. Returns the
    /// protected length.
    ///
    /// The index is the one that a receiver estimates from the sequence number (RFC 3711 §3.3.1): it
    /// could decrypt under no other. A number may fill a gap that the last 1,025 numbers left. One
    /// that was protected before, or that may have been, is refused in every suite: it would encrypt
    /// twice with one keystream or nonce.
    ///
    /// # Errors
    ///
    /// [`SrtpError`]. Do not send the packet; the buffer's contents are unspecified.
    pub fn protect_rtp(&mut self, buffer: &mut [u8], len: usize) -> Result<usize, SrtpError> {
        let mut hint = self.last_rtp;
        let protected = self.protect_rtp_at(&mut hint, buffer, len);
        self.last_rtp = hint;
        protected
    }

    /// [`SrtpSend::protect_rtp`] for a sender that remembers its stream's place. This avoids the
    /// search when many streams take turns.
    ///
    /// # Errors
    ///
    /// As [`SrtpSend::protect_rtp`].
    pub fn protect_rtp_at(
        &mut self,
        hint: &mut StreamIndex,
        buffer: &mut [u8],
        len: usize,
    ) -> Result<usize, SrtpError> {
        let plain = buffer.get(..len).ok_or(SrtpError::NoRoom)?;
        let (header, header_len) = clear_header(plain).ok_or(SrtpError::Malformed)?;
        let (ssrc, sequence) = (header.ssrc, header.sequence_number);
        let Some(window) = self.rtp_streams.get_mut(ssrc, hint) else {
            self.rtp_streams.check_room()?;
            self.check_new(ssrc)?;
            let index = u64::from(sequence);
            let sealed = self.rtp.seal_rtp(ssrc, index, header_len, buffer, len)?;
            self.rtp_streams.insert(ssrc, RtpWindow::starting_at(index));
            return Ok(sealed);
        };
        let index = estimate_index(window.highest(), sequence).ok_or(SrtpError::KeyExhausted)?;
        // RFC 3711 §9.1: "the same keystream MUST NOT be used to encrypt" two packets; RFC 7714 §8.1
        // asks the same of nonces. So the rule holds in every suite.
        check(window, index)?;
        let sealed = self.rtp.seal_rtp(ssrc, index, header_len, buffer, len)?;
        window.accept(index);
        Ok(sealed)
    }

    /// Encrypts the RTCP packet in `buffer[..len]` and appends tag and index; `buffer` has
    /// [`MAX_PROTECTION_OVERHEAD`](super::MAX_PROTECTION_OVERHEAD) bytes to spare. Returns the
    /// protected length.
    ///
    /// # Errors
    ///
    /// [`SrtpError`]. Do not send the packet; the buffer's contents are unspecified.
    pub fn protect_rtcp(&mut self, buffer: &mut [u8], len: usize) -> Result<usize, SrtpError> {
        let plain = buffer.get(..len).ok_or(SrtpError::NoRoom)?;
        let ssrc = rtcp_ssrc(plain).ok_or(SrtpError::Malformed)?;
        if let Some(next) = self.next_rtcp_index.get_mut(ssrc, &mut self.last_rtcp) {
            let index = *next;
            if index > MAX_RTCP_INDEX {
                return Err(SrtpError::KeyExhausted);
            }
            let sealed = self.rtcp.seal_rtcp(ssrc, index, buffer, len)?;
            *next = index + 1;
            return Ok(sealed);
        }
        self.next_rtcp_index.check_room()?;
        self.check_new(ssrc)?;
        let sealed = self.rtcp.seal_rtcp(ssrc, 0, buffer, len)?;
        self.next_rtcp_index.insert(ssrc, 1);
        Ok(sealed)
    }

    /// Forgets the state of a stream that has ended, RTP and RTCP. The SSRC is refused from now on:
    /// its indices would start over and repeat nonces. That costs 4 bytes for each SSRC that was
    /// ever sent. After 65,536 of them the session takes no new one, but those that it has go on.
    pub fn release(&mut self, ssrc: Ssrc) {
        let sent_rtp = self.rtp_streams.remove(ssrc);
        let sent_rtcp = self.next_rtcp_index.remove(ssrc);
        if let (true, Err(at)) = (sent_rtp || sent_rtcp, self.spent.binary_search(&ssrc)) {
            self.spent.insert(at, ssrc);
        }
    }

    /// Whether packets may be protected for an SSRC that has no state.
    ///
    /// # Errors
    ///
    /// [`SrtpError::SpentSsrc`] for one that was released, and [`SrtpError::TooManyStreams`] when
    /// the session takes no new one.
    pub fn check_new(&self, ssrc: Ssrc) -> Result<(), SrtpError> {
        if self.spent.binary_search(&ssrc).is_ok() {
            return Err(SrtpError::SpentSsrc);
        }
        if self.spent.len() >= MAX_SPENT {
            return Err(SrtpError::TooManyStreams);
        }
        Ok(())
    }

    /// How many SSRCs have state, for RTP and for RTCP.
    #[must_use]
    pub fn streams(&self) -> (usize, usize) {
        (self.rtp_streams.len(), self.next_rtcp_index.len())
    }

    #[cfg(test)]
    pub(super) fn set_next_rtcp_index(&mut self, ssrc: Ssrc, index: u32) {
        self.next_rtcp_index.insert(ssrc, index);
    }
}

/// The SSRC of the first packet's sender. A compound packet carries the index of this one.
fn rtcp_ssrc(packet: &[u8]) -> Option<Ssrc> {
    let [first, _, _, _, a, b, c, d] = *packet.first_chunk::<RTCP_HEADER_LEN>()?;
    (first >> 6 == 2).then(|| Ssrc(u32::from_be_bytes([a, b, c, d])))
}

fn check<const WORDS: usize>(window: &ReplayWindow<WORDS>, index: u64) -> Result<(), SrtpError> {
    match window.check(index) {
        Seen::Not => Ok(()),
        Seen::Already => Err(SrtpError::Replayed),
        Seen::TooOld => Err(SrtpError::TooOld),
    }
}

/// At least 1025 indices, which is a second of video. So a packet that a publisher's retransmission
/// fills in late may still go out in its place.
type RtpWindow = ReplayWindow<17>;
/// How far behind the highest sequence number a packet may be and still be protected.
pub(crate) const SENDER_WINDOW: u64 = RtpWindow::GUARANTEED;
/// At least 129 indices (RFC 3711 §3.3.2 asks for 64).
type RtcpWindow = ReplayWindow<3>;

/// A remote that subscribes and unsubscribes without end must not make us remember without end. This
/// is one change a second for 18 hours, or for 9 with video, which has a second SSRC for
/// retransmissions.
const MAX_SPENT: usize = 65_536;

/// The index has 31 bits (RFC 3711 §3.4). A key that has used them all is exhausted (§9.2), because
/// there is no re-keying here.
const MAX_RTCP_INDEX: u32 = (1 << 31) - 1;
