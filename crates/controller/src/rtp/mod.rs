//! RTP parameters and capabilities, in the JSON of mediasoup and mediasoup-client.
//!
//! Every type here serializes to the field names and values of those libraries, so a signaling
//! layer can pass them on unchanged. Deserializing is strict about types and numeric ranges (a
//! payload type is 0..=127, an SSRC fits 32 bits) and treats `null` like an absent field; what JSON
//! types cannot express is checked by the `validate_*` functions of [`ortc`](crate::ortc).

mod capabilities;
mod codec;
mod codec_parameters;
mod header_extension;
mod number;
mod parameters;
mod scalability_mode;

pub use capabilities::{RtpCapabilities, RtpCodecCapability};
pub use codec::{InvalidMimeType, MediaKind, MimeType, RtcpFeedback};
pub use codec_parameters::{CodecParameters, ParameterValue};
pub use header_extension::{
    RtpHeaderExtension, RtpHeaderExtensionDirection, RtpHeaderExtensionParameters,
    RtpHeaderExtensionUri,
};
pub use number::{InvalidPayloadType, PayloadType, Ssrc};
pub use parameters::{
    CodecMapping, EncodingMapping, RtcpParameters, RtpCodecParameters, RtpEncodingParameters,
    RtpMapping, RtpParameters, RtxParameters,
};
pub use scalability_mode::ScalabilityMode;

use serde::{Deserialize, Deserializer};

/// Reads a field whose JSON `null` means the same as its absence.
fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
