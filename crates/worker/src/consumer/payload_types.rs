//! The payload types that a consumer sends.

use crate::ids::PayloadType;
use crate::params::{RtpCodecParameters, is_media};

/// What the payload types of the router become on the way to one peer.
///
/// A peer that was offered the router's numbers keeps them. One that has offered its own has to be
/// sent those (RFC 3264 §6.1), so a codec that has another number in the consumer's parameters than
/// in the router is renumbered.
#[derive(Clone, Copy)]
pub(super) struct PayloadTypes([u8; 128]);

impl PayloadTypes {
    /// `source` are the media codecs of the producer under the router's numbers.
    pub(super) fn new<'a>(
        source: impl Iterator<Item = (PayloadType, &'a RtpCodecParameters)>,
        consumer: &[RtpCodecParameters],
    ) -> Self {
        let mut sent_as = [NOT_SENT; 128];
        let media = || consumer.iter().filter(|codec| is_media(codec));
        for codec in media() {
            sent_as[index(codec.payload_type)] = codec.payload_type;
        }
        for (router, codec) in source {
            let is_same = |other: &&RtpCodecParameters| {
                other.mime_type.eq_ignore_ascii_case(&codec.mime_type)
                    && other.clock_rate == codec.clock_rate
            };
            let keeps = |other: &RtpCodecParameters| other.payload_type == router.0;
            if media().filter(is_same).any(keeps) {
                continue;
            }
            let renumbered = media().find(is_same);
            sent_as[index(router.0)] = renumbered.map_or(NOT_SENT, |codec| codec.payload_type);
        }
        Self(sent_as)
    }

    /// What a payload type of the router becomes; `None` if such packets are not forwarded.
    pub(super) fn sent_as(&self, router: u8) -> Option<PayloadType> {
        let payload_type = self.0[index(router)];
        (payload_type != NOT_SENT).then_some(PayloadType(payload_type))
    }
}

fn index(payload_type: u8) -> usize {
    usize::from(payload_type & 0x7f)
}

/// Payload types have seven bits.
const NOT_SENT: u8 = 0xff;

#[cfg(test)]
mod tests {
    use super::*;

    fn codec(mime_type: &str, payload_type: u8) -> RtpCodecParameters {
        RtpCodecParameters {
            mime_type: mime_type.to_owned(),
            payload_type,
            clock_rate: 90_000,
            channels: None,
            parameters: Vec::new(),
            rtcp_feedback: Vec::new(),
        }
    }

    fn sent_as(router: &[(&str, u8)], consumer: &[(&str, u8)], payload_type: u8) -> Option<u8> {
        let codecs = |list: &[(&str, u8)]| -> Vec<_> {
            list.iter().map(|(name, pt)| codec(name, *pt)).collect()
        };
        let router = codecs(router);
        let source = router
            .iter()
            .map(|one| (PayloadType(one.payload_type), one));
        let map = PayloadTypes::new(source, &codecs(consumer));
        map.sent_as(payload_type).map(|one| one.0)
    }

    #[test]
    fn numbers_of_the_router_stay() {
        let both = [("video/VP8", 101), ("video/rtx", 102)];
        assert_eq!(sent_as(&both[..1], &both, 101), Some(101));
        assert_eq!(sent_as(&both[..1], &both, 102), None);
        assert_eq!(sent_as(&both[..1], &both, 103), None);
    }

    #[test]
    fn numbers_of_the_peer_are_used_where_it_has_its_own() {
        let router = [("video/VP8", 101)];
        let peer = [("video/vp8", 96), ("video/rtx", 97)];
        assert_eq!(sent_as(&router, &peer, 101), Some(96));
        // What the peer calls 101 is something else.
        let peer = [("video/H264", 101), ("video/VP8", 96)];
        assert_eq!(sent_as(&router, &peer, 101), Some(96));
        assert_eq!(sent_as(&router, &peer[..1], 101), None);
    }
}
