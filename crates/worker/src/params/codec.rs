//! Which codecs there are, by MIME type.

/// Audio or video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MediaKind {
    /// Audio.
    Audio,
    /// Video.
    Video,
}

/// The codecs that a worker forwards. What is not listed is refused when it is produced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codec {
    /// Opus (RFC 7587).
    Opus,
    /// Opus with more than two channels.
    MultiOpus,
    /// PCMA (RFC 3551 §4.5.14).
    Pcma,
    /// PCMU (RFC 3551 §4.5.14).
    Pcmu,
    /// iSAC.
    Isac,
    /// G.722 (RFC 3551 §4.5.2).
    G722,
    /// iLBC (RFC 3952).
    Ilbc,
    /// SILK.
    Silk,
    /// Comfort noise (RFC 3389).
    Cn,
    /// DTMF digits and tones (RFC 4733).
    TelephoneEvent,
    /// VP8 (RFC 7741).
    Vp8,
    /// VP9 (RFC 9628).
    Vp9,
    /// H.264 (RFC 6184).
    H264,
    /// AV1 (AV1 RTP specification).
    Av1,
    /// Retransmissions of another codec (RFC 4588).
    Rtx,
}

impl Codec {
    /// The codec of a MIME type such as `video/VP8`, compared without case. `None` when the worker
    /// does not know it.
    #[must_use]
    pub fn from_mime_type(mime_type: &str) -> Option<(MediaKind, Self)> {
        let (kind, subtype) = mime_type.split_once('/')?;
        let kind = match kind.to_ascii_lowercase().as_str() {
            "audio" => MediaKind::Audio,
            "video" => MediaKind::Video,
            _ => return None,
        };
        let subtype = subtype.to_ascii_lowercase();
        CODECS
            .iter()
            .find(|(of, name, _)| *of == kind && *name == subtype)
            .map(|(kind, _, codec)| (*kind, *codec))
    }

    /// Whether its packets carry media themselves, not repairs of other packets.
    #[must_use]
    pub const fn is_media(self) -> bool {
        !matches!(self, Self::Rtx)
    }
}

const CODECS: &[(MediaKind, &str, Codec)] = &[
    (MediaKind::Audio, "opus", Codec::Opus),
    (MediaKind::Audio, "multiopus", Codec::MultiOpus),
    (MediaKind::Audio, "pcma", Codec::Pcma),
    (MediaKind::Audio, "pcmu", Codec::Pcmu),
    (MediaKind::Audio, "isac", Codec::Isac),
    (MediaKind::Audio, "g722", Codec::G722),
    (MediaKind::Audio, "ilbc", Codec::Ilbc),
    (MediaKind::Audio, "silk", Codec::Silk),
    (MediaKind::Audio, "cn", Codec::Cn),
    (MediaKind::Audio, "telephone-event", Codec::TelephoneEvent),
    (MediaKind::Audio, "rtx", Codec::Rtx),
    (MediaKind::Video, "vp8", Codec::Vp8),
    (MediaKind::Video, "vp9", Codec::Vp9),
    (MediaKind::Video, "h264", Codec::H264),
    (MediaKind::Video, "av1", Codec::Av1),
    (MediaKind::Video, "rtx", Codec::Rtx),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mime_types_are_compared_without_case_and_with_their_kind() {
        assert_eq!(
            Codec::from_mime_type("video/vp8"),
            Some((MediaKind::Video, Codec::Vp8))
        );
        assert_eq!(
            Codec::from_mime_type("Audio/OPUS"),
            Some((MediaKind::Audio, Codec::Opus))
        );
        assert_eq!(Codec::from_mime_type("audio/VP8"), None);
        assert_eq!(Codec::from_mime_type("video/H265"), None);
        assert_eq!(Codec::from_mime_type("VP8"), None);
    }
}
