//! Whether two descriptions of a codec mean the same.

use super::h264;
use crate::rtp::{CodecParameters, MimeType, RtpCodecCapability, RtpCodecParameters};

/// What tells one codec from another, in capabilities and parameters alike.
#[derive(Clone, Copy)]
pub(super) struct Codec<'a> {
    mime_type: &'a MimeType,
    clock_rate: u32,
    channels: Option<u8>,
    parameters: &'a CodecParameters,
}

impl Codec<'_> {
    /// Whether two codecs are the same format: media type, clock rate, channels and, for
    /// surround Opus, the layout.
    pub(super) fn same_format(self, other: Codec<'_>) -> bool {
        self.mime_type == other.mime_type
            && self.clock_rate == other.clock_rate
            && self.channels == other.channels
            && (!self.mime_type.has_subtype("multiopus") || self.same_layout(other))
    }

    /// Whether one codec decodes what the other encodes. They need the same format and, if the
    /// format has them, the same packetization mode and profile.
    pub(super) fn compatible(self, other: Codec<'_>) -> bool {
        if !self.same_format(other) {
            return false;
        }
        if self.mime_type.has_subtype("H264") {
            // "If packetization-mode is not present, the value of packetization-mode MUST be
            // inferred to be 0" (RFC 6184 §8.1).
            return self.same_or_default("packetization-mode", other)
                && h264::same_profile(self.parameters, other.parameters);
        }
        if self.mime_type.has_subtype("VP9") {
            // "If no profile-id is present, Profile 0 MUST be inferred" (RFC 9628 §6).
            return self.same_or_default("profile-id", other);
        }
        true
    }

    fn same_layout(self, other: Codec<'_>) -> bool {
        ["num_streams", "coupled_streams"]
            .iter()
            .all(|name| self.parameters.get(name) == other.parameters.get(name))
    }

    fn same_or_default(self, name: &str, other: Codec<'_>) -> bool {
        self.parameters.given(name) == other.parameters.given(name)
    }
}

impl<'a> From<&'a RtpCodecCapability> for Codec<'a> {
    fn from(codec: &'a RtpCodecCapability) -> Self {
        Self {
            mime_type: &codec.mime_type,
            clock_rate: codec.clock_rate,
            channels: codec.channels,
            parameters: &codec.parameters,
        }
    }
}

impl<'a> From<&'a RtpCodecParameters> for Codec<'a> {
    fn from(codec: &'a RtpCodecParameters) -> Self {
        Self {
            mime_type: &codec.mime_type,
            clock_rate: codec.clock_rate,
            channels: codec.channels,
            parameters: &codec.parameters,
        }
    }
}
