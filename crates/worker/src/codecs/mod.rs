//! What a payload says about itself: key frames, layers, silence. [`describe`] is the entry; each
//! codec has its own parser.
//!
//! Payload is hostile even after authentication, and it may be encrypted end to end. So every
//! parser takes any bytes and reports [`Details::Malformed`] when it cannot read them. Nothing here
//! keeps state: the caller keeps the templates that dependency descriptors refer to.

mod av1;
pub(crate) mod dependency_descriptor;
mod h264;
mod opus;
mod vp8;
mod vp9;

pub(crate) use av1::Av1Payload;
pub(crate) use h264::H264Payload;
pub(crate) use vp8::Vp8Descriptor;
pub(crate) use vp9::Vp9Descriptor;

use crate::params::Codec;

use self::dependency_descriptor::FrameMark;

/// What one packet's payload says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PayloadDescription {
    /// What forwarding has to know.
    pub digest: PayloadDigest,
    /// What the dependency descriptor says on its own, without templates; `None` without a
    /// descriptor.
    pub dependency: Option<FrameMark>,
    /// What only this codec says.
    pub details: Details,
}

/// What forwarding has to know of a payload. It is made once and lies with the stored packet, so that
/// no consumer reads a payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PayloadDigest {
    /// Whether a receiver can begin to decode with this packet, because it begins a key frame or
    /// what must come before one. It is never set for audio.
    pub key_frame: bool,
    /// Whether it is the first packet of a frame, as far as the codec tells; in SVC, of a layer's
    /// frame.
    pub frame_start: bool,
    /// The spatial layer, 0 when the codec does not tell.
    pub spatial_layer: u8,
    /// The temporal layer, 0 when the codec does not tell.
    pub temporal_layer: u8,
    /// Whether a receiver of lower temporal layers may begin to take this packet's layer here.
    pub switching_up: bool,
    /// Whether it only keeps a silent stream alive (discontinuous transmission).
    pub dtx: bool,
}

/// What only one codec says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Details {
    /// A codec whose payload is not looked into.
    Opaque,
    /// Bytes that the codec's payload format does not allow.
    Malformed,
    /// VP8.
    Vp8(Vp8Descriptor),
    /// VP9.
    Vp9(Vp9Descriptor),
    /// H.264.
    H264(H264Payload),
    /// AV1.
    Av1(Av1Payload),
}

/// Describes `payload`, an RTP payload without padding. `dependency_descriptor` is the value of the
/// header extension of that name; if it says something about key frames, it counts more than the
/// payload, which may be encrypted. An empty payload (a probe) is [`Details::Opaque`] and never a
/// key frame.
#[must_use]
pub(crate) fn describe(
    codec: Codec,
    payload: &[u8],
    dependency_descriptor: Option<&[u8]>,
) -> PayloadDescription {
    let mut description = if payload.is_empty() {
        PayloadDescription::opaque()
    } else {
        describe_payload(codec, payload)
    };
    let mark = dependency_descriptor.and_then(FrameMark::read);
    if let Some(mark) = mark.filter(|_| !payload.is_empty()) {
        description.digest.key_frame = mark.frame_start && mark.has_structure;
        description.digest.frame_start = mark.frame_start;
        description.dependency = Some(mark);
    }
    description
}

fn describe_payload(codec: Codec, payload: &[u8]) -> PayloadDescription {
    let described = match codec {
        Codec::Opus | Codec::MultiOpus => {
            let mut description = PayloadDescription::opaque();
            description.digest.dtx = opus::is_dtx(payload);
            return description;
        }
        Codec::Vp8 => Vp8Descriptor::parse(payload).map(PayloadDescription::from),
        Codec::Vp9 => Vp9Descriptor::parse(payload).map(PayloadDescription::from),
        Codec::H264 => H264Payload::parse(payload).map(PayloadDescription::from),
        Codec::Av1 => Av1Payload::parse(payload).map(PayloadDescription::from),
        Codec::Pcma
        | Codec::Pcmu
        | Codec::Isac
        | Codec::G722
        | Codec::Ilbc
        | Codec::Silk
        | Codec::Cn
        | Codec::TelephoneEvent
        | Codec::Rtx => return PayloadDescription::opaque(),
    };
    described.unwrap_or_else(|| PayloadDescription {
        details: Details::Malformed,
        ..PayloadDescription::opaque()
    })
}

impl PayloadDescription {
    fn opaque() -> Self {
        Self::new(PayloadDigest::default(), Details::Opaque)
    }

    fn new(digest: PayloadDigest, details: Details) -> Self {
        Self {
            digest,
            dependency: None,
            details,
        }
    }
}

impl From<Vp8Descriptor> for PayloadDescription {
    fn from(vp8: Vp8Descriptor) -> Self {
        let digest = PayloadDigest {
            key_frame: vp8.key_frame,
            frame_start: vp8.is_frame_start(),
            temporal_layer: vp8.temporal_layer.unwrap_or(0),
            // A key frame refers to nothing, so every layer may begin there.
            switching_up: vp8.layer_sync || vp8.key_frame,
            ..PayloadDigest::default()
        };
        Self::new(digest, Details::Vp8(vp8))
    }
}

impl From<Vp9Descriptor> for PayloadDescription {
    fn from(vp9: Vp9Descriptor) -> Self {
        let digest = PayloadDigest {
            key_frame: vp9.is_key_frame(),
            frame_start: vp9.frame_start,
            spatial_layer: vp9.spatial_layer,
            temporal_layer: vp9.temporal_layer,
            switching_up: vp9.switching_up || vp9.is_key_frame(),
            ..PayloadDigest::default()
        };
        Self::new(digest, Details::Vp9(vp9))
    }
}

impl From<H264Payload> for PayloadDescription {
    fn from(h264: H264Payload) -> Self {
        let digest = PayloadDigest {
            key_frame: h264.sequence_parameter_set || h264.idr_start,
            switching_up: h264.sequence_parameter_set || h264.idr_start,
            ..PayloadDigest::default()
        };
        Self::new(digest, Details::H264(h264))
    }
}

impl From<Av1Payload> for PayloadDescription {
    fn from(av1: Av1Payload) -> Self {
        let digest = PayloadDigest {
            key_frame: av1.new_coded_video_sequence,
            spatial_layer: av1.spatial_layer.unwrap_or(0),
            temporal_layer: av1.temporal_layer.unwrap_or(0),
            switching_up: av1.new_coded_video_sequence,
            ..PayloadDigest::default()
        };
        Self::new(digest, Details::Av1(av1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_codec_has_an_answer_to_every_short_payload() {
        let codecs = [
            Codec::Opus,
            Codec::Pcmu,
            Codec::Vp8,
            Codec::Vp9,
            Codec::H264,
            Codec::Av1,
            Codec::Rtx,
        ];
        for codec in codecs {
            let empty = describe(codec, &[], Some(&[0xc0, 0, 1, 0x80]));
            assert_eq!(empty, PayloadDescription::opaque(), "{codec:?}");
            for first in 0..=255u8 {
                for second in [0, 0x7f, 0xff] {
                    for len in 1..=3 {
                        let _ = describe(codec, &[first, second, second][..len], Some(&[first]));
                    }
                }
            }
        }
    }

    #[test]
    fn the_dependency_descriptor_is_believed_before_the_payload() {
        // A VP8 key frame by its own bytes.
        let payload = [0x10, 0x00, 0, 0];
        assert!(describe(Codec::Vp8, &payload, None).digest.key_frame);
        let middle = [0x01, 0x01, 0x72];
        let told = describe(Codec::Vp8, &payload, Some(&middle));
        assert!(!told.digest.key_frame && !told.digest.frame_start);
        let with_structure = [0x81, 0x01, 0x72, 0x80];
        let encrypted = describe(Codec::Av1, &[0x80, 0xff, 0xff], Some(&with_structure));
        assert!(encrypted.digest.key_frame && encrypted.digest.frame_start);
        assert_eq!(encrypted.dependency.unwrap().frame_number, 0x172);
    }

    #[test]
    fn dtx_is_told_of_opus_alone() {
        assert!(describe(Codec::Opus, &[0x08], None).digest.dtx);
        assert!(describe(Codec::MultiOpus, &[0x08, 0], None).digest.dtx);
        assert!(!describe(Codec::Pcmu, &[0x08], None).digest.dtx);
    }
}
