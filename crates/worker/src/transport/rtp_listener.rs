//! How an incoming packet finds its producer: by SSRC, else by MID, else by RID.
//!
//! RFC 9143 §9.2 lets a MID move a known SSRC to another section. Like mediasoup we do not: a known
//! SSRC stays with its producer, so that one section cannot take the stream of another.

use crate::error::RequestError;
use crate::ids::{Mid, ProducerKey, Rid, Ssrc};
use crate::params::RtpParameters;

/// The SSRC, MID and RID tables of one transport. An SSRC that comes with a known MID or RID is
/// learned, up to [`RtpListener::MAX_SSRCS`].
#[derive(Debug, Default)]
pub(crate) struct RtpListener {
    /// Sorted by SSRC.
    ssrcs: Vec<(Ssrc, ProducerKey)>,
    mids: Vec<(Mid, ProducerKey)>,
    rids: Vec<(Rid, ProducerKey)>,
}

impl RtpListener {
    /// How many SSRCs one transport may have. If a peer uses more, their packets are dropped.
    pub(crate) const MAX_SSRCS: usize = 512;

    /// Enters a producer.
    ///
    /// # Errors
    ///
    /// Refuses an SSRC or a MID that another producer of the transport has; without a MID also such
    /// a RID. Refuses a MID or RID that is empty or longer than 16 bytes, and one SSRC too many. A
    /// refusal enters nothing.
    pub(crate) fn add(
        &mut self,
        producer: ProducerKey,
        parameters: &RtpParameters,
    ) -> Result<(), RequestError> {
        let ssrcs: Vec<Ssrc> = parameters
            .encodings
            .iter()
            .flat_map(|encoding| [encoding.ssrc, encoding.rtx_ssrc])
            .flatten()
            .collect();
        for (index, ssrc) in ssrcs.iter().enumerate() {
            if self.find(*ssrc).is_some() || ssrcs[..index].contains(ssrc) {
                let problem = format!("ssrc {ssrc} already exists in the RTP listener");
                return Err(RequestError::Failed(problem));
            }
        }
        if self.ssrcs.len() + ssrcs.len() > Self::MAX_SSRCS {
            return Err(RequestError::Failed(
                "too many SSRCs in the transport".into(),
            ));
        }
        let mid = parameters
            .mid
            .as_deref()
            .map(|mid| token("rtpParameters.mid", mid))
            .transpose()?;
        if let Some(mid) = mid
            && self.mids.iter().any(|(other, _)| *other == mid)
        {
            return Err(RequestError::Failed(format!(
                "MID {mid} already exists in the RTP listener"
            )));
        }
        let rids = self.rids_to_add(mid.is_some(), parameters)?;

        for ssrc in ssrcs {
            self.learn(ssrc, producer);
        }
        self.mids.extend(mid.map(|mid| (mid, producer)));
        self.rids
            .extend(rids.into_iter().map(|rid| (rid, producer)));
        Ok(())
    }

    fn rids_to_add(
        &self,
        has_mid: bool,
        parameters: &RtpParameters,
    ) -> Result<Vec<Rid>, RequestError> {
        let mut rids = Vec::new();
        for encoding in &parameters.encodings {
            let Some(rid) = &encoding.rid else { continue };
            let rid = token("rtpParameters.encodings.rid", rid)?;
            if self.rids.iter().any(|(other, _)| *other == rid) {
                // If there is a MID, two producers may have the same RID.
                if has_mid {
                    continue;
                }
                let problem = format!("RID {rid} already exists in the RTP listener and no MID");
                return Err(RequestError::Failed(problem));
            }
            rids.push(rid);
        }
        Ok(rids)
    }

    /// Forgets everything of a producer.
    pub(crate) fn remove(&mut self, producer: ProducerKey) {
        self.ssrcs.retain(|(_, other)| *other != producer);
        self.mids.retain(|(_, other)| *other != producer);
        self.rids.retain(|(_, other)| *other != producer);
    }

    /// The producer of an SSRC.
    #[must_use]
    pub(crate) fn find(&self, ssrc: Ssrc) -> Option<ProducerKey> {
        let at = self
            .ssrcs
            .binary_search_by_key(&ssrc, |(ssrc, _)| *ssrc)
            .ok()?;
        Some(self.ssrcs[at].1)
    }

    /// The producer of a packet whose SSRC is not known yet. The SSRC is learned when
    /// [`RtpListener::learn`] is called, which the caller does once the producer accepts the
    /// packet.
    #[must_use]
    pub(crate) fn find_by_name(&self, mid: Option<Mid>, rid: Option<Rid>) -> Option<ProducerKey> {
        let by_mid = mid.and_then(|mid| self.mids.iter().find(|(other, _)| *other == mid));
        let by_rid = || rid.and_then(|rid| self.rids.iter().find(|(other, _)| *other == rid));
        by_mid
            .map(|(_, producer)| *producer)
            .or_else(|| by_rid().map(|(_, producer)| *producer))
    }

    /// Enters an SSRC; `false` when the table is full or the SSRC is someone else's.
    pub(crate) fn learn(&mut self, ssrc: Ssrc, producer: ProducerKey) -> bool {
        match self.ssrcs.binary_search_by_key(&ssrc, |(ssrc, _)| *ssrc) {
            Ok(at) => self.ssrcs[at].1 == producer,
            Err(_) if self.ssrcs.len() >= Self::MAX_SSRCS => false,
            Err(at) => {
                self.ssrcs.insert(at, (ssrc, producer));
                true
            }
        }
    }

    /// An SSRC leads nowhere any more.
    pub(crate) fn forget(&mut self, ssrc: Ssrc) {
        self.ssrcs.retain(|(other, _)| *other != ssrc);
    }

    /// All SSRCs, ascending.
    pub(crate) fn ssrcs(&self) -> impl Iterator<Item = (Ssrc, ProducerKey)> {
        self.ssrcs.iter().copied()
    }

    /// The SSRCs of a producer.
    pub(crate) fn ssrcs_of(&self, producer: ProducerKey) -> impl Iterator<Item = Ssrc> {
        self.ssrcs()
            .filter_map(move |(ssrc, owner)| (owner == producer).then_some(ssrc))
    }

    /// All MIDs.
    pub(crate) fn mids(&self) -> impl Iterator<Item = (Mid, ProducerKey)> {
        self.mids.iter().copied()
    }

    /// All RIDs.
    pub(crate) fn rids(&self) -> impl Iterator<Item = (Rid, ProducerKey)> {
        self.rids.iter().copied()
    }
}

fn token(field: &str, value: &str) -> Result<crate::ids::Token, RequestError> {
    crate::ids::Token::new(value.as_bytes())
        .ok_or_else(|| RequestError::invalid(field, "must be 1 to 16 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::Key;
    use crate::ids::Token;
    use crate::params::RtpEncodingParameters;

    fn producer(slot: u32) -> ProducerKey {
        ProducerKey::new(slot, 0)
    }

    fn parameters(mid: Option<&str>, ssrc: Option<u32>, rid: Option<&str>) -> RtpParameters {
        RtpParameters {
            mid: mid.map(Into::into),
            encodings: vec![RtpEncodingParameters {
                ssrc: ssrc.map(Ssrc),
                rtx_ssrc: ssrc.map(|ssrc| Ssrc(ssrc + 1)),
                rid: rid.map(Into::into),
                ..Default::default()
            }],
            ..Default::default()
        }
    }

    #[test]
    fn a_packet_finds_its_producer_by_ssrc_then_mid_then_rid() {
        let mut listener = RtpListener::default();
        listener
            .add(producer(0), &parameters(Some("0"), Some(10), None))
            .unwrap();
        listener
            .add(producer(1), &parameters(None, None, Some("hi")))
            .unwrap();
        assert_eq!(listener.find(Ssrc(11)), Some(producer(0)));
        assert_eq!(listener.find(Ssrc(12)), None);
        assert_eq!(
            listener.find_by_name(Token::new(b"0"), Token::new(b"hi")),
            Some(producer(0))
        );
        assert_eq!(
            listener.find_by_name(None, Token::new(b"hi")),
            Some(producer(1))
        );
        assert_eq!(listener.find_by_name(Token::new(b"9"), None), None);
    }

    #[test]
    fn a_refused_producer_leaves_nothing_behind() {
        let mut listener = RtpListener::default();
        listener
            .add(producer(0), &parameters(Some("0"), Some(10), Some("a")))
            .unwrap();
        for refused in [
            parameters(Some("1"), Some(10), None),
            parameters(Some("0"), Some(20), None),
            parameters(None, Some(20), Some("a")),
            parameters(Some("a-mid-of-17-byte"), Some(9), None),
            parameters(Some("a-mid-of-17-bytes"), Some(20), None),
        ] {
            assert!(listener.add(producer(1), &refused).is_err());
            assert_eq!(listener.find(Ssrc(20)), None);
        }
        assert!(
            listener
                .add(producer(1), &parameters(Some("1"), Some(20), Some("a")))
                .is_ok()
        );
        listener.remove(producer(0));
        assert_eq!(listener.find(Ssrc(10)), None);
        assert!(
            listener
                .add(producer(2), &parameters(Some("0"), Some(10), None))
                .is_ok()
        );
    }

    #[test]
    fn a_peer_cannot_grow_the_table_without_bound() {
        let mut listener = RtpListener::default();
        let learned = (0..2000)
            .filter(|ssrc| listener.learn(Ssrc(*ssrc), producer(0)))
            .count();
        assert_eq!(learned, RtpListener::MAX_SSRCS);
        assert!(!listener.learn(Ssrc(3), producer(1)));
    }
}
