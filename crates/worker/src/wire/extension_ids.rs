//! Header extension ids: those of a sender, those of a receiver, and the fixed ones between.

use crate::params::{HeaderExtensionUri as Uri, RtpHeaderExtensionParameters};

/// The form of the block of extensions that a stored packet carries: the two-byte form without its
/// header, under router ids.
pub(crate) const STORED_PROFILE: u16 = 0x1000;

/// The ids that a transport reads on received packets, for routing and for feedback. 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RecvExtensionIds {
    /// The MID (RFC 8843).
    pub mid: u8,
    /// The RTP stream id (RFC 8852).
    pub rid: u8,
    /// The repaired RTP stream id (RFC 8852).
    pub repaired_rid: u8,
    /// abs-send-time.
    pub abs_send_time: u8,
    /// The transport-wide sequence number.
    pub transport_wide_cc: u8,
}

impl RecvExtensionIds {
    /// Takes over the ids of a new producer.
    pub(crate) fn learn(&mut self, extensions: &[RtpHeaderExtensionParameters]) {
        for extension in extensions {
            match extension.uri {
                Uri::Mid => self.mid = extension.id,
                Uri::RtpStreamId => self.rid = extension.id,
                Uri::RepairedRtpStreamId => self.repaired_rid = extension.id,
                Uri::AbsSendTime => self.abs_send_time = extension.id,
                Uri::TransportWideCc => self.transport_wide_cc = extension.id,
                _ => {}
            }
        }
    }
}

/// How a producer's extensions are kept for consumers. For each id in its packets it holds the
/// router id, or 0 if the extension is not passed on.
#[derive(Clone, Debug)]
pub(crate) struct PassThrough {
    router_ids: [u8; 256],
    video_orientation: Option<u8>,
    dependency_descriptor: Option<u8>,
}

impl PassThrough {
    /// Of a producer's extensions.
    #[must_use]
    pub(crate) fn new(extensions: &[RtpHeaderExtensionParameters]) -> Self {
        let mut router_ids = [0; 256];
        for extension in extensions {
            if is_passed_through(extension.uri) {
                router_ids[usize::from(extension.id)] = extension.uri.router_id();
            }
        }
        let id_of = |uri: Uri| {
            extensions
                .iter()
                .find(|extension| extension.uri == uri)
                .map(|extension| extension.id)
        };
        Self {
            router_ids,
            video_orientation: id_of(Uri::VideoOrientation),
            dependency_descriptor: id_of(Uri::DependencyDescriptor),
        }
    }

    /// The id of video orientation in the producer's packets, if it is negotiated.
    pub(crate) fn video_orientation(&self) -> Option<u8> {
        self.video_orientation
    }

    /// The id of the dependency descriptor in the producer's packets, if it is negotiated.
    pub(crate) fn dependency_descriptor(&self) -> Option<u8> {
        self.dependency_descriptor
    }

    /// The router id of the extension with this id, if it is kept.
    pub(crate) fn router_id(&self, id: u8) -> Option<u8> {
        Some(self.router_ids[usize::from(id)]).filter(|router_id| *router_id != 0)
    }
}

/// The ids on the packets of one consumer. 0 is an extension that was not negotiated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SendExtensionIds {
    /// The MID (RFC 8843).
    pub mid: u8,
    /// abs-send-time.
    pub abs_send_time: u8,
    /// The transport-wide sequence number.
    pub transport_wide_cc: u8,
    /// Whether an id is beyond the one-byte form.
    pub needs_two_byte_form: bool,
    passed_through: [u8; ROUTER_IDS],
}

impl SendExtensionIds {
    /// Of a consumer's extensions.
    #[must_use]
    pub(crate) fn new(extensions: &[RtpHeaderExtensionParameters]) -> Self {
        let mut ids = Self::default();
        for extension in extensions {
            ids.needs_two_byte_form |= extension.id > MAX_ONE_BYTE_ID;
            match extension.uri {
                Uri::Mid => ids.mid = extension.id,
                Uri::AbsSendTime => ids.abs_send_time = extension.id,
                Uri::TransportWideCc => ids.transport_wide_cc = extension.id,
                uri if is_passed_through(uri) => {
                    ids.passed_through[usize::from(uri.router_id())] = extension.id;
                }
                _ => {}
            }
        }
        ids
    }

    /// The consumer's id of a stored extension; 0 if it is left out.
    pub(crate) fn of_router_id(&self, router_id: u8) -> u8 {
        self.passed_through
            .get(usize::from(router_id))
            .copied()
            .unwrap_or(0)
    }
}

/// Whether an extension says something about the media itself. The others belong to one transport
/// alone.
const fn is_passed_through(uri: Uri) -> bool {
    matches!(
        uri,
        Uri::SsrcAudioLevel
            | Uri::DependencyDescriptor
            | Uri::VideoOrientation
            | Uri::TimeOffset
            | Uri::AbsCaptureTime
            | Uri::PlayoutDelay
            | Uri::PacketId
    )
}

/// One more than the largest router id.
const ROUTER_IDS: usize = Uri::ALL.len() + 1;
/// RFC 8285 §4.2: ids 1–14.
const MAX_ONE_BYTE_ID: u8 = 14;

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A header extension as parameters name it.
    pub(in crate::wire) fn extension(uri: Uri, id: u8) -> RtpHeaderExtensionParameters {
        RtpHeaderExtensionParameters {
            uri,
            id,
            encrypt: false,
            parameters: vec![],
        }
    }

    #[test]
    fn what_describes_the_media_passes_under_the_router_id() {
        let producer = [
            extension(Uri::VideoOrientation, 3),
            extension(Uri::AbsSendTime, 2),
        ];
        let pass = PassThrough::new(&producer);
        assert_eq!(pass.router_id(3), Some(8));
        assert_eq!(pass.router_id(2), None);
        assert_eq!(pass.router_id(9), None);
        let consumer = [
            extension(Uri::VideoOrientation, 200),
            extension(Uri::Mid, 1),
        ];
        let ids = SendExtensionIds::new(&consumer);
        assert_eq!(
            (ids.of_router_id(8), ids.mid, ids.abs_send_time),
            (200, 1, 0)
        );
        assert_eq!(ids.of_router_id(6), 0);
        assert_eq!(ids.of_router_id(255), 0);
        assert!(ids.needs_two_byte_form);
    }
}
