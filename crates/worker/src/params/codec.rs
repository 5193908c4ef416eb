//! Which codecs there are, by MIME type.

/// Audio or video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MediaKind {
    /// Audio.
    Audio,
    /// Video.
    Video,
}

/// The codecs that a worker forwards. Producing any other codec is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Codec {
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
    pub(crate) fn from_mime_type(mime_type: &str) -> Option<(MediaKind, Self)> {
        find(mime_type).map(|(kind, _, codec)| (*kind, *codec))
    }

    /// A MIME type as its registration spells it: `video/H264` for `video/h264`.
    #[must_use]
    pub(crate) fn spelled(mime_type: &str) -> Option<&'static str> {
        find(mime_type).map(|(_, name, _)| *name)
    }

    /// Whether its packets carry media, and not repairs of other packets.
    #[must_use]
    pub(crate) const fn is_media(self) -> bool {
        !matches!(self, Self::Rtx)
    }

    /// Whether its packets replace those of another codec in the same stream, as comfort noise and
    /// telephone events do.
    #[must_use]
    pub(crate) const fn is_complementary(self) -> bool {
        matches!(self, Self::Cn | Self::TelephoneEvent)
    }
}

fn find(mime_type: &str) -> Option<&'static (MediaKind, &'static str, Codec)> {
    CODECS
        .iter()
        .find(|(_, name, _)| name.eq_ignore_ascii_case(mime_type))
}

const CODECS: &[(MediaKind, &str, Codec)] = &[
    (MediaKind::Audio, "audio/opus", Codec::Opus),
    (MediaKind::Audio, "audio/multiopus", Codec::MultiOpus),
    (MediaKind::Audio, "audio/PCMA", Codec::Pcma),
    (MediaKind::Audio, "audio/PCMU", Codec::Pcmu),
    (MediaKind::Audio, "audio/ISAC", Codec::Isac),
    (MediaKind::Audio, "audio/G722", Codec::G722),
    (MediaKind::Audio, "audio/iLBC", Codec::Ilbc),
    (MediaKind::Audio, "audio/SILK", Codec::Silk),
    (MediaKind::Audio, "audio/CN", Codec::Cn),
    (
        MediaKind::Audio,
        "audio/telephone-event",
        Codec::TelephoneEvent,
    ),
    (MediaKind::Audio, "audio/rtx", Codec::Rtx),
    (MediaKind::Video, "video/VP8", Codec::Vp8),
    (MediaKind::Video, "video/VP9", Codec::Vp9),
    (MediaKind::Video, "video/H264", Codec::H264),
    (MediaKind::Video, "video/AV1", Codec::Av1),
    (MediaKind::Video, "video/rtx", Codec::Rtx),
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

    #[test]
    fn mime_types_are_spelled_as_registered() {
        assert_eq!(Codec::spelled("video/h264"), Some("video/H264"));
        assert_eq!(Codec::spelled("AUDIO/ILBC"), Some("audio/iLBC"));
        assert_eq!(Codec::spelled("audio/VP8"), None);
        for (kind, name, codec) in CODECS {
            assert_eq!(Codec::from_mime_type(name), Some((*kind, *codec)));
            assert!(name.starts_with(&format!("{}/", kind.as_str())));
        }
    }
}
