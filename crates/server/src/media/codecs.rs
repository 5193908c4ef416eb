//! The codecs of every room.

use tureen_controller::rtp::{CodecParameters, MediaKind, MimeType, RtpCodecCapability};

use crate::config::CodecName;

/// The media codecs of every router.
pub(super) fn media_codecs(names: &[CodecName]) -> Vec<RtpCodecCapability> {
    names.iter().map(|name| media_codec(*name)).collect()
}

fn media_codec(name: CodecName) -> RtpCodecCapability {
    let audio = |subtype, clock_rate, channels| {
        RtpCodecCapability::audio(
            MimeType::of(MediaKind::Audio, subtype),
            clock_rate,
            channels,
        )
    };
    let video =
        |subtype| RtpCodecCapability::video(MimeType::of(MediaKind::Video, subtype), 90_000);
    match name {
        CodecName::Opus => audio("opus", 48_000, 2),
        CodecName::Pcmu => audio("PCMU", 8_000, 1),
        CodecName::Pcma => audio("PCMA", 8_000, 1),
        CodecName::Vp8 => video("VP8"),
        CodecName::Vp9 => {
            video("VP9").with_parameters(CodecParameters::from([("profile-id", 0.into())]))
        }
        CodecName::H264 => video("H264").with_parameters(CodecParameters::from([
            ("packetization-mode", 1.into()),
            // Constrained baseline, level 3.1: what every browser speaks.
            ("profile-level-id", "42e01f".into()),
            ("level-asymmetry-allowed", 1.into()),
        ])),
        CodecName::Av1 => video("AV1"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_router_takes_every_codec_at_once() {
        let all = [
            CodecName::Opus,
            CodecName::Pcmu,
            CodecName::Pcma,
            CodecName::Vp8,
            CodecName::Vp9,
            CodecName::H264,
            CodecName::Av1,
        ];
        let codecs = media_codecs(&all);
        let router = tureen_controller::ortc::generate_router_rtp_capabilities(&codecs).unwrap();
        let rtx = router
            .codecs
            .iter()
            .filter(|codec| codec.mime_type.is_rtx());
        assert_eq!((router.codecs.len(), rtx.count()), (11, 4));
    }
}
